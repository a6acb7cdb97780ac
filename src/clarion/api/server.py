"""The HTTP server: direct routes and an ASGI app on one listening address."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import structlog
from starlette.types import ASGIApp

from clarion.api.protocol import HttpProtocol
from clarion.api.protocol_envelopes import Envelopes
from clarion.api.protocol_limits import ServerLimits
from clarion.api.protocol_shared import BodyLimit, Routes, Shared
from clarion.api.server_descriptors import raise_open_files
from clarion.clock import SECOND, Clock, wall_clock

_log = structlog.get_logger(__name__)

_SPARE_FILES = 512
"""Open files left to the store, deliveries and connections that are being refused."""
_BACKLOG = 4096
_BODY = 1024 * 1024


def _one_mebibyte(_method: bytes, _path: bytes) -> int:
    return _BODY


class HttpServer:
    """Serves from `start` to `stop`, in the running event loop."""

    def __init__(
        self,
        app: ASGIApp,
        routes: Routes,
        host: str,
        port: int,
        *,
        body_limit: BodyLimit = _one_mebibyte,
        limits: ServerLimits | None = None,
        envelopes: Envelopes | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self._app = app
        self._routes = routes
        self._host = host
        self._port = port
        self._body_limit = body_limit
        self._limits = limits or ServerLimits()
        self._envelopes = envelopes or Envelopes()
        self._clock = clock
        self._server: asyncio.Server | None = None
        self._shared: Shared | None = None
        self._sweeping: asyncio.TimerHandle | None = None

    @property
    def connections(self) -> int:
        """Open connections, idle ones included."""
        return 0 if self._shared is None else len(self._shared.connections)

    @property
    def refused(self) -> Mapping[int, int]:
        """Requests that no route had a say in, by status."""
        return {} if self._shared is None else self._shared.refused

    async def start(self) -> tuple[str, int]:
        """Listen, and return the address listened on; port 0 lets the system choose.

        Raises OSError where that is not possible, RuntimeError if the server has been started.
        """
        if self._server is not None:
            raise RuntimeError("the server has been started")
        open_files = raise_open_files()
        shared = Shared(
            self._app,
            self._routes,
            body_limit=self._body_limit,
            limits=self._limits,
            most_connections=self._limits.connections or max(open_files - _SPARE_FILES, open_files // 2),
            envelopes=self._envelopes,
            unix_seconds=self._clock() / SECOND,
        )
        self._server = await shared.loop.create_server(lambda: HttpProtocol(shared), self._host, self._port, backlog=_BACKLOG)
        self._shared = shared
        self._sweep()
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def stop(self, grace: float) -> None:
        """Stop listening, close idle connections, give requests in progress `grace` seconds to be answered, then close what is left.

        Called again, or before `start`, it does nothing.
        """
        server, shared = self._server, self._shared
        if server is None or shared is None:
            return
        self._server = None
        server.close()
        shared.stopping = True
        for connection in list(shared.connections):
            connection.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await shared.empty.wait()
                await asyncio.gather(*shared.tasks, return_exceptions=True)
        if shared.connections or shared.tasks:
            _log.warning("stopped_with_requests_in_progress", connections=len(shared.connections), app_requests=len(shared.tasks))
        for connection in list(shared.connections):
            connection.abort()
        tasks = list(shared.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await shared.empty.wait()
        await server.wait_closed()
        if self._sweeping is not None:
            self._sweeping.cancel()

    def _sweep(self) -> None:
        shared = self._shared
        if shared is None:
            return
        try:
            shared.sweep(self._clock() / SECOND)
        finally:
            self._sweeping = shared.loop.call_later(self._limits.sweep_seconds, self._sweep)
