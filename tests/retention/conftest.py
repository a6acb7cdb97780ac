"""A store with several partitions, which is PostgreSQL's; files of tests about SQLite have one of their own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.postgres import databases

from clarion.config import Settings
from clarion.store.port import Store
from clarion.stores import open_store


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    url = databases().fresh(4)
    yield Settings(data=tmp_path, database_url=url, keep_events="8h", export_events="ndjson")
    databases().drop(url)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    opened = open_store(settings)
    await opened.open()
    yield opened
    await opened.close()
