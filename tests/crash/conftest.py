"""A data directory that is initialised once and copied for each test; on PostgreSQL, a database of the test's own beside it."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from tests.crash.places import Place, PostgresPlace, SqlitePlace
from tests.crash.shop import Shop, initialised, shop
from tests.postgres import databases

from clarion.cli.setup import prepare
from clarion.config import load_settings

Open = Callable[..., AbstractAsyncContextManager[Shop]]
MakePlace = Callable[[str, int], Awaitable[tuple[Place, str]]]
"""(engine, partitions on PostgreSQL) → a place that is ready, and its API key."""

SPREAD = 7
"""Partitions on PostgreSQL, unless a test wants others."""
ENGINES = ("postgres", "sqlite")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The directory with a SQLite database, and its API key."""
    data = tmp_path_factory.mktemp("crash") / "data"
    key = prepare(load_settings(data, {}), "shop", "mailto:operator@shop.example").key
    assert key is not None
    return data, key


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Which engine the store of the test's shops has."""
    return str(request.param)


@pytest.fixture
def make_place(template: tuple[Path, str], tmp_path: Path) -> Iterator[MakePlace]:
    """Make a place of the test's own: `await make_place(engine, partitions)`."""
    made, key = template
    with ExitStack() as stack:

        async def place(engine: str, partitions: int) -> tuple[Place, str]:
            data = tmp_path / "data"
            if engine == "sqlite":
                return SqlitePlace(shutil.copytree(made, data)), key
            url = databases().fresh(partitions)
            stack.callback(databases().drop, url)
            where = PostgresPlace(data, url)
            return where, await initialised(where)

        yield place


@pytest.fixture
def open_shop(make_place: MakePlace, engine: str) -> Open:
    """Open a shop of the test's own: `open_shop(seed, connections=4)`."""

    @asynccontextmanager
    async def opened(seed: int, *, failing: float = 0, patience: float = 100, partitions: int = SPREAD, **load: int) -> AsyncIterator[Shop]:
        where, own = await make_place(engine, partitions)
        async with shop(where, own, Random(seed), failing=failing, patience=patience, **load) as one:
            yield one

    return opened
