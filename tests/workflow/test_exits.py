"""Exit rules: on events and on the audience, wherever a run stands."""

import pytest
from tests.workflow.builders import ProgramOf
from tests.workflow.journey import HOUR, NOON, Journey, at, somebody
from tests.workflow.problems import problems

from clarion.workflow.run import EXITED, WAITING

EVENTS = """
exit:
  - {event: purchase, where: {all: [{field: event.cart, op: eq, value: {from: entry.cart}}]}}
  - {event: purchase, where: {all: [{field: event.total, op: gt, value: 1000}]}}
  - {event: PushEngage.Subscriber.Remove}
"""
AUDIENCE = (
    "exit: [{audience: {all: [{field: segments, op: in, value: [staff]}]}}, {audience: {all: [{field: profile.left, op: exists}]}}]\n"
)

STANDS = {
    "in a wait": "{id: here, wait: {for: 2h}}",
    "in a wait_for": "{id: here, wait_for: {on: [{event: never}], timeout: 2h}}",
    "in quiet hours": "{id: here, push: {title: t, message: m, url: 'https://a.example/'}}",
    "at a request": "{id: here, http: {url: 'https://a.example/', await: true}}",
    "in a branch": "{id: d, decide: {cases: [{when: {not: {field: event.x, op: exists}}, steps: [{id: here, wait: {for: 2h}}]}]}}",
}
QUIET = 'settings: {quiet_hours: {from: "11:00", to: "14:00"}}\n'


def standing(program: ProgramOf, rules: str, where: str, now: int = NOON) -> Journey:
    journey = Journey(program(f"{QUIET}{rules}steps: [{STANDS[where]}, {{id: behind, send_event: {{event: e}}}}]"), now=now, cart="c1")
    assert journey.begin().run.step == "here"
    return journey


@pytest.mark.parametrize("where", STANDS)
@pytest.mark.parametrize("paused", [False, True])
def test_an_event_ends_the_run_wherever_it_stands(program: ProgramOf, where: str, paused: bool) -> None:
    journey = standing(program, EVENTS, where)
    journey.paused = paused
    done = journey.leave("purchase", NOON + 5, cart="c1")
    assert (journey.ended, journey.run.ended, journey.run.step, journey.run.due) == ((EXITED, "event purchase"), NOON + 5, None, None)
    [row] = journey.details["exited"].pop("rows")
    assert (row["field"], row["saw"], journey.details["exited"]) == ("event.cart", "c1", {"event": "e3", "reason": "event purchase"})
    assert [(row.field, row.saw, row.compared) for row in done.rows] == [("event.cart", "c1", "entry.cart")]
    assert (journey.counted("exited"), journey.waiting()) == (1, {})


@pytest.mark.parametrize("where", STANDS)
@pytest.mark.parametrize("paused", [False, True])
def test_a_profile_that_comes_to_belong_ends_the_run_wherever_it_stands(program: ProgramOf, where: str, paused: bool) -> None:
    journey = standing(program, AUDIENCE, where)
    journey.paused = paused
    journey.change({"name": "A"}, ("fans",))
    assert journey.run.status == WAITING
    done = journey.change({"name": "A"}, ("fans", "staff"))
    assert (journey.ended, journey.waiting()) == ((EXITED, "audience"), {})
    assert [(row.field, row.saw) for row in done.rows] == [("segments", ["fans", "staff"])]
    [row] = journey.details["exited"].pop("rows")
    assert (row["field"], row["saw"], journey.details["exited"]) == ("segments", ["fans", "staff"], {"reason": "audience"})


def test_any_rule_will_do_and_each_is_told_that_did_not(program: ProgramOf) -> None:
    journey = standing(program, EVENTS, "in a wait")
    journey.leave("purchase", cart="c2", total=1000)
    assert [row["field"] for row in journey.details["not_exited"].pop("rows")] == ["event.cart", "event.total"]
    assert journey.details["not_exited"] == {"event": "e3"}
    assert journey.run.status == WAITING
    journey.leave("other", cart="c1")
    assert journey.happened.count("not_exited") == 1, "what no rule is about is not told"
    journey.leave("purchase", cart="c2", total=1001)
    assert journey.run.status == EXITED


def test_a_rule_may_ask_for_what_a_step_has_left(program: ProgramOf) -> None:
    queued, stale = (f"{{all: [{{field: hi.status, op: eq, value: {status}}}]}}" for status in ("queued", "stale"))
    rules = f"exit: [{{event: stop, where: {queued}}}, {{audience: {stale}}}]\n"
    steps = "steps: [{id: hi, push: {title: t, message: m, url: 'https://a.example/'}}, {id: here, wait: {for: 1h}}]"
    journey = Journey(program(rules + steps)).begin()
    assert journey.change().run.status == WAITING
    assert journey.leave("stop").run.status == EXITED


def test_the_audience_is_tested_before_each_step_that_follows_a_wait(program: ProgramOf) -> None:
    rules = "exit: [{audience: {all: [{field: profile.until, op: within_last, value: 30m}]}}]\n"
    steps = "steps: [{id: a, wait: {for: 1h}}, {id: b, wait: {for: 1h}}, {id: c, send_event: {event: e}}]"
    journey = Journey(program(rules + steps), somebody({"until": "2026-05-05T13:45:00Z"})).begin()
    journey.due()
    assert (journey.run.step, journey.now) == ("b", at("2026-05-05T13:00Z"))
    journey.due()
    assert (journey.ended, journey.effects) == ((EXITED, "audience"), [])


def test_the_audience_is_not_tested_between_steps_of_one_walk(program: ProgramOf) -> None:
    """The engine does so after the entry, once."""
    journey = Journey(program(AUDIENCE + "steps: [{id: a, segment: {add: staff}}, {id: b, wait: {for: 1h}}]")).begin()
    assert (journey.run.status, journey.run.step) == (WAITING, "b")
    assert journey.change(segments=("staff",)).run.status == EXITED


def test_what_the_audience_sees_of_the_event_is_the_entry(program: ProgramOf) -> None:
    rules = "exit: [{audience: {all: [{field: event.cart, op: eq, value: c1}, {field: entry.cart, op: eq, value: c1}]}}]\n"
    journey = Journey(program(rules + "steps: [{id: a, wait: {for: 1h}}]"), cart="c1").begin()
    assert journey.due().run.status == EXITED
    other = Journey(program(rules + "steps: [{id: a, wait: {for: 1h}}]"), cart="c2").begin()
    assert other.due().run.reason is None


@pytest.mark.parametrize(
    ("rule", "path", "message"),
    [
        ("{event: a, audience: {all: [{field: event.x, op: exists}]}}", "exit[0].event", "write two rules"),
        ("{audience: {all: [{field: event.x, op: exists}]}, where: {all: [{field: event.x, op: exists}]}}", "exit[0].where", "two rules"),
        ("{audience: {all: []}}", "exit[0].audience.all", "must be a list of one or more conditions"),
        ("{}", "exit[0].event", "is required"),
        ("[]", "exit[0]", "must be an object"),
        ("{audience: {all: [{field: profile.x, op: exists}]}, also: 1}", "exit[0].also", "unknown key"),
    ],
)
def test_what_is_no_rule(rule: str, path: str, message: str) -> None:
    [(at_path, said)] = problems(f"exit: [{rule}]\nsteps: []")
    assert at_path == path
    assert message in said


def test_a_timer_that_is_due_after_the_exit_does_nothing(program: ProgramOf) -> None:
    journey = standing(program, EVENTS, "in a wait")
    journey.leave("PushEngage.Subscriber.Remove")
    ended = journey.run
    assert journey.details["exited"] == {"event": "e3", "reason": "event PushEngage.Subscriber.Remove"}
    journey.due(NOON + 3 * HOUR)
    assert (journey.run, journey.effects) == (ended, [])
