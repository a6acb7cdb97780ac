"""The conformance suite runs whole on every engine of the store."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

import pytest
from tests.store.builders import NOW, Owner

from clarion.clock import Clock
from clarion.store.port import Store
from clarion.store.sqlite.migrations import migrate
from clarion.store.sqlite.store import SqliteStore


class Clockwork:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


class Database(Protocol):
    """A database of some engine; each call of `store` is another process's view of it, still to be opened."""

    def store(self) -> Store: ...


class SqliteDatabase:
    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        migrate(path)

    def store(self) -> Store:
        return SqliteStore(self._path, clock=self._clock)


ENGINES: dict[str, Callable[[Path, Clock], Database]] = {"sqlite": lambda directory, clock: SqliteDatabase(directory / "clarion.db", clock)}


@pytest.fixture
def clock() -> Clockwork:
    return Clockwork()


@pytest.fixture(params=sorted(ENGINES))
def database(request: pytest.FixtureRequest, tmp_path: Path, clock: Clockwork) -> Database:
    return ENGINES[str(request.param)](tmp_path, clock)


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
