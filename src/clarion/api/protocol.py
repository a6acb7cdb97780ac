"""One connection's incoming side: bytes to the parser, or past it.

httptools (llhttp, strict) does the parsing. On top of it: the limits and deadlines of `ServerLimits`, the rules of `read_head`, and a
shortcut for direct requests, whose heads repeat: the bytes of a head that has passed every check mean the same again, so that such a
request costs one look-up.
"""

from typing import Final

import httptools
import structlog

from clarion.api.protocol_reading import Reading, Refused
from clarion.api.protocol_shared import Shared

_log = structlog.get_logger(__name__)

_PIECE: Final = 16 * 1024
"""Bytes parsed at once: what is read beyond a pause or a refusal stays below it."""
_LONGEST_KNOWN_HEAD: Final = 2048
_RETRY_AFTER: Final = ((b"retry-after", b"1"),)


class HttpProtocol(Reading):
    """HTTP/1.1 and 1.0 on one connection."""

    __slots__ = ("_silent", "_unparsed")

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._unparsed = b""
        """Read, to be parsed when the pause is over."""
        self._silent = 0
        """Bytes parsed without a name, value or piece of a body to show for them: one unfinished field, or a chunk's extension."""

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
            if not isinstance(failure.__context__, Refused):
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
        shared = self._shared
        if self._receiving:
            shared.reading.restart(self, shared.loop.time())  # the pause was not the client's
        if self._unparsed:
            shared.loop.call_soon(self._parse_on)
        else:
            self._fast = not (self._receiving or self._ending or self._draining)
            super()._read_on()

    def _parse_on(self) -> None:
        data, self._unparsed = self._unparsed, b""
        if self._transport is not None:
            self._parse(data, 0)
            if not self._paused and not self._unparsed:
                super()._read_on()

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
