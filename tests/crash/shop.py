"""A shop on a fresh data directory: server, client and sink, and the books that have to balance in the end."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from tests.crash import books
from tests.crash.load import Load
from tests.crash.orders import EVENT, PROFILES, device, documents
from tests.crash.process import Process
from tests.crash.receipts import Readers
from tests.crash.reconcile import Figures, expectation, reconcile
from tests.crash.sink import Sink, sinking
from tests.e2e.server import eventually
from tests.server.client import Client, request

from clarion.clock import wall_clock
from clarion.config import load_settings
from clarion.control.sites import find_site
from clarion.control.workflows import publish_workflow
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

    def __init__(self, data: Path, key: str, load: Load, sink: Sink, site: int) -> None:
        self.data, self.key, self.load, self.sink, self.site = data, key, load, sink, site
        self.server: Process

    async def start(self, fault: str | None = None) -> Process:
        """Start the server; with a fault it may die before it listens."""
        self.server = await Process.start(self.data, fault)
        listening = await self.server.listens()
        assert listening or fault is not None, self.server.log()
        return self.server

    async def switch(self, workflow: str, change: str) -> None:
        """Pause or resume a workflow."""
        client = await Client.connect("127.0.0.1", self.server.port)
        answer = await client.ask(request("POST", f"/api/v1/workflows/{workflow}/{change}", b"", f"Api-Key: {self.key}"))
        assert answer.status == 200, answer
        client.close()

    async def drain(self) -> None:
        """Wait until the server has done everything that follows from what it has accepted."""
        client = await Client.connect("127.0.0.1", self.server.port)
        glance = books.Glance(self.data)

        async def pending() -> tuple[int, int, int]:
            await client.ask(request("GET", "/healthz"))  # lets the server work between two looks
            return glance.pending()

        try:
            await eventually(pending, lambda left: left[0] == 0, DRAIN_PATIENCE)
            runs = expectation(self.load, books.read(self.data, EVENT), self.site)
            await self.sink.has((effect.id for run in runs for effect in run.effects), DRAIN_PATIENCE)
            await eventually(pending, lambda left: left == (0, 0, 0), DRAIN_PATIENCE)
        finally:
            glance.close()
            client.close()

    async def settle(self) -> Figures:
        """Drain, let people look at the rest of what they were pushed, stop, reconcile; whatever does not add up fails the test."""
        late = []
        try:
            await self.drain()
            await self.load.readers.catch_up(self.server.port)
            await self.drain()
        except (TimeoutError, AssertionError) as error:  # what is missing then is for the books to say
            late = [f"not finished within {DRAIN_PATIENCE} s: {error}"]
        await self.server.stop()
        figures = reconcile(self.load, books.read(self.data, EVENT), self.sink, self.site)
        problems = [*late, *figures.problems]
        assert not problems, "\n".join([f"{len(problems)} problems", *problems[:20], self.server.log()[-4000:]])
        return figures


@asynccontextmanager
async def shop(data: Path, key: str, rng: random.Random, *, failing: float = 0, patience: float = 100, **load: int) -> AsyncIterator[Shop]:
    """A shop with its workflows and one browser for each profile; its server is to be started.

    `failing` is the share of effects whose first copy the sink answers with 503; after `patience` seconds the test has failed.
    """
    async with asyncio.timeout(patience), sinking(failing) as sink:
        store = open_store(load_settings(data, {}))
        await store.open()
        try:
            site = await _furnish(store, sink)
        finally:
            await store.close()
        opened = Shop(data, key, Load(key, rng, Readers(key, sink.shown), **load), sink, site.id)
        try:
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
    await store.append([NewEntry(EntryKind.SUBSCRIBER, site.id, fresh_id(), msgspec.json.encode(put), now) for put in puts])
    return site
