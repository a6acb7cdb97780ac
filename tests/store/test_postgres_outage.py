"""The database goes away and comes back: what was acknowledged is there once, what was refused is not, and nothing is started anew."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import NamedTuple

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import pytest
from tests.postgres import Databases, Server, databases, port_of, with_port
from tests.store.builders import Owner, claimed, entry
from tests.store.proxy import Proxy

from clarion.store.port import StoreError, StoreUnavailable, Unresolved
from clarion.store.postgres.ingest import Ingest
from clarion.store.postgres.store import PostgresStore
from clarion.store.records.entries import Appended, NewEntry

STORED, DUPLICATE = Appended.STORED, Appended.DUPLICATE

PATIENCE = 20
"""Seconds; what takes longer has failed."""


class Apart(NamedTuple):
    """A store whose way to the database can be cut."""

    store: PostgresStore
    proxy: Proxy
    url: str
    """The way around the proxy."""

    async def stored(self) -> list[str]:
        connection = await asyncpg.connect(self.url)
        found = [id for (id,) in await connection.fetch("SELECT id FROM inbox ORDER BY position")]
        await connection.close()
        return found


@pytest.fixture
async def apart(postgres_url: str) -> AsyncIterator[Apart]:
    proxy = Proxy(port_of(postgres_url))
    store = PostgresStore(with_port(postgres_url, await proxy.start()))
    await store.open()
    yield Apart(store, proxy, postgres_url)
    proxy.refusing = False
    await store.close()
    await proxy.close()


class Client:
    """Sends without waiting, and knows in the end what was acknowledged."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store
        self.answers: dict[str, asyncio.Future[list[Appended] | StoreError]] = {}

    def send(self, one: NewEntry) -> None:
        """Raises StoreUnavailable when it is not even taken in."""
        answer: asyncio.Future[list[Appended] | StoreError] = asyncio.get_running_loop().create_future()
        self._store.append_nowait([one], answer.set_result)
        self.answers[one.id] = answer

    async def until_refused(self, name: str) -> None:
        """Send until it is known that the database is away."""
        async with asyncio.timeout(PATIENCE):
            for number in count():
                await asyncio.sleep(0)
                try:
                    self.send(entry(f"{name}-{number}"))
                except StoreUnavailable:
                    return

    async def until_taken(self, name: str) -> None:
        """Send until one is acknowledged."""
        async with asyncio.timeout(PATIENCE):
            for number in count():
                one = entry(f"{name}-{number}")
                try:
                    self.send(one)
                except StoreUnavailable:
                    await asyncio.sleep(0)
                else:
                    if await self.answers[one.id] == [STORED]:
                        return

    async def acknowledged(self) -> list[str]:
        """Once all is answered. The others are told that nothing of theirs was stored."""
        told = await asyncio.wait_for(asyncio.gather(*self.answers.values()), 2 * PATIENCE)
        assert all(one == [STORED] or isinstance(one, StoreUnavailable) for one in told)
        return [id for id, one in zip(self.answers, told, strict=True) if one == [STORED]]


async def eventually(store: PostgresStore, one: NewEntry) -> None:
    """Append, again and again while the database is away, as a client does."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                assert await store.append([one]) == [STORED]
                return
            except StoreUnavailable:
                await asyncio.sleep(0)


# -- a connection that is cut at the commit --------------------------------------------------------------------------


@pytest.mark.parametrize("lose", ["request", "answer"])
@pytest.mark.parametrize("make", [entry, lambda name: claimed(name, "1")])
async def test_a_commit_of_which_nothing_was_heard_is_one_event(apart: Apart, lose: str, make: type) -> None:
    one = make("one")
    await apart.store.append([entry("before")])
    cut = apart.proxy.lose_request if lose == "request" else apart.proxy.lose_answer
    cut(one.id.encode())
    async with asyncio.timeout(PATIENCE):
        assert await apart.store.append([one]) == [STORED]
        assert apart.proxy.lost.is_set()
    assert await apart.stored() == [entry("before").id, one.id]


async def test_a_batch_of_which_nothing_was_heard_is_judged_as_it_was(apart: Apart) -> None:
    """Its own claims are not mistaken for those of an earlier one."""
    await apart.store.append([claimed("before", "held")])
    batch = [claimed("a", "1"), claimed("b", "1"), claimed("c", "held"), entry("d"), claimed("e", "1", content="other")]
    apart.proxy.lose_answer(batch[0].id.encode())
    async with asyncio.timeout(PATIENCE):
        answer = await apart.store.append(batch)
    assert answer == [STORED, DUPLICATE, DUPLICATE, STORED, Appended.CONFLICT]
    assert await apart.stored() == [claimed("before", "held").id, batch[0].id, batch[3].id]


async def test_while_some_wait_to_hear_others_are_refused_at_once(apart: Apart) -> None:
    client = Client(apart.store)
    first = entry("first")
    apart.proxy.lose_answer(first.id.encode())
    client.send(first)
    await asyncio.wait_for(apart.proxy.lost.wait(), PATIENCE)
    apart.proxy.refusing = True
    apart.proxy.cut()
    await client.until_refused("more")
    assert not client.answers[first.id].done()
    apart.proxy.refusing = False
    acknowledged = await client.acknowledged()
    assert first.id in acknowledged
    await eventually(apart.store, entry("after"))
    assert sorted(await apart.stored()) == sorted([*acknowledged, entry("after").id])


async def test_who_cannot_be_told_is_not_told_that_nothing_was_stored(apart: Apart) -> None:
    ingest = Ingest(apart.store._database, lambda _: None, apart.store.now, resolving=0)
    one = entry("one")
    apart.proxy.lose_answer(one.id.encode())
    told: asyncio.Future[list[Appended] | StoreError] = asyncio.get_running_loop().create_future()
    ingest.append([one], told.set_result)
    answer = await asyncio.wait_for(told, PATIENCE)
    assert isinstance(answer, Unresolved)
    assert not isinstance(answer, StoreUnavailable)


# -- a database that is away ------------------------------------------------------------------------------------------


async def test_while_it_is_away_every_call_says_so_and_then_all_work(apart: Apart) -> None:
    owner = await Owner.of(apart.store)
    apart.proxy.refusing = True
    apart.proxy.cut()
    for call in (apart.store.configuration, apart.store.probe, apart.store.lags, apart.store.check, lambda: apart.store.own(0)):
        with pytest.raises(StoreUnavailable):
            await call()
    apart.proxy.refusing = False
    await eventually(apart.store, entry("after"))
    await owner.commit(moved=await owner.waiting())
    assert await apart.stored() == []


async def test_a_store_does_not_open_without_a_database(postgres_url: str) -> None:
    proxy = Proxy(port_of(postgres_url))
    store = PostgresStore(with_port(postgres_url, await proxy.start()))
    proxy.refusing = True
    with pytest.raises(StoreUnavailable):
        await store.open()
    proxy.refusing = False
    await store.open()
    await eventually(store, entry("a"))
    await store.close()
    await store.close()
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.append([entry("b")])
    await proxy.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


async def test_through_restarts_what_is_acknowledged_is_there_and_what_is_refused_is_not(server: Server) -> None:
    made = Databases(server.url)
    url = made.fresh(4)
    made.close()
    store = PostgresStore(url)
    await store.open()
    client = Client(store)
    over = asyncio.Event()

    async def keep_sending(name: str) -> None:
        number = 0
        while not over.is_set():
            number += 1
            await client.until_taken(f"{name}-{number}")

    senders = asyncio.gather(*(keep_sending(str(number)) for number in range(16)))
    for end in (server.stop, server.kill, server.stop):
        await client.until_taken(f"before {len(client.answers)}")
        await asyncio.to_thread(end)
        await client.until_refused(f"without {len(client.answers)}")
        await asyncio.to_thread(server.start)
    await client.until_taken("at last")
    over.set()
    await senders
    acknowledged = await client.acknowledged()
    owner = await Owner.of(store)
    stored = [one.id for one in await owner.waiting(1_000_000)]
    await store.close()
    assert len(acknowledged) < len(client.answers), "nobody noticed: the test shows nothing"
    assert sorted(stored) == sorted(acknowledged)


def test_the_servers_of_a_test_run_end_with_it() -> None:
    server = Server()
    directory = server.directory
    assert directory.exists()
    server.close()
    assert not directory.exists()
    assert databases() is databases()
