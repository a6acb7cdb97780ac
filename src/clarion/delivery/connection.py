"""One HTTP/1.1 connection, one exchange at a time, on httptools over an asyncio transport."""

import asyncio
from collections.abc import Callable
from typing import Final, cast

import httptools
import msgspec

from clarion.delivery.errors import BadResponse, SendError, TimedOut

_RAW_FACTOR: Final = 8
"""A response may take this many times its body's limit on the wire: chunk sizes and trailers count too."""


class ClosedUnanswered(BadResponse):
    """The connection ended before the first byte of an answer."""


class Response(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    headers: dict[bytes, bytes]
    """By lower-case name; repeated ones joined by a comma (RFC 9110 §5.3)."""
    body: bytes
    truncated: bool = False
    """True if the body went on after the limit."""


class Connection(asyncio.Protocol):
    """A connection and the parser of its answers.

    `deadline` (loop time) is when the owner's sweep has to call `expire`: the end of the exchange under way, or of idleness.
    """

    __slots__ = (
        "_body",
        "_body_size",
        "_bodyless",
        "_complete_head",
        "_head_size",
        "_headers",
        "_loop",
        "_max_body",
        "_max_head",
        "_on_free",
        "_on_lost",
        "_parser",
        "_raw_size",
        "_transport",
        "_waiter",
        "deadline",
        "origin",
    )

    def __init__(
        self,
        origin: str,
        loop: asyncio.AbstractEventLoop,
        *,
        max_head: int,
        max_body: int,
        on_free: Callable[["Connection"], None],
        on_lost: Callable[["Connection"], None],
    ) -> None:
        self.origin = origin
        self.deadline = 0.0
        self._loop = loop
        self._max_head = max_head
        self._max_body = max_body
        self._on_free = on_free
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Response] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._begin(bodyless=False)

    # -- for the client ----------------------------------------------------------------------------------------------

    @property
    def usable(self) -> bool:
        """True while nobody has begun to close it."""
        return self._transport is not None and not self._transport.is_closing()

    def exchange(self, request: bytes, *, bodyless: bool, deadline: float) -> asyncio.Future[Response]:
        """Send a request; the future gives its answer or raises a SendError. `bodyless` says that the answer has no body (HEAD)."""
        if self._transport is None:
            raise ClosedUnanswered("the connection was closed")
        self._begin(bodyless=bodyless)
        self.deadline = deadline
        self._waiter = self._loop.create_future()
        self._transport.write(request)
        return self._waiter

    def abort(self) -> None:
        """Close at once; an exchange under way fails."""
        if self._transport is not None:
            self._transport.abort()

    def expire(self) -> None:
        """The deadline has passed."""
        self._fail(TimedOut("no complete answer in time"))

    # -- asyncio.Protocol --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        if self._waiter is None:
            self.abort()  # nobody asked: what follows could be taken for the next request's answer
            return
        self._raw_size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(BadResponse("the receiver switched protocols"))
        except httptools.HttpParserError:
            self._fail(BadResponse("the answer is not HTTP/1.1"))
        self._check_size()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._waiter is not None:
            if self._complete_head and b"content-length" not in self._headers and b"transfer-encoding" not in self._headers:
                self._finish()  # its end is its length (RFC 9112 §6.3)
            elif self._raw_size:
                self._fail(BadResponse("the connection was closed in the middle of the answer"))
            else:
                self._fail(ClosedUnanswered("the connection was closed without an answer"))
        self._on_lost(self)

    # -- httptools' callbacks ----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._waiter is None:
            self.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._complete_head:
            return  # a trailer
        self._head_size += len(name) + len(value) + 4
        if self._head_size > self._max_head:
            self._fail(BadResponse("the answer's head is too large"))
            return
        name = name.lower()
        known = self._headers.get(name)
        self._headers[name] = value if known is None else known + b", " + value

    def on_headers_complete(self) -> None:
        if self._waiter is None or self._parser.get_status_code() < 200:
            return
        self._complete_head = True
        if self._bodyless:
            self._finish()  # the parser would wait for a body

    def on_body(self, body: bytes) -> None:
        if self._waiter is None:
            return
        room = self._max_body - self._body_size
        self._body_size += len(body)
        if len(body) > room:
            self._body.append(body[:room])
            self._finish(truncated=True)
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self._waiter is None:
            return
        if not self._complete_head:
            self._headers.clear()  # 1xx: the answer is still to come (RFC 9110 §15.2)
            return
        self._finish(keep=self._parser.should_keep_alive())

    # -- inside ------------------------------------------------------------------------------------------------------

    def _begin(self, *, bodyless: bool) -> None:
        self._bodyless = bodyless
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._body_size = self._head_size = self._raw_size = 0
        self._complete_head = False

    def _check_size(self) -> None:
        if self._waiter is None:
            return
        if not self._complete_head and self._raw_size > self._max_head:
            self._fail(BadResponse("the answer's head is too large"))
        elif self._raw_size > self._max_head + _RAW_FACTOR * self._max_body:
            self._fail(BadResponse("the answer is mostly chunk headers or trailers"))

    def _finish(self, *, keep: bool = False, truncated: bool = False) -> None:
        waiter, self._waiter = self._waiter, None
        transport = self._transport
        if keep and transport is not None and not transport.is_closing() and not transport.get_write_buffer_size():
            self._on_free(self)
        else:
            self.abort()
        if waiter is not None and not waiter.done():
            waiter.set_result(Response(self._parser.get_status_code(), self._headers, b"".join(self._body), truncated))

    def _fail(self, error: SendError) -> None:
        waiter, self._waiter = self._waiter, None
        self.abort()
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)
