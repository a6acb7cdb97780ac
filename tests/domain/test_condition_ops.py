"""Every op against every type (semantics §3): types are strict."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.domain.conditions import Condition, parse_condition
from clarion.domain.operators import OPERATORS
from clarion.domain.records import Scalar

from .scopes import seeing

BIG = 2**53 + 1


def condition(field: str, op: str, *value: Any) -> Condition:
    raw = {"field": field, "op": op} | ({"value": value[0]} if value else {})
    found, problems = parse_condition(raw, ("where",), {"react"})
    assert not problems
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("found", "op", "value", "holds"),
    [
        # equality: a number never equals a string, a boolean is no number
        ("a", "eq", "a", True),
        ("a", "eq", "A", False),
        ("", "eq", "", True),
        ("1", "eq", 1, False),
        (1, "eq", "1", False),
        (1, "eq", 1.0, True),
        (1, "eq", True, False),
        (True, "eq", 1, False),
        (0, "eq", False, False),
        (False, "eq", 0, False),
        (True, "eq", True, True),
        (False, "eq", False, True),
        (True, "eq", "true", False),
        (0.1, "eq", 0.1, True),
        (BIG, "eq", float(2**53), False),
        (10**400, "eq", 10**400, True),
        ("a", "ne", "b", True),
        ("a", "ne", "a", False),
        (1, "ne", "1", True),
        (True, "ne", 1, True),
        # order: numbers among themselves only, and exactly
        (2, "gt", 1, True),
        (1, "gt", 1, False),
        (1, "gte", 1, True),
        (1, "gte", 1.0, True),
        (0.9, "gte", 1, False),
        (0, "lt", 0.5, True),
        (1, "lt", 1, False),
        (1, "lte", 1, True),
        (2, "lte", 1, False),
        (BIG, "gt", float(2**53), True),
        (10**400, "gt", 1e308, True),
        (-(10**400), "lt", -1e308, True),
        *((found, op, 0, False) for op in ("gt", "gte", "lt", "lte") for found in ("1", "", "b", True, False)),
        # membership
        ("a", "in", ["a", "b"], True),
        ("c", "in", ["a", "b"], False),
        ("1", "in", [1], False),
        (1, "in", ["1", True], False),
        (1, "in", [1.0], True),
        (True, "in", [1], False),
        (True, "in", [1, True], True),
        ("c", "nin", ["a", "b"], True),
        ("a", "nin", ["a", "b"], False),
        (True, "nin", [1], True),
        # text
        ("haystack", "contains", "st", True),
        ("haystack", "contains", "St", False),
        ("haystack", "contains", "", True),
        (12, "contains", "1", False),
        (True, "contains", "t", False),
        ("haystack", "starts_with", "hay", True),
        ("haystack", "starts_with", "stack", False),
        (12, "starts_with", "1", False),
        # dates
        ("2026-01-01", "before", "2026-01-02", True),
        ("2026-01-02", "before", "2026-01-02", False),
        ("2026-01-02T00:30:00+01:00", "before", "2026-01-02T00:00:00Z", True),
        ("2026-01-03", "after", "2026-01-02", True),
        ("2026-01-02", "after", "2026-01-02", False),
        ("soon", "after", "2026-01-02", False),
        ("soon", "before", "2026-01-02", False),
        (20260103, "after", "2026-01-02", False),
        (True, "before", "2026-01-02", False),
        # now is 2026-01-01T00:00:00Z
        ("2026-01-01T00:00:00Z", "within_last", "24h", True),
        ("2025-12-31T00:00:00Z", "within_last", "24h", True),
        ("2025-12-30T23:59:59Z", "within_last", "24h", False),
        ("2026-01-01T00:00:01Z", "within_last", "24h", False),
        ("2025-12-31T00:00:00Z", "not_within_last", "24h", False),
        ("2025-12-30T23:59:59Z", "not_within_last", "24h", True),
        ("2026-01-01T00:00:01Z", "not_within_last", "24h", True),
        *((found, op, "24h", False) for op in ("within_last", "not_within_last") for found in ("soon", "", 1, 1.5, True)),
    ],
)
def test_ops(found: Scalar, op: str, value: Any, holds: bool) -> None:
    assert condition("event.x", op, value).evaluate(seeing({"x": found})) is holds


@pytest.mark.parametrize("found", ["", "a", 0, 1.5, False])
def test_existence_is_of_any_value(found: Scalar) -> None:
    assert condition("event.x", "exists").evaluate(seeing({"x": found}))
    assert not condition("event.x", "not_exists").evaluate(seeing({"x": found}))


SOUND: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("eq", "ne", "contains", "starts_with"), ("a",)),
    **dict.fromkeys(("gt", "gte", "lt", "lte"), (1,)),
    **dict.fromkeys(("in", "nin"), (["a"],)),
    **dict.fromkeys(("before", "after"), ("2026-01-01",)),
    **dict.fromkeys(("within_last", "not_within_last"), ("1h",)),
    **dict.fromkeys(("exists", "not_exists"), ()),
}


@pytest.mark.parametrize("op", sorted(OPERATORS))
@pytest.mark.parametrize("field", ["event.x", "profile.x", "react.status", "subscriber.city", "run.key"])
def test_a_missing_field_fails_every_op_but_three(field: str, op: str) -> None:
    assert condition(field, op, *SOUND[op]).evaluate(seeing()) is (op in ("ne", "nin", "not_exists"))


@pytest.mark.parametrize("op", sorted(op for op, operator in OPERATORS.items() if operator.takes_field and operator.read))
def test_a_missing_field_to_compare_with_counts_like_a_missing_field(op: str) -> None:
    assert condition("event.x", op, {"from": "entry.y"}).evaluate(seeing({"x": "a"})) is (op in ("ne", "nin"))


@pytest.mark.parametrize(
    ("left", "op", "right", "holds"),
    [
        ("c1", "eq", "c1", True),
        ("c1", "eq", "c2", False),
        (1, "eq", "1", False),
        (1, "eq", True, False),
        (2, "gt", 1, True),
        (2, "gt", "1", False),
        ("2", "gt", 1, False),
        (2, "gt", True, False),
        ("abc", "contains", "b", True),
        ("1", "contains", 1, False),
        ("abc", "starts_with", "a", True),
        ("2026-01-01", "before", "2026-01-02", True),
        ("2026-01-01", "before", "later", False),
        ("2026-01-01", "before", 5, False),
        ("a", "in", "abc", False),
        ("a", "nin", "abc", True),
    ],
)
def test_comparing_with_another_field(left: Scalar, op: str, right: Scalar, holds: bool) -> None:
    assert condition("event.x", op, {"from": "event.y"}).evaluate(seeing({"x": left, "y": right})) is holds


@pytest.mark.parametrize(
    ("op", "value", "holds"),
    [
        ("in", ["vip", "staff"], True),
        ("in", ["staff", 1], False),
        ("nin", ["staff"], True),
        ("nin", ["vip"], False),
        ("contains", "vip", True),
        ("contains", "vi", False),
        ("starts_with", "n", False),
        ("eq", "vip", False),
        ("ne", "vip", True),
        ("eq", {"from": "segments"}, False),
        ("in", {"from": "segments"}, True),
        ("before", "2026-01-01", False),
    ],
)
def test_segments(op: str, value: Any, holds: bool) -> None:
    assert condition("segments", op, value).evaluate(seeing()) is holds


def test_segments_exist_when_there_are_any() -> None:
    assert condition("segments", "exists").evaluate(seeing())
    none = seeing(profile=None)
    assert not condition("segments", "exists").evaluate(none)
    assert condition("segments", "not_exists").evaluate(none)


def test_a_value_can_be_tested_for_being_a_segment() -> None:
    row = condition("event.x", "in", {"from": "segments"})
    assert row.evaluate(seeing({"x": "vip"}))
    assert not row.evaluate(seeing({"x": "staff"}))
    assert not row.evaluate(seeing({"x": True}))


def test_dates_without_offset_are_in_the_zone_of_the_site() -> None:
    row = condition("event.x", "before", "2026-01-01T12:00:00Z")
    data: dict[str, Scalar] = {"x": "2026-01-01T12:30"}
    assert row.evaluate(seeing(data, timezone="Europe/Berlin"))
    assert not row.evaluate(seeing(data, timezone="UTC"))
    assert condition("event.x", "after", "2026-01-01T12:00").evaluate(seeing({"x": "2026-01-01T11:30Z"}, timezone="Europe/Berlin"))


def test_facts_of_the_subscriber_that_are_instants_compare_as_dates() -> None:
    from .scopes import BROWSER

    scope = seeing(subscriber=BROWSER)
    assert condition("subscriber.created", "within_last", "2s").evaluate(scope)
    assert not condition("subscriber.created", "within_last", "1s").evaluate(scope)
    assert condition("subscriber.last_click", "not_exists").evaluate(scope)


numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
scalars = st.one_of(st.text(max_size=3), numbers, st.booleans())


@settings(deadline=None)
@given(numbers, numbers)
def test_exactly_one_of_less_equal_greater_holds_between_numbers(left: float, right: float) -> None:
    scope = seeing({"x": left, "y": right})
    assert sum(condition("event.x", op, {"from": "event.y"}).evaluate(scope) for op in ("lt", "eq", "gt")) == 1


@settings(deadline=None)
@given(scalars, scalars)
def test_opposites_are_opposite(left: Scalar, right: Scalar) -> None:
    scope = seeing({"x": left, "y": right})
    for op, opposite in (("eq", "ne"), ("in", "nin"), ("exists", "not_exists")):
        value = () if op == "exists" else ({"from": "event.y"},)
        assert condition("event.x", op, *value).evaluate(scope) is not condition("event.x", opposite, *value).evaluate(scope)


@settings(deadline=None)
@given(scalars, scalars)
def test_a_literal_means_the_same_as_a_field_that_holds_it(left: Scalar, right: Scalar) -> None:
    if isinstance(right, str) and ("\x00" in right or not right.isprintable()):
        return
    for op in ("eq", "ne"):
        direct = condition("event.x", op, right).evaluate(seeing({"x": left}))
        assert direct is condition("event.x", op, {"from": "event.y"}).evaluate(seeing({"x": left, "y": right}))
