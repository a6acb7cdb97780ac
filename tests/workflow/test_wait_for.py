"""`wait_for`: events, conditions, receipts, the timeout, and what is known afterwards."""

from typing import Any

import msgspec
import pytest
from tests.workflow.builders import START, ProgramOf, event
from tests.workflow.journey import DAY, HOUR, NOON, Journey
from tests.workflow.problems import problems

from clarion.workflow.advance import receive
from clarion.workflow.effects import HttpEffect
from clarion.workflow.run import COMPLETED, WAITING
from clarion.workflow.source import read_document

CLICKED, VIEWED = "PushEngage.Notification.Clicked", "PushEngage.Notification.Viewed"
TELL = 'http: {url: "https://a.example/{{ w.event.x || none }}"}'


def waiting(on: str, more: str = "") -> str:
    """A wait of a day, a request in each branch, and one behind."""
    return f"""
steps:
  - id: hi
    push: {{title: t, message: m, url: "https://shop.example/"}}
  - id: w
    wait_for:
      on: [{on}]
      timeout: 1d
      then: [{{id: came, {TELL}}}]
      otherwise: [{{id: late, http: {{url: "https://a.example/"}}}}]
  - id: behind
    {TELL}
{more}"""


def steps_of(journey: Journey) -> list[str]:
    """The steps that sent something, but for the push."""
    return [effect.step for effect in journey.effects if effect.step != "hi"]


def urls(journey: Journey) -> list[str]:
    """Where requests went."""
    return [effect.url for effect in journey.effects if isinstance(effect, HttpEffect)]


def test_an_event_leads_into_then_and_its_data_stays(program: ProgramOf) -> None:
    journey = Journey(program(waiting("{event: buy}"))).begin()
    assert (journey.where, journey.details["waiting"]) == ((WAITING, "w", DAY), {"until": NOON + DAY, "for": ["buy"]})
    journey.hear("other", x=1)
    assert journey.run.status == WAITING
    journey.hear("buy", NOON + HOUR, x="a b")
    assert (journey.run.status, steps_of(journey)) == (COMPLETED, ["came", "behind"])
    assert urls(journey) == ["https://a.example/a%20b"] * 2
    assert journey.details["resumed"] == {"event": "e2", "event_name": "buy"}
    assert (journey.counted("left", "w", "then"), journey.counted("left", "w", "otherwise")) == (1, 0)


def test_a_timeout_leads_into_otherwise(program: ProgramOf) -> None:
    journey = Journey(program(waiting("{event: buy}"))).begin()
    assert journey.due(NOON + DAY - 1).run.status == WAITING
    journey.due()
    assert (journey.run.status, steps_of(journey)) == (COMPLETED, ["late", "behind"])
    assert urls(journey) == ["https://a.example/", "https://a.example/none"]
    assert "timed_out" in journey.happened
    assert (journey.counted("left", "w", "then"), journey.counted("left", "w", "otherwise")) == (0, 1)


def test_missing_branches_are_empty_ones(program: ProgramOf) -> None:
    steps = program(f"steps: [{{id: w, wait_for: {{on: [{{event: buy}}], timeout: 1h}}}}, {{id: behind, {TELL}}}]")
    for end in ("event", "timeout"):
        journey = Journey(steps).begin()
        if end == "event":
            journey.hear("buy", x=1)
        else:
            journey.due()
        assert (journey.run.status, steps_of(journey)) == (COMPLETED, ["behind"])


SEVERAL = """{event: buy, where: {all: [{field: event.x, op: gt, value: 5}, {field: event.cart, op: eq, value: {from: entry.cart}}]}},
  {event: buy, where: {all: [{field: event.x, op: eq, value: zero}]}}, {event: call}"""


@pytest.mark.parametrize(
    ("name", "data", "comes"),
    [
        ("buy", {"x": 6, "cart": "c1"}, True),
        ("buy", {"x": 5, "cart": "c1"}, False),
        ("buy", {"x": 6, "cart": "c2"}, False),
        ("buy", {"x": "6", "cart": "c1"}, False),
        ("buy", {"x": "zero"}, True),
        ("buy", {}, False),
        ("call", {}, True),
        ("go", {"x": 6, "cart": "c1"}, False),
    ],
)
def test_any_of_several_events_each_with_its_condition(program: ProgramOf, name: str, data: dict[str, Any], comes: bool) -> None:
    journey = Journey(program(waiting(SEVERAL)), cart="c1", x=1).begin()
    before = journey.run
    journey.hear(name, **data)
    assert (journey.run.status == COMPLETED) is comes
    assert comes or journey.run == before


def receipt(journey: Journey, step: str = "hi", run: str = "r1") -> dict[str, Any]:
    """Data of a receipt of one of the run's pushes."""
    return {"run": run, "step": step, "x": "seen"}


def test_a_receipt_has_to_be_of_that_push_of_this_run(program: ProgramOf) -> None:
    journey = Journey(program(waiting(f"{{event: {CLICKED}, of: hi}}"))).begin()
    for wrong in (receipt(journey, step="other"), receipt(journey, run="r2"), {}):
        assert journey.hear(CLICKED, **wrong).run.status == WAITING
    assert journey.hear(VIEWED, **receipt(journey)).run.status == WAITING
    journey.hear(CLICKED, **receipt(journey))
    assert steps_of(journey) == ["came", "behind"]


def test_any_receipt_will_do_without_of(program: ProgramOf) -> None:
    journey = Journey(program(waiting(f"{{event: {CLICKED}}}"))).begin()
    journey.hear(CLICKED, **receipt(journey, run="r2"))
    assert journey.run.status == COMPLETED


def early(where: str = "") -> str:
    """A push, a wait, and then a wait for its click."""
    on = f"{{event: {VIEWED}, of: hi}}, {{event: {CLICKED}, of: hi{where}}}, {{event: buy}}"
    return waiting(on).replace("  - id: w\n", "  - {id: pause, wait: {for: 1h}}\n  - id: w\n")


def test_a_receipt_that_is_recorded_already_counts(program: ProgramOf) -> None:
    journey = Journey(program(early())).begin()
    journey.hear(CLICKED, NOON + 5, **receipt(journey))
    assert journey.run.receipts == {"hi": {CLICKED: [receipt(journey)]}}
    journey.due()
    assert (journey.run.status, steps_of(journey)) == (COMPLETED, ["came", "behind"])
    assert urls(journey)[0] == "https://a.example/seen"
    assert journey.details["resumed"] == {"event_name": CLICKED, "recorded": True}
    assert journey.counted("left", "w", "then") == 1


def test_a_wait_does_not_look_back_otherwise(program: ProgramOf) -> None:
    journey = Journey(program(early())).begin()
    for name, data in (("buy", {}), (CLICKED, receipt(journey, run="r2"))):
        journey.hear(name, NOON + 5, **data)
    assert journey.run.receipts == {}
    journey.due()
    assert (journey.run.step, journey.run.due) == ("w", NOON + HOUR + DAY)


@pytest.mark.parametrize(("x", "status"), [("seen", COMPLETED), ("other", WAITING)])
def test_a_recorded_receipt_has_to_meet_the_condition(program: ProgramOf, x: str, status: str) -> None:
    journey = Journey(program(early(f", where: {{all: [{{field: event.x, op: eq, value: {x}}}]}}"))).begin()
    journey.hear(CLICKED, NOON + 5, **receipt(journey))
    journey.due()
    assert journey.run.status == status


def test_what_people_did_is_remembered_and_what_became_of_the_push_only_where_it_is_asked_for(program: ProgramOf) -> None:
    steps = program(early())
    journey = Journey(steps).begin()
    for x in ("first", "second"):
        journey.hear(CLICKED, NOON + 5, **(receipt(journey) | {"x": x}))
    journey.hear("PushEngage.Notification.Sent", NOON + 5, **receipt(journey))
    assert journey.run.receipts == {"hi": {CLICKED: [receipt(journey) | {"x": x} for x in ("first", "second")]}}
    for number in range(9):
        journey.hear(CLICKED, NOON + 5, **(receipt(journey) | {"x": number}))
    assert len(journey.run.receipts["hi"][CLICKED]) == 10
    assert receive(steps, journey.run, event(VIEWED), {"run": "r1", "step": 5}) is journey.run
    goal = "settings: {goal: {event: buy, within: 1h, attribution: view}}\n"
    aiming = Journey(program(goal + waiting("{event: buy}"))).begin()
    aiming.hear(VIEWED, **receipt(aiming))
    aiming.hear(CLICKED, **receipt(aiming))
    assert list(aiming.run.receipts["hi"]) == [VIEWED, CLICKED]


def test_any_receipt_that_is_recorded_may_be_the_one(program: ProgramOf) -> None:
    journey = Journey(program(early(", where: {all: [{field: event.x, op: eq, value: seen}]}"))).begin()
    for x in ("other", "seen"):
        journey.hear(CLICKED, NOON + 5, **(receipt(journey) | {"x": x}))
    journey.due()
    assert journey.run.status == COMPLETED


def test_a_receipt_too_many_hops_away_is_not_remembered(program: ProgramOf) -> None:
    steps = program(early())
    journey = Journey(steps).begin()
    for hops, known in ((8, []), (7, ["hi"])):
        far = msgspec.structs.replace(event(CLICKED), hops=hops)
        assert list(receive(steps, journey.run, far, receipt(journey)).receipts) == known


def test_a_paused_run_notes_what_comes_and_goes_on_later(program: ProgramOf) -> None:
    journey = Journey(program(waiting("{event: buy}"))).begin()
    journey.paused = True
    journey.hear("buy", NOON + HOUR, x=1)
    assert (journey.where, journey.effects[1:]) == ((WAITING, "w", 0), [])
    journey.hear("buy", NOON + 2 * HOUR, x=2)
    assert journey.left("w") == {"event": {"x": 1}}, "the first one counts"
    assert journey.due(NOON + 3 * HOUR).run.status == WAITING
    journey.paused = False
    journey.due(NOON + 4 * HOUR)
    assert (journey.run.status, urls(journey)[0]) == (COMPLETED, "https://a.example/1")
    assert journey.happened.count("resumed") == 1


def test_what_came_counts_also_when_the_timer_was_set_aside(program: ProgramOf) -> None:
    journey = Journey(program(waiting("{event: buy}"))).begin()
    journey.paused = True
    journey.hear("buy", NOON + HOUR, x=1)
    journey.paused, journey.run = False, msgspec.structs.replace(journey.run, due=None)
    journey.hear("buy", NOON + 2 * HOUR, x=2)
    assert (journey.where[0], journey.left("w"), journey.effects[1:]) == (WAITING, {"event": {"x": 1}}, [])


@pytest.mark.parametrize(("late", "step"), [(DAY - 1, "came"), (DAY, "late"), (DAY + 1, "late")])
def test_what_comes_during_a_pause_comes_in_time_or_not(program: ProgramOf, late: int, step: str) -> None:
    journey = Journey(program(waiting("{event: buy}"))).begin()
    journey.paused = True
    journey.hear("buy", NOON + late, x=1)
    journey.paused = False
    journey.due(NOON + 2 * DAY)
    assert steps_of(journey)[0] == step


def test_an_exit_holds_after_what_came_during_a_pause(program: ProgramOf) -> None:
    journey = Journey(program("exit: [{event: stop}]\n" + waiting("{event: buy}"))).begin()
    journey.paused = True
    journey.hear("buy", x=1)
    journey.leave("stop")
    assert journey.ended == ("exited", "event stop")


def test_the_audience_is_tested_before_the_step_that_follows(program: ProgramOf) -> None:
    journey = Journey(program("exit: [{audience: {all: [{field: profile.left, op: exists}]}}]\n" + waiting("{event: buy}"))).begin()
    journey.person = type(journey.person)(type(journey.person.profile)("n:p", {"left": True}))
    journey.hear("buy", x=1)
    assert (journey.ended, steps_of(journey)) == (("exited", "audience"), [])


def test_hops_of_what_resumes_a_run_are_taken_over(program: ProgramOf) -> None:
    steps = program("steps: [{id: a, wait_for: {on: [{event: x}], timeout: 1h}}, {id: b, wait_for: {on: [{event: x}], timeout: 1h}}]")
    journey = Journey(steps).begin()
    journey.hear("x", hops=5)
    assert (journey.run.step, journey.run.hops) == ("b", 5)
    journey.hear("x", hops=2)
    assert journey.run.hops == 5


def test_a_run_is_no_hop_away_from_itself(program: ProgramOf) -> None:
    """Else no run could wait for the clicks of its eighth push."""
    journey = Journey(program(waiting(f"{{event: {CLICKED}, of: hi}}"))).begin()
    journey.hear(CLICKED, hops=1, cause="r1", **receipt(journey))
    assert journey.run.hops == 0
    other = Journey(program(waiting(f"{{event: {CLICKED}}}"))).begin()
    other.hear(CLICKED, hops=1, cause="r2")
    assert other.run.hops == 1


def test_the_entry_has_hops_too(program: ProgramOf) -> None:
    far = type(event())("e1", "go", profile_id="p", hops=3)
    assert Journey(program(waiting("{event: buy}")), entry=far).begin().run.hops == 3


def test_what_the_steps_of_a_run_leave_is_bounded(program: ProgramOf) -> None:
    waits = "".join(f"  - {{id: w{number}, wait_for: {{on: [{{event: buy}}], timeout: 1d}}}}\n" for number in range(3))
    journey = Journey(program(f"steps:\n{waits}")).begin()
    journey.hear("buy", x="a" * 65_000)
    assert journey.run.step == "w1"
    journey.hear("buy", x="a" * 66_500)
    assert (journey.run.status, journey.run.step) == ("failed", "w1")
    assert journey.run.reason == "its steps have left more than 128 KiB for later ones"


def test_what_just_fits_may_stay(program: ProgramOf) -> None:
    waits = "".join(f"  - {{id: w{number}, wait_for: {{on: [{{event: buy}}], timeout: 1d}}}}\n" for number in range(2))
    frame = len(msgspec.json.encode({"w0": {"event": {"x": ""}}}))
    for size, status in ((131_072 - frame, WAITING), (131_073 - frame, "failed")):
        journey = Journey(program(f"steps:\n{waits}")).begin()
        journey.hear("buy", x="a" * size)
        assert journey.run.status == status


def test_a_recorded_receipt_counts_whatever_else_is_waited_for_first(program: ProgramOf) -> None:
    on = f"{{event: buy}}, {{event: {CLICKED}}}, {{event: {CLICKED}, of: hi}}"
    journey = Journey(program(waiting(on).replace("  - id: w\n", "  - {id: pause, wait: {for: 1h}}\n  - id: w\n"))).begin()
    journey.hear(CLICKED, NOON + 5, **receipt(journey))
    journey.due()
    assert (journey.run.status, journey.left("w")) == (COMPLETED, {"event": receipt(journey)})


def test_a_moved_run_goes_on_waiting_from_when_it_began_unless_what_it_waits_for_is_recorded(program: ProgramOf) -> None:
    newer = msgspec.structs.replace(program(waiting(f"{{event: {VIEWED}, of: hi}}").replace("timeout: 1d", "timeout: 2d")), version=2)
    for seen, where in ((VIEWED, (WAITING, "w", 0)), (CLICKED, (WAITING, "w", 2 * DAY - HOUR))):
        journey = Journey(program(waiting(f"{{event: buy}}, {{event: {VIEWED}, of: hi}}, {{event: {CLICKED}, of: hi}}"))).begin()
        journey.run = msgspec.structs.replace(journey.run, receipts={"hi": {seen: [receipt(journey)]}})
        journey.now = NOON + HOUR
        journey.move(newer)
        assert journey.where == where
        if seen == VIEWED:
            journey.due()
            assert (journey.run.status, steps_of(journey)) == (COMPLETED, ["came", "behind"])


def test_what_came_in_a_pause_is_taken_along_in_a_move(program: ProgramOf) -> None:
    steps = program(waiting("{event: buy}"))
    journey = Journey(steps).begin()
    journey.paused = True
    journey.hear("buy", NOON + HOUR, x=1)
    journey.move(msgspec.structs.replace(steps, version=2))
    assert (journey.where, journey.run.entering) == ((WAITING, "w", 0), False)
    journey.paused = False
    journey.due()
    assert (journey.run.status, steps_of(journey), urls(journey)[0]) == (COMPLETED, ["came", "behind"], "https://a.example/1")


def test_no_outcome_is_mistaken_for_an_event(program: ProgramOf) -> None:
    journey = Journey(program("steps: [{id: w, http: {url: 'https://a.example/', await: true}}]")).begin()
    journey.paused = True
    journey.answer(status=200)
    assert journey.left("w") == {"outcome": "sent", "response": {}, "status": 200}
    waits = "steps: [{id: w, wait_for: {on: [{event: buy}], timeout: 1d, then: [{id: in, exit: {}}]}}]"
    journey.move(msgspec.structs.replace(program(waits), version=2))
    journey.paused = False
    assert journey.where == (WAITING, "w", DAY)
    journey.due()
    assert (journey.run.status, journey.happened[-2:]) == (COMPLETED, ["timed_out", "completed"])


SENT = "PushEngage.Notification.Sent"
OF = "goes with what becomes of a push, such as PushEngage.Notification.Clicked"


@pytest.mark.parametrize(
    ("on", "path", "message"),
    [
        ("{event: buy, of: hi}", "on[0].of", OF),
        ("{event: PushEngage.Subscriber.Add, of: hi}", "on[0].of", OF),
        (f"{{event: {CLICKED}, of: 5}}", "on[0].of", "must be a string"),
        (f"{{event: {CLICKED}, of: ''}}", "on[0].of", "must not be empty"),
        (f"{{event: {CLICKED}, of: {'x' * 65}}}", "on[0].of", "must be at most 64 characters"),
        (f"{{event: {CLICKED}, of: w}}", "on[0].of", None),
        (f"{{event: {CLICKED}, of: {'x' * 64}}}", "on[0].of", None),
        ("{event: 5, of: hi}", "on[0].event", "must be a string"),
        ("{of: hi}", "on[0].event", "is required"),
        ("5", "on[0]", "must be an object"),
        (f"{{event: {CLICKED}, where: {{all: [{{field: event.step, op: eq, value: other}}]}}, of: hi}}", "on[0].where.all[0]", None),
    ],
)
def test_what_cannot_be_waited_for(on: str, path: str, message: str | None) -> None:
    """None: a message that other tests hold."""
    [(found, said)] = problems(waiting(on))
    assert found == f"steps[1].wait_for.{path}"
    assert message is None or said.startswith(message)


@pytest.mark.parametrize("event", [CLICKED, VIEWED, SENT, "PushEngage.Notification.Closed", "PushEngage.Notification.Failed"])
def test_all_that_becomes_of_a_push_can_be_waited_for(program: ProgramOf, event: str) -> None:
    program(waiting(f"{{event: {event}, of: hi}}"))


def test_only_the_event_that_has_an_of_is_a_receipt_of_that_push(program: ProgramOf) -> None:
    elsewhere = "{all: [{field: event.step, op: eq, value: other}]}"
    program(waiting(f"{{event: {CLICKED}, of: hi}}, {{event: {CLICKED}, where: {elsewhere}}}"))
    behind = f"{{id: d, decide: {{cases: [{{when: {elsewhere}, steps: []}}]}}}}"
    text = waiting(f"{{event: {CLICKED}, of: hi}}")
    program(text.replace("then: [", f"then: [{behind}, "))


ENDS = "[{id: END, exit: {}}]"


def test_a_step_behind_branches_that_both_end_is_never_reached() -> None:
    on = "on: [{event: buy}], timeout: 1h"
    for branches, reached in (("then", "otherwise"), False), (("then",), True), (("otherwise",), True):
        more = "".join(f", {branch}: {ENDS.replace('END', branch)}" for branch in branches)
        text = f"steps: [{{id: s, wait_for: {{{on}{more}}}}}, {{id: behind, exit: {{}}}}]"
        if reached:
            read_document(START + text)
        else:
            assert problems(text) == [("steps[1]", 'is never reached: step "s" before it ends the run')]
    assert [path for path, _ in problems("steps: [{id: s, wait_for: 5}, {id: behind, exit: {}}]")] == ["steps[0].wait_for"]
