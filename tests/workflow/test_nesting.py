"""Steps inside of steps: depth, number, ids, what is never reached."""

import time
from typing import Any

import pytest
from tests.workflow.builders import START

from clarion.domain.durations import NO_DURATION
from clarion.workflow.document import read_value
from clarion.workflow.nesting import Steps, walk
from clarion.workflow.shapes import INVALID, tried
from clarion.workflow.source import DocumentInvalid, read_document, spell

Value = dict[str, Any]
EXIT: Value = {"id": "x", "exit": {}}


def wait(id: str) -> Value:
    return {"id": id, "wait": {"for": "1s"}}


def known(key: str) -> Value:
    """A condition."""
    return {"all": [{"field": f"event.{key}", "op": "exists"}]}


def inside(kind: str, id: str, *branches: list[Value]) -> Value:
    """A step with these branches."""
    if kind == "wait_for":
        return {"id": id, kind: {"on": [{"event": "e"}], "timeout": "1h", "then": branches[0], "otherwise": branches[1]}}
    if kind == "decide":
        cases = [{"when": known(f"x{number}"), "steps": steps} for number, steps in enumerate(branches[:-1])]
        return {"id": id, kind: {"cases": cases, "else": branches[-1]}}
    share = 100 / len(branches)
    return {"id": id, kind: {"paths": [{"percent": share, "steps": steps} for steps in branches]}}


def found(steps: object) -> list[tuple[str, str]]:
    """What is said of these steps."""
    document, reading = read_value({"workflow": "w", "start": {"on": [{"event": "e"}]}, "steps": steps})
    assert (document is None) == bool(reading.found)
    return [(spell(one.path), one.message) for one in reading.found]


def nested(kind: str, levels: int) -> list[Value]:
    """So many lists of steps in one another."""
    steps = [wait("inmost")]
    for level in range(levels - 1):
        steps = [inside(kind, f"s{level}", *([steps, []] if level % 2 else [[], steps]))]
    return steps


@pytest.mark.parametrize("kind", ["wait_for", "decide", "split"])
def test_at_most_20_levels(kind: str) -> None:
    assert found(nested(kind, 20)) == []
    problem = found(nested(kind, 21))
    assert {said for _, said in problem} == {"steps nest more than 20 levels deep"}
    assert problem[0][0].count("s0") == 0


def test_depth_counts_lists_around_not_lists_before() -> None:
    steps = [inside("split", f"s{number}", [wait(f"a{number}")], []) for number in range(30)]
    assert found(steps) == []


@pytest.mark.parametrize(("extra", "fits"), [(0, True), (1, False)])
def test_at_most_500_steps_at_all_depths(extra: int, fits: bool) -> None:
    branch = [wait(f"b{number}") for number in range(249)]
    steps = [inside("wait_for", "w", branch, []), *(wait(f"t{number}") for number in range(250 + extra))]
    assert found(steps) == ([] if fits else [("steps", "a workflow has at most 500 steps")])


@pytest.mark.parametrize("count", [501, 3000])
def test_members_that_are_no_steps_are_not_counted_but_refused(count: int) -> None:
    assert len(found([None] * count)) == 200


def test_ids_are_unique_at_any_depth() -> None:
    steps = [
        wait("a"),
        inside("decide", "d", [wait("a")], [inside("split", "a", [wait("b")], [wait("b")])]),
    ]
    assert found(steps) == [
        ("steps[1].decide.cases[0].steps[0].id", 'another step has the id "a" already'),
        ("steps[1].decide.else[0].id", 'another step has the id "a" already'),
        ("steps[1].decide.else[0].split.paths[1].steps[0].id", 'another step has the id "b" already'),
    ]


@pytest.mark.parametrize("id", ["event", "entry", "profile", "segments", "subscriber", "run", "secrets"])
def test_the_roots_of_fields_are_no_ids(id: str) -> None:
    assert found([wait(id)]) == [("steps[0].id", f'"{id}" is reserved and cannot be the id of a step')]


@pytest.mark.parametrize(
    ("id", "fits"), [("a", True), ("1", True), ("a" * 64, True), ("a" * 65, False), ("-a", False), ("a b", False), ("ä", False), (5, False)]
)
def test_ids(id: Any, fits: bool) -> None:
    assert (found([wait(id)]) == []) is fits


ENDING = {
    "exit": [EXIT],
    "wait_for": [inside("wait_for", "s", [EXIT], [wait("a"), {"id": "y", "exit": {}}])],
    "decide": [inside("decide", "s", [EXIT], [{"id": "y", "exit": {}}], [{"id": "z", "exit": {}}])],
    "split": [inside("split", "s", [EXIT], [{"id": "y", "exit": {}}])],
    "nested": [inside("split", "s", [EXIT], [inside("wait_for", "t", [{"id": "y", "exit": {}}], [{"id": "z", "exit": {}}])])],
}
GOING_ON = {
    "wait_for": [inside("wait_for", "s", [EXIT], [])],
    "wait_for without otherwise": [{"id": "s", "wait_for": {"on": [{"event": "e"}], "timeout": "1h", "then": [EXIT]}}],
    "decide": [inside("decide", "s", [EXIT], [wait("a")])],
    "decide without else": [{"id": "s", "decide": {"cases": [{"when": known("x"), "steps": [EXIT]}]}}],
    "split": [inside("split", "s", [EXIT], [])],
    "nested": [inside("split", "s", [EXIT], [inside("wait_for", "t", [{"id": "y", "exit": {}}], [])])],
}


@pytest.mark.parametrize("how", ENDING)
def test_what_is_never_reached(how: str) -> None:
    last = ENDING[how][-1]["id"]
    message = f'is never reached: step "{last}" before it ends the run'
    assert found([*ENDING[how], wait("behind"), wait("more")]) == [("steps[1]", message)]
    assert found(ENDING[how]) == []
    deep = [inside("decide", "out", [*ENDING[how], wait("behind")], [])]
    assert found(deep) == [("steps[0].decide.cases[0].steps[1]", message)]


@pytest.mark.parametrize("how", GOING_ON)
def test_what_can_be_reached(how: str) -> None:
    assert found([*GOING_ON[how], wait("behind")]) == []


def test_only_the_first_end_is_told() -> None:
    again = {"id": "y", "exit": {}}
    assert found([wait("a"), EXIT, again, wait("b")]) == [("steps[2]", 'is never reached: step "x" before it ends the run')]
    assert found([{"exit": {}}, wait("a")]) == [
        ("steps[0].id", "is required"),
        ("steps[1]", "is never reached: the step before it ends the run"),
    ]


@pytest.mark.parametrize(
    "broken",
    [
        5,
        {"id": "s"},
        {"id": "s", "exit": {}, "wait": {"for": "1s"}},
        {"id": "s", "ext": {}},
        {"id": "s", "split": {"paths": []}},
        {"id": "s", "wait_for": {"on": [{"event": "e"}], "timeout": "1h", "then": {"0": EXIT}, "otherwise": [EXIT]}},
        {"id": "s", "decide": 5},
    ],
    ids=str,
)
def test_what_is_broken_is_not_taken_for_an_end(broken: object) -> None:
    said = found([broken, wait("behind")])
    assert said
    assert not [message for _, message in said if message.startswith("is never reached")]


def ending(levels: int) -> list[Value]:
    """So many lists of steps in one another, in which every way ends the run."""
    steps = [EXIT]
    for level in range(levels - 1):
        steps = [inside("split", f"s{level}", steps)]
    return steps


def test_an_end_is_seen_through_all_levels() -> None:
    message = 'is never reached: step "s18" before it ends the run'
    assert found([*ending(20), wait("behind")]) == [("steps[1]", message)]
    inner = [inside("split", "out", [*ending(19), wait("behind")], [])]
    assert found(inner) == [("steps[0].split.paths[0].steps[1]", message.replace("s18", "s17"))]


def test_what_nests_too_deep_is_looked_at_no_further() -> None:
    too_deep = ("steps[0]" + ".split.paths[0].steps[0]" * 19 + ".split.paths[0].steps", "steps nest more than 20 levels deep")
    assert found([*ending(21), wait("behind")]) == [too_deep]
    assert found([*ending(21), wait("x")]) == [too_deep]  # its ids are not compared either
    assert found([*ending(2000), wait("behind")]) == [too_deep]


def test_its_place_is_right_also_beside_what_is_broken() -> None:
    assert found([{"id": "b", "wait": {"for": "x"}}, EXIT, wait("behind")]) == [
        ("steps[0].wait.for", NO_DURATION),
        ("steps[2]", 'is never reached: step "x" before it ends the run'),
    ]


KINDS = "push, http, segment, update, send_event, start_workflow, stop_workflow, wait, wait_for, decide, split, exit"


@pytest.mark.parametrize(
    ("step", "path", "message"),
    [
        (5, "", "must be an object with an id and one kind of step"),
        ({"id": "a"}, "", f"must have exactly one kind of step: {KINDS}"),
        ({"id": "a", "exit": {}, "wait": {"for": "1s"}}, "", f"must have exactly one kind of step: {KINDS}"),
        ({"id": "a", "exit": {}, "note": 1}, ".note", "unknown kind of step"),
        ({"id": "a", "wait_fr": {}}, ".wait_fr", "unknown kind of step (did you mean 'wait_for'?)"),
        ({"exit": {}}, ".id", "is required"),
        ({"id": "a", "push": 5}, ".push", "must be an object"),
        ({"id": "a", "decide": []}, ".decide", "must be an object"),
        ({"id": "a", "split": {"paths": {}}}, ".split.paths", "must be a list"),
        ({"id": "a", "split": {"paths": [{"percent": 100, "steps": {}}]}}, ".split.paths[0].steps", "must be a list of steps"),
        ({"id": "a", "decide": {"cases": [5]}}, ".decide.cases[0]", "must be an object"),
    ],
)
def test_what_is_no_step(step: object, path: str, message: str) -> None:
    assert found([step]) == [(f"steps[0]{path}", message)]


@pytest.mark.parametrize("steps", [None, {}, "x", 5])
def test_what_is_no_list_of_steps(steps: object) -> None:
    assert found(steps) == [("steps", "must be a list of steps")]


def test_a_kind_without_a_body_is_the_same_as_with_an_empty_one() -> None:
    assert found([{"id": "a", "exit": None}]) == []
    assert found([{"id": "a", "stop_workflow": None}]) == [("steps[0].stop_workflow.workflow", "is required")]


@pytest.mark.parametrize(
    "steps",
    [
        5,
        [5],
        [wait("a"), 5],
        [{"id": "a"}],
        [{"exit": {}}],
        [{"id": 5, "exit": {}}],
        [{"id": "a", "exit": {}, "wait": {"for": "1s"}}],
        [{"id": "a", "exit": {}, "note": 1}],
        [{"id": "a", "push": 5}],
        [wait("a"), {"id": "b", "note": 1}],
    ],
    ids=str,
)
def test_what_is_wrong_is_never_half_a_list(steps: object) -> None:
    assert tried(Steps(), steps) is INVALID


def test_a_list_that_is_much_too_long_is_not_read_through() -> None:
    began = time.process_time()
    assert len(found([None] * 1_000_000)) == 200
    assert time.process_time() - began < 1.5


def test_nothing_at_all_is_a_list_of_steps() -> None:
    assert tried(Steps(), []) == ()


def test_steps_without_ids_are_not_taken_for_one_another() -> None:
    assert found([{"wait": {"for": "1s"}}] * 2) == [("steps[0].id", "is required"), ("steps[1].id", "is required")]


def test_steps_behind_what_is_no_step_are_known() -> None:
    again = {"id": "t", "decide": {"cases": [{"when": {"field": "hi.status", "op": "exists"}, "steps": []}]}}
    push = {"id": "hi", "push": {"title": "t", "message": "m", "url": "https://a.example/"}}
    assert found([5, push, None, again]) == [(f"steps[{at}]", "must be an object with an id and one kind of step") for at in (0, 2)]


@pytest.mark.parametrize("extra", [None, 5, []])
def test_what_stands_behind_500_steps_is_refused_too(extra: object) -> None:
    steps = [wait(f"a{number}") for number in range(500)]
    document, _ = read_value({"workflow": "w", "start": {"on": [{"event": "e"}]}, "steps": steps})
    assert document is not None
    assert len(document.steps) == 500
    assert found([*steps, extra]) == [("steps[500]", "must be an object with an id and one kind of step")]


def test_all_problems_at_once_each_with_its_line() -> None:
    text = """\
exit:
  - {event: PushEngage.No}
settings:
  quiet_hours: {from: "22:00", to: "22:00"}
  frequncy_cap: {pushes: 3, per: 1d}
steps:
  - id: d
    decide:
      cases:
        - when: {all: [{field: evnt.x, op: exists}]}
          steps:
            - id: s
              split:
                paths:
                  - {percent: 50, steps: []}
                  - {percent: 49, steps: []}
            - {id: d, exit: {}}
            - {id: never, exit: {}}
      els: []
  - {id: w, wait_for: {on: [{event: e, of: d}], timeout: 0s}}
"""
    with pytest.raises(DocumentInvalid) as refused:
        read_document(START + text)
    lines = [(one.line, one.column, spell(one.path)) for one in refused.value.problems]
    assert lines == [
        (4, 13, "exit[0].event"),
        (6, 16, "settings.quiet_hours"),
        (7, 17, "settings.frequncy_cap"),
        (12, 32, "steps[0].decide.cases[0].when.all[0].field"),
        (17, 19, "steps[0].decide.cases[0].steps[0].split.paths"),
        (19, 20, "steps[0].decide.cases[0].steps[1].id"),
        (20, 15, "steps[0].decide.cases[0].steps[2]"),
        (21, 12, "steps[0].decide.els"),
        (22, 44, "steps[1].wait_for.on[0].of"),
        (22, 44, "steps[1].wait_for.on[0].of"),
        (22, 58, "steps[1].wait_for.timeout"),
    ]


def test_walking_goes_in_the_order_of_the_document() -> None:
    steps = [inside("decide", "d", [wait("a")], [wait("b")]), wait("c"), inside("wait_for", "e", [wait("f")], [wait("g")])]
    document, _ = read_value({"workflow": "w", "start": {"on": [{"event": "e"}]}, "steps": steps})
    assert document is not None
    assert [step.id for step in walk(document.steps)] == ["d", "a", "b", "c", "e", "f", "g"]
