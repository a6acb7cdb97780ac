"""Who is who: subscribers come, join profiles, and go (semantics §1)."""

from collections.abc import Callable, Mapping

import msgspec

from clarion.domain.ids import PROFILE_ANONYMOUS, anonymous_profile, named_profile
from clarion.domain.records import Event, Profile, Scalar, Subscriber
from clarion.domain.system_events import IDENTIFIED, SUBSCRIBER_ADDED, SUBSCRIBER_REMOVED, SUBSCRIBER_UPDATED
from clarion.engine.ledger import Kept, Ledger, Person
from clarion.engine.notices import about_subscriber
from clarion.store.records.bodies import SubscriberPut
from clarion.store.records.runs import EntryMemory
from clarion.workflow.run import WAITING, Run
from clarion.workflow.settings import MOST_PUSHES


class Change(msgspec.Struct, frozen=True):
    """What registering or removing a subscriber led to."""

    profile: str
    """Key of the profile that the subscriber belongs to now."""
    events: tuple[Event, ...]
    """System events, in order."""
    merged: tuple[str, ...] = ()
    """Runs that have to end because two profiles became one."""
    segments: tuple[str, ...] = ()
    """Those that the profile has got from the one that became part of it."""


def ensure_profile(ledger: Ledger, person: Person, now: int) -> Profile:
    """The profile; made if it is new."""
    profile = ledger.profiles.get(person)
    if profile is None:
        profile = Profile(person[1], created=now)
        ledger.profiles.put(person, profile)
    return profile


def register(
    ledger: Ledger, site: int, put: SubscriberPut, entry: str, received: int, now: int, *, parallel: Callable[[Run], bool]
) -> Change:
    """Apply a registration: keep the subscription, join its profile, merge an anonymous one into a named one.

    `parallel` says of a run whether its workflow lets runs of one profile and key stand side by side.
    """
    before = ledger.subscribers.get((site, put.device_token_hash))
    profile = _profile_of(put, before)
    merged: tuple[str, ...] = ()
    had = ensure_profile(ledger, (site, profile), now)
    joined = put.profile_id is not None and (before is None or before.profile != profile)
    if before is not None and joined and before.profile.startswith(PROFILE_ANONYMOUS):
        merged = merge(ledger, site, before.profile, profile, now, parallel=parallel)
    got = ensure_profile(ledger, (site, profile), now)
    if put.attributes:
        ledger.profiles.put((site, profile), msgspec.structs.replace(got, attributes={**got.attributes, **put.attributes}))
    subscriber = Subscriber(
        put.device_token_hash,
        profile,
        put.endpoint,
        put.p256dh,
        put.auth,
        created=before.created if before else now,
        last_active=now,
        facts={**(before.facts if before else {}), **put.facts},
    )
    ledger.put_subscriber(site, subscriber)
    gained = {name: value for name, value in got.attributes.items() if name not in had.attributes}
    name = SUBSCRIBER_ADDED if before is None or not before.active else SUBSCRIBER_UPDATED
    notices: list[tuple[str, Mapping[str, Scalar]]] = [(name, put.attributes)]
    if joined:
        notices.append((IDENTIFIED, {**gained, **put.attributes}))
    events = tuple(about_subscriber(entry, name, put.device_token_hash, subscriber.facts, received, told=told) for name, told in notices)
    return Change(profile, events, merged, tuple(segment for segment in got.segments if segment not in had.segments))


def _profile_of(put: SubscriberPut, before: Subscriber | None) -> str:
    if put.profile_id is not None:
        return named_profile(put.profile_id)
    return before.profile if before is not None else anonymous_profile(put.device_token_hash)


def remove(ledger: Ledger, site: int, device_token_hash: str, cause: str, received: int, hops: int) -> Change | None:
    """A push service says that the subscription is gone; None if the subscriber is unknown or gone already."""
    subscriber = ledger.subscribers.get((site, device_token_hash))
    if subscriber is None or not subscriber.active:
        return None
    ledger.put_subscriber(site, msgspec.structs.replace(subscriber, active=False))
    return Change(subscriber.profile, (about_subscriber(cause, SUBSCRIBER_REMOVED, device_token_hash, subscriber.facts, received, hops),))


def merge(ledger: Ledger, site: int, anonymous: str, named: str, now: int, *, parallel: Callable[[Run], bool]) -> tuple[str, ...]:
    """An anonymous profile becomes part of a named one: attributes (the named one wins), segments, runs, memory of entries, caps and goals.

    Returns the runs that have to end: where both have a run of the same workflow and key, the older stays.
    """
    source, target = (site, anonymous), (site, named)
    gone, kept = ledger.profiles.get(source), ensure_profile(ledger, target, now)
    if gone is not None:
        ledger.profiles.put(
            target,
            msgspec.structs.replace(
                kept,
                attributes={**gone.attributes, **kept.attributes},
                segments=tuple(sorted({*gone.segments, *kept.segments})),
                created=min(gone.created, kept.created),
                pushed=_join_pushed(gone.pushed, kept.pushed),
            ),
        )
    _join_memory(ledger, source, target)
    return _move_runs(ledger, source, target, now, parallel)


def _join_pushed(one: dict[str, tuple[int, ...]], other: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """What both have been sent counts; no cap needs to know of more than the latest."""
    return {name: tuple(sorted((*one.get(name, ()), *other.get(name, ()))))[-MOST_PUSHES:] for name in sorted({*one, *other})}


def _move_runs(ledger: Ledger, source: Person, target: Person, now: int, parallel: Callable[[Run], bool]) -> tuple[str, ...]:
    """Runs in flight, ended ones whose goal is open, and failed ones, which may be retried, become the target's.

    Returns the younger one where both have a run of the same workflow and key.
    """
    exiting: list[str] = []
    oldest = {(kept.run.workflow, kept.run.key): kept for kept in reversed(ledger.runs_of(target))}
    in_flight = ledger.runs_of(source)
    for kept in ledger.failed_of(source):
        ledger.put_run(_given_to(kept.run, target[1]))
    for kept in ledger.aiming_of(source):
        if kept.run.status != WAITING and kept.run.goal_until is not None and kept.run.goal_until >= now:
            ledger.put_run(_given_to(kept.run, target[1]))
    for kept in in_flight:
        moving = Kept(_given_to(kept.run, target[1]), kept.held)
        ledger.put_run(moving.run, held=moving.held)
        place = (moving.run.workflow, moving.run.key)
        rival = oldest.get(place)
        if rival is None or parallel(moving.run):
            continue
        oldest[place], younger = sorted((rival, moving), key=lambda one: (one.run.started, one.run.id))
        exiting.append(younger.run.id)
    return tuple(exiting)


def _given_to(run: Run, profile: str) -> Run:
    """The run, of another profile; who entered it is not forgotten, for splits."""
    return msgspec.structs.replace(run, profile=profile, entrant=run.entrant or run.profile)


def _join_memory(ledger: Ledger, source: Person, target: Person) -> None:
    """The later start of the two counts."""
    for memory in ledger.memory_of(source):
        key = (memory.site, memory.workflow, target[1], memory.key)
        rival = ledger.last_start(key)
        if rival is None or rival.started < memory.started:
            ledger.memory.put(key, EntryMemory(memory.site, memory.workflow, target[1], memory.key, memory.started, memory.run))
