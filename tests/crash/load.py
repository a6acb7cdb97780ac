"""A client that reconciles: it posts orders over several connections and remembers exactly what became of each request."""

import asyncio
import itertools
import json
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Final

import asyncpg  # type: ignore[import-untyped]  # it carries no types
from tests.crash.orders import Order
from tests.crash.places import Look
from tests.crash.receipts import Readers, fate_unknown
from tests.crash.sink import Sink
from tests.crash.tally import Tally
from tests.server.client import Client, Response, request

SINGLE: Final = "/api/v1/events"
MOST_AHEAD: Final = 2_000
"""Orders accepted and not seen to have led to anything; and pushes that came and were not looked at."""
BATCH: Final = "/api/v1/events/batch"

_LOOK_SECONDS: Final = 0.2
_BROKEN = (ConnectionError, asyncio.IncompleteReadError)


class Load:
    """What was sent, and what is known of it."""

    def __init__(
        self,
        key: str,
        rng: random.Random,
        readers: Readers,
        sink: Sink,
        *,
        connections: int = 8,
        batching: int = 2,
        most_in_batch: int = 20,
        most_ahead: int = MOST_AHEAD,
    ) -> None:
        """`batching` of the connections send batches, the others one event at a time; `readers` have one of their own.

        They send no faster than it arrives at the sink and readers look: more would wait than a test has time for. `most_ahead` orders are
        accepted and not seen to have led to anything, and as many pushes came and were not looked at.
        """
        self._key, self._rng, self.readers, self._sink = key, rng, readers, sink
        self._connections, self._batching, self._most_in_batch = connections, batching, most_in_batch
        self._most_ahead = most_ahead
        self.is_held = False
        """Whether nothing more is sent for now."""
        self._numbers = itertools.count()
        self._connection = 0
        self.sent: dict[int, Order] = {}
        self.acknowledged: set[int] = set()
        self.unknown: set[int] = set()
        """Sent, but never answered."""
        self.refused: dict[int, Response] = {}
        """Answered, but not with 200."""
        self.acknowledgements = Tally()
        self.refusals = Tally()
        self.in_order: dict[int, list[int]] = {}
        """By connection: what it sent one after the other, each acknowledged before the next went out."""

    @asynccontextmanager
    async def on(self, port: int) -> AsyncIterator[None]:
        """Send without pause until the end of the block, or until the server is gone."""
        async with self._sending(lambda _: port, again=False):
            yield

    @asynccontextmanager
    async def on_any(self, ports: Callable[[], Sequence[int]]) -> AsyncIterator[None]:
        """Send without pause until the end of the block to servers that come and go; a sender that loses its own goes to another."""

        def port(turn: int) -> int:
            there = ports()
            return there[turn % len(there)] if there else 0

        async with self._sending(port, again=True):
            yield

    @asynccontextmanager
    async def _sending(self, port: Callable[[int], int], *, again: bool) -> AsyncIterator[None]:
        stop = asyncio.Event()

        async def keep(begin: Callable[[int], Coroutine[None, None, None]], turn: int) -> None:
            await begin(port(turn))
            while again and not stop.is_set():
                turn += 1
                await asyncio.sleep(0)  # while none is there, others have a turn
                await begin(port(turn))

        async with asyncio.TaskGroup() as senders:
            for place in range(self._connections):
                senders.create_task(keep(partial(self._send, stop=stop, batches=place < self._batching), place))
            senders.create_task(keep(partial(self.readers.look, stop=stop), 0))
            try:
                yield
            finally:
                stop.set()

    @asynccontextmanager
    async def held_back(self, look: Look, most: int) -> AsyncIterator[None]:
        """Until the end of the block, send nothing while more than `most` entries wait for the engines: a long run would never drain.

        While the database cannot be looked at, send: that is refused.
        """

        over = asyncio.Event()

        async def keep_looking() -> None:
            while not over.is_set():
                try:
                    [(count,)] = await look(f"SELECT count(*) FROM (SELECT FROM inbox LIMIT {most + 1}) AS few")
                    self.is_held = count > most
                except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    self.is_held = False
                await asyncio.sleep(_LOOK_SECONDS)

        looking = asyncio.create_task(keep_looking())
        try:
            yield
        finally:
            over.set()  # a look that is under way ends by itself: broken off, the driver may swallow that
            await looking
            self.is_held = False

    async def repeat_unknown(self, port: int) -> None:
        """Send every order again whose fate is unknown and that carries an id, and some that were acknowledged, one by one."""
        sure = [self.sent[n] for n in sorted(self.acknowledged) if self.sent[n].event_id is not None]
        again = [self.sent[n] for n in sorted(self.unknown) if self.sent[n].event_id is not None]
        client = await Client.connect("127.0.0.1", port)
        try:
            for order in [*again, *self._rng.sample(sure, min(len(sure), 5))]:
                answer = await self._post(client, SINGLE, order.fields)
                assert answer.status == 200, answer
                self._acknowledge([order])
        finally:
            client.close()

    async def post(self, client: Client) -> Response:
        """Send one new order."""
        return await self._one(client, [self._order()])

    async def _send(self, port: int, stop: asyncio.Event, *, batches: bool) -> None:
        self._connection += 1
        done = self.in_order.setdefault(self._connection, [])
        try:
            client = await Client.connect("127.0.0.1", port)
        except ConnectionError:
            return
        while not stop.is_set():
            await self._catch_up(stop)
            orders = self._batch() if batches else [self._order()]
            try:
                answer = await self._one(client, orders)
            except (*_BROKEN, TimeoutError):
                break
            if answer.status == 200:
                done.extend(order.n for order in orders)
            if answer.headers.get("connection") == "close":
                break
        client.close()

    async def _catch_up(self, stop: asyncio.Event) -> None:
        """Wait while too much is accepted that has not arrived, or has and was not looked at."""
        while not stop.is_set() and self._is_ahead():
            arrivals, looked = self._sink.arrivals, self.readers.looked
            waits = (stop.wait(), arrivals.reach(arrivals.value + 1), looked.reach(looked.value + 1))
            waiting = [asyncio.ensure_future(wait) for wait in waits]
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in waiting:
                    one.cancel()

    def _is_ahead(self) -> bool:
        """Each order leads to two effects at least."""
        return (
            self.is_held
            or self.acknowledgements.value - len(self._sink.arrived) / 2 > self._most_ahead
            or self.readers.behind > self._most_ahead
        )

    async def _one(self, client: Client, orders: Sequence[Order]) -> Response:
        """Send a request and note what becomes of it."""
        numbers = {order.n for order in orders}
        self.sent |= {order.n: order for order in orders}
        self.unknown |= numbers
        if orders[0].batch is None:
            answer = await self._post(client, SINGLE, orders[0].fields)
        else:
            answer = await self._post(client, BATCH, {"events": [order.fields for order in orders]})
            assert answer.status != 200 or answer.json["data"] == {"accepted": len(orders), "rejected": []}, answer
        if answer.status == 200:
            self._acknowledge(orders)
        elif not fate_unknown(answer):
            self.unknown -= numbers
            self.refused |= dict.fromkeys(numbers, answer)
            self.refusals.add(len(orders))
        return answer

    async def _post(self, client: Client, path: str, body: object) -> Response:
        headers = (f"Api-Key: {self._key}", "Content-Type: application/json")
        return await client.ask(request("POST", path, json.dumps(body).encode(), *headers))

    def _acknowledge(self, orders: Sequence[Order]) -> None:
        numbers = {order.n for order in orders}
        self.unknown -= numbers
        self.acknowledged |= numbers
        self.acknowledgements.add(len(orders))

    def _batch(self) -> list[Order]:
        first = self._order()
        more = self._rng.randrange(self._most_in_batch)
        return [replace(order, batch=first.n) for order in (first, *(self._order() for _ in range(more)))]

    def _order(self) -> Order:
        n = next(self._numbers)
        wait, push, journey, by_device, named = (self._rng.random() < share for share in (0.3, 0.2, 0.2, 0.3, 0.5))
        return Order(n, wait, push, journey, by_device, f"order-{n}" if named else None)
