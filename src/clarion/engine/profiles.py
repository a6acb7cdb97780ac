"""Changes of profiles' attributes and segments from outside (semantics §1)."""

from clarion.domain import system_events
from clarion.domain.ids import caused_event_id, named_profile
from clarion.engine import identity
from clarion.engine.changes import Made, made
from clarion.engine.history import PROFILE
from clarion.engine.homes import Homes
from clarion.engine.ledger import Ledger, Person
from clarion.engine.mergers import Mergers
from clarion.engine.messages import Messages
from clarion.engine.notices import about_profile
from clarion.engine.offering import Offering
from clarion.engine.registry import Registry
from clarion.engine.runs import Runs
from clarion.store.records.bodies import Forwarded, ProfileChange
from clarion.store.records.entries import EntryKind


class Profiles:
    """Applies changes of profiles to a ledger."""

    def __init__(
        self, ledger: Ledger, registry: Registry, runs: Runs, offering: Offering, homes: Homes, messages: Messages, mergers: Mergers
    ) -> None:
        self._ledger, self._registry, self._runs, self._offering = ledger, registry, runs, offering
        self._homes, self._messages, self._mergers = homes, messages, mergers

    def change(self, site: int, change: ProfileChange, entry: str, received: int, now: int) -> str:
        """A profile changes: this is its home, or its subscriber's. Returns its key, here or elsewhere; empty: it is not known."""
        if change.profile_id is not None:
            profile = named_profile(change.profile_id)
            identity.ensure_profile(self._ledger, (site, profile), now)
            self._apply((site, profile), change, entry, received, now)
            return profile
        subscriber = self._ledger.subscribers.get((site, change.device_token_hash or ""))
        if subscriber is None:
            self._offering.unknown(site, entry, system_events.SUBSCRIBER_UPDATED, now)
            return ""
        profile = self._mergers.follow(site, subscriber.profile)
        if profile != subscriber.profile:
            self._mergers.send_after(site, subscriber, profile, entry, received)
        if not self._homes.has_profile(site, profile):
            told = subscriber if subscriber.profile == profile else None
            self._messages.forward(site, EntryKind.PROFILE, entry, change, received, profile, told)
            return profile
        identity.ensure_profile(self._ledger, (site, profile), now)
        self._apply((site, profile), change, entry, received, now)
        return profile

    def passed(self, site: int, head: Forwarded, change: ProfileChange, now: int) -> str:
        """A profile of this partition changes, which was named by a subscriber. Returns its key."""
        person = (site, head.profile)
        identity.ensure_profile(self._ledger, person, now)
        self._apply(person, change, head.entry, head.received, now)
        return head.profile

    def _apply(self, person: Person, change: ProfileChange, entry: str, received: int, now: int) -> None:
        profile = identity.ensure_profile(self._ledger, person, now)
        done = made(profile, change, self._registry.dynamics(person[0]).names)
        if done.profile is not profile:
            self._ledger.profiles.put(person, done.profile)
            self._runs.changed(person)
        for id, name, told in _news(done, entry):
            self._offering.offer(person, about_profile(id, name, person[1], told, received, change.device_token_hash), now)
        self._offering.note(done.notes)
        self._offering.close(person, entry, PROFILE, now)


def _news(done: Made, entry: str) -> list[tuple[str, str, dict[str, str | int | float | bool]]]:
    """(id, name, data) of the system events about a change, each of which names only what has changed."""
    found: list[tuple[str, str, dict[str, str | int | float | bool]]] = []
    if done.set or done.removed:
        name = system_events.SUBSCRIBER_UPDATED
        found.append((caused_event_id(entry, name, 0), name, done.set))
    segments = [(system_events.SEGMENT_ADDED, one) for one in done.entered] + [(system_events.SEGMENT_REMOVED, one) for one in done.left]
    for ordinal, (name, segment) in enumerate(segments):
        found.append((caused_event_id(entry, name, ordinal), name, {"segment": segment}))
    return found
