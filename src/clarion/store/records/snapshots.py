"""Snapshots: what a partition held as of one place in its log, for a replay to start from (semantics §8)."""

import msgspec

from clarion.domain.records import Profile, Subscriber
from clarion.store.records.runs import EntryMemory, RunRow
from clarion.store.records.states import SegmentState, SiteState, Sweep, WorkflowState


class Snapshot(msgspec.Struct, frozen=True):
    """A whole snapshot of one partition; `Store.snapshot_parts` reads what is in it."""

    partition: int
    sequence: int
    """Of the last log entry that it has seen; 0 before the first."""
    log_time: int
    """Where the partition's owner stood: timers due later had not fired."""
    resumed: int
    """Log time of the last RESUME entry."""
    taken: int
    """When, by the store's clock."""
    parts: int
    counts: dict[str, int]
    """How many of each there are: `sites`, `workflows`, `segments`, `sweeps`, `profiles`, `subscribers`, `memory`, `runs`."""


class SnapshotPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """A piece of a snapshot, of bounded size. Each thing is in one part only."""

    sites: list[SiteState] = []
    workflows: list[WorkflowState] = []
    segments: list[SegmentState] = []
    sweeps: list[Sweep] = []
    profiles: list[tuple[int, Profile]] = []
    """With its site; `pushed` is what frequency caps count."""
    subscribers: list[tuple[int, Subscriber]] = []
    """With its site."""
    memory: list[EntryMemory] = []
    runs: list[RunRow] = []
    """In flight, or ended with a goal that was still open."""
