"""Whatever is given for a document: it is one, or every problem is said; nothing raises, nothing is unbounded."""

import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.workflow.documents import at, documents, places

from clarion.workflow.document import read_value
from clarion.workflow.program import compile_program
from clarion.workflow.shapes import Reading
from clarion.workflow.source import canonical
from clarion.workflow.steps import KINDS

WILD = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.sampled_from([10**4000, -(10**400), "\ud800", "\x00", "{{" * 400, "{% if %}", "x" * 70_000, "𐏿" * 100]),
        st.text(st.characters(), max_size=20),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=8) | st.sampled_from([*KINDS]), inner),
    max_leaves=8,
)


@st.composite
def spoiled(draw: st.DrawFn) -> object:
    """A valid document in which wild values stand in a few places."""
    document: Any = draw(documents(most_steps=6))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places(document))))
        if not path:
            return draw(WILD)
        at(document, path[:-1])[path[-1]] = draw(WILD)
    return document


@settings(max_examples=250, deadline=None)
@given(spoiled())
def test_anything_is_a_document_or_has_problems(value: object) -> None:
    document, reading = read_value(value)
    assert (document is None) == bool(reading.found)
    assert len(reading.found) <= Reading.LIMIT
    for problem in reading.found:
        assert len(problem.message) < 1000
    if document is not None:
        compile_program(document, 1)
        msgspec.json.decode(canonical(document))


def deep(levels: int) -> Any:
    """Steps in steps, without an end."""
    steps: list[Any] = []
    for level in range(levels):
        steps = [{"id": f"s{level}", "split": {"paths": [{"percent": 100, "steps": steps}]}}]
    return steps


def broad(count: int) -> Any:
    return [{"id": "d", "decide": {"cases": [{"when": {"field": "event.x", "op": "exists"}, "steps": deep(15)}] * count}}]


@pytest.mark.parametrize(
    "steps",
    [
        deep(5000),
        broad(5000),
        [deep(50)[0]] * 5000,
        [{"id": "a", "http": {"url": "https://a.example/", "body": deep(5000)}}],
        [{"id": "a", "update": {"set": {f"k{number}": "{{ x }}" for number in range(5000)}}}],
        [{f"k{number}": {} for number in range(5000)}],
        [{"id": "a", "wait_for": {"on": [{"event": "e"}] * 5000, "timeout": "1s"}}],
        [{"id": f"s{number}", "segment": {"add": [f"{{{{ s{number}.status }}}}"] * 20}} for number in range(500)],
    ],
    ids=["deep", "broad", "many deep", "deep body", "many keys", "many kinds", "many events", "many references"],
)
def test_what_is_too_much_is_refused_soon(steps: Any) -> None:
    began = time.process_time()
    document, reading = read_value({"workflow": "w", "start": {"on": [{"event": "e"}]}, "steps": steps})
    assert document is None
    assert 0 < len(reading.found) <= Reading.LIMIT
    assert time.process_time() - began < 3


@pytest.mark.parametrize("value", [None, 5, "x", [], {}, {"steps": []}, {"workflow": "w", "start": None, "steps": None}])
def test_what_is_nothing_like_a_document(value: object) -> None:
    document, reading = read_value(value)
    assert document is None
    assert reading.found


def test_a_number_that_python_would_not_print() -> None:
    paths = [{"percent": 10**5000, "steps": []}]
    settings_ = {"frequency_cap": {"pushes": 10**5000, "per": "1d"}}
    step = {"id": "s", "split": {"paths": paths}}
    _, reading = read_value({"workflow": "w", "start": {"on": [{"event": "e"}]}, "settings": settings_, "steps": [step]})
    assert [problem.path[-1] for problem in reading.found] == ["pushes", "percent"]


def test_half_of_a_character_is_refused_wherever_text_is_taken() -> None:
    value = {
        "workflow": "w",
        "name": "\ud800",
        "start": {"on": [{"event": "\udfff"}]},
        "steps": [
            {"id": "a", "push": {"title": "\ud83d", "message": "🙂", "url": "https://a.example/"}},
            {"id": "b", "exit": {"reason": "\ude42"}},
        ],
    }
    _, reading = read_value(value)
    assert [problem.message for problem in reading.found] == ["must not contain half of a character"] * 4
