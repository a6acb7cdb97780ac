"""A push leads to http and https only: as its URLs stand in the document, and as they are made of data."""

import pytest
from tests.workflow.builders import ProgramOf
from tests.workflow.journey import Journey
from tests.workflow.problems import step_problems

from clarion.workflow.run import COMPLETED, FAILED

FIELDS = {
    "url": "push.url",
    "icon": "push.icon",
    "image": "push.image",
    "badge": "push.badge",
    "actions": "push.actions[0].url",
}
OTHERS = [
    "javascript:alert(1)",
    "JavaScript:alert(1)//https://shop.example/",
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
    "ftp://shop.example/",
    "intent://shop.example/#Intent;end",
    "blob:https://shop.example/1",
    "//shop.example/",
    "/cart",
    "https:shop.example",
]


def step(field: str, url: str) -> str:
    """A push whose URLs are fine, but for one."""
    urls = {"url": "'https://shop.example/'"} | {field: f"[{{title: t, url: '{url}'}}]" if field == "actions" else f"'{url}'"}
    return "{id: hi, push: {title: t, message: m, " + ", ".join(f"{name}: {value}" for name, value in urls.items()) + "}}"


@pytest.mark.parametrize("url", OTHERS)
@pytest.mark.parametrize("field", FIELDS)
def test_other_schemes_are_refused_in_the_document(field: str, url: str) -> None:
    [(path, _)] = step_problems(step(field, url))
    assert path == FIELDS[field]


@pytest.mark.parametrize("url", ["http://shop.example/", "https://shop.example/cart?a=1#b", "HTTPS://shop.example"])
@pytest.mark.parametrize("field", FIELDS)
def test_http_and_https_are_taken(program: ProgramOf, field: str, url: str) -> None:
    assert Journey(program(f"steps:\n  - {step(field, url)}\n")).begin().run.status == COMPLETED


@pytest.mark.parametrize("url", OTHERS)
@pytest.mark.parametrize("field", FIELDS)
def test_other_schemes_from_an_events_data_fail_the_step(program: ProgramOf, field: str, url: str) -> None:
    journey = Journey(program(f"steps:\n  - {step(field, '{{ where }}')}\n"), where=url).begin()
    assert (journey.run.status, journey.effects) == (FAILED, [])
    assert Journey(program(f"steps:\n  - {step(field, '{{ where }}')}\n"), where="https://shop.example/").begin().run.status == COMPLETED
