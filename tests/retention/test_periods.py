"""On PostgreSQL with the periods that a server makes: dropped whole, and before that in files and snapshots; a stale process included."""

import asyncio
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it carries no types
from tests.retention.log import NOW, lines, manifests
from tests.retention.test_partitions import Owners, left, no_sleep

from clarion.clock import HOUR
from clarion.config import Settings
from clarion.retention import Retention
from clarion.store.port import Store
from clarion.store.postgres.periods import LENGTH

KEEP = 8 * HOUR
THIS = NOW // LENGTH * LENGTH
"""Beginning of the period that NOW is in."""


async def rows(settings: Settings, sql: str, *values: object) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(settings.database_url)
    try:
        return [tuple(row) for row in await connection.fetch(sql, *values)]
    finally:
        await connection.close()


async def make_periods(settings: Settings) -> None:
    for weeks in (-2, -1, 0):
        made = "SELECT clarion_make_period('log', $1, $2)"
        assert await rows(settings, made, THIS + weeks * LENGTH, THIS + (weeks + 1) * LENGTH) == [(True,)]


async def starts(settings: Settings) -> list[int]:
    """Where the periods of the log that are over by NOW, or under way, begin; in weeks from this one."""
    return [
        (since - THIS) // LENGTH for (since,) in await rows(settings, "SELECT since FROM clarion_periods('log') WHERE since <= $1", NOW)
    ]


async def test_periods_that_are_over_go_whole_once_they_are_in_files(store: Store, settings: Settings) -> None:
    await make_periods(settings)
    owners = Owners(store)
    await owners.log(3, THIS - 2 * LENGTH, "a")
    await owners.log(1, THIS - LENGTH - 1, "b")
    await owners.log(1, THIS - LENGTH, "c")
    await owners.log(1, NOW - HOUR, "d")
    retention = Retention(store, settings, lambda: THIS + KEEP - 1, no_sleep)  # an hour is missing: it is not exported yet
    assert (await retention.forget())["events"] > 0
    assert await starts(settings) == [-1, 0]
    assert [line["name"] for line in lines(settings.exports)] == ["a", "b", "c"]
    assert [[one.sequence for one in await store.snapshots(partition)] for partition in range(4)] == [[], [3], [], [1]]
    assert (await Retention(store, settings, lambda: THIS + KEEP, no_sleep).forget())["events"] > 0
    assert await starts(settings) == [0]
    assert await left(store) == [(1, "1-d")]
    assert sorted(line["name"] for line in lines(settings.exports)) == ["a", "b", "c"]
    assert sum(one["events"] for one in manifests(settings.exports)) == 3


async def test_where_the_export_fails_no_period_goes(store: Store, settings: Settings) -> None:
    await make_periods(settings)
    await Owners(store).log(1, THIS - LENGTH, "a")
    settings.exports.write_text("a file, where a directory should be")
    assert (await Retention(store, settings, lambda: NOW, no_sleep).forget())["events"] == 0
    assert await starts(settings) == [-2, -1, 0]
    assert await left(store) == [(1, "1-a")]


async def test_a_process_that_stood_still_in_an_export_spoils_nothing(store: Store, settings: Settings) -> None:
    """Stopped past its lease, it goes on with the stretch of which another has the files and has removed the events."""
    names = [f"{number:04}" for number in range(1_500)]
    owners = Owners(store)
    for start in range(0, len(names), 100):
        await owners.log(0, NOW - KEEP - HOUR, *names[start : start + 100])
    stands, goes_on = asyncio.Event(), asyncio.Event()

    async def stand_still(_: float) -> None:
        stands.set()
        await goes_on.wait()

    stale = asyncio.create_task(Retention(store, settings, lambda: NOW, stand_still).forget())
    await stands.wait()
    await Retention(store, settings, lambda: NOW, no_sleep).forget()
    before = {path.name: path.read_bytes() for path in settings.exports.iterdir() if not path.name.startswith(".")}
    assert sorted(line["name"] for line in lines(settings.exports)) == names
    goes_on.set()
    await stale
    assert {path.name: path.read_bytes() for path in settings.exports.iterdir()} == before
