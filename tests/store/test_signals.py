"""Whoever watches the store hears of every commit, this process's or another's."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Collection

import pytest
from tests.store.builders import NOW, Owner, delivery, entry, run
from tests.store.conftest import Database
from tests.store.test_configuration import change, site, version

from clarion.store.port import Store
from clarion.store.records.deliveries import Report


class Watcher:
    """Remembers what it was told, and lets a test wait for more."""

    def __init__(self, store: Store) -> None:
        self.heard: list[str] = []
        self._changed = asyncio.Event()
        store.on_change(self._hear)

    def _hear(self, what: str, _: Collection[int]) -> None:
        self.heard.append(what)
        self._changed.set()

    async def until(self, what: set[str]) -> None:
        while not what <= set(self.heard):
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), 10)

    async def until_times(self, what: str, times: int) -> None:
        while self.heard.count(what) < times:
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), 10)

    def forget(self) -> None:
        self.heard.clear()


@pytest.fixture
def watcher(store: Store) -> Watcher:
    return Watcher(store)


@pytest.fixture
async def other(database: Database) -> AsyncIterator[Store]:
    opened = database.store()
    await opened.open()
    yield opened
    await opened.close()


async def test_own_commits_are_told_by_the_time_that_they_are_answered(store: Store, owner: Owner, watcher: Watcher) -> None:
    async def told(what: set[str], commit: Awaitable[object]) -> None:
        watcher.forget()
        await commit
        await watcher.until(what)
        assert set(watcher.heard) == what

    await told({"inbox"}, store.append([entry("a")]))
    await told({"outbox"}, owner.commit(deliveries=[delivery("a"), delivery("b")]))
    await told({"inbox"}, owner.commit(emitted=[entry("b")]))
    await told({"configuration", "inbox"}, store.publish(version(), "Cart", [change("publish")]))
    a, b = (await store.claim(2, NOW))[0]
    await told({"outbox"}, store.report([Report(a, None, NOW, NOW + 1)]))
    await told({"inbox"}, store.report([Report(b, "sent", NOW)]))


async def test_what_nobody_waits_for_is_not_told(store: Store, owner: Owner, watcher: Watcher) -> None:
    await owner.commit(runs=[run("r")])
    await store.append([entry("last")])
    await watcher.until({"inbox"})
    assert watcher.heard == ["inbox"]


async def test_a_refused_commit_is_not_told(store: Store, owner: Owner, watcher: Watcher) -> None:
    await Owner.of(store)
    results = await asyncio.gather(owner.commit(deliveries=[delivery("a")]), return_exceptions=True)
    assert isinstance(results[0], Exception)
    await store.append([entry("last")])
    await watcher.until({"inbox"})
    assert watcher.heard == ["inbox"]


async def test_another_processs_commits_are_noticed(store: Store, watcher: Watcher, other: Store) -> None:
    await other.append([entry("a")])
    await watcher.until({"inbox"})
    assert [one.id for one in (await store.take(0, 10, 0, 0)).entries] == [entry("a").id]
    await other.create_site(site())
    await watcher.until({"configuration"})
    assert [one.app_id for one in (await store.configuration()).sites] == ["app"]
    await (await Owner.of(other)).commit(deliveries=[delivery("a")])
    await watcher.until({"outbox"})
    assert [one.id for one in (await store.claim(1, NOW))[0]] == [delivery("a").id]


async def test_own_commits_are_not_mistaken_for_anothers(store: Store, watcher: Watcher, other: Store) -> None:
    """The signal of a later foreign commit is the only one of its kind."""
    await store.create_site(site("ours"))
    heard = watcher.heard.count("configuration")
    await other.create_site(site("theirs"))
    await watcher.until_times("configuration", heard + 1)
    assert watcher.heard.count("configuration") == heard + 1 == 2
