"""`subscriber/…`: reading a subscriber, and changing what is known of it."""

from datetime import UTC, datetime
from typing import Any, Final

from clarion.api.sdk.call import Call
from clarion.api.sdk.people import NOBODY, profile_of
from clarion.api.sdk.registration import judge_address, moved
from clarion.clock import SECOND
from clarion.contract.errors import success
from clarion.contract.limits import IDENTITY_CHARACTERS
from clarion.contract.sdk.answers import DONE
from clarion.contract.sdk.changes import PERSONAL, read_names, read_status, read_timezone, read_update
from clarion.contract.sdk.refusals import unknown_subscriber
from clarion.domain.ids import public_profile_id
from clarion.domain.records import APNS, FCM, WEBPUSH
from clarion.store.records.bodies import ProfileChange, SubscriberChange
from clarion.store.records.entries import NewEntry
from clarion.store.records.sites import Site

SIGNATURE_HEADER: Final = "x-profile-signature"
TRIGGERS: Final = "triggers_enabled"
"""Attribute of the profile that says whether it wants triggered campaigns: workflows can have it in their audience."""
_DEVICE_TYPES: Final = {WEBPUSH: "web", FCM: "android", APNS: "ios"}


async def check(call: Call) -> bytes:
    """Whether there is such a subscriber, and pushes go to it."""
    site, hashed = await _named(call)
    found = await call.desk.people.find(call.shared.store, site.id, hashed)
    data: dict[str, Any] = {"subscribed": found.active}
    if found.provider != WEBPUSH:  # an app compares it with the token that it has
        data["gateway_endpoint"] = found.endpoint
    return success(data)


async def show(call: Call) -> bytes:
    """What is known of a subscriber; of a named profile only with its signature (semantics §1)."""
    site, hashed = await _named(call)
    found = await call.desk.people.find(call.shared.store, site.id, hashed)
    profile = await profile_of(call.shared.store, site.id, found)
    data: dict[str, Any] = {
        **found.facts,
        "device_token_hash": hashed,
        "device_type": _DEVICE_TYPES[found.provider],
        "subscribed": found.active,
        "ts_created": datetime.fromtimestamp(found.created / SECOND, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    if may_read(call, site, found.profile):
        data["segments"] = profile.segments
        data["attributes"] = profile.attributes
        data["profile_id"] = public_profile_id(found.profile)
    fields = {name.strip() for text in call.request.query_params.getlist("fields") for name in text.split(",")} - {""}
    return success({name: value for name, value in data.items() if name in fields} if fields else data)


def may_read(call: Call, site: Site, profile: str) -> bool:
    """Whether attributes and segments of a profile, by its key, may be told."""
    profile_id = public_profile_id(profile)
    return profile_id is None or call.vouched(site, profile_id, call.request.headers.get(SIGNATURE_HEADER))


async def update(call: Call) -> bytes:
    """Facts, a new subscription, a `profile_id`, and the fields of `identify`, in one."""
    given = read_update(await call.body())
    hashed = hash_in_path(call)
    site = await call.change(given.site, hashed)
    entries, people = call.entries(site), call.desk.people
    made: list[NewEntry] = []
    if given.address is not None:
        number = judge_address(call, site, given.address, None)
        made.append(entries.put(moved(hashed, given.address, number, given.facts)))
    elif given.facts:
        made.append(entries.device(SubscriberChange(hashed, "update", facts=dict(given.facts))))
    joins = given.profile_id is not None and not await people.owns(call.shared.store, site.id, hashed, given.profile_id)
    if given.profile_id is not None and joins:
        call.vouch(site, given.profile_id, given.signature)
        made.append(entries.device(SubscriberChange(hashed, "identify", given.profile_id)))
    if given.attributes:
        made.append(entries.profile(hashed, ProfileChange(set=dict(given.attributes))))
    if given.muted:
        made.append(entries.device(SubscriberChange(hashed, "unsubscribe")))
    await call.append(made)
    if joins:
        people.tell(site.id, hashed, given.profile_id)
        await people.settle(call.shared.store, site.id, hashed, given.profile_id)
    return DONE


async def remove_fields(call: Call) -> bytes:
    """`logout` of the mobile SDKs: with `profile_id` among the fields, or none at all, the person has gone.

    What is kept of a person stays theirs then. Without it, attributes are removed.
    """
    names = read_names(await call.body())
    hashed = hash_in_path(call)
    site = await call.change(None, hashed)
    entries = call.entries(site)
    if not names or "profile_id" in names:
        await call.append([entries.device(SubscriberChange(hashed, "logout"))])
        call.desk.people.tell(site.id, hashed, NOBODY)
        return DONE
    removed = tuple(name for name in names if name in PERSONAL)
    await call.append([entries.profile(hashed, ProfileChange(remove=removed))] if removed else [])
    return DONE


async def set_status(call: Call) -> bytes:
    """Pushes no more, or again."""
    whom, unsubscribed = read_status(await call.body(), "IsUnSubscribed")
    site = await call.change(whom.site, whom.device_token_hash)
    change = SubscriberChange(whom.device_token_hash, "unsubscribe" if unsubscribed else "subscribe")
    await call.append([call.entries(site).device(change)])
    return DONE


async def set_trigger_status(call: Call) -> bytes:
    """Whether the person wants triggered campaigns becomes an attribute."""
    whom, enabled = read_status(await call.body(), "triggerStatus")
    site = await call.change(whom.site, whom.device_token_hash)
    await call.append([call.entries(site).profile(whom.device_token_hash, ProfileChange(set={TRIGGERS: enabled}))])
    return DONE


async def set_timezone(call: Call) -> bytes:
    """The device has another time zone."""
    whom, facts = read_timezone(await call.body())
    site = await call.change(whom.site, whom.device_token_hash)
    change = SubscriberChange(whom.device_token_hash, "update", facts=dict(facts))
    await call.append([call.entries(site).device(change)] if facts else [])
    return DONE


def hash_in_path(call: Call) -> str:
    """The subscriber that the address names; older iOS SDKs put a slash behind it. Raises Refusal (404) for what can be no hash."""
    hashed: str = call.request.path_params["device_token_hash"].removesuffix("/")
    if len(hashed) > IDENTITY_CHARACTERS:  # nothing of it is to be kept, not even that it was counted
        raise unknown_subscriber()
    return hashed


async def _named(call: Call) -> tuple[Site, str]:
    hashed = hash_in_path(call)
    return await call.enter(None, hashed), hashed
