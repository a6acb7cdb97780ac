"""A data directory that is initialised once and copied for each test."""

import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from random import Random

import pytest
from tests.crash.shop import Shop, shop

from clarion.cli.setup import prepare
from clarion.config import load_settings

Open = Callable[..., AbstractAsyncContextManager[Shop]]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The directory and its API key."""
    data = tmp_path_factory.mktemp("crash") / "data"
    key = prepare(load_settings(data, {}), "shop", "mailto:operator@shop.example").key
    assert key is not None
    return data, key


@pytest.fixture
def open_shop(template: tuple[Path, str], tmp_path: Path) -> Open:
    """Open a shop of the test's own: `open_shop(seed, connections=4)`."""
    made, key = template

    def opened(seed: int, *, failing: float = 0, patience: float = 100, **load: int) -> AbstractAsyncContextManager[Shop]:
        return shop(shutil.copytree(made, tmp_path / "data"), key, Random(seed), failing=failing, patience=patience, **load)

    return opened
