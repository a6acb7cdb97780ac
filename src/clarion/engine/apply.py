"""Applies one input at a time to the books: the same in the live engine, a simulation and a replay. Reads no clock and no store."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from clarion.domain.ids import caused_event_id, named_profile, run_id
from clarion.domain.records import Event, Scalar, Scope, Subscriber
from clarion.engine import identity
from clarion.engine.fanout import deliveries
from clarion.engine.ledger import Kept, Ledger, Person
from clarion.engine.registry import PAUSED, Registry
from clarion.store.records import DeliveryOutcome, EntryMemory, Explanation, SiteState, SubscriberPut, WorkflowState
from clarion.workflow import advance as core
from clarion.workflow.effects import Effect, PushEffect
from clarion.workflow.program import Program
from clarion.workflow.run import WAITING, Reason, Run
from clarion.workflow.start import Decision, Verdict, consider

SENT = "PushEngage.Notification.Sent"
FAILED = "PushEngage.Notification.Failed"

_encode = msgspec.json.Encoder().encode
_decode_data = msgspec.json.Decoder(dict[str, Scalar]).decode


MOST_RUNS = 1_000
"""Runs in flight that one profile may have: each of its events is offered to all of them."""
MOST_TOLD = 100
"""Runs, and verdicts, that one explanation has at most."""


class History(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of an explanation: what one input meant to each workflow that it concerned, and what runs did."""

    name: str
    """Name of the event; `timer` for a timer."""
    verdicts: tuple[Verdict, ...] = ()
    runs: tuple[tuple[str, tuple[Reason, ...]], ...] = ()
    """(run id, what it did)."""
    unknown_subscriber: bool = False
    more: int = 0
    """How many runs and verdicts are left out."""


class Applier:
    """Applies inputs to a ledger. `on_due` hears of every timer that an input set."""

    def __init__(self, ledger: Ledger, registry: Registry, on_due: Callable[[Run], None]) -> None:
        self._ledger, self._registry, self._on_due = ledger, registry, on_due
        self._verdicts: list[Verdict] = []
        self._runs: list[tuple[str, tuple[Reason, ...]]] = []

    # -- inputs ------------------------------------------------------------------------------------------------------

    def plain(self, site: int, event: Event) -> str | None:
        """The key of an event's profile if the event changes nothing: the profile is known, and nothing listens or waits. Else None."""
        if self._registry.listening(site, event.name):
            return None
        profile = self._target(site, event)
        if profile is None:
            return None
        person = (site, profile)
        return None if self._ledger.profiles.get(person) is None or self._ledger.waiting.get(person) else profile

    def event(self, site: int, event: Event, now: int) -> str:
        """An event from outside or from a run. Returns the key of the profile that it was applied to; empty for an unknown subscriber."""
        profile = self._target(site, event)
        if profile is None:
            self._explain(site, "", event.id, now, History(event.name, tuple(self._unknown(site, event)), unknown_subscriber=True))
            return ""
        identity.ensure_profile(self._ledger, (site, profile), now)
        self._offer((site, profile), event, now)
        return profile

    def subscriber(self, site: int, put: SubscriberPut, entry: str, received: int, now: int) -> str:
        """A subscription was registered. Returns the key of its profile."""
        change = identity.register(self._ledger, site, put, entry, received, now, parallel=self._is_parallel)
        self._runs.extend((run, (reason,)) for run, reason in change.merged)
        for event in change.events:
            self._offer((site, change.profile), event, now)
        return change.profile

    def outcome(self, site: int, outcome: DeliveryOutcome, entry: str, received: int, now: int) -> str:
        """A delivery ended. Returns the key of the profile that it was for."""
        if outcome.kind != "push" or outcome.subscriber is None or outcome.outcome == "stale":
            return outcome.profile
        subscriber = self._ledger.subscribers.get((site, outcome.subscriber))
        if subscriber is None:
            return outcome.profile
        person = (site, subscriber.profile)
        name = SENT if outcome.outcome == "sent" else FAILED
        self._offer(person, self._notification(name, outcome, subscriber, entry, received), now)
        if outcome.outcome == "gone":
            removed = identity.remove(self._ledger, site, outcome.subscriber, entry, received, outcome.hops)
            for event in removed.events if removed else ():
                self._offer(person, event, now)
        return subscriber.profile

    def workflow(self, state: WorkflowState) -> None:
        """A workflow was published, paused or resumed."""
        self._ledger.workflows.put((state.site, state.workflow), state)
        self._registry.put(state)

    def site(self, state: SiteState) -> None:
        """A site was made, or its settings changed."""
        self._ledger.sites.put(state.site, state)
        self._registry.put_site(state)

    def timer(self, run: str, now: int) -> None:
        """A run's timer is due."""
        kept = self._ledger.runs.get(run)
        if kept is None or kept.run.status != WAITING or kept.run.due is None or kept.run.due > now:
            return
        state = self._registry.state(kept.run.site, kept.run.workflow)
        if state is not None and state.status == PAUSED:
            self._ledger.put_run(kept.run, held=True)
            return
        person = (kept.run.site, kept.run.profile)
        stale = state is not None and kept.run.due < state.stale_before
        self._advance(kept.run, core.Due(), now, person, stale=stale)
        self._close(kept.run.site, kept.run.profile, kept.run.id, "timer", now)

    # -- events ------------------------------------------------------------------------------------------------------

    def _target(self, site: int, event: Event) -> str | None:
        if event.profile_id is not None:
            return named_profile(event.profile_id)
        subscriber = self._ledger.subscribers.get((site, event.device_token_hash or ""))
        return None if subscriber is None else subscriber.profile

    def _unknown(self, site: int, event: Event) -> list[Verdict]:
        return [Verdict(state.workflow, state.version, "unknown_subscriber") for state in self._registry.listening(site, event.name)]

    def _offer(self, person: Person, event: Event, now: int) -> None:
        """Offer an event once, to what existed before it: exit rules, then workflow starts (semantics §5)."""
        running = self._ledger.runs_of(person)
        listening = self._registry.listening(person[0], event.name)
        if not running and not listening:
            return
        data = _decode_data(event.data)
        for kept in running:
            self._arrive(kept, event, data, now, person)
        for state in listening:
            self._consider(state, event, data, now, person)
        self._close(person[0], person[1], event.id, event.name, now)

    def _arrive(self, kept: Kept, event: Event, data: dict[str, Scalar], now: int, person: Person) -> None:
        run = kept.run
        program = self._program(run)
        if program is not None and not program.exits_on(event.name):
            return
        after = self._advance(run, core.Arrived(event, data), now, person, held=kept.held)
        if after.status != WAITING:
            self._verdicts.append(Verdict(run.workflow, run.version, after.status, run.id))

    def _consider(self, state: WorkflowState, event: Event, data: dict[str, Scalar], now: int, person: Person) -> None:
        program = self._registry.program(state.site, state.workflow, state.version)
        if program is None:
            return
        whom = self._person(person, event.device_token_hash)
        scope = Scope(event=data, entry=data, now=now, profile=whom.profile, subscriber=whom.subscriber, timezone=whom.timezone)
        in_flight = self._ledger.runs_of(person)
        if len(in_flight) >= MOST_RUNS:
            self._verdicts.append(Verdict(state.workflow, state.version, "too_many_runs", detail={"runs": len(in_flight)}))
            return
        running = [kept.run for kept in in_flight if kept.run.workflow == state.workflow]
        decision = consider(
            program, event, program.starts_on(event.name), scope, running, self._last_start(state, person), state.status == PAUSED
        )
        if decision.verdict.verdict != "started":
            self._verdicts.append(decision.verdict)
            return
        self._start(program, decision, event, now, person)

    def _last_start(self, state: WorkflowState, person: Person) -> Callable[[str | None], int | None]:
        def find(key: str | None) -> int | None:
            memory = self._ledger.memory.get((state.site, state.workflow, person[1], key or ""))
            return memory.started if memory else None

        return find

    def _start(self, program: Program, decision: Decision, event: Event, now: int, person: Person) -> None:
        site, profile = person
        for restarted in decision.restart:
            kept = self._ledger.runs.get(restarted)
            if kept is not None:
                self._advance(kept.run, core.Stop("restarted"), now, person)
        id = run_id(site, program.workflow, event.id, decision.key)
        run = Run(id, site, program.workflow, program.version, profile, decision.key, event, now)
        memory = EntryMemory(site, program.workflow, profile, decision.key or "", now, id)
        self._ledger.memory.put((site, program.workflow, profile, decision.key or ""), memory)
        self._verdicts.append(msgspec.structs.replace(decision.verdict, run=id))
        self._advance(run, core.Begin(), now, person)

    # -- runs --------------------------------------------------------------------------------------------------------

    def _advance(self, run: Run, given: core.Input, now: int, person: Person, *, held: bool = False, stale: bool = False) -> Run:
        """Let the core take the run on, and book what came of it; `stale` pushes are not sent."""
        program = self._program(run)
        if program is None:
            done = core.fail(run, now, f"version {run.version} is not valid in this version of Clarion")
        else:
            done = core.advance(program, run, given, now, self._person(person, run.entry.device_token_hash))
        after = done.run
        undelivered = {effect.step: tuple(self._deliver(effect, after, now, person, stale=stale)) for effect in done.effects}
        reasons = [told for reason in done.reasons for told in (reason, *undelivered.pop(reason.step or "", ()))]
        if after is not run or isinstance(given, core.Begin):
            self._ledger.put_run(after, held=held and after.status == WAITING)
            if after.due is not None and not held:
                self._on_due(after)
        if reasons:
            self._runs.append((after.id, tuple(reasons)))
        return after

    def _deliver(self, effect: Effect, run: Run, now: int, person: Person, *, stale: bool) -> Iterator[Reason]:
        """Book an effect's deliveries; says where there are none."""
        if stale and isinstance(effect, PushEffect):
            yield Reason(now, "stale", effect.step)
            return
        going = deliveries(effect, run, self._ledger.subscribers_of(person), now)
        if not going:
            yield Reason(now, "no_subscriber", effect.step)
        self._ledger.deliveries.extend(going)

    def _program(self, run: Run) -> Program | None:
        return self._registry.program(run.site, run.workflow, run.version)

    def _is_parallel(self, run: Run) -> bool:
        program = self._program(run)
        return program is not None and program.document.start.while_running == "parallel"

    def _person(self, person: Person, device: str | None) -> core.Person:
        """The profile, and the subscriber that the entry event named, else the most recently active one."""
        profile = self._ledger.profiles.get(person)
        if profile is None:
            raise LookupError(f"profile {person[1]} is not in the books")
        named = self._ledger.subscribers.get((person[0], device)) if device else None
        if named is None or named.profile != person[1]:
            active = self._ledger.subscribers_of(person)
            named = active[0] if active else None
        return core.Person(profile, named, self._registry.timezone(person[0]))

    # -- explanations ------------------------------------------------------------------------------------------------

    def _close(self, site: int, profile: str, event: str, name: str, now: int) -> None:
        """Book the explanation of what was offered."""
        if self._verdicts or self._runs:
            more = max(0, len(self._verdicts) - MOST_TOLD) + max(0, len(self._runs) - MOST_TOLD)
            told = History(name, tuple(self._verdicts[:MOST_TOLD]), tuple(self._runs[:MOST_TOLD]), more=more)
            self._explain(site, profile, event, now, told)
        self.forget()

    def forget(self) -> None:
        """Drop what was gathered for an explanation; after an input that failed."""
        self._verdicts, self._runs = [], []

    def _explain(self, site: int, profile: str, event: str, now: int, history: History) -> None:
        self._ledger.explanations.append(Explanation(site, profile, event, now, msgspec.Raw(_encode(history))))

    @staticmethod
    def _notification(name: str, outcome: DeliveryOutcome, subscriber: Subscriber, entry: str, received: int) -> Event:
        data: dict[str, Any] = {
            "workflow": outcome.workflow,
            "step": outcome.step,
            "run": outcome.run,
            "delivery": outcome.delivery,
            "device_token_hash": subscriber.device_token_hash,
        }
        if outcome.reason is not None:
            data["reason"] = outcome.reason
        return Event(
            caused_event_id(entry, name, 0),
            name,
            subscriber.device_token_hash,
            data=msgspec.Raw(_encode(data)),
            received=received,
            hops=outcome.hops,
            cause=outcome.run,
        )
