"""A shop on a fresh data directory: server, client and sink, and the books that have to balance in the end."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
from tests.crash import books
from tests.crash.load import Load
from tests.crash.orders import EVENT, PROFILES, device, documents
from tests.crash.places import Place
from tests.crash.process import Process
from tests.crash.receipts import Readers
from tests.crash.reconcile import Figures, expectation, reconcile
from tests.crash.sink import LOOPBACK, Sink, sinking
from tests.e2e.server import eventually
from tests.server.client import Client, request

from clarion.cli.setup import prepare
from clarion.clock import wall_clock
from clarion.config import load_settings
from clarion.control.sites import find_site
from clarion.control.workflows import publish_workflow
from clarion.domain.ids import partition_of
from clarion.fresh_ids import fresh_id
from clarion.store.port import Store
from clarion.store.records.bodies import SubscriberPut
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.sites import Site
from clarion.stores import open_store

DRAIN_PATIENCE = 40.0
"""Seconds in which a server has to finish all that was accepted."""


class Shop:
    """What a crash test works with."""

    def __init__(self, place: Place, key: str, load: Load, sink: Sink, site: int) -> None:
        self.place, self.key, self.load, self.sink, self.site = place, key, load, sink, site
        self.data = place.data
        self.server: Process

    async def start(self, fault: str | None = None) -> Process:
        """Start the server; with a fault it may die before it listens."""
        self.server = await Process.start(self.data, fault, settings=self.place.variables)
        listening = await self.server.listens()
        assert listening or fault is not None, self.server.log()
        return self.server

    async def begin(self) -> None:
        """Let browsers be with their profiles, in whatever partition those are, before orders come."""
        await self.start()
        async with self.place.looking() as look:
            await eventually(lambda: books.pending(look), lambda left: left[0] == 0)
        await self.server.stop()

    async def switch(self, workflow: str, change: str) -> None:
        """Pause or resume a workflow."""
        client = await Client.connect("127.0.0.1", self.server.port)
        answer = await client.ask(request("POST", f"/api/v1/workflows/{workflow}/{change}", b"", f"Api-Key: {self.key}"))
        assert answer.status == 200, answer
        client.close()

    async def drain(self) -> None:
        """Wait until the server has done everything that follows from what it has accepted."""
        client = await Client.connect("127.0.0.1", self.server.port)
        async with self.place.looking() as look:

            async def pending() -> tuple[int, int, int]:
                await client.ask(request("GET", "/healthz"))  # lets the server work between two looks
                return await books.pending(look)

            try:
                await eventually(pending, lambda left: left[0] == 0, DRAIN_PATIENCE)
                runs = expectation(self.load, await books.read(look, EVENT), self.site)
                await self.sink.has((effect.id for run in runs for effect in run.effects), DRAIN_PATIENCE)
                await eventually(pending, lambda left: left == (0, 0, 0), DRAIN_PATIENCE)
            finally:
                client.close()

    async def books(self) -> books.Books:
        """What the database says; the server has to be at rest, or dead."""
        async with self.place.looking() as look:
            return await books.read(look, EVENT)

    async def settle(self, stop: Callable[[], Awaitable[None]] | None = None) -> Figures:
        """Drain, let people look at the rest of what they were pushed, stop, reconcile; whatever does not add up fails the test.

        `stop` ends what serves the shop, where that is more than its server.
        """
        late = []
        try:
            await self.drain()
            await self.load.readers.catch_up(self.server.port)
            await self.drain()
        except (TimeoutError, AssertionError) as error:  # what is missing then is for the books to say
            late = [f"not finished within {DRAIN_PATIENCE} s: {error}"]
        await (stop or self.server.stop)()
        figures = reconcile(self.load, await self.books(), self.sink, self.site)
        problems = [*late, *figures.problems]
        assert not problems, "\n".join([f"{len(problems)} problems", *problems[:20], self.server.log()[-4000:]])
        return figures


async def initialised(place: Place) -> str:
    """Make a place ready as `clarion init` does; the API key."""
    made = await asyncio.to_thread(prepare, load_settings(place.data, place.variables), "shop", "mailto:operator@shop.example")
    assert made.key is not None
    return made.key


@asynccontextmanager
async def shop(
    place: Place, key: str, rng: random.Random, host: str = LOOPBACK, /, *, failing: float = 0, patience: float = 100, **load: int
) -> AsyncIterator[Shop]:
    """A shop with its workflows and one browser for each profile; its server is to be started.

    `failing` is the share of effects whose first copy the sink, on `host`, answers with 503; after `patience` seconds the test has failed.
    """
    async with asyncio.timeout(patience), sinking(failing, host) as sink:
        store = open_store(load_settings(place.data, place.variables))
        await store.open()
        try:
            site = await _furnish(store, sink)
        finally:
            await store.close()
        opened = Shop(place, key, Load(key, rng, Readers(key, sink.shown), sink, **load), sink, site.id)
        try:
            if place.is_spread:
                await opened.begin()
            yield opened
        finally:
            if hasattr(opened, "server") and not opened.server.ended:
                await opened.server.kill()


async def _furnish(store: Store, sink: Sink) -> Site:
    site = await find_site(store, None)
    for document in documents(sink.url):
        await publish_workflow(store, site, json.dumps(document), wall_clock(), fresh_id)
    puts = [
        SubscriberPut(device(f"customer-{n}"), sink.endpoint(n), browser.p256dh, browser.auth, f"customer-{n}")
        for n, browser in enumerate(sink.browsers[:PROFILES])
    ]
    now = wall_clock()
    await store.append([_registration(put, site, now, store.partitions) for put in puts])
    return site


def _registration(put: SubscriberPut, site: Site, now: int, partitions: int) -> NewEntry:
    home = partition_of(site.id, put.device_token_hash, partitions)
    return NewEntry(EntryKind.SUBSCRIBER, site.id, fresh_id(), msgspec.json.encode(put), now, home)
