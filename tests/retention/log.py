"""A database with a log of events that tests write at times of their choice, and files that they read again."""

import gzip
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from clarion.config import Settings
from clarion.domain.ids import digest
from clarion.domain.records import Event, Profile
from clarion.store.port import Store
from clarion.store.records.commits import LogMove, Outcome
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.states import PartitionState
from clarion.stores import migrate_store, open_store

NOW = 1_777_636_800_000_000
"""2026-05-01 12:00 UTC."""


class Log:
    """The log of partition 0."""

    def __init__(self, store: Store, state: PartitionState) -> None:
        self.store, self.state = store, state

    async def write(self, at: int, names: Iterable[str], *, site: int = 1, kind: EntryKind = EntryKind.EVENT, person: str = "ann") -> None:
        """Events of these names, logged at a time."""
        events = [
            Event(digest(name), name, profile_id=person, data=msgspec.Raw(b'{"n":1.50}'), timestamp=at - 5, received=at) for name in names
        ]
        await self.store.append([NewEntry(kind, site, event.id, msgspec.json.encode(event), at) for event in events])
        entries = (await self.store.take(0, 10_000, 0, 0)).entries
        moved = [LogMove(one.position, self.state.sequence + place, at, f"n:{person}") for place, one in enumerate(entries, 1)]
        self.state = msgspec.structs.replace(self.state, sequence=self.state.sequence + len(moved), log_time=at)
        await self.store.commit(Outcome(self.state, moved=moved))

    async def put_profiles(self, at: int, count: int = 1) -> None:
        """Something that a snapshot has in it."""
        self.state = msgspec.structs.replace(self.state, log_time=at)
        await self.store.commit(Outcome(self.state, profiles=[(1, Profile(f"n:{number}")) for number in range(count)]))

    async def left(self) -> list[str]:
        """Names of the events that are still there."""
        rows = await self.store.log_page(0, 0, 2**62, 1_000)
        return [msgspec.json.decode(row.body)["name"] for row in rows if row.kind is EntryKind.EVENT]


@asynccontextmanager
async def open_log(settings: Settings) -> AsyncIterator[Log]:
    """The log of a data directory, which is made if need be."""
    settings.data.mkdir(exist_ok=True)
    migrate_store(settings)
    store = open_store(settings)
    await store.open()
    try:
        yield Log(store, await store.own(0))
    finally:
        await store.close()


def files(directory: Path) -> list[str]:
    """Names of everything in a directory, in order."""
    return sorted(path.name for path in directory.iterdir()) if directory.exists() else []


def lines(directory: Path) -> list[dict[str, Any]]:
    """All events of all NDJSON files in a directory."""
    return [
        json.loads(line)
        for path in sorted(directory.glob("events_*.ndjson.gz"))
        for line in gzip.decompress(path.read_bytes()).splitlines()
    ]


def manifests(directory: Path) -> list[dict[str, Any]]:
    """Every manifest in a directory."""
    return [json.loads(path.read_bytes()) for path in sorted(directory.glob("*.manifest.json"))]
