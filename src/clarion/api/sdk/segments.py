"""`subscriber/segments/…` and `subscriber/dynamicSegments/…`: into segments and out of them."""

from clarion.api.sdk.call import Call
from clarion.contract.errors import Detail, invalid
from clarion.contract.sdk.answers import DONE
from clarion.contract.sdk.changes import Segments, read_segments, read_segments_with_durations
from clarion.store.records.bodies import ProfileChange


async def add(call: Call) -> bytes:
    """Into segments."""
    given = read_segments(await call.body())
    return await _change(call, given, ProfileChange(enter=given.names))


async def add_for_a_while(call: Call) -> bytes:
    """Into segments. Nothing ends a membership by itself: a workflow does, which waits and takes the profile out."""
    given = read_segments_with_durations(await call.body())
    return await _change(call, given, ProfileChange(enter=given.names))


async def remove(call: Call) -> bytes:
    """Out of segments."""
    given = read_segments(await call.body())
    return await _change(call, given, ProfileChange(leave=given.names))


async def add_by_id(call: Call) -> bytes:
    """Segments have names here and no numbers: an app that knows one by its number has to be told its name."""
    raise invalid(Detail("segment_id is not known here: use subscriber/segments/add with the segment's name", ("segment_id",)))


async def _change(call: Call, given: Segments, change: ProfileChange) -> bytes:
    hashed = given.device_token_hash or ""
    if given.token is not None:
        site = await call.enter(given.site)
        hashed = call.shared.directory.device_token_hash(site.id, given.token.unique)
        call.desk.meter_subscriber(site.id, hashed)
        call.open()
        await call.desk.people.check(call.shared.store, site.id, hashed)
    else:
        site = await call.change(given.site, hashed)
    await call.append([call.entries(site).profile(hashed, change)])
    return DONE
