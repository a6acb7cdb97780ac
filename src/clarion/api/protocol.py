"""One connection's incoming side: bytes to requests, refused as early as they can be, handed to their direct route or to the ASGI app.

httptools (llhttp, strict) does the parsing. On top of it: the limits and deadlines of `ServerLimits`, the rules of `read_head`, and a
shortcut for direct requests, whose heads repeat: the bytes of a head that has passed every check mean the same again, so that such a
request costs one look-up.
"""

from typing import Final
from urllib.parse import unquote_to_bytes

import httptools
import structlog

from clarion.api.protocol_direct import DirectRequest, Refusal, Target
from clarion.api.protocol_heads import NO_HEAD, HeaderList, Malformed, RequestHead, read_head
from clarion.api.protocol_requests import Answering
from clarion.api.protocol_responses import Headers
from clarion.api.protocol_shared import Shared

_log = structlog.get_logger(__name__)

_PIECE: Final = 16 * 1024
"""Bytes parsed at once: what is read beyond a pause or a refusal stays below it."""
_LONGEST_KNOWN_HEAD: Final = 2048
_SKIPPED: Final = 64 * 1024
"""Longest body that is read and dropped, to keep the connection, where the method is refused."""
_RETRY_AFTER: Final = ((b"retry-after", b"1"),)


class _Refused(Exception):
    """Stops the parser: the connection has its last answer."""


class HttpProtocol(Answering):
    """HTTP/1.1 and 1.0 on one connection."""

    __slots__ = (
        "_body",
        "_head",
        "_headers",
        "_in_parts",
        "_kept",
        "_learned",
        "_limit",
        "_parser",
        "_partial",
        "_progress",
        "_received",
        "_silent",
        "_skip",
        "_target",
        "_unparsed",
        "_upgrading",
        "_url",
    )

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._parser: httptools.HttpRequestParser | None = None
        self._unparsed = b""
        """Read, to be parsed when the pause is over."""
        self._partial = 0
        """What this connection has added to the bytes of bodies that are arriving."""
        self._progress = False
        self._silent = 0
        """Bytes parsed without a name, value or piece of a body to show for them: one unfinished field, or a chunk's extension."""
        self._begin_request()

    # -- bytes in

    def data_received(self, data: bytes) -> None:
        if not self._fast:
            self._parse(data, 0)
            return
        self._parsing = True
        known_heads = self._shared.known_heads
        position = 0
        size = len(data)
        while True:
            end = data.find(b"\r\n\r\n", position, position + _LONGEST_KNOWN_HEAD) + 4
            known = known_heads.get(data[position:end])
            if known is None:
                break
            head, target = known
            stop = end + head.content_length
            if stop > size:
                break
            refusal = None if target.early is None else self._early(target.early, head)
            if refusal is None:
                self._take_direct(head, target, data[end:stop])
            else:
                self._answer(head, refusal)
            position = stop
            if position == size or not self._fast:
                break
        self._parsing = False
        if position < size:
            self._parse(data[position:] if position else data, end - position)
        else:
            self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._drop_body()
        self._unparsed = b""
        self._parser = None  # it holds this object, too

    def _parse(self, data: bytes, head_ends: int) -> None:
        """Feed the parser. `head_ends`: where the first head ends if `data` begins with one, for the shortcut to remember it by."""
        self._parsing = True
        position = 0
        size = len(data)
        while position < size and not self._ending:
            if self._paused:
                self._unparsed += data[position:]
                break
            piece = data if size <= _PIECE else data[position : position + _PIECE]
            position += len(piece)
            self._feed(piece)
        if self._ending:
            self._discard(size - position)
        # exactly one request, from its head's first byte to its body's last
        if self._learned is not None and head_ends > 4 and size == head_ends + self._learned[0].content_length:
            self._shared.remember_head(data[:head_ends], *self._learned)
        if self._receiving and not self._ending:
            self._await_rest()
        self._fast = not (self._receiving or self._ending or self._draining or self._paused)
        self._parsing = False
        self.flush()

    def _feed(self, piece: bytes) -> None:
        parser = self._parser
        if parser is None:
            parser = self._parser = httptools.HttpRequestParser(self)
        self._progress = False
        try:
            try:
                parser.feed_data(piece)
            except httptools.HttpParserUpgrade as upgrade:
                self._feed_without_upgrade(parser, piece, upgrade)
        except httptools.HttpParserCallbackError as failure:
            if not isinstance(failure.__context__, _Refused):
                _log.error("connection_failed", exc_info=failure)
                self._give_up(500, self._shared.envelopes.failed)
        except httptools.HttpParserError:
            if not self._ending:  # else it is what follows a last request, which nobody answers (RFC 9112 §9.6)
                self._give_up(400, self._shared.envelopes.malformed)
        if self._receiving and not self._ending:
            self._in_parts = True
            self._silent = 0 if self._progress else self._silent + len(piece)
            if not self._headers_too_large() and self._silent > self._shared.limits.header_bytes:
                self._give_up(431, self._shared.envelopes.headers_too_large)

    def _feed_without_upgrade(self, parser: httptools.HttpRequestParser, data: bytes, upgrade: httptools.HttpParserUpgrade | None) -> None:
        """Go on after a request that asks for an upgrade: its head again without the wish, then what follows it.

        A server may ignore the wish (RFC 9110 §7.8); llhttp would take the request's body for the other protocol.
        """
        while upgrade is not None:
            lines = [b"%b %b HTTP/%b" % (parser.get_method(), self._url, parser.get_http_version().encode("ascii"))]
            lines += [b"%b: %b" % field for field in self._headers if field[0].lower() != b"upgrade"]
            parser.feed_data(b"\r\n".join([*lines, b"", b""]))
            data = data[upgrade.args[0] :]
            upgrade = None
            try:
                parser.feed_data(data)
            except httptools.HttpParserUpgrade as another:
                upgrade = another

    def _await_rest(self) -> None:
        """Some of a request is here: it has until its deadline, and the room that there is."""
        shared = self._shared
        shared.reading.start(self, shared.loop.time())
        size = len(self._body) if self._kept is None else len(self._kept)
        shared.partial += size - self._partial
        self._partial = size
        if shared.partial > shared.limits.partial_bytes:
            self._give_up(503, shared.envelopes.unavailable, _RETRY_AFTER)

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded <= self._shared.limits.linger_bytes or self._transport is None:
            return
        if not self._exchanges:
            self.close()
        else:
            self._transport.pause_reading()

    def _read_on(self) -> None:
        if self._unparsed:
            self._shared.loop.call_soon(self._parse_on)
        else:
            self._fast = not (self._receiving or self._ending or self._draining)
            super()._read_on()

    def _parse_on(self) -> None:
        data, self._unparsed = self._unparsed, b""
        if self._transport is not None:
            self._parse(data, 0)
            if not self._paused:
                super()._read_on()

    # -- the parser's callbacks

    def on_message_begin(self) -> None:
        if self._ending:
            raise _Refused
        self._receiving = True
        self._progress = True
        self._begin_request()

    def _begin_request(self) -> None:
        self._url = b""
        self._headers: HeaderList = []
        self._in_parts = False
        """It comes in more than one piece."""
        self._head: RequestHead | None = None
        self._target: Target | None = None
        self._limit = 0
        self._received = 0
        self._body = b""
        self._kept: bytearray | None = None
        """The body, once it has come in more than one piece."""
        self._learned: tuple[RequestHead, Target] | None = None
        """Set when a direct request is whole that others may be known by."""
        self._skip = False
        """The request is answered; the rest of it is read and dropped."""
        self._upgrading = False

    def on_url(self, url: bytes) -> None:
        self._progress = True
        self._url += url
        if len(self._url) > self._shared.limits.target_bytes:
            self._give_up(414, self._shared.envelopes.target_too_long)
            raise _Refused

    def on_header(self, name: bytes, value: bytes) -> None:
        self._progress = True
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        parser = self._parser
        if parser is None:
            raise _Refused
        if self._headers_too_large():
            raise _Refused
        method = parser.get_method()
        if parser.should_upgrade() and method != b"CONNECT":
            self._upgrading = True
            return
        keep_alive = parser.should_keep_alive() and not self._draining
        try:
            head = read_head(method, self._url, parser.get_http_version(), self._headers, keep_alive)
        except Malformed:
            self._give_up(400, self._shared.envelopes.malformed)
            raise _Refused from None
        self._head = head
        self._headers = []  # what comes now are trailers, which nobody looks at
        self._route(head)

    def _headers_too_large(self) -> bool:
        """Refuse a header section, or as much of it as is here, that exceeds its limits; trailers alike."""
        headers = self._headers
        limits = self._shared.limits
        # what comes in one piece is smaller than the least limit
        too_long = self._in_parts and sum(len(name) + len(value) + 4 for name, value in headers) > limits.header_bytes
        if not too_long and len(headers) <= limits.header_count:
            return False
        self._give_up(431, self._shared.envelopes.headers_too_large)
        return True

    def on_body(self, body: bytes) -> None:
        self._progress = True
        self._continue_due = False
        self._received += len(body)
        if self._received > self._limit:
            self._oversized()
        if self._skip:
            return
        if self._kept is not None:
            self._kept += body
        elif self._body:
            self._kept = bytearray(self._body)
            self._kept += body
        else:
            self._body = body

    def on_message_complete(self) -> None:
        head = self._head
        if self._upgrading or head is None:
            return
        if self._headers and self._headers_too_large():
            raise _Refused
        self._receiving = False
        self._continue_due = False
        self._shared.reading.stop(self)
        body = self._body if self._kept is None else bytes(self._kept)
        self._drop_body()
        if self._skip:
            if self._draining:
                self.end()
            return
        target = self._target
        if target is None:
            self._take_for_app(head, body)
            return
        if head.keep_alive and not head.chunked and head.request_id is None and head.idempotency_key is None:
            self._learned = (head, target)
        self._take_direct(head, target, body)

    # -- routing and refusals

    def _route(self, head: RequestHead) -> None:
        """Find what answers the request, and whether it is to be refused before its body is read."""
        shared = self._shared
        methods = shared.targets.get(head.path)
        if methods is None and b"%" in head.path:
            methods = shared.targets.get(unquote_to_bytes(head.path))
        if methods is None:
            self._limit = shared.body_limit(head.method, head.path)
        else:
            self._target = methods.get(head.method)
            if self._target is None:
                allow = b", ".join(sorted(methods))
                self._answer_and_skip(head, (405, shared.envelopes.method_not_allowed, ((b"allow", allow),)), _SKIPPED)
                return
            self._limit = self._target.limit
            refusal = None if self._target.early is None else self._early(self._target.early, head)
            if refusal is not None:
                self._answer_and_skip(head, refusal, self._limit)
                return
        if not head.chunked and head.content_length > self._limit:
            self._oversized()
        self._continue_due = head.expects_continue

    def _answer_and_skip(self, head: RequestHead, refusal: Refusal, most: int) -> None:
        """Answer now; read and drop a body of at most so many bytes to keep the connection, else let it end."""
        # a client that waits for 100 may send its body or not: only the end of the connection is unambiguous (RFC 9110 §10.1.1)
        last = not head.keep_alive or head.expects_continue or head.content_length > most
        self._answer(head, refusal, last=last)
        if last:
            self._end_lingering()
            raise _Refused
        self._skip = True
        self._limit = most

    def _oversized(self) -> None:
        """The body is over its limit, by what is said of it or by what has come: answer and stop reading."""
        head = self._head
        target = self._target
        if head is None or self._skip:
            self._end_lingering()
        elif target is None:
            self._give_up(413, self._shared.envelopes.too_large(self._limit))
        else:
            request = DirectRequest(self, head, b"", self._address, head.request_id or self._shared.next_id())
            request.make_last()
            self._exchanges.append(request)
            self._end_lingering()
            try:
                target.oversized(request)
            except Exception:  # noqa: BLE001 - a fault of one route is one request's
                self._failed(request)
        raise _Refused

    def _give_up(self, status: int, body: bytes, headers: Headers = ()) -> None:
        """Answer what is arriving, or has failed to, and end the connection after it."""
        self._answer(self._head or NO_HEAD, (status, body, headers), last=True)
        self._end_lingering()

    def _end_lingering(self) -> None:
        self._shared.reading.stop(self)
        self._continue_due = False
        self._drop_body()
        self._linger = True
        self.end()

    def _late(self) -> None:
        if self._skip:
            self._end_lingering()
        else:
            self._give_up(408, self._shared.envelopes.timed_out)
        self._linger = False  # it has had its time
        self.flush()

    def _refuse_connection(self) -> None:
        self._give_up(503, self._shared.envelopes.unavailable, _RETRY_AFTER)
        self._linger = False
        self.flush()

    def _drop_body(self) -> None:
        self._shared.partial -= self._partial
        self._partial = 0
        self._body = b""
        self._kept = None
