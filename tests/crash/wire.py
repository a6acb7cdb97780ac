"""The network between one node and the database: it can be cut and mended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

_BROKEN = (ConnectionError, asyncio.IncompleteReadError)
_CHUNK = 65_536


class Wire:
    """Passes bytes on, both ways. `cut` breaks what is under way and lets nothing new through; `freeze` swallows it without a word."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._to = host, port
        self.port = 0
        self._open = asyncio.Event()
        self._open.set()
        self._refuses = False
        self._writers: set[asyncio.StreamWriter] = set()

    @classmethod
    @asynccontextmanager
    async def to(cls, url: str) -> AsyncIterator[tuple["Wire", str]]:
        """A wire to the database that `url` names, and the URL to use in its place."""
        parts = urlsplit(url)
        assert parts.hostname is not None
        wire = cls(parts.hostname, parts.port or 5432)
        server = await asyncio.start_server(wire._carry, "127.0.0.1", 0)
        wire.port = server.sockets[0].getsockname()[1]
        try:
            yield wire, urlunsplit(parts._replace(netloc=f"{parts.username}@127.0.0.1:{wire.port}"))
        finally:
            server.close()
            wire.cut()
            wire._open.set()

    def cut(self) -> None:
        """Both ends see their connections break; new ones break at once."""
        self._refuses = True
        for writer in self._writers:
            writer.transport.abort()

    def freeze(self) -> None:
        """Nothing gets through any more and nobody is told, as when a host vanishes from the network."""
        self._open.clear()

    def mend(self) -> None:
        """As it was; what was frozen arrives now."""
        self._refuses = False
        self._open.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self._refuses:
                return
            with suppress(*_BROKEN):
                await self._open.wait()
                far_reader, far_writer = await asyncio.open_connection(self._host, self._to)
                self._writers.add(far_writer)
                try:
                    async with asyncio.TaskGroup() as ways:
                        ways.create_task(self._pass(reader, far_writer))
                        ways.create_task(self._pass(far_reader, writer))
                finally:
                    self._writers.discard(far_writer)
                    far_writer.transport.abort()
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(*_BROKEN):
            while chunk := await reader.read(_CHUNK):
                await self._open.wait()
                writer.write(chunk)
                await writer.drain()
        writer.transport.abort()  # what one end closes is closed for the other
