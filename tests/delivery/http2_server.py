"""An HTTP/2 server on this machine that keeps what it got and does what a test wants."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.settings

Settings = dict[h2.settings.SettingCodes, int]


@dataclass
class Asked:
    """One request as it came in."""

    stream: int
    headers: list[tuple[str, str]]
    connection: "Peer"
    body: bytes = b""
    most_at_once: int = 0

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f"{name} came more than once"
        return values[0] if values else None


class Peer:
    """The server's end of one connection."""

    def __init__(self, server: "Http2Server", writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.writer = writer
        self.http2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.under_way: dict[int, Asked] = {}
        self.pings = 0
        self.resets: list[int] = []

    def answer(self, stream: int, status: int, body: bytes = b"", headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.under_way.pop(stream, None)
        self.http2.send_headers(stream, [(":status", str(status)), *headers], end_stream=not body)
        if body:
            self.http2.send_data(stream, body, end_stream=True)
        self.flush()

    def flush(self) -> None:
        self.writer.write(self.http2.data_to_send())

    def goaway(self, last_stream: int, code: int = 0, debug: bytes = b"") -> None:
        """Written by hand: h2 would take nothing more afterwards."""
        payload = last_stream.to_bytes(4, "big") + code.to_bytes(4, "big") + debug
        self.writer.write(len(payload).to_bytes(3, "big") + b"\x07\x00" + bytes(4) + payload)


Reply = Callable[[Asked], Awaitable[None]]


async def ok(asked: Asked) -> None:
    asked.connection.answer(asked.stream, 200)


@dataclass
class Http2Server:
    """Answers each request by `reply`; a test may change it at any time."""

    reply: Reply
    settings: Settings
    port: int = 0
    host: str = "localhost"
    requests: list[Asked] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    greets: asyncio.Event = field(default_factory=asyncio.Event)
    deaf: bool = False
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.port}"

    async def until(self, condition: Callable[[], bool]) -> None:
        """Until something is true of this server; it is looked at after every read."""
        async with self.changed:
            await self.changed.wait_for(condition)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(self, writer)
        self.peers.append(peer)
        try:
            await self.greets.wait()
            peer.http2.local_settings = h2.settings.Settings(client=False, initial_values=self.settings)
            peer.http2.initiate_connection()
            peer.flush()
            while data := await reader.read(65_536):
                if not self.deaf:
                    await self._read(peer, data)
                await self._tell()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()
            self.peers.remove(peer)
            await self._tell()

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def _read(self, peer: Peer, data: bytes) -> None:
        for event in peer.http2.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                asked = Asked(event.stream_id, [(str(name), str(value)) for name, value in event.headers], peer)
                peer.under_way[event.stream_id] = asked
                asked.most_at_once = len(peer.under_way)
            elif isinstance(event, h2.events.DataReceived):
                peer.under_way[event.stream_id].body += event.data
                peer.http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                asked = peer.under_way[event.stream_id]
                self.requests.append(asked)
                await self.reply(asked)
            elif isinstance(event, h2.events.PingReceived):
                peer.pings += 1
            elif isinstance(event, h2.events.StreamReset):
                peer.resets.append(event.stream_id)
                peer.under_way.pop(event.stream_id, None)
        peer.flush()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self.serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def serving_http2(
    tls: ssl.SSLContext, reply: Reply = ok, *, settings: Settings | None = None, alpn: str = "h2"
) -> AsyncIterator[Http2Server]:
    """A server that is listening on localhost."""
    tls.set_alpn_protocols([alpn])
    server = Http2Server(reply, settings or {})
    server.greets.set()
    listening = await asyncio.start_server(server.accept, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await server.end()
        await listening.wait_closed()
