"""The lower floor: the least that can accept events durably in Python.

uvloop and httptools, SQLite in WAL mode with `synchronous=FULL`, group commit. No key is checked, no event validated, nothing else runs.
`python -m bench.bare DIR` prints its port and serves until SIGTERM.
"""

import asyncio
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Final, cast

import apsw
import httptools
import msgspec
import uvloop

from bench.child import Child
from bench.event import ACCEPTED

DATABASE: Final = "bare.db"
_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(ACCEPTED), ACCEPTED)
_TABLE: Final = "CREATE TABLE inbox (position INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT"
# one statement a batch: its rows are one step outside Python's lock
_INSERT: Final = "INSERT INTO inbox (body) SELECT value FROM json_each(?)"

_Waiting = list[tuple["Connection", str]]


class Connection(asyncio.Protocol):
    """Gathers a body, answers when it is stored."""

    def __init__(self, store: "GroupCommit") -> None:
        self._store = store
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
        self._store.append(self, body.decode())

    def answer(self) -> None:
        if not self._transport.is_closing():  # the client may have gone
            self._transport.write(_ANSWER)


class GroupCommit:
    """What arrives while one commit is under way goes into the next."""

    def __init__(self, file: Path, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: _Waiting = []
        self._busy = False
        self._batches: SimpleQueue[_Waiting] = SimpleQueue()
        self._database = apsw.Connection(str(file))
        self._database.pragma("journal_mode", "wal")
        self._database.pragma("synchronous", "full")
        self._database.execute(_TABLE)
        threading.Thread(target=self._write, daemon=True).start()

    def append(self, connection: Connection, body: str) -> None:
        self._waiting.append((connection, body))
        if not self._busy:
            # not before everything that this turn of the loop reads has been read
            self._busy = True
            self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        batch, self._waiting = self._waiting, []
        self._batches.put(batch)

    def _write(self) -> None:
        while True:
            batch = self._batches.get()
            self._database.execute(_INSERT, (msgspec.json.encode([body for _, body in batch]).decode(),))
            self._loop.call_soon_threadsafe(self._stored, batch)

    def _stored(self, batch: _Waiting) -> None:
        for connection, _ in batch:
            connection.answer()
        self._busy = bool(self._waiting)
        if self._busy:
            self._hand_over()


async def serve(directory: Path) -> None:
    loop = asyncio.get_running_loop()
    store = GroupCommit(directory / DATABASE, loop)
    server = await loop.create_server(lambda: Connection(store), "127.0.0.1", 0)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()


@contextmanager
def bare(directory: Path) -> Iterator[int]:
    """The floor in a process of its own; gives its port. Raises ChildFailed."""
    with Child([sys.executable, "-m", "bench.bare", str(directory)], directory / "bare.err") as child:
        yield int(child.read_line())


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1])))
