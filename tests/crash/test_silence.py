"""The way between a node and the database falls silent, and nobody is told: 503 in time, and in the end the books balance."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.crash.places import LEASE, PostgresPlace
from tests.crash.process import Process
from tests.crash.shop import Shop, initialised, shop
from tests.crash.wire import Wire
from tests.e2e.server import eventually
from tests.postgres import databases
from tests.server.client import Client, Response, request

PARTITIONS = 4
SEED = 20_281_101
MORE = 60
SLACK = 4.0
"""Seconds beyond the lease; one is promised, and three are for a slow machine."""
PROBED_WITHIN = 4.0
"""Seconds that a probe may take; two are promised."""
BACK_WITHIN = 8.0
"""Seconds in which all works again that can."""
AT_ONCE = 1.5
"""Seconds that an answer may take that waits for nothing."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[PostgresPlace]:
    url = databases().fresh(PARTITIONS)
    yield PostgresPlace(tmp_path / "data", url)
    databases().drop(url)


async def some(shop: Shop) -> None:
    """Wait until more orders are acknowledged."""
    await shop.load.acknowledgements.reach(shop.load.acknowledgements.value + MORE)


async def ready(node: Process) -> tuple[int, float]:
    """What it says to whoever looks after it, and how long that took."""
    began = time.monotonic()
    client = await Client.connect("127.0.0.1", node.port)
    answer = await client.ask(request("GET", "/readyz"))
    client.close()
    return answer.status, time.monotonic() - began


async def post(shop: Shop) -> tuple[Response, float]:
    """The answer to a new order on a connection of its own, and how long it took."""
    began = time.monotonic()
    client = await Client.connect("127.0.0.1", shop.server.port)
    answer = await shop.load.post(client)
    client.close()
    return answer, time.monotonic() - began


@pytest.mark.timeout(120)
async def test_a_node_that_hears_nothing_refuses_in_time_and_comes_back(place: PostgresPlace) -> None:
    key = await initialised(place)
    async with shop(place, key, random.Random(SEED), patience=90) as opened, Wire.to(place.url) as (wire, url):
        node = await Process.start(place.data, settings={**place.variables, "CLARION_DATABASE_URL": url})
        assert await node.listens(), node.log()
        opened.server = node
        async with opened.load.on_any(lambda: [node.port]):
            for _ in range(2):
                await some(opened)
                wire.freeze()
                began = time.monotonic()
                status, took = await eventually(lambda: ready(node), lambda seen: seen[0] == 503)
                assert took < PROBED_WITHIN
                answer, _ = await post(opened)
                assert (answer.status, answer.headers.get("retry-after")) == (503, "1")
                assert time.monotonic() - began < int(LEASE) + SLACK
                for _ in range(3):
                    (answer, took), (status, _) = await post(opened), await ready(node)
                    assert (answer.status, status) == (503, 503)
                    assert took < AT_ONCE
                wire.mend()
                began = time.monotonic()
                await eventually(lambda: post(opened), lambda seen: seen[0].status == 200, BACK_WITHIN)
                await eventually(lambda: ready(node), lambda seen: seen[0] == 200, BACK_WITHIN)
                assert time.monotonic() - began < BACK_WITHIN
        await opened.load.repeat_unknown(node.port)
        figures = await opened.settle(node.stop)
    assert {answer.status for answer in opened.load.refused.values()} == {503}
    assert (figures.missing, figures.doubled, figures.problems) == (0, 0, ())
