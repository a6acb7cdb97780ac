"""Three api, three engine and two delivery processes on one PostgreSQL database, and what happens when some of them go."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest
from tests.delivery.receiver import OK, Received, receiving
from tests.e2e.cluster import LOST, Cluster, Peer, clustered
from tests.e2e.engines import SITE
from tests.e2e.server import Api, eventually, unique
from tests.postgres import Server, databases
from tests.server.client import request

from clarion.domain.ids import partition_of

PARTITIONS = 32
SLACK = 1.0
"""Seconds added to a promise of one second: eight processes, a database and this test share the cores."""

AWAY, BACK = "the store is away; trying until it is back", "the store is back"

APIS, ENGINES = ("api",) * 3, ("engine",) * 3


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Shared by the tests here; each leaves three api, three engine and two delivery nodes running."""
    url = databases().fresh(PARTITIONS)
    with clustered(tmp_path_factory.mktemp("cluster") / "data", url) as cluster:
        cluster.start(*APIS, *ENGINES, "delivery", "delivery")
        yield cluster
    databases().drop(url)


@pytest.fixture
async def apis(cluster: Cluster) -> AsyncIterator[list[Api]]:
    """A connection to each api node."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(peer.api()) for peer in cluster.running("api")]


async def spread(cluster: Cluster) -> None:
    """Wait until everything is owned, evenly, by the engines that run."""
    running = cluster.running("engine")
    await eventually(lambda: cluster.is_spread(*running), bool)


async def publish(api: Api, *steps: object) -> tuple[str, str]:
    """Publish a workflow; returns its slug and the event that starts it."""
    slug, event = unique("w"), unique("go")
    document = {"workflow": slug, "start": {"on": [{"event": event}]}, "steps": steps}
    answer = await api.ask("PUT", f"/workflows/{slug}", document)
    assert answer.status == 200, answer
    return slug, event


async def post(api: Api, event: str, count: int, size: int = 500) -> set[str]:
    """Post events in batches, each about somebody else; returns whom they are about."""
    people = [unique("ann") for _ in range(count)]
    for start in range(0, count, size):
        events = [{"event_name": event, "profile_id": person} for person in people[start : start + size]]
        answer = await api.ask("POST", "/events/batch", {"events": events})
        assert (answer.status, answer.json["data"]["accepted"]) == (200, len(events)), answer
    return set(people)


async def applied_once(cluster: Cluster, slug: str, event: str, people: set[str], within: float = 60) -> None:
    """Wait until each has a run; then nothing may be there twice, in whatever was written."""

    async def runs() -> int:
        [row] = await cluster.look("SELECT count(*) AS count FROM runs WHERE workflow = $1", slug)
        return int(row["count"])

    await eventually(runs, lambda count: count >= len(people), within)
    [run] = await cluster.look("SELECT count(*) AS runs, count(DISTINCT profile) AS people FROM runs WHERE workflow = $1", slug)
    assert tuple(run) == (len(people), len(people))
    [log] = await cluster.look(
        "SELECT count(*) AS rows, count(DISTINCT id) AS ids FROM log WHERE kind = 'event' AND body::json ->> 'name' = $1", event
    )
    assert tuple(log) == (len(people), len(people))
    [count] = await cluster.look(
        "SELECT sum(count) AS count FROM counters WHERE workflow = $1 AND period = 'day' AND name = 'started' AND step = ''", slug
    )
    assert count["count"] == len(people)
    [told] = await cluster.look(
        "SELECT count(*) AS rows, count(DISTINCT event) AS events FROM explanations"
        " WHERE event IN (SELECT id FROM log WHERE body::json ->> 'name' = $1)",
        event,
    )
    assert tuple(told) == (len(people), len(people))
    assert await cluster.look("SELECT id FROM poisoned") == []


SEGMENT = {"id": "mark", "segment": {"add": "seen"}}


# -- together ----------------------------------------------------------------------------------------------------------------


async def test_what_any_api_takes_is_applied_once_and_sent_once(cluster: Cluster, apis: list[Api]) -> None:
    await spread(cluster)
    arrived: list[str] = []

    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        arrived.append(str(request.header("webhook-id")))
        writer.write(OK)

    async with receiving(answer) as receiver:
        slug, event = await publish(apis[0], {"id": "call", "http": {"url": receiver.url}})
        people = set().union(*await asyncio.gather(*(post(api, event, 60, 20) for api in apis)))
        await applied_once(cluster, slug, event, people)
        async with asyncio.timeout(30):
            await receiver.wait_for(len(people))

        async def pending() -> int:
            [row] = await cluster.look("SELECT count(*) AS count FROM deliveries WHERE workflow = $1 AND status = 'pending'", slug)
            return int(row["count"])

        await eventually(pending, lambda count: count == 0)
    assert (len(arrived), len(set(arrived))) == (180, 180)
    rows = await cluster.look("SELECT DISTINCT partition FROM runs WHERE workflow = $1", slug)
    homes = {partition_of(SITE, person, PARTITIONS) for person in people}
    assert {row["partition"] for row in rows} == homes
    assert len(homes) > PARTITIONS // 2


async def test_a_workflow_that_one_api_publishes_acts_on_what_the_others_take_from_then_on(cluster: Cluster, apis: list[Api]) -> None:
    await spread(cluster)
    slug, event = await publish(apis[0], SEGMENT)
    began = time.monotonic()
    people = set().union(*await asyncio.gather(*(post(api, event, 64) for api in apis[1:])))
    await applied_once(cluster, slug, event, people, within=1 + SLACK)
    assert time.monotonic() - began < 1 + SLACK
    for api in apis:
        assert (await api.get(f"/workflows/{slug}"))["status"] == "active"


async def test_a_key_that_is_revoked_is_refused_by_every_api_within_a_second(cluster: Cluster) -> None:
    made = await cluster.run("keys", "create", "--name", unique("key"))
    async with AsyncExitStack() as stack:
        shops = [await stack.enter_async_context(peer.api(made["key"])) for peer in cluster.running("api")]

        async def answers() -> list[int]:
            return [(await shop.track("x")).status for shop in shops]

        await eventually(answers, lambda seen: seen == [200, 200, 200], 1 + SLACK)
        await cluster.run("keys", "revoke", made["key_id"])
        await eventually(answers, lambda seen: seen == [401, 401, 401], 1 + SLACK)


async def test_a_node_without_the_api_says_how_it_is_and_nothing_else(cluster: Cluster) -> None:
    expected = {"/healthz": 200, "/readyz": 200, "/metrics": 200, "/api/v1/workflows": 404, "/api/v1/events": 404}
    for peer in [*cluster.running("engine"), *cluster.running("delivery")]:
        async with peer.connect() as client:
            assert {path: (await client.ask(request("GET", path))).status for path in expected} == expected


# -- coming and going --------------------------------------------------------------------------------------------------------


async def test_an_engine_that_is_stopped_hands_over_within_a_second(cluster: Cluster, apis: list[Api]) -> None:
    await spread(cluster)
    slug, event = await publish(apis[0], SEGMENT)
    going, *staying = cluster.running("engine")
    people = await post(apis[0], event, 1_000)
    began = time.monotonic()
    going.send(signal.SIGTERM)
    await eventually(lambda: cluster.is_spread(*staying), bool, 1 + SLACK)
    assert time.monotonic() - began < 1 + SLACK
    going.ended()
    people |= await post(apis[1], event, 100)
    await applied_once(cluster, slug, event, people)
    assert sum(peer.told(LOST) for peer in [going, *staying]) == 0
    cluster.start("engine")
    await spread(cluster)


async def test_what_a_killed_engine_had_is_taken_over_within_ten_seconds(cluster: Cluster, apis: list[Api]) -> None:
    await spread(cluster)
    slug, event = await publish(apis[0], SEGMENT)
    victim, *staying = cluster.running("engine")
    people = await post(apis[0], event, 2_000)
    victim.end(signal.SIGKILL)
    people |= await post(apis[1], event, 500)
    await eventually(lambda: cluster.is_spread(*staying), bool, 10)
    await applied_once(cluster, slug, event, people)
    cluster.start("engine")
    await spread(cluster)


async def test_what_an_engine_writes_that_was_thought_dead_is_refused(cluster: Cluster, apis: list[Api]) -> None:
    await spread(cluster)
    slug, event = await publish(apis[0], SEGMENT)
    stale, *others = cluster.running("engine")
    people = set()
    before = stale.told(LOST)
    for _ in range(5):
        people |= await post(apis[0], event, 3_000)  # more than is done at once: it is stopped while it is at work
        stale.send(signal.SIGSTOP)
        people |= await post(apis[1], event, 100)
        await eventually(lambda: cluster.is_spread(*others), bool, 10)
        stale.send(signal.SIGCONT)
        people |= await post(apis[2], event, 100)
        await spread(cluster)
        if stale.told(LOST) > before:
            break
    assert stale.told(LOST) > before
    assert all(peer.runs for peer in cluster.running("engine"))
    await applied_once(cluster, slug, event, people)


async def test_a_delivery_node_that_is_stopped_leaves_nothing_unsent(cluster: Cluster, apis: list[Api]) -> None:
    await spread(cluster)
    arrived: list[str] = []
    going = asyncio.Event()

    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        arrived.append(str(request.header("webhook-id")))
        if len(arrived) == 50:
            going.set()
        writer.write(OK)

    async with receiving(answer) as receiver:
        slug, event = await publish(apis[0], {"id": "call", "http": {"url": receiver.url}})
        people = await post(apis[0], event, 400)
        async with asyncio.timeout(30):
            await going.wait()
        await asyncio.to_thread(cluster.running("delivery")[0].end)

        async def pending() -> int:
            [row] = await cluster.look("SELECT count(*) AS count FROM deliveries WHERE workflow = $1 AND status = 'pending'", slug)
            return int(row["count"])

        await applied_once(cluster, slug, event, people)
        await eventually(pending, lambda count: count == 0, 30)
    assert (len(arrived), len(set(arrived))) == (400, 400)
    cluster.start("delivery")


# -- a database that goes away -----------------------------------------------------------------------------------------------


async def test_nodes_outlive_their_database_and_say_so_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = Server()
    try:
        with clustered(tmp_path_factory.mktemp("outage") / "data", server.url, partitions="16") as cluster:
            shop, engine = cluster.start("api,delivery", "engine")
            await eventually(lambda: cluster.is_spread(engine), bool)
            async with shop.api() as api:
                slug, event = await publish(api, SEGMENT)
                people = await post(api, event, 50)
                await asyncio.to_thread(server.stop)

                async def taken() -> bool:
                    answer = await api.track(event, profile_id=(person := unique("bob")))
                    assert answer.status in {200, 503}, answer
                    if answer.status == 503:
                        assert int(answer.headers["retry-after"]) >= 1
                        return False
                    people.add(person)
                    return True

                for peer in (shop, engine):

                    async def noticed(peer: Peer = peer) -> bool:
                        assert not await taken()
                        return peer.told(AWAY) > 0

                    await eventually(noticed, bool)
                await asyncio.to_thread(server.start)
                await eventually(taken, bool, 30)
                await applied_once(cluster, slug, event, people)
            for peer in (shop, engine):
                await eventually(lambda peer=peer: _told(peer, BACK), bool)  # type: ignore[misc]  # bound at once
                assert (peer.told(AWAY), peer.told(BACK)) == (1, 1), peer.log
                assert len(peer.log) < 20
    finally:
        server.close()


async def _told(peer: Peer, event: str) -> int:
    return peer.told(event)
