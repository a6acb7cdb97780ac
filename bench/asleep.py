"""One run that falls asleep: what sleeping runs by the million are copies of."""

from typing import Final

import msgspec

from bench.engine import WatchedStore, owned
from clarion.clock import wall_clock
from clarion.domain.ids import partition_of
from clarion.domain.records import Event
from clarion.fresh_ids import fresh_id
from clarion.store.records.entries import EntryKind, NewEntry

PROFILE: Final = "sleeper"
"""Whose run it is."""
STEPS: Final = {
    "exit": "exit: {reason: awake}",
    "http": 'http: {url: "http://127.0.0.1:9/hook", body: {text: "{{ name || Somebody }} is awake."}}',
}
"""The last step, by kind: the least there is, and one that leaves a delivery behind."""

_DOCUMENT: Final = """
workflow: sleepers
start:
  on: [{event: fall_asleep}]
steps:
  - id: sleep
    wait: {for: 1h}
  - id: last
    @LAST@
"""
_EVENT: Final = "fall_asleep"
_SECONDS: Final = 60.0


def sleeping(step: str) -> str:
    """The workflow whose runs sleep for an hour before their last step, of this kind."""
    return _DOCUMENT.replace("@LAST@", STEPS[step])


async def fall_asleep(store: WatchedStore, site: int) -> None:
    """Have the engine start the run, on a site that has the workflow. Raises TimeoutError."""
    now, id = wall_clock(), fresh_id()
    event = Event(id=id, name=_EVENT, profile_id=PROFILE, received=now)
    home = partition_of(site, PROFILE, store.partitions)
    async with owned(store):
        goal = store.seen.moved + 1
        await store.append([NewEntry(EntryKind.EVENT, site, id, msgspec.json.encode(event), now, home)])
        await store.seen.until(lambda: store.seen.moved >= goal, _SECONDS)
