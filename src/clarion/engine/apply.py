"""Applies one input at a time to the books: the same in the live engine, a simulation and a replay. Reads no clock and no store."""

from collections.abc import Callable

from clarion.domain.ids import named_profile
from clarion.domain.records import Event
from clarion.engine import history, identity
from clarion.engine.history import Teller
from clarion.engine.homes import ALONE, Homes
from clarion.engine.inputs import Passed
from clarion.engine.ledger import Kept, Ledger
from clarion.engine.messages import Messages
from clarion.engine.offering import Offering
from clarion.engine.registry import Registry
from clarion.engine.reports import Reports
from clarion.engine.runs import Runs, unheard
from clarion.engine.subscribers import Subscribers
from clarion.store.records.bodies import DeliveryOutcome, Joined, Left, Receipt, RunChange, Seen, SubscriberPut
from clarion.store.records.entries import EntryKind
from clarion.store.records.states import Directive, SiteState, WorkflowState
from clarion.workflow import advance as core
from clarion.workflow.run import FAILED, WAITING, Run
from clarion.workflow.start import ARCHIVED, PAUSED, Verdict


class Applier:
    """Applies inputs to a ledger. `on_due` hears of every timer that an input set."""

    def __init__(self, ledger: Ledger, registry: Registry, on_due: Callable[[Run], None], homes: Homes = ALONE) -> None:
        self._ledger, self._registry, self._homes = ledger, registry, homes
        self._teller = Teller(ledger)
        self._messages = Messages(ledger, homes)
        self._runs = Runs(ledger, registry, self._teller, on_due, homes.partitions)
        self._offering = Offering(ledger, registry, self._teller, self._runs)
        self._subscribers = Subscribers(ledger, registry, self._runs, self._offering, homes, self._messages)
        self._reports = Reports(ledger, self._runs, self._offering, self._subscribers, homes, self._messages)

    # -- events ------------------------------------------------------------------------------------------------------

    def plain(self, site: int, event: Event, now: int) -> str | None:
        """The key of an event's profile if the event changes nothing: the profile is known, and nothing listens or waits. Else None."""
        profile = None if event.profile_id is None else named_profile(event.profile_id)
        if event.device_token_hash is not None:
            if self._subscribers.shows_active(site, event, now):
                return None
            subscriber = self._ledger.subscribers.get((site, event.device_token_hash))
            if profile is None and subscriber is not None:
                profile = subscriber.profile
        return profile if profile is not None and self._is_idle(site, profile, event) else None

    def plain_passed(self, site: int, passed: Passed) -> str | None:
        """The same of an event that was passed on: there is also nothing new in what its subscriber's home says."""
        given = passed.head.subscriber
        if not isinstance(passed.body, Event) or (given is not None and not self._subscribers.is_copy(site, given)):
            return None
        return passed.head.profile if self._is_idle(site, passed.head.profile, passed.body) else None

    def _is_idle(self, site: int, profile: str, event: Event) -> bool:
        """Whether a profile is known here, and nothing listens or waits for its event."""
        person = (site, profile)
        if event.workflow is not None or self._registry.listening(site, event.name):
            return False
        return self._ledger.profiles.get(person) is not None and not (self._ledger.waiting.get(person) or self._ledger.aiming.get(person))

    def event(self, site: int, event: Event, now: int) -> str:
        """An event from outside or from a run. Returns the key of the profile that it is for, here or elsewhere; empty: it is not known."""
        profile = self._target(site, event)
        if profile is None:
            self._offering.to_nobody(site, event, now)
            return ""
        if not self._homes.has_profile(site, profile):
            subscriber = self._subscribers.at_home(site, event, now)
            self._messages.forward(site, EntryKind.EVENT, event.id, event, event.received, profile, subscriber)
            return profile
        identity.ensure_profile(self._ledger, (site, profile), now)
        self._subscribers.touch((site, profile), event, now)
        self._offering.offer((site, profile), event, now)
        return profile

    def _target(self, site: int, event: Event) -> str | None:
        if event.profile_id is not None:
            return named_profile(event.profile_id)
        subscriber = self._ledger.subscribers.get((site, event.device_token_hash or ""))
        return None if subscriber is None else subscriber.profile

    # -- subscribers and deliveries ----------------------------------------------------------------------------------

    def subscriber(self, site: int, put: SubscriberPut, entry: str, received: int, now: int) -> str:
        """A subscription was registered. Returns the key of its profile."""
        return self._subscribers.register(site, put, entry, received, now)

    def outcome(self, site: int, outcome: DeliveryOutcome, entry: str, received: int, now: int) -> str:
        """A delivery ended. Returns the key of the profile that it was for."""
        return self._reports.outcome(site, outcome, entry, received, now)

    def receipt(self, site: int, receipt: Receipt, entry: str, received: int, now: int) -> str:
        """A notification was viewed, clicked or closed. Returns the key of the profile that it was for."""
        return self._reports.receipt(site, receipt, entry, received, now)

    # -- messages ----------------------------------------------------------------------------------------------------

    def message(self, site: int, message: Passed | Joined | Left | Seen, received: int, now: int) -> str:
        """Something came from another partition. Returns the key of the profile that it is for; empty: it is not known."""
        match message:
            case Passed():
                return self._passed(site, message, now)
            case Joined():
                return self._subscribers.joined(site, message, now)
            case Left():
                return self._subscribers.left(site, message, now)
            case Seen():
                return self._subscribers.seen(site, message, received, now)

    def _passed(self, site: int, passed: Passed, now: int) -> str:
        """An entry came to another partition and is for a profile, or a run, of this one."""
        head = passed.head
        match passed.body:
            case Event() as event:
                person = (site, head.profile)
                identity.ensure_profile(self._ledger, person, now)
                if head.subscriber is not None:
                    self._subscribers.put_copy(site, head.subscriber)
                self._offering.offer(person, event, now)
            case DeliveryOutcome() | Receipt() as report:
                return self._reports.passed(site, head, report, now)
            case RunChange() as change:
                self.operator(site, change, head.entry, head.received, now)
            case Seen() as seen:
                if head.subscriber is not None:
                    self._subscribers.seen_elsewhere(site, head.subscriber, seen, now)
        return head.profile

    # -- operators and workflows -------------------------------------------------------------------------------------

    def operator(self, site: int, change: RunChange, entry: str, received: int, now: int) -> str:
        """An operator stops, retries, moves or re-arms a run. Returns the key of its profile; empty if there is no such run."""
        kept = self._ledger.runs.get(change.run)
        if kept is None or kept.run.site != site:
            return self._pass_on(site, change, entry, received)
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
        self._offering.close((site, run.profile), entry, history.OPERATOR, now)
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
        self._offering.close((kept.run.site, kept.run.profile), kept.run.id, history.TIMER, now)

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
            self._offering.close((kept.run.site, kept.run.profile), run, history.WORKFLOW, directive.at)

    def give_up(self, run: str, reason: str, now: int) -> None:
        """A run cannot be taken on: it fails."""
        kept = self._ledger.runs.get(run)
        if kept is not None and kept.run.status == WAITING:
            self._runs.fail(kept, reason, now)
            self._offering.close((kept.run.site, kept.run.profile), run, history.WORKFLOW, now)

    def forget(self) -> None:
        """Drop what was gathered of an input; after one that failed."""
        self._teller.forget()
        self._runs.forget()

    # -- runs --------------------------------------------------------------------------------------------------------

    def _pass_on(self, site: int, change: RunChange, entry: str, received: int) -> str:
        """The run may have gone with its profile to where that has become part of another."""
        left = self._ledger.profiles.get((site, change.profile))
        if left is None or left.merged is None or self._homes.has_profile(site, left.merged):
            return ""
        self._messages.forward(site, EntryKind.RUN, entry, change, received, left.merged)
        return left.merged

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
