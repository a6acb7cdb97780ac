"""SIGTERM under load: every request that was taken is answered, deliveries under way finish, and nothing is left half done."""

import signal

import pytest
from tests.crash.conftest import Open


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_stop_under_load(number: signal.Signals, open_shop: Open) -> None:
    async with open_shop(number) as shop:
        server = await shop.start()
        async with shop.load.on(server.port):
            await server.until(shop.load.acknowledgements.reach(300))
            server.signal(number)
            assert await server.end() == 0, server.log()
        logged = await shop.books()
        taken = {event.data["n"] for event in logged.events}
        assert not taken & shop.load.unknown, "taken and not answered"
        told = shop.load.readers.told
        assert all({"counted", "again"} & set(told[receipt]) for receipt in logged.receipts), "taken and not answered"
        await shop.start()
        figures = await shop.settle()
    assert figures.acknowledged >= 300
    assert figures.repeats == 0, "a delivery under way was broken off"


async def test_stop_at_once(open_shop: Open) -> None:
    """No load, nothing under way: a server that has just said that it listens ends well."""
    async with open_shop(0) as shop:
        server = await shop.start()
        await server.stop()
