"""One batch of a partition: inputs in log order, timers in between, and the outcome to commit."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import msgspec
import structlog

from clarion.domain.ids import digest, is_broadcast
from clarion.domain.records import Event
from clarion.engine.apply import Applier
from clarion.engine.homes import Homes
from clarion.engine.inputs import Body, Passed
from clarion.engine.ledger import Ledger, Person, Remembered, Unread, row_from_run
from clarion.engine.registry import MOVE, Registry
from clarion.engine.requests import Requests
from clarion.engine.sweeps import Underway
from clarion.engine.timers import Timers
from clarion.store.records.batches import Facts, MemoryKey
from clarion.store.records.bodies import (
    BroadcastStart,
    DeliveryOutcome,
    Erasure,
    Joined,
    Left,
    Merging,
    ProfileChange,
    Receipt,
    RunChange,
    Seen,
    SegmentChange,
    SiteChange,
    SubscriberChange,
    SubscriberPut,
    WorkflowChange,
)
from clarion.store.records.commits import LogMove, Outcome
from clarion.store.records.entries import Entry
from clarion.store.records.poisoned import Poisoned
from clarion.store.records.runs import DueRun, EntryMemory, RunRow
from clarion.store.records.states import Directive, PartitionState, SiteState, WorkflowState
from clarion.workflow.start import ACTIVE, ARCHIVED, DRAINING, PAUSED

_log = structlog.get_logger(__name__)

MOST_HEARD = 16
"""Directives that are kept for runs that come from a partition whose log is behind."""


class Batch:
    """Applies inputs at one log time and gathers the outcome. First of all it has to be prepared."""

    def __init__(
        self,
        state: PartitionState,
        registry: Registry,
        facts: Facts,
        due: Iterable[DueRun],
        log_time: int,
        *,
        partitions: int = 1,
        remembered: Remembered | None = None,
        is_over: Callable[[], bool] = lambda: False,
        sweep: Underway | None = None,
    ) -> None:
        """`remembered`: which memory of entries `facts` were asked for; `is_over` says when a stint is over: no further input is begun.

        `sweep`: the profiles in the books have their turn in this one, and there are no inputs.
        """
        self._state, self._registry, self._log_time = state, registry, log_time
        self._sequence = state.sequence
        self._is_over = is_over
        self._ledger = Ledger(remembered or Remembered(set()))
        self._timers = Timers(due, log_time)
        self._applier = Applier(self._ledger, registry, self._timers.arm, Homes(partitions, state.partition), self._timers.recheck)
        self._requests = Requests(self._ledger, registry)
        self._sweep = sweep
        self._moved: list[LogMove] = []
        self._poisoned: list[Poisoned] = []
        self._hold: list[tuple[int, str]] = []
        self._release: list[tuple[int, str, int]] = []
        self._changed = False
        self.taken = 0
        """How many inputs have been taken."""
        self._begins = True
        """Whether no input has been taken yet in this stint."""
        self.is_cut = False
        """Whether there are inputs that were not taken, because the stint was over."""
        self.is_blocked = False
        """Whether there is an entry that has to wait until all runs in flight have heard of what was published before."""
        self.unread: MemoryKey | None = None
        """What has to be read, and learnt, before the last entry can be applied."""
        self.resumed: list[tuple[int, str]] = []
        """Workflows that came back from a pause: their held runs have to be offered again."""
        self.directed: list[tuple[int, str]] = []
        """Workflows whose runs in flight have to hear of a publish or of their end."""
        self.asked = False
        """Whether something is to be done with all profiles of a site from now on: what comes next is of a later time."""
        self._preparing: Iterator[None] | None = chain(self._ledger.loading(facts), self._catching_up(), self._taking_turns())

    def prepare(self) -> bool:
        """Load the books, let runs hear of publishes, and profiles have their turns in what is done with all of them, for one stint.

        Returns whether all is done; else it has to be called again.
        """
        for _ in self._preparing or ():
            if self._is_over():
                return False
        self._preparing = None
        return True

    def _catching_up(self) -> Iterator[None]:
        """Let every run in the books hear of what was published since its last input, before it gets the next (semantics §7).

        What was published first is heard first by all, and a timer that one of them set then, and that was due before the next publish,
        fires in between.
        """
        if not self._registry.has_directives:
            return
        while behind := sorted((directive.at, id) for id, _ in self._ledger.runs.items() if (directive := self._applier.behind(id))):
            at = behind[0][0]
            while self._timers and self._time_of(self._timers.first) <= at:
                self._fire()
                yield
            for heard, id in (one for one in behind if one[0] == at):
                try:
                    self._applier.hear(id)
                    self._applier.settle(digest("heard", id, str(heard)), at)
                except Exception as error:  # noqa: BLE001  # as for timers
                    self._give_up(id, f"{type(error).__name__}: {error}")
                else:
                    self._ledger.keep()
                yield

    def _taking_turns(self) -> Iterator[None]:
        """Let every profile in the books have its turn in what is done with all of them, before anything else can change it (semantics §7).

        That is not after the first timer that is due, nor before it was asked for.
        """
        if not self._registry.has_sweeps:
            return
        last = None if self._sweep is None else self._sweep.sweep
        now = min(self._log_time, self._time_of(self._timers.first)) if self._timers else self._log_time
        for person in [person for person, _ in self._ledger.profiles.items()]:
            for one in self._applier.turns(person, last):
                self._take_turn(person, one, max(now, one.sweep.at))
                yield

    def _take_turn(self, person: Person, one: Underway, now: int) -> None:
        is_early = self._sweep is None or one.key != self._sweep.key
        try:
            self._applier.turn(person, one, now, is_early=is_early)
        except Exception as error:  # noqa: BLE001  # as for timers
            self._ledger.drop()
            self._applier.forget()
            self.skip_turn(person, one, f"{type(error).__name__}: {error}")
        else:
            self._ledger.keep()

    def skip_turn(self, person: Person, one: Underway, error: str) -> None:
        """A profile does without a turn that cannot be applied."""
        _log.error("a profile's turn could not be applied and was left out", profile=person[1], sweep=one.sweep.id, error=error)
        self._applier.skip_turn(person, one)
        self._ledger.keep()

    def swept(self, cursor: str, count: int) -> None:
        """Note that the sweep has come to a profile, so many further on."""
        if self._sweep is not None:
            self._requests.done(self._sweep, cursor, count)
            self._ledger.keep()

    def fire_timers(self, most: int) -> None:
        """Fire up to `most` timers due at or before the log time, by (due, run). `now` is their due time (design §3.2)."""
        for _ in range(most):
            if not self._timers or self._ends():
                return
            self._fire()

    def _fire(self) -> None:
        due = self._timers.pop()
        self._count()
        now = self._time_of(due.due)
        try:
            if due.id:
                self._applier.timer(due.id, now)
            else:
                self._applier.recheck((due.site, due.profile), now)
            self._applier.settle(digest("timer", due.id, str(due.site), due.profile, str(due.due)), now)
        except Exception as error:  # noqa: BLE001  # a poisoned input is set aside, whatever it raised
            told = f"{type(error).__name__}: {error}"
            if due.id:
                self._set_aside_run(due.id, told)
            else:
                self._stop_recheck((due.site, due.profile), told)
        else:
            self._ledger.keep()

    def _time_of(self, due: int) -> int:
        """When a timer fires: overdue ones after an outage or a pause with the time of its end."""
        return max(due, self._state.resumed)

    def _ends(self) -> bool:
        """Whether the stint is over; in each at least one input is taken."""
        self.is_cut = self.is_cut or (not self._begins and self._is_over())
        return self.is_cut

    def go_on(self) -> None:
        """Begin another stint."""
        self._begins, self.is_cut = True, False

    def _count(self) -> None:
        self.taken += 1
        self._begins = False

    def apply(self, entry: Entry, body: Body, most_timers: int) -> bool:
        """Fire the timers that come before an entry, then apply it. Returns whether it was taken.

        It is not while more timers than `most_timers` come before it, nor behind a change of a workflow (after a resume the held timers
        come first, after a publish there is more to read), nor when it is over: it has to wait for the next batch. If something is
        `unread`, it can be applied when that was learnt. An entry that cannot be applied is set aside; the rest go on.
        """
        if self._timers:
            self.fire_timers(most_timers)
        if self._timers or self._changed:
            return False
        if self._ends():
            return False
        plain = self._plain(entry.site, body)
        if plain is not None:
            self._move(entry, plain)
            return True
        if self._waits(entry.site, body):
            return False
        profile = ""
        try:
            profile = self._dispatch(entry, body)
            self._applier.settle(_cause(entry, body), self._log_time, _hops(body))
            self._applier.note_arrivals()
        except Unread as missing:
            self._ledger.drop()
            self._applier.forget()
            self.unread = missing.key
            return False
        except Exception as error:  # noqa: BLE001  # as above
            self._ledger.drop()
            self._applier.forget()
            self.set_aside(entry, f"{type(error).__name__}: {error}")
        else:
            self._ledger.keep()
        self._move(entry, profile)
        return True

    def _plain(self, site: int, body: Body) -> str | None:
        """Key of the profile of an entry that changes nothing; None: it may."""
        match body:
            case Event():
                return self._applier.plain(site, body, self._log_time)
            case Passed():
                return self._applier.plain_passed(site, body)
        return None

    def learn(self, memory: Iterable[EntryMemory]) -> None:
        """What the store has of what was unread."""
        if self.unread is not None:
            one = self.unread
            self._ledger.load_memory(memory, [(one.site, one.workflow, one.profile or "", one.key)])
            self.unread = None

    def _waits(self, site: int, body: Body) -> bool:
        """Whether an entry changes what runs would see that have yet to hear of an earlier publish.

        A pause, a resume or new settings of a site do, and so does a version that starts runs again which that publish would seem to
        concern. A further publish does not: runs hear of one after the other.
        """
        if not self._registry.has_directives:
            return False
        match body:
            case WorkflowChange(change="publish"):
                state = self._registry.state(site, body.workflow)
                self.is_blocked = state is not None and any(body.version < directive.version for directive in state.directives)
            case WorkflowChange(change="pause" | "resume") | SiteChange():
                self.is_blocked = True
        return self.is_blocked

    def _move(self, entry: Entry, profile: str) -> None:
        self._count()
        self._sequence += 1
        self._moved.append(LogMove(entry.position, self._sequence, self._log_time, profile))

    def skip(self, entry: Entry, error: str) -> None:
        """Take an entry out of the inbox unapplied, set aside with its error."""
        self.set_aside(entry, error)
        self._move(entry, "")

    def _dispatch(self, entry: Entry, body: Body) -> str:
        now = self._log_time
        match body:
            case Event():
                return self._applier.event(entry.site, body, now)
            case SubscriberPut() | SubscriberChange() | ProfileChange() | Erasure():
                return self._applier.change(entry.site, body, entry.id, entry.received, now)
            case DeliveryOutcome():
                return self._applier.outcome(entry.site, body, entry.id, entry.received, now)
            case Receipt():
                return self._applier.receipt(entry.site, body, entry.id, entry.received, now)
            case RunChange():
                return self._applier.operator(entry.site, body, entry.id, entry.received, now)
            case Passed() | Joined() | Left() | Merging() | Seen():
                return self._applier.message(entry.site, body, entry.received, now)
            case WorkflowChange():
                self._workflow(entry.site, body, entry.received, now)
            case SiteChange():
                self._site(entry.site, body, entry.id, now)
            case SegmentChange() | BroadcastStart():
                return self._request(entry, body, now)
            case None:
                pass
        return ""

    def _request(self, entry: Entry, body: SegmentChange | BroadcastStart, now: int) -> str:
        """Something is to be done with all profiles, or with one. What comes behind waits, for all have their turn before."""
        self._changed = self.asked = True
        if isinstance(body, SegmentChange):
            self._requests.segment(entry.site, body, entry.id, now)
            return ""
        self._requests.broadcast(entry.site, body, entry.id, now)
        return "" if body.profile is None else self._applier.broadcast(entry.site, body, entry.id, entry.received, now)

    def _site(self, site: int, change: SiteChange, entry: str, now: int) -> None:
        before = self._registry.site(site).timezone
        self._applier.site(SiteState(site, change.timezone, change.frequency_cap))
        if change.timezone != before and self._requests.moved_to_zone(site, entry, now):
            self._changed = self.asked = True

    def _workflow(self, site: int, change: WorkflowChange, received: int, now: int) -> None:
        before = self._registry.state(site, change.workflow)
        if before is None:
            if change.change != "publish":
                raise ValueError(f"workflow {change.workflow} was never published")
            before = WorkflowState(site, change.workflow, change.version, ACTIVE)
        elif change.change == "publish" and change.version < before.version:
            _log.warning("a publish came again behind a later one, and changes nothing", workflow=change.workflow, version=change.version)
            return
        state = _changed(before, change, received, now)
        cutoff = 0 if change.skip_older_than is None else now - change.skip_older_than
        if state.status == PAUSED:
            self._hold.append((site, change.workflow))
        elif before.status == PAUSED:
            state = msgspec.structs.replace(state, stale_before=cutoff)
            self._state = msgspec.structs.replace(self._state, resumed=now)
            self._release.append((site, change.workflow, cutoff))
            self.resumed.append((site, change.workflow))
        if state.directives != before.directives:
            self.directed.append((site, change.workflow))
        self._applier.workflow(state)
        self._changed = True
        if state.status == ARCHIVED and is_broadcast(change.workflow):
            self._stop_broadcast(site, change.workflow, now)

    def _stop_broadcast(self, site: int, workflow: str, now: int) -> None:
        """Nobody else has it, and what is not delivered is dropped."""
        self._requests.archived(site, workflow)
        self._hold = [*(one for one in self._hold if one != (site, workflow)), (site, workflow)]
        self._release = [*(one for one in self._release if one[:2] != (site, workflow)), (site, workflow, now + 1)]

    def set_aside(self, entry: Entry, error: str) -> None:
        """Note that an entry could not be applied."""
        _log.error("an entry could not be applied and was set aside", entry=entry.id, kind=entry.kind, error=error)
        self._poisoned.append(Poisoned(entry.id, entry.site, entry.kind, entry.body, self._log_time, error[:1000]))

    def give_up(self, row: RunRow, error: str) -> None:
        """End a run that cannot hear of a publish. It must not stay behind: all others would wait for it."""
        self._ledger.load_run(row)
        self._give_up(row.id, error)

    def _give_up(self, id: str, error: str) -> None:
        self._ledger.drop()
        self._applier.forget()
        _log.error("a run could not go on after a publish and has failed", run=id, error=error)
        self._applier.give_up(id, f"could not go on after a publish: {error[:1000]}", self._log_time)
        self._ledger.keep()

    def skip_run(self, run: str, error: str) -> None:
        """Stop the timer of a run, which cannot be applied and is set aside with its error."""
        self._set_aside_run(run, error)

    def _stop_recheck(self, person: Person, error: str) -> None:
        """A profile is looked at again when something changes it."""
        self._ledger.drop()
        self._applier.forget()
        _log.error("a profile's segments could not be tested when they were due", profile=person[1], error=error)
        profile = self._ledger.profiles.get(person)
        if profile is not None:
            self._ledger.profiles.put(person, msgspec.structs.replace(profile, recheck=None))
            self._ledger.keep()

    def _set_aside_run(self, id: str, error: str) -> None:
        self._ledger.drop()
        self._applier.forget()
        kept = self._ledger.runs.get(id)
        if kept is None:
            return
        _log.error("a timer could not be applied and its run was set aside", run=id, error=error)
        row = row_from_run(kept)
        self._ledger.put_run(msgspec.structs.replace(kept.run, due=None))
        self._ledger.keep()
        self._poisoned.append(Poisoned(id, row.site, "timer", msgspec.Raw(msgspec.json.encode(row)), self._log_time, error[:1000]))

    def outcome(self) -> Outcome:
        """All that the batch came to since the last outcome. It may take further inputs, on top of that, while it is committed."""
        ledger = self._ledger
        outcome = Outcome(
            state=msgspec.structs.replace(self._state, sequence=self._sequence, log_time=self._log_time),
            moved=self._moved,
            profiles=[(site, profile) for (site, _), profile in ledger.profiles.changes()],
            subscribers=[(site, subscriber) for (site, _), subscriber in ledger.subscribers.changes()],
            runs=[row_from_run(kept) for _, kept in ledger.runs.changes()],
            memory=[memory for _, memory in ledger.memory.changes()],
            workflows=[state for _, state in ledger.workflows.changes()],
            sites=[state for _, state in ledger.sites.changes()],
            segments=[state for _, state in ledger.segments.changes()],
            gone_segments=list(ledger.segments.gone()),
            sweeps=[sweep for _, sweep in ledger.sweeps.changes()],
            ended_sweeps=list(ledger.sweeps.gone()),
            erased=ledger.erased,
            explanations=ledger.explanations,
            deliveries=ledger.deliveries,
            emitted=ledger.emitted,
            counts=ledger.counts(),
            poisoned=self._poisoned,
            hold=self._hold,
            gone_runs=list(ledger.runs.gone()),
            gone_subscribers=list(ledger.subscribers.gone()),
            release=self._release,
        )
        self._moved, self._poisoned, self._hold, self._release = [], [], [], []
        ledger.turn_page()
        return outcome


def _cause(entry: Entry, body: Body) -> str:
    """Id of the entry from outside, or from a run, that an entry follows from: what it causes has the same ids in every partition."""
    match body:
        case Passed(head=head):
            return head.entry
        case Joined(is_part=False) | Left() | Merging(is_part=False):
            return body.entry
        case Seen():
            return body.event
    return entry.id


def _hops(body: Body) -> int:
    """How many runs lie between what follows from an entry and what came from outside."""
    match body:
        case Event(hops=hops, cause=cause):
            return hops if hops == 0 and cause is None else hops + 1
        case DeliveryOutcome(hops=hops) | Receipt(hops=hops):
            return hops + 1
        case Passed(body=inner) if not isinstance(inner, RunChange | Seen):
            return _hops(inner)
    return 0


def _changed(before: WorkflowState, change: WorkflowChange, received: int, now: int) -> WorkflowState:
    """What the log says of a workflow after a change. Raises ValueError for an unknown one."""
    replace = msgspec.structs.replace
    match change.change:
        case "publish":
            status = PAUSED if before.status == PAUSED else ACTIVE
            state = replace(before, version=change.version, status=status)
            if change.runs == "keep":
                return state
            return _directed(state, change.version, MOVE if change.runs == "move" else "ended", received, now)
        case "pause":
            return replace(before, status=PAUSED)
        case "resume":
            return replace(before, status=ACTIVE)
        case "drain":
            return replace(before, status=DRAINING)
        case "archive":
            return _directed(replace(before, status=ARCHIVED), before.version + 1, ARCHIVED, received, now)
    raise ValueError(f"unknown change {change.change!r} of workflow {change.workflow}")


def _directed(state: WorkflowState, version: int, runs: str, received: int, now: int) -> WorkflowState:
    """With something that its runs in flight have to hear of, under a number that all partitions give it, whatever else they know of."""
    number = max(received, state.heard[-1].number + 1 if state.heard else 1)
    directive = Directive(version, runs, now, number)
    return msgspec.structs.replace(state, directives=(*state.directives, directive), heard=(*state.heard, directive)[-MOST_HEARD:])
