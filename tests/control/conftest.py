"""A store to operate on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clarion.config import Settings
from clarion.store.port import Store
from clarion.stores import migrate_store, open_store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    settings = Settings(data=tmp_path)
    migrate_store(settings)
    opened = open_store(settings)
    await opened.open()
    yield opened
    await opened.close()
