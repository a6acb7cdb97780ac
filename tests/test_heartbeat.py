"""The heartbeat: when a node says that it is there, and what it believes of itself."""

import asyncio
import random
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs
from tests.engine.leases import SECOND, Leases

from clarion import heartbeat as module
from clarion.heartbeat import BEATS, LEASE, RETURN, SPREAD, Heartbeat
from clarion.outage import Outage
from clarion.store.port import StoreUnavailable
from clarion.store.records.nodes import Node, Roster


class Bench:
    """A heartbeat whose waits are the test's."""

    def __init__(self) -> None:
        self.leases = Leases(2)
        self.outage = Outage(lambda: self.leases.now)
        me = Node("me", ("api", "engine"), "here")
        self.heart = Heartbeat(self.leases.store(), me, self.outage, random.Random(1), lambda: self.leases.now, wait=self._wait)
        self.rosters: list[Roster] = []
        self.heart.on_roster(self.rosters.append)
        self.waits: list[float] = []
        self.waiting, self.passed = asyncio.Event(), asyncio.Event()

    async def _wait(self, event: asyncio.Event, seconds: float) -> None:
        self.waits.append(seconds)
        self.waiting.set()
        passing = asyncio.ensure_future(self.passed.wait())
        asked = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait({passing, asked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            passing.cancel()
            asked.cancel()
        self.passed.clear()

    async def waits_again(self) -> None:
        async with asyncio.timeout(10):
            self.waiting.clear()
            await self.waiting.wait()

    @property
    def beats(self) -> int:
        return sum(what == "beat" for what, _, _ in self.leases.journal)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    await made.heart.start()
    running = asyncio.create_task(made.heart.run())
    await made.waits_again()
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_it_beats_at_the_start_and_each_second_more_or_less(bench: Bench) -> None:
    assert (bench.beats, [node.id for node in bench.rosters[0].nodes]) == (1, ["me"])
    for _ in range(20):
        bench.passed.set()
        await bench.waits_again()
    assert bench.beats == len(bench.rosters) == 21
    every = LEASE / SECOND / BEATS
    assert all(every * (1 - SPREAD) <= wait <= every * (1 + SPREAD) for wait in bench.waits)
    assert len(set(bench.waits)) > 1


async def test_it_beats_at_once_when_the_roster_has_changed_and_once_for_many_changes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SOONEST", 0)
    for _ in range(5):
        bench.heart.hasten()
    await bench.waits_again()
    assert bench.beats == 2


async def test_its_lease_runs_from_when_a_beat_that_was_heard_began(bench: Bench) -> None:
    seen = []
    for passed in (0, LEASE - 1, 1):
        bench.leases.now += passed
        seen.append((bench.heart.holds, bench.heart.silent))
    assert seen == [(True, 0), (True, LEASE - 1), (False, LEASE)]
    bench.passed.set()
    await bench.waits_again()
    assert (bench.heart.holds, bench.heart.silent) == (True, 0)


@pytest.mark.parametrize(("gap", "returns"), [(LEASE - 1, False), (LEASE, True)])
async def test_after_its_own_lease_was_over_it_counts_as_returning_for_a_while(bench: Bench, gap: int, returns: bool) -> None:
    assert not bench.heart.is_returning
    bench.leases.now += gap
    bench.passed.set()
    await bench.waits_again()
    assert bench.heart.is_returning is returns
    bench.leases.now += int(LEASE * RETURN)
    assert not bench.heart.is_returning


async def test_a_store_that_is_away_is_tried_on_and_told_of_once(bench: Bench) -> None:
    bench.leases.away = {"beat"}
    with capture_logs() as logs:
        for _ in range(5):
            bench.leases.now += SECOND
            bench.passed.set()
            await bench.waits_again()
        bench.leases.away.clear()
        bench.passed.set()
        await bench.waits_again()
    assert [(line["event"], line.get("after_seconds"), line.get("failures")) for line in logs] == [
        ("the store is away; trying until it is back", None, None),
        ("the store is back", 4.0, 5),
    ]
    assert bench.beats == 2


async def test_a_beat_that_hangs_is_given_up_before_the_lease_is_over(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0)

    async def hang(node: Node, lasts: int) -> Roster:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(bench.leases, "beat", hang)
    with pytest.raises(StoreUnavailable, match="does not answer"):
        await bench.heart.start()
    assert bench.outage.lasts


async def test_a_role_that_is_resigned_is_not_claimed_again_by_a_beat_under_way(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()
    beat = bench.leases.beat

    async def slow(node: Node, lasts: int) -> Roster:
        reached.set()
        await go_on.wait()
        return await beat(node, lasts)

    monkeypatch.setattr(bench.leases, "beat", slow)
    bench.passed.set()
    await reached.wait()
    resigning = asyncio.create_task(bench.heart.resign("engine"))
    await asyncio.sleep(0)
    go_on.set()
    await resigning
    assert bench.leases.nodes["me"].roles == ("api",)
    bench.passed.set()
    await bench.waits_again()
    assert bench.leases.nodes["me"].roles == ("api",)


async def test_leaving_ends_the_lease_and_is_no_error_where_the_store_is_away() -> None:
    bench = Bench()
    await bench.heart.start()
    bench.leases.away = {"leave"}
    await bench.heart.leave()
    assert bench.outage.lasts
    bench.leases.away.clear()
    await bench.heart.leave()
    assert (bench.leases.alive("me"), bench.heart.holds) == (False, False)


@pytest.mark.parametrize("calm", [0, SECOND])
def test_an_outage_is_over_after_a_success_with_no_failure_shortly_before(calm: int) -> None:
    clock = SimpleNamespace(now=0)
    outage = Outage(lambda: clock.now, calm)
    with capture_logs() as logs:
        outage.answered()
        for _ in range(3):
            outage.failed(StoreUnavailable("gone"))
        if calm:
            clock.now += calm - 1
            outage.answered()
            assert outage.lasts
            clock.now += 1
        outage.answered()
        assert not outage.lasts
        outage.failed(StoreUnavailable("again"))
    assert [line["event"].partition(";")[0] for line in logs] == ["the store is away", "the store is back", "the store is away"]
