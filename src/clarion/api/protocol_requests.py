"""Requests that are whole: handed to their direct route or to the ASGI app, in the connection's order of responses."""

from collections.abc import Callable
from typing import Final

import structlog

from clarion.api.protocol_asgi import AsgiRequest, WriteFlow, scope_of
from clarion.api.protocol_connection import Connection
from clarion.api.protocol_direct import DirectRequest, Refusal, Target
from clarion.api.protocol_heads import RequestHead

_log = structlog.get_logger(__name__)

_APP_REQUEST_HOLDS: Final = 256 * 1024
"""Counted for each request of the app besides its body, so that few of them wait on one connection."""


class Answering(Connection):
    """A connection that can have a request answered, by a route or by itself."""

    __slots__ = ()

    def _early(self, early: Callable[[RequestHead], Refusal | None], head: RequestHead) -> Refusal | None:
        try:
            return early(head)
        except Exception:  # noqa: BLE001 - a fault of one route is one request's
            _log.exception("request_failed", path=head.path)
            return (500, self._shared.envelopes.failed, ())

    def _take_direct(self, head: RequestHead, target: Target, body: bytes) -> None:
        shared = self._shared
        if self._seen != shared.now:
            self.touch()
        request = DirectRequest(self, head, body, self._address, head.request_id or shared.next_id())
        exchanges = self._exchanges
        exchanges.append(request)
        self._held += len(body)
        if not head.keep_alive or self._draining:
            request.make_last()
            self.end()
        try:
            target.handle(request)
        except Exception:  # noqa: BLE001 - a fault of one route is one request's
            self._failed(request)
        if len(exchanges) >= shared.pipelined or self._held >= shared.held_bytes:
            self._pause_if_full()

    def _take_for_app(self, head: RequestHead, body: bytes) -> None:
        shared = self._shared
        transport = self._transport
        if transport is None:
            return
        self.touch()
        if self._flow is None:
            self._flow = WriteFlow(transport)
            if self._write_paused:
                self._flow.pause_writing()
        request_id = head.request_id or shared.next_id()
        request = AsgiRequest(
            self,
            self._flow,
            scope_of(head, request_id, transport.get_extra_info("sockname"), self.client),
            body,
            date=self.responses.date,
            request_id=request_id,
            failure=shared.envelopes.failed,
            keep_alive=head.version == "1.1" and head.keep_alive and not self._draining,
            start=shared.start_app,
            done=self.answered,
        )
        request.size += _APP_REQUEST_HOLDS
        self._exchanges.append(request)
        self._held += request.size
        if not request.keep_alive:
            self.end()
        self._pause_if_full()

    def _answer(self, head: RequestHead, refusal: Refusal, *, last: bool = False) -> None:
        """Put the server's own answer into the order of responses."""
        status, body, headers = refusal
        self._shared.refused[status] += 1
        request = DirectRequest(self, head, b"", self._address, head.request_id or self._shared.next_id())
        self._exchanges.append(request)
        if last:
            request.make_last()
        parsing, self._parsing = self._parsing, True
        request.respond(status, body, headers)
        self._parsing = parsing
        self._pause_if_full()

    def _failed(self, request: DirectRequest) -> None:
        _log.exception("request_failed", path=request.head.path, request_id=request.request_id)
        if request.response is None:
            self._shared.refused[500] += 1
            request.respond(500, self._shared.envelopes.failed)
