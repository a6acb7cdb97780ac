"""The receiver at the end of (c): answers at once, and notes when each event's request arrived."""

import asyncio
import re
import time
from typing import Final, cast

import httptools

_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
_NUMBER: Final = re.compile(rb'"number":\s*"?(\d+)')


class Arrivals:
    """When each event of the step under way arrived, in nanoseconds of `time.monotonic_ns`; 0 if it has not."""

    def __init__(self) -> None:
        self.times: list[int] = []
        self.count = self.repeated = 0
        self._ever = bytearray()
        self._first = 0
        self._changed = asyncio.Event()

    @property
    def next(self) -> int:
        """Number of the next event that nobody has sent yet."""
        return len(self._ever)

    def begin(self, first: int, count: int) -> None:
        """A step begins with events `first` up to `first + count`."""
        self._first, self.times = first, [0] * count
        self._ever.extend(bytes(count))

    def note(self, number: int) -> None:
        """The request of an event is here."""
        if self._ever[number]:
            self.repeated += 1
            return
        self._ever[number] = 1
        self.count += 1
        if number >= self._first:
            self.times[number - self._first] = time.monotonic_ns()
        self._changed.set()

    async def wait_for(self, count: int, seconds: float) -> bool:
        """Wait until that many events have arrived since the beginning of all; False if they do not in time."""
        try:
            async with asyncio.timeout(seconds):
                while self.count < count:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True


class Sink(asyncio.Protocol):
    """One connection from Clarion."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        body, self._body = self._body, b""
        number = _NUMBER.search(body)
        if number is not None:
            self._arrivals.note(int(number[1]))
        if not self._transport.is_closing():  # the client may have gone
            self._transport.write(_ANSWER)


async def listen(arrivals: Arrivals) -> asyncio.Server:
    """A sink on a free loopback port."""
    return await asyncio.get_running_loop().create_server(lambda: Sink(arrivals), "127.0.0.1", 0)
