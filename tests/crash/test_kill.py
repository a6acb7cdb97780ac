"""kill -9 at random moments under load: nothing acknowledged is lost, nothing happens twice, repeats carry the same id."""

import json
import random

import msgspec
import pytest
from tests.crash.conftest import Open
from tests.crash.orders import PAUSABLE
from tests.crash.reconcile import Figures
from tests.crash.shop import Shop

CYCLES = 4
SOAK_CYCLES = 100
SEED = 20_270_101


async def kill_in_the_middle(shop: Shop, rng: random.Random, *, switching: bool) -> None:
    """Start, load, and kill once a random number of answers, or of deliveries, has been seen: in any phase of any commit."""
    server = await shop.start()
    async with shop.load.on(server.port):
        if switching and rng.random() < 0.3:
            await shop.switch(rng.choice(PAUSABLE), rng.choice(("pause", "resume", "resume")))
        match rng.choice(("listening", "acknowledgements", "acknowledgements", "arrivals", "arrivals")):
            case "acknowledgements":
                await server.until(shop.load.acknowledgements.reach(shop.load.acknowledgements.value + rng.randint(1, 400)))
            case "arrivals":
                await server.until(shop.sink.arrivals.reach(shop.sink.arrivals.value + rng.randint(1, 300)))
        await server.kill()


async def finish(shop: Shop) -> Figures:
    """Start once more, ask again about every fate that is unknown, resume what is paused, and reconcile."""
    server = await shop.start()
    await shop.load.repeat_unknown(server.port)
    for workflow in PAUSABLE:
        await shop.switch(workflow, "resume")
    return await shop.settle()


async def test_a_few_kills(open_shop: Open) -> None:
    rng = random.Random(SEED)
    async with open_shop(SEED) as shop:
        for _ in range(CYCLES):
            await kill_in_the_middle(shop, rng, switching=False)
        figures = await finish(shop)
    assert figures.acknowledged > 0
    assert figures.effects > figures.acknowledged
    assert figures.receipts > 0


async def test_kills_between_pause_and_resume(open_shop: Open) -> None:
    """What is held is held across a death, and goes once the workflow is resumed; what came meanwhile was refused, and the books say so."""
    rng = random.Random(SEED)
    async with open_shop(SEED, connections=4) as shop:
        for change in ("pause", "resume", "pause"):
            server = await shop.start()
            async with shop.load.on(server.port):
                await server.until(shop.load.acknowledgements.reach(shop.load.acknowledgements.value + rng.randint(20, 60)))
                for workflow in PAUSABLE:
                    await shop.switch(workflow, change)
                await server.until(shop.load.acknowledgements.reach(shop.load.acknowledgements.value + rng.randint(20, 60)))
                await server.kill()
        figures = await finish(shop)
    assert figures.paused > 0


@pytest.mark.soak
@pytest.mark.timeout(3_600)
async def test_a_hundred_kills(open_shop: Open, capsys: pytest.CaptureFixture[str]) -> None:
    """With pauses, and with a receiver that sometimes answers 503; the figures go to standard output as one line of JSON."""
    rng = random.Random(SEED + 1)
    async with open_shop(SEED + 1, failing=0.02, patience=3_000) as shop:
        for _ in range(SOAK_CYCLES):
            await kill_in_the_middle(shop, rng, switching=True)
        never_answered = len(shop.load.unknown)
        figures = await finish(shop)
    record = {"kills": SOAK_CYCLES, "seed": SEED + 1, "never_answered": never_answered} | msgspec.to_builtins(figures)
    with capsys.disabled():
        print(json.dumps(record))  # noqa: T201 - the record that `make soak` leaves
