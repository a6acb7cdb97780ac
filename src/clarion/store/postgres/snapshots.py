"""What retention reads and keeps: the log from its oldest end, and snapshots, one partition at a time."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from clarion.clock import Clock
from clarion.store.port import NotFound, StoreError
from clarion.store.postgres.connection import Database
from clarion.store.records.entries import EntryKind, LogRow
from clarion.store.records.snapshots import Snapshot, SnapshotPart
from clarion.store.records.upkeep import Upkeep
from clarion.store.snapshots import HEADER, SECTIONS, next_rows, pack, pack_header, unpack, unpack_header
from clarion.store.statements import load_statements

MOST_BYTES: Final = 1024 * 1024
"""Of the bodies in one page of the log."""
FETCHED: Final = 100
"""Rows of a snapshot that are fetched at once."""

_SQL = load_statements(__package__, "snapshots")


class Snapshots:
    """The port's section `retention`, but for `forget`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    # -- the log -----------------------------------------------------------------------------------------------------

    async def log_place(self, partition: int, at: int) -> int:
        """As in the port."""
        return int(await self._database.fetchval(_SQL["log_place"], partition, at))

    async def log_page(self, partition: int, after: int, before: int, limit: int) -> list[LogRow]:
        """As in the port."""
        found = await self._database.fetch(_SQL["log_page"], partition, after, before, limit, MOST_BYTES)
        return [
            LogRow(sequence, log_time, EntryKind(kind), site, id, msgspec.Raw(body.encode()), received, profile, where)
            for sequence, log_time, kind, site, id, body, received, profile, where in found
        ]

    # -- snapshots ---------------------------------------------------------------------------------------------------

    async def take_snapshot(self, partition: int) -> Snapshot | None:
        """As in the port. Read through one connection, written through others."""
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["at_one_moment"])
            await connection.execute(_SQL["patiently"])
            row = await connection.fetchrow(_SQL["place"], partition)
            newest = (await self.snapshots(partition))[:1]
            if row is None or [(one.sequence, one.log_time) for one in newest] == [(row[0], row[1])]:
                return None
            sequence, log_time, resumed = row
            parts, counts = 0, dict.fromkeys(SECTIONS, 0)
            for section in SECTIONS:
                async for count, body in _packed(connection, section, partition):
                    parts, counts[section] = parts + 1, counts[section] + count
                    await self._database.execute(_SQL["put_part"], partition, sequence, log_time, parts, body)
        snapshot = Snapshot(partition, sequence, log_time, resumed, self._clock(), parts, counts)
        header = pack_header(snapshot)
        if await self._database.fetchval(_SQL["put_header"], partition, sequence, log_time, header, parts) is None:
            raise StoreError(f"A snapshot of partition {partition} was removed while it was written.")
        return snapshot

    async def snapshots(self, partition: int) -> list[Snapshot]:
        """As in the port."""
        return [unpack_header(body) for _, _, body in await self._places(partition) if body is not None]

    async def snapshot_before(self, partition: int, log_time: int) -> Snapshot | None:
        """As in the port."""
        return next((one for one in await self.snapshots(partition) if one.log_time <= log_time), None)

    async def snapshot_parts(self, snapshot: Snapshot) -> AsyncIterator[SnapshotPart]:
        """As in the port."""
        for part in range(HEADER + 1, snapshot.parts + 1):
            body = await self._database.fetchval(_SQL["part"], snapshot.partition, snapshot.sequence, snapshot.log_time, part)
            if body is None:
                raise NotFound("The snapshot is not kept any more.")
            yield unpack(body)

    async def forget_snapshots(self, partition: int, before: int, limit: int) -> int:
        """As in the port; one snapshot at a time."""
        for sequence, log_time, body in await self._places(partition):
            if body is None or log_time < before:
                return len(await self._database.fetch(_SQL["forget_parts"], partition, sequence, log_time, limit))
        return 0

    async def _places(self, partition: int) -> list[tuple[int, int, bytes | None]]:
        return [(row[0], row[1], row[2]) for row in await self._database.fetch(_SQL["list_snapshots"], partition)]

    # -- how retention stands ----------------------------------------------------------------------------------------

    async def upkeep(self) -> Upkeep:
        """As in the port."""
        row = await self._database.fetchrow(_SQL["upkeep"])
        return Upkeep() if row is None else Upkeep(*row)

    async def note_upkeep(self, upkeep: Upkeep) -> None:
        """As in the port."""
        alarm = None if upkeep.alarm is None else upkeep.alarm.replace("\0", " ")
        await self._database.execute(_SQL["note_upkeep"], upkeep.exported, alarm, upkeep.since)


async def _packed(connection: Any, section: str, partition: int) -> AsyncIterator[tuple[int, bytes]]:
    """The parts of a section, each with how many rows it has."""
    cursor = await connection.cursor(_SQL[section], partition)
    waiting: list[bytes] = []
    is_over = False
    while True:
        taken = next_rows(iter(waiting))
        if len(taken) == len(waiting) and not is_over:
            fetched = await cursor.fetch(FETCHED)
            waiting += [row[0].encode() for row in fetched]
            is_over = not fetched
        elif taken:
            del waiting[: len(taken)]
            yield len(taken), await asyncio.to_thread(pack, section, taken)
        else:
            return
