"""Subscribers in the books: registered at their home, beside their profile wherever that is, and noted as active (semantics §1)."""

import msgspec

from clarion.clock import MINUTE
from clarion.domain import system_events
from clarion.domain.ids import public_profile_id
from clarion.domain.records import Event, Subscriber
from clarion.engine import identity
from clarion.engine.homes import Homes
from clarion.engine.ledger import Ledger, Person
from clarion.engine.mergers import Mergers
from clarion.engine.messages import Messages
from clarion.engine.notices import about_subscriber, is_from_outside
from clarion.engine.offering import Offering
from clarion.engine.registry import Registry
from clarion.engine.runs import Runs
from clarion.store.records.bodies import Joined, Left, ProfileChange, Seen, SubscriberPut
from clarion.store.records.entries import EntryKind
from clarion.workflow.history import SUBSCRIBER

TOUCHED_AFTER = MINUTE
"""An event says that its subscriber is active, but is noted only if that was not known of this time already."""


class Subscribers:
    """The subscribers of a ledger. In the partition that is a subscriber's home stands whose it is; elsewhere there are copies."""

    def __init__(
        self, ledger: Ledger, registry: Registry, runs: Runs, offering: Offering, homes: Homes, messages: Messages, mergers: Mergers
    ) -> None:
        self._ledger, self._registry, self._runs, self._offering = ledger, registry, runs, offering
        self._homes, self._messages, self._mergers = homes, messages, mergers

    # -- who belongs to whom -----------------------------------------------------------------------------------------

    def register(self, site: int, put: SubscriberPut, entry: str, received: int, now: int) -> str:
        """A subscription was registered; this is its home. Returns the key of its profile, here or elsewhere."""
        before = self._ledger.subscribers.get((site, put.device_token_hash))
        joined = identity.registration(before, put, entry, received, now)
        if before is None and identity.is_own(joined.subscriber):
            identity.renew(self._ledger, (site, joined.subscriber.profile), now)
        return self._attach(site, before, joined, now)

    def identify(self, site: int, before: Subscriber, profile_id: str, entry: str, received: int, now: int) -> str:
        """A subscriber of this home joins a named profile. Returns that one's key."""
        joined = identity.identification(before, profile_id, entry, received)
        if joined.subscriber.profile != before.profile:
            self._attach(site, before, joined, now)
        return joined.subscriber.profile

    def _attach(self, site: int, before: Subscriber | None, joined: Joined, now: int) -> str:
        """A subscriber of this home belongs to the profile that it has in `joined`. Returns the key of that."""
        profile, brought = joined.subscriber.profile, None
        if before is not None and identity.merges(before, joined) and identity.is_own(before):
            brought = self._mergers.give_up((site, before.profile), profile, before.device_token_hash, joined.entry, joined.received, now)
        if not self._homes.has_profile(site, profile):
            parts = [] if brought is None else identity.carry(self._ledger, brought, self._mergers.last_heard)
            self._ledger.put_subscriber(site, joined.subscriber)
            self._part(site, before, joined, now)
            self._messages.join(site, joined, parts)
            return profile
        merged = self._mergers.follow(site, profile)
        if merged != profile:
            self._ledger.put_subscriber(site, joined.subscriber)
            self._redirect(site, joined, merged)
            return merged
        change = identity.join(self._ledger, site, joined, brought, now, dynamic=self._registry.dynamics(site).names)
        self._part(site, before, joined, now)
        self._joined(site, joined, change, now)
        return profile

    def _part(self, site: int, before: Subscriber | None, joined: Joined, now: int) -> None:
        """Whom the subscriber leaves has changed too; an anonymous profile that is not its own becomes part of the one that it joins."""
        if before is not None and before.profile != joined.subscriber.profile:
            goes_along = identity.merges(before, joined) and not identity.is_own(before)
            into = joined.subscriber.profile if goes_along else None
            self.leave(site, before, joined.entry, joined.received, now, into)

    def leave(self, site: int, before: Subscriber, entry: str, received: int, now: int, into: str | None = None) -> None:
        """A subscriber of this home does not belong to its profile any more."""
        left = Left(before.device_token_hash, before.profile, entry, into)
        if self._homes.has_profile(site, before.profile):
            self._let_go(site, left, received, now)
        else:
            self._messages.leave(site, left, received)

    def left(self, site: int, left: Left, received: int, now: int) -> str:
        """A subscriber of a profile of this partition belongs to another now. Returns the key of the profile that it has left."""
        copy = self._ledger.subscribers.get((site, left.device_token_hash))
        if copy is not None and copy.profile == left.profile:
            self.drop_copy(site, copy)
        self._let_go(site, left, received, now)
        return left.profile

    def _let_go(self, site: int, left: Left, received: int, now: int) -> None:
        self._runs.changed((site, left.profile))
        if left.into is not None:
            self._mergers.begin((site, left.profile), left.into, left.device_token_hash, left.entry, received, now)
        self._offering.close((site, left.profile), left.entry, SUBSCRIBER, now)

    def joined(self, site: int, joined: Joined, now: int) -> str:
        """A subscriber belongs to a profile of this partition, its home says. Returns the profile's key."""
        merged = self._mergers.follow(site, joined.subscriber.profile)
        if merged != joined.subscriber.profile:
            self.put_copy(site, joined.subscriber)
            self._redirect(site, joined, merged)
            return merged
        subscriber = self._latest(site, joined.subscriber)
        joined, carried = msgspec.structs.replace(joined, subscriber=subscriber), joined.carried
        if carried is None:
            change = identity.join(self._ledger, site, joined, None, now, dynamic=self._registry.dynamics(site).names)
        else:
            brought = identity.unpack(carried)
            dynamic = self._registry.dynamics(site).names
            change = identity.join(self._ledger, site, joined, brought, now, carried.came_before, dynamic)
            self._mergers.arrived(brought, carried.heard)
        self._joined(site, joined, change, now)
        return subscriber.profile

    def _redirect(self, site: int, joined: Joined, merged: str) -> None:
        """The profile that a subscriber was to belong to has become part of another: its home hears of that, and that one of the rest."""
        put, entry, received = joined.put, joined.entry, joined.received
        self._mergers.send_after(site, joined.subscriber, merged, entry, received)
        if put.attributes or put.segments:
            change = ProfileChange(public_profile_id(merged), set=put.attributes, enter=put.segments)
            self._messages.profile(site, change, entry, received)
        if joined.registered:
            name = system_events.SUBSCRIBER_ADDED if joined.is_new else system_events.SUBSCRIBER_UPDATED
            event = about_subscriber(entry, name, put.device_token_hash, joined.subscriber.facts, received, told=put.attributes)
            self._runs.emit(site, msgspec.structs.replace(event, profile_id=public_profile_id(merged)))

    def _joined(self, site: int, joined: Joined, change: identity.Change, now: int) -> None:
        """What it means to the runs of a profile that a subscriber belongs to it."""
        person = (site, joined.subscriber.profile)
        self._mergers.meet(person, change.arrived, now)
        for event in change.events:
            self._offering.offer(person, event, now)
        self._mergers.tell_segments(person, change.segments, joined.entry, now)
        self._offering.note(change.notes)
        self._offering.close(person, joined.entry, SUBSCRIBER, now)

    # -- copies ------------------------------------------------------------------------------------------------------

    def put_copy(self, site: int, given: Subscriber) -> None:
        """A subscriber is as its home says; one whose profile is not here has no copy here."""
        known = self._ledger.subscribers.get((site, given.device_token_hash))
        if not self._homes.has_profile(site, given.profile):
            if known is not None:
                self.drop_copy(site, known)
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

    def drop_copy(self, site: int, copy: Subscriber) -> None:
        """A subscriber has no copy here any more; its home keeps it."""
        if not self._homes.has_subscriber(site, copy.device_token_hash):
            self._ledger.drop_subscriber(site, copy)

    # -- who is active -----------------------------------------------------------------------------------------------

    def touch(self, person: Person, event: Event, now: int) -> None:
        """Note that a subscriber is active: it may now be the one that its profile's runs look at."""
        device, site = event.device_token_hash, person[0]
        if device is None or not is_from_outside(event):
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
        if event.device_token_hash is None or not is_from_outside(event):
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
