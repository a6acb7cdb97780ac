"""One batch of a partition: inputs in log order, timers in between, and the outcome to commit."""

import heapq
from collections.abc import Callable, Iterable

import msgspec
import structlog

from clarion.domain.ids import anonymous_profile, named_profile
from clarion.domain.records import Event
from clarion.engine.apply import Applier
from clarion.engine.ledger import Ledger, row_from_run
from clarion.engine.registry import MOVE, ProgramKey, Registry
from clarion.store.records import (
    Asked,
    DeliveryOutcome,
    Directive,
    DueRun,
    Entry,
    EntryKind,
    Facts,
    LogMove,
    MemoryKey,
    Outcome,
    PartitionState,
    Poisoned,
    Receipt,
    RunChange,
    RunRow,
    SiteChange,
    SiteProfile,
    SiteState,
    SubscriberPut,
    WorkflowChange,
    WorkflowState,
)
from clarion.workflow.run import Run
from clarion.workflow.start import ACTIVE, ARCHIVED, DRAINING, PAUSED, remembered_key

Body = Event | SubscriberPut | DeliveryOutcome | Receipt | RunChange | WorkflowChange | SiteChange | None

_DECODERS: dict[EntryKind, Callable[[msgspec.Raw], Body]] = {
    EntryKind.EVENT: msgspec.json.Decoder(Event).decode,
    EntryKind.SUBSCRIBER: msgspec.json.Decoder(SubscriberPut).decode,
    EntryKind.OUTCOME: msgspec.json.Decoder(DeliveryOutcome).decode,
    EntryKind.RECEIPT: msgspec.json.Decoder(Receipt).decode,
    EntryKind.RUN: msgspec.json.Decoder(RunChange).decode,
    EntryKind.WORKFLOW: msgspec.json.Decoder(WorkflowChange).decode,
    EntryKind.SITE: msgspec.json.Decoder(SiteChange).decode,
}

_log = structlog.get_logger(__name__)


def decode(entry: Entry) -> Body:
    """An entry's body. Raises msgspec.MsgspecError when it is not what its kind says."""
    decoder = _DECODERS.get(entry.kind)
    return None if decoder is None else decoder(entry.body)


class Needs:
    """What a batch has to read before it can be applied."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._devices: dict[SiteProfile, None] = {}
        self._profiles: dict[SiteProfile, None] = {}
        self._memory: dict[MemoryKey, None] = {}
        self._joining: dict[SiteProfile, None] = {}
        self._runs: dict[str, None] = {}
        self._joined: dict[tuple[int, str], list[str]] = {}
        """By subscriber: the profiles that it may come to belong to in this batch, in order."""
        self.versions: set[ProgramKey] = set()

    def add(self, site: int, body: Body) -> None:
        """An entry's body names a subscriber, a profile, or a version."""
        match body:
            case Event():
                self._add_event(site, body)
            case SubscriberPut():
                self._add_subscriber(site, body)
            case DeliveryOutcome():
                if body.subscriber is not None:
                    self._devices[SiteProfile(site, body.subscriber)] = None
                if body.response is not None:  # a run waits for it
                    self._runs[body.run] = None
            case Receipt():
                self._devices[SiteProfile(site, body.subscriber)] = None
            case RunChange():
                self._runs[body.run] = None
            case WorkflowChange():
                if body.version:
                    self.versions.add((site, body.workflow, body.version))
            case SiteChange() | None:
                pass

    def _add_event(self, site: int, event: Event) -> None:
        device, profile = event.device_token_hash, None
        listening = self._registry.listening(site, event.name)
        if event.workflow is not None:
            state = self._registry.state(site, event.workflow)
            listening = () if state is None else (state,)
        if event.profile_id is not None:
            profile = named_profile(event.profile_id)
            self._profiles[SiteProfile(site, profile)] = None
        if device is not None and (profile is None or listening):  # beside a profile, only a run that starts asks for it
            self._devices[SiteProfile(site, device)] = None
        for state in listening:
            program = self._registry.program(site, state.workflow, state.version)
            key = None if program is None else remembered_key(program, event)
            if key is None:
                continue
            if profile is not None:
                self._memory[MemoryKey(site, state.workflow, key, profile)] = None
                continue
            self._memory[MemoryKey(site, state.workflow, key, None, device)] = None
            for other in self._joined.get((site, device or ""), ()):
                self._memory[MemoryKey(site, state.workflow, key, other)] = None

    def _add_subscriber(self, site: int, put: SubscriberPut) -> None:
        device = SiteProfile(site, put.device_token_hash)
        self._devices[device] = None
        profile = anonymous_profile(put.device_token_hash)
        self._profiles[SiteProfile(site, profile)] = None
        if put.profile_id is not None:
            profile = named_profile(put.profile_id)
            self._profiles[SiteProfile(site, profile)] = None
            self._joining[device] = None
        self._joined.setdefault((site, put.device_token_hash), []).append(profile)

    def add_runs(self, runs: Iterable[RunRow | DueRun]) -> None:
        """Runs that are to be touched."""
        for run in runs:
            self._profiles[SiteProfile(run.site, run.profile)] = None

    def asked(self) -> Asked:
        """What to ask the store for."""
        return Asked(list(self._devices), list(self._profiles), list(self._memory), list(self._joining), list(self._runs))

    def asked_next(self, facts: Facts) -> Asked | None:
        """What to ask for once these facts are there; None: nothing.

        Where profiles become one, the later start of each workflow counts: what the named one remembers is needed under every key that the
        anonymous one has.
        """
        if not self._joining:
            return None
        found: dict[MemoryKey, None] = {}
        for device in self._joining:
            site, source = device.site, anonymous_profile(device.value)
            keys = {(one.workflow, one.key): None for one in facts.memory if (one.site, one.profile) == (site, source)}
            keys |= {
                (one.workflow, one.key): None
                for one in self._memory
                if one.site == site and (one.device_token_hash == device.value or one.profile == source)
            }
            for target in self._joined[site, device.value]:
                if target != source:
                    found |= {MemoryKey(site, workflow, key, target): None for workflow, key in keys}
        more = [key for key in found if key not in self._memory]
        return Asked(memory=more) if more else None


class Batch:
    """Applies inputs at one log time and gathers the outcome."""

    def __init__(
        self, state: PartitionState, registry: Registry, facts: Facts, due: Iterable[DueRun], log_time: int, *, partitions: int = 1
    ) -> None:
        self._state, self._registry, self._log_time = state, registry, log_time
        self._sequence = state.sequence
        self._ledger = Ledger()
        self._ledger.load(facts)
        self._timers = [(one.due, one.id) for one in due]
        heapq.heapify(self._timers)
        self._applier = Applier(self._ledger, registry, self._arm, partitions)
        self._moved: list[LogMove] = []
        self._poisoned: list[Poisoned] = []
        self._hold: list[tuple[int, str]] = []
        self._release: list[tuple[int, str, int]] = []
        self._changed = False
        self.resumed: list[tuple[int, str]] = []
        """Workflows that came back from a pause: their held runs have to be offered again."""
        self.directed: list[tuple[int, str]] = []
        """Workflows whose runs in flight have to hear of a publish or of their end."""
        self._catch_up()

    def _arm(self, run: Run) -> None:
        if run.due is not None and run.due <= self._log_time:
            heapq.heappush(self._timers, (run.due, run.id))

    def _catch_up(self) -> None:
        """Let every run in the books hear of what was published since its last input, before it gets the next (semantics §7)."""
        if not self._registry.has_directives:
            return
        for id in sorted(id for id, _ in self._ledger.runs.items()):  # in whichever order the store gave them
            try:
                self._applier.catch_up(id)
            except Exception as error:  # noqa: BLE001  # as for timers
                self._give_up(id, f"{type(error).__name__}: {error}")
            else:
                self._ledger.keep()

    def fire_timers(self, most: int) -> None:
        """Fire up to `most` timers due at or before the log time, by (due, run). `now` is their due time (design §3.2)."""
        for _ in range(most):
            if not self._timers:
                return
            due, run = heapq.heappop(self._timers)
            try:
                self._applier.timer(run, max(due, self._state.resumed))
            except Exception as error:  # noqa: BLE001  # a poisoned input is set aside, whatever it raised
                self._set_aside_run(run, f"{type(error).__name__}: {error}")
            else:
                self._ledger.keep()

    def apply(self, entry: Entry, body: Body, most_timers: int) -> bool:
        """Fire the timers that come before an entry, then apply it. Returns whether it was taken.

        It is not while more timers than `most_timers` come before it, nor behind a change of a workflow (after a resume the held timers
        come first, after a publish there is more to read): it has to wait for the next batch. An entry that cannot be applied is set
        aside; the rest go on.
        """
        self.fire_timers(most_timers)
        if self._timers or self._changed:
            return False
        self._sequence += 1
        plain = self._applier.plain(entry.site, body) if isinstance(body, Event) else None
        if plain is not None:
            self._moved.append(LogMove(entry.position, self._sequence, self._log_time, plain))
            return True
        profile = ""
        try:
            profile = self._dispatch(entry, body)
        except Exception as error:  # noqa: BLE001  # as above
            self._ledger.drop()
            self._applier.forget()
            self.set_aside(entry, f"{type(error).__name__}: {error}")
        else:
            self._ledger.keep()
        self._moved.append(LogMove(entry.position, self._sequence, self._log_time, profile))
        return True

    def skip(self, entry: Entry, error: str) -> None:
        """Take an entry out of the inbox unapplied, set aside with its error."""
        self._sequence += 1
        self.set_aside(entry, error)
        self._moved.append(LogMove(entry.position, self._sequence, self._log_time, ""))

    def _dispatch(self, entry: Entry, body: Body) -> str:
        now = self._log_time
        match body:
            case Event():
                return self._applier.event(entry.site, body, now)
            case SubscriberPut():
                return self._applier.subscriber(entry.site, body, entry.id, entry.received, now)
            case DeliveryOutcome():
                return self._applier.outcome(entry.site, body, entry.id, entry.received, now)
            case Receipt():
                return self._applier.receipt(entry.site, body, entry.id, entry.received, now)
            case RunChange():
                return self._applier.operator(entry.site, body, entry.id, now)
            case WorkflowChange():
                self._workflow(entry.site, body, now)
            case SiteChange():
                self._applier.site(SiteState(entry.site, body.timezone, body.frequency_cap))
            case None:
                pass
        return ""

    def _workflow(self, site: int, change: WorkflowChange, now: int) -> None:
        before = self._registry.state(site, change.workflow)
        if before is None:
            if change.change != "publish":
                raise ValueError(f"workflow {change.workflow} was never published")
            before = WorkflowState(site, change.workflow, change.version, ACTIVE)
        state = _changed(before, change, now)
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
        """All that the batch came to."""
        ledger = self._ledger
        return Outcome(
            state=msgspec.structs.replace(self._state, sequence=self._sequence, log_time=self._log_time),
            moved=self._moved,
            profiles=[(site, profile) for (site, _), profile in ledger.profiles.changes()],
            subscribers=[(site, subscriber) for (site, _), subscriber in ledger.subscribers.changes()],
            runs=[row_from_run(kept) for _, kept in ledger.runs.changes()],
            memory=[memory for _, memory in ledger.memory.changes()],
            workflows=[state for _, state in ledger.workflows.changes()],
            sites=[state for _, state in ledger.sites.changes()],
            explanations=ledger.explanations,
            deliveries=ledger.deliveries,
            emitted=ledger.emitted,
            counts=ledger.counts(),
            poisoned=self._poisoned,
            hold=self._hold,
            release=self._release,
        )


def _changed(before: WorkflowState, change: WorkflowChange, now: int) -> WorkflowState:
    """What the log says of a workflow after a change. Raises ValueError for an unknown one."""
    replace = msgspec.structs.replace
    match change.change:
        case "publish":
            status = PAUSED if before.status == PAUSED else ACTIVE
            state = replace(before, version=change.version, status=status)
            if change.runs == "keep":
                return state
            runs = MOVE if change.runs == "move" else "ended"
            return replace(state, directives=(*before.directives, Directive(change.version, runs, now)))
        case "pause":
            return replace(before, status=PAUSED)
        case "resume":
            return replace(before, status=ACTIVE)
        case "drain":
            return replace(before, status=DRAINING)
        case "archive":
            ended = Directive(before.version + 1, ARCHIVED, now)
            return replace(before, status=ARCHIVED, directives=(*before.directives, ended))
    raise ValueError(f"unknown change {change.change!r} of workflow {change.workflow}")
