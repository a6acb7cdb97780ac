"""A history, the SQLite database that it left, and an empty PostgreSQL database to move it to."""

import asyncio
import shutil
from pathlib import Path

import pytest
from tests.store.moving.history import History, live

from clarion.store.sqlite.migrations import migrate
from clarion.store.sqlite.store import SqliteStore


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, History]:
    """The history, once, and its database."""
    path = tmp_path_factory.mktemp("lived") / "clarion.db"
    migrate(path)

    async def work() -> History:
        store = SqliteStore(path)
        await store.open()
        try:
            with pytest.MonkeyPatch.context() as patched:
                return await live(store, patched)
        finally:
            await store.close()

    return path, asyncio.run(work())


@pytest.fixture
def history(lived: tuple[Path, History]) -> History:
    return lived[1]


@pytest.fixture
def path(lived: tuple[Path, History], tmp_path: Path) -> Path:
    """A copy of the database that it left."""
    return Path(shutil.copy(lived[0], tmp_path))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of a few rows, so that a short history has many."""
    monkeypatch.setattr("clarion.store.moving.source.MOST_ROWS", 3)
