"""The console's way to the database: a few of its own connections, so that what it asks for starves neither ingest nor the engine."""

import asyncio
from typing import Any, Final

from clarion.store.port import StoreOverloaded
from clarion.store.postgres.connection import Database, Row

READING_CONNECTIONS: Final = 3
"""Queries of the console's that run at a time."""
READING_PATIENCE: Final = 10.0
"""Seconds that a query of the console's may wait for its turn, and may then take."""
MOST_READING: Final = 100
"""Queries of the console's that may wait for their turn."""


class Console:
    """Queries of which only so many run at a time, and only so many wait for their turn."""

    def __init__(
        self,
        database: Database,
        at_once: int = READING_CONNECTIONS,
        patience: float = READING_PATIENCE,
        most_waiting: int = MOST_READING,
    ) -> None:
        """`patience` is how many seconds a query may wait for its turn. How long it may take, `database` says."""
        self._database, self._patience, self._most = database, patience, most_waiting
        self._turns = asyncio.Semaphore(at_once)
        self._waiting = 0

    async def fetch(self, query: str, *args: Any) -> list[Row]:
        """All rows. Raises StoreUnavailable, StoreOverloaded, StoreError."""
        await self._turn()
        try:
            return await self._database.fetch(query, *args)
        finally:
            self._turns.release()

    async def value(self, query: str, *args: Any) -> Any:
        """The first value of the first row, or None. Raises as `fetch`."""
        rows = await self.fetch(query, *args)
        return rows[0][0] if rows else None

    async def _turn(self) -> None:
        if self._turns.locked() and self._waiting >= self._most:
            raise StoreOverloaded(f"{self._most} queries are waiting for their turn; no more may.")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._turns.acquire()
        except TimeoutError:
            raise StoreOverloaded(f"The query has waited for its turn for {self._patience:g} seconds.") from None
        finally:
            self._waiting -= 1


def reading_database(url: str) -> Database:
    """Connections for a `Console`."""
    limit = f"{READING_PATIENCE:g}s"  # after which the server breaks a query off
    return Database(url, most=READING_CONNECTIONS, patience=READING_PATIENCE, settings={"statement_timeout": limit})


def is_storable(text: str) -> bool:
    """Whether the database can hold a text, and so may know it: it has no NUL and no half of a character."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False
