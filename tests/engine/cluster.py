"""Partitions in memory that talk by message: entries are addressed as by the rest of Clarion, and what is emitted goes where it is for.

The same inputs can be given to a cluster of one partition and to one of several.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
from tests.engine.builders import HOUR, SITE, Partition, Versions
from tests.engine.line import now_done

from clarion.domain.ids import partition_of
from clarion.domain.records import Event, Profile, Subscriber
from clarion.engine.homes import Homes
from clarion.store.records.bodies import (
    BroadcastStart,
    DeliveryOutcome,
    Erasure,
    ProfileChange,
    Receipt,
    RunChange,
    SegmentChange,
    SiteChange,
    SubscriberChange,
    SubscriberPut,
    WorkflowChange,
)
from clarion.store.records.deliveries import Delivery
from clarion.store.records.entries import Entry, EntryKind, NewEntry
from clarion.store.records.runs import DueRun, RunRow
from clarion.workflow.source import canonical, read_document

FIVE = 5
"""Partitions of a cluster, where one is not enough to tell them apart."""
MESSAGES = frozenset({EntryKind.FORWARD, EntryKind.JOIN, EntryKind.LEAVE, EntryKind.MERGE, EntryKind.SEEN})


class Cluster:
    """Applies inputs, one at a time and with all that comes of them, or puts them into inboxes for `advance` to take."""

    def __init__(self, count: int, *, settles: bool = True) -> None:
        """`settles`: messages are applied before anything else is; else they wait in the inboxes."""
        self.versions = Versions()
        self.homes = Homes(count)
        self.parts = [Partition(Homes(count, here), self.versions) for here in range(count)]
        self.now = 0
        self.settles = settles
        self.sent: deque[NewEntry] = deque()
        """Events that runs have sent, in the order in which they did, that wait to be applied."""
        self.inboxes: list[deque[NewEntry]] = [deque() for _ in range(count)]
        self.messages: list[NewEntry] = []
        """All that went from partition to partition."""
        self.events: list[NewEntry] = []
        """All that runs have sent."""
        self.delivered: dict[str, tuple[int, Delivery]] = {}
        """By id: the partition of a delivery, and it."""
        self._inputs = 0

    # -- inputs ------------------------------------------------------------------------------------------------------

    def id(self) -> str:
        self._inputs += 1
        return f"entry{self._inputs}"

    def home(self, device: str) -> int:
        return self.homes.of_subscriber(SITE, device)

    def event(self, name: str, device: str | None = None, profile: str | None = None, hops: int = 0, **data: Any) -> NewEntry:
        id = self.id()
        raw = msgspec.Raw(msgspec.json.encode(data))
        event = Event(id, name, device, profile, raw, None, self.now, hops)
        return self._entry(EntryKind.EVENT, event, partition_of(SITE, profile or device or "", len(self.parts)), id)

    def subscriber(self, device: str, profile_id: str | None = None, **more: Any) -> NewEntry:
        put = SubscriberPut(device, f"https://push.example/{device}", "k", "a", profile_id, **more)
        return self._entry(EntryKind.SUBSCRIBER, put, self.home(device))

    def device(self, device: str, change: str, profile_id: str | None = None, **more: Any) -> NewEntry:
        return self._entry(EntryKind.DEVICE, SubscriberChange(device, change, profile_id, **more), self.home(device))

    def profile(self, profile_id: str | None = None, device: str | None = None, **more: Any) -> NewEntry:
        partition = partition_of(SITE, profile_id or device or "", len(self.parts))
        return self._entry(EntryKind.PROFILE, ProfileChange(profile_id, device, **more), partition)

    def erase(self, profiles: tuple[str, ...], subscribers: tuple[str, ...] = (), *, after: bool = False) -> list[NewEntry]:
        return self.to_all(EntryKind.ERASE, Erasure(profiles, subscribers, after=after))

    def outcome(self, delivery: str, outcome: str, **more: Any) -> NewEntry:
        """How a delivery ended: of a push at the subscriber's home, of a request where it was made."""
        partition, sent = self.delivered[delivery]
        if sent.kind == "http" and msgspec.json.decode(sent.job).get("capture"):
            more = {"response": {}} | more
        body = DeliveryOutcome(
            sent.id, sent.effect, sent.run, sent.workflow, sent.step, sent.kind, outcome, sent.profile, sent.subscriber,
            hops=sent.hops, version=sent.version, **more,
        )  # fmt: skip
        return self._entry(EntryKind.OUTCOME, body, partition if sent.subscriber is None else self.home(sent.subscriber))

    def receipt(self, delivery: str, event: str, **more: Any) -> NewEntry:
        _, sent = self.delivered[delivery]
        device = sent.subscriber or ""
        body = Receipt(event, sent.id, sent.run, sent.workflow, sent.version, sent.step, sent.profile, device, hops=sent.hops, **more)
        return self._entry(EntryKind.RECEIPT, body, self.home(device))

    def operator(self, run: str, change: str, profile: str | None = None, **more: Any) -> NewEntry:
        """What an operator does to a run of a profile, as far as they know: it may be another's by now."""
        row = self.run_by_id(run)
        profile = profile or row.profile
        body = RunChange(run, row.workflow, change, profile=profile, **more)
        return self._entry(EntryKind.RUN, body, self.homes.of_profile(SITE, profile))

    def define(self, segment: str, condition: dict[str, Any] | None, *, offers: bool = False) -> list[NewEntry]:
        return self.to_all(EntryKind.SEGMENT, SegmentChange(segment, "define", condition, offers))

    def undefine(self, segment: str, *, offers: bool = False) -> list[NewEntry]:
        return self.to_all(EntryKind.SEGMENT, SegmentChange(segment, "forget", offers=offers))

    def broadcast(self, workflow: str, profile: str | None = None) -> list[NewEntry]:
        """For everybody, one entry a partition; for one profile, where it lives."""
        body = BroadcastStart(workflow.removeprefix("broadcast-"), workflow, 1, profile)
        homes = range(len(self.parts)) if profile is None else (self.homes.of_profile(SITE, profile),)
        id = self.id()
        return [self._entry(EntryKind.BROADCAST, body, here, id) for here in homes]

    def publish(self, text: str, runs: str = "keep") -> list[NewEntry]:
        document = read_document(text)
        version = max((v for _, w, v in self.versions.documents if w == document.workflow), default=0) + 1
        self.versions.documents[SITE, document.workflow, version] = canonical(document)
        return self.to_all(EntryKind.WORKFLOW, WorkflowChange(document.workflow, "publish", version, runs))

    def change(self, workflow: str, change: str, skip_older_than: int | None = None) -> list[NewEntry]:
        return self.to_all(EntryKind.WORKFLOW, WorkflowChange(workflow, change, skip_older_than=skip_older_than))

    def site(self, timezone: str) -> list[NewEntry]:
        return self.to_all(EntryKind.SITE, SiteChange(timezone))

    def to_all(self, kind: EntryKind, body: object) -> list[NewEntry]:
        """One entry a partition."""
        id = self.id()
        return [self._entry(kind, body, here, id) for here in range(len(self.parts))]

    def _entry(self, kind: EntryKind, body: object, partition: int, id: str | None = None) -> NewEntry:
        return NewEntry(kind, SITE, id or self.id(), msgspec.json.encode(body), self.now, partition)

    # -- one at a time -----------------------------------------------------------------------------------------------

    def take(self, *entries: NewEntry) -> None:
        """Apply entries now, with the messages that they bring, what is to be done with all profiles, and the timers that are due then."""
        self.settle()
        for entry in entries:
            self._take(entry)
        if any(part.sweeps for part in self.parts):
            self.sweep()
            self.now += 1  # what comes next is of a later time
        self.settle()

    def sweep(self) -> None:
        """Do what is to be done with all profiles: in the order of their keys, wherever they are."""
        while waiting := [(id, part.next_of(id) or "", part) for part in self.parts for _, id in part.sweeps]:
            id, _, part = min(waiting, key=lambda one: one[:2])
            self._swept(part, id)

    def _swept(self, part: Partition, id: str) -> None:
        """The next profile of a partition has its turn, with the messages that it brings."""
        before = len(part.outcomes), len(self.messages)
        now_done(part.sweep_some(id, self.now))
        self._gather(part, before[0])
        for message in self.messages[before[1] :]:
            self._take(message)

    def come_back(self, most: int) -> None:
        """Apply some of what runs have sent."""
        for _ in range(min(most, len(self.sent))):
            self.take(self.sent.popleft())

    def passes(self, time: int) -> None:
        """Let time pass."""
        self.now += time
        self.settle()

    def settle(self) -> None:
        """Fire all timers that are due, in the order of their time wherever they are."""
        while due := [(one.due, one.id, one.profile, part) for part in self.parts for one in due_in(part, self.now)]:
            self.apply(min(due, key=lambda one: one[:3])[3], timers=1)

    def _take(self, entry: NewEntry) -> None:
        pending = deque([entry])
        while pending:
            one = pending.popleft()
            before = len(self.messages)
            self.apply(self.parts[one.partition], one, timers=0 if one is entry else 1_000)
            pending += self.messages[before:]

    def apply(self, part: Partition, *entries: NewEntry, timers: int = 1_000) -> None:
        """One batch of a partition now."""
        part.timers = timers
        given = [Entry(part._next(), one.kind, one.site, one.id, msgspec.Raw(one.body), one.received) for one in entries]
        before = len(part.outcomes)
        now_done(part.apply(*given, at=self.now))
        self._gather(part, before)

    def _gather(self, part: Partition, since: int) -> None:
        """Note what a partition has sent in its outcomes from one on."""
        for outcome in part.outcomes[since:]:
            for delivery in outcome.deliveries:
                self.delivered[delivery.id] = (part.homes.here, delivery)
        for emitted in part.inbox:
            if emitted.kind in MESSAGES:
                self.messages.append(emitted)
            else:
                self.events.append(emitted)
            if not self.settles:
                self.inboxes[emitted.partition].append(emitted)
            elif emitted.kind not in MESSAGES:
                self.sent.append(emitted)
        part.inbox.clear()

    # -- each partition at its own pace ------------------------------------------------------------------------------

    def put(self, *entries: NewEntry) -> None:
        """Put entries into their inboxes."""
        for entry in entries:
            self.inboxes[entry.partition].append(entry)

    def advance(self, partition: int, most: int) -> None:
        """One batch of a partition: so many of its entries, with the timers that are due."""
        inbox = self.inboxes[partition]
        entries = [inbox.popleft() for _ in range(min(most, len(inbox)))]
        self.apply(self.parts[partition], *entries)

    def drain(self, most: int = 10_000) -> None:
        """Let all partitions take what there is, until nothing comes any more."""
        for _ in range(most):
            busy = [here for here, inbox in enumerate(self.inboxes) if inbox or due_in(self.parts[here], self.now)]
            if not busy:
                return
            for here in busy:
                self.advance(here, 100)
        raise AssertionError("it never ends")

    # -- what has come of it -----------------------------------------------------------------------------------------

    def all(self, of: Callable[[Partition], dict[Any, Any]]) -> dict[Any, Any]:
        """Something of all partitions, which is in one of them only."""
        found: dict[Any, Any] = {}
        for part in self.parts:
            assert not found.keys() & of(part).keys()
            found |= of(part)
        return found

    @property
    def runs(self) -> dict[str, RunRow]:
        return self.all(lambda part: part.runs)

    @property
    def profiles(self) -> dict[tuple[int, str], Profile]:
        return self.all(lambda part: part.profiles)

    @property
    def subscribers(self) -> dict[tuple[int, str], Subscriber]:
        """As their homes have them."""
        return self.all(lambda part: {at: one for at, one in part.subscribers.items() if part.homes.has_subscriber(*at)})

    def copies(self) -> dict[tuple[int, str], Subscriber]:
        """By partition and hash: those of subscribers whose home is elsewhere."""
        return {
            (part.homes.here, at[1]): one
            for part in self.parts
            for at, one in part.subscribers.items()
            if not part.homes.has_subscriber(*at)
        }

    def copies_that_should_be(self) -> dict[tuple[int, str], Subscriber]:
        """Beside each profile that lives elsewhere than its subscriber's home there is a copy of that one, and nowhere else."""
        found = {}
        for (site, device), one in self.subscribers.items():
            lives = self.homes.of_profile(site, one.profile)
            if lives != self.home(device):
                found[lives, device] = one
        return found

    def counts(self) -> dict[tuple[str, int, str, str, str], int]:
        """Counters, summed over partitions."""
        sums: dict[tuple[str, int, str, str, str], int] = {}
        for part in self.parts:
            for key, count in part.counts.items():
                sums[key] = sums.get(key, 0) + count
        return {key: count for key, count in sums.items() if count}

    def run_by_id(self, run: str) -> RunRow:
        return next(part.runs[run] for part in self.parts if run in part.runs)

    def run(self, workflow: str, key: str | None = None) -> RunRow:
        """The latest run of a workflow."""
        return max((run for run in self.runs.values() if (run.workflow, run.key) == (workflow, key)), key=lambda run: run.started)

    def where(self, run: str) -> int:
        """Which partition has a run."""
        return next(part.homes.here for part in self.parts if run in part.runs)

    def pushes(self) -> list[Delivery]:
        return [one for _, one in self.delivered.values() if one.kind == "push"]

    def kinds(self) -> list[tuple[EntryKind, int]]:
        """(kind, receiver) of all messages, in order."""
        return [(one.kind, one.partition) for one in self.messages]

    def explained(self) -> list[tuple[str, str, int, bytes]]:
        """Event, profile, time and body of all explanations, in an order that does not depend on where they are."""
        return sorted((one.event, one.profile, one.at, bytes(one.body)) for part in self.parts for one in part.explanations)


def cluster_with(*texts: str, count: int = FIVE) -> Cluster:
    """A cluster in which these workflows are published."""
    cluster = Cluster(count)
    cluster.now = HOUR
    for text in texts:
        cluster.take(*cluster.publish(text))
    return cluster


def due_in(part: Partition, now: int) -> list[DueRun]:
    """Timers of runs and of profiles that are due."""
    return part.due(now)
