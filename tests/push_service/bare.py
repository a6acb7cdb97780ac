"""A push service that only counts: for benchmarks of senders, which nothing here may limit.

`POST` to any path is answered 201 at once; nothing is checked, kept or delivered. `GET /count` tells how many there were.
"""

import asyncio
import json
import time
from typing import Final, cast

import httptools

_CREATED: Final = b"HTTP/1.1 201 Created\r\nlocation: /m/1\r\nttl: 60\r\ncontent-length: 0\r\n\r\n"
_REQUEST_BYTES: Final = 65_536
"""A connection that sends more without finishing a request is closed."""


class Counts:
    """What came in; times are nanoseconds of `time.monotonic_ns`, 0 before anything came."""

    def __init__(self) -> None:
        self.messages = self.bytes = self.connections = 0
        self.first = self.last = 0

    def note(self, body_bytes: int) -> None:
        """One more message."""
        self.messages += 1
        self.bytes += body_bytes
        self.last = time.monotonic_ns()
        self.first = self.first or self.last

    def json(self) -> bytes:
        """All of it."""
        return json.dumps(vars(self)).encode()


class Bare(asyncio.Protocol):
    """One connection of a sender, which is kept open."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._parser = httptools.HttpRequestParser(self)
        self._answers: list[bytes] = []
        self._body = self._unfinished = 0
        self._url = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self._counts.connections += 1

    def data_received(self, data: bytes) -> None:
        self._unfinished += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()
            return
        if self._answers:
            self._transport.write(b"".join(self._answers))
            self._answers.clear()
        if self._unfinished > _REQUEST_BYTES:
            self._transport.close()

    def on_message_begin(self) -> None:
        self._url, self._body = b"", 0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._body += len(body)

    def on_message_complete(self) -> None:
        self._unfinished = 0
        if self._parser.get_method() == b"POST":
            self._counts.note(self._body)
            self._answers.append(_CREATED)
        elif self._url == b"/count":
            told = self._counts.json()
            self._answers.append(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(told), told))
        else:
            self._answers.append(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")


async def listen(counts: Counts, port: int = 0) -> asyncio.Server:
    """A bare service on a port of loopback; 0: any that is free."""
    return await asyncio.get_running_loop().create_server(lambda: Bare(counts), "127.0.0.1", port)
