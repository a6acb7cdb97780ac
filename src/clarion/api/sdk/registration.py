"""`subscriber/add` and `subscriber/upgrade`: a subscription becomes a subscriber, or takes the place of another."""

from collections.abc import Iterable

import msgspec

from clarion.api.sdk.call import Call
from clarion.contract.errors import Detail, invalid, success
from clarion.contract.sdk.answers import DONE
from clarion.contract.sdk.changes import read_upgrade
from clarion.contract.sdk.registration import Address, read_registration
from clarion.delivery.webpush import BadSubscription, check_subscription
from clarion.domain.records import WEBPUSH
from clarion.store.port import NotFound
from clarion.store.records.bodies import SubscriberChange, SubscriberPut
from clarion.store.records.sites import Site


async def add(call: Call) -> bytes:
    """Register; the same subscription again gives the same hash."""
    given = read_registration(await call.body())
    site = await call.enter(given.site)
    call.open()
    hashed = call.shared.directory.device_token_hash(site.id, given.address.unique)
    call.desk.meter_subscriber(site.id, hashed)
    number = judge_address(call, site, given.address, given.vapid_public_key)
    follows = None if given.previous in (None, hashed) else await _profile_of(call, site, str(given.previous))
    if given.profile_id is not None and not await _has(call, site, (hashed, given.previous), given.profile_id):
        call.vouch(site, given.profile_id, given.signature)
    entries = call.entries(site)
    put = SubscriberPut(
        hashed,
        given.address.endpoint,
        given.address.p256dh,
        given.address.auth,
        given.profile_id,
        dict(given.attributes),
        dict(given.facts),
        given.address.provider,
        number,
        follows,
    )
    made = [entries.put(put)]
    if given.muted:
        made.append(entries.device(SubscriberChange(hashed, "unsubscribe")))
    if follows is not None:
        made.append(entries.device(SubscriberChange(str(given.previous), "unsubscribe")))
    await call.append(made)
    people = call.desk.people
    people.tell(site.id, hashed, given.profile_id)
    await people.settle(call.shared.store, site.id, hashed, given.profile_id)
    return success({"subscriber_hash": hashed})


async def upgrade(call: Call) -> bytes:
    """The push service has given the device another token: the subscriber stays who it is."""
    whom, address = read_upgrade(await call.body())
    site = await call.change(whom.site, whom.device_token_hash)
    number = judge_address(call, site, address, None)
    await call.append([call.entries(site).put(moved(whom.device_token_hash, address, number, {}))])
    return DONE


def moved(device_token_hash: str, address: Address, number: int, facts: dict[str, str]) -> SubscriberPut:
    """A known subscriber gets its pushes elsewhere."""
    put = SubscriberPut(device_token_hash, address.endpoint, address.p256dh, address.auth, facts=dict(facts), vapid=number)
    return msgspec.structs.replace(put, provider=address.provider)


def judge_address(call: Call, site: Site, address: Address, vapid_public_key: str | None) -> int:
    """Number of the VAPID key of a subscription, 0 for a token; what the pure contract cannot see is judged here. Raises Refusal (400)."""
    if address.provider != WEBPUSH:
        return 0
    details = []
    refused = call.shared.push_hosts.refuses(address.endpoint)
    if refused is not None:
        details.append(Detail(f"endpoint is not allowed: {refused}", ("subscription", "endpoint")))
    try:
        check_subscription(address.p256dh, address.auth)
    except BadSubscription as error:
        details.append(Detail(str(error), ("subscription", "keys", "p256dh")))
    number: int | None = site.vapid
    if vapid_public_key is not None:
        number = call.shared.directory.vapid_number(site.id, vapid_public_key)
    if number is None:
        details.append(Detail("vapid_public_key is no key of the site: subscribe with the one that sync gives", ("vapid_public_key",)))
    if details or number is None:
        raise invalid(*details)
    return number


async def _has(call: Call, site: Site, hashes: Iterable[str | None], profile_id: str) -> bool:
    """Whether one of the subscribers, of which the caller knows the hashes, belongs to the profile: then nobody need vouch for it."""
    people, store = call.desk.people, call.shared.store
    return any([await people.owns(store, site.id, hashed, profile_id) for hashed in hashes if hashed is not None])


async def _profile_of(call: Call, site: Site, device_token_hash: str) -> str | None:
    """Key of the profile of a subscriber whose place is taken; None for one that is not known: then there is nothing to take."""
    try:
        return await call.shared.store.subscriber_profile(site.id, device_token_hash)
    except NotFound:
        return None
