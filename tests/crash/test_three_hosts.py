"""Three hosts: the database on one, a node with all roles on each of the others. The way to the database breaks, in whatever manner.

The host that is cut off can still be reached by its clients. It says 503 and never 200, and the other takes over what it had; when the way
is there again, it comes back by itself. In the end the books balance.
"""

import asyncio
import json
import os
import random
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from tests.crash.hosts import Fault, Network, Refused, networked
from tests.crash.places import Look, PostgresPlace
from tests.crash.reconcile import Figures
from tests.crash.shop import Shop, initialised, shop
from tests.crash.stations import Station, Stations, serving
from tests.e2e.server import eventually
from tests.installed import installed
from tests.postgres import Databases, Server

PARTITIONS = 12
SEED = 20_281_001
TAKEN_WITHIN = 10.0
"""Seconds in which the other has what a host had that is cut off."""
BACK_WITHIN = 20.0
"""Seconds in which a host works again when it can."""
MORE = 40
"""Answers that are waited for, to be in the middle of things."""
EVERY = 10
DROPS = 10
SOAK_DROPS = 200
LASTING = 0.1
LOAD = {"batching": 1, "most_in_batch": 5, "most_ahead": 150}
"""Little: what is tested here is not how much can be done."""


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """The hosts. Where there can be none the tests are skipped, under CI too; but there the program for it has to be installed."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("three hosts are NOT tested here: only root can make network namespaces, on Linux")
    installed("ip", "what three hosts do")
    with ExitStack() as stack:
        try:
            made = stack.enter_context(networked())
        except Refused as refused:
            pytest.skip(f"three hosts are NOT tested here, under CI neither, for this machine refuses network namespaces: {refused}")
        yield made


@pytest.fixture(scope="module")
def databases(network: Network) -> Iterator[Databases]:
    """On a server that runs on a host of its own."""
    server = Server(settings=("synchronous_commit=on",), host=network.database.front, within=network.database.within)
    made = Databases(server.url)
    yield made
    made.close()
    server.close()


@pytest.fixture
def place(databases: Databases, tmp_path: Path) -> Iterator[PostgresPlace]:
    url = databases.fresh(PARTITIONS)
    yield PostgresPlace(tmp_path / "data", url)
    databases.drop(url)


@asynccontextmanager
async def served(
    place: PostgresPlace, network: Network, seed: int, *, connections: int, patience: float = 110
) -> AsyncIterator[tuple[Shop, Stations]]:
    key = await initialised(place)
    load = LOAD | {"connections": connections}
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(shop(place, key, random.Random(seed), network.here, patience=patience, **load))
        stations = await stack.enter_async_context(serving(place, network))
        opened.server = stations.one.process
        yield opened, stations


async def some(shop: Shop, count: int = MORE) -> None:
    """Wait until so many more orders are acknowledged."""
    await shop.load.acknowledgements.reach(shop.load.acknowledgements.value + count)


async def shares(look: Look) -> dict[str, int]:
    """How many partitions each node has; by an empty name those that none has."""
    return {owner or "": count for owner, count in await look("SELECT owner, count(*) FROM partitions GROUP BY owner")}


async def spread(look: Look, stations: Stations) -> None:
    """Wait until both have half of the partitions."""
    half = PARTITIONS // 2
    even = {stations.one.node: half, stations.other.node: half}
    await eventually(lambda: shares(look), lambda now: now == even, BACK_WITHIN)


async def taken_over(look: Look, by: Station) -> None:
    """Wait until one of them has all partitions."""
    await eventually(lambda: shares(look), lambda now: now == {by.node: PARTITIONS}, TAKEN_WITHIN)


async def serves(shop: Shop, station: Station) -> None:
    """Wait until a node accepts orders."""
    client = await station.connect()
    await eventually(lambda: shop.load.post(client), lambda answer: answer.status == 200, BACK_WITHIN)
    client.close()


async def finish(shop: Shop, stations: Stations) -> Figures:
    """Ask again about every fate that is unknown, and reconcile; nobody may have been told anything but yes, and 503."""
    await shop.load.repeat_unknown(shop.server.port)
    figures = await shop.settle(stations.stop)
    assert {(answer.status, answer.headers.get("retry-after")) for answer in shop.load.refused.values()} <= {(503, "1")}
    assert figures.acknowledged > 0
    assert figures.receipts > 0
    return figures


async def test_a_host_is_cut_off(network: Network, place: PostgresPlace) -> None:
    """First the one, whose own card is off, until it has said so to a client; then the other, which is heard and does not hear."""
    async with served(place, network, SEED, connections=2) as (shop, stations), place.looking() as look:
        async with shop.load.on_any(stations.ports):
            for station, fault in ((stations.one, Fault.DOWN), (stations.other, Fault.DEAF)):
                await spread(look, stations)
                await some(shop)
                with network.failing(station.host, fault):
                    async with station.asking(shop.load, EVERY):
                        await taken_over(look, stations.other_than(station))
                        assert await station.says("/readyz") == 503
                        assert await station.says("/healthz") == 200
                        if fault is Fault.DOWN:
                            async with station.asking(shop.load, EVERY):  # as those do who come later
                                await station.answered.reach(1)
                        station.shut()
                        await some(shop)
                    assert all(answer.status == 503 for answer in station.answers)
                await serves(shop, station)
                station.open()
            await spread(look, stations)
            await some(shop)
        await finish(shop, stations)


async def test_the_way_drops_in_the_middle_of_commits(network: Network, place: PostgresPlace) -> None:
    async with served(place, network, SEED + 1, connections=4) as (shop, stations), place.looking() as look:
        await drop(shop, stations, network, look, random.Random(SEED + 1), DROPS)
        await finish(shop, stations)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
async def test_the_way_drops_many_times(network: Network, place: PostgresPlace, capsys: pytest.CaptureFixture[str]) -> None:
    """The figures go to standard output as one line of JSON."""
    async with served(place, network, SEED + 2, connections=4, patience=3_000) as (shop, stations), place.looking() as look:
        faults = await drop(shop, stations, network, look, random.Random(SEED + 2), SOAK_DROPS, LASTING)
        never_answered = len(shop.load.unknown)
        figures = await finish(shop, stations)
    record = {"drops": faults, "seed": SEED + 2, "never_answered": never_answered} | msgspec.to_builtins(figures)
    with capsys.disabled():
        print(json.dumps(record))  # noqa: T201 - the record that `make soak` leaves


async def drop(
    shop: Shop, stations: Stations, network: Network, look: Look, rng: random.Random, count: int, lasting: float = 0
) -> dict[str, int]:
    """Let the way of one of the hosts drop so many times; how often in which manner.

    During half of them the database gives the host up, which learns of it when the way is there again: what became of its commits it cannot
    know. A share of them, `lasting`, lasts until the other host has taken over.
    """
    counted: dict[str, int] = {}
    async with shop.load.on_any(stations.ports):
        for _ in range(count):
            await some(shop, rng.randint(1, MORE))
            station, fault = rng.choice((stations.one, stations.other)), rng.choice(list(Fault))
            lasts, given_up = rng.random() < lasting, rng.random() < 0.5
            if lasts:
                await spread(look, stations)
            with network.failing(station.host, fault):
                await some(shop, rng.randint(1, 2 * MORE))
                if given_up:
                    await look(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE client_addr = '{station.host.back}'")
                if lasts:
                    await taken_over(look, stations.other_than(station))
            for what in (fault.value, *(["given up"] if given_up else []), *(["taken over"] if lasts else [])):
                counted[what] = counted.get(what, 0) + 1
        await asyncio.gather(*(serves(shop, station) for station in (stations.one, stations.other)))
        await spread(look, stations)
        await some(shop)
    return counted
