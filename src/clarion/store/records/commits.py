"""What an engine writes: one commit for all that follows from a batch of inputs."""

import msgspec

from clarion.domain.records import Profile, Subscriber
from clarion.store.records.counters import Count
from clarion.store.records.deliveries import Delivery
from clarion.store.records.entries import NewEntry
from clarion.store.records.explanations import Explanation
from clarion.store.records.poisoned import Poisoned
from clarion.store.records.runs import EntryMemory, RunRow
from clarion.store.records.states import PartitionState, SegmentState, SiteState, Sweep, WorkflowState


class LogMove(msgspec.Struct, frozen=True):
    """An inbox entry that this commit moves to the log.

    The moves of a commit follow each other, in the inbox and in the log, and have one time.
    """

    position: int
    sequence: int
    log_time: int
    profile: str
    """Key of the profile it was applied to; empty where there is none."""


class Outcome(msgspec.Struct):
    """One engine commit: consuming the inputs and all that follows from them, in one transaction."""

    state: PartitionState
    moved: list[LogMove] = []
    logged: list[tuple[int, int, NewEntry]] = []
    """Entries that the owner writes to the log itself: (sequence, log_time, entry)."""
    profiles: list[tuple[int, Profile]] = []
    subscribers: list[tuple[int, Subscriber]] = []
    runs: list[RunRow] = []
    memory: list[EntryMemory] = []
    workflows: list[WorkflowState] = []
    sites: list[SiteState] = []
    explanations: list[Explanation] = []
    deliveries: list[Delivery] = []
    emitted: list[NewEntry] = []
    counts: list[Count] = []
    poisoned: list[Poisoned] = []
    hold: list[tuple[int, str]] = []
    """(site, workflow): keep its undelivered deliveries back, from this commit on."""
    gone_runs: list[str] = []
    """Ids of runs that are on their way to another partition: they are no longer here."""
    gone_subscribers: list[tuple[int, str]] = []
    """(site, device_token_hash): copies of subscribers whose profile is not in this partition any more."""
    segments: list[SegmentState] = []
    gone_segments: list[tuple[int, str]] = []
    """(site, segment): they are not dynamic any more, or are no more."""
    sweeps: list[Sweep] = []
    ended_sweeps: list[tuple[int, str]] = []
    """(site, id)."""
    erased: list[tuple[int, str]] = []
    """(site, key of a profile): its row goes, with its subscribers, runs, memory of entries, and deliveries in the outbox or ended. Before
    anything else that the outcome writes."""
    release: list[tuple[int, str, int]] = []
    """(site, workflow, cutoff): let its held deliveries go again; pushes created before the cutoff end with outcome `stale`.

    Each stays held until its turn comes, in `Store.work_holds`; one that is being sent just now does not end before that is over.
    """

    @property
    def first(self) -> int | None:
        """The lowest sequence that it writes, which follows the log's last; None where it writes none, and the log stays as it is."""
        return min([*(one.sequence for one in self.moved[:1]), *(sequence for sequence, _, _ in self.logged)], default=None)
