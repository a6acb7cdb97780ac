"""Two servers on one data directory: the second is refused, and the first goes on as if nothing had been."""

from pathlib import Path

import pytest
from tests.crash.conftest import Open
from tests.crash.process import Process

REFUSED = "error: another clarion serve is running on this data directory — stop it first\n"


@pytest.fixture
def engine() -> str:
    """The one that a single process serves."""
    return "sqlite"


async def refused(data: Path, log: Path) -> None:
    """Starting a second server fails at once and says why."""
    second = await Process.start(data, log=log)
    assert not await second.listens()
    assert await second.end() == 1
    assert second.log() == REFUSED


async def test_a_second_server_is_refused(open_shop: Open, tmp_path: Path) -> None:
    async with open_shop(1, connections=2) as shop:
        server = await shop.start()
        async with shop.load.on(server.port):
            await server.until(shop.load.acknowledgements.reach(50))
            await refused(shop.data, tmp_path / "second.log")
            await server.until(shop.load.acknowledgements.reach(shop.load.acknowledgements.value + 50))
        figures = await shop.settle()
    assert figures.repeats == 0, "a delivery was taken from the server that had it"
    assert not shop.load.unknown


async def test_a_second_name_for_the_directory_is_no_way_around(open_shop: Open, tmp_path: Path) -> None:
    async with open_shop(2) as shop:
        server = await shop.start()
        (tmp_path / "other").symlink_to(shop.data, target_is_directory=True)
        await refused(tmp_path / "other", tmp_path / "second.log")
        await server.stop()


async def test_the_place_is_free_after_a_stop_and_after_a_kill(open_shop: Open) -> None:
    async with open_shop(3) as shop:
        await (await shop.start()).stop()
        await (await shop.start()).kill()
        await (await shop.start()).stop()
