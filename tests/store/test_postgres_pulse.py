"""A way to the database that falls silent is noticed, and given up; one that is slow is not."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import pytest
from tests.postgres import port_of, with_port
from tests.store.builders import entry
from tests.store.proxy import Proxy
from tests.store.test_signals import Watcher

from clarion.clock import SECOND
from clarion.store.port import StoreError, StoreUnavailable
from clarion.store.postgres.connection import Database, connect
from clarion.store.postgres.pulse import ANSWER_SECONDS
from clarion.store.postgres.signals import POLL
from clarion.store.postgres.store import PostgresStore
from clarion.store.records.entries import Appended
from clarion.store.records.nodes import Node

ME, LASTS = Node("me", ("api",)), 60 * SECOND
NOTICED = POLL + 2 * ANSWER_SECONDS + 2
"""Seconds in which silence is noticed; two of them are for a slow machine."""
PATIENCE = 20


@pytest.fixture
async def proxy(postgres_url: str) -> AsyncIterator[Proxy]:
    made = Proxy(port_of(postgres_url))
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def store(postgres_url: str, proxy: Proxy) -> AsyncIterator[PostgresStore]:
    made = PostgresStore(with_port(postgres_url, proxy.port))
    await made.open()
    yield made
    proxy.silent = False
    await made.close()


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    made = Database(postgres_url, most=2)
    await made.open()
    yield made
    await made.close()


async def waits(connection: asyncpg.Connection, event: str) -> None:
    """Until a session waits for that."""
    async with asyncio.timeout(PATIENCE):
        while not await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = $1", event
        ):
            await connection.execute("SELECT pg_stat_clear_snapshot()")  # it may be in a transaction


async def test_when_nothing_gets_through_any_more_calls_end_and_events_are_refused_and_then_all_goes_on(
    store: PostgresStore, proxy: Proxy, postgres_url: str
) -> None:
    sent = [entry(name) for name in ("under way", "waiting")]
    told: list[asyncio.Future[list[Appended] | StoreError]] = [asyncio.get_running_loop().create_future() for _ in sent]
    await store.append([entry("before")])
    proxy.silent = True
    began = time.monotonic()
    for one, answer in zip(sent, told, strict=True):
        store.append_nowait([one], answer.set_result)
        await asyncio.wait_for(proxy.swallowed.wait(), PATIENCE)
    reading = asyncio.create_task(store.lags())
    looking = asyncio.create_task(store.run_counts(1, "w"))
    async with asyncio.timeout(PATIENCE):
        assert isinstance(await told[1], StoreUnavailable)  # it was never sent
        for call in (reading, looking):
            with pytest.raises(StoreUnavailable):
                await call
    assert time.monotonic() - began < NOTICED
    for work in (lambda: store.append([entry("after")]), store.probe, store.lags):
        with pytest.raises(StoreUnavailable, match="away"):
            await work()
    assert not told[0].done()  # it may have been stored
    proxy.silent = False
    async with asyncio.timeout(PATIENCE):
        assert await told[0] == [Appended.STORED]
        await store.probe()
    connection = await asyncpg.connect(postgres_url)
    assert [id for (id,) in await connection.fetch("SELECT id FROM inbox ORDER BY position")] == [entry("before").id, sent[0].id]
    await connection.close()


async def test_a_beat_does_not_wait_behind_other_calls(postgres_url: str) -> None:
    store = PostgresStore(postgres_url, connections=8)
    await store.open()
    watching = await asyncpg.connect(postgres_url)
    await watching.execute("BEGIN; LOCK TABLE inbox")
    stuck = [asyncio.create_task(store.probe() if place > 2 else store.dirty([0])) for place in range(4)]
    await waits(watching, "relation")
    assert (await asyncio.wait_for(store.beat(ME, LASTS), PATIENCE)).nodes == [ME]
    assert not any(one.done() for one in stuck)
    await watching.close()
    await asyncio.gather(*stuck)
    await store.close()


async def test_a_server_that_lets_us_in_is_not_given_up_because_it_is_slow(store: PostgresStore, postgres_url: str) -> None:
    watching = await asyncpg.connect(postgres_url)
    await watching.execute("BEGIN; LOCK TABLE nodes, inbox")
    under_way = asyncio.create_task(store.dirty([0]))
    await waits(watching, "relation")
    with pytest.raises(StoreUnavailable, match="does not answer"):
        await store.beat(ME, LASTS)
    assert not under_way.done()
    await watching.execute("COMMIT")
    await under_way
    assert (await store.beat(ME, LASTS)).nodes == [ME]
    await watching.close()


async def test_what_has_answered_since_is_not_given_up(database: Database) -> None:
    async with database.connection() as one:
        began = time.monotonic()
        assert await database.fetchval("SELECT 1") == 1
        database.gone(began)
        assert await one.fetchval("SELECT 1") == 1
        database.gone(time.monotonic())
        with pytest.raises(asyncpg.InterfaceError):
            await one.fetchval("SELECT 1")
    with pytest.raises(StoreUnavailable, match="away"):
        await database.fetchval("SELECT 1")
    async with asyncio.timeout(PATIENCE):
        while True:
            database.there()
            try:
                assert await asyncio.gather(*(database.fetchval("SELECT $1::int", number) for number in range(5))) == list(range(5))
                break
            except StoreUnavailable:
                await asyncio.sleep(0)


async def test_a_server_that_lets_nobody_else_in_ends_no_lease(store: PostgresStore, postgres_url: str) -> None:
    """A beat goes over the connections that there are, and what cannot be asked is away for now, whatever the server says."""
    await store.probe()
    administrator = await asyncpg.connect(postgres_url.rpartition("/")[0] + "/postgres")
    name = postgres_url.rpartition("/")[2]
    await administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    assert store._pulse._connection is not None
    store._pulse._connection.terminate()
    async with asyncio.timeout(PATIENCE):
        assert (await store.beat(ME, LASTS)).nodes == [ME]
        with pytest.raises(StoreUnavailable, match="lets nobody else in"):
            await store._configuration.generation()
        await administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await store._configuration.generation()
    await administrator.close()


async def test_a_connection_that_takes_its_time_is_there_for_the_next_question(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    way_is_long = asyncio.Event()

    async def slowly(url: str) -> asyncpg.Connection:
        connection = await connect(url)
        await way_is_long.wait()
        return connection

    monkeypatch.setattr("clarion.store.postgres.pulse.connect", slowly)
    monkeypatch.setattr("clarion.store.postgres.pulse.ANSWER_SECONDS", 0.25)
    assert store._pulse._connection is not None
    store._pulse._connection.terminate()
    with pytest.raises(StoreUnavailable, match="does not answer"):
        await store.beat(ME, LASTS)
    way_is_long.set()
    async with asyncio.timeout(PATIENCE):
        assert (await store.beat(ME, LASTS)).nodes == [ME]


async def test_after_a_failover_the_store_waits_for_the_one_that_takes_over(postgres_url: str) -> None:
    """Meanwhile no server is what the URL asks for."""
    name = postgres_url.rpartition("/")[2]
    administrator = await asyncpg.connect(postgres_url)
    store = PostgresStore(f"{postgres_url}?target_session_attrs=read-write")
    await store.open()
    await administrator.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    await administrator.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with asyncio.timeout(PATIENCE):
        for work in (lambda: store.beat(ME, LASTS), store.probe):
            while not await _is_away(work):
                pass
        await administrator.execute("SET default_transaction_read_only = off")
        await administrator.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        watcher = Watcher(store)
        for work in (lambda: store.beat(ME, LASTS), store.probe):
            while await _is_away(work):
                pass
        await watcher.until({"inbox"})  # it listens again: there may be something new anywhere
    await administrator.close()
    await store.close()


async def _is_away(work: Callable[[], Awaitable[object]]) -> bool:
    try:
        await work()
    except StoreUnavailable:
        await asyncio.sleep(0)  # others have a turn, also where it is known at once
        return True
    return False
