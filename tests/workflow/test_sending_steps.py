"""`send_event`, `start_workflow`, `stop_workflow`: what other workflows hear of."""

import pytest
from tests.workflow.builders import ProgramOf
from tests.workflow.journey import Journey, somebody
from tests.workflow.problems import step_problems

from clarion.domain.ids import caused_event_id
from clarion.domain.records import Scalar
from clarion.domain.system_events import WORKFLOW_START
from clarion.workflow.effects import EventEffect, StopEffect
from clarion.workflow.run import COMPLETED, FAILED


def sent(journey: Journey) -> EventEffect:
    """The one event."""
    [effect] = journey.effects
    assert isinstance(effect, EventEffect)
    return effect


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("", {}),
        (", data: {}", {}),
        (", data: {a: 1, b: true, c: 2.5, d: text}", {"a": 1, "b": True, "c": 2.5, "d": "text"}),
        (", data: {a: '{{ price }}', b: 'for {{ price }}', c: '{{ none }}', d: '{{ none || 3 }}'}", {"a": 9.5, "b": "for 9.5", "d": "3"}),
        (", data: {a: '{{ profile.id }}', b: '{{ big }}'}", {"a": "p", "b": 18446744073709551616}),
    ],
)
def test_an_event(program: ProgramOf, data: str, expected: dict[str, Scalar]) -> None:
    journey = Journey(program(f"steps: [{{id: s, send_event: {{event: shout{data}}}}}]"), price=9.5, big=2**64).begin()
    event = sent(journey)
    assert (event.name, event.data, event.profile_id, event.workflow) == ("shout", expected, None, None)
    assert event.id == caused_event_id(journey.effect("s"), "shout", 0)
    assert {name: type(value) for name, value in event.data.items()} == {name: type(value) for name, value in expected.items()}


def test_an_event_about_somebody_else(program: ProgramOf) -> None:
    steps = program("steps: [{id: s, send_event: {event: shout, profile_id: ' {{ friend }} '}}]")
    assert sent(Journey(steps, friend="bob").begin()).profile_id == "bob"
    assert sent(Journey(steps, friend=7).begin()).profile_id == "7"
    assert sent(Journey(steps, friend="x" * 255).begin()).profile_id == "x" * 255
    assert Journey(steps, friend="x" * 256).begin().ended == (FAILED, "step s: the profile_id is longer than 255 characters")
    assert Journey(steps, friend=" ").begin().ended == (FAILED, "step s: the profile_id is empty")
    assert Journey(steps).begin().ended == (FAILED, "step s: the profile_id is empty")


@pytest.mark.parametrize(("size", "fits"), [(4096 - 8, True), (4096 - 7, False)])
def test_an_event_is_no_larger_than_one_from_outside(program: ProgramOf, size: int, fits: bool) -> None:
    for step in ("send_event: {event: shout", "start_workflow: {workflow: other"):
        journey = Journey(program(f"steps: [{{id: s, {step}, data: {{x: '{{{{ long }}}}'}}}}}}]"), long="x" * size).begin()
        assert journey.ended == ((COMPLETED, None) if fits else (FAILED, "step s: the data is larger than 4096 bytes"))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("", {"cart": "c1", "price": 3}),
        (", data: {}", {}),
        (", data: {cart: '{{ cart }}', again: true}", {"cart": "c1", "again": True}),
    ],
)
def test_a_workflow_is_started_by_an_event_of_its_own(program: ProgramOf, data: str, expected: dict[str, Scalar]) -> None:
    journey = Journey(program(f"steps: [{{id: s, start_workflow: {{workflow: other{data}}}}}]"), cart="c1", price=3).begin()
    event = sent(journey)
    assert (event.name, event.workflow, event.data, event.profile_id) == (WORKFLOW_START, "other", expected, None)
    assert journey.details["start_workflow"] == {"event": event.id, "workflow": "other"}


def test_a_workflow_is_stopped(program: ProgramOf) -> None:
    journey = Journey(program("steps: [{id: s, stop_workflow: {workflow: w}}]")).begin()
    assert journey.effects == [StopEffect(journey.effect("s"), "s", "w")]
    assert journey.run.status == COMPLETED, "its own run goes on"


def test_later_visits_send_other_events(program: ProgramOf) -> None:
    steps = program(
        "steps: [{id: s, send_event: {event: shout}}, {id: p, wait: {for: 1h}}, {id: f, update: {set: {x: '{{ 1 | divided_by: 0 }}'}}}]"
    )
    journey = Journey(steps, somebody()).begin()
    journey.move(step="s")
    journey.due()
    assert len({effect.id for effect in journey.effects}) == 2


@pytest.mark.parametrize(
    ("step", "path", "message"),
    [
        ("send_event: {}", "send_event.event", "is required"),
        ("send_event: {event: ' '}", "send_event.event", "must not be empty"),
        ("send_event: {event: ''}", "send_event.event", "must not be empty"),
        ("send_event: {event: 5}", "send_event.event", "must be a string"),
        (f"send_event: {{event: {'x' * 65}}}", "send_event.event", "must be at most 64 characters"),
        (
            "send_event: {event: PushEngage.Subscriber.Add}",
            "send_event.event",
            'names that start with "PushEngage." are Clarion\'s own',
        ),
        ("send_event: {event: e, data: {x: {}}}", "send_event.data.x", "must be a string, a number, true or false"),
        ("send_event: {event: e, data: {x: '{{ open'}}", "send_event.data.x", "'{{' in line 1 is never closed with '}}'"),
        ("start_workflow: {}", "start_workflow.workflow", "is required"),
        ("stop_workflow: {workflow: w, reason: x}", "stop_workflow.reason", "unknown key"),
    ],
)
def test_what_cannot_be_said(step: str, path: str, message: str) -> None:
    assert step_problems(f"{{id: s, {step}}}") == [(path, message)]


@pytest.mark.parametrize("kind", ["start_workflow", "stop_workflow"])
@pytest.mark.parametrize("slug", ["A B", "Shout", "-a", "ä"])
def test_a_workflow_has_a_slug(kind: str, slug: str) -> None:
    [(path, message)] = step_problems(f"{{id: s, {kind}: {{workflow: {slug}}}}}")
    assert path == f"{kind}.workflow"
    assert message.startswith("must be lower-case letters, digits, hyphens and underscores")


def test_a_start_is_the_same_event_however_often_its_run_is_replayed(program: ProgramOf) -> None:
    journey = Journey(program("steps: [{id: s, start_workflow: {workflow: other}}]")).begin()
    assert sent(journey).id == caused_event_id(journey.effect("s"), WORKFLOW_START, 0)


def test_what_was_sent_is_said(program: ProgramOf) -> None:
    event = Journey(program("steps: [{id: s, send_event: {event: shout, data: {a: '{{ none }}', b: 'x{{ name }}'}}}]")).begin()
    assert event.details["send_event"] == {"event": sent(event).id, "name": "shout", "missing": ["name", "none"]}
    start = Journey(program("steps: [{id: s, start_workflow: {workflow: other, data: {a: '{{ none }}'}}}]")).begin()
    assert start.details["start_workflow"] == {"event": sent(start).id, "workflow": "other", "missing": ["none"]}
    stop = Journey(program("steps: [{id: s, stop_workflow: {workflow: other}}]")).begin()
    assert stop.details["stop_workflow"] == {"workflow": "other"}
