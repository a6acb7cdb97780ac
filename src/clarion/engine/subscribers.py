"""Subscribers in the books: registered at their home, beside their profile wherever that is, and noted as active (semantics §1)."""

import msgspec

from clarion.clock import MINUTE
from clarion.domain import system_events
from clarion.domain.ids import caused_event_id, public_profile_id
from clarion.domain.records import Event, Subscriber
from clarion.engine import identity
from clarion.engine.history import WORKFLOW
from clarion.engine.homes import Homes
from clarion.engine.ledger import Ledger, Person
from clarion.engine.messages import Messages
from clarion.engine.offering import Offering
from clarion.engine.registry import Registry
from clarion.engine.runs import Runs
from clarion.store.records.bodies import Joined, Left, Seen, SubscriberPut
from clarion.store.records.entries import EntryKind
from clarion.workflow.history import SUBSCRIBER
from clarion.workflow.run import WAITING, Run

_encode = msgspec.json.Encoder().encode

MERGED = "merged"
"""Why a run ends whose profile became part of one that has the same run."""
TOUCHED_AFTER = MINUTE
"""An event says that its subscriber is active, but is noted only if that was not known of this time already."""


class Subscribers:
    """The subscribers of a ledger. In the partition that is a subscriber's home stands whose it is; elsewhere there are copies."""

    def __init__(self, ledger: Ledger, registry: Registry, runs: Runs, offering: Offering, homes: Homes, messages: Messages) -> None:
        self._ledger, self._registry, self._runs, self._offering = ledger, registry, runs, offering
        self._homes, self._messages = homes, messages

    # -- registrations -----------------------------------------------------------------------------------------------

    def register(self, site: int, put: SubscriberPut, entry: str, received: int, now: int) -> str:
        """A subscription was registered; this is its home. Returns the key of its profile, here or elsewhere."""
        before = self._ledger.subscribers.get((site, put.device_token_hash))
        joined = identity.registration(before, put, entry, received, now)
        profile = joined.subscriber.profile
        brought = None
        if before is not None and identity.merges(before, joined):
            brought = identity.give_up(self._ledger, (site, before.profile), profile, now)
        if self._homes.has_profile(site, profile):
            change = identity.join(self._ledger, site, joined, brought, now)
            self._leave(site, before, joined, now)
            self._joined(site, joined, change, now)
            return profile
        parts = [] if brought is None else identity.carry(self._ledger, brought, self._last_heard)
        self._ledger.put_subscriber(site, joined.subscriber)
        self._leave(site, before, joined, now)
        self._messages.join(site, joined, parts)
        return profile

    def _last_heard(self, run: Run) -> int:
        """Number of the last directive in the log; all runs here have heard of it."""
        state = self._registry.state(run.site, run.workflow)
        return state.heard[-1].number if state is not None and state.heard else 0

    def _leave(self, site: int, before: Subscriber | None, joined: Joined, now: int) -> None:
        """Whom the subscriber leaves has changed too."""
        if before is None or before.profile == joined.subscriber.profile:
            return
        if self._homes.has_profile(site, before.profile):
            self._runs.changed((site, before.profile))
            self._offering.close((site, before.profile), joined.entry, SUBSCRIBER, now)
        else:
            self._messages.leave(site, Left(before.device_token_hash, before.profile, joined.entry), joined.received)

    def joined(self, site: int, joined: Joined, now: int) -> str:
        """A subscription was registered at its home for a profile of this partition. Returns the profile's key."""
        subscriber = self._latest(site, joined.subscriber)
        joined, carried = msgspec.structs.replace(joined, subscriber=subscriber), joined.carried
        if carried is None:
            change = identity.join(self._ledger, site, joined, None, now)
        else:
            brought = identity.unpack(carried)
            change = identity.join(self._ledger, site, joined, brought, now, carried.came_before)
            for kept in brought.runs:
                self._runs.arrive(kept.run.id)
                self._catch_up(kept.run, carried.heard.get(kept.run.workflow, 0))
        self._joined(site, joined, change, now)
        return subscriber.profile

    def _catch_up(self, run: Run, heard: int) -> None:
        """Let a run hear of what this log has said and the one that it comes from had not: as of then, or of when it came to its step."""
        state = self._registry.state(run.site, run.workflow)
        for directive in () if state is None else state.heard:
            kept = self._ledger.runs.get(run.id)
            if kept is None or kept.run.status != WAITING:
                return
            if directive.number > heard and directive.version > kept.run.version:
                at = max(directive.at, kept.run.since)
                self._runs.hear(kept, msgspec.structs.replace(directive, at=at))
                self._offering.close((kept.run.site, kept.run.profile), run.id, WORKFLOW, at)

    def _joined(self, site: int, joined: Joined, change: identity.Change, now: int) -> None:
        """What a registration means to the runs of its profile."""
        person = (site, joined.subscriber.profile)
        self._runs.changed(person)
        for run in identity.rivals(self._ledger, person, change.arrived, self._runs.is_parallel):
            self._runs.stop(run, MERGED, now)
            if (kept := self._ledger.runs.get(run)) is not None and kept.run.goal_until is not None:  # the one that stays has the goal
                self._ledger.put_run(msgspec.structs.replace(kept.run, goal_until=None))
        for event in change.events:
            self._offering.offer(person, event, now)
        for ordinal, segment in enumerate(change.segments):
            id, data = caused_event_id(joined.entry, system_events.SEGMENT_ADDED, ordinal), _encode({"segment": segment})
            whom = public_profile_id(joined.subscriber.profile)
            self._runs.emit(site, Event(id, system_events.SEGMENT_ADDED, None, whom, msgspec.Raw(data), received=now))
        self._offering.close(person, joined.entry, SUBSCRIBER, now)

    def left(self, site: int, left: Left, now: int) -> str:
        """A subscriber of a profile of this partition belongs to another now. Returns the key of the profile that it has left."""
        copy = self._ledger.subscribers.get((site, left.device_token_hash))
        if copy is not None and copy.profile == left.profile:
            self._drop_copy(site, copy)
        self._runs.changed((site, left.profile))
        self._offering.close((site, left.profile), left.entry, SUBSCRIBER, now)
        return left.profile

    # -- copies ------------------------------------------------------------------------------------------------------

    def put_copy(self, site: int, given: Subscriber) -> None:
        """A subscriber is as its home says; one whose profile is not here has no copy here."""
        known = self._ledger.subscribers.get((site, given.device_token_hash))
        if not self._homes.has_profile(site, given.profile):
            if known is not None:
                self._drop_copy(site, known)
            return
        after = self._latest(site, given)
        if after == known:
            return
        if known is not None and after == msgspec.structs.replace(known, last_active=after.last_active):
            self._note_active(site, known, after.last_active)
        else:
            self._ledger.put_subscriber(site, after)
            self._runs.changed((site, after.profile))

    def is_copy(self, site: int, given: Subscriber) -> bool:
        """Whether there is nothing new in what a subscriber's home says."""
        known = self._ledger.subscribers.get((site, given.device_token_hash))
        return known is not None and known == self._latest(site, given)

    def _latest(self, site: int, given: Subscriber) -> Subscriber:
        """As its home says, but active as lately as is known here."""
        known = self._ledger.subscribers.get((site, given.device_token_hash))
        if known is None or known.profile != given.profile or known.last_active <= given.last_active:
            return given
        return msgspec.structs.replace(given, last_active=known.last_active)

    def _drop_copy(self, site: int, copy: Subscriber) -> None:
        if not self._homes.has_subscriber(site, copy.device_token_hash):
            self._ledger.drop_subscriber(site, copy)

    # -- who is active -----------------------------------------------------------------------------------------------

    def touch(self, person: Person, event: Event, now: int) -> None:
        """Note that a subscriber is active: it may now be the one that its profile's runs look at."""
        device, site = event.device_token_hash, person[0]
        if device is None or event.cause is not None:  # what runs send shows nobody active
            return
        subscriber, is_home = self._ledger.subscribers.get((site, device)), self._homes.has_subscriber(site, device)
        if subscriber is None:
            if not is_home:
                self._messages.seen(site, event, device, now, None)
            return
        if now - subscriber.last_active < TOUCHED_AFTER:
            return
        if not is_home:
            self._messages.seen(site, event, device, now, subscriber)
        if not self._homes.has_profile(site, subscriber.profile):
            seen = Seen(device, now, event.id, event.name)
            self._pass_on(site, msgspec.structs.replace(subscriber, last_active=now), seen, event.received)
            return
        self._note_active(site, subscriber, now)
        if (site, subscriber.profile) != person:
            self._offering.close((site, subscriber.profile), event.id, event.name, now)

    def shows_active(self, site: int, event: Event, now: int) -> bool:
        """Whether an event has to be noted, here or at home, because it shows a subscriber active."""
        if event.device_token_hash is None or event.cause is not None:
            return False
        subscriber = self._ledger.subscribers.get((site, event.device_token_hash))
        if subscriber is None:
            return not self._homes.has_subscriber(site, event.device_token_hash)
        return now - subscriber.last_active >= TOUCHED_AFTER

    def at_home(self, site: int, event: Event, now: int) -> Subscriber | None:
        """The subscriber that an event for a profile elsewhere names, noted as active if need be; None: this is not its home."""
        device = event.device_token_hash
        if device is None or not self._homes.has_subscriber(site, device):
            return None
        subscriber = self._ledger.subscribers.get((site, device))
        if subscriber is not None and self.shows_active(site, event, now):
            subscriber = msgspec.structs.replace(subscriber, last_active=now)
            self._ledger.put_subscriber(site, subscriber)
        return subscriber

    def seen(self, site: int, seen: Seen, received: int, now: int) -> str:
        """An event in another partition showed a subscriber of this home to be active. Returns the key of its profile; empty: unknown."""
        subscriber = self._ledger.subscribers.get((site, seen.device_token_hash))
        if subscriber is None:
            return ""
        is_theirs = subscriber.profile == seen.profile
        if not is_theirs and seen.at - subscriber.last_active < TOUCHED_AFTER:
            return subscriber.profile
        after = msgspec.structs.replace(subscriber, last_active=max(subscriber.last_active, seen.at))
        if is_theirs and seen.known == subscriber.last_active:  # its copy is what this is now
            self._ledger.put_subscriber(site, after)
        elif self._homes.has_profile(site, subscriber.profile):
            self._note_active(site, subscriber, after.last_active)
            self._offering.close((site, subscriber.profile), seen.event, seen.name, now)
        else:
            self._pass_on(site, after, seen, received)
        return subscriber.profile

    def seen_elsewhere(self, site: int, subscriber: Subscriber, seen: Seen, now: int) -> str:
        """As its home has heard, a subscriber of a profile of this partition is active. Returns the profile's key."""
        self.put_copy(site, subscriber)
        self._offering.close((site, subscriber.profile), seen.event, seen.name, now)
        return subscriber.profile

    def _pass_on(self, site: int, subscriber: Subscriber, seen: Seen, received: int) -> None:
        """Its profile is elsewhere and has not heard that a subscriber of this home is active."""
        self._ledger.put_subscriber(site, subscriber)
        self._messages.forward(site, EntryKind.SEEN, seen.event, seen, received, subscriber.profile, subscriber)

    def _note_active(self, site: int, subscriber: Subscriber, at: int) -> None:
        whose = (site, subscriber.profile)
        before = self._ledger.subscribers_of(whose)
        self._ledger.put_subscriber(site, msgspec.structs.replace(subscriber, last_active=at))
        if [one.device_token_hash for one in before[:1]] not in ([], [subscriber.device_token_hash]):
            self._runs.changed(whose)
