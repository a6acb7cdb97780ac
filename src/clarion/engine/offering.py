"""Offers an event once, to what existed before it: goals, exit rules, `wait_for` steps, workflow starts (semantics §5)."""

from collections.abc import Callable

import msgspec

from clarion.domain import system_events
from clarion.domain.ids import is_broadcast, run_id
from clarion.domain.records import Event, Scalar, Scope
from clarion.engine.history import Teller
from clarion.engine.ledger import Kept, Ledger, Person
from clarion.engine.registry import Registry
from clarion.engine.runs import Runs
from clarion.store.records.runs import EntryMemory
from clarion.store.records.states import WorkflowState
from clarion.workflow import advance as core
from clarion.workflow.goals import reach
from clarion.workflow.program import Program
from clarion.workflow.run import WAITING, Run
from clarion.workflow.start import ACTIVE, PAUSED, Decision, Verdict, consider

_decode_data = msgspec.json.Decoder(dict[str, Scalar]).decode

MOST_RUNS = 1_000
"""Runs in flight that one profile may have: each of its events is offered to all of them."""
MOST_GOALS = 1_000
"""Runs of one profile whose goal may be open; past that, the oldest one's is given up."""


class Offering:
    """Offers events to the profiles of a ledger, and closes what an input was."""

    def __init__(self, ledger: Ledger, registry: Registry, teller: Teller, runs: Runs) -> None:
        self._ledger, self._registry, self._teller, self._runs = ledger, registry, teller, runs

    def offer(self, person: Person, event: Event, now: int) -> None:
        """Offer an event to a profile, which is in the books."""
        running = self._ledger.runs_of(person)
        aiming = self._aiming(person, now)
        listening = self._listening(person[0], event)
        if running or aiming or listening or event.workflow is not None:
            data = _decode_data(event.data)
            if event.workflow is None:
                for kept in aiming:
                    self._aim(kept, event, data, now, person)
                if event.name in system_events.NOTIFICATIONS:
                    self._receive(event, data, now, person)
                for kept in running:
                    self._leave(kept, event, data, now)
                self._runs.leave_changed(now)
                for kept in running:
                    self._arrive(kept, event, data, now)
            elif not listening:
                self._teller.verdict(Verdict(event.workflow, 0, "unknown_workflow"))
            for state in listening:
                self._consider(state, event, data, now, person)
        self.close(person, event.id, event.name, now)

    def offer_to_sender(self, kept: Kept, event: Event, now: int) -> None:
        """Offer what became of a push to the run that sent it and nobody else: its subscriber has come to another profile since."""
        sender = (kept.run.site, kept.run.profile)
        data = _decode_data(event.data)
        self._receive(event, data, now, sender)
        self._arrive(kept, event, data, now)
        self.close(sender, event.id, event.name, now)

    def broadcast(self, person: Person, event: Event, now: int, *, is_told: bool) -> None:
        """A broadcast comes to a profile: its workflow starts if the profile is its audience; during a pause the run waits for its end.

        That it is not leaves no explanation, unless `is_told`.
        """
        state = self._registry.state(person[0], event.workflow or "")
        if state is None or state.status not in (ACTIVE, PAUSED):
            return
        program = self._registry.program(state.site, state.workflow, state.version)
        audience = None if program is None else program.document.start.audience
        if audience is None or is_told or audience.evaluate(self._scope(person, event, {}, now)):
            self._consider(msgspec.structs.replace(state, status=ACTIVE), event, {}, now, person)
        self.close(person, event.id, event.name, now)

    def to_nobody(self, site: int, event: Event, now: int) -> None:
        """An event names a subscriber that is not there."""
        verdicts = [Verdict(state.workflow, state.version, "unknown_subscriber") for state in self._listening(site, event)]
        self._teller.unknown_subscriber(site, event.id, event.name, now, verdicts)

    def unknown(self, site: int, entry: str, name: str, now: int) -> None:
        """A change names a subscriber that is not there: whoever listens for the event that it would have brought may want to know."""
        verdicts = [Verdict(state.workflow, state.version, "unknown_subscriber") for state in self._registry.listening(site, name)]
        if verdicts:
            self._teller.unknown_subscriber(site, entry, name, now, verdicts)

    def note(self, notes: tuple[str, ...]) -> None:
        """What of the input was not done, and why: the next explanation says so."""
        self._teller.note(notes)

    def close(self, person: Person, event: str, name: str, now: int) -> None:
        """The input, or one of the events that it brought, is done: who has changed may have to leave; then book the explanation."""
        self._runs.leave_changed(now)
        self._teller.close(person[0], person[1], event, name, now)

    def _listening(self, site: int, event: Event) -> tuple[WorkflowState, ...]:
        if event.workflow is None:
            return self._registry.listening(site, event.name)
        state = self._registry.state(site, event.workflow)
        return () if state is None else (state,)

    # -- goals and receipts ------------------------------------------------------------------------------------------

    def _aiming(self, person: Person, now: int) -> list[Kept]:
        """The profile's runs whose goal may still be met now. The books may have others beside them, as the batch was cut."""
        return [kept for kept in self._ledger.aiming_of(person) if kept.run.goal_until is not None and kept.run.goal_until >= now]

    def _aim(self, kept: Kept, event: Event, data: dict[str, Scalar], now: int, person: Person) -> None:
        """The event may be what a run was for."""
        run, program = kept.run, self._runs.program(kept.run)
        if program is None:
            return
        reached = reach(program, run, event, data, now, self._runs.person(person, run.entry.device_token_hash))
        if reached is None:
            return
        if reached.run is not run:
            self._ledger.put_run(reached.run, held=kept.held)
        self._teller.verdict(Verdict(run.workflow, run.version, "goal", run.id, reached.rows))
        self._teller.run(run.id, (reached.reason,))
        for tally in reached.tallies:
            self._ledger.count(run.site, run.workflow, tally, now)

    def _receive(self, event: Event, data: dict[str, Scalar], now: int, person: Person) -> None:
        """The run that sent a push keeps what became of it, if a step or its goal may ask; whatever the receipt then does to the run."""
        kept = self._ledger.runs.get(str(data.get("run")))
        if kept is None or kept.run.profile != person[1]:
            return
        if kept.run.status != WAITING and (kept.run.goal_until is None or kept.run.goal_until < now):
            return
        program = self._runs.program(kept.run)
        after = kept.run if program is None else core.receive(program, kept.run, event, data)
        if after is not kept.run:
            self._ledger.put_run(after, held=kept.held)

    # -- runs in flight ----------------------------------------------------------------------------------------------

    def _leave(self, before: Kept, event: Event, data: dict[str, Scalar], now: int) -> None:
        kept = self._alive(before)
        if kept is None:
            return
        program = self._runs.program(kept.run)
        if program is not None and not program.exits_on(event.name):
            return
        done = self._runs.advance(kept, core.Leaving(event, data), now)
        if done.run.status != WAITING:
            self._teller.verdict(Verdict(done.run.workflow, done.run.version, done.run.status, done.run.id, done.rows))

    def _arrive(self, before: Kept, event: Event, data: dict[str, Scalar], now: int) -> None:
        kept = self._alive(before)
        program = None if kept is None else self._runs.program(kept.run)
        if kept is None or program is None:
            return
        run = kept.run
        place = program.places.get(run.step or "")
        if place is None or event.name not in place.awaits:
            return
        given = core.Arrived(event, data)
        if event.hops >= core.MOST_HOPS and _resumes(self._runs.foresee(kept, given, now)):
            self._teller.verdict(Verdict(run.workflow, run.version, "hop_limit", run.id, detail={"hops": event.hops}))
            return
        done = self._runs.advance(kept, given, now)
        if _resumes(done):
            self._teller.verdict(Verdict(run.workflow, run.version, "resumed", run.id))

    def _alive(self, before: Kept) -> Kept | None:
        """The run as it is now, if it has not ended."""
        kept = self._ledger.runs.get(before.run.id)
        return kept if kept is not None and kept.run.status == WAITING else None

    # -- starts ------------------------------------------------------------------------------------------------------

    def _scope(self, person: Person, event: Event, data: dict[str, Scalar], now: int) -> Scope:
        """What the conditions of a start see."""
        whom = self._runs.person(person, event.device_token_hash)
        return Scope(event=data, entry=data, now=now, profile=whom.profile, subscriber=whom.subscriber, timezone=whom.timezone)

    def _consider(self, state: WorkflowState, event: Event, data: dict[str, Scalar], now: int, person: Person) -> None:
        program = self._registry.program(state.site, state.workflow, state.version)
        if program is None:
            return
        scope = self._scope(person, event, data, now)
        in_flight = self._ledger.runs_of(person)
        running = [kept.run for kept in in_flight if kept.run.workflow == state.workflow]
        last_start = self._last_start(program, person)
        decision = consider(program, event, program.starts_on(event.name), scope, running, last_start, state.status)
        if decision.verdict.verdict != "started":
            self._teller.verdict(decision.verdict)
            return
        if len(in_flight) - len(decision.restart) >= MOST_RUNS:
            self._teller.verdict(Verdict(state.workflow, state.version, "too_many_runs", detail={"runs": len(in_flight)}))
            return
        if not is_broadcast(program.workflow):
            self._remember(program, decision.key, event, now, person)
        self._start(program, decision, event, now, person)

    def _remember(self, program: Program, key: str | None, event: Event, now: int, person: Person) -> None:
        site, profile = person
        memory = EntryMemory(site, program.workflow, profile, key or "", now, run_id(site, program.workflow, event.id, key))
        self._ledger.memory.put((site, program.workflow, profile, key or ""), memory)

    def _last_start(self, program: Program, person: Person) -> Callable[[str | None], int | None]:
        def find(key: str | None) -> int | None:
            if program.document.start.again.after == 0 or is_broadcast(program.workflow):
                return None  # it does not matter, and was not read
            memory = self._ledger.last_start((person[0], program.workflow, person[1], key or ""))
            return memory.started if memory else None

        return find

    def _start(self, program: Program, decision: Decision, event: Event, now: int, person: Person) -> None:
        site, profile = person
        for restarted in decision.restart:
            self._runs.stop(restarted, "restarted", now)
        id = run_id(site, program.workflow, event.id, decision.key)
        run = Run(id, site, program.workflow, program.version, profile, decision.key, event, now)
        self._teller.verdict(msgspec.structs.replace(decision.verdict, run=id))
        if program.document.settings.goal is not None:
            for kept in self._aiming(person, now)[: 1 - MOST_GOALS]:
                self._ledger.put_run(msgspec.structs.replace(kept.run, goal_until=None), held=kept.held)
        self._runs.advance(Kept(run), core.Begin(), now)


def _resumes(done: core.Transition) -> bool:
    """Whether the event was what the run waited for."""
    return any(reason.what == "resumed" for reason in done.reasons)
