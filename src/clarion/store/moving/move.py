"""The move: table after table in chunks, then both sides summed up and compared."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from clarion.store.moving.source import Chunk, Source, open_source
from clarion.store.moving.sums import Sum
from clarion.store.moving.tables import TABLES, Spreading, Table
from clarion.store.moving.target import Progress, Target, open_target
from clarion.store.port import StoreError
from clarion.store.postgres.arrival import make_tables


class Watcher(Protocol):
    """Who wants to know how a move goes. Errors it raises end the move, which can be gone on with."""

    def begun(self, totals: dict[str, int], moved: dict[str, int], *, resumed: bool) -> None:
        """Rows of each table in the source, and how many of them have been moved before."""

    def moved(self, table: str, rows: int) -> None:
        """So many more rows of the source have been moved, for good."""

    def compared(self, table: str, rows: int) -> None:
        """So many more rows of the source have been summed up."""


class MovedTable(msgspec.Struct, frozen=True):
    """What became of one table."""

    table: str
    read: int
    """Rows of the source."""
    rows: int
    """Rows of the target: more where partitions have copies."""
    checksum: str
    """Of the target, and of what the source's rows become there."""


class Moved(msgspec.Struct, frozen=True):
    """A move that has ended."""

    partitions: int
    tables: list[MovedTable]
    """None where it had ended before: only then were both sides as they were."""
    resumed: bool
    """Whether an earlier try had begun it."""


async def move(path: Path, url: str, partitions: int, watcher: Watcher) -> Moved:
    """Move an SQLite database to PostgreSQL, whose tables are made, with so many partitions, if they are not there yet.

    The source stays as it is. A move that was broken off goes on where it was; until it has ended the target cannot be served. Nothing may
    serve the source meanwhile. Raises StoreError where the target has other data, where the source has changed since the move began, and
    where the two differ in the end.
    """
    with open_source(path) as source:
        await make_tables(url, partitions)
        async with open_target(url) as target:
            count = await target.partitions()
            try:
                return await _Move(source, target, count, watcher).run()
            except _Over:
                return Moved(count, [], resumed=True)


class _Over(Exception):
    """This move ended before."""


class _Move:
    def __init__(self, source: Source, target: Target, partitions: int, watcher: Watcher) -> None:
        self._source, self._target, self._partitions, self._watcher = source, target, partitions, watcher

    async def run(self) -> Moved:
        resumed = await self._begin()
        progress = await self._target.progress()
        totals = await asyncio.to_thread(self._source.totals)
        self._watcher.begun(totals, {name: known.read for name, known in progress.items()}, resumed=resumed)
        spreading = self._source.spreading(self._partitions)
        for partition, sequence in await self._target.log_sequences():
            spreading.log.restore(partition, sequence)
        for table in TABLES:
            known = progress[table.name]
            if not known.done:
                await self._move_table(table, known, spreading)
        await self._target.finish(self._source.sequences())
        tables = await self._compare(totals)
        await self._target.end()
        return Moved(self._partitions, tables, resumed)

    async def _begin(self) -> bool:
        """Begin, or see whether what was begun can be gone on with."""
        fingerprint = self._source.fingerprint()
        begun = await self._target.begun()
        if begun is None:
            await self._target.begin(fingerprint, self._source.partition())
            return False
        source, ended = begun
        if source != fingerprint:
            raise StoreError(
                f"The move that was {'made' if ended else 'begun'} there is of another database, or somebody has worked with this one"
                " since; make an empty one to move to."
            )
        if ended:
            raise _Over
        return True

    async def _move_table(self, table: Table, known: Progress, spreading: Spreading) -> None:
        """While one chunk is on its way, the next is read."""
        place = known.place
        chunks = self._source.chunks(table, place, spreading)
        chunk = await asyncio.to_thread(_next, chunks)
        while chunk is not None:
            ahead = asyncio.create_task(asyncio.to_thread(_next, chunks))
            try:
                await self._target.write(table, chunk)
            finally:
                coming = await ahead
            self._watcher.moved(table.name, chunk.read)
            place, chunk = chunk.place, coming
        await self._target.finish_table(table, place)

    async def _compare(self, totals: dict[str, int]) -> list[MovedTable]:
        """Read and spread the source once more, and sum up both sides. Raises StoreError where they differ."""
        spreading = self._source.spreading(self._partitions)
        compared = []
        for table in TABLES:
            there = asyncio.create_task(self._target.sum(table))
            try:
                here = await asyncio.to_thread(self._sum, table, spreading)
            finally:
                found = await there
            if here != found:
                raise StoreError(
                    f"The move failed: {table.name} should have {here.rows} rows with the checksum {here}"
                    f" and has {found.rows} with {found}; make an empty database and begin anew."
                )
            compared.append(MovedTable(table.name, totals[table.name], found.rows, str(found)))
        return compared

    def _sum(self, table: Table, spreading: Spreading) -> Sum:
        total = Sum()
        for chunk in self._source.chunks(table, table.start, spreading):
            for record in chunk.records:
                total.add(record)
            self._watcher.compared(table.name, chunk.read)
        return total


def _next(chunks: Iterator[Chunk]) -> Chunk | None:
    return next(chunks, None)
