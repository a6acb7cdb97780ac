"""A server in the test's own event loop, uvloop's as in production, and clients of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest
import uvloop
from starlette.types import ASGIApp
from tests.server.client import Client
from tests.server.routes import Echo, app

from clarion.api.protocol_direct import DirectRoute
from clarion.api.protocol_limits import ServerLimits
from clarion.api.server import HttpServer


class Served:
    """A running server."""

    def __init__(self, server: HttpServer, host: str, port: int) -> None:
        self.server = server
        self.host = host
        self.port = port
        self.clients: list[Client] = []

    async def connect(self) -> Client:
        """A new connection."""
        client = await Client.connect(self.host, self.port)
        self.clients.append(client)
        return client


Serve = Callable[..., Awaitable[Served]]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What the server runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start a server: `serve({"/path": route}, app, body_limit=…, **limits)`; a route answers POST."""
    running: list[Served] = []

    async def start(
        routes: Mapping[str, DirectRoute] | None = None,
        asgi: ASGIApp | None = None,
        *,
        host: str = "127.0.0.1",
        server: Mapping[str, Any] | None = None,
        **limits: Any,
    ) -> Served:
        direct = {"/direct": Echo()} if routes is None else routes
        http = HttpServer(
            asgi or app(),
            {path.encode(): {b"POST": route} for path, route in direct.items()},
            host,
            0,
            limits=ServerLimits(**limits),
            **(server or {}),
        )
        served = Served(http, *await http.start())
        running.append(served)
        return served

    yield start
    for served in running:
        for client in served.clients:
            client.close()
        await served.server.stop(0)


@pytest.fixture
async def client(serve: Serve) -> Client:
    """A connection to a server that echoes at `/direct` and has the app of `tests.server.routes`."""
    return await (await serve()).connect()
