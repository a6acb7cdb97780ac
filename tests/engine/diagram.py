"""The diagrams of the states page, read as graphs, and what holds runs against them: each change of state has to have its cause."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from tests.engine.builders import SITE, Partition

from clarion.domain import system_events
from clarion.domain.ids import named_profile
from clarion.domain.records import Event
from clarion.engine.inputs import decode
from clarion.store.records.bodies import DeliveryOutcome, Receipt, RunChange, SubscriberPut, WorkflowChange
from clarion.store.records.entries import Entry
from clarion.store.records.runs import RunRow
from clarion.workflow.program import Program

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "states.md"
START = "[*]"
TRANSIENT = frozenset({"stepping", "moving"})
"""Nobody sees a run there."""
ENDED = ("completed", "exited", "failed")

_EDGE = re.compile(r"\s*(\S+) --> (\w+)(?: : (.*))?")


class Edge(NamedTuple):
    """A way between two states, and what leads along it."""

    start: str
    end: str
    label: str


class Diagram:
    """States and the ways between them, with what leads along each."""

    def __init__(self, text: str) -> None:
        groups: dict[str, list[str]] = {}
        edges: list[Edge] = []
        inside: str | None = None
        for line in text.splitlines():
            if opens := re.fullmatch(r"\s*state (\w+) \{", line):
                inside = opens[1]
                groups[inside] = []
            elif line.strip() == "}":
                inside = None
            elif inside is not None:
                groups[inside].append(line.strip())
            elif edge := _EDGE.fullmatch(line):
                edges.append(Edge(edge[1], edge[2], edge[3] or ""))
        self.edges = [Edge(one, other, label) for start, other, label in edges for one in groups.get(start, [start])]

    def way(self, start: str, end: str, causes: frozenset[str]) -> tuple[Edge, ...] | None:
        """How one input leads from a state to another: along an edge with one of these labels, or from there on out of a state that is
        passed at once. None: it does not."""
        first = [edge for edge in self.edges if edge.start == start and edge.label in causes]
        for edge in first:
            if edge.end == end:
                return (edge,)
        for edge in first:
            for second in self.edges:
                if edge.end in TRANSIENT and (second.start, second.end) == (edge.end, end):
                    return edge, second
        return None

    def labelled(self) -> Mapping[tuple[str, str], str]:
        """By (state, label): the state that it leads to."""
        return {(edge.start, edge.label): edge.end for edge in self.edges}


@cache
def diagrams() -> tuple[Diagram, Diagram]:
    """Of a run and of a workflow."""
    run, workflow = re.findall(r"```mermaid\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return Diagram(run), Diagram(workflow)


STARTED = "start"
EVENT, EVENT_IN_PAUSE = "the event", "the event, in a pause"
ANSWER, ANSWER_IN_PAUSE = "the answer", "the answer, in a pause"
TOO_LARGE = "what came is too large"
TIMER, TIMER_IN_PAUSE = "its timer fires", "its timer fires, in a pause"
PAUSE_ENDS = "the pause ends"
MOVED = "a publish, or an operator, moves it"
RETRIED = "an operator retries it"
INVALID = "its version is not valid in this version of Clarion"
LEFT = "an exit rule, restarted, merged, stopped, ended, archived"
COMES = {"time": "its time comes", "event": "the timeout", "quiet": "quiet hours end"}
"""By state: what makes it `ready` as time passes."""
CAUSES = frozenset(
    {STARTED, EVENT, EVENT_IN_PAUSE, ANSWER, ANSWER_IN_PAUSE, TOO_LARGE, TIMER, TIMER_IN_PAUSE, PAUSE_ENDS, MOVED, RETRIED, INVALID, LEFT}
) | frozenset(COMES.values())
"""All that leads out of a state in which a run is seen."""

_RECEIPTS = {"viewed": system_events.VIEWED, "clicked": system_events.CLICKED, "closed": system_events.CLOSED}
_REGISTERED = (system_events.SUBSCRIBER_ADDED, system_events.SUBSCRIBER_UPDATED, system_events.IDENTIFIED)
_SENT = (system_events.SENT, system_events.FAILED, system_events.SUBSCRIBER_REMOVED)


class _Given(NamedTuple):
    """One input, and what it offers to whom."""

    body: Any
    """Of the entry; None: a timer."""
    at: int
    fires: str | None
    """The run whose timer it is."""
    names: frozenset[str] = frozenset()
    """Of the events that it offers."""
    profile: str | None = None
    """To whom."""
    sender: str | None = None
    """A run that hears of them, whoever has its profile's subscriber now."""

    def offers(self, run: RunRow, names: frozenset[str]) -> bool:
        """Whether it offers a run one of these events."""
        return bool(self.names & names) and (run.profile == self.profile or run.id == self.sender)


class Watcher:
    """Holds every run of a partition against the diagram, after each input."""

    def __init__(self, partition: Partition) -> None:
        self._partition = partition
        self._diagram = diagrams()[0]
        self._before: dict[str, tuple[RunRow, str]] = {}
        self.taken: set[Edge] = set()
        """The edges that runs have gone along."""

    def seen(self, entry: Entry | None, now: int) -> None:
        """An input was applied, a timer if there is no entry. Raises AssertionError if some run has gone where it leads nobody."""
        given = self._given(entry, now)
        for run in self._partition.runs.values():
            before, stood = self._before.get(run.id, (None, START))
            if before is not run:
                self._follow(before, stood, run, given)

    def _follow(self, before: RunRow | None, stood: str, run: RunRow, given: _Given) -> None:
        if before is not None and _place(before) == _place(run):
            self._before[run.id] = (run, stood)
            return
        if before is not None and stood in COMES and before.due is not None and before.due <= given.at:
            self.taken.add(self._only(stood, "ready", COMES[stood]))
            stood = "ready"
        stands = self.standing(run, given.at)
        way = self._diagram.way(stood, stands, frozenset(self._causes(before, run, given)))
        assert way is not None, f"run {run.id} of {run.workflow} came from {stood} to {stands} by {given}"
        self.taken.update(way)
        self._before[run.id] = (run, stands)
        is_moved = any(edge.end == "moving" for edge in way)
        if is_moved and stands != "exited":
            assert run.version == self._version(given.body)
            if isinstance(given.body, RunChange) and given.body.step is not None:
                assert (stands, run.step) == ("ready", given.body.step)
        else:
            assert before is None or before.version == run.version
            assert not is_moved or run.reason == "step_removed"

    def _only(self, start: str, end: str, label: str) -> Edge:
        edge = Edge(start, end, label)
        assert edge in self._diagram.edges
        return edge

    def _version(self, body: object) -> int:
        """To which a run is moved."""
        if isinstance(body, WorkflowChange):
            return body.version
        assert isinstance(body, RunChange)
        return self._partition.workflows[SITE, body.workflow].version

    def standing(self, run: RunRow, at: int) -> str:
        """Which state of the diagram a run is in; it has to be in one."""
        if run.status != "waiting":
            assert run.status in ENDED
            assert (run.due, run.held) == (None, False)
            assert run.ended == at
            assert (run.step is not None) == (run.status == "failed")
            return run.status
        assert run.ended is None
        assert run.reason is None
        if run.held:
            assert run.due is not None
            return "held"
        program = self._program(run)
        assert program is not None
        assert run.step is not None
        kind = program.places[run.step].step.kind
        state = msgspec.json.decode(run.state)
        if run.due is None:
            assert "awaits" in state
            assert kind == "http"
            return "outcome"
        assert "awaits" not in state
        if run.due <= at:
            return "ready"
        return {"wait": "time", "wait_for": "event", "push": "quiet"}[kind]

    # -- what an input may do to a run ---------------------------------------------------------------------------------

    def _causes(self, before: RunRow | None, run: RunRow, given: _Given) -> Iterator[str]:
        """The labels that an input stands for, as far as this run goes."""
        workflow = self._partition.workflows[SITE, run.workflow]
        paused = workflow.status == "paused"
        if before is None:
            if workflow.status == "active" and self._starts(run, given):
                yield STARTED
            return
        if self._program(before) is None:
            yield INVALID
        if given.fires == run.id:
            yield TIMER_IN_PAUSE if paused else TIMER
        came = answer = False
        if (program := self._program(before)) is not None and before.step in program.places:
            came = given.offers(run, program.places[before.step].awaits)
            answer = self._answers(before, given.body)
        if came:
            yield EVENT_IN_PAUSE if paused else EVENT
        if answer:
            yield ANSWER_IN_PAUSE if paused else ANSWER
        if (came or answer) and (run.reason or "").startswith("its steps have left more than"):
            yield TOO_LARGE
        match given.body:
            case RunChange(run=run.id, change="move"):
                yield MOVED
            case RunChange(run=run.id, change="retry"):
                yield RETRIED
            case WorkflowChange(workflow=run.workflow, change="publish", runs="move", version=version) if before.version < version:
                yield MOVED
            case WorkflowChange(workflow=run.workflow, change="resume" | "drain"):
                yield PAUSE_ENDS
        if self._leaves(before, run, given):
            yield LEFT

    def _starts(self, run: RunRow, given: _Given) -> bool:
        program = self._program(run)
        assert program is not None
        if isinstance(given.body, Event) and given.body.workflow is not None:
            return given.body.workflow == run.workflow
        return given.offers(run, frozenset(listener.event for listener in program.document.start.on))

    def _answers(self, before: RunRow, body: object) -> bool:
        awaited = msgspec.json.decode(before.state).get("awaits")
        return isinstance(body, DeliveryOutcome) and body.kind == "http" and (body.run, body.effect) == (before.id, awaited)

    def _leaves(self, before: RunRow, run: RunRow, given: _Given) -> bool:
        """Whether the input can end a run, wherever it stands, for the reason that it ended for."""
        body, reason = given.body, run.reason or ""
        match reason:
            case "audience":
                return not isinstance(body, WorkflowChange | RunChange)
            case "restarted":
                return run.profile == given.profile
            case "merged":
                return isinstance(body, SubscriberPut)
            case "stopped":
                return isinstance(body, RunChange) and (body.run, body.change) == (run.id, "stop")
            case "ended":
                return isinstance(body, WorkflowChange) and (body.workflow, body.change, body.runs) == (run.workflow, "publish", "end")
            case "archived":
                return isinstance(body, WorkflowChange) and (body.workflow, body.change) == (run.workflow, "archive")
        if reason.startswith("stopped by "):  # a step of a run of the same profile
            stops = reason.removeprefix("stopped by ")
            return any((one.workflow, one.profile) == (stops, run.profile) for one in self._partition.runs.values() if one is not run)
        program = self._program(before)
        event = reason.removeprefix("event ")
        return program is not None and event != reason and bool(program.exits_on(event)) and given.offers(run, frozenset({event}))

    def _program(self, run: RunRow) -> Program | None:
        """None for a version that is not valid any more, as the registry has it while it is at hand."""
        made = self._partition.program(run.workflow, run.version)
        return self._partition.registry._programs.get((SITE, run.workflow, run.version), made)

    def _given(self, entry: Entry | None, now: int) -> _Given:
        """What an input is."""
        if entry is None:
            waiting = [run for run, _ in self._before.values() if run.status == "waiting" and not run.held]
            due, fires = min((run.due, run.id) for run in waiting if run.due is not None)
            assert due <= now
            return _Given(None, max(due, self._partition.state.resumed), fires)
        body = decode(entry)
        match body:
            case Event():
                profile = self._of(body.device_token_hash) if body.profile_id is None else named_profile(body.profile_id)
                return _Given(body, now, None, frozenset({body.name}), profile)
            case SubscriberPut():
                return _Given(body, now, None, frozenset(_REGISTERED), self._of(body.device_token_hash))
            case DeliveryOutcome(kind="push"):
                return _Given(body, now, None, frozenset(_SENT), self._of(body.subscriber), body.run)
            case Receipt():
                return _Given(body, now, None, frozenset({_RECEIPTS[body.event]}), self._of(body.subscriber), body.run)
        return _Given(body, now, None)

    def _of(self, device: str | None) -> str | None:
        """The profile that a subscriber belongs to."""
        found = self._partition.subscribers.get((SITE, device or ""))
        return None if found is None else found.profile


def _place(run: RunRow) -> tuple[object, ...]:
    """Where a run stands and since when; what it remembers beside that may grow without a change of state."""
    state = msgspec.json.decode(run.state)
    told = (state.get(name) for name in ("since", "visit", "awaits", "entering"))
    return run.version, run.step, run.due, run.status, run.held, run.ended, *told
