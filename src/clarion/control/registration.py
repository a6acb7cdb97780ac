"""Subscriptions that are registered: of browsers and mobile devices, one at a time or by an import."""

from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from clarion.contract.subscriber import SubscriberRequest
from clarion.control.errors import Invalid
from clarion.control.people_entries import device_entry, registration_entry
from clarion.domain.records import WEBPUSH
from clarion.store.port import NotFound, Store
from clarion.store.records.bodies import SubscriberChange, SubscriberPut
from clarion.store.records.entries import IdempotencyClaim, NewEntry
from clarion.store.records.sites import Site

_UNKNOWN_KEY: Final = "vapid_public_key is none that this site has or had"


class Issuer(Protocol):
    """What gives hashes to subscriptions and knows the site's VAPID keys: `clarion.directory.Directory`."""

    def device_token_hash(self, site: int, endpoint: str) -> str:
        """The hash of a subscription; always the same."""

    def vapid_number(self, site: int, public: str) -> int | None:
        """Number of the pair with this public key; None where the site never had it."""


async def register(store: Store, issuer: Issuer, site: Site, given: SubscriberRequest, now: int, new_id: Callable[[], str]) -> str:
    """Have a subscription registered, for the first time or again, and return its `device_token_hash`.

    With `previous` it takes that subscriber's place: it belongs to the same profile, and the other one gets no more pushes; all of that is
    one commit. Raises Invalid for a VAPID key that the site never had.
    """
    put = registered(issuer, site, given)
    previous = given.previous if given.previous != put.device_token_hash else None
    entries: list[NewEntry] = []
    if previous is not None:
        try:
            put = _following(put, await store.subscriber_profile(site.id, previous))
        except NotFound:
            pass  # it was forgotten, or never came: there is no place to take
        else:
            entries.append(device_entry(store, site, SubscriberChange(previous, "unsubscribe"), now, new_id()))
    await store.append([registration_entry(store, site, put, now, new_id()), *entries])
    return put.device_token_hash


def registered(issuer: Issuer, site: Site, given: SubscriberRequest) -> SubscriberPut:
    """The body of the entry that a registration is, without its `previous`. Raises Invalid."""
    number = 0
    if given.provider == WEBPUSH:
        found = site.vapid if given.vapid_public_key is None else issuer.vapid_number(site.id, given.vapid_public_key)
        if found is None:
            raise Invalid("vapid_public_key", _UNKNOWN_KEY)
        number = found
    address = given.endpoint if given.provider == WEBPUSH else f"{given.provider}:{given.endpoint}"
    return SubscriberPut(
        given.device_token_hash or issuer.device_token_hash(site.id, address),
        given.endpoint,
        given.p256dh,
        given.auth,
        given.profile_id,
        dict(given.attributes),
        dict(given.facts),
        given.provider,
        number,
        None,
        given.segments,
    )


def imported(store: Store, issuer: Issuer, site: Site, given: SubscriberRequest, now: int, id: str, claim: IdempotencyClaim) -> NewEntry:
    """The entry of a registration that an import brings. Raises Invalid."""
    return registration_entry(store, site, registered(issuer, site, given), now, id, claim)


def _following(put: SubscriberPut, profile: str) -> SubscriberPut:
    return msgspec.structs.replace(put, follows=profile)
