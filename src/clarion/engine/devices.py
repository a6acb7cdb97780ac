"""Changes of subscribers: made at their home, told to their profile wherever that is (semantics §1)."""

import msgspec

from clarion.domain import system_events
from clarion.domain.ids import anonymous_profile, public_profile_id
from clarion.domain.records import Event, Subscriber
from clarion.engine import identity
from clarion.engine.changes import new_facts
from clarion.engine.homes import Homes
from clarion.engine.ledger import Ledger
from clarion.engine.mergers import Mergers
from clarion.engine.messages import Messages
from clarion.engine.notices import about_change, about_subscriber
from clarion.engine.offering import Offering
from clarion.engine.runs import Runs
from clarion.engine.subscribers import Subscribers
from clarion.store.records.bodies import Forwarded, SubscriberChange
from clarion.store.records.entries import EntryKind
from clarion.workflow.history import SUBSCRIBER

_TOLD = {
    "identify": system_events.IDENTIFIED,
    "logout": system_events.SUBSCRIBER_UPDATED,
    "unsubscribe": system_events.SUBSCRIBER_REMOVED,
    "subscribe": system_events.SUBSCRIBER_ADDED,
    "forget": system_events.SUBSCRIBER_REMOVED,
    "update": system_events.SUBSCRIBER_UPDATED,
}
"""By change: the name of the system event about it."""


class Devices:
    """Applies changes of subscribers to a ledger."""

    def __init__(
        self,
        ledger: Ledger,
        runs: Runs,
        offering: Offering,
        homes: Homes,
        messages: Messages,
        mergers: Mergers,
        subscribers: Subscribers,
    ) -> None:
        self._ledger, self._runs, self._offering, self._homes, self._messages = ledger, runs, offering, homes, messages
        self._mergers, self._subscribers = mergers, subscribers

    def change(self, site: int, change: SubscriberChange, entry: str, received: int, now: int) -> str:
        """A subscriber of this home changes. Returns the key of its profile; empty: it is not known, or not any more.

        Raises ValueError for a change that makes no sense.
        """
        if change.change not in _TOLD or (change.change == "identify" and change.profile_id is None):
            raise ValueError(f"unknown change {change.change!r} of a subscriber")
        before = self._ledger.subscribers.get((site, change.device_token_hash))
        if before is None:
            self._offering.unknown(site, entry, _TOLD[change.change], now)
            return ""
        if change.profile not in (None, before.profile):
            return before.profile
        if change.change == "identify":
            return self._subscribers.identify(site, before, change.profile_id or "", entry, received, now)
        if change.change == "logout":
            return self._log_out(site, before, entry, received, now)
        return self._alter(site, before, change, entry, received, now)

    def _log_out(self, site: int, before: Subscriber, entry: str, received: int, now: int) -> str:
        """A subscriber gets a new anonymous profile; data and runs stay with the one that it leaves."""
        device, logouts = before.device_token_hash, before.logouts + 1
        person = (site, anonymous_profile(device, logouts))
        identity.renew(self._ledger, person, now)
        self._ledger.put_subscriber(site, msgspec.structs.replace(before, profile=person[1], logouts=logouts))
        self._runs.changed(person)
        self._subscribers.leave(site, before, entry, received, now)
        name = system_events.SUBSCRIBER_UPDATED
        self._offering.offer(person, about_subscriber(entry, name, device, {}, received, told={"logouts": logouts}), now)
        self._offering.close(person, entry, SUBSCRIBER, now)
        return person[1]

    def _alter(self, site: int, before: Subscriber, change: SubscriberChange, entry: str, received: int, now: int) -> str:
        """A subscriber goes, comes back, or says something new of itself; nothing happens where that is so already."""
        profile = before.profile
        match change.change:
            case "forget":
                self._ledger.drop_subscriber(site, before)
            case "update":
                facts, notes = new_facts(before.facts, change.facts)
                if not facts:
                    self._offering.note(notes)
                    self._offering.close((site, profile), entry, SUBSCRIBER, now)
                    return profile
                change = msgspec.structs.replace(change, facts=facts)
                self._ledger.put_subscriber(site, msgspec.structs.replace(before, facts={**before.facts, **facts}))
            case _:
                active = change.change == "subscribe"
                if before.active is active:
                    return profile
                self._ledger.put_subscriber(site, msgspec.structs.replace(before, active=active))
        after = self._ledger.subscribers.get((site, before.device_token_hash)) or before
        if not self._homes.has_profile(site, profile):
            self._messages.forward(site, EntryKind.DEVICE, entry, change, received, profile, after)
            return profile
        self._tell(site, profile, change, after, entry, received, now)
        return profile

    def passed(self, site: int, head: Forwarded, change: SubscriberChange, now: int) -> str:
        """A subscriber of a profile of this partition has changed, its home says. Returns the profile's key; empty: it is not known."""
        after = head.subscriber
        if after is None or self._ledger.profiles.get((site, head.profile)) is None:
            return ""
        known = self._ledger.subscribers.get((site, after.device_token_hash))
        if change.change != "forget":
            self._subscribers.put_copy(site, after)
        elif known is not None and known.profile == head.profile:
            self._subscribers.drop_copy(site, known)
        self._tell(site, head.profile, change, after, head.entry, head.received, now)
        return head.profile

    def _tell(self, site: int, profile: str, change: SubscriberChange, after: Subscriber, entry: str, received: int, now: int) -> None:
        """Offer what there is to tell to the subscriber's profile, or send it to what that has become part of."""
        event, person = about_change(change, after, entry, received), (site, profile)
        merged = self._mergers.follow(site, profile)
        if merged != profile:
            self._send_after(site, after, change, event, merged, entry, received)
            return
        self._runs.changed(person)
        if event is not None:
            self._offering.offer(person, event, now)
        self._offering.close(person, entry, SUBSCRIBER, now)

    def _send_after(
        self, site: int, after: Subscriber, change: SubscriberChange, event: Event | None, merged: str, entry: str, received: int
    ) -> None:
        if change.change != "forget":
            self._mergers.send_after(site, after, merged, entry, received)
        if event is not None:
            self._runs.emit(site, msgspec.structs.replace(event, profile_id=public_profile_id(merged)))
