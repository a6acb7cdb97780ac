"""The row that is named is the one that decided, found from the rows that were looked at alone."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.domain.conditions import parse_condition
from clarion.domain.records import Scalar, Scope
from clarion.workflow.explain.rows import MOST_NAMED, name_rows, tell_rows

WHERE = ("start", "on", 0, "where")


def judged(condition: object, event: Mapping[str, Scalar], path: tuple[str | int, ...] = WHERE) -> Any:
    found, problems = parse_condition(condition, path, ())
    assert found is not None, problems
    return found.explain(Scope(event=event, entry={}))


def row(field: str, op: str = "eq", value: object = 1) -> dict[str, object]:
    return {"field": f"event.{field}", "op": op} | ({} if op in ("exists", "not_exists") else {"value": value})


ROWS = st.builds(row, st.sampled_from("abc"), st.sampled_from(["eq", "ne"]))
TREES = st.recursive(
    ROWS,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=8,
)


@given(TREES, st.dictionaries(st.sampled_from("abc"), st.integers(0, 2)))
@settings(max_examples=200, deadline=None)
def test_the_decisive_row_is_the_evaluations_own(tree: object, event: dict[str, int]) -> None:
    verdict = judged(tree, event)
    stored = msgspec.json.decode(msgspec.json.encode(verdict.rows))
    assert [index for index, told in enumerate(tell_rows(stored)) if told.decisive] == [verdict.decisive]


def test_of_several_triggers_each_is_named() -> None:
    rows = [*judged({"all": [row("a")]}, {"a": 2}).rows, *judged(row("b"), {"b": 3}, ("start", "on", 1, "where")).rows]
    assert name_rows(tell_rows(rows)) == "start.on[0].where.all[0]: event.a eq 1 — saw 2; start.on[1].where: event.b eq 1 — saw 3"


def test_the_condition_that_held_is_named_alone() -> None:
    failed = judged(row("a"), {"a": 2}, ("steps", 0, "decide", "cases", 0, "when")).rows
    held = judged(row("a", value=2), {"a": 2}, ("steps", 0, "decide", "cases", 1, "when")).rows
    assert name_rows(tell_rows([*failed, *held])) == "steps[0].decide.cases[1].when: event.a eq 2 — saw 2"


def test_of_two_conditions_that_hold_the_later_settled_it() -> None:
    rows = [one for case in (0, 1) for one in judged(row("a"), {"a": 1}, ("steps", 0, "decide", "cases", case, "when")).rows]
    assert name_rows(tell_rows(rows)) == "steps[0].decide.cases[1].when: event.a eq 1 — saw 1"


def test_what_is_named_is_bounded() -> None:
    rows = [one for number in range(10) for one in judged(row("a"), {"a": 2}, ("start", "on", number, "where")).rows]
    assert name_rows(tell_rows(rows)).endswith("; and 7 more")
    assert name_rows(tell_rows(rows)).count("saw") == MOST_NAMED
    assert name_rows(tell_rows(rows[:4])).endswith("start.on[2].where: event.a eq 1 — saw 2; and 1 more")
    assert name_rows(tell_rows(rows[:3])).endswith("start.on[2].where: event.a eq 1 — saw 2")
    assert name_rows(tell_rows([])) == ""


@pytest.mark.parametrize(
    ("condition", "event", "sentence"),
    [
        (row("price", "gte", 20), {"price": 12.5}, "event.price gte 20 — saw 12.5"),
        (row("price", "gte", 20), {"price": "25"}, 'event.price gte 20 — saw "25"'),
        (row("price", "gte", 20), {}, "event.price gte 20 — the field is missing"),
        (row("x", "exists"), {}, "event.x exists — the field is missing"),
        (row("x", "not_exists"), {"x": True}, "event.x not_exists — saw true"),
        (row("x", "in", ["a", "b"]), {"x": "c"}, 'event.x in ["a","b"] — saw "c"'),
        (row("x", "eq", {"from": "event.y"}), {"x": 1, "y": 2}, "event.x eq event.y (which is 2) — saw 1"),
        (row("x", "eq", {"from": "event.y"}), {"x": 1}, "event.x eq event.y (which is missing) — saw 1"),
        ({"not": row("x", "eq", 1)}, {"x": 1}, "event.x eq 1 — saw 1, which must not be"),
        ({"not": {"not": row("x", "eq", 1)}}, {"x": 2}, "event.x eq 1 — saw 2"),
        ({"not": {"not": row("x", "eq", 1)}}, {"x": 1}, "event.x eq 1 — saw 1"),
        ({"not": {"any": [{"not": {"not": row("x", "eq", 1)}}]}}, {"x": 1}, "event.x eq 1 — saw 1, which must not be"),
    ],
)
def test_a_row_says_what_it_wanted_and_saw(condition: Any, event: dict[str, Scalar], sentence: str) -> None:
    [told] = [one for one in tell_rows(judged(condition, event).rows) if one.decisive]
    assert told.sentence.partition(": ")[2] == sentence


def test_what_cannot_be_read_is_left_out() -> None:
    rows = [None, 1, {"path": 3}, *judged(row("a"), {"a": 2}).rows]
    assert [told.field for told in tell_rows(rows)] == ["event.a"]


def test_odd_paths_are_told_all_the_same() -> None:
    stored = {"field": "x", "op": "eq", "expected": 1, "saw": 2, "ok": False}
    for path in ([], [0], ["all"], ["all", "all"], ["not"], ["not", "not"], ["any", 0, "not"], ["all", 0] * 500):
        assert [told.decisive for told in tell_rows([stored | {"path": path}])] == [True]
