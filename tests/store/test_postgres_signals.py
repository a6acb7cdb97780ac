"""Hints between processes may be lost; what must not be missed is found by asking."""

import asyncio

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import msgspec
import pytest
from tests.postgres import port_of, with_port
from tests.store.builders import entry
from tests.store.proxy import Proxy
from tests.store.test_configuration import key, site
from tests.store.test_signals import Watcher

from clarion.store.postgres.signals import MOST_NAMED, POLL, Signals
from clarion.store.postgres.store import PostgresStore
from clarion.store.records.entries import NewEntry
from clarion.store.records.nodes import Node


class Where:
    """Remembers which partitions were named."""

    def __init__(self, store: PostgresStore) -> None:
        self.partitions: set[int] = set()
        self.anywhere = asyncio.Event()
        self._named = asyncio.Event()
        store.on_change(self._hear)

    def _hear(self, what: str, partitions: object) -> None:
        assert isinstance(partitions, (set, list, tuple))
        if what == "inbox":
            self.partitions.update(partitions)
            if not partitions:
                self.anywhere.set()
            self._named.set()

    async def until(self, partitions: set[int]) -> None:
        while not partitions <= self.partitions:
            self._named.clear()
            await asyncio.wait_for(self._named.wait(), 10)


def placed(name: str, partition: int) -> NewEntry:
    return msgspec.structs.replace(entry(name), partition=partition)


async def test_what_a_process_changes_last_is_told_before_it_ends(postgres_url: str, other: PostgresStore) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    other.on_change(lambda what, _: heard.put_nowait(what))
    command = PostgresStore(postgres_url)
    await command.open()
    await command.create_key(key())
    await command.close()
    async with asyncio.timeout(POLL / 2):  # sooner than who looks would find it
        assert await heard.get() == "configuration"


async def test_a_hint_says_where(postgres: PostgresStore, other: PostgresStore) -> None:
    here, there = Where(postgres), Where(other)
    await postgres.append([placed("a", 1), placed("b", 3)])
    assert here.partitions == {1, 3}
    await postgres.append([placed("c", 2)])
    await there.until({1, 2, 3})
    assert there.partitions == {1, 2, 3}


async def test_a_revoked_key_is_noticed_though_the_hint_is_lost(postgres: PostgresStore, postgres_url: str) -> None:
    """By the poll, within its second."""
    made = await postgres.create_key(key())
    watcher = Watcher(postgres)
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("UPDATE api_keys SET revoked = 1 WHERE id = $1", made.id)
    await connection.execute("UPDATE generation SET value = value + 1")
    await connection.close()
    await watcher.until({"configuration"})
    assert [one.revoked for one in (await postgres.configuration()).keys] == [1]


async def test_after_a_time_without_hearing_anything_may_have_changed(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clarion.store.postgres.signals.AGAIN", 0.01)
    proxy = Proxy(port_of(postgres_url))
    store = PostgresStore(with_port(postgres_url, await proxy.start()))
    await store.open()
    watcher, where = Watcher(store), Where(store)
    proxy.cut()
    await watcher.until({"configuration", "inbox", "outbox", "roster"})
    await asyncio.wait_for(where.anywhere.wait(), 10)
    await store.close()
    await proxy.close()


async def test_a_network_that_is_cut_in_silence_is_noticed(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AGAIN", "ASK_EVERY", "ANSWER_SECONDS"):
        monkeypatch.setattr(f"clarion.store.postgres.signals.{name}", 0.02)
    proxy = Proxy(port_of(postgres_url))
    signals = Signals(with_port(postgres_url, await proxy.start()))
    heard: list[str] = []
    all_of_it = asyncio.Event()

    def hear(what: str, _: object) -> None:
        heard.append(what)
        if len(heard) == 4:
            all_of_it.set()

    signals.watch(hear)
    await signals.start(lambda: asyncio.sleep(0, 0))
    proxy.silent = True
    await asyncio.wait_for(proxy.swallowed.wait(), 10)
    proxy.silent = False
    await asyncio.wait_for(all_of_it.wait(), 10)
    assert sorted(heard) == ["configuration", "inbox", "outbox", "roster"]
    await signals.stop()
    await proxy.close()


async def test_what_others_send_on_the_channel_is_not_listened_to(postgres: PostgresStore, other: PostgresStore, postgres_url: str) -> None:
    watcher = Watcher(postgres)
    connection = await asyncpg.connect(postgres_url)
    for payload in (
        "",
        "hello",
        "[]",
        '{"sender":1}',
        '{"sender":"x","changes":{"weather":[]}}',
        '{"sender":"x","changes":{"inbox":["a"]}}',
    ):
        await connection.execute("SELECT pg_notify('clarion', $1)", payload)
    await connection.close()
    await other.create_site(site())
    await watcher.until({"configuration"})
    assert set(watcher.heard) == {"configuration"}


async def test_a_note_has_room_for_all_that_it_names(other: PostgresStore, postgres_url: str) -> None:
    where = Where(other)
    signals = Signals(postgres_url)
    await signals.start(lambda: asyncio.sleep(0, 0))
    largest = range(4096 - MOST_NAMED, 4096)
    signals.tell("outbox", largest)
    signals.tell("inbox", largest)
    await where.until(set(largest))
    assert not where.anywhere.is_set()
    await signals.stop()


async def test_more_partitions_than_a_note_can_name_are_anywhere(other: PostgresStore, postgres_url: str) -> None:
    where = Where(other)
    signals = Signals(postgres_url)
    await signals.start(lambda: asyncio.sleep(0, 0))
    signals.tell("inbox", range(MOST_NAMED))
    await where.until(set(range(MOST_NAMED)))
    assert not where.anywhere.is_set()
    signals.tell("inbox", range(MOST_NAMED + 1))
    await asyncio.wait_for(where.anywhere.wait(), 10)
    await signals.stop()


async def test_a_node_that_is_alone_tells_nobody_what_only_nodes_act_on(postgres: PostgresStore, other: PostgresStore) -> None:
    """Each notification is a transaction, and most databases have one process."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    other.on_change(lambda what, _: heard.put_nowait(what))
    await postgres.beat(Node("a", ("engine",)), 5_000_000)
    await postgres.append([placed("a", 1)])
    await postgres.create_site(site())
    async with asyncio.timeout(10):
        first = {await heard.get(), await heard.get()}  # what comes in one note comes together, in no order
    assert first == {"roster", "configuration"}
    assert heard.empty()


async def test_a_node_that_comes_is_told_at_once(postgres: PostgresStore, other: PostgresStore) -> None:
    watcher, where = Watcher(postgres), Where(other)
    await postgres.beat(Node("a", ("engine",)), 5_000_000)
    await other.beat(Node("b", ("engine",)), 5_000_000)
    await watcher.until_times("roster", 2)  # its own, and the other's
    await postgres.append([placed("a", 1)])
    await where.until({1})
