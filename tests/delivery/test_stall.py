"""A host that stalls has its backlog wait, costs the store little meanwhile, and gets it as soon as it is well."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Final

import pytest

from clarion.delivery.client import Http2
from clarion.delivery.connection import Response
from clarion.delivery.errors import TimedOut
from clarion.delivery.limits import HostLimits
from clarion.delivery.worker import DeliveryWorker, Ready
from clarion.store.records.deliveries import Delivery, Report

from .outbox import START, FakeKeys, change, http
from .virtual_time import VirtualLoop, virtual_clock

STALL: Final = 600.0
DUE: Final = 5000
PATIENCE: Final = 15.0
"""Seconds after which the client gives up."""
STALLED, HEALTHY = "https://stalled.example/", "https://healthy.example/"


class Outbox:
    """Deliveries by when they are due, and every report."""

    def __init__(self, deliveries: Sequence[Delivery]) -> None:
        self._waiting = [(each.due, each.id, each) for each in sorted(deliveries, key=lambda each: each.id)]
        self.left = len(self._waiting)
        self.put_off: Counter[str] = Counter()
        self.writes: list[float] = []
        """When deliveries were put off, or tried without success."""
        self.sent: dict[str, float] = {}
        self.all_sent = asyncio.Event()

    async def claim(self, limit: int, now: int) -> tuple[list[Delivery], int | None]:
        taken: list[Delivery] = []
        while self._waiting and len(taken) < limit and self._waiting[0][0] <= now:
            taken.append(heappop(self._waiting)[2])
        return taken, self._waiting[0][0] if self._waiting else None

    async def report(self, reports: Sequence[Report]) -> None:
        at = asyncio.get_running_loop().time()
        for one in reports:
            if one.outcome is None:
                assert one.retry_at is not None
                again = change(one.delivery, due=one.retry_at)
                heappush(self._waiting, (again.due, again.id, again))
                self.put_off[again.id] += 1
                self.writes.append(at)
            else:
                assert one.outcome == "sent"
                self.sent[one.delivery.id] = at
        if len(self.sent) == self.left:
            self.all_sent.set()

    async def unclaim(self, deliveries: Sequence[str]) -> None:
        assert not deliveries


class Hosts:
    """Answers after `took` seconds; the one that stalls does so until it is well."""

    def __init__(self, *, well_at: float, slow: float | None, took: float = 0.05) -> None:
        self._well_at, self._slow, self._took = well_at, slow, took
        self.tried: list[float] = []
        """When the stalled host was tried before it was well."""

    @property
    def http2(self) -> Http2:
        raise AssertionError("no push is sent")

    async def request(self, method: str, url: str, headers: object = (), body: bytes | None = None) -> Response:
        now = asyncio.get_running_loop().time()
        if url.startswith(STALLED) and now < self._well_at:
            self.tried.append(now)
            if self._slow is None:
                await asyncio.sleep(PATIENCE)
                raise TimedOut("no complete answer in time")
            await asyncio.sleep(self._slow)
        else:
            await asyncio.sleep(self._took)
        return Response(200, {}, b"", False)


async def deliver(outbox: Outbox, hosts: Hosts, per_host: int) -> None:
    limits: HostLimits[Ready] = HostLimits(per_host=per_host)
    worker = DeliveryWorker(outbox, FakeKeys(), hosts, virtual_clock, random.Random(1), limits=limits)
    await worker.start()
    await outbox.all_sent.wait()
    await worker.stop(1.0)


def run(deliveries: Sequence[Delivery], *, well_at: float = STALL, slow: float | None = None, per_host: int = 8) -> tuple[Outbox, Hosts]:
    """Until everything is sent."""

    async def all_of_it() -> tuple[Outbox, Hosts]:
        outbox, hosts = Outbox(deliveries), Hosts(well_at=well_at, slow=slow)
        await deliver(outbox, hosts, per_host)
        return outbox, hosts

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(all_of_it())


BACKLOG: Final = [http(number, f"{STALLED}{number}") for number in range(DUE)]


@pytest.mark.parametrize("slow", [None, 10.0], ids=["silent", "slow"])
def test_a_backlog_flows_as_soon_as_its_host_is_well(slow: float | None) -> None:
    """8 at a time and 50 ms each: 160/s at best, 31 s in all."""
    outbox, _ = run(BACKLOG, slow=slow)
    ended = sorted(outbox.sent.values())
    assert ended[-1] <= STALL + 180  # those that were tried in vain keep to their own retries
    assert sum(at <= STALL + 60 for at in ended) >= DUE * 0.9
    if slow is None:
        assert ended[0] >= STALL
    else:
        assert sum(at < STALL for at in ended) <= 8 * STALL / slow


def test_a_host_that_was_never_unwell_is_no_slower_for_it() -> None:
    outbox, _ = run(BACKLOG, well_at=0.0)
    assert max(outbox.sent.values()) <= 31 * 1.2


def test_meanwhile_it_is_tried_seldom_and_the_store_is_left_in_peace() -> None:
    outbox, hosts = run(BACKLOG)
    assert len(hosts.tried) <= 8 + 20
    during = [at for at in outbox.writes if at <= STALL]
    assert len(during) <= 16 * DUE
    assert max(outbox.put_off.values()) <= 24


def test_the_others_go_on_meanwhile() -> None:
    well = [change(http(number, f"{HEALTHY}{number}"), due=START + 1) for number in range(10_000, 12_000)]
    alone, _ = run(well)
    outbox, _ = run([*BACKLOG, *well])
    took = max(at for id, at in outbox.sent.items() if id >= well[0].id)
    assert took <= max(alone.sent.values()) * 1.25 + 2
