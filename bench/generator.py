"""The open-loop generator of (c): events at a fixed rate over keep-alive connections."""

import asyncio
import time
from typing import Final

from bench.event import encode, request
from bench.link import Link, connect
from bench.schedule import SECOND, OpenLoop, Schedule

CONNECTIONS: Final = 128
PROFILES: Final = 10_000
EVENT: Final = "order_placed"
_TICK: Final = 0.001
"""Seconds, the timer's own grain: an event is sent up to this much after it is due, and its latency includes that."""


class Generator:
    """Sends numbered events; the numbers go on from step to step."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._links: list[Link] = []
        self._loop: OpenLoop[Link] | None = None
        self._answered = asyncio.Event()
        self._pending = 0
        self._first = 0
        self.next = 0
        """Number of the next event; how many were sent up to now."""
        self.acknowledged = self.refused = 0
        self.latencies: list[int] = []
        """Nanoseconds from due to acknowledged, of the step under way."""

    async def connect(self, port: int) -> None:
        """Raises OSError."""
        self._links = await connect(port, CONNECTIONS, self._on_answer, self._on_loss)

    async def send(self, schedule: Schedule) -> None:
        """Send a schedule's events and wait for their answers. Raises TimeoutError, ConnectionError."""
        self._first, self.latencies = self.next, []
        loop = self._loop = OpenLoop(schedule, self._links, self._send)
        async with asyncio.timeout(schedule.count / schedule.rate + 60):
            while not loop.finished:
                now = time.monotonic_ns()
                loop.tick(now)
                due = schedule.at(min(schedule.due(now), schedule.count - 1))
                await asyncio.sleep(max(_TICK, (due - now) / SECOND))
            while self._pending:
                self._answered.clear()
                await self._answered.wait()
        if len(self._links) < CONNECTIONS:
            raise ConnectionError("the server closed connections of the generator")

    def close(self) -> None:
        """End the connections."""
        for link in self._links:
            link.close()

    def _send(self, link: Link, index: int) -> None:
        number = self._first + index
        link.current = index
        self._pending += 1
        self.next = number + 1
        data = {"number": number, "product_name": "Running Shoes", "price": 99.99}
        body = {"event_name": EVENT, "profile_id": f"buyer-{number % PROFILES}", "data": data}
        link.send(request("/api/v1/events", self._key, encode(body)))

    def _on_answer(self, link: Link, status: int, _body: bytes) -> None:
        self._pending -= 1
        assert self._loop is not None
        if status == 200:
            self.acknowledged += 1
            self.latencies.append(time.monotonic_ns() - self._loop.schedule.at(link.current))
        else:
            self.refused += 1
        self._answered.set()
        self._loop.freed(link)

    def _on_loss(self, link: Link) -> None:
        self._links.remove(link)
        self._answered.set()
