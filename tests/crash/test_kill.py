"""kill -9 at random moments under load: nothing acknowledged is lost, nothing happens twice, repeats carry the same id."""

import asyncio
import json
import random

import msgspec
import pytest
from tests.crash.conftest import Open
from tests.crash.shop import Shop

CYCLES = 4
SOAK_CYCLES = 100
SEED = 20_270_101


async def kill_in_the_middle(shop: Shop, rng: random.Random) -> None:
    """Start, load, and kill once a random number of answers, or of deliveries, has been seen: in any phase of any commit."""
    server = await shop.start()
    async with shop.load.on(server.port):
        match rng.choice(("listening", "acknowledgements", "acknowledgements", "arrivals", "arrivals")):
            case "acknowledgements":
                await shop.load.acknowledgements.reach(shop.load.acknowledgements.value + rng.randint(1, 400))
            case "arrivals":
                await shop.sink.arrivals.reach(shop.sink.arrivals.value + rng.randint(1, 300))
        await server.kill()


async def cycles(open_shop: Open, count: int, seed: int) -> str:
    """Kill `count` times, then let the server finish; the figures as JSON."""
    rng = random.Random(seed)
    async with open_shop(seed) as shop:
        for _ in range(count):
            await kill_in_the_middle(shop, rng)
        server = await shop.start()
        unknown = len(shop.load.unknown)
        await shop.load.repeat_unknown(server.port)
        figures = await shop.settle()
    assert figures.acknowledged > 0
    assert figures.effects > 0
    return json.dumps({"kills": count, "seed": seed, "never_answered": unknown} | msgspec.to_builtins(figures))


async def test_a_few_kills(open_shop: Open) -> None:
    async with asyncio.timeout(60):
        print(await cycles(open_shop, CYCLES, SEED))  # noqa: T201 - shown with the failure


@pytest.mark.soak
@pytest.mark.timeout(3_600)
async def test_a_hundred_kills(open_shop: Open, capsys: pytest.CaptureFixture[str]) -> None:
    figures = await cycles(open_shop, SOAK_CYCLES, SEED + 1)
    with capsys.disabled():
        print(figures)  # noqa: T201 - the record that `make soak` leaves
