"""Applies one input at a time to the books: the same in the live engine, a simulation and a replay. Reads no clock and no store."""

from collections.abc import Callable
from typing import Any

import msgspec

from clarion.clock import MINUTE
from clarion.domain import system_events
from clarion.domain.ids import caused_event_id, named_profile, run_id
from clarion.domain.records import Event, Scalar, Scope, Subscriber
from clarion.engine import history, identity
from clarion.engine.history import Teller
from clarion.engine.ledger import Kept, Ledger, Person
from clarion.engine.notices import about_push
from clarion.engine.registry import Registry
from clarion.engine.runs import Runs, unheard
from clarion.store.records.bodies import DeliveryOutcome, Receipt, RunChange, SubscriberPut
from clarion.store.records.runs import EntryMemory
from clarion.store.records.states import Directive, SiteState, WorkflowState
from clarion.workflow import advance as core
from clarion.workflow.goals import reach
from clarion.workflow.program import Program
from clarion.workflow.run import FAILED, WAITING, Run
from clarion.workflow.start import ARCHIVED, PAUSED, Decision, Verdict, consider

_encode = msgspec.json.Encoder().encode
_decode_data = msgspec.json.Decoder(dict[str, Scalar]).decode

MERGED = "merged"
"""Why a run ends whose profile became part of one that has the same run."""
MOST_RUNS = 1_000
"""Runs in flight that one profile may have: each of its events is offered to all of them."""
MOST_GOALS = 1_000
"""Runs of one profile whose goal may be open; past that, the oldest one's is given up."""

_NOTED = {"viewed": ("view_count", "last_view"), "clicked": ("click_count", "last_click")}
"""By receipt: where a subscriber keeps how often, and when last."""
TOUCHED_AFTER = MINUTE
"""An event says that its subscriber is active, but is noted only if that was not known of this time already."""


class Applier:
    """Applies inputs to a ledger. `on_due` hears of every timer that an input set."""

    def __init__(self, ledger: Ledger, registry: Registry, on_due: Callable[[Run], None], partitions: int = 1) -> None:
        self._ledger, self._registry = ledger, registry
        self._teller = Teller(ledger)
        self._runs = Runs(ledger, registry, self._teller, on_due, partitions)

    # -- inputs ------------------------------------------------------------------------------------------------------

    def plain(self, site: int, event: Event, now: int) -> str | None:
        """The key of an event's profile if the event changes nothing: the profile is known, and nothing listens or waits. Else None."""
        if event.workflow is not None or self._registry.listening(site, event.name):
            return None
        profile = None if event.profile_id is None else named_profile(event.profile_id)
        if event.device_token_hash is not None:
            subscriber = self._ledger.subscribers.get((site, event.device_token_hash))
            if subscriber is not None and event.cause is None and now - subscriber.last_active >= TOUCHED_AFTER:
                return None
            if profile is None and subscriber is not None:
                profile = subscriber.profile
        if profile is None:
            return None
        person = (site, profile)
        if self._ledger.profiles.get(person) is None or self._ledger.waiting.get(person) or self._ledger.aiming.get(person):
            return None
        return profile

    def event(self, site: int, event: Event, now: int) -> str:
        """An event from outside or from a run. Returns the key of the profile that it was applied to; empty for an unknown subscriber."""
        profile = self._target(site, event)
        if profile is None:
            self._teller.unknown_subscriber(site, event.id, event.name, now, self._unknown(site, event))
            return ""
        identity.ensure_profile(self._ledger, (site, profile), now)
        self._touch((site, profile), event, now)
        self._offer((site, profile), event, now)
        return profile

    def subscriber(self, site: int, put: SubscriberPut, entry: str, received: int, now: int) -> str:
        """A subscription was registered. Returns the key of its profile."""
        before = self._ledger.subscribers.get((site, put.device_token_hash))
        change = identity.register(self._ledger, site, put, entry, received, now, parallel=self._runs.is_parallel)
        person = (site, change.profile)
        if before is not None and before.profile != change.profile:  # whom it leaves has changed too
            self._runs.changed((site, before.profile))
            self._close((site, before.profile), entry, "subscriber", now)
        self._runs.changed(person)
        for run in change.merged:
            self._stop(run, MERGED, now)
            if (kept := self._ledger.runs.get(run)) is not None and kept.run.goal_until is not None:  # the one that stays has the goal
                self._ledger.put_run(msgspec.structs.replace(kept.run, goal_until=None))
        for event in change.events:
            self._offer(person, event, now)
        for ordinal, segment in enumerate(change.segments):
            id, data = caused_event_id(entry, system_events.SEGMENT_ADDED, ordinal), _encode({"segment": segment})
            self._runs.emit(site, Event(id, system_events.SEGMENT_ADDED, None, put.profile_id, msgspec.Raw(data), received=now))
        self._close(person, entry, "subscriber", now)
        return change.profile

    def outcome(self, site: int, outcome: DeliveryOutcome, entry: str, received: int, now: int) -> str:
        """A delivery ended. Returns the key of the profile that it was for."""
        name = outcome.outcome if outcome.outcome in ("sent", "stale") else "failed"
        self._runs.count(site, outcome.workflow, outcome.version, outcome.step, name, now)
        if outcome.kind != "push":
            return self._result(site, outcome, entry, now)
        if outcome.subscriber is None or outcome.outcome == "stale":
            return outcome.profile
        subscriber = self._ledger.subscribers.get((site, outcome.subscriber))
        if subscriber is None:
            return outcome.profile
        person = (site, subscriber.profile)
        if name == "sent":
            subscriber = self._note_on(site, subscriber, "sent_count", "last_sent", now)
        self._offer_notice(person, about_push(outcome, subscriber.device_token_hash, entry, received), now)
        if outcome.outcome == "gone":
            removed = identity.remove(self._ledger, site, outcome.subscriber, entry, received, outcome.hops)
            if removed is not None:
                self._runs.changed(person)
                for told in removed.events:
                    self._offer(person, told, now)
        self._close(person, entry, "outcome", now)
        return subscriber.profile

    def receipt(self, site: int, receipt: Receipt, entry: str, received: int, now: int) -> str:
        """A notification was viewed, clicked or closed. Returns the key of the profile that it was for."""
        self._runs.count(site, receipt.workflow, receipt.version, receipt.step, receipt.event, now)
        subscriber = self._ledger.subscribers.get((site, receipt.subscriber))
        if subscriber is None:
            return receipt.profile
        person = (site, subscriber.profile)
        if receipt.event in _NOTED:
            subscriber = self._note_on(site, subscriber, *_NOTED[receipt.event], now)
        self._offer_notice(person, about_push(receipt, subscriber.device_token_hash, entry, received), now)
        self._close(person, entry, "receipt", now)
        return subscriber.profile

    def operator(self, site: int, change: RunChange, entry: str, now: int) -> str:
        """An operator stops, retries, moves or re-arms a run. Returns the key of its profile; empty if there is no such run."""
        kept = self._ledger.runs.get(change.run)
        if kept is None or kept.run.site != site:
            return ""
        run = kept.run
        match change.change:
            case "stop":
                self._runs.advance(kept, core.Stop(change.reason or "stopped"), now)
            case "retry":
                self._retry(kept, now)
            case "move":
                self._move(kept, change, now)
            case "rearm":
                self._runs.rearm(kept, now)
            case _:
                raise ValueError(f"unknown change {change.change!r} of a run")
        self._close((site, run.profile), entry, history.OPERATOR, now)
        return run.profile

    def workflow(self, state: WorkflowState) -> None:
        """A workflow was published, paused, resumed, drained or archived."""
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
        stale = state is not None and kept.run.due < state.stale_before
        self._runs.advance(kept, core.Due(stale), now)
        self._close((kept.run.site, kept.run.profile), kept.run.id, history.TIMER, now)

    def behind(self, run: str) -> Directive | None:
        """The first publish, or end, of its workflow that a run has not heard of; None: there is none."""
        kept = self._ledger.runs.get(run)
        return None if kept is None else unheard(self._registry, kept.run)

    def hear(self, run: str) -> None:
        """Let a run hear of the first publish, or end, of its workflow that it has not heard of."""
        kept = self._ledger.runs.get(run)
        directive = None if kept is None else unheard(self._registry, kept.run)
        if kept is not None and directive is not None:
            self._runs.hear(kept, directive)
            self._close((kept.run.site, kept.run.profile), run, history.WORKFLOW, directive.at)

    def give_up(self, run: str, reason: str, now: int) -> None:
        """A run cannot be taken on: it fails."""
        kept = self._ledger.runs.get(run)
        if kept is not None and kept.run.status == WAITING:
            self._runs.fail(kept, reason, now)
            self._close((kept.run.site, kept.run.profile), run, history.WORKFLOW, now)

    def forget(self) -> None:
        """Drop what was gathered of an input; after one that failed."""
        self._teller.forget()
        self._runs.forget()

    # -- events ------------------------------------------------------------------------------------------------------

    def _shows_active(self, site: int, event: Event, now: int) -> Subscriber | None:
        """The subscriber that an event from outside names, if it was not known to be active lately."""
        if event.device_token_hash is None or event.cause is not None:
            return None
        subscriber = self._ledger.subscribers.get((site, event.device_token_hash))
        return None if subscriber is None or now - subscriber.last_active < TOUCHED_AFTER else subscriber

    def _touch(self, person: Person, event: Event, now: int) -> None:
        """Note that a subscriber is active: it may now be the one that its profile's runs look at."""
        subscriber = self._shows_active(person[0], event, now)
        if subscriber is None:
            return
        whose = (person[0], subscriber.profile)
        before = self._ledger.subscribers_of(whose)
        self._ledger.put_subscriber(person[0], msgspec.structs.replace(subscriber, last_active=now))
        if [one.device_token_hash for one in before[:1]] not in ([], [subscriber.device_token_hash]):
            self._runs.changed(whose)
        if whose != person:
            self._close(whose, event.id, event.name, now)

    def _target(self, site: int, event: Event) -> str | None:
        if event.profile_id is not None:
            return named_profile(event.profile_id)
        subscriber = self._ledger.subscribers.get((site, event.device_token_hash or ""))
        return None if subscriber is None else subscriber.profile

    def _unknown(self, site: int, event: Event) -> list[Verdict]:
        return [Verdict(state.workflow, state.version, "unknown_subscriber") for state in self._listening(site, event)]

    def _listening(self, site: int, event: Event) -> tuple[WorkflowState, ...]:
        if event.workflow is None:
            return self._registry.listening(site, event.name)
        state = self._registry.state(site, event.workflow)
        return () if state is None else (state,)

    def _offer(self, person: Person, event: Event, now: int) -> None:
        """Offer an event once, to what existed before it: goals, exit rules, `wait_for` steps, workflow starts (semantics §5)."""
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
        self._close(person, event.id, event.name, now)

    def _offer_notice(self, person: Person, event: Event, now: int) -> None:
        """Offer an event about a push; also to the run that sent it, if its subscriber has come to another profile since."""
        self._offer(person, event, now)
        if event.cause is None or (kept := self._ledger.runs.get(event.cause)) is None:
            return
        sender = (kept.run.site, kept.run.profile)
        if sender[0] != person[0] or sender == person:
            return
        data = _decode_data(event.data)
        self._receive(event, data, now, sender)
        self._arrive(kept, event, data, now)
        self._close(sender, event.id, event.name, now)

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

    def _consider(self, state: WorkflowState, event: Event, data: dict[str, Scalar], now: int, person: Person) -> None:
        program = self._registry.program(state.site, state.workflow, state.version)
        if program is None:
            return
        whom = self._runs.person(person, event.device_token_hash)
        scope = Scope(event=data, entry=data, now=now, profile=whom.profile, subscriber=whom.subscriber, timezone=whom.timezone)
        in_flight = self._ledger.runs_of(person)
        running = [kept.run for kept in in_flight if kept.run.workflow == state.workflow]
        decision = consider(program, event, program.starts_on(event.name), scope, running, self._last_start(program, person), state.status)
        if decision.verdict.verdict != "started":
            self._teller.verdict(decision.verdict)
            return
        if len(in_flight) - len(decision.restart) >= MOST_RUNS:
            self._teller.verdict(Verdict(state.workflow, state.version, "too_many_runs", detail={"runs": len(in_flight)}))
            return
        self._start(program, decision, event, now, person)

    def _last_start(self, program: Program, person: Person) -> Callable[[str | None], int | None]:
        def find(key: str | None) -> int | None:
            if program.document.start.again.after == 0:
                return None  # it does not matter, and was not read
            memory = self._ledger.last_start((person[0], program.workflow, person[1], key or ""))
            return memory.started if memory else None

        return find

    def _start(self, program: Program, decision: Decision, event: Event, now: int, person: Person) -> None:
        site, profile = person
        for restarted in decision.restart:
            self._stop(restarted, "restarted", now)
        id = run_id(site, program.workflow, event.id, decision.key)
        run = Run(id, site, program.workflow, program.version, profile, decision.key, event, now)
        memory = EntryMemory(site, program.workflow, profile, decision.key or "", now, id)
        self._ledger.memory.put((site, program.workflow, profile, decision.key or ""), memory)
        self._teller.verdict(msgspec.structs.replace(decision.verdict, run=id))
        if program.document.settings.goal is not None:
            for kept in self._aiming(person, now)[: 1 - MOST_GOALS]:
                self._ledger.put_run(msgspec.structs.replace(kept.run, goal_until=None), held=kept.held)
        self._runs.advance(Kept(run), core.Begin(), now)

    # -- runs --------------------------------------------------------------------------------------------------------

    def _stop(self, run: str, reason: str, now: int) -> None:
        kept = self._ledger.runs.get(run)
        if kept is not None:
            self._runs.advance(kept, core.Stop(reason), now)

    def _retry(self, kept: Kept, now: int) -> None:
        """An operator lets a failed run try again: not of an archived workflow, and not beside one that has taken its place."""
        run = kept.run
        state = self._registry.state(run.site, run.workflow)
        beside = [
            other.run
            for other in self._ledger.runs_of((run.site, run.profile))
            if (other.run.workflow, other.run.key) == (run.workflow, run.key)
        ]
        if state is None or state.status == ARCHIVED:
            self._teller.verdict(Verdict(run.workflow, run.version, ARCHIVED, run.id))
        elif run.status == FAILED and beside and not self._runs.is_parallel(run):
            self._teller.verdict(Verdict(run.workflow, run.version, "already_running", beside[0].id))
        else:
            self._runs.advance(kept, core.Retry(), now)

    def _move(self, kept: Kept, change: RunChange, now: int) -> None:
        """An operator sends a run to the current version, or to another step in it."""
        state = self._registry.state(kept.run.site, kept.run.workflow)
        program = None if state is None else self._registry.program(state.site, state.workflow, state.version)
        if program is not None:
            self._runs.advance(kept, core.Switch(change.step), now, program=program)

    def _result(self, site: int, outcome: DeliveryOutcome, entry: str, now: int) -> str:
        """A request ended; a run may wait for it."""
        kept = None if outcome.response is None else self._ledger.runs.get(outcome.run)
        if kept is None:
            return outcome.profile
        if kept.run.status == WAITING and kept.run.step == outcome.step:
            output: dict[str, Any] = {"outcome": outcome.outcome, "response": outcome.response or {}}
            if outcome.status is not None:
                output["status"] = outcome.status
            self._runs.advance(kept, core.Resulted(outcome.effect, output), now)
            self._close((site, kept.run.profile), entry, "outcome", now)
        return kept.run.profile

    def _note_on(self, site: int, subscriber: Subscriber, counter: str, last: str, now: int) -> Subscriber:
        """Keep on a subscriber how often, and when last, something happened to its notifications."""
        known = subscriber.facts.get(counter)
        count = known + 1 if isinstance(known, int) else 1
        after = msgspec.structs.replace(subscriber, facts={**subscriber.facts, counter: count, last: now})
        if counter != "sent_count":
            after = msgspec.structs.replace(after, last_active=now)
        self._ledger.put_subscriber(site, after)
        self._runs.changed((site, after.profile))
        return after

    def _close(self, person: Person, event: str, name: str, now: int) -> None:
        """The input, or one of the events that it brought, is done: who has changed may have to leave; then book the explanation."""
        self._runs.leave_changed(now)
        self._teller.close(person[0], person[1], event, name, now)


def _resumes(done: core.Transition) -> bool:
    """Whether the event was what the run waited for."""
    return any(reason.what == "resumed" for reason in done.reasons)
