"""The books of one batch: what its inputs can touch, and what has become of it; one input's changes are kept or dropped whole."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import msgspec

from clarion.clock import HOUR
from clarion.domain.records import Event, Profile, Scalar, Subscriber
from clarion.engine.touched import Touched, seen_otherwise
from clarion.store.records.batches import Facts, MemoryKey
from clarion.store.records.counters import Count
from clarion.store.records.deliveries import Delivery
from clarion.store.records.entries import NewEntry
from clarion.store.records.explanations import Explanation
from clarion.store.records.runs import EntryMemory, RunRow
from clarion.store.records.states import SegmentState, SiteState, Sweep, WorkflowState
from clarion.workflow.run import FAILED, WAITING, Run, Tally

GREATEST_COUNT = 2**63 - 1
"""A counter grows by no more at once: what goals of many runs are worth together may be too much for a store."""

K = TypeVar("K")
V = TypeVar("V")

Person = tuple[int, str]
"""(site, profile key) or (site, device_token_hash)."""
MemoryAt = tuple[int, str, str, str]
"""(site, workflow, profile key, the run's key or the empty text)."""


class Layer(Generic[K, V]):
    """A mapping that notes in a journal what its changes replace, so that they can be undone; knows which keys changed for good."""

    __slots__ = ("_journal", "_values", "changed", "get")

    def __init__(self, journal: "Journal") -> None:
        self._journal = journal
        self._values: dict[K, V] = {}
        self.changed: set[K] = set()
        self.get: Callable[[K], V | None] = self._values.get
        """The value under a key; None if there is none."""

    def load(self, key: K, value: V) -> None:
        """Put what the store has."""
        self._values[key] = value

    def put(self, key: K, value: V) -> None:
        """Change what is under a key."""
        self._journal.append((self, key, self._values.get(key)))
        self._values[key] = value

    def remove(self, key: K) -> None:
        """Take away what is under a key, if there is anything."""
        before = self._values.pop(key, None)
        if before is not None:
            self._journal.append((self, key, before))

    def items(self) -> list[tuple[K, V]]:
        """Everything, the latest changes included, in the order of arrival."""
        return list(self._values.items())

    def undo(self, key: K, before: V | None) -> None:
        """Put back what was under a key."""
        if before is None:
            del self._values[key]
        else:
            self._values[key] = before

    def changes(self) -> Iterator[tuple[K, V]]:
        """What has to be written, in an order that does not depend on hashing."""
        for key in sorted(self.changed):  # type: ignore[type-var]  # numbers, texts and tuples of them
            if key in self._values:
                yield key, self._values[key]

    def gone(self) -> Iterator[K]:
        """The keys of what has to be removed, likewise."""
        for key in sorted(self.changed):  # type: ignore[type-var]  # as above
            if key not in self._values:
                yield key


Journal = list[tuple[Layer[Any, Any], Any, Any]]
"""(layer, key, what was there before), for each change since the last `keep`."""


class Kept(msgspec.Struct, frozen=True):
    """A run and whether a pause holds its timer."""

    run: Run
    held: bool = False


class Unread(Exception):
    """What the store may have under a key was not read; `key` says what to ask for."""

    def __init__(self, key: MemoryKey) -> None:
        super().__init__(f"the start of {key.workflow} that {key.profile} remembers was not read")
        self.key = key


class Remembered(msgspec.Struct, frozen=True):
    """Which memory of entries was read from the store, whether there was any or not."""

    keys: set["MemoryAt"]
    profiles: set[Person] = set()
    """Of these all of it."""


class _RunState(msgspec.Struct, frozen=True, omit_defaults=True):
    """The part of a run that only the core reads."""

    entry: Event
    since: int
    awaits: str | None = None
    visit: int = 1
    entering: bool = False
    hops: int = 0
    entrant: str = ""
    steps: dict[str, dict[str, Any]] = {}
    paths: dict[str, str] = {}
    receipts: dict[str, dict[str, list[dict[str, Scalar]]]] = {}
    reached: bool = False


_decode_state = msgspec.json.Decoder(_RunState).decode
_encode_state = msgspec.json.Encoder().encode


def run_from_row(row: RunRow) -> Kept:
    """The run in a row."""
    state = _decode_state(row.state)
    run = Run(
        id=row.id,
        site=row.site,
        workflow=row.workflow,
        version=row.version,
        profile=row.profile,
        key=row.key,
        entry=state.entry,
        started=row.started,
        status=row.status,
        step=row.step,
        since=state.since,
        due=row.due,
        awaits=state.awaits,
        visit=state.visit,
        entering=state.entering,
        hops=state.hops,
        entrant=state.entrant,
        ended=row.ended,
        reason=row.reason,
        goal_until=row.goal_until,
        steps=state.steps,
        paths=state.paths,
        receipts=state.receipts,
        reached=state.reached,
    )
    return Kept(run, row.held)


def row_from_run(kept: Kept) -> RunRow:
    """The row that keeps a run."""
    run = kept.run
    state = _RunState(
        entry=run.entry,
        since=run.since,
        awaits=run.awaits,
        visit=run.visit,
        entering=run.entering,
        hops=run.hops,
        entrant=run.entrant,
        steps=run.steps,
        paths=run.paths,
        receipts=run.receipts,
        reached=run.reached,
    )
    return RunRow(
        id=run.id,
        site=run.site,
        workflow=run.workflow,
        version=run.version,
        profile=run.profile,
        key=run.key,
        status=run.status,
        step=run.step,
        due=run.due,
        held=kept.held,
        started=run.started,
        ended=run.ended,
        reason=run.reason,
        state=msgspec.Raw(_encode_state(state)),
        goal_until=run.goal_until,
    )


class Ledger:
    """Profiles, subscribers, runs and memory of a batch, and what goes out because of it."""

    def __init__(self, remembered: Remembered | None = None) -> None:
        """`remembered`: what was read of the store's memory of entries; None: all of it."""
        self._remembered = remembered
        self._journal: Journal = []
        self.profiles: Layer[Person, Profile] = Layer(self._journal)
        self.subscribers: Layer[Person, Subscriber] = Layer(self._journal)
        self.devices: Layer[Person, tuple[str, ...]] = Layer(self._journal)
        """By profile: its subscribers."""
        self.runs: Layer[str, Kept] = Layer(self._journal)
        self.waiting: Layer[Person, tuple[str, ...]] = Layer(self._journal)
        """By profile: its runs in flight, oldest first; some may have ended in this batch."""
        self.aiming: Layer[Person, tuple[str, ...]] = Layer(self._journal)
        """By profile: its runs, in flight or ended, whose goal may still be met; some may have met it in this batch."""
        self.failed: Layer[Person, tuple[str, ...]] = Layer(self._journal)
        """By profile: its failed runs, as far as they were read; some may have been retried in this batch."""
        self.memory: Layer[MemoryAt, EntryMemory] = Layer(self._journal)
        self.workflows: Layer[tuple[int, str], WorkflowState] = Layer(self._journal)
        self.sites: Layer[int, SiteState] = Layer(self._journal)
        self.segments: Layer[tuple[int, str], SegmentState] = Layer(self._journal)
        self.sweeps: Layer[tuple[int, str], Sweep] = Layer(self._journal)
        self.deliveries: list[Delivery] = []
        self.emitted: list[NewEntry] = []
        self.explanations: list[Explanation] = []
        self.erased: list[Person] = []
        """Profiles of which nothing is to be left; what the ledger has of them since came later."""
        self._erasing: list[Person] = []
        self._gone: set[Person] = set()
        """All that were erased in this batch: the store may still have something of them, which does not count."""
        self._marks = (0, 0, 0, 0)
        self._tallies: list[tuple[int, str, int, Tally]] = []
        """(site, workflow, start of the hour, by how much what grew)."""

    def loading(self, facts: Facts) -> Iterator[None]:
        """Put what the store has of everything the batch can touch, one thing after the other; twice is once."""
        for site, profile in facts.profiles:
            self.profiles.load((site, profile.key), profile)
            yield
        for site, subscriber in facts.subscribers:
            self._load_subscriber(site, subscriber)
            yield
        for row in facts.runs:
            self.load_run(row)
            yield
        self.load_memory(facts.memory)

    def load(self, facts: Facts) -> None:
        """As `loading`, all at once."""
        for _ in self.loading(facts):
            pass

    def _load_subscriber(self, site: int, subscriber: Subscriber) -> None:
        self.subscribers.load((site, subscriber.device_token_hash), subscriber)
        person = (site, subscriber.profile)
        devices = self.devices.get(person) or ()
        if subscriber.device_token_hash not in devices:
            self.devices.load(person, (*devices, subscriber.device_token_hash))

    def load_memory(self, found: Iterable[EntryMemory], asked: Iterable[MemoryAt] = ()) -> None:
        """Put memory of entries that the store has; `asked` is what was asked for beside what the ledger was made with."""
        for memory in found:
            if (memory.site, memory.profile) not in self._gone:
                self.memory.load((memory.site, memory.workflow, memory.profile, memory.key), memory)
        if self._remembered is not None:
            self._remembered.keys.update(asked)

    def last_start(self, at: MemoryAt) -> EntryMemory | None:
        """What is remembered of a start; None if there was none. Raises Unread if that is not known yet."""
        found = self.memory.get(at)
        if found is None and self._remembered is not None:
            site, workflow, profile, key = at
            is_read = at in self._remembered.keys or (site, profile) in self._remembered.profiles
            if not is_read and (site, profile) not in self._gone:
                raise Unread(MemoryKey(site, workflow, key, profile))
        return found

    def load_run(self, row: RunRow) -> None:
        """Put a run that the store has; twice is once."""
        if self.runs.get(row.id) is None:
            self.runs.load(row.id, run_from_row(row))
            person = (row.site, row.profile)
            if row.status == WAITING:
                self.waiting.load(person, (*(self.waiting.get(person) or ()), row.id))
            if row.goal_until is not None:
                self.aiming.load(person, (*(self.aiming.get(person) or ()), row.id))
            if row.status == FAILED:
                self.failed.load(person, (*(self.failed.get(person) or ()), row.id))

    def keep(self) -> None:
        """The input's changes stand."""
        for layer, key, _ in self._journal:
            layer.changed.add(key)
        self._journal.clear()
        if self._erasing:
            self._keep_erased()
        self._marks = (len(self.deliveries), len(self.emitted), len(self.explanations), len(self._tallies))

    def drop(self) -> None:
        """The input's changes never were."""
        for layer, key, before in reversed(self._journal):
            layer.undo(key, before)
        self._journal.clear()
        self._erasing.clear()
        deliveries, emitted, explanations, tallies = self._marks
        del self.deliveries[deliveries:], self.emitted[emitted:], self.explanations[explanations:], self._tallies[tallies:]

    def erase(self, person: Person) -> None:
        """Nothing of a profile, its subscribers and its runs is left, here and in the store."""
        for device in self.devices.get(person) or ():
            subscriber = self.subscribers.get((person[0], device))
            if subscriber is not None and subscriber.profile == person[1]:
                self.subscribers.remove((person[0], device))
        for id, kept in self.runs.items():
            if (kept.run.site, kept.run.profile) == person:
                self.runs.remove(id)
        for memory in self.memory_of(person):
            self.memory.remove((memory.site, memory.workflow, memory.profile, memory.key))
        for layer in (self.devices, self.waiting, self.aiming, self.failed, self.profiles):
            layer.remove(person)
        self._erasing.append(person)

    def _keep_erased(self) -> None:
        """What earlier inputs of the batch wanted sent to who is erased now is not sent; explanations go with those in the store, later."""
        gone = {*self._erasing}
        self.deliveries = [one for one in self.deliveries if (one.site, one.profile) not in gone]
        self.erased += self._erasing
        self._gone |= gone
        self._erasing.clear()

    def touched(self) -> dict[Person, Touched]:
        """The profiles that the input has changed so far, in the order in which it came to them."""
        found: dict[Person, Touched] = {}
        devices: dict[Person, Subscriber | None] = {}
        for layer, key, before in self._journal:
            if layer is self.profiles:
                found.setdefault(key, Touched(before))
            elif layer is self.subscribers:
                devices.setdefault(key, before)
        for key, before in devices.items():
            after = self.subscribers.get(key)
            for profile in dict.fromkeys(one.profile for one in (before, after) if one is not None):
                person = (key[0], profile)
                stays = before is not None and after is not None and before.profile == after.profile
                is_alone = stays and len(self.devices.get(person) or ()) == 1
                one = found.get(person) or Touched(self.profiles.get(person))
                one.subscriber |= seen_otherwise(before, after, is_alone=is_alone)
                found[person] = one
        return found

    def turn_page(self) -> None:
        """What has changed so far is on its way to the store: begin to note what changes from here on."""
        for layer in (
            self.profiles, self.subscribers, self.devices, self.runs, self.waiting, self.aiming, self.failed, self.memory,
            self.workflows, self.sites, self.segments, self.sweeps,
        ):  # fmt: skip
            layer.changed.clear()
        self.deliveries, self.emitted, self.explanations, self._tallies, self.erased = [], [], [], [], []
        self._marks = (0, 0, 0, 0)

    def count(self, site: int, workflow: str, tally: Tally, now: int) -> None:
        """Let a counter grow."""
        self._tallies.append((site, workflow, now - now % HOUR, tally))

    def counts(self) -> list[Count]:
        """By how much the counters grew, in an order that does not depend on hashing."""
        sums: dict[tuple[int, str, int, str, str, str, int], int] = {}
        for site, workflow, hour, tally in self._tallies:
            key = (site, workflow, tally.version, tally.step, tally.name, tally.branch, hour)
            sums[key] = sums.get(key, 0) + tally.count
        return [Count(*key, max(-GREATEST_COUNT, min(count, GREATEST_COUNT))) for key, count in sorted(sums.items()) if count]

    def put_subscriber(self, site: int, subscriber: Subscriber) -> None:
        """Keep a subscriber, and its profile's list of subscribers with it."""
        key = (site, subscriber.device_token_hash)
        before = self.subscribers.get(key)
        if before is not None and before.profile != subscriber.profile:
            self._leave((site, before.profile), subscriber.device_token_hash)
        self.subscribers.put(key, subscriber)
        person = (site, subscriber.profile)
        devices = self.devices.get(person) or ()
        if subscriber.device_token_hash not in devices:
            self.devices.put(person, (*devices, subscriber.device_token_hash))

    def drop_subscriber(self, site: int, subscriber: Subscriber) -> None:
        """Keep a copy of a subscriber no longer."""
        self._leave((site, subscriber.profile), subscriber.device_token_hash)
        self.subscribers.remove((site, subscriber.device_token_hash))

    def _leave(self, person: Person, device: str) -> None:
        self.devices.put(person, tuple(other for other in self.devices.get(person) or () if other != device))

    def subscribers_of(self, person: Person) -> list[Subscriber]:
        """The profile's active subscribers, the most recently active first."""
        devices = self.devices.get(person)
        if not devices:
            return []
        found = [self.subscribers.get((person[0], device)) for device in devices]
        active = [subscriber for subscriber in found if subscriber is not None and subscriber.active]
        return sorted(active, key=lambda subscriber: (-subscriber.last_active, subscriber.device_token_hash))

    def put_run(self, run: Run, *, held: bool = False) -> None:
        """Keep a run, and its profile's list of runs in flight with it."""
        person = (run.site, run.profile)
        waiting = self.waiting.get(person) or ()
        if run.status == WAITING and run.id not in waiting:
            self.waiting.put(person, (*waiting, run.id))
        if run.goal_until is not None and run.id not in (aiming := self.aiming.get(person) or ()):
            self.aiming.put(person, (*aiming, run.id))
        if run.status == FAILED and run.id not in (failed := self.failed.get(person) or ()):
            self.failed.put(person, (*failed, run.id))
        self.runs.put(run.id, Kept(run, held))

    def runs_of(self, person: Person) -> list[Kept]:
        """The profile's runs in flight, oldest first."""
        waiting = self.waiting.get(person)
        if not waiting:
            return []
        found = [self.runs.get(run) for run in waiting]
        alive = [kept for kept in found if kept is not None and kept.run.status == WAITING and kept.run.profile == person[1]]
        return sorted(alive, key=lambda kept: (kept.run.started, kept.run.id))

    def aiming_of(self, person: Person) -> list[Kept]:
        """The profile's runs, in flight or ended, whose goal may still be met, oldest first."""
        ids = self.aiming.get(person)
        if not ids:
            return []
        found = [self.runs.get(run) for run in ids]
        open_ = [kept for kept in found if kept is not None and kept.run.goal_until is not None and kept.run.profile == person[1]]
        return sorted(open_, key=lambda kept: (kept.run.started, kept.run.id))

    def failed_of(self, person: Person) -> list[Kept]:
        """The profile's failed runs, as far as they were read, oldest first."""
        found = [self.runs.get(run) for run in self.failed.get(person) or ()]
        failed = [kept for kept in found if kept is not None and kept.run.status == FAILED and kept.run.profile == person[1]]
        return sorted(failed, key=lambda kept: (kept.run.started, kept.run.id))

    def memory_of(self, person: Person) -> list[EntryMemory]:
        """What is remembered of the profile's starts."""
        return [memory for (site, _, profile, _), memory in self.memory.items() if (site, profile) == person]
