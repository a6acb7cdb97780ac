"""The push service at the end of a broadcast: takes everything at once, and counts."""

import asyncio
from typing import Final, cast

import httptools

_CREATED: Final = b"HTTP/1.1 201 Created\r\nLocation: /message\r\nContent-Length: 0\r\n\r\n"


class Taken:
    """How many pushes have come, and of how many subscriptions."""

    def __init__(self, subscriptions: int) -> None:
        self.count = self.repeated = self.bytes = 0
        self._seen = bytearray(subscriptions)
        self._changed = asyncio.Event()

    def note(self, subscription: int, size: int) -> None:
        """A push to one of the subscriptions, 0 and up."""
        self.count += 1
        self.repeated += self._seen[subscription]
        self._seen[subscription] = 1
        self.bytes += size
        self._changed.set()

    @property
    def reached(self) -> int:
        """Subscriptions that have got a push."""
        return self.count - self.repeated

    async def wait_for(self, count: int, seconds: float) -> None:
        """Wait until so many subscriptions were reached. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while self.reached < count:
                self._changed.clear()
                await self._changed.wait()


class PushSink(asyncio.Protocol):
    """One connection from a sender; a push's path ends with the number of its subscription."""

    def __init__(self, taken: Taken) -> None:
        self._taken = taken
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_body(self, body: bytes) -> None:
        self._size += len(body)

    def on_message_complete(self) -> None:
        self._taken.note(int(self._path.rpartition(b"/")[2]), self._size)
        self._path, self._size = b"", 0
        if not self._transport.is_closing():  # the client may have gone
            self._transport.write(_CREATED)


async def listen(taken: Taken) -> asyncio.Server:
    """A push service on a free loopback port."""
    return await asyncio.get_running_loop().create_server(lambda: PushSink(taken), "127.0.0.1", 0)
