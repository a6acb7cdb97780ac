"""Eight processes on one database under every fault there is: nothing acknowledged is lost, nothing happens twice, in order."""

import json
import random
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from tests.crash import load
from tests.crash.nodes import Node, Nodes, serving
from tests.crash.orders import PAUSABLE
from tests.crash.places import Look, PostgresPlace
from tests.crash.reconcile import Figures
from tests.crash.shop import Shop, initialised, shop
from tests.e2e.server import eventually
from tests.postgres import Databases, Server
from tests.server.client import Client

PARTITIONS = 12
SEED = 20_280_101
TAKEN_WITHIN = 10.0
"""Seconds in which the others have what a dead node had."""
MORE = 60
"""Answers that are waited for, to be in the middle of things."""
MOST_AHEAD = 200
"""Little enough that what is waited for are faults, and not the work that they leave."""
SOAK_FAULTS = 60
MOST_WAITING = 2_000
"""Entries of all inboxes, in a long run."""

pytestmark = pytest.mark.timeout(240)
"""Eight processes start, and some of them again, on a machine that may have two cores."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    """A server of the module's own: it is restarted. Its commits are flushed, as its sessions want it."""
    server = Server(settings=("synchronous_commit=on",))
    yield server
    server.close()


@pytest.fixture(scope="module")
def databases(postgres: Server) -> Iterator[Databases]:
    made = Databases(postgres.url)
    yield made
    made.close()


@pytest.fixture
def place(databases: Databases, tmp_path: Path) -> Iterator[PostgresPlace]:
    url = databases.fresh(PARTITIONS)
    yield PostgresPlace(tmp_path / "data", url)
    databases.drop(url)


@asynccontextmanager
async def served(
    place: PostgresPlace, seed: int, *, patience: float = 220, failing: float = 0, most_ahead: int = MOST_AHEAD
) -> AsyncIterator[tuple[Shop, Nodes]]:
    key = await initialised(place)
    async with (
        shop(place, key, random.Random(seed), failing=failing, patience=patience, most_ahead=most_ahead) as opened,
        serving(place) as nodes,
    ):
        opened.server = nodes.of("api")[0].process
        yield opened, nodes


async def some(shop: Shop, count: int = MORE) -> None:
    """Wait until so many more orders are acknowledged."""
    await shop.load.acknowledgements.reach(shop.load.acknowledgements.value + count)


async def serves(shop: Shop) -> None:
    """Wait until the node that finishes accepts orders: others may be back from an outage before it."""
    client = await Client.connect("127.0.0.1", shop.server.port)
    try:
        await eventually(lambda: shop.load.post(client), lambda answer: answer.status == 200)
    finally:
        client.close()


async def finish(shop: Shop, nodes: Nodes) -> Figures:
    """Ask again about every fate that is unknown, resume what is paused, and reconcile."""
    shop.server = nodes.of("api")[0].process
    await serves(shop)
    await shop.load.repeat_unknown(shop.server.port)
    for workflow in PAUSABLE:
        await shop.switch(workflow, "resume")
    return await shop.settle(nodes.stop)


async def owners(look: Look) -> set[str]:
    """The nodes that have partitions; with an empty name among them where nobody has one."""
    return {owner or "" for (owner,) in await look("SELECT DISTINCT owner FROM partitions")}


async def taken_over(place: PostgresPlace, before: set[str], count: int) -> set[str]:
    """Wait until all partitions are owned by `count` nodes, not all of which were there before; who that is."""
    async with place.looking() as look:
        return await eventually(lambda: owners(look), lambda now: now != before and len(now) == count and "" not in now, TAKEN_WITHIN)


async def test_kill_of_each_role(place: PostgresPlace) -> None:
    rng = random.Random(SEED)
    async with served(place, SEED) as (shop, nodes):
        async with shop.load.on_any(nodes.ports):
            for roles in ("engine", "delivery", "api", "engine"):
                await some(shop)
                await nodes.kill(rng.choice(nodes.of(roles)))
            await some(shop)
        figures = await finish(shop, nodes)
    assert figures.acknowledged > 0
    assert figures.effects > figures.acknowledged
    assert figures.receipts > 0


async def test_a_crashed_engine_is_replaced_in_time(place: PostgresPlace) -> None:
    """By those that are left, without another one to start."""
    async with served(place, SEED + 1) as (shop, nodes):
        async with shop.load.on_any(nodes.ports):
            await some(shop)
            async with place.looking() as look:
                before = await eventually(lambda: owners(look), lambda now: len(now) == 3 and "" not in now)
            dead = nodes.of("engine")[1]
            await dead.process.kill()
            left = await taken_over(place, before, 2)
            assert left < before
            await some(shop)
        await nodes.restart(dead)
        figures = await finish(shop, nodes)
    assert figures.acknowledged > 0


@pytest.mark.parametrize("roles", ["engine", "delivery"])
async def test_a_node_that_is_stopped_past_its_lease_and_goes_on(roles: str, place: PostgresPlace) -> None:
    """What it still wants to write of partitions that others have by now is refused; what it sends again carries the same ids."""
    async with served(place, SEED + 2) as (shop, nodes):
        async with shop.load.on_any(nodes.ports), place.looking() as look:
            await some(shop)
            before = await alive(look)
            node = nodes.of(roles)[0]
            node.process.signal(signal.SIGSTOP)
            await eventually(lambda: alive(look), lambda now: now < before, TAKEN_WITHIN)
            if roles == "engine":
                await eventually(lambda: strays(look), lambda count: count == 0, TAKEN_WITHIN)
            await some(shop)
            node.process.signal(signal.SIGCONT)
            await eventually(lambda: alive(look), lambda now: now >= before, TAKEN_WITHIN)
            await some(shop)
        figures = await finish(shop, nodes)
    assert figures.acknowledged > 0


async def alive(look: Look) -> set[str]:
    """Nodes whose lease runs, by the database's clock."""
    return {id for (id,) in await look("SELECT id FROM nodes WHERE until > extract(epoch FROM clock_timestamp()) * 1000000")}


async def strays(look: Look) -> int:
    """Partitions of which no living node is the owner."""
    there = await alive(look)
    return sum(1 for (owner,) in await look("SELECT owner FROM partitions") if owner not in there)


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_the_database_is_restarted(how: str, place: PostgresPlace, postgres: Server) -> None:
    """503 while it is away, never 200; then everybody goes on by itself. Nothing arrives meanwhile, and yet somebody has to send."""
    async with served(place, SEED + 3, most_ahead=load.MOST_AHEAD) as (shop, nodes):
        async with shop.load.on_any(nodes.ports):
            for _ in range(2):
                await some(shop)
                getattr(postgres, how)()
                await shop.load.refusals.reach(shop.load.refusals.value + 30)
                postgres.start()
                await some(shop)
        figures = await finish(shop, nodes)
    assert all((answer.status, answer.headers.get("retry-after")) == (503, "1") for answer in shop.load.refused.values())
    assert figures.acknowledged > 0


@pytest.mark.parametrize("how", ["cut", "freeze"])
async def test_a_node_loses_the_network(how: str, place: PostgresPlace) -> None:
    async with served(place, SEED + 4) as (shop, nodes):
        async with shop.load.on_any(nodes.ports), place.looking() as look:
            await some(shop)
            before = await alive(look)
            lost = [nodes.of("engine")[2], nodes.of("delivery")[1]]
            for node in lost:
                getattr(node.wire, how)()
            await eventually(lambda: alive(look), lambda now: len(now) == len(before) - 2, TAKEN_WITHIN)
            await eventually(lambda: strays(look), lambda count: count == 0, TAKEN_WITHIN)
            await some(shop)
            for node in lost:
                node.wire.mend()
            await eventually(lambda: alive(look), lambda now: len(now) == len(before), TAKEN_WITHIN)
            await some(shop)
        figures = await finish(shop, nodes)
    assert figures.acknowledged > 0


@pytest.mark.soak
@pytest.mark.timeout(3_600)
async def test_many_faults(place: PostgresPlace, postgres: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """One fault after the other, of every kind and to any node; the figures go to standard output as one line of JSON."""
    rng = random.Random(SEED + 5)
    counted: dict[str, int] = {}
    async with served(place, SEED + 5, patience=3_000, failing=0.02, most_ahead=load.MOST_AHEAD) as (shop, nodes):
        async with (
            shop.load.on_any(nodes.ports),
            place.looking_again() as look,
            shop.load.held_back(look, MOST_WAITING),
        ):
            for _ in range(SOAK_FAULTS):
                await some(shop, rng.randint(100, 3_000))
                kind = rng.choice(("kill", "kill", "stopped", "restart", "crash", "cut", "freeze"))
                counted[kind] = counted.get(kind, 0) + 1
                await afflict(kind, rng.choice(nodes.all), rng, shop, nodes, postgres, look)
        never_answered = len(shop.load.unknown)
        figures = await finish(shop, nodes)
    fenced = nodes.said("fenced")
    record = {"faults": counted, "seed": SEED + 5, "never_answered": never_answered, "fenced": fenced} | msgspec.to_builtins(figures)
    with capsys.disabled():
        print(json.dumps(record))  # noqa: T201 - the record that `make soak` leaves


async def afflict(kind: str, node: Node, rng: random.Random, shop: Shop, nodes: Nodes, postgres: Server, look: Look) -> None:
    """One fault and its end."""
    match kind:
        case "kill":
            await nodes.kill(node)
        case "stopped":
            node.process.signal(signal.SIGSTOP)
            await until_lost(look)
            node.process.signal(signal.SIGCONT)
        case "restart" | "crash":
            postgres.stop() if kind == "restart" else postgres.kill()
            await shop.load.refusals.reach(shop.load.refusals.value + rng.randint(1, 100))
            postgres.start()
        case "cut" | "freeze":
            getattr(node.wire, kind)()
            await until_lost(look)
            node.wire.mend()


async def until_lost(look: Look) -> None:
    """Wait until the others hold a node for dead, and have what it had."""
    await eventually(lambda: alive(look), lambda now: len(now) < 8, TAKEN_WITHIN)
    await eventually(lambda: strays(look), lambda count: count == 0, TAKEN_WITHIN)
