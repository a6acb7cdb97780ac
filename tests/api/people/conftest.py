"""A shop with its API."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.api.people.world import World

from clarion.config import Settings
from clarion.stores import migrate_store, open_store


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    settings = Settings(data=tmp_path)
    migrate_store(settings)
    store = open_store(settings)
    await store.open()
    yield await World.make(store)
    await store.close()
