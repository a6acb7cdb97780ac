"""Back-pressure: when ingest closes, when it opens again, and how sparingly that is watched."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from clarion import pressure as module
from clarion.clock import HOUR, SECOND
from clarion.config import load_settings
from clarion.pressure import EVERY, SIZE_EVERY, SPARING, Limits, Measure, Pressure
from clarion.store.port import StoreUnavailable
from clarion.store.records.lags import Lag

MIB = 2**20


class World:
    """A store, a disk and two clocks, as a test wants them."""

    def __init__(self, limits: Limits) -> None:
        self.now = 10 * HOUR
        self.lags: list[Lag] = []
        self.free = 1000 * MIB
        self.size = 0
        self.away = False
        self.looks = self.sizings = 0
        self.steady = 0.0
        self.takes = 0.0
        self.pauses: list[float] = []
        self.until: Callable[[], bool] = lambda: False
        self.pressure = Pressure(
            self.read, lambda: self.now, limits, free=self.disk, size=self.sized, steady=lambda: self.steady, sleep=self.sleep
        )

    async def read(self) -> list[Lag]:
        self.looks += 1
        self.steady += self.takes
        if self.away:
            raise StoreUnavailable("gone")
        return self.lags

    def disk(self) -> int:
        if self.free < 0:
            raise FileNotFoundError
        return self.free

    async def sized(self) -> int:
        self.sizings += 1
        if self.away:
            raise StoreUnavailable("gone")
        return self.size

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.steady += seconds
        if self.until():
            raise asyncio.CancelledError

    async def run(self, times: int) -> None:
        """Watch, so many times."""
        first = len(self.pauses)
        self.until = lambda: len(self.pauses) > first + times
        with pytest.raises(asyncio.CancelledError):
            await self.pressure.run()
        assert self.pauses.pop(first) == EVERY  # before the first look

    def waits(self, age: int, count: int = 1) -> None:
        """So many entries of a partition wait, the first for so long."""
        self.lags = [Lag(0, count, self.now - age, 0)]


async def closed_after(world: World, change: Callable[[], object]) -> tuple[str, ...]:
    change()
    await world.pressure.look()
    return world.pressure.closed


async def test_nothing_is_closed_before_the_first_look_or_without_limits() -> None:
    world = World(Limits())
    assert world.pressure.closed == ()
    assert await closed_after(world, lambda: world.waits(1000 * HOUR, 10**12)) == ()
    assert world.pressure.measures == []


async def test_the_lag_closes_above_its_limit_and_opens_below_nine_tenths() -> None:
    world = World(Limits(lag=100 * SECOND))
    steps = [(100 * SECOND, False), (100 * SECOND + 1, True), (90 * SECOND, True), (90 * SECOND - 1, False), (100 * SECOND, False)]
    for age, closes in steps:
        assert await closed_after(world, lambda age=age: world.waits(age)) == (("max_lag",) if closes else ()), age  # type: ignore[misc]  # bound


async def test_the_worst_partition_counts_and_an_entry_from_the_future_does_not() -> None:
    world = World(Limits(lag=100 * SECOND))
    world.lags = [Lag(0, 1, world.now - 3, 0), Lag(7, 1, world.now - 101 * SECOND, 0), Lag(9, 0, None, 5)]
    assert await closed_after(world, lambda: None) == ("max_lag",)
    world.lags = [Lag(0, 1, world.now + HOUR, 0)]
    assert await closed_after(world, lambda: None) == ()
    assert world.pressure.measures == [Measure("max_lag", 0, 100 * SECOND)]


async def test_entries_are_counted_over_all_partitions() -> None:
    world = World(Limits(inbox=1000))
    for each, closes in [(500, False), (501, True), (450, True), (449, False)]:
        world.lags = [Lag(0, each, world.now, 0), Lag(1, each, world.now, 99)]
        await world.pressure.look()
        assert world.pressure.closed == (("max_inbox",) if closes else ()), each


async def test_the_disk_closes_below_what_has_to_be_free_and_opens_a_ninth_above() -> None:
    world = World(Limits(free_disk=90 * MIB))
    for free, closes in [(90 * MIB, False), (90 * MIB - 1, True), (100 * MIB, True), (100 * MIB + 1, False)]:
        assert await closed_after(world, lambda free=free: setattr(world, "free", free)) == (("min_free_disk",) if closes else ()), free  # type: ignore[misc]  # bound


async def test_a_disk_that_cannot_be_asked_closes_nothing() -> None:
    world = World(Limits(free_disk=90 * MIB))
    assert await closed_after(world, lambda: setattr(world, "free", -1)) == ()


async def test_a_full_disk_is_full() -> None:
    world = World(Limits(free_disk=MIB))
    assert await closed_after(world, lambda: setattr(world, "free", 0)) == ("min_free_disk",)
    assert world.pressure.measures[0].part == MIB


async def test_the_database_is_weighed_now_and_then() -> None:
    world = World(Limits(database_size=1000))
    for size, closes in [(1000, False), (1001, True), (900, True), (899, False)]:
        world.steady += SIZE_EVERY
        assert await closed_after(world, lambda size=size: setattr(world, "size", size)) == (("max_database_size",) if closes else ()), size  # type: ignore[misc]  # bound
    before = world.sizings
    world.steady += SIZE_EVERY - 1
    assert await closed_after(world, lambda: setattr(world, "size", 1001)) == ()
    assert world.sizings == before


async def test_what_is_off_is_not_asked_for() -> None:
    world = World(Limits(lag=SECOND))
    world.free = -1
    await world.run(3)
    assert world.sizings == 0


async def test_ingest_opens_when_the_last_limit_is_over() -> None:
    world = World(Limits(lag=100 * SECOND, inbox=1000))
    assert await closed_after(world, lambda: world.waits(101 * SECOND, 1001)) == ("max_lag", "max_inbox")
    assert await closed_after(world, lambda: world.waits(0, 1001)) == ("max_inbox",)
    assert await closed_after(world, lambda: world.waits(95 * SECOND, 899)) == ()


async def test_each_transition_is_logged_once() -> None:
    world = World(Limits(lag=100 * SECOND, inbox=1000))
    with capture_logs() as logs:
        for age, count in [(0, 0), (101, 1), (200, 1), (200, 1001), (0, 1001), (0, 0), (0, 0)]:
            world.waits(age * SECOND, count)
            await world.pressure.look()
    assert [(log["log_level"], log["event"]) for log in logs] == [
        ("warning", "events are answered 503 until this is over"),
        ("warning", "the limits that keep events out have changed"),
        ("warning", "the limits that keep events out have changed"),
        ("info", "events are taken again"),
    ]
    assert logs[0]["max_lag"] == "the oldest entry has waited 1m41s of 1m40s"
    assert logs[2]["max_inbox"] == "1001 entries wait, of 1000"


async def test_a_store_that_is_away_leaves_things_as_they_were() -> None:
    world = World(Limits(lag=100 * SECOND))
    await closed_after(world, lambda: world.waits(101 * SECOND))
    seen = [world.pressure.is_available]
    assert await closed_after(world, lambda: setattr(world, "away", True)) == ("max_lag",)
    seen.append(world.pressure.is_available)
    world.away, world.lags = False, []
    assert await closed_after(world, lambda: None) == ()
    seen.append(world.pressure.is_available)
    assert seen == [True, False, True]


async def test_a_store_that_hangs_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)

    async def hang() -> list[Lag]:
        await asyncio.Event().wait()
        return []

    pressure = Pressure(hang, lambda: 0, Limits(lag=SECOND))
    await pressure.look()
    assert not pressure.is_available


# -- watching --------------------------------------------------------------------------------------------------------


async def test_an_idle_store_is_looked_at_once_and_then_left_alone() -> None:
    world = World(Limits(lag=SECOND, free_disk=MIB))
    await world.run(10)
    assert (world.looks, world.pauses) == (1, [EVERY] * 10)


async def test_what_waits_from_before_gets_a_moment_but_a_full_disk_does_not() -> None:
    world = World(Limits(lag=SECOND, free_disk=MIB))
    world.waits(HOUR)
    await world.pressure.judge()
    assert (world.pressure.closed, world.looks) == ((), 0)
    world.free = 0
    await world.pressure.judge()
    assert (world.pressure.closed, world.looks) == (("min_free_disk",), 0)
    await world.run(1)
    assert world.pressure.closed == ("max_lag", "min_free_disk")


async def test_the_disk_is_watched_all_the_time() -> None:
    world = World(Limits(lag=SECOND, free_disk=MIB))
    await world.run(2)
    world.free = 0
    await world.run(1)
    assert world.pressure.closed == ("min_free_disk",)


@pytest.mark.parametrize(("what", "looks"), [("inbox", 1), ("outbox", 0), ("configuration", 0), ("roster", 0)])
async def test_what_comes_in_is_a_reason_to_look(what: str, looks: int) -> None:
    world = World(Limits(lag=SECOND))
    await world.run(1)
    before = world.looks
    world.pressure.changed(what, (3,))
    await world.run(5)
    assert world.looks - before == looks


async def test_what_waits_is_watched_until_it_is_gone() -> None:
    world = World(Limits(lag=100 * SECOND))
    world.waits(SECOND)
    await world.run(4)
    assert world.looks == 4
    world.lags = []
    await world.run(4)
    assert world.looks == 5


async def test_deliveries_that_wait_for_their_time_are_no_reason_to_look() -> None:
    world = World(Limits(lag=100 * SECOND))
    world.lags = [Lag(0, 0, None, 1000)]
    await world.run(4)
    assert world.looks == 1


@pytest.mark.parametrize("why", ["closed", "away"])
async def test_a_closed_or_lost_store_is_looked_at_until_that_is_over(why: str) -> None:
    world = World(Limits(lag=SECOND, free_disk=MIB))
    world.free, world.away = (0, False) if why == "closed" else (10 * MIB, True)
    await world.run(3)
    assert world.looks == 3
    world.free, world.away = 10 * MIB, False
    await world.run(3)
    assert world.looks == 4


@pytest.mark.parametrize(("takes", "pause"), [(EVERY / SPARING, EVERY), (2 * EVERY / SPARING, 2 * EVERY), (1.0, SPARING)])
async def test_a_look_that_takes_long_is_made_less_often(takes: float, pause: float) -> None:
    world = World(Limits(lag=100 * SECOND))
    world.waits(SECOND)
    world.takes = takes
    await world.run(2)
    assert world.pauses == pytest.approx([pause] * 2)


async def test_who_asks_gets_what_is_a_second_old_at_most() -> None:
    world = World(Limits(lag=SECOND))
    await world.pressure.freshen()
    world.steady += EVERY - 0.01
    await world.pressure.freshen()
    assert world.looks == 1
    world.steady += 0.01
    await asyncio.gather(world.pressure.freshen(), world.pressure.freshen(), world.pressure.freshen())
    assert world.looks == 2


# -- words and settings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        (Measure("max_lag", 3_723_456_789, HOUR), "the oldest entry has waited 1h2m3s of 1h"),
        (Measure("max_inbox", 5, 10), "5 entries wait, of 10"),
        (Measure("min_free_disk", 512 * MIB, 2048 * MIB), "2 GiB are free, of which 512 MiB have to be"),
        (Measure("max_database_size", MIB, 1024 * MIB), "the database has 1 MiB of 1 GiB"),
    ],
)
def test_a_measure_says_how_near_its_limit_is(measure: Measure, said: str) -> None:
    assert str(measure) == said


def test_the_limits_are_those_of_the_settings(tmp_path: Path) -> None:
    assert Limits.of(load_settings(tmp_path, {})) == Limits(HOUR, 5_000_000, 512 * MIB, None)
    off = {"CLARION_MAX_LAG": "off", "CLARION_MAX_INBOX": "0", "CLARION_MIN_FREE_DISK": "off", "CLARION_MAX_DATABASE_SIZE": "1GiB"}
    assert Limits.of(load_settings(tmp_path, off)) == Limits(None, None, None, 1024 * MIB)
