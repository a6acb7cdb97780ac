"""Profiles: what is to become of one. The engine applies it in its order; each returns when its entry is durable."""

from collections.abc import Callable, Collection

import msgspec

from clarion.control.errors import Conflict
from clarion.control.people_entries import device_entry, profile_entry
from clarion.control.subscribers import find_subscriber
from clarion.store.port import Store
from clarion.store.records.bodies import ProfileChange, SubscriberChange
from clarion.store.records.sites import Site


async def change_profile(store: Store, site: Site, change: ProfileChange, now: int, new_id: Callable[[], str]) -> None:
    """Tell the engine to change a profile; one that is named by its `profile_id` is made if it is new.

    One that is named by a subscriber is that subscriber's. Raises NotFound for an unknown subscriber, Conflict for a dynamic segment.
    """
    if change.profile_id is None:
        await find_subscriber(store, site, change.device_token_hash or "")
    await refuse_dynamic(store, site, (*change.enter, *change.leave))
    await store.append([profile_entry(store, site, change, now, new_id())])


async def merge(store: Store, site: Site, profile_id: str, device_token_hash: str, now: int, new_id: Callable[[], str]) -> None:
    """Have a subscriber join a profile; its anonymous profile becomes part of it (semantics §1). Raises NotFound."""
    await find_subscriber(store, site, device_token_hash)
    told = SubscriberChange(device_token_hash, "identify", profile_id)
    await store.append([device_entry(store, site, told, now, new_id())])


async def refuse_dynamic(store: Store, site: Site, segments: Collection[str]) -> None:
    """Raises Conflict if one of the segments is dynamic: nobody is put into it or taken out of it by hand."""
    if not segments:
        return
    rows = (await store.configuration()).segments
    dynamic = {row.segment for row in rows if row.site == site.id and row.condition is not None}
    for segment in segments:
        if segment in dynamic:
            raise Conflict(f"{segment[:64]} is a dynamic segment: its condition says who is in it — change that: clarion segments set")


def named(profile_id: str | None, device_token_hash: str | None) -> ProfileChange:
    """A change of nothing yet for whom these name."""
    return ProfileChange(profile_id, None if profile_id is not None else device_token_hash)


def with_attributes(change: ProfileChange, attributes: dict[str, str | int | float | bool], *, replace: bool) -> ProfileChange:
    """The change that adds attributes, or puts them in the place of all there are."""
    return msgspec.structs.replace(change, set=attributes, replace=replace)
