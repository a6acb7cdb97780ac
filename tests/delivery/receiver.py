"""A receiver on this machine that keeps what it got and answers as a test wants."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass
class Received:
    """One request as it came in."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f"{name} came more than once"
        return values[0] if values else None


Answer = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Receiver:
    """Answers each request by `answer`; a test may change it at any time."""

    answer: Answer
    host: str = "127.0.0.1"
    port: int = 0
    scheme: str = "http"
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}/hook"

    async def wait_for(self, count: int) -> None:
        """Until this many requests have come in. Raises TimeoutError when they do not."""
        try:
            async with asyncio.timeout(30), self.arrived:
                await self.arrived.wait_for(lambda: len(self.requests) >= count)
        except TimeoutError:
            raise TimeoutError(f"{len(self.requests)} requests have come, not {count}") from None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        try:
            while not writer.is_closing():
                request = await read_request(reader, number)
                async with self.arrived:
                    self.requests.append(request)
                    self.arrived.notify_all()
                await self.answer(request, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self.serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader, connection: int) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    method, path, _ = first.split(" ")
    headers = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]
    length = int(next((value for name, value in headers if name == "content-length"), "0"))
    return Received(method, path, headers, await reader.readexactly(length), connection)


def raw(data: bytes, *, close: bool = False) -> Answer:
    """Answer with these bytes; then close, if asked to."""

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if close:
            writer.close()

    return answer


def status(code: int, *headers: str, body: str = "") -> Answer:
    """Answer with a status, header lines and a body."""
    lines = [f"HTTP/1.1 {code} X", *headers, f"content-length: {len(body)}", "", body]
    return raw("\r\n".join(lines).encode())


def silence(until: asyncio.Event) -> Answer:
    """Answer nothing until the event is set, then 200."""

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        await until.wait()
        writer.write(OK)

    return answer


@asynccontextmanager
async def receiving(answer: Answer | None = None, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Receiver]:
    """A receiver that is listening, on `host`."""
    receiver = Receiver(answer or raw(OK), host, scheme="https" if tls else "http")
    server = await asyncio.start_server(receiver.accept, host, 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        await receiver.end()
        await server.wait_closed()
