"""Which store the settings ask for."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from clarion.config import Settings
from clarion.store.port import Store


def open_store(settings: Settings) -> Store:
    """The store that `database_url` names; connect with its `open`."""
    if settings.database is None:
        from clarion.store.postgres.store import PostgresStore

        return PostgresStore(settings.database_url, connections=settings.database_connections, most_waiting=settings.ingest_queue)
    from clarion.store.sqlite.store import SqliteStore

    return SqliteStore(settings.database, most_waiting=settings.ingest_queue)


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """The same, connected for the block. Raises what its `open` raises."""
    store = open_store(settings)
    try:
        await store.open()
        yield store
    finally:
        await store.close()


def is_made(settings: Settings) -> bool:
    """Whether there is a database with Clarion's tables, of whatever version.

    Raises StoreUnavailable and StoreError, which say what to do, where PostgreSQL cannot be reached, does not let us in or is none to work
    with.
    """
    if settings.database is not None:
        return settings.database.exists()
    from clarion.store.postgres.arrival import arrive

    return asyncio.run(arrive(settings.database_url)) > 0


def migrate_store(settings: Settings) -> None:
    """Make the database that `database_url` names, or bring it to this version; on PostgreSQL its tables, for the database has to be there.

    Two at once do no harm. Raises StoreTooNew, StoreUnavailable, StoreError.
    """
    if settings.database is not None:
        from clarion.store.sqlite.migrations import migrate as migrate_file

        migrate_file(settings.database)
        return
    from clarion.store.postgres.arrival import make_tables

    asyncio.run(make_tables(settings.database_url, settings.partitions))


@contextmanager
def one_at_a_time(settings: Settings) -> Iterator[None]:
    """Wait until nobody else makes this database ready, and keep everybody else waiting for the block, on whatever machine.

    A data directory with an SQLite file is one operator's: there it does nothing.
    """
    if settings.database is not None:
        yield
        return
    from clarion.store.postgres.arrival import making_ready

    with asyncio.Runner() as runner:
        lock = making_ready(settings.database_url)
        runner.run(lock.__aenter__())
        try:
            yield
        finally:
            runner.run(lock.__aexit__(None, None, None))


def distribute_store(settings: Settings) -> bool:
    """Spread the tables of a PostgreSQL database over a Citus cluster; False where they are already. Raises StoreError."""
    from clarion.store.postgres.distributing import distribute

    return asyncio.run(distribute(settings.database_url))
