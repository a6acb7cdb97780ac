"""The HTTP/2 client for services that speak nothing else: few connections, many requests on each, bounded in time and in number.

Web push goes over HTTP/1.1 (`clarion.delivery.http1`), also where HTTP/2 is on offer: pooled connections cost a fifth of the CPU time.
"""

import asyncio
import ssl
from collections import deque
from typing import Final

from clarion.delivery.connecting import Connector
from clarion.delivery.connection import ClosedUnanswered, Response
from clarion.delivery.errors import Blocked, ConnectFailed, SendError, TimedOut
from clarion.delivery.http2_connection import Headers, Http2Connection, Unprocessed
from clarion.delivery.target import Target, parse_target

_SWEEPS: Final = 32
"""Sweeps in the shortest time limit: a limit is exceeded by at most this part of it."""


class _Lane:
    """Connections to one origin that may carry each other's requests, and who waits for room on them."""

    def __init__(self) -> None:
        self.connections: list[Http2Connection] = []
        self.connecting: asyncio.Task[None] | None = None
        self.waiting: deque[asyncio.Future[None]] = deque()

    def may_grow(self, most: int) -> bool:
        """Whether one more connection would help. A service takes one request at a time until it trusts a connection: wait for that."""
        usable = [connection for connection in self.connections if connection.usable]
        return self.connecting is None and len(usable) < most and all(connection.answered for connection in usable)

    def take(self) -> Http2Connection | None:
        return next((connection for connection in self.connections if connection.room), None)

    def wake(self) -> None:
        """Let as many look again as there is room for."""
        room = sum(connection.room for connection in self.connections)
        while room > 0 and self.waiting:
            waiter = self.waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                room -= 1

    def wake_all(self, error: SendError | None = None) -> None:
        """Let all look again, or fail."""
        while self.waiting:
            waiter = self.waiting.popleft()
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)


class Http2Client:
    """Sends requests, each to its answer or a SendError within `timeout`."""

    def __init__(
        self,
        connector: Connector,
        *,
        timeout: float = 15.0,
        max_head: int = 32_768,
        max_response: int = 65_536,
        connections: int = 4,
        streams: int = 256,
        total: int = 256,
        idle_timeout: float = 600.0,
        quiet: float = 5.0,
        patience: float = 5.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Times in seconds, sizes in bytes. `connections` is for each lane of an origin, `streams` for each connection; over `total`
        connections, idle ones make room. After `quiet` seconds without a byte a peer that owes an answer is pinged, and has `patience` to
        show that it lives. `tls` replaces the default context, which trusts the machine's authorities; it is told to ask for HTTP/2.
        """
        self._connector = connector
        self._timeout = timeout
        self._max_head = max_head
        self._max_response = max_response
        self._connections = connections
        self._streams = streams
        self._total = total
        self._limits = {"quiet": quiet, "patience": patience, "idle": idle_timeout}
        self._interval = min(timeout, quiet, patience, idle_timeout) / _SWEEPS
        self._tls = tls
        self._alpn_set = False
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._open: dict[Http2Connection, _Lane] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed: asyncio.Event | None = None

    async def request(self, method: str, url: str, headers: Headers, body: bytes, *, lane: str = "") -> Response:
        """Send a request. Those of different lanes never share a connection: some services tie one to an account.

        One that the other side has not looked at, or whose connection ended without any answer, is sent once more: every delivery carries
        an id by which its receiver knows a repeat. Raises Blocked, BadRequest, ConnectFailed, TimedOut, BadResponse.
        """
        target = parse_target(url)
        if target.scheme != "https":
            raise Blocked("HTTP/2 needs https")
        head = [
            (b":method", method.encode()),
            (b":scheme", b"https"),
            (b":authority", target.authority),
            (b":path", target.path),
            *headers,
        ]
        deadline = asyncio.get_running_loop().time() + self._timeout
        try:
            return await (await self._connection(target, lane, deadline)).exchange(head, body, deadline)
        except (Unprocessed, ClosedUnanswered):
            return await (await self._connection(target, lane, deadline)).exchange(head, body, deadline)

    async def close(self) -> None:
        """Close every connection; requests under way fail."""
        self._closed = asyncio.Event()
        tasks = [lane.connecting for lane in self._lanes.values() if lane.connecting is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._open:
            for connection in list(self._open):
                connection.abort(ClosedUnanswered("the connection was closed"))
            await self._closed.wait()

    # -- inside ------------------------------------------------------------------------------------------------------

    async def _connection(self, target: Target, name: str, deadline: float) -> Http2Connection:
        key = (target.origin, name)
        while True:
            if self._closed is not None:
                raise ConnectFailed("the client is closed")
            lane = self._lanes.get(key)
            if lane is None:
                lane = self._lanes[key] = _Lane()
            connection = lane.take()
            if connection is not None:
                return connection
            if lane.may_grow(self._connections):
                lane.connecting = asyncio.create_task(self._connect(key, lane, target), name="http2 connection")
            await _wait(lane, deadline)

    async def _connect(self, key: tuple[str, str], lane: _Lane, target: Target) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._timeout

        def lost(connection: Http2Connection) -> None:
            self._lost(key, connection)

        def make() -> Http2Connection:
            return Http2Connection(
                loop, streams=self._streams, max_head=self._max_head, max_body=self._max_response, on_room=lane.wake, on_lost=lost
            )

        failure: SendError = ConnectFailed("connection failed")
        try:
            self._make_room()
            connection = await self._connector.connect(target, until, make, self._context())
            self._open[connection] = lane
            if self._timer is None:
                self._timer = loop.call_later(self._interval, self._sweep, loop)
            await self._until_ready(connection, until)
            if connection in self._open:
                lane.connections.append(connection)
        except SendError as error:
            failure = error
        finally:
            lane.connecting = None
            if lane.connections:
                lane.wake()
            else:
                self._lanes.pop(key, None)
                lane.wake_all(failure)

    async def _until_ready(self, connection: Http2Connection, until: float) -> None:
        try:
            async with asyncio.timeout_at(until):
                await asyncio.shield(connection.ready)
        except TimeoutError:
            late = TimedOut("the service does not begin with HTTP/2")
            connection.abort(late)
            raise late from None

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        if not self._alpn_set:
            self._tls.set_alpn_protocols(["h2"])
            self._alpn_set = True
        return self._tls

    def _make_room(self) -> None:
        if len(self._open) >= self._total:
            oldest = next(
                (connection for connection, lane in self._open.items() if connection.idle and connection in lane.connections), None
            )
            if oldest is not None:
                oldest.close()

    def _lost(self, key: tuple[str, str], connection: Http2Connection) -> None:
        lane = self._open.pop(connection, None)
        if lane is not None and connection in lane.connections:
            lane.connections.remove(connection)
            if not lane.connections and lane.connecting is None:
                self._lanes.pop(key, None)
                lane.wake_all()
        if self._closed is not None and not self._open:
            self._closed.set()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in list(self._open):
            connection.sweep(now, **self._limits)
        self._timer = loop.call_later(self._interval, self._sweep, loop) if self._open else None


async def _wait(lane: _Lane, deadline: float) -> None:
    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    lane.waiting.append(waiter)
    try:
        async with asyncio.timeout_at(deadline):
            await waiter
    except TimeoutError:
        lane.wake()  # it may have been woken in the same moment
        raise TimedOut("no free connection in time") from None
    except asyncio.CancelledError:
        lane.wake()
        raise
