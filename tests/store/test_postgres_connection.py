"""Connections: as many as may be, handed round, made anew when the server is back; and what errors mean."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from tests.postgres import port_of, with_port
from tests.store.proxy import Proxy

from clarion.store.port import BadCursor, Changed, Fenced, NotFound, Owned, StoreError, StoreUnavailable
from clarion.store.postgres.circuit import FIRST_PAUSE, LONGEST_PAUSE, Circuit
from clarion.store.postgres.connection import Database, connect

PATIENCE = 20


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    made = Database(postgres_url, most=2, patience=0.2)
    await made.open()
    yield made
    await made.close()


async def test_results_come_as_they_were_asked_for(database: Database) -> None:
    assert await database.fetchval("SELECT $1::int + 1", 1) == 2
    row = await database.fetchrow("SELECT 1 AS a, 'x' AS b")
    assert row is not None
    assert (row["a"], row[1], list(row)) == (1, "x", [1, "x"])
    assert await database.fetchrow("SELECT 1 WHERE false") is None
    assert [tuple(one) for one in await database.fetch("SELECT * FROM generate_series(1, $1::int)", 2)] == [(1,), (2,)]
    assert await database.execute("DELETE FROM nodes") == "DELETE 0"


async def test_a_transaction_is_whole_or_nothing(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO nodes VALUES ('a', '[]', '', 0)")

    async def fail() -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO nodes VALUES ('b', '[]', '', 0)")
            raise NotFound("never mind")

    with pytest.raises(NotFound):
        await fail()
    assert await database.fetchval("SELECT string_agg(id, ',') FROM nodes") == "a"


async def test_no_more_connections_than_may_be_and_who_waits_gets_the_next(database: Database) -> None:
    async with database.connection() as first:
        async with database.connection() as second:
            assert first is not second
            with pytest.raises(StoreUnavailable, match="busy"):
                await database.fetchval("SELECT 1")
            waiting = asyncio.create_task(database.fetchval("SELECT pg_backend_pid()"))
            await asyncio.sleep(0)
            pid = second.get_server_pid()
        assert await waiting == pid


async def test_who_gives_up_waiting_leaves_its_place_to_the_next(database: Database) -> None:
    async with database.connection():
        async with database.connection():
            one, two = (asyncio.create_task(database.fetchval("SELECT 1")) for _ in range(2))
            await asyncio.sleep(0)
        one.cancel()  # it has just been given the connection
        assert await two == 1
        await asyncio.gather(one, return_exceptions=True)
        assert one.cancelled()
    async with database.connection(), database.connection():
        pass


_SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"


async def test_a_call_that_is_cancelled_takes_its_connection_along(database: Database) -> None:
    for _ in range(5):
        slow = asyncio.create_task(database.fetchval("SELECT pg_sleep(60)"))
        while not await database.fetchval(_SLEEPING):
            assert not slow.done()
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
    assert await asyncio.gather(*(database.fetchval("SELECT $1::int", number) for number in range(10))) == list(range(10))


async def test_without_an_answer_in_time_the_database_is_unavailable(database: Database) -> None:
    with pytest.raises(StoreUnavailable, match="does not answer"):
        await database.fetchval("SELECT pg_sleep(60)", timeout=0.01)
    assert await database.fetchval("SELECT 1") == 1


_RAISE = "DO $$ BEGIN RAISE EXCEPTION 'because' USING ERRCODE = '%s'; END $$"


@pytest.mark.parametrize(
    ("state", "meaning"),
    [
        ("CL001", Fenced),
        ("CL002", NotFound),
        ("CL003", Changed),
        ("CL004", Owned),
        ("CL005", BadCursor),
        ("40001", StoreUnavailable),
        ("40P01", StoreUnavailable),
        ("53100", StoreUnavailable),
        ("55P03", StoreUnavailable),
        ("57014", StoreUnavailable),
        ("57P01", StoreUnavailable),
        ("58030", StoreUnavailable),
        ("23505", StoreError),
        ("22P02", StoreError),
        ("42P01", StoreError),
    ],
)
async def test_what_the_server_says_is_what_the_port_says(database: Database, state: str, meaning: type[StoreError]) -> None:
    with pytest.raises(StoreError, match="because") as raised:
        await database.execute(_RAISE % state)
    assert type(raised.value) is meaning


@pytest.mark.parametrize("values", [("text",), ("\0",), (2**31,), ()])
async def test_what_cannot_be_sent_is_no_outage(database: Database, values: tuple[object, ...]) -> None:
    with pytest.raises(StoreError) as raised:
        await database.fetchval("SELECT $1::int", *values)
    assert type(raised.value) is StoreError
    assert await database.fetchval("SELECT 1") == 1


async def test_a_session_that_the_server_ends_is_not_used_again(database: Database) -> None:
    async with database.connection() as connection:
        pid = connection.get_server_pid()
    with pytest.raises(StoreUnavailable):
        await database.fetchval("SELECT pg_terminate_backend(pg_backend_pid())")
    assert await database.fetchval("SELECT pg_backend_pid()") != pid


async def test_a_server_that_is_away_is_asked_once_for_all(postgres_url: str) -> None:
    proxy = Proxy(port_of(postgres_url))
    database = Database(with_port(postgres_url, await proxy.start()), most=4)
    await database.open()
    proxy.refusing = True
    proxy.cut()
    failed = await asyncio.gather(*(database.fetchval("SELECT 1") for _ in range(50)), return_exceptions=True)
    assert all(isinstance(one, StoreUnavailable) for one in failed)
    assert 1 <= proxy.refused <= 4
    before = proxy.refused
    with pytest.raises(StoreUnavailable, match="away"):
        await database.fetchval("SELECT 1")
    assert proxy.refused == before
    proxy.refusing = False
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                assert await database.fetchval("SELECT 1") == 1
                break
            except StoreUnavailable:
                await asyncio.sleep(0)
    await database.close()
    await proxy.close()


async def test_a_server_that_is_silent_does_not_answer(postgres_url: str) -> None:
    proxy = Proxy(port_of(postgres_url))
    database = Database(with_port(postgres_url, await proxy.start()), patience=0.05)
    await database.open()
    proxy.silent = True
    with pytest.raises(StoreUnavailable, match="does not answer"):
        await database.fetchval("SELECT 1", timeout=0.01)
    with pytest.raises(StoreUnavailable):  # nor can a new connection be made
        await database.fetchval("SELECT 1", timeout=0.01)
    proxy.silent = False
    proxy.cut()
    await database.close()
    await proxy.close()


# -- the circuit -----------------------------------------------------------------------------------------------------


async def test_tries_grow_apart_and_are_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    tried = asyncio.Event()

    async def nap(seconds: float) -> None:
        naps.append(seconds)

    monkeypatch.setattr("clarion.store.postgres.circuit.asyncio.sleep", nap)

    def attempts(fail: int) -> Callable[[], Awaitable[bool]]:
        async def attempt() -> bool:
            if len(naps) > fail:
                tried.set()
                return True
            return False

        return attempt

    circuit = Circuit(attempts(9), spread=lambda: 0.25)
    states = [circuit.broken]
    circuit.failed()
    circuit.failed()
    states.append(circuit.broken)
    await tried.wait()
    states.append(circuit.broken)
    assert states == [False, True, False]
    assert naps[:3] == [0.75 * FIRST_PAUSE, 1.5 * FIRST_PAUSE, 3 * FIRST_PAUSE]
    assert naps[-1] == 0.75 * LONGEST_PAUSE
    assert len(naps) == 10


async def test_a_long_pause_is_over_when_the_server_was_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    napping, tried = asyncio.Event(), asyncio.Event()

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            napping.set()
            await asyncio.Event().wait()

    monkeypatch.setattr("clarion.store.postgres.circuit.asyncio.sleep", nap)

    async def attempt() -> bool:
        if len(naps) > 3:
            tried.set()
            return True
        return False

    circuit = Circuit(attempt, spread=lambda: 0.5)
    circuit.hasten()
    assert not circuit.broken
    circuit.failed()
    await asyncio.wait_for(napping.wait(), PATIENCE)
    circuit.hasten()
    await asyncio.wait_for(tried.wait(), PATIENCE)
    assert naps == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE, FIRST_PAUSE]
    assert not circuit.broken


@pytest.mark.parametrize("turns", range(12))
async def test_an_attempt_that_is_broken_off_leaves_no_error_behind(postgres_url: str, turns: int) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    attempt = asyncio.create_task(connect(postgres_url))
    for _ in range(turns):  # of the event loop: it is somewhere on its way
        await asyncio.sleep(0)
    attempt.cancel()
    with suppress(asyncio.CancelledError):
        (await attempt).terminate()
    await asyncio.sleep(0)
    del attempt
    gc.collect()
    assert told == []


@pytest.mark.parametrize("silent_first", [True, False])
async def test_of_several_servers_one_that_is_silent_leaves_time_for_the_next(
    silent_first: bool, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after the machine of a primary has lost its power: nobody refuses the connection."""
    monkeypatch.setattr("clarion.store.postgres.connection.CONNECT_SECONDS", 0.6)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        servers = [f"127.0.0.1:{silent.getsockname()[1]}", f"127.0.0.1:{port_of(postgres_url)}"]
        several = ",".join(servers if silent_first else reversed(servers))
        connection = await connect(postgres_url.replace(servers[1], several) + "?target_session_attrs=primary")
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
        with pytest.raises(TimeoutError):
            await connect(postgres_url.replace(servers[1], f"{servers[0]},{servers[0]}"))
