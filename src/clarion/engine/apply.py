"""Applies one input at a time to the books: the same in the live engine, a simulation and a replay. Reads no clock and no store."""

from collections.abc import Callable

import msgspec

from clarion.domain.ids import digest, named_profile
from clarion.domain.records import Event
from clarion.domain.system_events import LISTENABLE
from clarion.engine import history, identity
from clarion.engine.devices import Devices
from clarion.engine.erasing import Erasing
from clarion.engine.history import Teller
from clarion.engine.homes import ALONE, Homes
from clarion.engine.inputs import Passed
from clarion.engine.ledger import Kept, Ledger, Person
from clarion.engine.mergers import Mergers
from clarion.engine.messages import Messages
from clarion.engine.offering import Offering
from clarion.engine.profiles import Profiles
from clarion.engine.registry import Registry
from clarion.engine.reports import Reports
from clarion.engine.runs import Runs, unheard
from clarion.engine.segments import Segments
from clarion.engine.subscribers import Subscribers
from clarion.engine.sweeps import Underway
from clarion.engine.tombstones import Tombstones
from clarion.engine.turns import Turns
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
    SubscriberChange,
    SubscriberPut,
)
from clarion.store.records.entries import EntryKind
from clarion.store.records.states import Directive, SiteState, Sweep, WorkflowState
from clarion.workflow import advance as core
from clarion.workflow.run import FAILED, WAITING, Run
from clarion.workflow.start import ARCHIVED, PAUSED, Verdict


class Applier:
    """Applies inputs to a ledger. `on_due` hears of every timer of a run that an input set, `on_recheck` of those of profiles.

    Behind each input comes `settle`.
    """

    def __init__(
        self,
        ledger: Ledger,
        registry: Registry,
        on_due: Callable[[Run], None],
        homes: Homes = ALONE,
        on_recheck: Callable[[Person, int], None] = lambda _, __: None,
    ) -> None:
        self._ledger, self._registry, self._homes = ledger, registry, homes
        self._teller = Teller(ledger)
        self._messages = Messages(ledger, homes)
        self._segments = Segments(ledger, registry, on_recheck, homes.partitions)
        self._runs = Runs(ledger, registry, self._teller, on_due, homes.partitions, self._segments)
        self._offering = Offering(ledger, registry, self._teller, self._runs)
        self._mergers = Mergers(ledger, registry, self._runs, self._offering, homes, self._messages)
        self._subscribers = Subscribers(ledger, registry, self._runs, self._offering, homes, self._messages, self._mergers)
        self._devices = Devices(ledger, self._runs, self._offering, homes, self._messages, self._mergers, self._subscribers)
        self._profiles = Profiles(ledger, registry, self._runs, self._offering, homes, self._messages, self._mergers)
        self._tombstones = Tombstones(ledger)
        self._erasing = Erasing(ledger, self._runs, self._offering, homes, self._messages, self._tombstones)
        self._turns = Turns(ledger, registry, self._runs, self._offering, self._segments, homes)
        self._reports = Reports(ledger, self._runs, self._offering, self._subscribers, homes, self._messages, self._mergers)

    # -- events ------------------------------------------------------------------------------------------------------

    def plain(self, site: int, event: Event, now: int) -> str | None:
        """The key of an event's profile if the event changes nothing: the profile is known, and nothing listens or waits. Else None."""
        profile = event.profile if event.profile_id is None else named_profile(event.profile_id)
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
        is_idle = self._is_idle(site, passed.head.profile, passed.body) and not self._tombstones.bar(site, passed)
        return passed.head.profile if is_idle else None

    def _is_idle(self, site: int, profile: str, event: Event) -> bool:
        """Whether a profile is known here, and nothing listens or waits for its event."""
        person = (site, profile)
        if event.workflow is not None or self._registry.listening(site, event.name):
            return False
        known = self._ledger.profiles.get(person)
        if known is None or known.merged is not None:
            return False
        return not (self._ledger.waiting.get(person) or self._ledger.aiming.get(person))

    def event(self, site: int, event: Event, now: int) -> str:
        """An event from outside or from a run. Returns the key of the profile that it is for, here or elsewhere; empty: it is not known."""
        profile = self._target(site, event)
        if profile is None:
            self._offering.to_nobody(site, event, now)
            return ""
        has_moved = self._hear_of_merge(site, event, profile)
        if not self._homes.has_profile(site, profile):
            subscriber = self._subscribers.at_home(site, event, now)
            if has_moved:
                subscriber = None  # its home does not know yet whose it is
            self._messages.forward(site, EntryKind.EVENT, event.id, event, event.received, profile, subscriber)
            return profile
        if self._is_erased(site, event, profile):
            return ""
        identity.ensure_profile(self._ledger, (site, profile), now)
        self._subscribers.touch((site, profile), event, now)
        self._offering.offer((site, profile), event, now)
        return profile

    def _target(self, site: int, event: Event) -> str | None:
        if event.profile_id is not None:
            return named_profile(event.profile_id)
        if event.profile is not None:
            return self._mergers.follow(site, event.profile)
        subscriber = self._ledger.subscribers.get((site, event.device_token_hash or ""))
        return None if subscriber is None else self._mergers.follow(site, subscriber.profile)

    def _hear_of_merge(self, site: int, event: Event, profile: str) -> bool:
        """Whether an event's profile is another than its subscriber has at home, because that has become part of it: home hears of it."""
        if event.profile_id is not None or event.profile is not None:
            return False
        subscriber = self._ledger.subscribers.get((site, event.device_token_hash or ""))
        if subscriber is None or subscriber.profile == profile:
            return False
        self._mergers.send_after(site, subscriber, profile, event.id, event.received)
        return True

    def _is_erased(self, site: int, event: Event, profile: str) -> bool:
        """Whether an event of Clarion's own is about who is not there any more: nobody new is made of that."""
        return (event.profile is not None or event.name in LISTENABLE) and self._ledger.profiles.get((site, profile)) is None

    # -- subscribers and deliveries ----------------------------------------------------------------------------------

    def subscriber(self, site: int, put: SubscriberPut, entry: str, received: int, now: int) -> str:
        """A subscription was registered. Returns the key of its profile."""
        return self._subscribers.register(site, put, entry, received, now)

    def change(
        self, site: int, change: SubscriberPut | SubscriberChange | ProfileChange | Erasure, entry: str, received: int, now: int
    ) -> str:
        """Somebody changes, or goes. Returns the key of the profile; empty: it is not known, or there are several."""
        match change:
            case SubscriberPut():
                return self.subscriber(site, change, entry, received, now)
            case SubscriberChange():
                return self._devices.change(site, change, entry, received, now)
            case ProfileChange():
                return self._profiles.change(site, change, entry, received, now)
            case Erasure():
                self._erasing.erase(site, change, entry, received, now)
                return ""

    def outcome(self, site: int, outcome: DeliveryOutcome, entry: str, received: int, now: int) -> str:
        """A delivery ended. Returns the key of the profile that it was for."""
        return self._reports.outcome(site, outcome, entry, received, now)

    def receipt(self, site: int, receipt: Receipt, entry: str, received: int, now: int) -> str:
        """A notification was viewed, clicked or closed. Returns the key of the profile that it was for."""
        return self._reports.receipt(site, receipt, entry, received, now)

    # -- messages ----------------------------------------------------------------------------------------------------

    def message(self, site: int, message: Passed | Joined | Left | Merging | Seen, received: int, now: int) -> str:
        """Something came from another partition. Returns the key of the profile that it is for; empty: it is not known, or not any more."""
        if self._tombstones.bar(site, message):
            return ""
        match message:
            case Passed():
                return self._passed(site, message, now)
            case Joined():
                return self._subscribers.joined(site, message, now)
            case Left():
                return self._subscribers.left(site, message, received, now)
            case Merging():
                return self._mergers.merged(site, message, now)
            case Seen():
                return self._subscribers.seen(site, message, received, now)

    def _passed(self, site: int, passed: Passed, now: int) -> str:
        """An entry came to another partition and is for a profile, or a run, of this one."""
        given, passed = passed.head, self._followed(site, passed)
        head = passed.head
        if head.to_sender and given.subscriber is not None and given.subscriber.profile == head.profile:
            return head.profile  # the sender has become part of whom home has told
        if not self._homes.has_profile(site, head.profile):
            self._messages.forward(
                site, head.kind, head.entry, passed.body, head.received, head.profile, to_sender=head.to_sender, again=True
            )
            return head.profile
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
            case SubscriberChange() as change:
                return self._devices.passed(site, head, change, now)
            case ProfileChange() as change:
                return self._profiles.passed(site, head, change, now)
            case Seen() as seen:
                if head.subscriber is not None:
                    self._subscribers.seen_elsewhere(site, head.subscriber, seen, now)
        return head.profile

    def _followed(self, site: int, passed: Passed) -> Passed:
        """The same for what its profile has become part of, if it has; then its subscriber's home hears of that.

        A change of a subscriber is followed by what it brings; that it is active is for nobody else.
        """
        head = passed.head
        profile = self._mergers.follow(site, head.profile)
        if profile == head.profile or isinstance(passed.body, SubscriberChange | Seen):
            return passed
        if head.subscriber is not None:
            self._subscribers.put_copy(site, head.subscriber)
            if head.subscriber.profile == head.profile and not head.to_sender:
                self._mergers.send_after(site, head.subscriber, profile, head.entry, head.received)
        return Passed(msgspec.structs.replace(head, profile=profile, subscriber=None), passed.body)

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

    # -- segments, and what is done with all profiles ----------------------------------------------------------------

    def settle(self, cause: str, now: int, hops: int = 0) -> None:
        """An input is done: dynamic segments follow what it has changed. `cause` is its id; `hops` are those of what it caused."""
        for person in self._segments.settle(cause, now, hops):
            self._runs.changed(person)
            self._offering.close(person, cause, history.SEGMENT, now)

    def recheck(self, person: Person, now: int) -> None:
        """The time has come at which a profile may come into a dynamic segment, or go out of it, by time alone."""
        self._segments.recheck(person, now)

    def turns(self, person: Person, last: Sweep | None = None) -> list[Underway]:
        """As `Turns.due`."""
        return self._turns.due(person, last)

    def turn(self, person: Person, one: Underway, now: int, *, is_early: bool) -> None:
        """As `Turns.take`; it is settled."""
        self._turns.take(person, one, now, is_early=is_early)
        if one.workflow is not None:
            self.settle(digest("turn", one.sweep.entry, person[1]), now)

    def skip_turn(self, person: Person, one: Underway) -> None:
        """A profile does without a turn that could not be applied."""
        self._turns.note(person, (one,))

    def note_arrivals(self) -> None:
        """Who has come into the books with an input, by becoming part of another, has had its turn where it was."""
        if self._registry.has_sweeps:
            for person in self._ledger.touched():
                if self._turns.due(person, None):
                    self._turns.note_all(person)

    def broadcast(self, site: int, asked: BroadcastStart, entry: str, received: int, now: int) -> str:
        """A broadcast to one profile only. Returns the profile's key; empty: it does not live here, or is not known."""
        return self._turns.alone(site, asked, entry, received, now)

    # -- publishes ---------------------------------------------------------------------------------------------------

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
        self._segments.forget()

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
