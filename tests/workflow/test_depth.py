"""As deep as a document may nest, everything at once, from both sides; and what is deeper by far."""

import json
import time
from io import StringIO
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from clarion.workflow.document import json_schema, read_value
from clarion.workflow.program import compile_program
from clarion.workflow.source import DocumentInvalid, canonical, parse_canonical, read_document, read_document_value

Value = Any
LEVELS = 20


def condition(levels: int) -> Value:
    """A row with a list in it, in so many levels of groups, the row counted."""
    held: Value = {"field": "event.x", "op": "in", "value": [1, 2]}
    for level in range(levels - 1):
        held = {("all", "any")[level % 2]: [{"field": f"event.y{level}", "op": "exists"}, held]}
    return held


def body(levels: int) -> Value:
    held: Value = "{{ x }}"
    for level in range(levels):
        held = [held] if level % 2 else {"a": held}
    return held


def steps(kind: str, levels: int, deep: int = LEVELS) -> Value:
    """So many lists of steps in one another, in the inmost a step of every kind that nests values."""
    url = "https://a.example/"
    inmost = [
        {"id": "ask", "decide": {"cases": [{"when": condition(deep), "steps": []}], "else": []}},
        {"id": "hi", "push": {"title": "t", "message": "m", "url": url, "actions": [{"title": "t", "url": url}] * 2}},
        {"id": "call", "http": {"url": url, "headers": {"X-A": "{{ x }}"}, "body": body(deep)}},
        {"id": "listen", "wait_for": {"on": [{"event": "e", "where": condition(deep)}], "timeout": "1h"}},
        {"id": "share", "split": {"paths": [{"percent": 100, "steps": []}]}},
        {"id": "at", "wait": {"days": ["mon"], "window": {"from": "09:00", "to": "10:00"}}},
        {"id": "put", "update": {"set": {"a": "{{ x }}"}, "remove": ["b"]}},
    ]
    for level in range(levels - 1):
        match kind:
            case "decide":
                cases: list[Value] = [{"when": {"field": f"event.x{number}", "op": "exists"}, "steps": []} for number in range(2)]
                cases[-1]["steps"] = inmost
                inmost = [{"id": f"s{level}", "decide": {"cases": cases}}]
            case "split":
                inmost = [{"id": f"s{level}", "split": {"paths": [{"percent": 100, "steps": inmost}]}}]
            case _:
                inmost = [{"id": f"s{level}", "wait_for": {"on": [{"event": "e"}], "timeout": "1h", "otherwise": inmost}}]
    return inmost


def document(kind: str, levels: int = LEVELS, deep: int = LEVELS) -> Value:
    start = {"on": [{"event": "e", "where": condition(deep)}], "audience": condition(deep)}
    return {"workflow": "w", "start": start, "steps": steps(kind, levels, deep)}


def as_yaml(value: Value) -> str:
    """The value in indented blocks."""
    out = StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.dump(json.loads(json.dumps(value)), out)  # a copy: what is in it twice would be written as an alias
    return out.getvalue()


@pytest.mark.parametrize("write", [json.dumps, as_yaml], ids=["json", "yaml"])
@pytest.mark.parametrize("kind", ["decide", "split", "wait_for"])
def test_all_that_nests_may_nest_20_levels_at_once(kind: str, write: Any) -> None:
    value = document(kind)
    read = read_document(write(value))
    assert read.value == value
    stored = canonical(read)
    assert canonical(parse_canonical(stored)) == stored
    assert canonical(read_document_value(json.loads(stored))) == stored
    compile_program(read, 1)


def test_the_schema_takes_it() -> None:
    schema = jsonschema.Draft202012Validator(json_schema())
    for kind in ("decide", "split", "wait_for"):
        assert schema.is_valid(document(kind))


@pytest.mark.parametrize(
    ("value", "messages"),
    [
        (document("decide", 21), {"steps nest more than 20 levels deep"}),
        (document("split", 20, 21), {"is nested more than 20 levels deep", "the body is nested more than 20 levels deep"}),
    ],
    ids=["steps", "values"],
)
def test_a_level_more_is_named_where_it_is(value: Value, messages: set[str]) -> None:
    with pytest.raises(DocumentInvalid) as refused:
        read_document(json.dumps(value))
    assert {problem.message for problem in refused.value.problems} == messages
    assert all(problem.line == 1 and problem.column and problem.column > 1 for problem in refused.value.problems)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 60_000,
        '{"a":' * 40_000,
        "- " * 100_000,
        "steps: " + "[{id: a, decide: {else: " * 8_000,
        "\n".join(" " * depth + "a:" for depth in range(700)),
        json.dumps({"steps": steps("split", 60, 1)}),
    ],
    ids=["lists", "objects", "json", "blocks", "steps", "indented", "sound steps"],
)
def test_what_is_deeper_by_far_is_given_up_at_once(text: str) -> None:
    began = time.process_time()
    with pytest.raises(DocumentInvalid) as refused:
        read_document(text)
    [problem] = refused.value.problems
    assert problem.message == "the document nests too deep"
    assert time.process_time() - began < 2


def test_values_of_any_depth_are_refused_where_they_stand() -> None:
    deep: Value = 1
    for _ in range(5000):
        deep = [deep]
    row = {"field": "event.x", "op": "eq", "value": 1}
    broken = [row | {key: deep} for key in row]
    cases = [{"when": {"all": broken, "op": deep}, "steps": deep}, {"when": deep, "steps": [{"id": deep, "exit": deep}]}]
    again = [{"when": {"not": deep}, "steps": []}] * 2
    value = {
        "workflow": deep,
        "name": deep,
        "start": {"on": [{"event": deep, "where": {"not": deep}}], "key": deep, "again": deep},
        "exit": [{"event": deep, "audience": deep}],
        "settings": {"quiet_hours": {"from": deep, "to": deep}, "timezone": deep, "goal": deep},
        "steps": [
            {"id": "d", "decide": {"cases": [*cases, *again], "else": deep}},
            {"id": "s", "split": {"paths": [{"percent": deep, "steps": [], "name": deep}, deep]}},
            {"id": "w", "wait": {"for": deep, "days": [deep, deep], "window": deep}},
            {"id": "u", "update": {"set": {"a": deep}, "remove": [deep, "a"]}},
            {"id": "h", "http": {"url": deep, "method": deep, "headers": {"a": deep}, "body": deep, "on_error": deep, "await": deep}},
            {"id": "f", "wait_for": {"on": [{"event": deep, "of": deep, "where": deep}], "timeout": deep, "then": deep}},
        ],
    }
    document, reading = read_value(value)
    assert document is None
    assert len(reading.found) > 30
