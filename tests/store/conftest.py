"""The conformance suite runs whole on every engine of the store."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from tests.postgres import Databases, databases, empty
from tests.store.builders import NOW, Owner

from clarion.clock import Clock
from clarion.store.port import Store
from clarion.store.postgres.distributing import distribute
from clarion.store.postgres.migrations import migrate as migrate_postgres
from clarion.store.postgres.store import PostgresStore
from clarion.store.sqlite.migrations import migrate
from clarion.store.sqlite.store import SqliteStore

CITUS = os.environ.get("CLARION_TEST_CITUS_URL", "")
"""A database of a Citus cluster's coordinator, for tests alone: each of them empties it first."""

PARTITIONS = 4


class Clockwork:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


class Database(Protocol):
    """A database of some engine; each call of `store` is another process's view of it, still to be opened."""

    def store(self) -> Store: ...

    def drop(self) -> None: ...


class SqliteDatabase:
    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        migrate(path)

    def store(self) -> SqliteStore:
        return SqliteStore(self._path, clock=self._clock)

    def drop(self) -> None:
        """Its directory goes with the test."""


class PostgresDatabase:
    def __init__(self, server: Databases, clock: Clock | None = None) -> None:
        self._server, self._clock = server, clock
        self.url = server.fresh(PARTITIONS)

    def store(self) -> PostgresStore:
        return PostgresStore(self.url, clock=self._clock)

    def drop(self) -> None:
        self._server.drop(self.url)


class CitusDatabase:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        empty(CITUS)
        asyncio.run(migrate_postgres(CITUS, partitions=PARTITIONS))
        asyncio.run(distribute(CITUS))

    def store(self) -> PostgresStore:
        return PostgresStore(CITUS, clock=self._clock)

    def drop(self) -> None:
        """It is emptied by the next."""


ENGINES: dict[str, Callable[[Path, Clock], Database]] = {
    "postgres": lambda _, clock: PostgresDatabase(databases(), clock),
    "sqlite": lambda directory, clock: SqliteDatabase(directory / "clarion.db", clock),
}
if CITUS:
    ENGINES["citus"] = lambda _, clock: CitusDatabase(clock)


@pytest.fixture
def clock() -> Clockwork:
    return Clockwork()


@pytest.fixture(params=sorted(ENGINES))
def database(request: pytest.FixtureRequest, tmp_path: Path, clock: Clockwork) -> Iterator[Database]:
    made = ENGINES[str(request.param)](tmp_path, clock)
    yield made
    made.drop()


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    opened = database.store()
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def owner(store: Store) -> Owner:
    return await Owner.of(store)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A migrated SQLite database, for what only SQLite has."""
    file = tmp_path / "clarion.db"
    migrate(file)
    return file


@pytest.fixture
async def sqlite(path: Path, clock: Clockwork) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(path, clock=clock)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def url() -> Iterator[str]:
    """An empty PostgreSQL database."""
    made = databases().empty()
    yield made
    databases().drop(made)


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A migrated PostgreSQL database, for what only PostgreSQL has."""
    url = databases().fresh(PARTITIONS)
    yield url
    databases().drop(url)


@pytest.fixture
async def postgres(postgres_url: str, clock: Clockwork) -> AsyncIterator[PostgresStore]:
    opened = PostgresStore(postgres_url, clock=clock)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def other(postgres_url: str) -> AsyncIterator[PostgresStore]:
    """Another process on the database of `postgres`, with the server's own clock."""
    opened = PostgresStore(postgres_url)
    await opened.open()
    yield opened
    await opened.close()
