"""The engine by itself: a store on disk and the owners of its partitions, in this process, with no server around them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from time import perf_counter
from typing import Final, Protocol, TypeVar

import apsw
import msgspec

from clarion.clock import Clock, wall_clock
from clarion.control.workflows import publish_workflow
from clarion.engine.owner import Owner
from clarion.engine.shared import Shared
from clarion.fresh_ids import fresh_id
from clarion.node import TURNS
from clarion.store.port import Store
from clarion.store.records.commits import Outcome
from clarion.store.records.entries import NewEntry
from clarion.store.records.sites import Site
from clarion.store.sqlite.migrations import migrate
from clarion.store.sqlite.store import SqliteStore
from clarion.workflow.run import WAITING

T = TypeVar("T")

DATABASE: Final = "clarion.db"
_APPEND: Final = 1_000
"""Entries put into the inbox at a time."""


class Watching:
    """A count of what the engine has committed."""

    def __init__(self, watch: Callable[[Outcome], None] | None = None) -> None:
        self._watch = watch
        self._committed = asyncio.Event()
        self.moved = 0
        """Entries taken out of the inbox."""
        self.ended = 0
        """Runs that ended, each time they did."""
        self.commits = 0
        self.last = 0.0
        """When the last commit was done, by `time.perf_counter`."""

    def note(self, outcome: Outcome) -> None:
        """An outcome was committed just now."""
        self.last = perf_counter()
        self.commits += 1
        self.moved += len(outcome.moved)
        self.ended += sum(row.status != WAITING for row in outcome.runs)
        if self._watch is not None:
            self._watch(outcome)
        self._committed.set()

    async def until(self, reached: Callable[[], bool], seconds: float) -> None:
        """Wait until a commit makes something true. Raises TimeoutError when there is no commit for `seconds`."""
        while not reached():
            self._committed.clear()
            async with asyncio.timeout(seconds):
                await self._committed.wait()


class Watched(SqliteStore):
    """The store on SQLite, of whose commits is counted."""

    def __init__(self, path: Path, watch: Callable[[Outcome], None] | None = None) -> None:
        super().__init__(path)
        self.seen = Watching(watch)

    async def commit(self, outcome: Outcome) -> None:
        await super().commit(outcome)
        self.seen.note(outcome)


class WatchedStore(Store, Protocol):
    """A store, of whose commits is counted."""

    seen: Watching


@asynccontextmanager
async def opened(directory: Path, watch: Callable[[Outcome], None] | None = None) -> AsyncIterator[Watched]:
    """A store in a directory, made if there is none. Raises StoreError."""
    path = directory / DATABASE
    migrate(path)
    store = Watched(path, watch)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def owned(store: WatchedStore, clock: Clock = wall_clock) -> AsyncIterator[None]:
    """Owners at work on all partitions of the store, as many at a time as a node lets. Raises StoreError."""
    shared = Shared.of(store, turns=TURNS if store.shared else 1)
    owners = [Owner(store, partition, clock, fresh_id, shared=shared) for partition in range(store.partitions)]

    def changed(what: str, partitions: Collection[int]) -> None:
        if what == "inbox":
            for partition in partitions or range(len(owners)):
                owners[partition].wake()

    store.on_change(changed)
    await asyncio.gather(*(owner.start() for owner in owners))
    try:
        yield
    finally:
        await asyncio.gather(*(owner.stop() for owner in owners))


async def publish(store: WatchedStore, documents: Sequence[str], seconds: float = 60) -> Site:
    """Make a site with these workflows, and wait until the engine, which is started for it, knows them all in every partition."""
    site = await store.create_site(Site(0, "bench", "bench", "", b"", "mailto:bench@example.com", b"", wall_clock()))
    goal = store.seen.moved + len(documents) * store.partitions
    for document in documents:
        await publish_workflow(store, site, document, wall_clock(), fresh_id)
    async with owned(store):
        await store.seen.until(lambda: store.seen.moved >= goal, seconds)
    return site


def only_row(directory: Path, sql: str, row: type[T], values: tuple[str | int, ...] = ()) -> T:
    """The one row that a query on the database of a directory gives, whether an engine runs on it or not. Raises LookupError."""
    with closing(apsw.Connection(str(directory / DATABASE), flags=apsw.SQLITE_OPEN_READWRITE)) as database:
        found = database.execute(sql, values).fetchall()
        if len(found) != 1:
            raise LookupError(f"{len(found)} rows in place of one: {sql}")
        return msgspec.convert(found[0], row)


async def fill(store: WatchedStore, entries: Sequence[NewEntry]) -> None:
    """Put entries into the inbox."""
    for start in range(0, len(entries), _APPEND):
        await store.append(entries[start : start + _APPEND])
