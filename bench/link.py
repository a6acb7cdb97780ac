"""A keep-alive connection of a load generator: requests are whole byte strings, one at a time."""

import asyncio
from collections.abc import Callable
from typing import cast

import httptools


class Link(asyncio.Protocol):
    """`answered(link, status, body)` is called for each answer, `lost(link)` when the connection ends."""

    def __init__(self, answered: Callable[["Link", int, bytes], None], lost: Callable[["Link"], None]) -> None:
        self._answered, self._lost = answered, lost
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""
        self.current = -1
        """Index of the event under way; the owner's to set."""

    def send(self, request: bytes) -> None:
        """Write a request; the answer to the one before has come."""
        self._transport.write(request)

    def close(self) -> None:
        """End the connection without a call of `lost`."""
        self._lost = _ignore
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost(self)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        body, self._body = self._body, b""
        self._answered(self, self._parser.get_status_code(), body)


async def connect(port: int, count: int, answered: Callable[[Link, int, bytes], None], lost: Callable[[Link], None]) -> list[Link]:
    """`count` connections to a loopback port. Raises OSError."""
    loop = asyncio.get_running_loop()
    links = []
    for _ in range(count):
        _, link = await loop.create_connection(lambda: Link(answered, lost), "127.0.0.1", port)
        links.append(link)
    return links


def _ignore(_link: Link) -> None:
    pass
