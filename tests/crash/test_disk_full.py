"""A disk that takes no more: 503 and never 200, and the same process goes on by itself once there is room again."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.crash.conftest import Open
from tests.crash.process import Process
from tests.crash.shop import Shop
from tests.server.client import Client, Response, request

from clarion.config import DATABASE_FILE

PAGE = 4096
REFUSALS = 200


@pytest.fixture
def engine() -> str:
    """The one whose files this process writes."""
    return "sqlite"


@contextmanager
def file_size_limit(server: Process, size: int) -> Iterator[None]:
    """The process can write no file beyond `size` bytes: the write fails as on a full disk. Its log is on that disk too."""
    before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        if not server.ended:
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)


def wal_size(shop: Shop) -> int:
    return (shop.data / f"{DATABASE_FILE}-wal").stat().st_size


def unavailable(answer: Response) -> bool:
    """It is the answer that the contract has for a store that cannot take an event now."""
    return (answer.status, answer.headers.get("retry-after"), answer.json["error"]["code"]) == (503, "1", 1053)


async def post_until(shop: Shop, status: int) -> Response:
    """Post one event after the other until an answer has this status."""
    client = await Client.connect("127.0.0.1", shop.server.port)
    try:
        while (answer := await shop.load.post(client)).status != status:
            pass
        return answer
    finally:
        client.close()


async def ready(shop: Shop) -> int:
    """What `/readyz` answers."""
    client = await Client.connect("127.0.0.1", shop.server.port)
    try:
        return (await client.ask(request("GET", "/readyz"))).status
    finally:
        client.close()


@pytest.mark.parametrize("room", [0, 40 * PAGE], ids=["none", "for a few commits"])
async def test_a_full_disk(room: int, open_shop: Open) -> None:
    async with open_shop(room, connections=4, batching=1) as shop:
        server = await shop.start()
        async with shop.load.on(server.port):
            await server.until(shop.load.acknowledgements.reach(100))
            with file_size_limit(server, room and wal_size(shop) + room):
                await server.until(shop.load.refusals.reach(REFUSALS))
                before = len(shop.load.acknowledged)
                assert unavailable(await post_until(shop, 503))
                while await ready(shop) != 503:
                    pass  # that it was ready is believed for a second
        assert all(unavailable(answer) for answer in shop.load.refused.values())
        await post_until(shop, 200)
        assert await ready(shop) == 200
        assert not server.ended
        figures = await shop.settle()
    assert before >= 100
    assert figures.acknowledged > before
    assert not shop.load.unknown
    assert figures.repeats == 0


async def test_death_while_the_disk_is_full(open_shop: Open) -> None:
    async with open_shop(7, connections=4, batching=1) as shop:
        server = await shop.start()
        async with shop.load.on(server.port):
            await server.until(shop.load.acknowledgements.reach(100))
            with file_size_limit(server, wal_size(shop) + 10 * PAGE):
                await server.until(shop.load.refusals.reach(REFUSALS))
                await server.kill()
        await shop.start()
        await shop.settle()
