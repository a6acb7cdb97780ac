"""Goals: when an event is what a run was for, and what it was worth."""

from typing import Any

import msgspec
import pytest
from tests.workflow.builders import ProgramOf, event
from tests.workflow.journey import HOUR, NOON, Journey, at, somebody
from tests.workflow.problems import problems

from clarion.workflow.goals import Reached, reach
from clarion.workflow.run import COMPLETED, WAITING

CLICKED, VIEWED = "PushEngage.Notification.Clicked", "PushEngage.Notification.Viewed"
HI = "{id: hi, push: {title: t, message: m, url: 'https://a.example/'}}"


def aiming(program: ProgramOf, goal: str = "", steps: str = "{id: w, wait: {for: 1d}}") -> Journey:
    """A run with a goal on `buy` within two hours."""
    return Journey(program(f"settings: {{goal: {{event: buy, within: 2h{goal}}}}}\nsteps: [{steps}]"), cart="c1").begin()


def hit(journey: Journey, now: int = NOON + 1, name: str = "buy", **data: Any) -> Reached | None:
    """Offer an event to the goal; what it means is booked."""
    found = reach(journey.program, journey.run, event(name, "e5", **data), data, now, journey.person)
    if found is not None:
        journey.run = found.run
        journey.count(*found.tallies)
    return found


@pytest.mark.parametrize(("after", "met"), [(0, True), (2 * HOUR, True), (2 * HOUR + 1, False)])
@pytest.mark.parametrize("ended", [False, True])
def test_the_window_runs_from_entry_and_outlives_the_run(program: ProgramOf, after: int, met: bool, ended: bool) -> None:
    journey = aiming(program, steps="" if ended else "{id: w, wait: {for: 1d}}")
    assert journey.run.status == (COMPLETED if ended else WAITING)
    assert (hit(journey, NOON + after) is not None) is met
    assert journey.counted("goals") == int(met)


def test_only_its_event_meets_it(program: ProgramOf) -> None:
    assert hit(aiming(program), name="go") is None
    plain = Journey(program("steps: []")).begin()
    assert (plain.run.goal_until, hit(plain)) == (None, None)


@pytest.mark.parametrize(("count", "expected"), [("", 1), (", count: first", 1), (", count: every", 3)])
def test_the_first_counts_or_every_one(program: ProgramOf, count: str, expected: int) -> None:
    journey = aiming(program, count)
    for _ in range(3):
        hit(journey)
    assert journey.counted("goals") == expected


def test_a_condition_compares_with_the_entry(program: ProgramOf) -> None:
    journey = aiming(program, ", where: {all: [{field: event.cart, op: eq, value: {from: entry.cart}}]}")
    assert hit(journey, cart="c2") is None
    assert journey.run.goal_until is not None
    reached = hit(journey, cart="c1")
    assert reached is not None
    assert [(row.field, row.saw) for row in reached.rows] == [("event.cart", "c1")]
    assert reached.reason.detail == {"event": "e5", "event_name": "buy"}
    assert (reached.reason.at, reached.reason.what, reached.reason.step) == (NOON + 1, "goal", "w")


def test_a_condition_may_ask_for_what_a_step_left(program: ProgramOf) -> None:
    where = ", where: {all: [{field: hi.status, op: eq, value: queued}]}"
    assert hit(aiming(program, where, HI)) is not None
    unreachable = Journey(program(f"settings: {{goal: {{event: buy, within: 2h{where}}}}}\nsteps: [{HI}]"), somebody(reachable=False))
    assert hit(unreachable.begin()) is None


@pytest.mark.parametrize(
    ("value", "millionths"),
    [
        (20, 20_000_000),
        (19.99, 19_990_000),
        (0.1, 100_000),
        (0.0000005, 0),
        (0.0000015, 2),
        (-5, -5_000_000),
        (0, 0),
        (10**12, 10**18),
        (-(10**12), -(10**18)),
        (10**12 + 1, None),
        (1e300, None),
        (2**70, None),
        ("20", None),
        (True, None),
    ],
)
def test_values(program: ProgramOf, value: Any, millionths: int | None) -> None:
    journey = aiming(program, ", value: event.total")
    reached = hit(journey, total=value)
    assert reached is not None
    assert (journey.counted("goals"), journey.counted("value")) == (1, millionths or 0)
    assert reached.reason.detail.get("value") == (None if millionths is None else millionths / 1_000_000)
    assert ("no_value" in reached.reason.detail) is (millionths is None)


def test_a_value_that_is_missing_is_said(program: ProgramOf) -> None:
    reached = hit(aiming(program, ", value: event.total"))
    assert reached is not None
    assert reached.reason.detail["no_value"] == "event.total"


@pytest.mark.parametrize(("attribution", "receipt", "met"), [
    ("entry", None, True), ("click", None, False), ("click", VIEWED, False), ("click", CLICKED, True),
    ("view", None, False), ("view", VIEWED, True), ("view", CLICKED, False),
])  # fmt: skip
def test_attribution(program: ProgramOf, attribution: str, receipt: str | None, met: bool) -> None:
    journey = aiming(program, f", attribution: {attribution}", f"{HI}, {{id: w, wait: {{for: 1d}}}}")
    if receipt is not None:
        journey.hear(receipt, NOON + 1, run="r1", step="hi")
    assert (hit(journey, NOON + 2) is not None) is met


def test_a_click_on_another_runs_push_is_none(program: ProgramOf) -> None:
    journey = aiming(program, ", attribution: click", f"{HI}, {{id: w, wait: {{for: 1d}}}}")
    journey.hear(CLICKED, run="r2", step="hi")
    assert hit(journey) is None


def test_each_path_of_a_split_counts_empty_ones_too(program: ProgramOf) -> None:
    inner = "{id: in, split: {paths: [{percent: 100, name: B, steps: []}]}}"
    journey = aiming(program, ", value: event.total", f"{{id: out, split: {{paths: [{{percent: 100, name: hold, steps: [{inner}]}}]}}}}")
    assert journey.run.status == COMPLETED
    hit(journey, total=5)
    assert [journey.counted("goals", *place) for place in (("", ""), ("out", "hold"), ("in", "B"))] == [1, 1, 1]
    assert [journey.counted("value", *place) for place in (("", ""), ("out", "hold"), ("in", "B"))] == [5_000_000] * 3


def test_goals_count_for_the_version_of_the_run(program: ProgramOf) -> None:
    journey = aiming(program)
    journey.move(msgspec.structs.replace(journey.program, version=7))
    hit(journey)
    assert (journey.counted("goals", version=7), journey.counted("goals", version=1)) == (1, 0)


def test_nothing_of_the_run_changes_but_that_the_goal_is_met(program: ProgramOf) -> None:
    journey = aiming(program)
    before = journey.run
    hit(journey)
    assert journey.run == msgspec.structs.replace(before, goal_until=None, reached=True)


def test_the_window_is_not_opened_anew_by_a_retry(program: ProgramOf) -> None:
    journey = aiming(program, steps="{id: w, wait: {until: '{{ profile.x }}'}}")
    journey.now = at("2026-05-05T13:00Z")
    journey.retry()
    assert journey.run.goal_until == NOON + 2 * HOUR


@pytest.mark.parametrize(
    ("goal", "path", "message"),
    [
        ("{within: 1h}", "event", "is required"),
        ("{event: buy}", "within", "is required"),
        ("{event: buy, within: 0s}", "within", "must be longer than 0s and at most 365d"),
        ("{event: buy, within: 366d}", "within", "must be longer than 0s and at most 365d"),
        ("{event: buy, within: 1h, value: total}", "value", "unknown field 'total': a field of the event is written 'event.total'"),
        ("{event: buy, within: 1h, value: profile.total}", "value", "must be a field of the event"),
        ("{event: buy, within: 1h, attribution: clicked}", "attribution", "must be one of entry, click, view (did you mean 'click'?)"),
        ("{event: buy, within: 1h, count: all}", "count", "must be one of first, every"),
        ("{event: PushEngage.Bought, within: 1h}", "event", "never happens"),
        ("{event: buy, within: 1h, goal: 1}", "goal", "unknown key"),
    ],
)
def test_what_is_no_goal(goal: str, path: str, message: str) -> None:
    [(where, said)] = problems(f"settings: {{goal: {goal}}}\nsteps: []")
    assert where == f"settings.goal.{path}"
    assert said.startswith(message)
