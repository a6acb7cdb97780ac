"""What a paused workflow keeps back is offered again, whatever else happens meanwhile."""

import asyncio
import random

from clarion.clock import DAY, SECOND
from clarion.delivery.client import Http2
from clarion.delivery.connection import Response
from clarion.delivery.limits import HostLimits
from clarion.delivery.worker import DeliveryWorker

from .conftest import Post
from .outbox import PAUSED, FakeClock, FakeKeys, FakeOutbox, change, http
from .receiver import receiving


async def test_held_deliveries_go_back_although_another_came_due_before(live: Post) -> None:
    """Nobody wakes the worker after the other one: it has to remember by itself."""
    async with receiving() as receiver:
        held = change(http(1, receiver.url), workflow=PAUSED, due=live.now() - SECOND, expires=live.now() + DAY)
        soon = change(http(2, receiver.url), due=live.now() + SECOND // 50, expires=live.now() + DAY)
        live.outbox.put(held, soon)
        await live.start()
        await live.outbox.until_reported()
        assert live.outbox.claimed == {held.id}
        del live.outbox.waiting[held.id]  # the engine's hold reaches the store
        await live.outbox.until(lambda: not live.outbox.claimed)
    assert len(receiver.requests) == 1


class Gate:
    """A client whose first request waits to be let through."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.entered = asyncio.Event()
        self.sent: list[str] = []

    @property
    def http2(self) -> Http2:
        raise AssertionError("no push is sent")

    async def request(self, method: str, url: str, headers: object = (), body: bytes | None = None) -> Response:
        self.sent.append(url)
        self.entered.set()
        if len(self.sent) == 1:
            await self.open.wait()
        return Response(200, {}, b"", False)

    async def close(self) -> None:
        """Nothing is open."""


async def test_parked_deliveries_of_a_workflow_that_is_paused_meanwhile_are_not_sent() -> None:
    """One is under way and three wait for its host; the workflow is paused; then the host has room."""
    outbox, keys, gate, paused = FakeOutbox(), FakeKeys(), Gate(), set[str]()
    keys.paused = lambda site, workflow: workflow in paused  # type: ignore[method-assign]  # the test decides
    worker = DeliveryWorker(outbox, keys, gate, FakeClock(), random.Random(1), limits=HostLimits(per_host=1))
    outbox.put(*(http(number, f"https://slow.example/{number}") for number in range(4)))
    await worker.start()
    await gate.entered.wait()
    await outbox.until(lambda: len(outbox.claimed) == 4)
    paused.add(http(0, "https://slow.example/").workflow)
    gate.open.set()
    await outbox.until_reported()
    await worker.stop(1.0)
    assert len(gate.sent) == 1
    assert not outbox.claimed
