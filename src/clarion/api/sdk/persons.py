"""Whose a subscriber is: `subscriber/profile-id/add` and `subscriber/logout`."""

from clarion.api.sdk.call import Call
from clarion.api.sdk.people import NOBODY
from clarion.contract.sdk.answers import DONE
from clarion.contract.sdk.changes import read_identify, read_whom
from clarion.store.records.bodies import SubscriberChange


async def identify(call: Call) -> bytes:
    """The subscriber joins a profile, which needs its signature (semantics §1); the one that it has already needs none."""
    given = read_identify(await call.body())
    hashed, people = given.whom.device_token_hash, call.desk.people
    site = await call.change(given.whom.site, hashed)
    if await people.owns(call.shared.store, site.id, hashed, given.profile_id):
        return DONE
    call.vouch(site, given.profile_id, given.signature)
    await call.append([call.entries(site).device(SubscriberChange(hashed, "identify", given.profile_id))])
    people.tell(site.id, hashed, given.profile_id)
    await people.settle(call.shared.store, site.id, hashed, given.profile_id)
    return DONE


async def logout(call: Call) -> bytes:
    """The person has gone: the subscriber gets a new anonymous profile."""
    whom = read_whom(await call.body())
    site = await call.change(whom.site, whom.device_token_hash)
    await call.append([call.entries(site).device(SubscriberChange(whom.device_token_hash, "logout"))])
    call.desk.people.tell(site.id, whom.device_token_hash, NOBODY)
    return DONE
