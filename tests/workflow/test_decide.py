"""`decide` and `exit`: which way a run takes, and why."""

from typing import Any

import pytest
from tests.workflow.builders import START, ProgramOf
from tests.workflow.journey import Journey, somebody
from tests.workflow.problems import problems, step_problems

from clarion.domain.records import Scalar
from clarion.workflow.document import read_value
from clarion.workflow.run import COMPLETED, EXITED
from clarion.workflow.source import read_document

DECIDE = """
steps:
  - id: which
    decide:
      cases:
        - {when: {all: [{field: event.price, op: gte, value: 100}]}, steps: [{id: dear, send_event: {event: dear}}]}
        - {when: {all: [{field: event.price, op: gte, value: 10}]}, steps: [{id: fair, send_event: {event: fair}}]}
        - {when: {any: [{field: profile.vip, op: eq, value: true}]}, steps: []}
      else: [{id: cheap, send_event: {event: cheap}}]
  - {id: behind, send_event: {event: behind}}
"""


@pytest.mark.parametrize(
    ("data", "vip", "branch", "steps"),
    [
        ({"price": 100}, False, "1", ["dear", "behind"]),
        ({"price": 99}, False, "2", ["fair", "behind"]),
        ({"price": 99}, True, "2", ["fair", "behind"]),
        ({"price": 9}, True, "3", ["behind"]),
        ({"price": 9}, False, "else", ["cheap", "behind"]),
        ({"price": "100"}, False, "else", ["cheap", "behind"]),
        ({}, 1, "else", ["cheap", "behind"]),
    ],
)
def test_the_first_case_that_holds_is_taken(program: ProgramOf, data: dict[str, Any], vip: Scalar, branch: str, steps: list[str]) -> None:
    journey = Journey(program(DECIDE), somebody({"vip": vip}), **data).begin()
    assert [effect.step for effect in journey.effects] == steps
    assert journey.details["decided"]["branch"] == branch
    assert journey.counted("left", "which", branch) == 1
    assert len([key for key in journey.counters if key[1:3] == ("which", "left")]) == 1


def test_every_row_that_was_looked_at_is_told(program: ProgramOf) -> None:
    journey = Journey(program(DECIDE), somebody({"vip": False}), price=9).begin()
    rows = journey.details["decided"]["rows"]
    assert [(row["field"], row["op"], row["expected"], row["saw"], row["ok"]) for row in rows] == [
        ("event.price", "gte", 100, 9, False),
        ("event.price", "gte", 10, 9, False),
        ("profile.vip", "eq", True, False, False),
    ]
    assert [list(row["path"])[-4:] for row in rows][1] == [1, "when", "all", 0]


def test_ten_rows_of_each_case_are_told_and_the_one_that_decided(program: ProgramOf) -> None:
    true = ", ".join(f"{{field: event.a{number}, op: not_exists}}" for number in range(14))
    cases = f"{{when: {{all: [{true}, {{field: event.b, op: eq, value: 1}}]}}, steps: []}}"
    told = Journey(program(f"steps: [{{id: which, decide: {{cases: [{cases}]}}}}]")).begin().details["decided"]["rows"]
    assert [row["ok"] for row in told] == [True] * 9 + [False]
    assert told[-1]["field"] == "event.b"


def test_at_most_ten_rows_of_a_case_are_told(program: ProgramOf) -> None:
    rows = ", ".join(f"{{field: event.a, op: eq, value: {number}}}" for number in range(30))
    cases = ", ".join(f"{{when: {{any: [{rows}, {{field: event.b, op: eq, value: {number}}}]}}, steps: []}}" for number in range(2))
    journey = Journey(program(f"steps: [{{id: which, decide: {{cases: [{cases}]}}}}]")).begin()
    assert len(journey.details["decided"]["rows"]) == 20
    assert journey.details["decided"]["branch"] == "else"


def test_without_else_the_run_goes_on(program: ProgramOf) -> None:
    never = "{when: {all: [{field: event.x, op: exists}]}, steps: [{id: in, exit: {}}]}"
    journey = Journey(program(f"steps: [{{id: which, decide: {{cases: [{never}]}}}}, {{id: behind, send_event: {{event: e}}}}]")).begin()
    assert (journey.run.status, [effect.step for effect in journey.effects]) == (COMPLETED, ["behind"])


def test_conditions_see_what_earlier_steps_left(program: ProgramOf) -> None:
    text = """
steps:
  - {id: hi, push: {title: t, message: m, url: "https://a.example/"}}
  - {id: put, update: {set: {tier: gold}}}
  - {id: into, segment: {add: fans}}
  - id: which
    decide:
      cases:
        - when:
            all:
              - {field: hi.status, op: eq, value: queued}
              - {field: profile.tier, op: eq, value: gold}
              - {field: segments, op: in, value: [fans]}
          steps: [{id: end, exit: {reason: saw it all}}]
"""
    assert Journey(program(text)).begin().ended == (EXITED, "saw it all")


def test_an_exit_ends_the_run_with_its_reason_from_any_depth(program: ProgramOf) -> None:
    inner = "{id: end, exit: {reason: far enough}}"
    for depth in range(5):
        inner = f"{{id: d{depth}, decide: {{cases: [{{when: {{not: {{field: event.x, op: exists}}}}, steps: [{inner}]}}]}}}}"
    journey = Journey(program(f"steps: [{inner}, {{id: behind, send_event: {{event: e}}}}]")).begin()
    assert (journey.ended, journey.effects) == ((EXITED, "far enough"), [])
    assert (journey.counted("exited"), journey.counted("entered", "end"), journey.counted("left", "end")) == (1, 1, 0)


@pytest.mark.parametrize("written", ["exit: {}", "exit: ~"])
def test_an_exit_needs_no_reason(program: ProgramOf, written: str) -> None:
    assert Journey(program(f"steps: [{{id: end, {written}}}]")).begin().ended == (EXITED, "exit")


@pytest.mark.parametrize(
    ("step", "path", "message"),
    [
        ("decide: {cases: []}", "decide.cases", "must have at least 1 member"),
        ("decide: {}", "decide.cases", "is required"),
        ("decide: {cases: [{steps: []}]}", "decide.cases[0].when", "is required"),
        ("decide: {cases: [{when: {all: [{field: event.x, op: exists}]}}]}", "decide.cases[0].steps", "is required"),
        (
            "decide: {cases: [{when: {all: [{field: event.x, op: exists}]}, steps: []}], otherwise: []}",
            "decide.otherwise",
            "unknown key",
        ),
        ("exit: {reason: 5}", "exit.reason", "must be a string"),
        (f"exit: {{reason: {'x' * 201}}}", "exit.reason", "must be at most 200 characters"),
    ],
)
def test_what_cannot_be_said(step: str, path: str, message: str) -> None:
    assert step_problems(f"{{id: s, {step}}}") == [(path, message)]


@pytest.mark.parametrize(("cases", "fits"), [(50, True), (51, False)])
def test_at_most_50_cases(program: ProgramOf, cases: int, fits: bool) -> None:
    given = [f"{{when: {{all: [{{field: event.x{number}, op: exists}}]}}, steps: []}}" for number in range(cases)]
    step = f"{{id: s, decide: {{cases: [{', '.join(given)}]}}}}"
    if fits:
        program(f"steps: [{step}]")
    else:
        assert step_problems(step) == [("decide.cases", "must have at most 50 members")]


CASE = "{{when: {{all: [{{field: event.x, op: eq, value: {value}}}]}}, steps: []}}"


@pytest.mark.parametrize("values", [("1", "1.0"), ("1", "true"), ("1", "'1'"), ("1", "2")])
def test_cases_that_differ(program: ProgramOf, values: tuple[str, str]) -> None:
    program(f"steps: [{{id: s, decide: {{cases: [{', '.join(CASE.format(value=value) for value in values)}]}}}}]")


def test_a_case_behind_its_like_is_never_reached() -> None:
    cases = ", ".join(CASE.format(value=value) for value in (1, 2, 1, "{}", 1))
    turned = "{when: {all: [{value: 2, op: eq, field: event.x}]}, steps: [{id: in, wait: {for: 1x}}]}"
    found = dict(step_problems(f"{{id: s, decide: {{cases: [{cases}, {turned}]}}}}"))
    assert {path: said for path, said in found.items() if said.startswith("is never reached")} == {
        "decide.cases[2].when": "is never reached: case 1 has the same condition",
        "decide.cases[4].when": "is never reached: case 1 has the same condition",
        "decide.cases[5].when": "is never reached: case 2 has the same condition",
    }
    assert found.keys() >= {"decide.cases[3].when.all[0].value", "decide.cases[5].steps[0].wait.for"}


@pytest.mark.parametrize(("before", "told"), [(8, 9), (9, 10), (10, 10), (11, 10), (25, 10)])
def test_the_row_that_decided_is_the_last_one_told(program: ProgramOf, before: int, told: int) -> None:
    rows = [f"{{field: event.a{number}, op: not_exists}}" for number in range(before)] + ["{field: event.b, op: exists}"]
    case = f"{{when: {{all: [{', '.join(rows)}]}}, steps: []}}"
    found = Journey(program(f"steps: [{{id: which, decide: {{cases: [{case}]}}}}]")).begin().details["decided"]["rows"]
    assert [row["field"] for row in found] == [f"event.a{number}" for number in range(told - 1)] + ["event.b"]


def test_cases_that_cannot_be_compared_are_not_called_the_same(program: ProgramOf) -> None:
    """What is wrong with each is said by itself."""
    for condition in ("{}", "[]", "5", "~"):
        case = f"{{when: {condition}, steps: []}}"
        found = step_problems(f"{{id: s, decide: {{cases: [{case}, {case}]}}}}")
        assert found
        assert not [said for _, said in found if said.startswith("is never reached")]


@pytest.mark.parametrize("half", ["\ud800", "x\udfff"])
def test_text_that_no_encoding_can_carry_is_refused_in_peace(half: str) -> None:
    case = {"when": {"all": [{"field": "event.x", "op": "eq", "value": half}]}, "steps": []}
    decide = {"id": "s", "decide": {"cases": [case, case]}}
    found = read_value({"workflow": "w", "start": {"on": [{"event": "e"}]}, "steps": [decide]})[1].found
    assert found
    assert not [one for one in found if one.message.startswith("is never reached")]


ENDS = "[{id: end, exit: {}}]"


@pytest.mark.parametrize("cases", ["[]", "5", "~", "{}", "[5]", "[{steps: []}]"])
def test_a_step_behind_cases_that_are_not_yet_there_may_be_reached(cases: str) -> None:
    found = problems(f"steps: [{{id: s, decide: {{cases: {cases}, else: {ENDS}}}}}, {{id: behind, exit: {{}}}}]")
    assert [path for path, _ in found] == [path for path, _ in found if path.startswith("steps[0].decide.cases")] != []


def test_a_step_behind_branches_that_all_end_is_never_reached() -> None:
    case = f"{{when: {{all: [{{field: event.x, op: exists}}]}}, steps: {ENDS.replace('end', 'one')}}}"
    for otherwise, found in ((f", else: {ENDS}", 1), (", else: []", 0), ("", 0)):
        text = f"steps: [{{id: s, decide: {{cases: [{case}]{otherwise}}}}}, {{id: behind, exit: {{}}}}]"
        if found:
            assert problems(text) == [("steps[1]", 'is never reached: step "s" before it ends the run')]
        else:
            read_document(START + text)
