"""The engines of the store that a server's database may be on: a setting says which, and nothing else is different for its users."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from tests.postgres import databases

ENGINES: Final = ("postgres", "sqlite")

PARTITIONS: Final = 16
"""Of a database that one test has for itself."""

only_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True, scope="session")
"""For a test of what a database in a file has and no other; says why beside it."""


@contextmanager
def database(engine: str, partitions: int | None = PARTITIONS) -> Iterator[dict[str, str]]:
    """The settings, without their prefix, for a fresh database that is there for the block.

    Without a count of partitions it has no tables: `clarion init` makes them, and as many partitions as it does unless told otherwise.
    """
    if engine == "sqlite":
        yield {}
        return
    url = databases().empty() if partitions is None else databases().fresh(partitions)
    try:
        yield {"database_url": url}
    finally:
        databases().drop(url)
