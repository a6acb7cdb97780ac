"""Who is who: subscribers come, join profiles, and go (semantics §1)."""

from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType

import msgspec

from clarion.domain.ids import anonymous_profile, is_anonymous, lone_subscriber, named_profile
from clarion.domain.records import Event, Profile, Scalar, Subscriber
from clarion.domain.system_events import IDENTIFIED, SUBSCRIBER_ADDED, SUBSCRIBER_REMOVED, SUBSCRIBER_UPDATED
from clarion.engine.changes import is_same, made, new_facts
from clarion.engine.ledger import Kept, Ledger, Person, row_from_run, run_from_row
from clarion.engine.notices import about_subscriber
from clarion.store.records.bodies import Carried, Joined, ProfileChange, SubscriberPut
from clarion.store.records.runs import EntryMemory, RunRow
from clarion.workflow.run import WAITING, Run
from clarion.workflow.settings import MOST_PUSHES

LARGEST_PART = 262_144
"""Bytes that runs have gathered, in one message to another partition; a single run may have more."""
MOST_MEMORY = 1_000
"""Starts that are remembered, in one message."""

NOTHING: Mapping[str, Scalar] = MappingProxyType({})


class Change(msgspec.Struct, frozen=True):
    """What a registration meant to the profile."""

    events: tuple[Event, ...]
    """System events, in order."""
    arrived: tuple[str, ...] = ()
    """Runs in flight that came with the profile that became part of it, oldest first."""
    segments: tuple[str, ...] = ()
    """Those that it has got from that one, or with the registration."""
    notes: tuple[str, ...] = ()
    """What of the registration was not done, and why."""


class Belongings(msgspec.Struct, frozen=True):
    """What a profile brings that becomes part of another."""

    profile: Profile
    runs: tuple[Kept, ...]
    """Failed, which may be retried; ended with an open goal; in flight, oldest first."""
    memory: tuple[EntryMemory, ...]


def ensure_profile(ledger: Ledger, person: Person, now: int) -> Profile:
    """The profile; made if it is new."""
    profile = ledger.profiles.get(person)
    if profile is None:
        profile = Profile(person[1], created=now)
        ledger.profiles.put(person, profile)
    return profile


def registration(before: Subscriber | None, put: SubscriberPut, entry: str, received: int, now: int) -> Joined:
    """What a registration makes of a subscriber: its row, and whose it is. Nothing is booked."""
    profile, had = _profile_of(put, before), before.facts if before else {}
    subscriber = Subscriber(
        put.device_token_hash,
        profile,
        put.endpoint,
        put.p256dh,
        put.auth,
        created=before.created if before else now,
        last_active=max(now, before.last_active) if before else now,
        facts={**had, **new_facts(had, put.facts)[0]},
        provider=put.provider,
        vapid=put.vapid,
        logouts=before.logouts if before else 0,
    )
    is_new = before is None or not before.active
    joins = put.profile_id is not None and (before is None or before.profile != profile)
    return Joined(put, entry, received, subscriber, is_new, joins)


def identification(before: Subscriber, profile_id: str, entry: str, received: int) -> Joined:
    """A subscriber that is known joins a named profile."""
    put = SubscriberPut(before.device_token_hash, before.endpoint, before.p256dh, before.auth, profile_id)
    subscriber = msgspec.structs.replace(before, profile=named_profile(profile_id))
    return Joined(put, entry, received, subscriber, joins=True, registered=False)


def _profile_of(put: SubscriberPut, before: Subscriber | None) -> str:
    if put.profile_id is not None:
        return named_profile(put.profile_id)
    if before is not None:
        return before.profile
    return put.follows or anonymous_profile(put.device_token_hash)


def is_own(subscriber: Subscriber) -> bool:
    """Whether a subscriber belongs to an anonymous profile that was made for it."""
    return is_anonymous(subscriber.profile) and lone_subscriber(subscriber.profile) == subscriber.device_token_hash


def renew(ledger: Ledger, person: Person, now: int) -> None:
    """An anonymous profile is some subscriber's from now on: it must not be what has become part of another when it was somebody's."""
    profile = ledger.profiles.get(person)
    if profile is None or profile.merged is not None:
        ledger.profiles.put(person, Profile(person[1], created=now))


def merges(before: Subscriber | None, joined: Joined) -> bool:
    """Whether the subscriber's anonymous profile becomes part of the one that it joins."""
    return before is not None and joined.joins and is_anonymous(before.profile)


def join(
    ledger: Ledger,
    site: int,
    joined: Joined,
    brought: Belongings | None,
    now: int,
    came_before: Mapping[str, Scalar] = NOTHING,
    dynamic: Collection[str] = (),
) -> Change:
    """Apply a registration to its profile: what is brought becomes part of it, then come attributes and the subscription.

    Of one that comes in parts, each does all of that, for runs that come with it may go on at once; the last tells of it.
    `came_before`: attributes that earlier parts have brought; `dynamic`: segments whose conditions say who is in them.
    """
    put, subscriber = joined.put, joined.subscriber
    person = (site, subscriber.profile)
    had = ensure_profile(ledger, person, now)
    arrived = () if brought is None else absorb(ledger, person, brought, now, dynamic)
    got = ensure_profile(ledger, person, now)
    change = made(got, ProfileChange(set=put.attributes, enter=put.segments), dynamic)
    if change.profile is not got:
        ledger.profiles.put(person, change.profile)
    ledger.put_subscriber(site, subscriber)
    segments = tuple(segment for segment in change.profile.segments if segment not in had.segments)
    if joined.is_part:
        return Change((), arrived, segments)
    gained = {name: value for name, value in got.attributes.items() if name not in had.attributes or came_before.get(name) == value}
    got_told = {name: value for name, value in put.attributes.items() if is_same(change.profile.attributes.get(name), value)}
    notices: list[tuple[str, Mapping[str, Scalar]]] = []
    if joined.registered:
        notices.append((SUBSCRIBER_ADDED if joined.is_new else SUBSCRIBER_UPDATED, got_told))
    if joined.joins:
        notices.append((IDENTIFIED, {**gained, **got_told}))
    events = tuple(
        about_subscriber(joined.entry, name, put.device_token_hash, subscriber.facts, joined.received, told=told) for name, told in notices
    )
    return Change(events, arrived, segments, change.notes)


def remove(ledger: Ledger, site: int, device_token_hash: str, endpoint: str | None, cause: str, received: int, hops: int) -> Event | None:
    """A push service says that a subscription is gone; without `endpoint`, the one that is known.

    Returns the system event about it; None: it is unknown, or gone already, or was registered anew since.
    """
    subscriber = ledger.subscribers.get((site, device_token_hash))
    if subscriber is None or not subscriber.active or endpoint not in (None, subscriber.endpoint):
        return None
    ledger.put_subscriber(site, msgspec.structs.replace(subscriber, active=False))
    return about_subscriber(cause, SUBSCRIBER_REMOVED, device_token_hash, subscriber.facts, received, hops)


# -- two profiles become one -----------------------------------------------------------------------------------------


def give_up(ledger: Ledger, source: Person, named: str, now: int) -> Belongings:
    """An anonymous profile becomes part of a named one: what it brings. What is left of it says whose part it is now.

    Runs in flight, ended ones whose goal is open, and failed ones, which may be retried.
    """
    profile = ensure_profile(ledger, source, now)
    ledger.profiles.put(source, msgspec.structs.replace(profile, merged=named, recheck=None, offered=()))
    failed = ledger.failed_of(source)
    aiming = [
        kept
        for kept in ledger.aiming_of(source)
        if kept.run.status != WAITING and kept.run.goal_until is not None and kept.run.goal_until >= now
    ]
    runs = {kept.run.id: kept for kept in (*failed, *aiming, *ledger.runs_of(source))}
    return Belongings(profile, tuple(runs.values()), tuple(ledger.memory_of(source)))


def carry(ledger: Ledger, brought: Belongings, heard: Callable[[Run], int]) -> list[Carried]:
    """Send a profile's belongings to another partition, in parts where they are much: the runs are no longer here.

    `heard` gives the number of the last directive for a run.
    """
    rows = [row_from_run(kept) for kept in brought.runs]
    for row in rows:
        ledger.runs.remove(row.id)
    numbers = {kept.run.workflow: heard(kept.run) for kept in brought.runs}
    runs = _in_parts(rows)
    memory = [list(brought.memory[start : start + MOST_MEMORY]) for start in range(0, len(brought.memory), MOST_MEMORY)]
    last = max(len(runs), len(memory), 1) - 1
    nobody = Profile(brought.profile.key, created=brought.profile.created)
    parts = []
    for place in range(last + 1):
        going = runs[place] if place < len(runs) else []
        starts = memory[place] if place < len(memory) else []
        profile = nobody if place else brought.profile  # first: what runs go by has to be there when they come
        came_before = brought.profile.attributes if 0 < place == last else {}
        parts.append(Carried(profile, going, starts, {row.workflow: numbers[row.workflow] for row in going}, came_before))
    return parts


def _in_parts(rows: Iterable[RunRow]) -> list[list[RunRow]]:
    parts: list[list[RunRow]] = []
    room = 0
    for row in rows:
        room -= len(bytes(row.state))
        if room < 0:
            parts.append([])
            room = LARGEST_PART - len(bytes(row.state))
        parts[-1].append(row)
    return parts


def unpack(carried: Carried) -> Belongings:
    """Belongings that have come from another partition."""
    return Belongings(carried.profile, tuple(run_from_row(row) for row in carried.runs), tuple(carried.memory))


def absorb(ledger: Ledger, target: Person, brought: Belongings, now: int, dynamic: Collection[str] = ()) -> tuple[str, ...]:
    """Attributes (the target's win), segments, caps, memory and runs become the target's. Returns the runs in flight that came.

    Segments that are `dynamic` do not come along: their conditions are tested.
    """
    gone, kept = brought.profile, ensure_profile(ledger, target, now)
    ledger.profiles.put(
        target,
        msgspec.structs.replace(
            kept,
            attributes={**gone.attributes, **kept.attributes},
            segments=tuple(sorted({*kept.segments, *(segment for segment in gone.segments if segment not in dynamic)})),
            created=min(gone.created, kept.created),
            pushed=_join_pushed(gone.pushed, kept.pushed),
        ),
    )
    _join_memory(ledger, brought.memory, target)
    for one in brought.runs:
        ledger.put_run(_given_to(one.run, target[1]), held=one.held)
    return tuple(one.run.id for one in brought.runs if one.run.status == WAITING)


def _join_pushed(one: dict[str, tuple[int, ...]], other: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """What both have been sent counts; no cap needs to know of more than the latest."""
    return {name: tuple(sorted((*one.get(name, ()), *other.get(name, ()))))[-MOST_PUSHES:] for name in sorted({*one, *other})}


def _given_to(run: Run, profile: str) -> Run:
    """The run, of another profile; who entered it is not forgotten, for splits."""
    return msgspec.structs.replace(run, profile=profile, entrant=run.entrant or run.profile)


def _join_memory(ledger: Ledger, brought: Collection[EntryMemory], target: Person) -> None:
    """The later start of the two counts."""
    for memory in brought:
        key = (memory.site, memory.workflow, target[1], memory.key)
        rival = ledger.last_start(key)
        if rival is None or rival.started < memory.started:
            ledger.memory.put(key, EntryMemory(memory.site, memory.workflow, target[1], memory.key, memory.started, memory.run))


def rivals(ledger: Ledger, person: Person, arrived: Collection[str], parallel: Callable[[Run], bool]) -> tuple[str, ...]:
    """The younger one where a run that has arrived meets one of the same workflow and key.

    `parallel` says of a run whether its workflow lets runs of one profile and key stand side by side.
    """
    exiting: list[str] = []
    in_flight = ledger.runs_of(person)
    oldest = {(kept.run.workflow, kept.run.key): kept for kept in reversed(in_flight) if kept.run.id not in arrived}
    for kept in in_flight:
        if kept.run.id not in arrived:
            continue
        place = (kept.run.workflow, kept.run.key)
        rival = oldest.get(place)
        if rival is None or parallel(kept.run):
            continue
        oldest[place], younger = sorted((rival, kept), key=lambda one: (one.run.started, one.run.id))
        exiting.append(younger.run.id)
    return tuple(exiting)
