"""One HTTP/2 connection, many requests at a time, on h2 over an asyncio transport (RFC 9113)."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, cast

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from clarion.delivery.connection import ClosedUnanswered, Response
from clarion.delivery.errors import BadRequest, BadResponse, ConnectFailed, SendError, TimedOut
from clarion.delivery.http2_frames import Goaway, GoawaySplitter, MalformedFrame

Headers = Sequence[tuple[bytes, bytes]]

_LAST_STREAM: Final = 2**30
"""Stream numbers end soon after it; the connection is left to end before."""
_MOST_UNSENT: Final = 1024 * 1024
"""Bytes that wait for a peer that does not read: answers to its pings, too, would pile up without end."""


class Unprocessed(BadResponse):
    """The other side says that it has not looked at the request: it may be sent again (RFC 9113 §8.7)."""


class _Stream:
    __slots__ = ("body", "deadline", "headers", "size", "status", "truncated", "unsent", "waiter")

    def __init__(self, waiter: asyncio.Future[Response], body: bytes, deadline: float) -> None:
        self.waiter = waiter
        self.unsent = memoryview(body)
        self.deadline = deadline
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.body: list[bytes] = []
        self.size = 0
        self.truncated = False


class Http2Connection(asyncio.Protocol):
    """A connection and the requests on it. Its owner calls `sweep` now and then, for its time limits.

    `ready` ends when the other side has said how many requests it takes at a time.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        streams: int,
        max_head: int,
        max_body: int,
        on_room: Callable[[], None],
        on_lost: Callable[["Http2Connection"], None],
    ) -> None:
        """`streams` bounds the requests under way where the other side would take more."""
        self._loop = loop
        self._most = streams
        self._max_body = max_body
        self._on_room = on_room
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._http2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding=None))
        self._http2.local_settings = h2.settings.Settings(
            client=True,
            initial_values={
                h2.settings.SettingCodes.ENABLE_PUSH: 0,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: max_head,
            },
        )
        self._http2.decoder.max_header_list_size = max_head
        self._splitter = GoawaySplitter()
        self._streams: dict[int, _Stream] = {}
        self._blocked: dict[int, _Stream] = {}
        self._draining = False
        self._heard = self._pinged = 0.0
        self.answered = False
        """True once a request was answered."""
        self.ready: asyncio.Future[None] = loop.create_future()

    # -- for the client ----------------------------------------------------------------------------------------------

    @property
    def usable(self) -> bool:
        """True while neither side has begun to close it."""
        return not self._draining and self._transport is not None and not self._transport.is_closing()

    @property
    def room(self) -> int:
        """How many more requests it takes now."""
        if not self.ready.done() or not self.usable:
            return 0
        return max(0, min(self._most, self._http2.remote_settings.max_concurrent_streams) - len(self._streams))

    @property
    def idle(self) -> bool:
        """True while no request is under way."""
        return not self._streams

    def exchange(self, headers: Headers, body: bytes, deadline: float) -> asyncio.Future[Response]:
        """Send a request while there is `room`; the future gives its answer or raises a SendError. Raises BadRequest."""
        try:
            number = self._http2.get_next_available_stream_id()
            self._http2.send_headers(number, headers, end_stream=not body)
        except (h2.exceptions.TooManyStreamsError, h2.exceptions.NoAvailableStreamIDError):
            raise Unprocessed("the connection is full") from None
        except h2.exceptions.ProtocolError:
            self.abort(BadResponse("the connection was given up"))  # what the header tables hold now is anybody's guess
            raise BadRequest("a header is not one of HTTP/2") from None
        waiter: asyncio.Future[Response] = self._loop.create_future()
        if not self._streams:
            self._heard = self._loop.time()
        self._streams[number] = stream = _Stream(waiter, body, deadline)
        waiter.add_done_callback(lambda done: self._give_up(number) if done.cancelled() else None)
        self._draining |= number >= _LAST_STREAM
        self._send_body(number, stream)
        self._flush()
        return waiter

    def sweep(self, now: float, *, quiet: float, patience: float, idle: float) -> None:
        """Fail requests whose time is over; ask a silent peer for a sign of life after `quiet` seconds, and give up on one that gives none
        within `patience`; close after `idle` seconds without a request.
        """
        for number in [number for number, stream in self._streams.items() if stream.deadline < now]:
            self._end(number, error=TimedOut("no complete answer in time"))
            self._reset(number)
        if self._pinged:
            if now - self._pinged > patience:
                self.abort(TimedOut("the connection is dead"))
        elif not self._streams and now - self._heard > idle:
            self.close()
        elif self._streams and now - self._heard > quiet and self.ready.done():
            self._pinged = now
            self._http2.ping(b"clarion?")
            self._flush()

    def close(self) -> None:
        """Say goodbye, then close; requests under way fail."""
        if self._transport is not None and not self._transport.is_closing():
            self._http2.close_connection()
            self._flush()
            self._transport.close()

    def abort(self, error: SendError) -> None:
        """Close at once; requests under way fail with this error."""
        self._fail_all(error)
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio.Protocol --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self._heard = self._loop.time()
        tls = transport.get_extra_info("ssl_object")
        if tls is None or tls.selected_alpn_protocol() != "h2":
            self.abort(ConnectFailed("the service does not speak HTTP/2"))
            return
        self._http2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._heard, self._pinged = self._loop.time(), 0.0
        try:
            for piece in self._splitter.feed(data):
                if isinstance(piece, Goaway):
                    self._goaway(piece)
                    continue
                for event in self._http2.receive_data(piece):
                    self._handle(event)
        except (h2.exceptions.H2Error, MalformedFrame):
            self._flush()
            self.abort(BadResponse("the answer is not HTTP/2"))
            return
        self._flush()
        if self._draining and not self._streams:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._fail_all(ClosedUnanswered("the connection was closed without an answer"))
        self._on_lost(self)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _handle(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RemoteSettingsChanged):
            if not self.ready.done():
                self.ready.set_result(None)
            self._send_blocked()
            self._on_room()
        elif isinstance(event, h2.events.WindowUpdated):
            self._send_blocked()
        elif isinstance(event, h2.events.ResponseReceived):
            self._begin(event)
        elif isinstance(event, h2.events.DataReceived):
            self._http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self._take(event)
        elif isinstance(event, h2.events.StreamEnded):
            self._end(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            refused = event.error_code == h2.errors.ErrorCodes.REFUSED_STREAM
            self._end(event.stream_id, error=Unprocessed("the request was refused") if refused else BadResponse("the request was reset"))

    def _begin(self, event: h2.events.ResponseReceived) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is None:
            return
        for name, value in event.headers:
            if name == b":status":
                stream.status = int(value)
            elif not name.startswith(b":"):
                known = stream.headers.get(name)
                stream.headers[bytes(name)] = bytes(value) if known is None else known + b", " + value

    def _take(self, event: h2.events.DataReceived) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is None:
            return
        stream.body.append(event.data[: self._max_body - stream.size])
        stream.size += len(event.data)
        if stream.size > self._max_body:
            stream.truncated = True
            self._end(event.stream_id)
            self._reset(event.stream_id)

    def _end(self, number: int, *, error: SendError | None = None) -> None:
        stream = self._streams.pop(number, None)
        self._blocked.pop(number, None)
        if stream is None:
            return
        if not stream.waiter.done():
            if error is None:
                self.answered = True
                stream.waiter.set_result(Response(stream.status, stream.headers, b"".join(stream.body), stream.truncated))
            else:
                stream.waiter.set_exception(error)
        if error is None and stream.unsent:
            self._reset(number)  # answered before the whole request was read (RFC 9113 §8.1)
        self._on_room()

    def _give_up(self, number: int) -> None:
        if number in self._streams:
            self._end(number)
            self._reset(number)

    def _reset(self, number: int) -> None:
        try:
            self._http2.reset_stream(number, h2.errors.ErrorCodes.CANCEL)
        except h2.exceptions.H2Error:
            return  # it has ended by itself
        self._flush()

    def _goaway(self, goaway: Goaway) -> None:
        self._draining = True
        for number in [each for each in self._streams if each > goaway.last_stream]:
            self._end(number, error=Unprocessed("the service is closing the connection"))

    def _send_blocked(self) -> None:
        for number, stream in list(self._blocked.items()):
            self._send_body(number, stream)

    def _send_body(self, number: int, stream: _Stream) -> None:
        """As much as the other side's windows and frames have room for."""
        while stream.unsent:
            size = min(self._http2.local_flow_control_window(number), self._http2.max_outbound_frame_size)
            if size <= 0:
                self._blocked[number] = stream
                return
            chunk, stream.unsent = stream.unsent[:size], stream.unsent[size:]
            self._http2.send_data(number, bytes(chunk), end_stream=not stream.unsent)
        self._blocked.pop(number, None)

    def _flush(self) -> None:
        data = self._http2.data_to_send()
        transport = self._transport
        if data and transport is not None and not transport.is_closing():
            transport.write(data)
            if transport.get_write_buffer_size() > _MOST_UNSENT:
                self.abort(BadResponse("the service does not read"))

    def _fail_all(self, error: SendError) -> None:
        if not self.ready.done():
            self.ready.set_exception(error)
            self.ready.exception()  # whoever waits gets it; nobody has to
        streams, self._streams = self._streams, {}
        self._blocked.clear()
        for stream in streams.values():
            if not stream.waiter.done():
                stream.waiter.set_exception(error)
