"""A store to operate on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clarion.config import Settings
from clarion.control.sites import create_site
from clarion.store.port import Store
from clarion.store.records.sites import Site
from clarion.stores import migrate_store, open_store
from clarion.vault import Vault


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    settings = Settings(data=tmp_path)
    migrate_store(settings)
    opened = open_store(settings)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def shop(store: Store) -> Site:
    """A site, the first one: its id is 1."""
    made = await create_site(store, Vault(bytes(32)), "Shop", "mailto:ops@shop.example", 1_750_000_000_000_000)
    assert made.id == 1
    return made
