"""A way to the database that a test can cut: a TCP proxy that loses connections, requests and answers when it is told to."""

import asyncio
from contextlib import suppress
from typing import Final

_MOST: Final = 1 << 20
"""Bytes read at once: requests of tests come in one piece."""


class Proxy:
    """Stands between a store and its server."""

    def __init__(self, port: int) -> None:
        """`port` is the server's, on the loopback."""
        self._to = port
        self.port = 0
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.refusing = False
        """Whether new connections are ended at once."""
        self.refused = 0
        """Connections."""
        self.request = self.answer = b""
        """The next request that has these bytes is lost; or its answer is."""
        self.silent = False
        """Whether nothing gets through, in either direction, and nobody is told."""
        self.swallowed = asyncio.Event()
        """Set once a request was made in that silence."""
        self.lost = asyncio.Event()
        """Set once a request or an answer was lost."""

    async def start(self) -> int:
        """Listen; returns the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def close(self) -> None:
        """End everything."""
        if self._server is not None:
            self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks)

    def lose_request(self, having: bytes) -> None:
        """The next request that has these bytes does not arrive: the connection is cut instead."""
        self.request = having
        self.lost.clear()

    def lose_answer(self, having: bytes) -> None:
        """The next request that has these bytes arrives, and is carried out; then, instead of the answer, the connection is cut."""
        self.answer = having
        self.lost.clear()

    def cut(self) -> None:
        """End all connections."""
        for link in self._links:
            link.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(OSError):
            if self.refusing:
                self.refused += 1
            else:
                link = _Link(self, reader, writer, *await asyncio.open_connection("127.0.0.1", self._to))
                self._links.add(link)
                await link.run()
                self._links.discard(link)
        writer.transport.abort()


class _Link:
    """One connection through the proxy."""

    def __init__(
        self,
        proxy: Proxy,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        there: asyncio.StreamReader,
        back: asyncio.StreamWriter,
    ) -> None:
        self._proxy, self._reader, self._writer, self._there, self._back = proxy, reader, writer, there, back
        self._losing = False
        """The next answer is to be lost."""

    async def run(self) -> None:
        if self._proxy.refusing:  # by now
            self.cut()
        await asyncio.gather(self._requests(), self._answers())

    def cut(self) -> None:
        for writer in (self._writer, self._back):
            writer.transport.abort()

    async def _requests(self) -> None:
        proxy = self._proxy
        with suppress(OSError):
            while data := await self._reader.read(_MOST):
                if proxy.silent:
                    proxy.swallowed.set()
                    continue
                if proxy.request and proxy.request in data:
                    proxy.request = b""
                    break
                if proxy.answer and proxy.answer in data:
                    proxy.answer = b""
                    self._losing = True
                self._back.write(data)
                await self._back.drain()
            else:
                self.cut()
                return
        self.cut()
        proxy.lost.set()

    async def _answers(self) -> None:
        with suppress(OSError):
            while data := await self._there.read(_MOST):
                if self._losing:
                    self._proxy.lost.set()
                    break
                if not self._proxy.silent:
                    self._writer.write(data)
                    await self._writer.drain()
        self.cut()
