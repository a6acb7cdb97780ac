"""Dynamic segments: who is in them is tested whenever something that they look at has changed, or time has (semantics §5)."""

from collections.abc import Callable, Iterable

import msgspec

from clarion.domain.ids import caused_event_id, lone_subscriber, partition_of, public_profile_id
from clarion.domain.membership import membership
from clarion.domain.records import Event, Profile, Subscriber
from clarion.domain.system_events import SEGMENT_ADDED, SEGMENT_REMOVED
from clarion.engine.dynamics import Dynamic, Dynamics
from clarion.engine.ledger import Ledger, Person
from clarion.engine.registry import Registry
from clarion.engine.sweeps import FORGET
from clarion.engine.touched import Touched
from clarion.store.records.bodies import SegmentChange
from clarion.store.records.entries import EntryKind, NewEntry

_encode = msgspec.json.Encoder().encode

Concerns = Callable[[Dynamic], bool]


class Segments:
    """Keeps the dynamic segments of the profiles in a ledger. `on_recheck` hears when time alone may change them next.

    Each input tests a profile's segments in one pass, in which each stands behind those that it depends on; a circle of segments is gone
    through once, so nothing goes round. Who was in before the input and is not in after it, or the other way, has one event of it.
    """

    def __init__(self, ledger: Ledger, registry: Registry, on_recheck: Callable[[Person, int], None], partitions: int) -> None:
        self._ledger, self._registry, self._on_recheck, self._partitions = ledger, registry, on_recheck, partitions
        self._tested: dict[Person, tuple[Profile, Subscriber | None]] = {}
        """What the last test of a profile in this input saw."""
        self._causes: dict[Person, tuple[int, str]] = {}
        """By profile: hops and id of the run that changed it, the one with the most hops."""

    def caused(self, person: Person, hops: int, run: str) -> None:
        """A run has changed a profile: what follows from that is as many hops away from what came from outside."""
        if self._causes.get(person, (0, ""))[0] < hops:
            self._causes[person] = (hops, run)

    # -- tests -------------------------------------------------------------------------------------------------------

    def follow(self, person: Person, now: int) -> None:
        """Test what may have changed with a profile, or its subscribers, in this input."""
        if self._registry.dynamics(person[0]).all:
            touched = self._ledger.touched().get(person)
            if touched is not None:
                self._follow(person, touched, now)

    def _follow(self, person: Person, touched: Touched, now: int) -> None:
        profile, subscriber = self._seen(person)
        if profile is None:
            return
        known = self._tested.get(person)
        if known is not None and known[0] is profile and known[1] is subscriber:
            return
        attributes, segments = touched.attributes(profile), touched.segments(profile)
        is_new = touched.before is None

        def concerned(one: Dynamic) -> bool:
            return (
                is_new
                or one.segment in segments
                or not attributes.isdisjoint(one.attributes)
                or (one.sees_subscriber and touched.subscriber)
                or _looks_at(one, segments)
            )

        dynamics = self._registry.dynamics(person[0])
        if is_new or any(concerned(one) for one in dynamics.all):
            self._test(person, profile, subscriber, now, dynamics, concerned)
        else:
            self._tested[person] = (profile, subscriber)

    def recheck(self, person: Person, now: int) -> None:
        """Time may have changed who a profile is to segments that look at it."""
        profile, subscriber = self._seen(person)
        if profile is not None and profile.recheck is not None and profile.recheck <= now:
            self._test(person, profile, subscriber, now, self._registry.dynamics(person[0]), lambda _: False)

    def redefined(self, person: Person, change: SegmentChange, now: int) -> None:
        """A profile has its turn in a segment's new definition, or in its end."""
        profile, subscriber = self._seen(person)
        if profile is None:
            return
        moved = frozenset((change.segment,))
        if change.change == FORGET and change.segment in profile.segments:
            profile = msgspec.structs.replace(profile, segments=tuple(one for one in profile.segments if one != change.segment))
            self._ledger.profiles.put(person, profile)

        def concerned(one: Dynamic) -> bool:
            return one.segment == change.segment or (change.change == FORGET and _looks_at(one, moved))

        self._test(person, profile, subscriber, now, self._registry.dynamics(person[0]), concerned)

    def _seen(self, person: Person) -> tuple[Profile | None, Subscriber | None]:
        """The profile and its most recently active subscriber; no profile where it is unknown or has become part of another."""
        profile = self._ledger.profiles.get(person)
        if profile is None or profile.merged is not None:
            return None, None
        active = self._ledger.subscribers_of(person)
        return profile, active[0] if active else None

    def _test(
        self, person: Person, profile: Profile, subscriber: Subscriber | None, now: int, dynamics: Dynamics, concerned: Concerns
    ) -> None:
        """Test the segments that are concerned, that look at time, or at segments that change on the way."""
        timezone, before = self._registry.site(person[0]).timezone, profile
        until: int | None = None
        moved: set[str] = set()
        for one in dynamics.all:
            if not (one.is_timed or concerned(one) or _looks_at(one, moved)):
                continue
            found = membership(one.condition, profile, subscriber, now, timezone)
            if found.holds is not (one.segment in profile.segments):
                moved.add(one.segment)
                profile = msgspec.structs.replace(profile, segments=tuple(sorted({*profile.segments} ^ {one.segment})))
            if found.until is not None:
                until = found.until if until is None else min(until, found.until)
        if until != profile.recheck:
            profile = msgspec.structs.replace(profile, recheck=until)
            if until is not None:
                self._on_recheck(person, until)
        if profile is not before:
            self._ledger.profiles.put(person, profile)
        self._tested[person] = (profile, subscriber)

    # -- the end of an input -----------------------------------------------------------------------------------------

    def settle(self, cause: str, now: int, hops: int, also: Iterable[str] = ()) -> list[Person]:
        """The input is done: test whom it has changed, and send the events. Returns whose segments have changed just now.

        `cause` is the input's id; `hops` are those of what it caused; `also` names segments that are not dynamic any more.
        """
        if not self._is_at_work(also):
            return []
        changed = []
        for person, touched in self._ledger.touched().items():
            before = self._ledger.profiles.get(person)
            self._follow(person, touched, now)
            after = self._ledger.profiles.get(person)
            if before is not None and after is not None and before.segments != after.segments:
                changed.append(person)
            if after is not None and after.merged is None:
                self._tell(person, touched.segments(after) & (self._registry.dynamics(person[0]).names | {*also}), after, cause, now, hops)
        self.forget()
        return changed

    def settle_silently(self) -> None:
        """The input is done, and nobody is told."""
        self.forget()

    def forget(self) -> None:
        """Drop what was gathered of an input."""
        self._tested, self._causes = {}, {}

    def _is_at_work(self, also: Iterable[str]) -> bool:
        return self._registry.has_segments or bool(tuple(also))

    def _tell(self, person: Person, changed: frozenset[str], profile: Profile, cause: str, now: int, hops: int) -> None:
        site, key = person
        most, run = self._causes.get(person, (0, ""))
        for segment in sorted(changed):
            name = SEGMENT_ADDED if segment in profile.segments else SEGMENT_REMOVED
            profile_id = public_profile_id(key)
            event = Event(
                caused_event_id(cause, f"{name}:{segment}:{key}", 0),
                name,
                lone_subscriber(key) if profile_id is None else None,
                profile_id,
                msgspec.Raw(_encode({"segment": segment})),
                received=now,
                hops=max(most, hops),
                cause=run or None,
                profile=key if profile_id is None else None,
            )
            home = partition_of(site, profile_id or event.device_token_hash or "", self._partitions)
            self._ledger.emitted.append(NewEntry(EntryKind.EVENT, site, event.id, _encode(event), now, home))


def _looks_at(one: Dynamic, moved: frozenset[str] | set[str]) -> bool:
    """Whether a segment's condition looks at any of these."""
    return bool(moved) and (one.names is None or not moved.isdisjoint(one.names))
