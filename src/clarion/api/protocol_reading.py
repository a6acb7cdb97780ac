"""One request as the parser reports it: collected, checked, routed, and refused as early as it can be."""

from typing import Final
from urllib.parse import unquote_to_bytes

import httptools

from clarion.api.protocol_direct import DirectRequest, Refusal, Target
from clarion.api.protocol_heads import NO_HEAD, HeaderList, Malformed, RequestHead, read_head
from clarion.api.protocol_requests import Answering
from clarion.api.protocol_responses import Headers
from clarion.api.protocol_shared import Shared

_SKIPPED: Final = 64 * 1024
"""Longest body that is read and dropped, to keep the connection, where the method is refused."""


class Refused(Exception):
    """Stops the parser: the connection has its last answer."""


class Reading(Answering):
    """The parser's callbacks. What they raise stops the parser for good."""

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
        "_skip",
        "_target",
        "_upgrading",
        "_url",
    )

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._parser: httptools.HttpRequestParser | None = None
        self._partial = 0
        """What this connection has added to the bytes of bodies that are arriving."""
        self._progress = False
        """The parser has reported something of a request."""
        self._begin_request()

    def on_message_begin(self) -> None:
        if self._ending:
            raise Refused
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
            raise Refused

    def on_header(self, name: bytes, value: bytes) -> None:
        self._progress = True
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        parser = self._parser
        if parser is None:
            raise Refused
        if self._headers_too_large():
            raise Refused
        method = parser.get_method()
        if parser.should_upgrade() and method != b"CONNECT":
            self._upgrading = True
            return
        keep_alive = parser.should_keep_alive() and not self._draining
        try:
            head = read_head(method, self._url, parser.get_http_version(), self._headers, keep_alive)
        except Malformed:
            self._give_up(400, self._shared.envelopes.malformed)
            raise Refused from None
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
            raise Refused
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
            raise Refused
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
        raise Refused

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

    def _drop_body(self) -> None:
        self._shared.partial -= self._partial
        self._partial = 0
        self._body = b""
        self._kept = None
