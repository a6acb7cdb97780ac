"""Verdicts: the same outcome as evaluation, every row that was looked at, and the one to name."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.domain.conditions import RowVerdict, Verdict, parse_condition
from clarion.domain.records import Scalar

from .scopes import seeing


def explain(raw: object, data: dict[str, Scalar], **more: Any) -> Verdict:
    condition, problems = parse_condition(raw, ("where",), ())
    assert not problems
    assert condition is not None
    return condition.explain(seeing(data, **more))


def row(key: str, value: Any) -> dict[str, Any]:
    return {"field": f"event.{key}", "op": "eq", "value": value}


def test_the_first_row_that_fails_an_all_is_the_last_looked_at() -> None:
    verdict = explain({"all": [row("a", 1), row("b", 2), row("c", 3)]}, {"a": 1, "b": "2"})
    assert not verdict.ok
    assert verdict.rows == [
        RowVerdict(("where", "all", 0), "event.a", "eq", 1, 1, True),
        RowVerdict(("where", "all", 1), "event.b", "eq", 2, "2", False),
    ]
    assert verdict.decisive == 1


def test_an_any_that_fails_shows_every_row() -> None:
    verdict = explain({"any": [row("a", 1), row("b", 2)]}, {})
    assert [(seen.field, seen.saw, seen.ok) for seen in verdict.rows] == [("event.a", None, False), ("event.b", None, False)]
    assert verdict.decisive == 0


def test_an_any_that_holds_names_the_row_that_held() -> None:
    verdict = explain({"any": [row("a", 1), row("b", 2), row("c", 3)]}, {"b": 2})
    assert verdict.ok
    assert len(verdict.rows) == 2
    assert verdict.decisive == 1


def test_the_row_under_a_not_that_failed_it_is_named_with_its_own_verdict() -> None:
    verdict = explain({"all": [row("a", 1), {"not": {"any": [row("b", 1), row("c", 3)]}}]}, {"a": 1, "c": 3})
    assert not verdict.ok
    named = verdict.rows[verdict.decisive]
    assert (named.field, named.ok) == ("event.c", True)


def test_a_comparison_shows_what_both_fields_held() -> None:
    raw = {"field": "event.cart_id", "op": "eq", "value": {"from": "entry.cart_id"}}
    (seen,) = explain(raw, {}, event={"cart_id": "c2"}, entry={"cart_id": "c1"}).rows
    assert seen == RowVerdict(("where",), "event.cart_id", "eq", "c1", "c2", False, "entry.cart_id")


@pytest.mark.parametrize(
    ("held", "shown"),
    [
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 200 + "…"),
        (2**70, 2**70),
        (10**300, "1" + "0" * 199 + "…"),
        (-(10**300), "-1" + "0" * 198 + "…"),
        (True, True),
        (1.5, 1.5),
    ],
)
def test_what_is_shown_is_bounded_and_survives_json(held: Scalar, shown: object) -> None:
    verdict = explain(row("x", "other"), {"x": held})
    again = msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict)
    assert again == verdict
    assert again.rows[0].saw == shown


def test_long_lists_are_cut() -> None:
    verdict = explain({"field": "segments", "op": "in", "value": [f"s{number}" for number in range(21)]}, {})
    assert verdict.rows[0].expected == [*(f"s{number}" for number in range(20)), "…"]
    assert verdict.rows[0].saw == ["newsletter", "vip"]


values = st.one_of(st.sampled_from(["a", "2026-01-01", "2025-12-31T12:00Z"]), st.integers(-1, 2), st.booleans())
fields = st.sampled_from(["event.a", "event.b", "segments", "profile.name"])
rows = st.one_of(
    st.builds(lambda field, op, value: {"field": field, "op": op, "value": value}, fields, st.sampled_from(["eq", "ne"]), values),
    st.builds(
        lambda field, op, value: {"field": field, "op": op, "value": value}, fields, st.sampled_from(["gt", "lte"]), st.integers(-1, 2)
    ),
    st.builds(
        lambda field, op: {"field": field, "op": op, "value": {"from": "event.b"}}, fields, st.sampled_from(["eq", "in", "lt", "before"])
    ),
    st.builds(lambda field, op: {"field": field, "op": op}, fields, st.sampled_from(["exists", "not_exists"])),
    st.builds(lambda field: {"field": field, "op": "within_last", "value": "1d"}, fields),
)
trees = st.recursive(
    rows,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=8,
)


def outcome(raw: dict[str, Any], verdicts: dict[tuple[str | int, ...], bool], path: tuple[str | int, ...] = ("where",)) -> bool:
    """The plain meaning of a tree, from the verdicts of its rows."""
    if "not" in raw:
        return not outcome(raw["not"], verdicts, (*path, "not"))
    for name, combine in (("all", all), ("any", any)):
        if name in raw:
            return combine(outcome(part, verdicts, (*path, name, position)) for position, part in enumerate(raw[name]))
    return verdicts[path]


@settings(deadline=None, max_examples=200)
@given(trees, st.dictionaries(st.sampled_from(["a", "b"]), values))
def test_explain_agrees_with_evaluate_and_with_the_rows_it_shows(raw: dict[str, Any], data: dict[str, Scalar]) -> None:
    condition, problems = parse_condition(raw, ("where",), ())
    assert not problems
    assert condition is not None
    scope = seeing(data)
    verdict = condition.explain(scope)
    assert verdict.ok is condition.evaluate(scope)
    assert verdict.ok is outcome(raw, {seen.path: seen.ok for seen in verdict.rows})
    assert 0 <= verdict.decisive < len(verdict.rows)
