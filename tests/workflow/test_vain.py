"""Conditions that can never hold are refused; those that could are not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.workflow.problems import problems

from clarion.domain.conditions import parse_condition
from clarion.domain.records import Scalar, Scope
from clarion.workflow.vain import vain_rows


def found(*rows: tuple[object, ...]) -> list[str]:
    """What is said of rows that all have to hold, each (field, op) or (field, op, value)."""
    condition = {"all": [dict(zip(("field", "op", "value"), row, strict=False)) for row in rows]}
    assert parse_condition(condition, (), ())[0] is not None
    return [problem.message for problem in vain_rows(condition, ())]


X = "event.x"


@pytest.mark.parametrize(
    "rows",
    [
        [(X, "eq", 1), (X, "eq", 2)],
        [(X, "eq", 1), (X, "eq", True)],
        [(X, "eq", "1"), (X, "gt", 0)],
        [(X, "eq", 1), (X, "ne", 1)],
        [(X, "eq", 1), (X, "nin", [0, 1])],
        [(X, "eq", 1), (X, "in", [2, 3])],
        [(X, "in", [1, 2]), (X, "in", [3])],
        [(X, "in", [1, 2]), (X, "gt", 2)],
        [(X, "eq", "abc"), (X, "starts_with", "b")],
        [(X, "eq", "abc"), (X, "contains", "d")],
        [(X, "gt", 5), (X, "lt", 5)],
        [(X, "gt", 5), (X, "lte", 5)],
        [(X, "gte", 5), (X, "lt", 5)],
        [(X, "gte", 6), (X, "gt", 2), (X, "lte", 5)],
        [(X, "exists"), (X, "not_exists")],
        [(X, "not_exists"), (X, "eq", 1)],
        [(X, "within_last", "1d"), (X, "not_exists")],
        [("run.key", "eq", 5)],
        [("profile.id", "in", [1, 2])],
    ],
)
def test_what_can_never_hold(rows: list[tuple[object, ...]]) -> None:
    [message] = found(*rows)
    assert message == f"can never hold: no {rows[0][0]} meets this and what else is asked of it"


@pytest.mark.parametrize(
    "rows",
    [
        [(X, "eq", 1), (X, "eq", 1.0)],
        [(X, "eq", 1), ("event.y", "eq", 2)],
        [(X, "eq", 1), (X, "eq", {"from": "event.y"})],
        [(X, "eq", 1), (X, "in", [1, 2])],
        [(X, "gte", 5), (X, "lte", 5)],
        [(X, "gt", 5), (X, "lt", 5.1)],
        [(X, "gt", 5), (X, "lt", {"from": "event.y"})],
        [(X, "ne", 1), (X, "ne", 2)],
        [(X, "not_exists"), (X, "ne", 2), (X, "nin", [1])],
        [(X, "eq", "2026-01-01"), (X, "before", "2020-01-01")],
        [("segments", "in", ["a"]), ("segments", "in", ["b"]), ("segments", "nin", ["c"])],
        [("segments", "contains", "a"), ("segments", "contains", "b")],
        [("segments", "exists")],
        [("run.key", "eq", "5")],
    ],
)
def test_what_may_hold(rows: list[tuple[object, ...]]) -> None:
    assert found(*rows) == []


@pytest.mark.parametrize("op", ["eq", "ne", "starts_with", "gt", "before", "within_last"])
def test_segments_are_several(op: str) -> None:
    value = {"gt": 5, "before": "2026-01-01", "within_last": "1d"}.get(op, "vip")
    assert found(("segments", op, value)) == [f"'{op}' compares one value, but segments are several names: use in, nin or contains"]


def test_text_has_no_order() -> None:
    assert found(("run.key", "gt", 5)) == ["'gt' compares numbers, but run.key is text"]


def test_only_what_holds_together_excludes() -> None:
    one, two = ({"field": X, "op": "eq", "value": value} for value in (1, 2))
    assert list(vain_rows({"any": [one, two]}, ())) == []
    assert list(vain_rows({"all": [one, {"any": [two, {"field": X, "op": "exists"}]}]}, ())) == []
    assert list(vain_rows({"all": [one, {"not": two}]}, ())) == []
    [problem] = vain_rows({"all": [one, {"all": [two]}]}, ("when",))
    assert problem.path == ("when", "all", 1, "all", 0)
    [problem] = vain_rows({"any": [one, {"not": {"all": [two, one]}}]}, ())
    assert problem.path == ("any", 1, "not", "all", 1)


def test_where_such_conditions_are_refused() -> None:
    never = "{all: [{field: segments, op: eq, value: vip}]}"
    text = f"""exit: [{{event: e, where: {never}}}, {{audience: {never}}}]
settings: {{goal: {{event: e, within: 1d, where: {never}}}}}
steps:
  - {{id: w, wait_for: {{on: [{{event: e, where: {never}}}], timeout: 1d}}}}
  - {{id: d, decide: {{cases: [{{when: {never}, steps: []}}]}}}}
"""
    places = [path for path, message in problems(text) if message.startswith("'eq' compares one value")]
    assert places == [
        "exit[0].where.all[0].op",
        "exit[1].audience.all[0].op",
        "settings.goal.where.all[0].op",
        "steps[0].wait_for.on[0].where.all[0].op",
        "steps[1].decide.cases[0].when.all[0].op",
    ]


SCALARS = st.sampled_from(["a", "ab", 1, 2, 3.5, True, False, 0, ""])
ROWS = st.one_of(
    st.tuples(st.just(X), st.sampled_from(["eq", "ne"]), SCALARS),
    st.tuples(st.just(X), st.sampled_from(["in", "nin"]), st.lists(SCALARS, min_size=1, max_size=3)),
    st.tuples(st.just(X), st.sampled_from(["gt", "gte", "lt", "lte"]), st.sampled_from([0, 1, 2, 3.5])),
    st.tuples(st.just(X), st.sampled_from(["starts_with", "contains"]), st.sampled_from(["", "a", "b"])),
    st.tuples(st.just(X), st.sampled_from(["exists", "not_exists"])),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=4), SCALARS | st.none())
def test_what_holds_for_some_value_is_not_refused(rows: list[tuple[object, ...]], value: Scalar | None) -> None:
    condition, _ = parse_condition({"all": [dict(zip(("field", "op", "value"), row, strict=False)) for row in rows]}, (), ())
    assert condition is not None
    if condition.evaluate(Scope(event={} if value is None else {"x": value}, entry={})):
        assert found(*rows) == []
