"""The store on PostgreSQL for the engine by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.engine import Watching
from clarion.store.postgres.store import PostgresStore
from clarion.store.records.commits import Outcome


class WatchedPostgres(PostgresStore):
    """The store, of whose commits is counted."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.seen = Watching()

    async def commit(self, outcome: Outcome) -> None:
        await super().commit(outcome)
        self.seen.note(outcome)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[WatchedPostgres]:
    """A store on a database that has Clarion's tables. Raises StoreError."""
    store = WatchedPostgres(url)
    await store.open()
    try:
        yield store
    finally:
        await store.close()
