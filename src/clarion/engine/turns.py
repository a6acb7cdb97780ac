"""A profile's turn in what is done with all profiles: ahead of the others where it is in the books for something else (semantics §7)."""

import msgspec

from clarion.domain.ids import caused_event_id, is_anonymous, lone_subscriber, public_profile_id
from clarion.domain.records import Event, Profile
from clarion.domain.system_events import WORKFLOW_START
from clarion.engine import identity
from clarion.engine.homes import Homes
from clarion.engine.ledger import Ledger, Person
from clarion.engine.offering import Offering
from clarion.engine.registry import Registry
from clarion.engine.runs import Runs
from clarion.engine.segments import Segments
from clarion.engine.sweeps import FORGET, Underway
from clarion.store.records.bodies import BroadcastStart, SegmentChange
from clarion.store.records.states import Sweep
from clarion.workflow.history import SEGMENT


class Turns:
    """Gives profiles in a ledger their turns, in the order in which the sweeps were asked for."""

    def __init__(self, ledger: Ledger, registry: Registry, runs: Runs, offering: Offering, segments: Segments, homes: Homes) -> None:
        self._ledger, self._registry, self._runs, self._offering = ledger, registry, runs, offering
        self._segments, self._homes = segments, homes

    def due(self, person: Person, last: Sweep | None) -> list[Underway]:
        """What a profile has still to have its turn in; with `last` only that and what was asked for before it."""
        profile = self._ledger.profiles.get(person)
        if profile is None:
            return []
        found = []
        for one in self._registry.sweeps(person[0]):
            if one.concerns(profile):
                found.append(one)
            if last is not None and one.sweep.id == last.id:
                break
        return found

    def take(self, person: Person, one: Underway, now: int, *, is_early: bool) -> None:
        """A profile has its turn. `is_early`: the sweep has not come to it yet, and must know of it when it does."""
        if is_early and not one.is_repeatable:
            self.note(person, (one,))
        if isinstance(one.asked, BroadcastStart):
            self._broadcast(person, one.asked, one.sweep.entry, now, is_told=False)
        else:
            self._redefine(person, one.asked, one.sweep.entry, now)

    def note(self, person: Person, had: tuple[Underway, ...]) -> None:
        """A profile has had its turn; what it remembers of sweeps that are over goes."""
        profile = self._ledger.profiles.get(person)
        if profile is not None:
            known = {*profile.offered, *(one.sweep.entry for one in had)}
            offered = tuple(one.sweep.entry for one in self._registry.sweeps(person[0]) if one.sweep.entry in known)
            self._ledger.profiles.put(person, msgspec.structs.replace(profile, offered=offered))

    def note_all(self, person: Person) -> None:
        """Another profile has become part of this one: it has had its turn in everything, as itself or as the other."""
        had = tuple(one for one in self._registry.sweeps(person[0]) if not one.is_repeatable)
        if had:
            self.note(person, had)

    # -- one turn ----------------------------------------------------------------------------------------------------

    def alone(self, site: int, asked: BroadcastStart, entry: str, received: int, now: int) -> str:
        """A broadcast to one profile. Returns its key; empty where it does not live here, or is not known."""
        key = asked.profile or ""
        person = (site, key)
        if not self._homes.has_profile(site, key):
            return ""
        profile = self._ledger.profiles.get(person)
        if profile is None and is_anonymous(key):
            return ""
        profile = profile or identity.ensure_profile(self._ledger, person, now)
        if profile.merged is None:
            self._broadcast(person, asked, entry, now, is_told=True)
            return key
        self._runs.emit(site, _start(entry, profile, asked.workflow, received))
        return profile.merged

    def _broadcast(self, person: Person, asked: BroadcastStart, entry: str, now: int, *, is_told: bool) -> None:
        profile = self._ledger.profiles.get(person) or Profile(person[1])
        self._offering.broadcast(person, _start(entry, profile, asked.workflow, now), now, is_told=is_told)

    def _redefine(self, person: Person, asked: SegmentChange, entry: str, now: int) -> None:
        before = self._ledger.profiles.get(person)
        self._segments.redefined(person, asked, now)
        after = self._ledger.profiles.get(person)
        if before is not None and after is not None and before.segments != after.segments:
            self._runs.changed(person)
            self._offering.close(person, entry, SEGMENT, now)
        if asked.offers:
            self._segments.settle(entry, now, 0, (asked.segment,) if asked.change == FORGET else ())
        else:
            self._segments.forget()


def _start(entry: str, profile: Profile, workflow: str, received: int) -> Event:
    """The event by which a broadcast comes to a profile, or to what that has become part of."""
    profile_id = public_profile_id(profile.merged or profile.key)
    device = lone_subscriber(profile.key) if profile_id is None else None
    id = caused_event_id(entry, profile.key, 0)
    return Event(id, WORKFLOW_START, device, profile_id, received=received, workflow=workflow)
