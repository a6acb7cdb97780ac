"""Thousands of connections that do nothing, or half of something, beside those that work."""

import asyncio
import os

import pytest
from tests.server.client import request
from tests.server.conftest import Serve
from tests.server.routes import Held

from clarion.api.server_descriptors import raise_open_files

WHOLE = request("POST", "/direct", b"abc")
MANY = 2000
OPEN_FILES = 10_000
"""Each connection of a test has two ends in one process."""


@pytest.fixture(autouse=True)
def _enough_open_files() -> None:
    if raise_open_files() < OPEN_FILES:
        if os.environ.get("CI") == "true":
            pytest.fail(f"a process may open fewer than {OPEN_FILES} files, and CI has to run this")
        pytest.skip(f"a process may open fewer than {OPEN_FILES} files: crowds are NOT tested here")


async def test_idle_and_half_sent_connections_stop_nobody(serve: Serve) -> None:
    served = await serve(request_seconds=3600.0, idle_seconds=3600.0)
    idle = [await served.connect() for _ in range(MANY)]
    half = [await served.connect() for _ in range(MANY)]
    for number, each in enumerate(half):
        await each.send(WHOLE[: 1 + number % (len(WHOLE) - 1)])
    client = await served.connect()
    for _ in range(200):
        assert (await client.ask(WHOLE)).body == b"abc"
    assert (await (await served.connect()).ask(request("GET", "/show/x"))).status == 200
    assert served.server.connections == 2 * MANY + 2
    # and each of them is still good
    for number, each in enumerate(half):
        await each.send(WHOLE[1 + number % (len(WHOLE) - 1) :])
    for each in idle:
        await each.send(WHOLE)
    for each in half + idle:
        assert (await each.response()).body == b"abc"


async def test_all_that_are_half_sent_are_closed_in_time(serve: Serve) -> None:
    served = await serve(request_seconds=0.5, idle_seconds=3600.0, sweep_seconds=0.05)
    half = [await served.connect() for _ in range(MANY)]
    for number, each in enumerate(half):
        each.writer.write(WHOLE[: 1 + number % (len(WHOLE) - 1)])
    client = await served.connect()
    closed = asyncio.gather(*(each.rest() for each in half))
    while not closed.done():
        assert (await client.ask(WHOLE)).body == b"abc"
    assert all(b" 408 " in answer for answer in await closed)
    assert served.server.connections == 1


async def test_beyond_the_limit_the_longest_idle_makes_room(serve: Serve) -> None:
    served = await serve(connections=3, idle_seconds=3600.0, sweep_seconds=0.01)
    first, second, third = [await served.connect() for _ in range(3)]
    for client in (first, second, third):
        assert (await client.ask(WHOLE)).status == 200
    fourth = await served.connect()
    assert (await fourth.ask(WHOLE)).status == 200
    assert await first.rest() == b""
    for client in (second, third, fourth):
        assert (await client.ask(WHOLE)).status == 200


async def test_then_the_longest_half_sent(serve: Serve) -> None:
    served = await serve(connections=3, request_seconds=3600.0)
    first, second, third = [await served.connect() for _ in range(3)]
    for client in (first, second, third):
        await client.send(request("POST", "/direct", b"abc", "Expect: 100-continue")[:-3])
        assert (await client.response()).status == 100  # so it is known to have arrived
    another = await served.connect()
    assert (await another.ask(WHOLE)).status == 200
    await first.gone()
    for client in (second, third):
        assert (await client.ask(b"abc")).body == b"abc"


async def test_and_if_all_are_at_work_the_new_one_is_refused(serve: Serve) -> None:
    held = Held()
    served = await serve({"/direct": held}, connections=2)
    working = [await served.connect() for _ in range(2)]
    for client in working:
        await client.send(WHOLE)
    asked = await held.arrived(2)
    refused = await (await served.connect()).response()
    assert (refused.status, refused.headers["retry-after"], refused.json["error"]["code"]) == (503, "1", 1053)
    for each in asked:
        each.respond(200, b"{}")
    for client in working:
        assert (await client.response()).status == 200
