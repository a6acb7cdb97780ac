"""The HTTP/1.1 client for deliveries: lean, guarded, and bounded in time, in memory and in connections."""

import asyncio
import os
import re
import ssl
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from clarion.delivery.connection import ClosedUnanswered, Connection, Response
from clarion.delivery.errors import BadRequest, Blocked, ConnectFailed, SendError, TimedOut
from clarion.delivery.guard import Guard
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
    ) -> None:
        """Times in seconds, sizes in bytes. `tls` replaces the default context, which trusts the machine's authorities."""
        self._guard = guard
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._max_head = max_head
        self._max_response = max_response
        self._idle_timeout = idle_timeout
        self._interval = min(connect_timeout, timeout, idle_timeout) / _SWEEPS
        self._idle = IdlePool(per_origin=idle_per_origin, total=idle_total)
        self._open: set[Connection] = set()
        self._resolver = resolver or Resolver()
        self._tls = tls
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
        until = min(deadline, loop.time() + self._connect_timeout)
        try:
            async with asyncio.timeout_at(until):
                addresses = self._permitted((str(target.address),) if target.address else await self._resolver.resolve(target.host))
        except TimeoutError:
            raise TimedOut("the host's name was not resolved in time") from None
        failure: SendError = ConnectFailed("no address")
        for position, address in enumerate(addresses):
            # each address has its share of what is left, so a dead one does not use up the others' time
            now = loop.time()
            share = now + (until - now) / (len(addresses) - position)
            try:
                async with asyncio.timeout_at(share):
                    return await self._connect_address(loop, target, address)
            except TimeoutError:
                failure = TimedOut("no connection in time")
            except ssl.SSLError as error:
                failure = ConnectFailed(f"TLS failed: {getattr(error, 'verify_message', None) or error.reason or 'handshake'}")
            except OSError as error:
                failure = ConnectFailed(os.strerror(error.errno).lower() if error.errno else "connection failed")
        raise failure

    async def _connect_address(self, loop: asyncio.AbstractEventLoop, target: Target, address: str) -> Connection:
        secure = target.scheme == "https"
        if secure and self._tls is None:
            self._tls = ssl.create_default_context()
        _, connection = await loop.create_connection(
            lambda: Connection(
                target.origin, loop, max_head=self._max_head, max_body=self._max_response, on_free=self._freed, on_lost=self._lost
            ),
            address,
            target.port,
            ssl=self._tls if secure else None,
            server_hostname=target.host if secure else None,
        )
        if not connection.usable:
            raise ConnectionResetError  # closed in the moment between
        self._open.add(connection)
        if self._timer is None:
            self._timer = loop.call_later(self._interval, self._sweep, loop)
        return connection

    def _permitted(self, addresses: Sequence[str]) -> list[str]:
        reasons = [self._guard.refuses(address) for address in addresses]
        permitted = [address for address, reason in zip(addresses, reasons, strict=True) if reason is None]
        if not permitted:
            raise Blocked(f"the address is not allowed: {reasons[0]}")
        return permitted

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
