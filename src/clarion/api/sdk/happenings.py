"""`goals`, `trigger` and `alerts`: events in forms of their own."""

from clarion.api.sdk.call import Call
from clarion.contract.sdk.answers import DONE, triggered
from clarion.contract.sdk.happenings import Happening, read_alert, read_goal, read_trigger
from clarion.intake import entry_from
from clarion.store.records.entries import NewEntry


async def goal(call: Call) -> bytes:
    """A goal is an event of its name."""
    await _happen(call, read_goal(await call.body()))
    return DONE


async def trigger(call: Call) -> bytes:
    """A trigger is an event whose data says of which campaign."""
    entry = await _happen(call, read_trigger(await call.body()))
    return triggered(entry.id, entry.partition)


async def alert(call: Call) -> bytes:
    """An alert is an event called `alert`."""
    await _happen(call, read_alert(await call.body()))
    return DONE


async def _happen(call: Call, given: Happening) -> NewEntry:
    site = await call.change(given.site, given.device_token_hash, given.event.profile_id)
    shared = call.shared
    entry = entry_from(given.event, site.id, shared.clock(), shared.new_id(), shared.store.partitions)
    await call.append([entry])
    shared.metrics.taking.from_sdks += 1
    return entry
