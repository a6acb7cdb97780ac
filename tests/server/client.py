"""A client that sends bytes as told and reads responses one by one."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

PATIENCE = 20.0
"""Seconds after which a test has failed; none waits for it to pass."""


class Response(NamedTuple):
    """One response as it came; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which has to be JSON."""
        return json.loads(self.body)


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, host: str, port: int) -> "Client":
        """Open a connection."""
        return cls(*await asyncio.open_connection(host, port))

    async def send(self, data: bytes) -> None:
        """Send bytes and let them go out."""
        self.writer.write(data)
        await self.writer.drain()

    async def response(self, *, to_head: bool = False) -> Response:
        """Read one response; `to_head`: it has no body whatever it says."""
        async with asyncio.timeout(PATIENCE):
            head = await self.reader.readuntil(b"\r\n\r\n")
            status_line, *lines = head.decode("latin-1").split("\r\n")[:-2]
            headers = dict(line.split(": ", 1) for line in lines)
            assert len(headers) == len(lines), f"a header is repeated: {lines}"
            status = int(status_line.split(" ")[1])
            body = b""
            if to_head or status in {100, 204, 304}:
                pass
            elif headers.get("transfer-encoding") == "chunked":
                while size := int(await self.reader.readuntil(b"\r\n"), 16):
                    body += await self.reader.readexactly(size)
                    await self.reader.readexactly(2)
                await self.reader.readexactly(2)
            elif "content-length" in headers:
                body = await self.reader.readexactly(int(headers["content-length"]))
            else:
                body = await self.reader.read()
        return Response(status, headers, body)

    async def ask(self, data: bytes) -> Response:
        """Send a request and read its response."""
        await self.send(data)
        return await self.response()

    async def flood(self, data: bytes, between: Callable[[], Awaitable[object]] | None = None) -> None:
        """Send the same over and over until the connection breaks, which raises ConnectionError."""
        async with asyncio.timeout(PATIENCE):
            while True:
                await self.send(data)
                if between:
                    await between()

    async def rest(self) -> bytes:
        """What comes until the server closes. Fails on a reset."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    async def gone(self) -> None:
        """Wait until the server has closed, by whatever means."""
        with contextlib.suppress(ConnectionError):
            assert await self.rest() == b""

    def close(self) -> None:
        """Close this end."""
        self.writer.close()

    def reset(self) -> None:
        """Close this end with a reset, as a process that dies with unread input does."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def request(method: str = "POST", path: str = "/direct", body: bytes = b"", *headers: str, host: str = "shop.example") -> bytes:
    """A request of HTTP/1.1 as bytes; with a body, its length is said."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
