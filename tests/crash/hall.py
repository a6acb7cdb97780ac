"""A hall that people are in: a server that can be killed, and where all that it sends arrives, remembered by who got it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
from tests.crash import books
from tests.crash.places import Look, Place
from tests.crash.process import Process
from tests.crash.tally import Tally
from tests.delivery.browser import Browser
from tests.delivery.receiver import OK, Received, receiving
from tests.e2e.server import Api, eventually
from tests.server.client import Client, Response

from clarion.clock import wall_clock
from clarion.config import load_settings
from clarion.control.sites import find_site
from clarion.control.workflows import publish_workflow
from clarion.domain.ids import partition_of
from clarion.fresh_ids import fresh_id
from clarion.store.records.bodies import SubscriberPut
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.stores import open_store

BROKEN: Final = (ConnectionError, asyncio.IncompleteReadError, TimeoutError)
LATE: Final = 40.0
"""Seconds in which a server has to do all that there is to do."""
_CREATED: Final = b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n"

Ports = Callable[[], Sequence[int]]


class Arrivals:
    """A receiver of webhooks at `/hook`, and a push service at `/push/DEVICE`: one key is enough for all browsers."""

    def __init__(self) -> None:
        self.browser = Browser.new()
        self.pushes: dict[str, list[str]] = {}
        """By device: the effect of each copy."""
        self.calls: dict[str, list[str]] = {}
        """By effect: the body of each copy."""
        self.count = Tally()
        self.url = ""
        self.forget: Callable[[], object] = list
        """Empties the receiver's own record."""
        self.most: int | None = None
        """After so many copies, nothing is answered until `go_on`."""
        self._goes_on = asyncio.Event()

    @property
    def repeats(self) -> int:
        """How many copies came beyond the first of each."""
        firsts = sum(len(set(effects)) for effects in self.pushes.values()) + len(self.calls)
        return self.count.value - firsts

    def endpoint(self, device: str) -> str:
        """Where the pushes of a device go."""
        return self.url.replace("/hook", f"/push/{device}")

    def go_on(self) -> None:
        """Answer everything."""
        self.most = None
        self._goes_on.set()

    async def answer(self, request: Received, writer: asyncio.StreamWriter) -> None:
        """Remember, then answer: what is answered was remembered."""
        _, kind, *device = request.path.split("/")
        if kind == "push":
            message = json.loads(self.browser.read(request.body))
            self.pushes.setdefault(device[0], []).append(message["id"])
        else:
            self.calls.setdefault(request.header("webhook-id") or "", []).append(request.body.decode())
        self.forget()
        self.count.add()
        if self.most is not None and self.count.value > self.most:
            await self._goes_on.wait()
        writer.write(_CREATED if kind == "push" else OK)


class Hall:
    """What a test of people works with."""

    def __init__(self, place: Place, key: str, arrivals: Arrivals, site: int, partitions: int) -> None:
        self.place, self.key, self.arrivals, self.site, self.partitions = place, key, arrivals, site, partitions
        self.server: Process | None = None

    def ports(self) -> list[int]:
        """Of the server, while it lives."""
        return [self.server.port] if self.server is not None and self.server.port and not self.server.ended else []

    async def start(self, fault: str | None = None) -> Process:
        """Start the server; with a fault it may die before it listens."""
        self.server = await Process.start(self.place.data, fault, settings=self.place.variables)
        listening = await self.server.listens()
        assert listening or fault is not None, self.server.log()
        return self.server

    async def left(self, look: Look) -> tuple[int, ...]:
        """What is in the inbox and the outbox but not held, what is to be done with all profiles, and waits for its time."""
        ((inbox, outbox, sweeps, waiting),) = await look(_LEFT)
        return (inbox, outbox, sweeps, waiting)

    async def rest(self, ports: Ports | None = None) -> None:
        """Wait until nothing is left to be done, of what no pause holds."""
        async with self.place.looking() as look, calling(self.key, ports or self.ports) as caller:

            async def left() -> tuple[int, ...]:
                await caller.ask("GET", "/workflows")  # lets the server work between two looks
                return await self.left(look)

            await eventually(left, lambda left: not any(left), LATE)

    async def glimpse(self) -> books.Books:
        """What the database says; the server has to be at rest, or dead."""
        async with self.place.looking() as look:
            return await books.read(look, "")

    async def look(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the database, by plain SQL."""
        async with self.place.looking() as look:
            rows: list[tuple[Any, ...]] = await look(sql)
            return rows


_LEFT: Final = """
WITH paused AS (SELECT workflow FROM workflow_states WHERE status = 'paused')
SELECT
    (SELECT count(*) FROM inbox),
    (SELECT count(*) FROM outbox WHERE workflow NOT IN (SELECT workflow FROM paused)),
    (SELECT count(*) FROM sweeps WHERE replace(id, 'broadcast:', 'broadcast-') NOT IN (SELECT workflow FROM paused)),
    (SELECT count(*) FROM runs WHERE status = 'waiting' AND NOT held AND due IS NOT NULL)
"""


class Caller:
    """A backend that asks until it is told: a request whose answer was lost is sent again, to whichever server is there."""

    def __init__(self, key: str, ports: Ports) -> None:
        self._key, self._ports = key, ports
        self._client: Client | None = None
        self._port = 0
        self._turn = 0
        self.repeated = 0
        """How many requests the last `sure` has sent beyond the first."""

    async def ask(self, method: str, path: str, body: object = None) -> Response:
        """One request, answered or not. Raises one of BROKEN."""
        ports = self._ports()
        if self._port not in ports:
            self.close()
        if self._client is None:
            if not ports:
                raise ConnectionError("nobody is there")
            self._turn += 1
            self._port = ports[self._turn % len(ports)]
            self._client = await Client.connect("127.0.0.1", self._port)
        try:
            answer = await Api(self._client, self._key).ask(method, path, body)
        except BROKEN:
            self.close()
            raise
        if answer.headers.get("connection") == "close":
            self.close()
        return answer

    async def sure(self, method: str, path: str, body: object = None, also: Iterable[int] = ()) -> Response:
        """Ask until it is answered with 200, or one of `also`; 503 is no answer."""
        self.repeated = -1
        while True:
            self.repeated += 1
            try:
                answer = await self.ask(method, path, body)
            except BROKEN:
                await asyncio.sleep(0)  # while nobody is there, others have a turn
                continue
            if answer.status in {200, *also}:
                return answer
            assert answer.status == 503, answer

    def close(self) -> None:
        """Another connection is made for what comes next."""
        if self._client is not None:
            self._client.close()
            self._client = None


@asynccontextmanager
async def calling(key: str, ports: Ports) -> AsyncIterator[Caller]:
    """A backend until the end of the block."""
    caller = Caller(key, ports)
    try:
        yield caller
    finally:
        caller.close()


@asynccontextmanager
async def opened(
    place: Place,
    key: str,
    put: Callable[[Arrivals], Iterable[SubscriberPut]],
    documents: Callable[[str], Iterable[dict[str, Any]]] = lambda _: (),
    patience: float = 100,
) -> AsyncIterator[Hall]:
    """A hall with these subscribers and workflows, in the inbox as yet; after `patience` seconds the test has failed."""
    arrivals = Arrivals()
    async with asyncio.timeout(patience), receiving(arrivals.answer) as receiver:
        arrivals.url, arrivals.forget = receiver.url, receiver.requests.clear
        store = open_store(load_settings(place.data, place.variables))
        await store.open()
        try:
            site = await find_site(store, None)
            for document in documents(arrivals.url):
                await publish_workflow(store, site, json.dumps(document), wall_clock(), fresh_id)
            now = wall_clock()
            entries = [
                NewEntry(
                    EntryKind.SUBSCRIBER,
                    site.id,
                    fresh_id(),
                    msgspec.json.encode(one),
                    now,
                    partition_of(site.id, one.device_token_hash, store.partitions),
                )
                for one in put(arrivals)
            ]
            for start in range(0, len(entries), 1_000):
                await store.append(entries[start : start + 1_000])
            hall = Hall(place, key, arrivals, site.id, store.partitions)
        finally:
            await store.close()
        try:
            yield hall
        finally:
            if hall.server is not None and not hall.server.ended:
                await hall.server.kill()


@asynccontextmanager
async def meanwhile(doing: Awaitable[None]) -> AsyncIterator[None]:
    """Something goes on until the end of the block; if it fails, so does the block."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(_done(doing))
        yield
        task.cancel()


async def _done(doing: Awaitable[None]) -> None:
    await doing
