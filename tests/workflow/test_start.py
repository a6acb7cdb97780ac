"""`consider`: whether an event starts a workflow, and if not, exactly why."""

from typing import Any

import msgspec
import pytest
from tests.workflow.builders import ProgramOf, event, new_run
from tests.workflow.journey import DAY, HOUR, NOON

from clarion.domain.records import Event, Profile, Scope
from clarion.workflow.document import read_value
from clarion.workflow.program import Program, compile_program
from clarion.workflow.run import Run
from clarion.workflow.source import read_document
from clarion.workflow.start import Decision, consider, remembered_key, spell_key


def starting(start: str) -> Program:
    return compile_program(read_document(f"workflow: w\nstart: {{{start}}}\nsteps: []"), 3)


ON = "on: [{event: go}]"


def judge(
    program: Program,
    heard: Event | None = None,
    *,
    running: tuple[Run, ...] = (),
    last: int | None = None,
    status: str = "active",
    profile: Profile | None = None,
    **data: Any,
) -> Decision:
    """What an event means at noon."""
    heard = event(received=NOON, **data) if heard is None else heard
    seen = msgspec.json.decode(heard.data)
    scope = Scope(event=seen, entry=seen, now=NOON, profile=profile or Profile("n:p"))
    return consider(program, heard, program.starts_on(heard.name), scope, running, lambda _: last, status)


def said(decision: Decision) -> str:
    return decision.verdict.verdict


def in_flight(id: str = "r1", key: str | None = None) -> Run:
    return msgspec.structs.replace(new_run(event()), id=id, key=key)


def test_an_event_starts_what_listens_for_it() -> None:
    decision = judge(starting(ON))
    assert (said(decision), decision.verdict.workflow, decision.verdict.version, decision.key) == ("started", "w", 3, None)


SEVERAL = (
    "on: [{event: go, where: {all: [{field: event.a, op: eq, value: 1}]}}, {event: go, where: {all: [{field: event.b, op: eq, value: 1}]}}]"
)


@pytest.mark.parametrize(
    ("data", "verdict", "fields"),
    [
        ({"a": 1}, "started", ["event.a"]),
        ({"b": 1}, "started", ["event.b"]),
        ({"a": 2}, "where", ["event.a", "event.b"]),
        ({}, "where", ["event.a", "event.b"]),
    ],
)
def test_any_trigger_will_do_and_the_rows_say_why_none_did(data: dict[str, Any], verdict: str, fields: list[str]) -> None:
    decision = judge(starting(SEVERAL), **data)
    assert (said(decision), [row.field for row in decision.verdict.rows]) == (verdict, fields)


@pytest.mark.parametrize(("hops", "verdict"), [(7, "started"), (8, "hop_limit"), (9, "hop_limit")])
def test_at_eight_hops_nothing_starts(hops: int, verdict: str) -> None:
    assert said(judge(starting(ON), Event("e1", "go", received=NOON, hops=hops))) == verdict


@pytest.mark.parametrize("status", ["draft", "draining", "paused", "archived"])
def test_only_what_is_active_starts(status: str) -> None:
    assert said(judge(starting(ON), status=status)) == status


@pytest.mark.parametrize(
    ("timestamp", "received", "verdict"),
    [
        (NOON - HOUR, NOON, "started"),
        (NOON - HOUR - 1, NOON, "too_old"),
        (NOON + DAY, NOON, "started"),
        (None, NOON - HOUR, "started"),
        (None, NOON - HOUR - 1, "too_old"),
        (NOON, NOON - DAY, "started"),
    ],
)
def test_an_old_event_starts_nothing(timestamp: int | None, received: int, verdict: str) -> None:
    program = starting(f"{ON}, max_age: 1h")
    assert said(judge(program, Event("e1", "go", timestamp=timestamp, received=received))) == verdict


def test_max_age_is_three_days_unless_said() -> None:
    program = starting(ON)
    assert said(judge(program, Event("e1", "go", received=NOON - 3 * DAY))) == "started"
    assert said(judge(program, Event("e1", "go", received=NOON - 3 * DAY - 1))) == "too_old"


def test_the_audience_tests_the_profile() -> None:
    program = starting(f"{ON}, audience: {{all: [{{field: segments, op: in, value: [vip]}}, {{field: profile.age, op: gte, value: 18}}]}}")
    assert said(judge(program, profile=Profile("n:p", {"age": 18}, ("vip",)))) == "started"
    decision = judge(program, profile=Profile("n:p", {"age": 17}, ("vip",)))
    assert (said(decision), decision.verdict.rows[-1].saw) == ("audience", 17)
    assert said(judge(program)) == "audience"


@pytest.mark.parametrize(
    ("data", "key"), [({"cart": "c1"}, "c1"), ({"cart": 7}, "7"), ({"cart": 7.5}, "7.5"), ({"cart": True}, "true"), ({"cart": ""}, "")]
)
def test_a_key_is_spelled_as_text(data: dict[str, Any], key: str) -> None:
    decision = judge(starting(f"{ON}, key: event.cart"), **data)
    assert (said(decision), decision.key) == ("started", key)
    assert spell_key(data["cart"]) == key


def test_without_its_key_it_does_not_start() -> None:
    decision = judge(starting(f"{ON}, key: event.cart"), other=1)
    assert (said(decision), decision.verdict.detail) == ("no_key", {"field": "event.cart"})


@pytest.mark.parametrize(
    ("mode", "same", "verdict", "restart"),
    [
        ("ignore", True, "already_running", ()),
        ("ignore", False, "started", ()),
        ("restart", True, "started", ("r1", "r3")),
        ("restart", False, "started", ()),
        ("parallel", True, "started", ()),
    ],
)
def test_while_running(mode: str, same: bool, verdict: str, restart: tuple[str, ...]) -> None:
    key = "c1" if same else "c9"
    running = (in_flight("r1", key), in_flight("r2", "c2"), in_flight("r3", key))
    decision = judge(starting(f"{ON}, key: event.cart, while_running: {mode}"), running=running, cart="c1")
    assert (said(decision), decision.restart) == (verdict, restart)
    assert decision.verdict.run == ("r1" if verdict == "already_running" else None)


@pytest.mark.parametrize(
    ("again", "last", "verdict"),
    [
        ("always", NOON, "started"),
        ("always", NOON + 1, "started"),
        ("never", None, "started"),
        ("never", 0, "not_again"),
        ("{after: 1d}", NOON - DAY, "started"),
        ("{after: 1d}", NOON - DAY + 1, "not_again"),
        ("{after: 1d}", None, "started"),
    ],
)
def test_again_counts_from_the_last_start(again: str, last: int | None, verdict: str) -> None:
    decision = judge(starting(f"{ON}, again: {again}"), last=last)
    assert said(decision) == verdict
    if verdict == "not_again":
        assert decision.verdict.detail == {"last_start": last}


def test_again_is_asked_for_the_key() -> None:
    program = starting(f"{ON}, key: event.cart, again: never")
    heard = event(received=NOON, cart="c1")
    scope = Scope(event={"cart": "c1"}, entry={"cart": "c1"}, now=NOON)
    asked: list[str | None] = []
    consider(program, heard, program.starts_on("go"), scope, (), asked.append, "active")
    assert asked == ["c1"]


def test_a_start_workflow_step_passes_the_triggers_only() -> None:
    program = starting(
        "on: [{event: go, where: {all: [{field: event.a, op: exists}]}}], key: event.cart, while_running: ignore, again: never,"
        " audience: {all: [{field: profile.vip, op: exists}]}"
    )
    heard = msgspec.structs.replace(event("PushEngage.Workflow.Start", received=NOON, cart="c1"), workflow="w")
    vip = Profile("n:p", {"vip": True})
    assert said(judge(program, heard, profile=vip)) == "started"
    assert said(judge(program, heard)) == "audience"
    assert said(judge(program, heard, profile=vip, running=(in_flight(key="c1"),))) == "already_running"
    assert said(judge(program, heard, profile=vip, last=1)) == "not_again"
    assert said(judge(program, heard, profile=vip, status="paused")) == "paused"
    keyless = msgspec.structs.replace(event("PushEngage.Workflow.Start", received=NOON), workflow="w")
    assert said(judge(program, keyless, profile=vip)) == "no_key"


@pytest.mark.parametrize(
    ("start", "key"),
    [
        (ON, None),
        (f"{ON}, key: event.cart", None),
        (f"{ON}, again: never", ""),
        (f"{ON}, again: never, key: event.cart", "c1"),
        (f"{ON}, again: {{after: 1s}}, key: event.other", None),
    ],
)
def test_which_start_has_to_be_remembered(start: str, key: str | None) -> None:
    assert remembered_key(starting(start), event(cart="c1")) == key


def test_a_program_knows_what_it_listens_for(program: ProgramOf) -> None:
    steps = program("exit: [{event: a}, {event: b}, {event: a}]\nsteps: []")
    assert (len(steps.exits_on("a")), len(steps.exits_on("b")), len(steps.exits_on("c"))) == (2, 1, 0)
    assert (len(steps.starts_on("go")), len(steps.starts_on("a"))) == (1, 0)


@pytest.mark.parametrize(("count", "fits"), [(20, True), (21, False)])
@pytest.mark.parametrize("path", ["start.on", "exit", "steps.0.wait_for.on"])
def test_at_most_twenty_events_are_listened_for_in_one_place(path: str, count: int, fits: bool) -> None:
    many = [{"event": f"e{number}"} for number in range(count)]
    document: dict[str, Any] = {
        "workflow": "w",
        "start": {"on": many if path == "start.on" else many[:1]},
        "exit": many if path == "exit" else [],
        "steps": [{"id": "w", "wait_for": {"on": many if "wait_for" in path else many[:1], "timeout": "1h"}}],
    }
    _, reading = read_value(document)
    said = [(".".join(map(str, one.path)), one.message) for one in reading.found]
    assert said == ([] if fits else [(path, "must have at most 20 members")])
