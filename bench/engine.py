"""The engine by itself: a store on disk and the owner of its partition, in this process, with no server around them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from time import perf_counter
from typing import Final, TypeVar

import apsw
import msgspec

from clarion.clock import Clock, wall_clock
from clarion.control.workflows import publish_workflow
from clarion.engine.owner import Owner
from clarion.fresh_ids import fresh_id
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


class Watched(SqliteStore):
    """The store, with a count of what the engine has committed."""

    def __init__(self, path: Path, watch: Callable[[Outcome], None] | None = None) -> None:
        super().__init__(path)
        self._watch = watch
        self._committed = asyncio.Event()
        self.moved = 0
        """Entries taken out of the inbox."""
        self.ended = 0
        """Runs that ended, each time they did."""
        self.commits = 0
        self.last = 0.0
        """When the last commit was done, by `time.perf_counter`."""

    async def commit(self, outcome: Outcome) -> None:
        await super().commit(outcome)
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
async def owned(store: Watched, clock: Clock = wall_clock) -> AsyncIterator[None]:
    """An owner at work on the store. Raises StoreError."""
    owner = Owner(store, 0, clock, fresh_id)

    def changed(what: str) -> None:
        if what == "inbox":
            owner.wake()

    store.on_change(changed)
    await owner.start()
    try:
        yield
    finally:
        await owner.stop()


async def publish(store: Watched, documents: Sequence[str], seconds: float = 60) -> Site:
    """Make a site with these workflows, and wait until an engine, which is started for it, knows them all."""
    site = await store.create_site(Site(0, "bench", "bench", "", b"", "mailto:bench@example.com", b"", wall_clock()))
    before = store.moved
    for document in documents:
        await publish_workflow(store, site, document, wall_clock(), fresh_id)
    async with owned(store):
        await store.until(lambda: store.moved - before >= len(documents), seconds)
    return site


def only_row(directory: Path, sql: str, row: type[T], values: tuple[str | int, ...] = ()) -> T:
    """The one row that a query on the database of a directory gives, whether an engine runs on it or not. Raises LookupError."""
    with closing(apsw.Connection(str(directory / DATABASE), flags=apsw.SQLITE_OPEN_READWRITE)) as database:
        found = database.execute(sql, values).fetchall()
        if len(found) != 1:
            raise LookupError(f"{len(found)} rows in place of one: {sql}")
        return msgspec.convert(found[0], row)


async def fill(store: Watched, entries: Sequence[NewEntry]) -> None:
    """Put entries into the inbox."""
    for start in range(0, len(entries), _APPEND):
        await store.append(entries[start : start + _APPEND])
