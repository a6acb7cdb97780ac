"""Nobody waits for anybody: while a step of removal, a claim or a period's end is under way, or cannot go on, the others do.

A call that waits for a lock of another fails here: the sessions of the store give up after `lock_timeout`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import msgspec
import pytest
from tests.store.builders import NOW, SITE, Owner, delivery, entry, run
from tests.store.test_postgres_periods import START, made  # noqa: F401 - a fixture

from clarion.clock import HOUR, SECOND
from clarion.domain.ids import digest
from clarion.store.postgres import periods
from clarion.store.postgres.forgetting import _SQL
from clarion.store.postgres.periods import LENGTH
from clarion.store.postgres.store import PostgresStore
from clarion.store.records.deliveries import Report
from clarion.store.records.explanations import Explanation

OLD = NOW - HOUR
COUNT = 6
STEP = 3
BRIEFLY = 2.0
"""Seconds; 0.2 are promised."""


@asynccontextmanager
async def session(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Another process' transaction, open until the end of the block, and then undone."""
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()


async def live(store: PostgresStore, owner: Owner, name: str) -> None:
    """One of everything that a server does all the time, in the partition that is being cleared and in another."""
    await store.append([entry(name)])
    await owner.commit(
        moved=await owner.waiting(),
        deliveries=[delivery(name)],
        runs=[run(name)],
        explanations=[Explanation(SITE, "n:ann", name, NOW, msgspec.Raw(b"{}"))],
    )
    claimed, _ = await store.claim(100, NOW)
    assert digest(name) in {one.id for one in claimed}
    await store.report([Report(one, "sent", NOW) for one in claimed])
    assert len((await store.events(SITE, "0", 100)).rows) > COUNT
    assert await store.deliveries(SITE, None, 1)
    assert (await store.run(digest(name))).id == digest(name)
    assert await store.explanations_about(SITE, ["n:ann"], None, 1)
    await store.lags()
    await Owner.of(store, 1)


async def goes_on(store: PostgresStore, owner: Owner) -> None:
    """Events are taken in and applied, without a long wait."""
    async with asyncio.timeout(BRIEFLY):
        await store.append([entry("meanwhile")])
        await owner.commit(log_time=START, moved=await owner.waiting())


@pytest.mark.parametrize("kind", ["events", "explanations", "deliveries", "late_deliveries", "runs"])
async def test_nobody_waits_for_a_step_that_is_under_way(kind: str, postgres: PostgresStore, postgres_url: str) -> None:
    owner = await Owner.of(postgres)
    names = [f"{number}" for number in range(COUNT)]
    await postgres.append([entry(name) for name in names])
    await owner.commit(
        log_time=OLD,
        moved=await owner.waiting(),
        deliveries=[delivery(name, created=OLD, due=OLD) for name in names],
        runs=[run(name, status="completed", ended=OLD) for name in names],
        explanations=[Explanation(SITE, "n:ann", name, OLD, msgspec.Raw(b"{}")) for name in names],
    )
    for name in names:
        await postgres.report([Report(delivery(name), "sent", OLD)])
    more = (NOW,) if kind == "late_deliveries" else ()
    async with session(postgres_url) as other:
        assert await other.execute(_SQL[f"forget_{kind}"], 0, NOW, STEP, *more) == f"DELETE {STEP}"
        await live(postgres, owner, "meanwhile")
    if kind != "late_deliveries":
        assert [await postgres.forget(kind, NOW, 100) for _ in range(2)] == [COUNT, 0]


async def test_a_run_that_somebody_is_just_writing_is_passed_over(postgres: PostgresStore, postgres_url: str) -> None:
    owner = await Owner.of(postgres)
    await owner.commit(runs=[run(name, status="failed", ended=OLD) for name in "abc"])
    async with session(postgres_url) as other:
        await other.execute("SELECT FROM runs WHERE id = $1 FOR UPDATE", digest("a"))
        assert await postgres.forget("runs", NOW, 100) == 2
    assert await postgres.forget("runs", NOW, 100) == 1


async def test_nobody_waits_long_behind_a_period_that_cannot_go(
    made: PostgresStore,  # noqa: F811
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Somebody reads for hours, a `pg_dump` say; what wants the table for itself stands in front of all who come later."""
    monkeypatch.setattr(periods, "_PAUSE", 0)
    owner = await Owner.of(made)
    watcher = await asyncpg.connect(postgres_url)
    async with session(postgres_url) as reader:
        await reader.fetch("SELECT count(*) FROM log")
        dropping = asyncio.create_task(made.forget("events", START, 10))
        while not await watcher.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"):
            assert not dropping.done()
        await goes_on(made, owner)
        async with asyncio.timeout(BRIEFLY):
            assert [row.id for row in (await made.events(SITE, "0", 10)).rows] == [entry("meanwhile").id]
        await asyncio.gather(dropping, return_exceptions=True)
    await watcher.close()
    assert await made.forget("events", START, 10) > 0


async def test_nobody_waits_long_for_a_period_to_be_made(
    made: PostgresStore,  # noqa: F811
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(periods, "_PAUSE", 0)
    owner = await Owner.of(made)
    watcher = await asyncpg.connect(postgres_url)
    async with session(postgres_url) as reader:
        await reader.fetch("SELECT count(*) FROM log")
        making = asyncio.create_task(periods.ensure_periods(made._database, LENGTH, periods.AHEAD + 1))
        while not making.done():  # it gets through, or waits for the reader for a moment
            if await watcher.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation IS NOT NULL"):
                break
        await goes_on(made, owner)
        await asyncio.gather(making, return_exceptions=True)
    await watcher.close()


async def test_a_claim_passes_over_what_another_is_just_claiming(postgres: PostgresStore, postgres_url: str) -> None:
    owner = await Owner.of(postgres)
    await owner.commit(deliveries=[delivery(name) for name in "abc"])
    async with session(postgres_url) as other:
        await other.fetchval("SELECT clarion_claim(0, 'other', 1, $1)", NOW)
        found, _ = await postgres.claim(10, NOW)
        assert len(found) == 2
    await postgres._outbox.poll()
    rest, _ = await postgres.claim(10, NOW + SECOND)
    assert {one.id for one in (*found, *rest)} == {digest(name) for name in "abc"}
    assert len(rest) == 1
