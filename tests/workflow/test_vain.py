"""Conditions that can never hold are refused; those that could are not."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.workflow.builders import START
from tests.workflow.problems import problems

from clarion.domain.conditions import parse_condition
from clarion.domain.records import Profile, Scalar, Scope
from clarion.workflow.source import read_document
from clarion.workflow.steps.push import STATUSES
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
        [(X, "eq", 5), (X, "gt", 5)],
        [(X, "eq", 5), (X, "gte", 6)],
        [(X, "eq", 5), (X, "lt", 5)],
        [(X, "eq", 5), (X, "lte", 4)],
        [(X, "gt", 5), (X, "lt", 5)],
        [(X, "gt", 5), (X, "lte", 5)],
        [(X, "gte", 5), (X, "lt", 5)],
        [(X, "gte", 6), (X, "gt", 2), (X, "lte", 5)],
        [(X, "exists"), (X, "not_exists")],
        [(X, "not_exists"), (X, "eq", 1)],
        [(X, "within_last", "1d"), (X, "not_exists")],
        [(X, "gt", 5), (X, "not_exists")],
        [(X, "gt", {"from": "event.y"}), (X, "not_exists")],
        [(X, "gt", 5), (X, "starts_with", "a")],
        [(X, "lt", {"from": "event.y"}), (X, "within_last", "1d")],
        [(X, "eq", 5), (X, "contains", {"from": "event.y"})],
        [(X, "eq", "a"), (X, "lt", {"from": "event.y"})],
        [(X, "eq", 5), (X, "starts_with", {"from": "event.y"})],
        [(X, "eq", 5), (X, "before", "2026-01-01")],
        [(X, "eq", 5), (X, "after", "2026-01-01")],
        [(X, "eq", True), (X, "within_last", "1d")],
        [(X, "eq", 5), (X, "not_within_last", "1d")],
        [(X, "gte", 5), (X, "lte", 5), (X, "ne", 5)],
        [(X, "gte", 5), (X, "lte", 5), (X, "nin", [4, 5])],
        [(X, "gt", 1), (X, "gte", 5), (X, "lt", 9), (X, "lt", 5)],
        [(X, "gt", 5), (X, "gt", 1), (X, "lt", 5), (X, "lt", 9)],
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
        [(X, "gte", 5), (X, "lte", 5), (X, "ne", 6)],
        [(X, "eq", 5), (X, "gte", 5), (X, "lte", 5), (X, "gt", 4), (X, "lt", 6)],
        [(X, "exists"), (X, "gt", 5)],
        [(X, "exists"), (X, "starts_with", "a"), (X, "contains", "b"), (X, "after", "2020-01-01")],
        [(X, "not_exists"), (X, "ne", {"from": "event.y"}), (X, "nin", {"from": "event.y"})],
        [(X, "eq", "abc"), (X, "starts_with", {"from": "event.y"}), (X, "contains", "c")],
        [(X, "eq", "abc"), (X, "within_last", "1d"), (X, "ne", {"from": "event.y"})],
        [(X, "eq", 5), (X, "gt", {"from": "event.y"})],
        [(X, "gt", 5), (X, "lt", 5.1)],
        [(X, "gt", 5), (X, "lt", {"from": "event.y"})],
        [(X, "ne", 1), (X, "ne", 2)],
        [(X, "not_exists"), (X, "ne", 2), (X, "nin", [1])],
        [(X, "eq", "2026-01-01"), (X, "before", "2020-01-01")],
        [("segments", "in", ["a"]), ("segments", "in", ["b"]), ("segments", "nin", ["c"])],
        [("segments", "contains", "a"), ("segments", "contains", "b")],
        [("segments", "exists"), ("segments", "contains", "a"), ("segments", "in", ["a"])],
        [("segments", "not_exists"), ("segments", "nin", ["a"])],
        [("run.key", "eq", "5")],
    ],
)
def test_what_may_hold(rows: list[tuple[object, ...]]) -> None:
    assert found(*rows) == []


@pytest.mark.parametrize("op", ["eq", "ne", "starts_with", "gt", "before", "within_last"])
def test_segments_are_several(op: str) -> None:
    value = {"gt": 5, "before": "2026-01-01", "within_last": "1d"}.get(op, "vip")
    assert found(("segments", op, value)) == [f"'{op}' compares one value, but segments are several names: use in, nin or contains"]


@pytest.mark.parametrize("op", ["gt", "gte", "lt", "lte"])
def test_text_has_no_order(op: str) -> None:
    assert found(("run.key", op, 5)) == [f"'{op}' compares numbers, but run.key is text"]


@pytest.mark.parametrize("field", ["run.key", "profile.id"])
@pytest.mark.parametrize(("op", "value"), [("eq", 5), ("in", [1, 2]), ("eq", True)])
def test_fields_that_hold_text(field: str, op: str, value: object) -> None:
    assert found((field, op, value)) == [f"can never hold: {field} is text"]


@pytest.mark.parametrize(
    ("rows", "holds"),
    [
        ([("contains", "a"), ("nin", ["a"])], False),
        ([("contains", "a"), ("nin", ["b"])], True),
        ([("in", ["a", "b"]), ("nin", ["b", "c", "a"])], False),
        ([("in", ["a", "b"]), ("nin", ["b", "c"])], True),
        ([("in", ["a", "b"]), ("nin", ["b", "c"]), ("nin", ["a"])], False),
        ([("in", [1, 2])], False),
        ([("in", ["a"]), ("not_exists",)], False),
        ([("exists",), ("not_exists",)], False),
        ([("in", {"from": "event.x"}), ("not_exists",)], False),
        ([("in", {"from": "event.x"}), ("nin", ["a"])], True),
        ([("nin", ["a"]), ("not_exists",)], True),
        ([("nin", {"from": "event.x"}), ("contains", "a")], True),
    ],
)
def test_segments_that_exclude_each_other(rows: list[tuple[object, ...]], holds: bool) -> None:
    said = found(*(("segments", *row) for row in rows))
    if holds:
        assert said == []
    elif len(rows) == 1:
        assert said == ["can never hold: no segments meet this"]
    else:
        assert said == ["can never hold: no segments meet this and what else is asked of them"]


PUSHED = """steps:
  - {{id: hi, push: {{title: t, message: m, url: 'https://a.example/'}}}}
  - {{id: call, http: {{url: 'https://a.example/', await: true}}}}
  - {{id: d, decide: {{cases: [{{when: {when}, steps: []}}]}}}}
  - {{id: w, wait_for: {{on: [{{event: PushEngage.Notification.Clicked{of}, where: {where}}}], timeout: 1d}}}}
"""
PASSES = "{field: event.x, op: exists}"
TEXTUAL = {
    "contains": "2",
    "starts_with": "2",
    "before": "2026-01-01",
    "after": "2026-01-01",
    "within_last": "1d",
    "not_within_last": "1d",
}
STATUS = "can never hold: hi.status is queued, capped, no_subscriber or stale"
MUTUAL = "can never hold: no hi.status meets this and what else is asked of it"


@pytest.mark.parametrize(
    ("when", "said"),
    [
        *(({"field": "hi.status", "op": "eq", "value": value}, []) for value in STATUSES),
        ({"field": "hi.status", "op": "eq", "value": "sent"}, [STATUS]),
        ({"field": "hi.status", "op": "eq", "value": 200}, [STATUS]),
        ({"field": "hi.status", "op": "in", "value": ["sent", "failed"]}, [STATUS]),
        ({"field": "hi.status", "op": "in", "value": ["sent", "stale"]}, []),
        ({"field": "hi.status", "op": "starts_with", "value": "q"}, []),
        ({"field": "hi.status", "op": "starts_with", "value": "x"}, [STATUS]),
        ({"field": "hi.status", "op": "gt", "value": 5}, ["'gt' compares numbers, but hi.status is text"]),
        ({"field": "hi.status", "op": "ne", "value": "sent"}, []),
        ({"field": "hi.status", "op": "not_exists"}, []),
        ({"field": "hi.status", "op": "eq", "value": {"from": "event.x"}}, []),
        ({"field": "call.status", "op": "eq", "value": 200}, []),
        ({"field": "call.status", "op": "gte", "value": 300}, []),
        ({"field": "call.status", "op": "eq", "value": "200"}, ["can never hold: call.status is a number"]),
        *(
            ({"field": "call.status", "op": op, "value": value}, [f"'{op}' compares text, but call.status is a number"])
            for op, value in TEXTUAL.items()
        ),
        ({"any": [{"field": "hi.status", "op": "eq", "value": "sent"}, {"field": "hi.status", "op": "exists"}]}, [STATUS]),
        ({"all": [{"field": "hi.status", "op": "exists"}, {"field": "hi.status", "op": "nin", "value": list(STATUSES)}]}, [MUTUAL]),
        ({"field": "hi.status", "op": "nin", "value": list(STATUSES)}, []),
    ],
)
def test_what_the_status_of_a_step_can_be(when: dict[str, object], said: list[str]) -> None:
    text = PUSHED.format(when=json.dumps(when), of="", where=PASSES)
    if said:
        assert [message for _, message in problems(text)] == said
    else:
        read_document(START + text)


ITS_STEP = "can never hold: event.step is the step that 'of' names"
ITS_RUN = "can never hold: event.run is the id of the run, since there is an 'of'"


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"field": "event.step", "op": "eq", "value": "hi"}, None),
        ({"field": "event.step", "op": "eq", "value": "call"}, ITS_STEP),
        ({"field": "event.step", "op": "not_exists"}, ITS_STEP),
        ({"field": "event.step", "op": "ne", "value": "hi"}, ITS_STEP),
        ({"field": "event.step", "op": "in", "value": ["call", "hi"]}, None),
        ({"field": "event.run", "op": "eq", "value": "r1"}, ITS_RUN),
        ({"field": "event.run", "op": "eq", "value": "0123456789abcdef" * 2}, None),
        ({"field": "event.run", "op": "eq", "value": "0123456789abcdef" * 2 + "0"}, ITS_RUN),
        ({"field": "event.run", "op": "eq", "value": "0123456789abcdef" * 2 + "\n"}, ITS_RUN),
        ({"field": "event.run", "op": "eq", "value": "0123456789abcde" * 2 + "0"}, ITS_RUN),
        ({"field": "event.run", "op": "eq", "value": 5}, ITS_RUN),
        ({"field": "event.run", "op": "not_exists"}, ITS_RUN),
        ({"field": "event.run", "op": "exists"}, None),
        ({"not": {"field": "event.step", "op": "eq", "value": "hi"}}, "can never hold: what it excludes is always so"),
        ({"not": {"field": "event.step", "op": "eq", "value": "call"}}, ITS_STEP),
    ],
)
def test_what_a_receipt_of_a_push_says(where: dict[str, object], said: str | None) -> None:
    text = PUSHED.format(when=PASSES, of=", of: hi", where=json.dumps(where))
    if said is None:
        read_document(START + text)
    else:
        assert [message for _, message in problems(text)] == [said]
    read_document(START + PUSHED.format(when=PASSES, of="", where=json.dumps(where)))


def test_only_what_holds_together_excludes() -> None:
    one, two = ({"field": X, "op": "eq", "value": value} for value in (1, 2))
    assert list(vain_rows({"any": [one, two]}, ())) == []
    assert list(vain_rows({"all": [one, {"any": [two, {"field": X, "op": "exists"}]}]}, ())) == []
    assert list(vain_rows({"all": [one, {"not": two}]}, ())) == []
    assert list(vain_rows({"all": [one, {"any": [{"not": one}, two]}]}, ())) == []
    for trivial in ({"not": one}, {"any": [two]}, {"not": {"not": two}}, {"not": {"field": X, "op": "exists"}}):
        assert [problem.message for problem in vain_rows({"all": [one, trivial]}, ())] == [
            f"can never hold: no {X} meets this and what else is asked of it"
        ]
    since = {"field": X, "op": "within_last", "value": "1d"}
    assert len(list(vain_rows({"all": [since, {"not": dict(since)}]}, ()))) == 1
    assert list(vain_rows({"all": [since, {"not": since | {"value": "2d"}}]}, ())) == []
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
    st.tuples(st.just(X), st.sampled_from(["eq", "ne", "gt", "starts_with"]), st.just({"from": "event.y"})),
    st.tuples(st.just(X), st.sampled_from(["before", "after"]), st.just("2026-01-01")),
)
PARTS = st.recursive(
    ROWS.map(lambda row: dict(zip(("field", "op", "value"), row, strict=False))),
    lambda inner: st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}) | inner.map(lambda part: {"any": [part]}),
    max_leaves=5,
)
"""Conditions whose rows all have to hold."""
SEGMENT_ROWS = st.one_of(
    st.tuples(st.sampled_from(["in", "nin"]), st.lists(st.sampled_from(["a", "b", "c", 1]), min_size=1, max_size=3)),
    st.tuples(st.just("contains"), st.sampled_from(["a", "b"])),
    st.tuples(st.sampled_from(["exists", "not_exists"])),
)


@settings(max_examples=300, deadline=None)
@given(PARTS, st.lists(ROWS, max_size=2), SCALARS | st.none(), SCALARS)
def test_what_holds_for_some_value_is_not_refused(
    part: dict[str, Any], barred: list[tuple[object, ...]], value: Scalar | None, other: Scalar
) -> None:
    raw = {"all": [part, *({"not": dict(zip(("field", "op", "value"), row, strict=False))} for row in barred)]}
    condition, _ = parse_condition(raw, (), ())
    assert condition is not None
    if condition.evaluate(Scope(event={"y": other} if value is None else {"x": value, "y": other}, entry={})):
        assert list(vain_rows(raw, ())) == []


@settings(max_examples=300, deadline=None)
@given(st.lists(SEGMENT_ROWS, min_size=1, max_size=3), st.lists(SEGMENT_ROWS, max_size=2), st.sets(st.sampled_from(["a", "b", "c", "d"])))
def test_what_holds_for_some_segments_is_not_refused(
    rows: list[tuple[object, ...]], barred: list[tuple[object, ...]], segments: set[str]
) -> None:
    names = ("field", "op", "value")
    raw = {"all": [dict(zip(names, ("segments", *row), strict=False)) for row in rows]}
    raw["all"] += [{"not": dict(zip(names, ("segments", *row), strict=False))} for row in barred]
    condition, _ = parse_condition(raw, (), ())
    assert condition is not None
    if condition.evaluate(Scope(event={}, entry={}, profile=Profile("n:p", {}, tuple(sorted(segments))))):
        # a row that never holds is pointless, although its opposite always holds
        pointless = "can never hold: no segments meet this"
        assert [one for one in vain_rows(raw, ()) if "not" not in one.path or one.message != pointless] == []


def test_rows_beside_what_is_not_sound() -> None:
    one, two = ({"field": X, "op": "eq", "value": value} for value in (1, 2))
    wrong: list[object] = [
        5,
        {},
        {"field": "evnt.x", "op": "exists"},
        {"all": 5},
        {"not": 5},
        {"not": {}},
        {"any": []},
        one | {"all": [two]},
    ]
    text = json.dumps({"all": [one, *wrong, two, {"any": [{"field": "segments", "op": "gt", "value": 5}, 5]}]})
    found = [path for path, _ in problems(f"exit: [{{audience: {text}}}]\nsteps: []")]
    assert {path.removeprefix("exit[0].audience.all") for path in found} >= {"[9]", "[10].any[0].op", "[1]", "[3].field", "[10].any[1]"}


@pytest.mark.parametrize("groups", ["all", "any"])
def test_what_is_too_much_is_not_looked_through(groups: str) -> None:
    part: object = {"field": X, "op": "exists"}
    for _ in range(40):
        part = {groups: [part] * 200}
    assert list(vain_rows(part, ())) == []


NEVER: dict[str, Any] = {"field": "segments", "op": "eq", "value": "vip"}
MAY: dict[str, Any] = {"field": X, "op": "exists"}
AROUND: dict[str, tuple[int, Callable[[Any], Any]]] = {
    "all": (1, lambda part: {"all": [MAY, part]}),
    "any of several": (1, lambda part: {"any": [MAY, part]}),
    "any of one": (1, lambda part: {"any": [part]}),
    "not": (2, lambda part: {"not": {"all": [part]}}),
    "not a not": (2, lambda part: {"not": {"not": part}}),
}
"""By name: levels that are put around a part, and how."""


@pytest.mark.parametrize("around", AROUND)
def test_what_lies_deep_is_found_as_deep_as_conditions_may_nest(around: str) -> None:
    levels, put = AROUND[around]
    part, depth = NEVER, 1
    while depth + levels <= 20:
        part, depth = put(part), depth + levels
    if depth < 20:
        part = {"all": [part]}
    assert parse_condition(part, (), ())[0] is not None
    [problem] = vain_rows(part, ())
    assert len(problem.path) > 19
    refused = {"all": [part]}
    assert {problem.message for problem in parse_condition(refused, (), ())[1]} == {"is nested more than 20 levels deep"}
    assert list(vain_rows(refused, ())) == []  # that it is too deep is enough to be told


@pytest.mark.parametrize(("count", "found"), [(999, True), (1000, False)])
@pytest.mark.parametrize("group", ["all", "any"])
def test_as_many_parts_are_looked_through_as_a_condition_may_have(group: str, count: int, found: bool) -> None:
    parts = [{"field": f"event.x{number}", "op": "exists"} for number in range(count - 1)]
    assert [problem.path for problem in vain_rows({group: [*parts, NEVER]}, ())] == ([(group, count - 1, "op")] if found else [])


@pytest.mark.parametrize("group", ["all", "any"])
def test_a_list_that_is_much_too_long_is_not_looked_through(group: str) -> None:
    began = time.process_time()
    assert list(vain_rows({group: [None] * 1_000_000}, ())) == []
    assert time.process_time() - began < 0.5


def test_the_last_of_several_rows_is_the_place() -> None:
    rows = [{"field": X, "op": op, "value": 5} for op in ("gte", "lte", "ne")]
    assert [problem.path for problem in vain_rows({"all": [MAY, *rows]}, ("when",))] == [("when", "all", 3)]
    assert [problem.path for problem in vain_rows({"all": [*rows, {"not": {"not": MAY}}]}, ())] == [("all", 3, "not", "not")]
    assert [problem.path for problem in vain_rows({"all": [MAY, {"not": MAY}]}, ())] == [("all", 1, "not")]
    assert [problem.path for problem in vain_rows({"any": [NEVER]}, ())] == [("any", 0, "op")]


def test_each_part_of_any_is_looked_at_for_itself() -> None:
    vain = {"all": [{"field": X, "op": "eq", "value": 1}, {"field": X, "op": "eq", "value": 2}]}
    assert [problem.path for problem in vain_rows({"any": [vain, MAY, vain]}, ())] == [("any", 0, "all", 1), ("any", 2, "all", 1)]
    assert [problem.path for problem in vain_rows({"not": {"any": [vain, {"not": NEVER}]}}, ())] == [
        ("not", "any", 0, "all", 1),
        ("not", "any", 1, "not", "op"),
    ]


@pytest.mark.parametrize(
    ("barred", "holds"),
    [
        ([("in", ["a"])], False),
        ([("contains", "a")], False),
        ([("contains", "b")], True),
        ([("in", ["b"]), ("contains", "a")], False),
        ([("exists",)], False),
        ([("not_exists",)], True),
        ([("nin", ["b"])], True),
        ([("in", {"from": "event.x"})], True),
    ],
)
def test_segments_that_must_not_be(barred: list[tuple[object, ...]], holds: bool) -> None:
    rows = [dict(zip(("field", "op", "value"), ("segments", *row), strict=False)) for row in barred]
    raw = {"all": [{"field": "segments", "op": "in", "value": ["a"]}, *({"not": row} for row in rows)]}
    said = [] if holds else ["can never hold: no segments meet this and what else is asked of them"]
    assert [problem.message for problem in vain_rows(raw, ())] == said


@pytest.mark.parametrize(
    ("row", "barred", "holds"),
    [
        (("eq", 5), ("gt", 4), False),
        (("eq", 5), ("gt", 5), True),
        (("eq", "a"), ("gt", 4), True),
        (("eq", 5), ("starts_with", "5"), True),
        (("eq", "5"), ("starts_with", "5"), False),
        (("eq", 5), ("in", [4, 5]), False),
        (("eq", 5), ("in", [4, 5.5]), True),
        (("gt", 5), ("lt", 9), True),
        (("gte", 5), ("starts_with", "a"), True),
        (("starts_with", "a"), ("gt", 5), True),
        (("not_exists",), ("ne", 5), False),
        (("not_exists",), ("eq", 5), True),
        (("gt", 5), ("exists",), False),
        (("gt", 5), ("not_exists",), True),
        (("eq", 1), ("eq", True), True),
        (("eq", 1), ("eq", 1.0), False),
        (("ne", 1), ("ne", True), True),
        (("within_last", "1d"), ("within_last", "1d"), False),
        (("eq", {"from": "event.y"}), ("eq", {"from": "event.y"}), False),
        (("eq", {"from": "event.y"}), ("eq", {"from": "event.z"}), True),
    ],
)
def test_what_one_row_asks_and_another_must_not(row: tuple[object, ...], barred: tuple[object, ...], holds: bool) -> None:
    asked, other = (dict(zip(("field", "op", "value"), (X, *each), strict=False)) for each in (row, barred))
    said = [] if holds else [f"can never hold: no {X} meets this and what else is asked of it"]
    assert [problem.message for problem in vain_rows({"all": [asked, {"not": other}]}, ())] == said
