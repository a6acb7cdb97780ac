"""With many partitions, on PostgreSQL: one file has the events of all, and each partition has its snapshots."""

import msgspec
from tests.retention.log import NOW, files, lines, manifests

from clarion.clock import HOUR
from clarion.config import Settings
from clarion.domain.records import Event, Profile
from clarion.retention import Retention
from clarion.store.port import Store
from clarion.store.records.commits import LogMove, Outcome
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.states import PartitionState

KEEP = 8 * HOUR


class Owners:
    """An owner for each partition."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._states: dict[int, PartitionState] = {}

    async def log(self, partition: int, at: int, *names: str) -> None:
        """Events in a partition's log."""
        state = self._states.get(partition) or await self._store.own(partition)
        bodies = [Event(f"{partition}-{name}", name, profile_id="ann") for name in names]
        await self._store.append([NewEntry(EntryKind.EVENT, 1, one.id, msgspec.json.encode(one), at, partition) for one in bodies])
        entries = (await self._store.take(partition, 100, 0, 0)).entries
        moved = [LogMove(one.position, state.sequence + place, at, "n:ann") for place, one in enumerate(entries, 1)]
        self._states[partition] = msgspec.structs.replace(state, sequence=state.sequence + len(moved), log_time=at)
        profiles = [(1, Profile(f"n:{partition}"))]
        await self._store.commit(Outcome(self._states[partition], moved=moved, profiles=profiles))


async def no_sleep(_: float) -> None:
    pass


async def left(store: Store) -> list[tuple[int, str]]:
    rows = [row for partition in range(4) for row in await store.log_page(partition, 0, 2**62, 100)]
    return [(row.partition, row.id) for row in rows]


async def test_one_file_has_the_events_of_all_partitions(store: Store, settings: Settings) -> None:
    owners = Owners(store)
    await owners.log(3, NOW - KEEP - HOUR, "a", "b")
    await owners.log(1, NOW - KEEP - HOUR + 1, "c")
    await owners.log(1, NOW, "d")
    assert (await Retention(store, settings, lambda: NOW, no_sleep).forget())["events"] == 3
    assert await left(store) == [(1, "1-d")]
    assert [(line["partition"], line["sequence"], line["name"]) for line in lines(settings.exports)] == [
        (1, 1, "c"),
        (3, 1, "a"),
        (3, 2, "b"),
    ]
    assert files(settings.exports)[0] == "events_20260501T030000Z_1-1_3-2.ndjson.gz"
    assert [one["events"] for one in manifests(settings.exports)] == [3]


async def test_each_partition_that_loses_events_has_a_snapshot_first(store: Store, settings: Settings) -> None:
    owners = Owners(store)
    await owners.log(1, NOW - KEEP - HOUR, "a")
    await owners.log(2, NOW - KEEP - HOUR, "b")
    await owners.log(2, NOW, "c")
    await owners.log(3, NOW, "d")
    await Retention(store, settings, lambda: NOW, no_sleep).forget()
    assert [[one.sequence for one in await store.snapshots(partition)] for partition in range(4)] == [[], [1], [2], []]
    [snapshot] = await store.snapshots(2)
    parts = [part async for part in store.snapshot_parts(snapshot)]
    assert [profile.key for part in parts for _, profile in part.profiles] == ["n:2"]
