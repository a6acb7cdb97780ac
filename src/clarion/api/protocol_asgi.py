"""Requests that the ASGI app answers, by uvicorn's request cycle.

What is relied on of uvicorn, and pinned by `tests/server/test_uvicorn_internals.py`: `RequestResponseCycle` (its constructor, `send`,
`receive`, and the attributes set below) and `FlowControl` (`drain`, `pause_writing`, `resume_writing`). The connection, the parser's
callbacks and the order of responses are our own: a cycle starts when its request is whole and every earlier response is written.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol, cast
from urllib.parse import unquote

import structlog
from starlette.types import ASGIApp, Message, Receive, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from clarion.api.protocol_heads import RequestHead

_log = structlog.get_logger(__name__)
_SILENT = logging.getLogger("uvicorn.error")


class Wire(Protocol):
    """The connection, as far as a cycle needs it."""

    def write(self, data: bytes) -> None:
        """Send bytes of the current response; nothing happens once the client is gone."""

    def end(self) -> None:
        """Take no further request; close when the current response is out."""

    def abort(self) -> None:
        """Close at once: the response is broken and must not look whole."""

    def is_closing(self) -> bool:
        """True once nothing can be written."""


class WriteFlow(FlowControl):
    """Makes an app wait while its client does not read. Reading is the connection's affair: the cycle's wishes about it are ignored."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)

    def pause_reading(self) -> None:
        """Nothing: the body has been read."""

    def resume_reading(self) -> None:
        """Nothing: the body has been read."""


class _CycleTransport:
    """What a cycle takes for its transport."""

    __slots__ = ("_wire", "is_closing", "write")

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.write = wire.write
        self.is_closing = wire.is_closing

    def close(self) -> None:
        self._wire.end()


class AsgiRequest(RequestResponseCycle):
    """One whole request for the app, in the connection's order of responses."""

    def __init__(
        self,
        wire: Wire,
        flow: WriteFlow,
        scope: dict[str, Any],
        body: bytes,
        *,
        date: bytes,
        request_id: bytes,
        failure: bytes,
        keep_alive: bool,
        start: Callable[["AsgiRequest"], None],
        done: Callable[[], None],
    ) -> None:
        super().__init__(
            scope=cast("Any", scope),
            transport=cast("asyncio.Transport", _CycleTransport(wire)),
            flow=flow,
            logger=_SILENT,
            access_logger=_SILENT,
            access_log=False,
            default_headers=[(b"date", date), (b"x-request-id", request_id)],
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=keep_alive,
            on_response=self._complete,
        )
        self.body = bytearray(body)
        self.more_body = False
        self.message_event.set()
        self.response: bytes | None = None
        self.size = len(body)
        self.outlives_input = False
        self._wire = wire
        self._failure = failure
        self._start = start
        self._done = done
        self._started = False
        self._until_close = False

    def begin(self) -> None:
        """Start the app, the first time."""
        if not self._started:
            self._started = True
            self._start(self)

    def make_last(self) -> None:
        """Let the response, unless it has started, say that the connection closes after it."""
        self.keep_alive = False

    def abandon(self) -> None:
        """The client is gone: what the app sends is dropped, what it awaits is `http.disconnect`."""
        self.disconnected = True
        self.message_event.set()

    async def run(self, app: ASGIApp) -> None:
        """Run the app to its end; whatever it does, the client gets one response or a broken connection, and no traceback."""
        try:
            await app(cast("dict[str, Any]", self.scope), cast("Receive", self.receive), cast("Send", self.send))
        except Exception:  # noqa: BLE001 - the last line before the client
            _log.exception(
                "request_failed", method=self.scope["method"], path=self.scope["path"], request_id=self.scope["state"]["request_id"]
            )
        if not self.response_complete and not self.disconnected:
            if self.response_started:
                self._wire.abort()
            else:
                await self.send_500_response()

    def _complete(self) -> None:
        # the app may go on with work of its own after its response
        self.response = b""
        self._done()

    async def send(self, message: Message) -> None:  # type: ignore[override]  # starlette's looser type of the same messages
        """As uvicorn sends, but a response of unknown length to a 1.0 client ends with the connection, not in chunks (RFC 9112 §6.1)."""
        if message["type"] == "http.response.start" and not self.response_started and self.scope["http_version"] == "1.0":
            names = {name.lower() for name, _ in message.get("headers", ())}
            if b"content-length" not in names:
                self._until_close, self.chunked_encoding, self.keep_alive = True, False, False
        elif self._until_close and message["type"] == "http.response.body":
            self.expected_content_length = len(message.get("body", b""))
        await super().send(cast("Any", message))

    async def send_500_response(self) -> None:
        """The error envelope in place of uvicorn's text."""
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(self._failure))]
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        await self.send({"type": "http.response.body", "body": self._failure})


def scope_of(head: RequestHead, request_id: bytes, server: tuple[str, int | None] | None, client: tuple[str, int] | None) -> dict[str, Any]:
    """The ASGI scope of a request; its id stands at `state.request_id`."""
    path = head.path.decode("ascii")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": head.version,
        "server": server,
        "client": client,
        "scheme": "http",
        "method": head.method.decode("ascii"),
        "root_path": "",
        "path": unquote(path) if "%" in path else path,
        "raw_path": head.path,
        "query_string": head.query,
        "headers": head.headers,
        "state": {"request_id": request_id.decode("ascii")},
    }
