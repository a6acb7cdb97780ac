"""Conditions as documents write them: all problems at once, each at its place; bounded."""

import datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.domain.conditions import MOST_DEPTH, MOST_ROWS, condition_schema, parse_condition

from .scopes import seeing

ROW = {"field": "event.price", "op": "gte", "value": 20}


def problems(raw: object) -> list[tuple[tuple[str | int, ...], str]]:
    condition, found = parse_condition(raw, ("start", "where"), {"react"})
    assert (condition is None) == bool(found)
    return [(problem.path[2:], problem.message) for problem in found if problem.path[:2] == ("start", "where")]


@pytest.mark.parametrize(
    ("raw", "path", "message"),
    [
        (None, (), "must be a row"),
        ([ROW], (), "must be a row"),
        ("event.price > 5", (), "must be a row"),
        ({}, (), "'field' is required"),
        ({"any": []}, ("any",), "must be a list of one or more"),
        ({"all": ROW}, ("all",), "must be a list of one or more"),
        ({"not": [ROW]}, ("not",), "must be a row"),
        ({"all": [ROW], "any": [ROW]}, (), "'all' must stand alone, not beside 'any'"),
        ({"all": [ROW], "field": "x"}, (), "'all' must stand alone, not beside 'field'"),
        ({"all": [ROW, 5]}, ("all", 1), "must be a row"),
        (ROW | {"vale": 1}, ("vale",), "unknown key 'vale' (did you mean 'value'?)"),
        (ROW | {1: 1}, ("1",), "unknown key '1'"),
        ({"al": [ROW]}, ("al",), "unknown key 'al' (did you mean 'all'?)"),
        (ROW | {"field": "evnt.price"}, ("field",), "unknown field 'evnt.price' (did you mean 'event.price'?)"),
        (ROW | {"field": 5}, ("field",), "must be a field"),
        (ROW | {"field": ""}, ("field",), "must be a field"),
        (ROW | {"field": "secrets.x"}, ("field",), "secrets can be used in http steps only"),
        (ROW | {"op": "gtee"}, ("op",), "unknown op 'gtee' (did you mean 'gte'?)"),
        (ROW | {"op": "=="}, ("op",), "unknown op '==' (did you mean 'eq'?)"),
        (ROW | {"op": ["eq"]}, ("op",), "unknown op"),
        ({"field": "event.x", "value": 1}, (), "'op' is required"),
        ({"field": "event.x", "op": "eq"}, (), "'value' is required"),
        ({"field": "event.x", "op": "exists", "value": True}, ("value",), "'exists' takes no value"),
        (ROW | {"value": {"from": "entry.x", "to": 1}}, ("value", "to"), "unknown key 'to'"),
        (ROW | {"value": {"form": "entry.x"}}, ("value", "form"), "did you mean 'from'?"),
        (ROW | {"value": {}}, ("value",), "'from' is required"),
        (ROW | {"value": {"from": "nope.x"}}, ("value", "from"), "unknown field 'nope.x': a field starts with event, "),
        *(
            (ROW | {"op": op, "value": value}, ("value",), "must be a number")
            for op in ("gt", "gte", "lt", "lte")
            for value in ("5", True, [5], None)
        ),
        (ROW | {"value": float("nan")}, ("value",), "must be a number"),
        (ROW | {"op": "eq", "value": None}, ("value",), "must be a string, a number"),
        (ROW | {"op": "eq", "value": [1]}, ("value",), "must be a string, a number"),
        (ROW | {"op": "eq", "value": float("inf")}, ("value",), "finite"),
        (ROW | {"op": "eq", "value": "x" * 4097}, ("value",), "at most 4096"),
        (ROW | {"op": "eq", "value": "a\x00"}, ("value",), "NUL"),
        (ROW | {"op": "eq", "value": "\ud800"}, ("value",), "surrogates"),
        (ROW | {"op": "eq", "value": datetime.date(2026, 1, 1)}, ("value",), "in quotes"),
        (ROW | {"op": "after", "value": datetime.date(2026, 1, 1)}, ("value",), "in quotes"),
        (ROW | {"op": "in", "value": "a"}, ("value",), "list of 1 to 1000"),
        (ROW | {"op": "in", "value": []}, ("value",), "list of 1 to 1000"),
        (ROW | {"op": "in", "value": [1] * 1001}, ("value",), "list of 1 to 1000"),
        (ROW | {"op": "nin", "value": [None]}, ("value",), "must be a string, a number"),
        (ROW | {"op": "contains", "value": 5}, ("value",), "must be a string"),
        (ROW | {"op": "starts_with", "value": True}, ("value",), "must be a string"),
        (ROW | {"op": "before", "value": "tomorrow"}, ("value",), "ISO 8601"),
        (ROW | {"op": "after", "value": 5}, ("value",), "must be a string"),
        (ROW | {"op": "within_last", "value": 24}, ("value",), "is no duration"),
        (ROW | {"op": "within_last", "value": "24"}, ("value",), "is no duration"),
        (ROW | {"op": "within_last", "value": "0s"}, ("value",), "longer than 0s"),
        (ROW | {"op": "not_within_last", "value": {"from": "entry.x"}}, ("value",), "is no duration"),
    ],
)
def test_a_problem_is_named_at_its_place(raw: object, path: tuple[str | int, ...], message: str) -> None:
    found = problems(raw)
    assert any(message in said for place, said in found if place == path)


def test_all_problems_are_named_in_the_order_of_the_document() -> None:
    raw = {"all": [{"field": "x.y", "op": "eq", "value": 1}, {"any": [ROW | {"op": "nope"}, ROW, ROW | {"value": "5", "extra": 1}]}]}
    assert [path for path, _ in problems(raw)] == [
        ("all", 0, "field"),
        ("all", 1, "any", 0, "op"),
        ("all", 1, "any", 2, "extra"),
        ("all", 1, "any", 2, "value"),
    ]


def nested(levels: int) -> dict[str, Any]:
    raw: dict[str, Any] = ROW
    for _ in range(levels - 1):
        raw = {"not": raw}
    return raw


def test_depth_is_bounded() -> None:
    assert not problems(nested(MOST_DEPTH))
    assert "more than 20 levels" in problems(nested(MOST_DEPTH + 1))[0][1]


def test_rows_are_bounded() -> None:
    assert not problems({"all": [ROW] * MOST_ROWS})
    found = problems({"all": [ROW] * (MOST_ROWS + 5)})
    assert found == [(("all", MOST_ROWS), "the condition has more than 200 rows")]


def test_a_tree_that_aliases_make_vast_is_cut_short() -> None:
    raw: dict[str, Any] = {"all": []}
    for _ in range(MOST_DEPTH - 2):
        raw = {"all": [raw] * 200}
    found = problems(raw)
    assert len(found) <= 100


def test_condition_names_its_fields() -> None:
    condition, _ = parse_condition({"all": [ROW, {"field": "react.status", "op": "eq", "value": {"from": "entry.x"}}]}, (), {"react"})
    assert condition is not None
    assert condition.fields == {"event.price", "react.status", "entry.x"}


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.sampled_from(["event.a", "eq", "in", "1h"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["all", "any", "not", "field", "op", "value", "from", "x"]), inner, max_size=4),
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(json_values)
def test_any_value_is_a_condition_or_has_problems(raw: object) -> None:
    condition, found = parse_condition(raw, (), ())
    assert (condition is None) == bool(found)
    if condition is not None:
        assert condition.explain(seeing()).ok is condition.evaluate(seeing())


SCHEMA = jsonschema.Draft202012Validator({"$ref": "#/$defs/condition", "$defs": {"condition": condition_schema()}})


@pytest.mark.parametrize(
    "raw",
    [
        ROW,
        {"not": {"any": [ROW, {"field": "segments", "op": "in", "value": ["a", 1, True]}]}},
        {"field": "event.x", "op": "exists"},
        {"field": "event.x", "op": "within_last", "value": "7d"},
        {"field": "event.x", "op": "eq", "value": {"from": "entry.x"}},
    ],
)
def test_the_schema_takes_sound_conditions(raw: object) -> None:
    assert not problems(raw)
    SCHEMA.validate(raw)


@pytest.mark.parametrize(
    "raw", [{}, {"all": []}, ROW | {"x": 1}, ROW | {"op": "=="}, ROW | {"value": "5"}, {"field": "a", "op": "exists", "value": 1}]
)
def test_the_schema_refuses_unsound_conditions(raw: object) -> None:
    assert problems(raw)
    assert not SCHEMA.is_valid(raw)
