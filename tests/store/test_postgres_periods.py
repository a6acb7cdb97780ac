"""The tables that grow for ever have parts by time, made ahead and dropped whole; what has no part stands in the default one."""

import asyncio
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import msgspec
import pytest
from tests.store.builders import NOW, SITE, Owner, claimed, delivery, entry
from tests.store.conftest import Clockwork

from clarion.clock import DAY, HOUR, MINUTE
from clarion.domain.ids import digest
from clarion.store.port import StoreUnavailable
from clarion.store.postgres import periods
from clarion.store.postgres.connection import Database
from clarion.store.postgres.forgetting import AT_ONCE, KEPT, KEPT_OF_BATCHES, KEPT_OF_RECEIPTS
from clarion.store.postgres.periods import AHEAD, LENGTH, clear_periods, drop_period, ensure_periods
from clarion.store.postgres.store import PostgresStore
from clarion.store.records.deliveries import Report
from clarion.store.records.entries import Appended
from clarion.store.records.explanations import Explanation

START = NOW // LENGTH * LENGTH
"""Of the period that the builders' time is in."""


@pytest.fixture
async def made(postgres: PostgresStore, postgres_url: str) -> PostgresStore:
    """A store with two periods of the builders' time."""
    connection = await asyncpg.connect(postgres_url)
    for table in ("log", "explanations", "deliveries"):
        for place in (-1, 0):
            assert await connection.fetchval(
                "SELECT clarion_make_period($1, $2, $3)", table, START + place * LENGTH, START + (place + 1) * LENGTH
            )
    await connection.close()
    return postgres


async def rows(url: str, sql: str, *values: object) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    found = [tuple(row) for row in await connection.fetch(sql, *values)]
    await connection.close()
    return found


async def test_periods_are_made_ahead_and_once(postgres_url: str) -> None:
    database = Database(postgres_url)
    await database.open()
    [(now,)] = await rows(postgres_url, "SELECT clarion_now()")
    for table in ("log", "explanations", "deliveries"):
        found = await rows(postgres_url, "SELECT since, until FROM clarion_periods($1)", table)
        assert found == [(start, start + LENGTH) for place in range(AHEAD + 1) if (start := (now // LENGTH + place) * LENGTH)]
    assert await ensure_periods(database) == 0
    assert sorted(await asyncio.gather(*(ensure_periods(database, ahead=AHEAD + 1) for _ in range(4)))) == [0, 0, 0, 3]
    await database.close()


async def test_rows_stand_in_the_period_of_their_time(made: PostgresStore, postgres_url: str) -> None:
    owner = await Owner.of(made)
    for name, at in (("before", START - LENGTH - 1), ("first", START - 1), ("second", START)):
        await made.append([entry(name)])
        told = Explanation(SITE, "n:ann", name, at, msgspec.Raw(b"{}"))
        await owner.commit(log_time=at, moved=await owner.waiting(), explanations=[told], deliveries=[delivery(name, created=at)])
    for table, id in (("log", "id"), ("explanations", "event"), ("deliveries", "id")):
        found = dict(await rows(postgres_url, f"SELECT {id}, tableoid::regclass::text FROM {table}"))
        places = [found[name] if table == "explanations" else found[digest(name)] for name in ("before", "first", "second")]
        assert places[0] == f"{table}_default"
        assert len(set(places)) == 3
    assert [row.id for row in (await made.events(SITE, "0", 10)).rows] == [entry(name).id for name in ("before", "first", "second")]


async def test_a_period_that_is_over_goes_whole(made: PostgresStore, postgres_url: str) -> None:
    owner = await Owner.of(made)
    for number in range(3):
        await made.append([entry(f"{number}")])
        await owner.commit(log_time=START - 3 + number, moved=await owner.waiting())
    await made.append([entry("young")])
    await owner.commit(log_time=START, moved=await owner.waiting())
    assert await made.forget("events", START - 1, 2) == 0
    assert await made.forget("events", START, 2) > 0
    assert await made.forget("events", START, 2) == 0
    assert [row.id for row in (await made.events(SITE, "0", 10)).rows] == [entry("young").id]
    assert await rows(postgres_url, "SELECT since FROM clarion_periods('log') WHERE until <= $1", START) == []


async def known(store: PostgresStore) -> set[str]:
    return {row.delivery.id for row in await store.deliveries(SITE, None, 10)}


async def test_a_period_of_deliveries_goes_when_all_of_them_ended_before(made: PostgresStore) -> None:
    owner = await Owner.of(made)
    names = ("sent", "slow")
    await owner.commit(deliveries=[delivery(name, created=START - 1) for name in names])
    both = {digest(name) for name in names}
    await made.report([Report(delivery("sent"), "sent", START)])
    await clear_periods(made._database, START + HOUR)
    assert await made.forget("deliveries", START + DAY, 10) == 0
    ended = START + 3 * DAY
    await made.report([Report(delivery("slow"), "failed", ended)])
    assert await made.forget("deliveries", START + 4 * DAY, 10) == 0
    for at in (ended, ended + HOUR):  # that it was so at the first of these times is what counts
        await clear_periods(made._database, at)
    assert await made.forget("deliveries", ended - 1, 10) == 0
    assert await known(made) == both
    assert await made.forget("deliveries", ended, 10) > 0
    assert await known(made) == set()
    assert await made.forget("deliveries", ended, 10) == 0


async def test_a_period_of_deliveries_does_not_go_while_it_has_just_ended(made: PostgresStore) -> None:
    await clear_periods(made._database, START + HOUR - 1)
    assert await made.forget("deliveries", START + DAY, 10) == 0
    await clear_periods(made._database, START + HOUR)
    assert await made.forget("deliveries", START + HOUR, 10) > 0  # the one before it
    assert await made.forget("deliveries", START + HOUR, 10) == 0


async def test_of_a_period_with_late_deliveries_the_others_go_one_by_one(made: PostgresStore) -> None:
    owner = await Owner.of(made)
    names = ("early", "also", "late", "waits")
    await owner.commit(deliveries=[delivery(name, created=START - 1) for name in names])
    over = START + 2 * LENGTH
    for name, at in (("early", START - 1), ("also", START + LENGTH - 1), ("late", over)):
        await made.report([Report(delivery(name), "sent", at)])
    await clear_periods(made._database, over)
    assert await made.forget("deliveries", START + LENGTH - 1, 1) == 0  # this one may still go whole
    assert [await made.forget("deliveries", START + LENGTH, 1) for _ in range(3)] == [1, 1, 0]
    assert await known(made) == {digest("late"), digest("waits")}
    assert await made.forget("deliveries", over, 1) > 0  # the next period
    assert await made.forget("deliveries", over, 1) == 0
    assert [await made.forget("deliveries", over + 1, 1) for _ in range(2)] == [1, 0]
    await clear_periods(made._database, over + LENGTH)
    assert await made.forget("deliveries", over + LENGTH, 1) == 0
    assert await known(made) == {digest("waits")}
    await made.report([Report(delivery("waits"), "expired", over + LENGTH)])
    await clear_periods(made._database, over + LENGTH + 1)
    assert await made.forget("deliveries", over + LENGTH + 1, 1) > 0
    assert await known(made) == set()


async def test_where_rows_stand_in_the_default_part_no_period_is_made(postgres: PostgresStore, postgres_url: str) -> None:
    owner = await Owner.of(postgres)
    await postgres.append([entry("a")])
    await owner.commit(moved=await owner.waiting())
    asked = "SELECT clarion_make_period('log', $1, $2)"
    assert await rows(postgres_url, asked, START, START + LENGTH) == [(False,)]
    assert await rows(postgres_url, asked, START + LENGTH, START + 2 * LENGTH) == [(True,)]
    assert await rows(postgres_url, asked, START + 2 * LENGTH - 1, START + 3 * LENGTH) == [(False,)]
    assert len((await postgres.events(SITE, "0", 10)).rows) == 1


async def test_nobody_waits_long_for_a_period_to_go(made: PostgresStore, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(periods, "_PAUSE", 0)
    reader = await asyncpg.connect(postgres_url)
    transaction = reader.transaction()
    await transaction.start()
    await reader.fetch("SELECT count(*) FROM log")
    with pytest.raises(StoreUnavailable):
        await drop_period(made._database, "events", START)
    await transaction.rollback()
    await reader.close()
    assert await drop_period(made._database, "events", START) > 0


# -- event ids -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("target", "kept"), [("p:ann", KEPT), ("d:browser", KEPT), ("r:delivery", KEPT_OF_RECEIPTS)])
async def test_event_ids_are_forgotten_after_their_time_and_receipts_later(
    target: str, kept: int, postgres: PostgresStore, clock: Clockwork
) -> None:
    await postgres.own(0)
    first, again = (claimed(name, "1", target=target) for name in ("first", "again"))
    assert await postgres.append([first]) == [Appended.STORED]
    clock.now = NOW + kept
    await postgres._forgetting.forget_ids()
    assert await postgres.append([again]) == [Appended.DUPLICATE]
    clock.now += 1
    await postgres._forgetting.forget_ids()
    assert await postgres.append([again]) == [Appended.STORED]


async def test_of_event_ids_of_one_time_all_are_forgotten_at_once(postgres: PostgresStore, postgres_url: str) -> None:
    await postgres.own(0)
    count = 3 * AT_ONCE
    await rows(
        postgres_url,
        "INSERT INTO event_ids SELECT 0, 1, 'p:ann', number::text, '', '', number / 7 FROM generate_series(1, $1::integer) AS number",
        count,
    )
    assert await postgres._forgetting.forget_ids() == count


async def test_only_the_owner_forgets(postgres: PostgresStore, clock: Clockwork) -> None:
    await postgres.append([entry("a")])
    clock.now = NOW + KEPT + DAY
    assert await postgres._forgetting.forget_ids() == 0
    await postgres.own(0)
    assert await postgres._forgetting.forget_ids() == 1


async def test_a_batchs_id_is_kept_for_a_while(postgres: PostgresStore, clock: Clockwork, postgres_url: str) -> None:
    await postgres.own(0)
    await postgres.append([entry("a")])
    clock.now = NOW + KEPT_OF_BATCHES
    assert await postgres._forgetting.forget_ids() == 0
    clock.now += MINUTE
    assert await postgres._forgetting.forget_ids() == 1
    assert await rows(postgres_url, "SELECT * FROM ingest_batches") == []
    assert HOUR > KEPT_OF_BATCHES
