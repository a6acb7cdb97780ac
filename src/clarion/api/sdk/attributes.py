"""`subscriber/{hash}/attributes`: those of the profile that the subscriber belongs to."""

from clarion.api.sdk.call import Call
from clarion.api.sdk.people import profile_of
from clarion.api.sdk.subscribers import hash_in_path, may_read
from clarion.contract.errors import success
from clarion.contract.sdk.answers import DONE
from clarion.contract.sdk.changes import read_attributes, read_names
from clarion.contract.sdk.refusals import signature_refused
from clarion.store.records.bodies import ProfileChange


async def show(call: Call) -> bytes:
    """All of them; of a named profile only with its signature."""
    hashed = hash_in_path(call)
    site = await call.enter(None, hashed)
    found = await call.desk.people.find(call.shared.store, site.id, hashed)
    if not may_read(call, site, found.profile):
        raise signature_refused()
    return success((await profile_of(call.shared.store, site.id, found)).attributes)


async def add(call: Call) -> bytes:
    """Those that are named get these values."""
    return await _change(call, ProfileChange(set=read_attributes(await call.body())))


async def replace(call: Call) -> bytes:
    """Those that are named get these values, all others go."""
    return await _change(call, ProfileChange(set=read_attributes(await call.body()), replace=True))


async def remove(call: Call) -> bytes:
    """Those that are named go."""
    return await _change(call, ProfileChange(remove=read_names(await call.body())))


async def _change(call: Call, change: ProfileChange) -> bytes:
    hashed = hash_in_path(call)
    site = await call.change(None, hashed)
    is_change = change.replace or change.set or change.remove
    await call.append([call.entries(site).profile(hashed, change)] if is_change else [])
    return DONE
