"""Takes runs on through the core and books what comes of it: the run, its profile, what goes out, what is sent back in, what is counted."""

from collections.abc import Callable

import msgspec

from clarion.domain.ids import lone_subscriber, partition_of, public_profile_id
from clarion.domain.records import Event, Profile
from clarion.engine.fanout import deliveries
from clarion.engine.history import Teller
from clarion.engine.ledger import Kept, Ledger, Person
from clarion.engine.registry import MOVE, Registry
from clarion.engine.segments import Segments
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.states import Directive
from clarion.workflow import advance as core
from clarion.workflow.effects import Effect, EventEffect, HttpEffect, PushEffect, StopEffect
from clarion.workflow.program import Program
from clarion.workflow.run import FAILED, WAITING, Run, Tally
from clarion.workflow.start import PAUSED

_encode = msgspec.json.Encoder().encode


class Runs:
    """The runs in a ledger. `on_due` hears of every timer that is set."""

    def __init__(
        self, ledger: Ledger, registry: Registry, teller: Teller, on_due: Callable[[Run], None], partitions: int, segments: Segments
    ) -> None:
        self._segments = segments
        self._ledger, self._registry, self._teller, self._on_due, self._partitions = ledger, registry, teller, on_due, partitions
        self._changed: dict[Person, None] = {}

    # -- one run -----------------------------------------------------------------------------------------------------

    def advance(self, kept: Kept, given: core.Input, now: int, *, program: Program | None = None) -> core.Transition:
        """Apply an input to a run; to go on in another version, `program` is that one."""
        run = kept.run
        person: Person = (run.site, run.profile)
        program = program or self.program(run)
        whom = self.person(person, run.entry.device_token_hash)
        if program is None and run.status != WAITING:
            return core.Transition(run, whom.profile)
        if program is None:
            done = core.end(run, now, whom.profile, FAILED, f"version {run.version} is not valid in this version of Clarion")
        else:
            done = core.advance(program, run, given, now, whom, paused=self.is_paused(run))
        if done.run is not run or isinstance(given, core.Begin):
            held = kept.held and done.run.status == WAITING and done.run.due == run.due
            self._ledger.put_run(done.run, held=held)
            if done.run.due is not None and not held:
                self._on_due(done.run)
        if done.profile is not whom.profile:
            self._ledger.profiles.put(person, done.profile)
            if (done.profile.attributes, done.profile.segments) != (whom.profile.attributes, whom.profile.segments):
                self._segments.caused(person, done.run.hops + 1, run.id)
            self.changed(person)
        self._book(done, now)
        for effect in done.effects:
            self._effect(effect, done.run, now, person)
        return done

    def foresee(self, kept: Kept, given: core.Input, now: int) -> core.Transition:
        """What an input would do to a run; nothing is booked."""
        run = kept.run
        whom = self.person((run.site, run.profile), run.entry.device_token_hash)
        program = self.program(run)
        return core.Transition(run, whom.profile) if program is None else core.advance(program, run, given, now, whom)

    def _book(self, done: core.Transition, now: int) -> None:
        run = done.run
        for tally in done.tallies:
            self._ledger.count(run.site, run.workflow, tally, now)
        self._teller.run(run.id, done.reasons)

    def stop(self, run: str, reason: str, now: int) -> None:
        """End a run, if it is in flight."""
        kept = self._ledger.runs.get(run)
        if kept is not None:
            self.advance(kept, core.Stop(reason), now)

    def fail(self, kept: Kept, reason: str, now: int) -> None:
        """End a run that cannot be taken on."""
        profile = self._ledger.profiles.get((kept.run.site, kept.run.profile)) or Profile(kept.run.profile)
        done = core.end(kept.run, now, profile, FAILED, reason)
        self._ledger.put_run(done.run)
        self._book(done, now)

    def rearm(self, kept: Kept, now: int) -> None:
        """Let a timer that was set aside fire again."""
        run = kept.run
        if run.status == WAITING and run.due is None and run.awaits is None:
            run = msgspec.structs.replace(run, due=now)
            self._ledger.put_run(run)
            self._on_due(run)

    def hear(self, kept: Kept, directive: Directive) -> None:
        """Let a run hear of a directive, as of then (semantics §7): it ends, or goes on in the directive's version."""
        program = None
        if directive.runs == MOVE:
            program = self._registry.program(kept.run.site, kept.run.workflow, directive.version)
        if program is not None:
            self.advance(kept, core.Switch(), directive.at, program=program)
        else:
            self.advance(kept, core.Stop(core.STEP_REMOVED if directive.runs == MOVE else directive.runs), directive.at)

    def arrive(self, run: str) -> None:
        """A run has come from another partition: its timer fires here, and a pause that is over here holds it no longer."""
        kept = self._ledger.runs.get(run)
        if kept is None or kept.run.due is None:
            return
        if kept.held and not self.is_paused(kept.run):
            kept = Kept(kept.run)
            self._ledger.put_run(kept.run)
        if not kept.held:
            self._on_due(kept.run)

    # -- who and what ------------------------------------------------------------------------------------------------

    def program(self, run: Run) -> Program | None:
        """The version that a run is on; None if it is not valid any more."""
        return self._registry.program(run.site, run.workflow, run.version)

    def is_paused(self, run: Run) -> bool:
        """Whether its workflow is."""
        state = self._registry.state(run.site, run.workflow)
        return state is not None and state.status == PAUSED

    def is_parallel(self, run: Run) -> bool:
        """Whether runs of its workflow with one profile and key may stand side by side."""
        program = self.program(run)
        return program is not None and program.document.start.while_running == "parallel"

    def person(self, person: Person, device: str | None) -> core.Person:
        """The profile, and the subscriber that the entry event named, else the most recently active one."""
        profile = self._ledger.profiles.get(person)
        if profile is None:
            raise LookupError(f"profile {person[1]} is not in the books")
        active = self._ledger.subscribers_of(person)
        named = self._ledger.subscribers.get((person[0], device)) if device else None
        if named is None or named.profile != person[1]:
            named = active[0] if active else None
        site = self._registry.site(person[0])
        dynamic = self._registry.dynamics(person[0]).names
        return core.Person(profile, named, site.timezone, bool(active), site.frequency_cap, dynamic)

    def changed(self, person: Person) -> None:
        """A profile, or one of its subscribers, is not what it was."""
        self._changed[person] = None

    def leave_changed(self, now: int) -> bool:
        """Test dynamic segments, then the exit rules on the audience, for everybody who has changed; returns whether anybody had."""
        any_changed = bool(self._changed)
        while self._changed:
            person = next(iter(self._changed))
            del self._changed[person]
            self._segments.follow(person, now)
            for kept in self._ledger.runs_of(person):
                program = self.program(kept.run)
                if program is not None and program.document.exit_audience:
                    self.advance(kept, core.Leaving(), now)
        return any_changed

    def forget(self) -> None:
        """Drop what was gathered; after an input that failed."""
        self._changed = {}

    # -- what a run wants done ---------------------------------------------------------------------------------------

    def _effect(self, effect: Effect, run: Run, now: int, person: Person) -> None:
        match effect:
            case PushEffect() | HttpEffect():
                self._ledger.deliveries.extend(deliveries(effect, run, self._ledger.subscribers_of(person), now))
            case EventEffect():
                self._send(effect, run, now)
            case StopEffect(workflow=workflow):
                for kept in self._ledger.runs_of(person):
                    if kept.run.workflow == workflow and kept.run.id != run.id:
                        self.advance(kept, core.Stop(f"stopped by {run.workflow}"), now)

    def _send(self, effect: EventEffect, run: Run, now: int) -> None:
        """Send an event to the inbox of whom it is about."""
        profile_id = effect.profile_id or public_profile_id(run.profile)
        device = run.entry.device_token_hash if effect.profile_id is None else None
        if profile_id is None:
            device = lone_subscriber(run.profile)
        event = Event(
            effect.id,
            effect.name,
            device,
            profile_id,
            msgspec.Raw(_encode(effect.data)),
            received=now,
            hops=run.hops + 1,
            cause=run.id,
            workflow=effect.workflow,
            profile=run.profile if profile_id is None else None,
        )
        self.emit(run.site, event)

    def emit(self, site: int, event: Event) -> None:
        """Put an event into the inbox of whom it is about."""
        partition = partition_of(site, event.profile_id or event.device_token_hash or "", self._partitions)
        self._ledger.emitted.append(NewEntry(EntryKind.EVENT, site, event.id, _encode(event), event.received, partition))

    def count(self, site: int, workflow: str, version: int, step: str, name: str, now: int) -> None:
        """Count something that came from outside."""
        self._ledger.count(site, workflow, Tally(version, step, name), now)


def unheard(registry: Registry, run: Run) -> Directive | None:
    """What was published or archived while a run was in flight and it has not heard of, the first of it; None: it is up to date."""
    if run.status != WAITING:
        return None
    state = registry.state(run.site, run.workflow)
    for directive in () if state is None else state.directives:
        if run.version < directive.version and run.since <= directive.at:  # a later `since`: retried after it
            return directive
    return None
