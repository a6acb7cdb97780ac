"""A partition that is driven one input at a time and keeps its log, and the same log applied again, cut differently."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec
from tests.engine.builders import Partition

from clarion.engine.programs import Programs
from clarion.engine.registry import Registry
from clarion.store.records.counters import Count
from clarion.store.records.deliveries import Delivery
from clarion.store.records.entries import Entry, NewEntry
from clarion.store.records.explanations import Explanation
from clarion.store.records.runs import RunRow
from clarion.store.records.states import Directive, WorkflowState

Logged = tuple[int, Entry]
"""(log time, entry)."""


def now_done(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The outcome of something that never really waits."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")


class Line:
    """Applies entries, and the timers before and after them, one at a time. `watch` is called after each input with what it was."""

    def __init__(self, watch: Callable[[Entry | None], None] = lambda _: None) -> None:
        self.partition = Partition()
        self.now = 0
        self.log: list[Logged] = []
        self._watch = watch

    def take(self, entry: Entry) -> None:
        """Apply an entry now."""
        self.settle()
        self.log.append((self.now, entry))
        self._apply(entry)
        self.settle()

    def passes(self, time: int) -> None:
        """Let time pass."""
        self.now += time
        self.settle()

    def settle(self) -> None:
        """Fire all timers that are due."""
        while self.is_due():
            self._apply()

    def is_due(self) -> bool:
        """Whether a timer is."""
        runs = self.partition.runs.values()
        return any(run.status == "waiting" and run.due is not None and run.due <= self.now and not run.held for run in runs)

    def _apply(self, *entries: Entry) -> None:
        self.partition.timers = 0 if entries else 1
        now_done(self.partition.apply(*entries, at=self.now))
        self._watch(*entries or (None,))


class Told(msgspec.Struct, frozen=True):
    """All that came of a log."""

    runs: dict[str, RunRow]
    profiles: Any
    subscribers: Any
    memory: Any
    deliveries: dict[str, Delivery]
    explanations: list[Explanation]
    emitted: list[NewEntry]
    counts: dict[Count, int]
    workflows: dict[tuple[int, str], WorkflowState]
    directives: dict[tuple[int, str], list[Directive]]
    """All that runs were to hear of, in log order; a workflow forgets it when they have."""
    holds: list[tuple[int, str]]
    releases: list[tuple[int, str, int]]


def told(partition: Partition, *, in_order: bool = True) -> Told:
    """What a partition has come to; `in_order`: also in which order it came about."""
    counts: dict[Count, int] = {}
    for outcome in partition.outcomes:
        for count in outcome.counts:
            key = msgspec.structs.replace(count, count=0)
            counts[key] = counts.get(key, 0) + count.count
    explanations = list(partition.explanations)
    emitted = [entry for outcome in partition.outcomes for entry in outcome.emitted]
    if not in_order:
        explanations.sort(key=lambda one: (one.at, one.profile, one.event, bytes(one.body)))
        emitted.sort(key=lambda one: one.id)
    return Told(
        partition.runs,
        partition.profiles,
        partition.subscribers,
        partition.memory,
        partition.deliveries,
        explanations,
        emitted,
        {key: count for key, count in counts.items() if count},
        partition.workflows,
        _directives(partition),
        [one for outcome in partition.outcomes for one in outcome.hold],
        [one for outcome in partition.outcomes for one in outcome.release],
    )


def _directives(partition: Partition) -> dict[tuple[int, str], list[Directive]]:
    """By site and workflow: each directive once, however many commits told of it."""
    found: dict[tuple[int, str], dict[Directive, None]] = {}
    for outcome in partition.outcomes:
        for state in outcome.workflows:
            found.setdefault((state.site, state.workflow), {}).update(dict.fromkeys(state.directives))
    return {workflow: list(directives) for workflow, directives in found.items()}


def replay(
    line: Line, *, alone: bool = False, timers: int = 1000, pauses: Sequence[int] = (), sweep: bool = True, piece: int = 1000
) -> Partition:
    """The log of a line applied to another partition.

    `alone`: each entry in a batch of its own, else all of one time together; `timers`: how many fit into a batch; `pauses`: times of
    further batches without an entry; `sweep`: whether runs hear of a publish at once, or each before its next input; `piece`: how many of
    them hear of it in one batch.
    """
    partition = Partition()
    partition.versions = line.partition.versions
    partition.registry = Registry(Programs(partition.versions))
    partition.timers, partition.sweep, partition.piece = timers, sweep, piece
    times = sorted({at for at, _ in line.log} | {at for at in pauses if at < line.now} | {line.now})
    for at in times:
        entries = [entry for time, entry in line.log if time == at]
        for group in [[entry] for entry in entries] if alone else [entries]:
            now_done(partition.apply(*group, at=at))
        while any(run.status == "waiting" and run.due is not None and run.due <= at and not run.held for run in partition.runs.values()):
            now_done(partition.apply(at=at))
    if not sweep:
        now_done(partition.sweep_up(line.now))
        now_done(partition.apply(at=line.now))
    return partition
