"""The HTTP/1.1 client for deliveries: lean, guarded, and bounded in time, in memory and in connections."""

import asyncio
import re
import ssl
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from clarion.delivery.connecting import Connector
from clarion.delivery.connection import ClosedUnanswered, Connection, Response
from clarion.delivery.errors import BadRequest, ConnectFailed
from clarion.delivery.guard import Guard
from clarion.delivery.http2 import Http2Client
from clarion.delivery.pool import IdlePool
from clarion.delivery.resolver import Resolver
from clarion.delivery.target import Target, parse_target

Headers = Sequence[tuple[bytes, bytes]]

_TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FRAMING: Final = frozenset(
    {b"host", b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"te", b"trailer", b"upgrade", b"expect"}
)
"""Headers that belong to this client: they say where a request goes, where it ends, and what becomes of the connection."""
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_SWEEPS: Final = 32
"""Sweeps in the shortest time limit: a limit is exceeded by at most this part of it."""


class HttpClient:
    """Sends requests, each to its answer or a SendError within `timeout`, however slowly the other side drips.

    Redirects are not followed; an answer's head over `max_head` fails, its body is cut at `max_response`. Connections are kept and used
    again. One timer sweeps all of them, so a request costs none.

    A kept connection that turns out to have been closed before any byte of an answer is replaced once by a new one and the request sent
    again: a server may close an idle connection at any moment, and every delivery carries an id by which its receiver knows a repeat.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        connect_timeout: float = 5.0,
        timeout: float = 15.0,
        max_head: int = 32_768,
        max_response: int = 65_536,
        idle_timeout: float = 30.0,
        idle_per_origin: int = 256,
        idle_total: int = 1024,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
        http2_tls: ssl.SSLContext | None = None,
    ) -> None:
        """Times in seconds, sizes in bytes. `tls` and `http2_tls` replace the default contexts, which trust the machine's authorities."""
        self._timeout = timeout
        self._max_head = max_head
        self._max_response = max_response
        self._idle_timeout = idle_timeout
        self._interval = min(connect_timeout, timeout, idle_timeout) / _SWEEPS
        self._idle = IdlePool(per_origin=idle_per_origin, total=idle_total)
        self._open: set[Connection] = set()
        self._resolver = resolver or Resolver()
        self._connector = Connector(guard, self._resolver, timeout=connect_timeout)
        self._tls = tls
        self.http2 = Http2Client(self._connector, timeout=timeout, max_head=max_head, max_response=max_response, tls=http2_tls)
        """For services that speak HTTP/2 only; it shares the guard and the resolver, and is closed with this client."""
        self._timer: asyncio.TimerHandle | None = None
        self._closed: asyncio.Event | None = None

    async def request(self, method: str, url: str, headers: Headers = (), body: bytes | None = None) -> Response:
        """Send a request. Raises Blocked, BadRequest, ConnectFailed, TimedOut, BadResponse."""
        target = parse_target(url)
        request = encode_request(method, target, headers, body)
        bodyless = method == "HEAD"
        deadline = asyncio.get_running_loop().time() + self._timeout
        connection = self._idle.take(target.origin)
        if connection is not None:
            try:
                return await self._exchange(connection, request, bodyless, deadline)
            except ClosedUnanswered:
                pass
        connection = await self._connect(target, deadline)
        return await self._exchange(connection, request, bodyless, deadline)

    async def close(self) -> None:
        """Close every connection; requests under way fail."""
        await self._resolver.close()
        await self.http2.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._open:
            self._closed = asyncio.Event()
            for connection in self._open:
                connection.abort()
            await self._closed.wait()

    async def _exchange(self, connection: Connection, request: bytes, bodyless: bool, deadline: float) -> Response:
        waiter = connection.exchange(request, bodyless=bodyless, deadline=deadline)
        try:
            return await waiter
        except asyncio.CancelledError:
            connection.abort()  # its answer may still come: nobody else must get it
            raise

    async def _connect(self, target: Target, deadline: float) -> Connection:
        loop = asyncio.get_running_loop()

        def make() -> Connection:
            return Connection(
                target.origin, loop, max_head=self._max_head, max_body=self._max_response, on_free=self._freed, on_lost=self._lost
            )

        connection = await self._connector.connect(target, deadline, make, self._context() if target.scheme == "https" else None)
        if not connection.usable:
            raise ConnectFailed("connection failed")  # closed in the moment between
        self._open.add(connection)
        if self._timer is None:
            self._timer = loop.call_later(self._interval, self._sweep, loop)
        return connection

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    def _freed(self, connection: Connection) -> None:
        connection.deadline = asyncio.get_running_loop().time() + self._idle_timeout
        if not self._idle.put(connection):
            connection.abort()

    def _lost(self, connection: Connection) -> None:
        self._idle.discard(connection)
        self._open.discard(connection)
        if self._closed is not None and not self._open:
            self._closed.set()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in [each for each in self._open if each.deadline < now]:
            connection.expire()
        self._timer = loop.call_later(self._interval, self._sweep, loop) if self._open else None


def encode_request(method: str, target: Target, headers: Headers, body: bytes | None) -> bytes:
    """The request as it goes out. Raises BadRequest for a header that is not one line, or is this client's to set."""
    lines = [b": ".join(header) for header in headers]
    if body is not None or method in _WITH_BODY:
        lines.append(b"content-length: %d" % (0 if body is None else len(body)))
    lines.append(b"\r\n" if lines else b"")
    head = b"\r\n".join(lines)
    # as many line breaks as were put there: none came along in a value
    breaks = len(lines) if len(lines) > 1 else 0
    if head.count(b"\n") != breaks or head.count(b"\r") != breaks or _CONTROL.search(head):
        raise BadRequest("a header holds a line break or another control character")
    if not (_valid_method(method) and all(_valid_name(name) for name, _ in headers)):
        raise BadRequest("the method or a header's name is not allowed")
    return b"%b %b%b%b" % (method.encode(), target.line, head or b"\r\n", body or b"")


@lru_cache(maxsize=64)
def _valid_method(method: str) -> bool:
    return method.isascii() and method.isalpha() and method.isupper() and method != "CONNECT"


@lru_cache(maxsize=1024)
def _valid_name(name: bytes) -> bool:
    return _TOKEN.fullmatch(name) is not None and name.lower() not in _FRAMING
