"""The PostgreSQL database that a move goes to: how far it is, and each chunk with that in one transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import msgspec

from clarion.store.moving.source import Chunk, start_of
from clarion.store.moving.sums import Sum
from clarion.store.moving.tables import TABLES, Table
from clarion.store.port import StoreError
from clarion.store.postgres.arrival import advised
from clarion.store.postgres.connection import connect
from clarion.store.postgres.periods import AHEAD, LENGTH
from clarion.store.statements import load_statements

_SQL: Final = load_statements(__package__, "target")
_encode = msgspec.json.Encoder().encode

_SETTINGS: Final = {
    # A chunk says itself how far it came: one that a power cut takes away is moved again. The last commit is on disk when it returns.
    "synchronous_commit": "off",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "maintenance_work_mem": "256MB",
}


class Progress(msgspec.Struct):
    """How far a table is."""

    place: tuple[Any, ...]
    read: int
    written: int
    done: bool


class Target:
    """A database with this program's tables, and the only move that goes on into it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def partitions(self) -> int:
        """How many partitions the database has."""
        return int(await self._connection.fetchval(_SQL["partitions"]))

    async def begun(self) -> tuple[str, bool] | None:
        """Fingerprint of the source of the move that was begun here, and whether it has ended; None: there is none."""
        row = await self._connection.fetchrow(_SQL["state"])
        return None if row is None else (row["source"], row["ended"] is not None)

    async def begin(self, source: str, partition: tuple[int, int, int]) -> None:
        """Begin a move. Raises StoreError where the database holds anything."""
        async with self._connection.transaction():
            occupied = await self._connection.fetchval(_SQL["occupied"])
            if occupied is not None:
                raise StoreError(f"The database to move to has {occupied} already; make an empty one for it.")
            await self._connection.execute(_SQL["begin"], source)
            await self._connection.execute(_SQL["begin_generation"])
            await self._connection.execute(_SQL["begin_cleared"])
            await self._connection.execute(_SQL["begin_upkeep"])
            await self._connection.execute(_SQL["begin_partitions"], *partition)
            # What is logged this week is the part of a period, as what will be logged; what is older is not.
            await self._connection.execute(_SQL["begin_periods"], LENGTH, AHEAD)
            await self._connection.execute(_SQL["begin_tables"], [table.name for table in TABLES], list(map(start_of, TABLES)))

    async def progress(self) -> dict[str, Progress]:
        """How far each table is."""
        rows = await self._connection.fetch(_SQL["tables"])
        return {row["name"]: Progress(tuple(msgspec.json.decode(row["place"])), row["read"], row["written"], row["done"]) for row in rows}

    async def log_sequences(self) -> list[tuple[int, int]]:
        """The last sequence of each partition's log."""
        return [(row["partition"], row["sequence"]) for row in await self._connection.fetch(_SQL["log_sequences"])]

    async def write(self, table: Table, chunk: Chunk) -> None:
        """Write a chunk, and how far that is, in one commit."""
        async with self._connection.transaction():
            await self._connection.copy_records_to_table(table.name, records=chunk.records, columns=table.columns)
            if chunk.log:
                await self._connection.execute(_SQL["note_log_sequences"], list(chunk.log), list(chunk.log.values()))
            await self._note(table.name, chunk.place, chunk.read, len(chunk.records), done=False)

    async def finish_table(self, table: Table, place: tuple[Any, ...]) -> None:
        """All of a table is there."""
        await self._note(table.name, place, 0, 0, done=True)

    async def finish(self, sequences: tuple[int, ...]) -> None:
        """All tables are there: what comes next is numbered beyond them. `sequences` are those of `Source.sequences`."""
        await self._connection.execute(_SQL["set_sequences"], *sequences)
        await self._connection.execute(_SQL["analyze"])

    async def sum(self, table: Table) -> Sum:
        """What a table comes to, as it stands here."""
        rows, checksum = await self._connection.fetchrow(_SQL[f"sum_{table.name}"])
        return Sum(rows, int(checksum))

    async def end(self) -> None:
        """The move has ended; the database can be served."""
        async with self._connection.transaction():
            await self._connection.execute("SET LOCAL synchronous_commit = on")
            await self._connection.execute(_SQL["end"])

    async def _note(self, name: str, place: tuple[Any, ...], read: int, written: int, *, done: bool) -> None:
        await self._connection.execute(_SQL["note"], name, _encode(place).decode(), read, written, done)


@asynccontextmanager
async def open_target(url: str) -> AsyncIterator[Target]:
    """A PostgreSQL database with this program's tables, for the block. Raises StoreUnavailable, StoreError."""
    try:
        connection = await connect(url, _SETTINGS)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise advised(error) from error
    try:
        if not await connection.fetchval(_SQL["lock"]):
            raise StoreError("Another move into this database is under way.")
        await connection.execute(_SQL["define_hashed"])
        yield Target(connection)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise advised(error) from error
    finally:
        connection.terminate()
