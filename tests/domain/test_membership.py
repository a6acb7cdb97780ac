"""Who a condition takes in, and until when that is certain."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clarion.domain.conditions import Condition, parse_condition
from clarion.domain.dates import iso
from clarion.domain.membership import membership
from clarion.domain.operators import TIMED
from clarion.domain.records import Profile, Scalar, Subscriber

NOW = 1_700_000_000_000_000
SECOND = 1_000_000
HOUR = 3_600 * SECOND


def condition(raw: dict[str, Any]) -> Condition:
    found, problems = parse_condition(raw, (), ())
    assert found is not None, problems
    return found


def within(span: str, field: str = "profile.seen", op: str = "within_last") -> dict[str, Any]:
    return {"field": field, "op": op, "value": span}


def of(raw: dict[str, Any], now: int = NOW, **attributes: Scalar) -> tuple[bool, int | None]:
    found = membership(condition(raw), Profile("n:p", attributes), None, now)
    return found.holds, found.until


@pytest.mark.parametrize(("op", "inside"), [("within_last", True), ("not_within_last", False)])
def test_a_window_comes_to_a_date_and_leaves_it_behind(op: str, inside: bool) -> None:
    raw = within("1h", op=op)
    seen = iso(NOW)
    assert of(raw, NOW - 1, seen=seen) == (not inside, NOW)
    assert of(raw, NOW, seen=seen) == (inside, NOW + HOUR + 1)
    assert of(raw, NOW + HOUR, seen=seen) == (inside, NOW + HOUR + 1)
    assert of(raw, NOW + HOUR + 1, seen=seen) == (not inside, None)


@pytest.mark.parametrize("value", [7, "soon", True])
@pytest.mark.parametrize("op", sorted(TIMED))
def test_what_is_no_date_never_turns(op: str, value: Scalar) -> None:
    assert of(within("1h", op=op), seen=value) == (False, None)
    assert of(within("1h", op=op)) == (False, None)


def test_conditions_that_do_not_look_at_the_time_are_certain_for_ever() -> None:
    raw = {"any": [{"field": "profile.seen", "op": "before", "value": iso(NOW)}, {"field": "profile.n", "op": "eq", "value": 1}]}
    assert of(raw, seen=iso(NOW - 1)) == (True, None)
    assert not condition(raw).is_timed
    assert condition({"not": within("1h")}).is_timed


def test_the_first_of_several_rows_counts_at_whatever_depth() -> None:
    raw = {"all": [within("2h"), {"not": {"any": [within("1h"), within("3h")]}}]}
    assert of(raw, seen=iso(NOW))[1] == NOW + HOUR + 1


def test_a_subscribers_dates_count() -> None:
    device = Subscriber("d", "n:p", "", "", "", created=NOW, facts={"last_click": NOW})
    for field in ("subscriber.created", "subscriber.last_click"):
        found = membership(condition(within("1h", field)), Profile("n:p"), device, NOW)
        assert (found.holds, found.until) == (True, NOW + HOUR + 1)


def test_a_date_without_an_offset_is_in_the_sites_zone() -> None:
    found = membership(condition(within("1h")), Profile("n:p", {"seen": "2023-11-14T23:13:20"}), None, NOW, "Europe/Berlin")
    assert (found.holds, found.until) == (True, NOW + HOUR + 1)


SPANS = ("1ms", "1s", "90s", "1h")
DATES = st.integers(-3 * HOUR, 3 * HOUR).map(lambda ahead: iso(NOW + ahead))
ROWS = st.one_of(
    st.builds(
        within, st.sampled_from(SPANS), st.sampled_from(("profile.a", "profile.b", "subscriber.created")), st.sampled_from(sorted(TIMED))
    ),
    st.builds(
        lambda field, op, value: {"field": field, "op": op, "value": value},
        st.sampled_from(("profile.a", "profile.b")),
        st.sampled_from(("before", "after")),
        DATES | st.just({"from": "profile.b"}),
    ),
    st.just({"field": "segments", "op": "in", "value": ["x"]}),
    st.just({"field": "profile.b", "op": "exists"}),
)
TREES = st.recursive(
    ROWS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=8,
)
PEOPLE = st.builds(
    lambda attributes, segments, created: (
        Profile("n:p", attributes, segments),
        None if created is None else Subscriber("d", "n:p", "", "", "", created=created),
    ),
    st.dictionaries(st.sampled_from(("a", "b")), DATES | st.just("never") | st.just(3)),
    st.sampled_from(((), ("x",))),
    st.none() | st.integers(NOW - 2 * HOUR, NOW + 2 * HOUR),
)


@given(TREES, PEOPLE, st.integers(0, 4 * HOUR), st.floats(0, 1))
@settings(max_examples=300, deadline=None)
@example(within("1ms", "profile.a"), (Profile("n:p", {"a": iso(NOW)}), None), 0, 1.0)
def test_nothing_turns_before_it_is_said_to(
    raw: dict[str, Any], person: tuple[Profile, Subscriber | None], ahead: int, share: float
) -> None:
    tree, now = condition(raw), NOW + ahead
    found = membership(tree, *person, now)
    last = now + 30 * HOUR if found.until is None else found.until - 1
    assert last >= now
    for at in {now + int((last - now) * share), last, min(now + 1, last)}:
        assert membership(tree, *person, at).holds is found.holds


@given(TREES, PEOPLE, st.integers(-4 * HOUR, 4 * HOUR))
@settings(max_examples=150, deadline=None)
def test_whoever_looks_again_when_told_to_comes_to_an_end_and_misses_nothing(
    raw: dict[str, Any], person: tuple[Profile, Subscriber | None], ahead: int
) -> None:
    tree, at, looks = condition(raw), NOW + ahead, 0
    found = membership(tree, *person, at)
    while found.until is not None:
        assert found.until > at
        at, looks = found.until, looks + 1
        found = membership(tree, *person, at)
    assert looks <= 16
    assert membership(tree, *person, at + 1000 * HOUR).holds is found.holds


def test_every_op_that_looks_at_the_time_says_when_it_turns() -> None:
    assert sorted(TIMED) == ["not_within_last", "within_last"]
