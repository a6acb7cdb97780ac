"""Subscribers: what is to become of one. The engine applies it in its order; each returns when its entry is durable."""

from collections.abc import Callable, Mapping
from typing import Final

from clarion.control.people_entries import device_entry
from clarion.domain.records import Subscriber
from clarion.store.port import NotFound, Store
from clarion.store.records.bodies import SubscriberChange
from clarion.store.records.sites import Site

CHANGES: Final = ("identify", "logout", "unsubscribe", "subscribe", "forget", "update")


async def find_subscriber(store: Store, site: Site, device_token_hash: str) -> Subscriber:
    """A subscriber as its home has it. Raises NotFound."""
    try:
        return await store.subscriber(site.id, device_token_hash)
    except NotFound:
        raise NotFound("there is no such subscriber — see: clarion subscribers list") from None


async def change_subscriber(
    store: Store,
    site: Site,
    device_token_hash: str,
    change: str,
    now: int,
    new_id: Callable[[], str],
    *,
    profile_id: str | None = None,
    facts: Mapping[str, str] | None = None,
) -> Subscriber:
    """Tell the engine what becomes of a subscriber, one of `CHANGES`. Returns it as it is known before that. Raises NotFound.

    `profile_id` goes with identify, `facts` with update.
    """
    before = await find_subscriber(store, site, device_token_hash)
    told = SubscriberChange(device_token_hash, change, profile_id, dict(facts or {}))
    await store.append([device_entry(store, site, told, now, new_id())])
    return before
