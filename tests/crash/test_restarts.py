"""PostgreSQL is restarted every 5 to 40 seconds while nodes are killed, stopped and cut off."""

import asyncio
import json
import random

import msgspec
import pytest
from tests.crash import load
from tests.crash.nodes import Nodes
from tests.crash.places import PostgresPlace
from tests.crash.shop import Shop
from tests.crash.test_nodes import MOST_WAITING, SEED, databases, finish, place, postgres, served  # noqa: F401 - fixtures
from tests.postgres import Server

RESTARTS = 40
BETWEEN = (5.0, 40.0)
"""Seconds."""
DOWN = (0.2, 5.0)
"""Seconds."""


async def ever(over: asyncio.Event, seconds: float) -> None:
    """Until then, or the end."""
    try:
        async with asyncio.timeout(seconds):
            await over.wait()
    except TimeoutError:
        pass


async def kill_on(shop: Shop, nodes: Nodes, rng: random.Random, over: asyncio.Event) -> int:
    """kill -9 of one node after the other, each after a while of its own, until it is over."""
    count = 0
    while not over.is_set():
        await ever(over, rng.uniform(1, 10))
        node = rng.choice(nodes.all)
        await node.process.kill()
        while not over.is_set() or node.process.ended:
            try:
                await nodes.restart(node)
            except AssertionError:  # the database is away
                await ever(asyncio.Event(), 1)
            else:
                break
        count += 1
    return count


@pytest.mark.soak
@pytest.mark.timeout(7_200)
async def test_the_database_is_restarted_again_and_again(
    place: PostgresPlace,  # noqa: F811
    postgres: Server,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    rng = random.Random(SEED + 6)
    over = asyncio.Event()
    async with served(place, SEED + 6, patience=7_000, failing=0.02, most_ahead=load.MOST_AHEAD) as (shop, nodes):
        async with (
            shop.load.on_any(nodes.ports),
            place.looking_again() as look,
            shop.load.held_back(look, MOST_WAITING),
        ):
            killing = asyncio.create_task(kill_on(shop, nodes, random.Random(SEED + 7), over))
            for _ in range(RESTARTS):
                await ever(over, rng.uniform(*BETWEEN))
                await asyncio.to_thread(rng.choice((postgres.stop, postgres.kill)))
                await ever(over, rng.uniform(*DOWN))
                await asyncio.to_thread(postgres.start)
            over.set()
            killed = await killing
        figures = await finish(shop, nodes)
    assert figures.acknowledged > 0
    with capsys.disabled():
        print(json.dumps({"restarts": RESTARTS, "killed": killed} | msgspec.to_builtins(figures)))  # noqa: T201
