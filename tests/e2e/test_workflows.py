"""Workflows over HTTP: published, shown, refused with the place of every problem."""

import asyncio
import json

import pytest
from tests.e2e.server import Api, Server, unique

YAML = "workflow: {slug}\nstart:\n  on:\n    - event: never-sent\nsteps: []\n"


async def test_a_document_comes_back_as_it_was_published(api: Api) -> None:
    slug = unique("shown")
    text = YAML.format(slug=slug)
    answer = await api.ask("PUT", f"/workflows/{slug}", text.encode(), content_type="application/yaml")
    assert (answer.status, answer.json["data"]["version"], answer.json["data"]["created"]) == (200, 1, True)
    again = await api.ask("PUT", f"/workflows/{slug}", text.encode(), content_type="application/yaml")
    assert (again.json["data"]["version"], again.json["data"]["created"]) == (1, False)
    shown = await api.get(f"/workflows/{slug}")
    assert (shown["source"], shown["status"]) == (text, "active")
    assert shown["document"] == {"workflow": slug, "start": {"on": [{"event": "never-sent"}]}, "steps": []}
    assert slug in [row["workflow"] for row in (await api.get("/workflows"))["workflows"]]


async def test_json_may_escape_a_character_in_two_halves(api: Api) -> None:
    slug, name = unique("escaped"), "Schuhe für \N{GRINNING FACE}"
    body = json.dumps({"workflow": slug, "name": name, "start": {"on": [{"event": "never-sent"}]}, "steps": []}, ensure_ascii=True)
    assert "\\ud83d\\ude00" in body
    assert (await api.ask("PUT", f"/workflows/{slug}", body.encode())).json["data"]["name"] == name
    assert (await api.get(f"/workflows/{slug}"))["name"] == name


@pytest.mark.parametrize("half", ["\\ud83d", "\\ude00", "\\ude00\\ud83d"])
async def test_half_a_character_is_refused(api: Api, half: str) -> None:
    for body in (f'{{"workflow": "w", "name": "{half}"}}', f'{{"{half}": 1}}'):
        answer = await api.ask("POST", "/workflows/validate", body.encode())
        assert answer.status == 400
        assert "half of an escaped character" in answer.json["error"]["details"][0]["message"]


async def test_a_problem_names_its_place(api: Api) -> None:
    answer = await api.ask("PUT", "/workflows/w", b"workflow: w\nstart: {on: []}\nsteps: []\n", content_type="application/yaml")
    assert answer.status == 400
    [detail] = answer.json["error"]["details"]
    assert detail["path"] == ["start", "on"]
    assert detail["message"].startswith("line 2, column ")


async def test_the_slug_has_to_be_the_addresss(api: Api) -> None:
    answer = await api.ask("PUT", "/workflows/other", YAML.format(slug="one").encode(), content_type="application/yaml")
    assert answer.status == 400
    assert answer.json["error"]["details"] == [{"message": 'workflow must be "other", as in the address', "path": ["workflow"]}]


async def test_events_are_taken_while_a_huge_document_is_read(server: Server, api: Api) -> None:
    huge = b"workflow: w\nx: [" + b"1," * 45_000 + b"1]"
    async with server.api() as other:
        reading = asyncio.create_task(other.ask("POST", "/workflows/validate", huge, content_type="application/yaml"))
        taken = 0
        while not reading.done():
            await api.accept("x")
            taken += 1
        assert (await reading).status == 400
    assert taken > 20
