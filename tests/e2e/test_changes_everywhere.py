"""What an operator changes through one node acts on all of them within a second: sites, secrets, pauses."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from tests.delivery.receiver import receiving
from tests.e2e.cluster import Cluster, clustered
from tests.e2e.exposition import samples, values
from tests.e2e.server import Api, eventually, unique
from tests.e2e.shop import CREATED, Device, check_vapid
from tests.e2e.test_nodes import APIS, ENGINES, PARTITIONS, SEGMENT, SLACK, apis, post, publish, spread  # noqa: F401 - a fixture
from tests.postgres import databases

PEOPLE = 16
PUSH = {"id": "hi", "push": {"title": "Hi", "message": "there", "url": "https://shop.example/"}}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    url = databases().fresh(PARTITIONS)
    with clustered(tmp_path_factory.mktemp("changes") / "data", url) as cluster:
        cluster.start(*APIS, *ENGINES, "delivery", "delivery")
        yield cluster
    databases().drop(url)


async def sent(cluster: Cluster) -> list[float]:
    """How many deliveries each of the senders has ended."""
    seen = [await samples(peer) for peer in cluster.running("delivery")]
    return [sum(values(one, "clarion_deliveries_ended_total").values()) for one in seen]


async def test_a_site_that_one_api_changes_is_another_for_every_engine_and_sender_within_a_second(
    cluster: Cluster,
    apis: list[Api],  # noqa: F811
) -> None:
    await spread(cluster)
    zone, subject = "Asia/Tokyo", f"mailto:{unique('ops')}@shop.example"
    async with receiving(CREATED) as service:
        phones = [Device(service) for _ in range(PEOPLE)]
        people = [unique("ann") for _ in phones]
        for phone, person in zip(phones, people, strict=True):
            await phone.register(apis[0], person)
        _, event = await publish(apis[0], PUSH)

        async def subjects() -> set[str]:
            """Push to everybody; what the senders say who they are."""
            known = len(service.requests)
            answer = await apis[1].ask("POST", "/events/batch", {"events": [{"event_name": event, "profile_id": one} for one in people]})
            assert (answer.status, answer.json["data"]["accepted"]) == (200, PEOPLE), answer
            async with asyncio.timeout(15):
                await service.wait_for(known + PEOPLE)
            return {str(check_vapid(one.header("authorization")).claims["sub"]) for one in service.requests[known:]}

        before = await subjects()
        assert subject not in before
        counted = await sent(cluster)
        answer = await apis[0].ask("PATCH", "/site", {"timezone": zone, "vapid_subject": subject})
        assert answer.status == 200, answer

        async def told() -> tuple[int, set[str]]:
            [row] = await cluster.look("SELECT count(*) AS count FROM site_states WHERE timezone = $1", zone)
            return int(row["count"]), await subjects()

        await eventually(told, lambda seen: seen == (PARTITIONS, {subject}), 1 + SLACK)
        for api in apis:
            assert (await api.get("/site"))["vapid_subject"] == subject
        assert all(now > then for now, then in zip(await sent(cluster), counted, strict=True)), "one of them has sent nothing"


async def test_a_secret_that_one_api_replaces_is_used_by_every_sender_within_a_second(
    cluster: Cluster,
    apis: list[Api],  # noqa: F811
) -> None:
    await spread(cluster)
    old, new, name = unique("old"), unique("new"), "TOKEN"
    assert (await apis[0].ask("PUT", f"/secrets/{name}", {"value": old})).status in {200, 201}
    async with receiving() as shop:
        step = {"id": "call", "http": {"url": shop.url, "headers": {"X-Token": "{{ secrets.TOKEN }}"}}}
        _, event = await publish(apis[1], step)

        async def tokens() -> set[Any]:
            known = len(shop.requests)
            await post(apis[2], event, PEOPLE)
            async with asyncio.timeout(15):
                await shop.wait_for(known + PEOPLE)
            return {one.header("x-token") for one in shop.requests[known:]}

        await eventually(tokens, lambda seen: seen == {old}, 1 + SLACK)
        counted = await sent(cluster)
        assert (await apis[2].ask("PUT", f"/secrets/{name}", {"value": new})).status in {200, 201}
        await eventually(tokens, lambda seen: seen == {new}, 1 + SLACK)
        assert all(now > then for now, then in zip(await sent(cluster), counted, strict=True)), "one of them has sent nothing"


async def test_what_one_api_takes_after_another_has_paused_starts_nothing(
    cluster: Cluster,
    apis: list[Api],  # noqa: F811
) -> None:
    await spread(cluster)
    slug, event = await publish(apis[0], SEGMENT)
    assert (await apis[1].ask("POST", f"/workflows/{slug}/pause")).status == 200
    refused = set().union(*await asyncio.gather(*(post(api, event, 32) for api in apis)))
    assert (await apis[2].ask("POST", f"/workflows/{slug}/resume")).status == 200
    taken = set().union(*await asyncio.gather(*(post(api, event, 32) for api in apis)))

    async def logged() -> int:
        [row] = await cluster.look("SELECT count(*) AS count FROM log WHERE kind = 'event' AND body::json ->> 'name' = $1", event)
        return int(row["count"])

    await eventually(logged, lambda count: count == len(refused | taken))
    started = {row["profile"].removeprefix("n:") for row in await cluster.look("SELECT profile FROM runs WHERE workflow = $1", slug)}
    assert started == taken
