"""Death at each named point of the real code: whichever side of a commit or a request it falls on, the books balance afterwards."""

import signal

import pytest
from tests.crash.conftest import Open
from tests.crash.shop import Shop

from clarion.faults import POINTS

LATER = 4
"""The first time that a point is reached may be a start's own commit; this time it is under load."""
MOST_AHEAD = 200
"""Little enough that what is waited for are deaths, and not the work that they leave."""


async def die(shop: Shop, fault: str) -> None:
    """Start with a fault and load until the server has ended by itself: it reached the point."""
    server = await shop.start(fault)
    if server.port:
        async with shop.load.on(server.port):
            code = await server.end()
    else:
        code = await server.end()
    assert code == -signal.SIGKILL, (code, server.log())


@pytest.mark.parametrize("point", POINTS)
async def test_death_at(point: str, open_shop: Open) -> None:
    async with open_shop(POINTS.index(point), connections=4, batching=1, most_ahead=MOST_AHEAD) as shop:
        await die(shop, point)
        await die(shop, f"{point}:{LATER}")
        server = await shop.start()
        await shop.load.repeat_unknown(server.port)
        figures = await shop.settle()
    assert figures.events > 0
