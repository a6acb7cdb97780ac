"""One connection's outgoing side: responses in the order of requests, backpressure, and the ways in which it ends."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from typing import Protocol, cast

from clarion.api.protocol_asgi import WriteFlow
from clarion.api.protocol_responses import CONTINUE, Responses
from clarion.api.protocol_shared import Shared


class Exchange(Protocol):
    """A request and its response."""

    response: bytes | None
    """What is left to write once it is answered; None before."""
    size: int
    """Bytes it holds."""
    outlives_input: bool
    """Whether it goes on when the client has closed its side, which may mean that it has gone."""

    def begin(self) -> None:
        """Called whenever it has become the oldest without an answer."""

    def make_last(self) -> None:
        """Announce, if that is still possible, that the connection closes after this response."""

    def abandon(self) -> None:
        """The client has gone."""


class Connection(asyncio.Protocol, ABC):
    """What a client is connected to. The subclass reads requests; this class writes, waits and closes."""

    __slots__ = (
        "_address",
        "_continue_due",
        "_discarded",
        "_draining",
        "_ending",
        "_exchanges",
        "_fast",
        "_flow",
        "_held",
        "_linger",
        "_lingering",
        "_parsing",
        "_paused",
        "_receiving",
        "_seen",
        "_shared",
        "_transport",
        "_write_paused",
        "client",
        "responses",
    )

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.responses: Responses = shared.responses
        self._transport: asyncio.Transport | None = None
        self._flow: WriteFlow | None = None
        self.client: tuple[str, int] | None = None
        self._address: str | None = None
        self._fast = True
        """The parser is between two requests and the next one may be taken."""
        self._exchanges: deque[Exchange] = deque()
        self._held = 0
        self._seen = 0.0
        """The sweep at which the idle time was last begun anew."""
        self._parsing = False
        """Answers given meanwhile are written together after it."""
        self._paused = False
        self._write_paused = False
        self._ending = False
        """No further request is taken; the connection closes when those in progress are answered."""
        self._linger = False
        """The client may still be sending when its last answer goes out."""
        self._lingering = False
        self._discarded = 0
        self._receiving = False
        """Some of a request has arrived, not all."""
        self._draining = False
        """The request that is arriving, or else the one in progress, is the last."""
        self._continue_due = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        shared = self._shared
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            self.client = (str(peer[0]), int(peer[1]))
            self._address = self.client[0]
        crowded = len(shared.connections) >= shared.most_connections
        shared.connections.add(self)
        shared.empty.clear()
        if crowded and not shared.make_room():
            self._refuse_connection()
            return
        shared.idle.start(self, shared.loop.time())
        self._seen = shared.now
        if shared.stopping:
            self.drain()

    def connection_lost(self, exc: Exception | None) -> None:
        shared = self._shared
        self._transport = None
        self.end()
        for deadline in (shared.reading, shared.idle, shared.writing, shared.lingering):
            deadline.stop(self)
        self._abandon()
        if self._flow is not None:
            self._flow.resume_writing()
        shared.connections.discard(self)
        if not shared.connections:
            shared.empty.set()

    def eof_received(self) -> bool:
        """A client that has said all it has to say may still wait for its answers; an app is told that it has gone."""
        if self._exchanges and self._exchanges[0].outlives_input:
            self._shared.reading.stop(self)
            self._linger = False
            self.end()
            return True
        self.close()
        return False

    def pause_writing(self) -> None:
        self._write_paused = True
        self._shared.writing.start(self, self._shared.loop.time())
        if self._flow is not None:
            self._flow.pause_writing()
        self._pause_if_full()

    def resume_writing(self) -> None:
        self._write_paused = False
        if not self.is_closing():  # then the rest is still to be taken in time
            self._shared.writing.stop(self)
        if self._flow is not None:
            self._flow.resume_writing()
        self._resume_if_free()

    def answered(self) -> None:
        """Some request of this connection has its response: write what is due."""
        if not self._parsing:
            self.flush()

    def write(self, data: bytes) -> None:
        """Write bytes of the oldest response."""
        if self._transport is not None:
            self._transport.write(data)

    def is_closing(self) -> bool:
        """True once nothing can be written."""
        return self._transport is None or self._transport.is_closing()

    def end(self) -> None:
        """Take no further request; close when those in progress are answered."""
        self._ending = True
        self._fast = False

    def flush(self) -> None:
        """Write the responses that are ready up to the first that is not, in one piece; go on to what waited for that."""
        transport = self._transport
        if transport is None:
            return
        exchanges = self._exchanges
        if exchanges and (response := exchanges[0].response) is not None:
            self._held -= exchanges.popleft().size
            if exchanges:
                ready = [response]
                while exchanges and (response := exchanges[0].response) is not None:
                    self._held -= exchanges.popleft().size
                    ready.append(response)
                response = b"".join(ready)
            transport.write(response)
        if exchanges:
            exchanges[0].begin()
        elif self._ending:
            self._finish()
        elif self._continue_due:
            self._continue_due = False
            transport.write(CONTINUE)
        if self._paused:
            self._resume_if_free()

    def touch(self) -> None:
        """Begin the idle time anew; at most once between two sweeps, which is as exact as they are."""
        shared = self._shared
        self._seen = shared.now
        shared.idle.restart(self, shared.now)

    def _full(self) -> bool:
        shared = self._shared
        return self._write_paused or len(self._exchanges) >= shared.pipelined or self._held >= shared.held_bytes

    def _pause_if_full(self) -> None:
        if not self._paused and not self._lingering and self._transport is not None and self._full():
            self._paused = True
            self._fast = False
            self._transport.pause_reading()

    def _resume_if_free(self) -> None:
        if self._paused and self._transport is not None and not self._transport.is_closing() and not self._full():
            self._paused = False
            self._read_on()

    def _read_on(self) -> None:
        """Reading may go on."""
        if self._transport is not None:
            self._transport.resume_reading()

    @property
    def is_idle(self) -> bool:
        """True between requests."""
        return not (self._exchanges or self._receiving or self._ending)

    def request_overdue(self, now: float) -> None:
        """The request that is arriving has not arrived in time."""
        if self._paused:
            self._shared.reading.restart(self, now)  # it is we who did not read
        else:
            self._late()

    def idle_overdue(self, now: float) -> None:
        """Nothing was asked for the idle time; a connection at work has other deadlines."""
        if self.is_idle:
            self.close()
        elif self._transport is not None:
            self._shared.idle.start(self, now)

    def drain(self) -> None:
        """The server stops: close now if idle, else after what is in progress."""
        self._draining = True
        self._fast = False
        if self.is_idle:
            self.close()
        elif not self._receiving and not self._ending:
            self._exchanges[-1].make_last()
            self.end()

    def close(self) -> None:
        """Close when what is written has been sent; a client that does not take it is cut off in time."""
        shared = self._shared
        self.end()
        self._linger = False
        shared.reading.stop(self)
        shared.idle.stop(self)
        shared.lingering.stop(self)
        self._abandon()
        if self._transport is not None:
            self._transport.close()
            shared.writing.start(self, shared.loop.time())

    def abort(self) -> None:
        """Close at once, whatever is unsent."""
        self.end()
        self._abandon()
        if self._transport is not None:
            self._transport.abort()

    def _abandon(self) -> None:
        """Nobody will read what is not answered yet."""
        for exchange in self._exchanges:
            exchange.abandon()
        self._exchanges.clear()
        self._held = 0

    def _finish(self) -> None:
        """Everything is answered. After a refusal the client may still be sending: closing at once would reset it, the answer unread."""
        shared = self._shared
        transport = self._transport
        if transport is None or not self._linger or not transport.can_write_eof() or self._discarded > shared.limits.linger_bytes:
            self.close()
        elif not self._lingering:
            self._lingering = True
            transport.write_eof()
            shared.idle.stop(self)
            shared.lingering.start(self, shared.loop.time())
            self._paused = False
            transport.resume_reading()

    @abstractmethod
    def _late(self) -> None:
        """A request has not arrived in time."""

    @abstractmethod
    def _refuse_connection(self) -> None:
        """There is no room for this connection."""
