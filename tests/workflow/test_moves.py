"""Retries, moves to other versions and steps, stops, pauses, and the guard against endless walks."""

import msgspec
import pytest
from tests.workflow.builders import ProgramOf, event
from tests.workflow.journey import DAY, HOUR, NOON, Journey, at, somebody

from clarion.domain.records import Profile
from clarion.workflow import advance as core
from clarion.workflow.advance import end
from clarion.workflow.goals import reach
from clarion.workflow.program import Program
from clarion.workflow.run import COMPLETED, EXITED, FAILED, WAITING

SEND = "send_event: {event: e, data: {x: '{{ x }}'}}"
CLICKED = "PushEngage.Notification.Clicked"


def version(program: ProgramOf, steps: str, number: int = 2, more: str = "") -> Program:
    """A later version."""
    return msgspec.structs.replace(program(f"{more}steps: [{steps}]"), version=number)


def steps_of(journey: Journey) -> list[str]:
    return [effect.step for effect in journey.effects]


# -- retries -------------------------------------------------------------------------------------------------------------

FAILING = "{id: good, send_event: {event: e}}, {id: bad, wait: {until: '{{ profile.ends }}'}}, {id: behind, send_event: {event: e}}"


def test_a_failed_run_tries_its_step_again(program: ProgramOf) -> None:
    journey = Journey(program(f"steps: [{FAILING}]")).begin()
    assert (journey.run.status, journey.run.step, journey.run.ended) == (FAILED, "bad", NOON)
    assert journey.ended == (FAILED, "step bad: until: there is no date (missing: profile.ends)")
    assert (journey.counted("failed"), journey.counted("errors", "bad"), journey.waiting()) == (1, 1, {})
    journey.person = somebody({"ends": "2026-05-06"})
    journey.retry()
    assert (journey.where, journey.run.entering, journey.run.visit) == ((WAITING, "bad", 0), True, 2)
    assert (journey.run.ended, journey.run.reason, journey.effects[1:]) == (None, None, [])
    assert (journey.counted("errors", "bad"), journey.details["retried"]) == (1, {"version": 1})
    journey.due()
    assert journey.run.due == at("2026-05-06T00:00Z")
    journey.due()
    assert (journey.run.status, steps_of(journey)) == (COMPLETED, ["good", "behind"])
    assert (journey.counted("retried"), journey.counted("failed"), journey.counted("completed"), journey.waiting()) == (1, 1, 1, {})
    assert journey.effects[-1].id != journey.effects[0].id


def test_a_retry_may_fail_again(program: ProgramOf) -> None:
    journey = Journey(program(f"steps: [{FAILING}]")).begin()
    journey.retry()
    journey.due()
    assert (journey.run.status, journey.run.step, journey.counted("failed"), journey.waiting()) == (FAILED, "bad", 2, {})
    journey.retry()
    assert journey.run.visit == 3


def test_only_a_failed_run_is_retried(program: ProgramOf) -> None:
    done = Journey(program("steps: []")).begin()
    assert done.retry().run.status == COMPLETED
    left = Journey(program("steps: [{id: a, exit: {}}]")).begin()
    assert left.retry().run.status == EXITED


def test_a_failed_request_is_made_again_as_another_one(program: ProgramOf) -> None:
    steps = "steps: [{id: call, http: {url: 'https://a.example/', await: true, on_error: fail}}]"
    journey = Journey(program(steps)).begin()
    first = journey.effects[-1].id
    journey.answer("failed", status=500)
    assert journey.run.status == FAILED
    journey.retry()
    assert journey.answer(effect=first).run.status == WAITING, "the first answer is no answer to the second request"
    journey.due()
    assert (journey.left("call"), journey.effects[-1].id) == (None, journey.effect("call", 2))
    assert journey.answer(effect=first).run.status == WAITING
    assert journey.answer("sent", status=200).run.status == COMPLETED


def test_a_failed_run_whose_step_is_not_there_stays_as_it_is(program: ProgramOf) -> None:
    journey = Journey(program(f"steps: [{FAILING}]")).begin()
    journey.program = version(program, "")
    before = journey.run
    journey.retry()
    assert journey.run == before
    assert before.status == FAILED


# -- another version -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("newer", "due"),
    [
        ("wait: {for: 3h}", 3 * HOUR),
        ("wait: {for: 90m}", 2 * HOUR),
        ("wait: {for: 0s}", 2 * HOUR),
        ("wait: {until: '2026-05-06'}", 12 * HOUR),
        ("wait: {until: '2026-05-05T13:00Z'}", 2 * HOUR),
        ("wait: {at: '13:00'}", 2 * HOUR),
        ("wait: {until: \"{{ 'now' | date: '%Y-%m-%dT%H:%M' }}\", after: 150m}", 2.5 * HOUR),
        ("wait: {for: 1h, at: '09:00'}", 21 * HOUR),
        ("wait_for: {on: [{event: x}], timeout: 3h}", 3 * HOUR),
        ("wait_for: {on: [{event: x}], timeout: 1h}", 2 * HOUR),
    ],
)
def test_a_wait_is_recomputed_from_when_its_step_was_entered(program: ProgramOf, newer: str, due: float) -> None:
    journey = Journey(program("steps: [{id: here, wait: {for: 1d}}]")).begin()
    journey.now = NOON + 2 * HOUR
    journey.move(version(program, f"{{id: here, {newer}}}, {{id: behind, {SEND}}}"))
    assert (journey.run.version, journey.run.since, journey.run.due, journey.run.entering) == (2, NOON, NOON + due, False)
    assert journey.waiting() == {(2, "here"): 1}
    assert journey.details["moved"] == {"from": 1, "version": 2}
    assert journey.effects == []
    journey.due()
    assert (journey.run.status, steps_of(journey)) == (COMPLETED, ["behind"])


def test_a_step_that_is_gone_ends_the_run(program: ProgramOf) -> None:
    journey = Journey(program("steps: [{id: here, wait: {for: 1d}}]")).begin()
    journey.move(version(program, "{id: there, wait: {for: 1d}}"))
    assert (journey.ended, journey.waiting()) == ((EXITED, "step_removed"), {})
    assert journey.counted("exited", version=1) == 1


@pytest.mark.parametrize("kind", [SEND, "segment: {add: x}", "push: {title: t, message: m, url: 'https://a.example/'}", "exit: {}"])
def test_a_step_that_became_of_another_kind_is_entered(program: ProgramOf, kind: str) -> None:
    journey = Journey(program("steps: [{id: here, wait: {for: 1d}}]")).begin()
    journey.move(version(program, f"{{id: here, {kind}}}"))
    assert (journey.where, journey.run.entering, journey.effects) == ((WAITING, "here", 0), True, [])
    journey.due()
    assert journey.run.status == (EXITED if kind == "exit: {}" else COMPLETED)
    assert steps_of(journey) == ([] if kind == "exit: {}" else ["here"])


@pytest.mark.parametrize(
    ("older", "came"),
    [
        ("wait_for: {on: [{event: x}], timeout: 1d}", "x"),
        ("http: {url: 'https://a.example/', await: true}", "answer"),
    ],
)
@pytest.mark.parametrize(
    "newer",
    [
        SEND,
        "decide: {cases: [{when: {not: {field: event.q, op: exists}}, steps: [{id: in, send_event: {event: e}}]}]}",
        "split: {paths: [{percent: 100, steps: [{id: in, send_event: {event: e}}]}]}",
    ],
)
def test_it_is_entered_also_where_what_the_old_one_waited_for_came_in_a_pause(
    program: ProgramOf, older: str, came: str, newer: str
) -> None:
    journey = Journey(program(f"steps: [{{id: here, {older}}}]")).begin()
    journey.effects.clear() if came == "x" else None
    journey.paused = True
    journey.hear("x") if came == "x" else journey.answer()
    journey.effects.clear()
    assert journey.where == (WAITING, "here", 0)
    journey.move(version(program, f"{{id: here, {newer}}}"))
    journey.paused = False
    journey.due()
    assert (journey.run.status, len(journey.effects)) == (COMPLETED, 1)
    assert journey.left("here") is None


def test_what_came_in_a_pause_is_taken_along(program: ProgramOf) -> None:
    journey = Journey(program("steps: [{id: here, wait_for: {on: [{event: x}], timeout: 1d}}]")).begin()
    journey.paused = True
    journey.hear("x", x=7)
    then = "{id: in, send_event: {event: e, data: {x: '{{ here.event.x }}'}}}"
    journey.move(version(program, f"{{id: here, wait_for: {{on: [{{event: y}}], timeout: 2d, then: [{then}]}}}}"))
    assert (journey.where, journey.counted("entered", "here", "moved")) == ((WAITING, "here", 0), 1)
    journey.paused = False
    journey.due()
    assert (journey.run.status, [getattr(effect, "data", None) for effect in journey.effects]) == (COMPLETED, [{"x": 7}])


def test_an_answer_that_came_in_a_pause_is_judged_by_the_new_version(program: ProgramOf) -> None:
    journey = Journey(program("steps: [{id: call, http: {url: 'https://a.example/', await: true}}]")).begin()
    journey.paused = True
    journey.answer("failed")
    journey.move(version(program, "{id: call, http: {url: 'https://a.example/', await: true, on_error: exit}}"))
    journey.paused = False
    journey.due()
    assert (journey.ended, len(journey.effects)) == ((EXITED, "http failed"), 1)


def test_a_wait_that_took_the_place_of_a_request_does_not_hear_its_answer(program: ProgramOf) -> None:
    journey = Journey(program("steps: [{id: call, http: {url: 'https://a.example/', await: true}}]")).begin()
    journey.move(version(program, "{id: call, wait: {for: 1h}}"))
    assert journey.run.due == NOON + HOUR
    assert journey.answer().run.due == NOON + HOUR
    assert journey.left("call") is None


def test_a_receipt_that_is_recorded_counts_for_the_wait_of_the_new_version(program: ProgramOf) -> None:
    push = "{id: hi, push: {title: t, message: m, url: 'https://a.example/'}}"
    later = f"{{id: later, wait_for: {{on: [{{event: {CLICKED}, of: hi}}], timeout: 1d}}}}"
    journey = Journey(program(f"steps: [{push}, {{id: here, wait: {{for: 1d}}}}, {later}]")).begin()
    journey.hear(CLICKED, NOON + 5, run="r1", step="hi", action="buy")
    then = "{id: in, send_event: {event: e, data: {x: '{{ here.event.action }}'}}}"
    journey.move(version(program, f"{push}, {{id: here, wait_for: {{on: [{{event: {CLICKED}, of: hi}}], timeout: 2d, then: [{then}]}}}}"))
    assert journey.run.due == journey.now
    journey.due()
    assert (journey.run.status, getattr(journey.effects[-1], "data", None)) == (COMPLETED, {"x": "buy"})


def test_what_cannot_be_recomputed_fails_and_can_be_retried(program: ProgramOf) -> None:
    journey = Journey(program("steps: [{id: here, wait: {for: 1d}}]")).begin()
    journey.move(version(program, "{id: here, wait: {until: '{{ profile.ends }}'}}"))
    assert (journey.run.status, journey.run.step, journey.run.version) == (FAILED, "here", 2)
    assert journey.run.reason == "step here: until: there is no date (missing: profile.ends)"
    assert (journey.counted("failed", version=2), journey.waiting()) == (1, {})
    journey.person = somebody({"ends": "2026-05-06"})
    journey.retry()
    journey.due()
    assert journey.run.due == at("2026-05-06T00:00Z")


def test_steps_in_another_order_are_done_again_as_another_visit(program: ProgramOf) -> None:
    journey = Journey(program(f"steps: [{{id: a, {SEND}}}, {{id: here, wait: {{for: 1d}}}}]")).begin()
    journey.move(version(program, f"{{id: here, wait: {{for: 1d}}}}, {{id: a, {SEND}}}"))
    journey.due()
    assert steps_of(journey) == ["a", "a"]
    assert (journey.run.visit, len({effect.id for effect in journey.effects})) == (2, 2)


def test_a_request_under_way_answers_also_after_the_move(program: ProgramOf) -> None:
    call = "{id: call, http: {url: 'https://a.example/', await: true}}"
    journey = Journey(program(f"steps: [{{id: a, {SEND}}}, {call}]")).begin()
    journey.move(version(program, f"{call}, {{id: a, {SEND}}}"))
    assert (journey.run.due, journey.run.awaits) == (None, journey.effect("call"))
    journey.answer(effect=journey.effect("call"))
    assert (journey.run.status, len({effect.id for effect in journey.effects})) == (COMPLETED, 3)


def test_a_move_of_a_run_that_is_about_to_enter_keeps_it_so(program: ProgramOf) -> None:
    journey = Journey(program(f"steps: [{FAILING}]")).begin()
    journey.retry()
    journey.move(version(program, f"{{id: bad, {SEND}}}"))
    assert (journey.run.version, journey.run.entering, journey.where) == (2, True, (WAITING, "bad", 0))
    journey.due()
    assert journey.run.status == COMPLETED


# -- another step --------------------------------------------------------------------------------------------------------


def test_an_operator_moves_a_run_to_a_step_which_it_enters(program: ProgramOf) -> None:
    steps = program(f"steps: [{{id: a, {SEND}}}, {{id: b, wait: {{for: 1d}}}}, {{id: c, wait: {{for: 2h}}}}]")
    journey = Journey(steps).begin()
    journey.now = NOON + HOUR
    journey.move(step="c")
    assert (journey.where, journey.run.entering, journey.run.since, journey.run.visit) == ((WAITING, "c", 0), True, NOON + HOUR, 2)
    assert journey.waiting() == {(1, "c"): 1}
    assert (journey.details["moved"], journey.counted("left", "b", "moved"), journey.counted("moved_out")) == ({"version": 1}, 1, 0)
    assert journey.hear("x").run.status == WAITING
    journey.due()
    assert journey.where == (WAITING, "c", 2 * HOUR)
    journey.move(step="a")
    journey.due()
    assert (journey.run.step, len({effect.id for effect in journey.effects})) == ("b", 2)


def test_a_step_that_is_not_there_ends_the_run(program: ProgramOf) -> None:
    journey = Journey(program("steps: [{id: b, wait: {for: 1d}}]")).begin()
    journey.move(step="z")
    assert journey.ended == (EXITED, "step_removed")


def test_events_do_not_reach_a_wait_that_is_not_entered_yet(program: ProgramOf) -> None:
    journey = Journey(program("steps: [{id: a, wait: {for: 1d}}, {id: w, wait_for: {on: [{event: x}], timeout: 1d}}]")).begin()
    journey.move(step="w")
    assert journey.hear("x").run.status == WAITING
    journey.due()
    assert journey.where == (WAITING, "w", DAY)


def test_what_a_step_left_is_forgotten_when_it_is_entered_again(program: ProgramOf) -> None:
    tell = "{id: tell, send_event: {event: e, data: {x: '{{ w.event.x || none }}'}}}, {id: end, wait: {for: 1d}}"
    journey = Journey(program(f"steps: [{{id: w, wait_for: {{on: [{{event: x}}], timeout: 1d}}}}, {tell}]")).begin()
    journey.hear("x", x=1)
    journey.move(step="w")
    journey.due()
    assert journey.left("w") is None
    journey.due()
    assert [getattr(effect, "data", None) for effect in journey.effects] == [{"x": 1}, {"x": "none"}]


def test_a_run_that_is_moved_twice_before_it_enters_has_left_one_step_only(program: ProgramOf) -> None:
    journey = Journey(program("steps: [{id: a, wait: {for: 1d}}, {id: b, wait: {for: 1d}}, {id: c, wait: {for: 1d}}]")).begin()
    journey.move(step="b")
    journey.move(step="c")
    journey.due()
    assert [journey.counted("left", step, "moved") for step in "abc"] == [1, 0, 0]
    assert [journey.counted("entered", step) for step in "abc"] == [1, 0, 1]


# -- what goes along -----------------------------------------------------------------------------------------------------

HERE = "{id: here, wait: {for: 1d}}"


def aims(within: str, count: str = "first") -> str:
    return f"settings: {{goal: {{event: buy, within: {within}, count: {count}}}}}\n"


@pytest.mark.parametrize("step", [None, "here"])
@pytest.mark.parametrize(
    ("before", "reached", "after", "hours"),
    [
        ("", False, aims("2h"), 2),
        (aims("1h"), False, aims("5h"), 5),
        (aims("5h"), False, aims("1h"), 1),
        (aims("1h"), False, "", None),
        (aims("1h"), True, aims("5h"), None),
        (aims("1h"), True, aims("5h", "every"), 5),
        (aims("1h", "every"), True, aims("5h", "every"), 5),
        (aims("1h", "every"), True, aims("5h"), None),
    ],
)
def test_the_goal_is_the_one_of_the_version_that_the_run_is_moved_to(
    program: ProgramOf, step: str | None, before: str, reached: bool, after: str, hours: int | None
) -> None:
    journey = Journey(program(f"{before}steps: [{HERE}]")).begin()
    if reached:
        found = reach(journey.program, journey.run, event("buy"), {}, NOON, journey.person)
        assert found is not None
        journey.run = found.run
    journey.now = NOON + HOUR
    journey.move(version(program, HERE, more=after), step)
    assert journey.run.goal_until == (None if hours is None else NOON + hours * HOUR)


@pytest.mark.parametrize("reached", [False, True])
@pytest.mark.parametrize("step", [None, "here"])
def test_a_move_within_a_version_opens_no_goal_anew(program: ProgramOf, step: str | None, reached: bool) -> None:
    journey = Journey(program(f"{aims('2h')}steps: [{HERE}]")).begin()
    journey.run = msgspec.structs.replace(journey.run, goal_until=None if reached else NOON + 2 * HOUR, reached=reached)
    journey.now = NOON + HOUR
    journey.move(step=step)
    assert journey.run.goal_until == (None if reached else NOON + 2 * HOUR)
    assert (journey.counted("moved_out"), journey.counted("moved_in")) == (0, 0)


@pytest.mark.parametrize("step", [None, "here"])
def test_splits_that_the_new_version_does_not_have_count_no_more(program: ProgramOf, step: str | None) -> None:
    kept, gone = (f"{{id: {id}, split: {{paths: [{{percent: 100, name: all, steps: []}}]}}}}" for id in ("kept", "gone"))
    journey = Journey(program(f"{aims('1h')}steps: [{kept}, {gone}, {HERE}]")).begin()
    assert journey.run.paths == {"kept": "all", "gone": "all"}
    journey.move(version(program, f"{kept}, {HERE}", more=aims("1h")), step)
    assert journey.run.paths == {"kept": "all"}


def test_a_wait_that_goes_on_at_once_has_been_entered_by_the_move(program: ProgramOf) -> None:
    journey = Journey(program(f"steps: [{HERE}]")).begin()
    journey.now = NOON + HOUR
    journey.move(version(program, "{id: here, wait: {until: '2026-05-05T11:00Z'}}"))
    assert (journey.where, journey.run.entering, journey.counted("entered", "here", "moved")) == ((WAITING, "here", 0), False, 1)
    other = Journey(program(f"steps: [{HERE}]")).begin()
    other.move(version(program, f"{{id: here, {SEND}}}"))
    assert other.counted("entered", "here", "moved") == 0, "it is entered when the timer fires"


# -- stops and pauses ----------------------------------------------------------------------------------------------------


def test_a_stop_ends_a_run_wherever_it_stands_and_an_ended_one_stays_as_it_is(program: ProgramOf) -> None:
    journey = Journey(program("steps: [{id: a, wait: {for: 1d}}]")).begin()
    journey.paused = True
    journey.stop("restarted")
    assert (journey.ended, journey.waiting(), journey.counted("exited")) == ((EXITED, "restarted"), {}, 1)
    assert journey.details["exited"] == {"reason": "restarted"}
    ended = journey.run
    happened = list(journey.happened)
    for act in (journey.stop, journey.retry, journey.move, journey.change):
        act()
    journey.due(NOON + 2 * DAY)
    journey.hear("x")
    journey.leave("x")
    journey.answer(effect="x")
    assert (journey.run, journey.happened) == (ended, happened)


def test_a_run_that_ends_before_it_enters_is_not_about_to_enter_any_more(program: ProgramOf) -> None:
    journey = Journey(program(f"steps: [{HERE}]")).begin()
    journey.move(step="here")
    assert journey.run.entering
    journey.stop()
    assert not journey.run.entering


def test_a_paused_run_takes_no_step(program: ProgramOf) -> None:
    journey = Journey(program(f"steps: [{{id: a, wait: {{for: 1h}}}}, {{id: b, {SEND}}}]")).begin()
    journey.paused = True
    journey.due(NOON + HOUR)
    assert (journey.run.step, journey.effects, journey.run.due) == ("a", [], NOON + HOUR)
    journey.paused = False
    journey.due(NOON + 5 * HOUR)
    assert journey.run.status == COMPLETED


def test_an_answer_is_noted_in_a_pause_and_counts_once(program: ProgramOf) -> None:
    journey = Journey(program(f"steps: [{{id: call, http: {{url: 'https://a.example/', await: true}}}}, {{id: b, {SEND}}}]")).begin()
    call = journey.effects[-1].id
    journey.paused = True
    journey.answer("sent", status=200)
    assert (journey.where, journey.left("call")) == ((WAITING, "call", 0), {"outcome": "sent", "response": {}, "status": 200})
    journey.answer("failed", status=500)
    assert journey.left("call") == {"outcome": "sent", "response": {}, "status": 200}
    journey.paused = False
    journey.due()
    assert (journey.run.status, steps_of(journey), journey.effects[0].id) == (COMPLETED, ["call", "b"], call)


def test_a_retry_and_a_move_wait_for_the_end_of_a_pause(program: ProgramOf) -> None:
    journey = Journey(program(f"steps: [{FAILING}]")).begin()
    journey.person = somebody({"ends": "2026-05-01"})
    journey.paused = True
    journey.retry()
    journey.due()
    assert (journey.where, steps_of(journey)) == ((WAITING, "bad", 0), ["good"])
    journey.paused = False
    journey.due()
    assert journey.run.status == COMPLETED


def test_a_timer_before_its_time_does_nothing_even_where_its_step_is_gone(program: ProgramOf) -> None:
    journey = Journey(program("steps: [{id: a, wait: {for: 1h}}]")).begin()
    journey.program = program("steps: []")
    assert journey.due(NOON + HOUR - 1).run.status == WAITING
    assert journey.due(NOON + HOUR).run.reason == "step_removed"


def test_a_run_whose_program_is_not_at_hand_can_be_ended(program: ProgramOf) -> None:
    journey = Journey(program("steps: [{id: a, wait: {for: 1h}}]")).begin()
    failed = end(journey.run, NOON + 5, Profile("n:p"), FAILED, "version 1 is not valid")
    assert (failed.run.status, failed.run.step, failed.run.ended, failed.run.due) == (FAILED, "a", NOON + 5, None)
    journey.count(*failed.tallies)
    assert journey.waiting() == {}
    assert [reason.detail for reason in failed.reasons] == [{"reason": "version 1 is not valid"}]


# -- the guard -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("most", "status"), [(3, COMPLETED), (2, FAILED)])
def test_a_run_takes_only_so_many_steps_without_waiting(
    program: ProgramOf, monkeypatch: pytest.MonkeyPatch, most: int, status: str
) -> None:
    """No document is that long, as none has a way back: a guard."""
    assert core.MOST_STEPS == 1000
    monkeypatch.setattr(core, "MOST_STEPS", most)
    journey = Journey(program(f"steps: [{{id: a, {SEND}}}, {{id: b, {SEND}}}, {{id: c, {SEND}}}]")).begin()
    assert journey.run.status == status
    if status == FAILED:
        assert journey.ended == (FAILED, "took 2 steps without waiting")
        assert (journey.run.step, steps_of(journey)) == ("c", ["a", "b"]), "it stands at the step that it did not take"
        journey.retry()
        journey.due()
        assert steps_of(journey) == ["a", "b", "c"]


@pytest.mark.parametrize(("most", "status"), [(4, COMPLETED), (3, FAILED)])
def test_steps_in_branches_are_steps_too(program: ProgramOf, monkeypatch: pytest.MonkeyPatch, most: int, status: str) -> None:
    monkeypatch.setattr(core, "MOST_STEPS", most)
    split = f"{{id: out, split: {{paths: [{{percent: 100, steps: [{{id: a, {SEND}}}, {{id: b, {SEND}}}]}}]}}}}"
    journey = Journey(program(f"steps: [{split}, {{id: c, {SEND}}}]")).begin()
    assert (journey.run.status, steps_of(journey)) == (status, ["a", "b", "c"][: most - 1])


def test_500_steps_are_taken_at_once(program: ProgramOf) -> None:
    steps = ", ".join(f"{{id: s{number}, segment: {{add: x}}}}" for number in range(500))
    journey = Journey(program(f"steps: [{steps}]")).begin()
    assert (journey.run.status, len(journey.effects), journey.counted("entered", "s499")) == (COMPLETED, 1, 1)


def test_a_move_counts_in_both_versions(program: ProgramOf) -> None:
    journey = Journey(program("steps: [{id: pause, wait: {for: 1h}}, {id: x, exit: {}}]")).begin()
    journey.move(version(program, "{id: pause, wait: {for: 2h}}"))
    assert [journey.counted(name, version=1) for name in ("moved_out", "moved_in")] == [1, 0]
    assert [journey.counted(name, version=journey.program.version) for name in ("moved_out", "moved_in")] == [0, 1]
    assert journey.counted("left", "pause", "moved", version=1) == 1
    assert journey.counted("entered", "pause", "moved", version=journey.program.version) == 1
