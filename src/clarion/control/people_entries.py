"""The entries that tell the engine what becomes of subscribers and profiles, each for the partition that has to hear of it first."""

from collections.abc import Callable

import msgspec

from clarion.domain.ids import partition_of
from clarion.store.port import Store
from clarion.store.records.bodies import ProfileChange, SubscriberChange, SubscriberPut
from clarion.store.records.entries import EntryKind, IdempotencyClaim, NewEntry
from clarion.store.records.sites import Site

_encode = msgspec.json.Encoder().encode


def registration_entry(store: Store, site: Site, put: SubscriberPut, now: int, id: str, claim: IdempotencyClaim | None = None) -> NewEntry:
    """For the subscriber's home."""
    home = partition_of(site.id, put.device_token_hash, store.partitions)
    return NewEntry(EntryKind.SUBSCRIBER, site.id, id, _encode(put), now, home, claim)


def device_entry(store: Store, site: Site, change: SubscriberChange, now: int, id: str) -> NewEntry:
    """For the subscriber's home."""
    home = partition_of(site.id, change.device_token_hash, store.partitions)
    return NewEntry(EntryKind.DEVICE, site.id, id, _encode(change), now, home)


def profile_entry(store: Store, site: Site, change: ProfileChange, now: int, id: str, claim: IdempotencyClaim | None = None) -> NewEntry:
    """For the home of the `profile_id` if one is named, which decides, else for the subscriber's."""
    home = partition_of(site.id, change.profile_id or change.device_token_hash or "", store.partitions)
    return NewEntry(EntryKind.PROFILE, site.id, id, _encode(change), now, home, claim)


def everywhere(store: Store, site: Site, kind: EntryKind, body: object, now: int, new_id: Callable[[], str]) -> list[NewEntry]:
    """The same for every partition."""
    encoded = _encode(body)
    return [NewEntry(kind, site.id, new_id(), encoded, now, partition) for partition in range(store.partitions)]
