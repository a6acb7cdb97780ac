"""Direct routes and an app for tests."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from tests.server.client import PATIENCE

from clarion.api.protocol_direct import DirectRequest, DirectRoute, Refusal
from clarion.api.protocol_heads import RequestHead


class Echo(DirectRoute):
    """Answers at once with what it was asked."""

    def __init__(self, limit: int = 1000) -> None:
        self.limit = limit

    def handle(self, request: DirectRequest) -> None:
        request.respond(200, request.body)

    def oversized(self, request: DirectRequest) -> None:
        request.respond(413, b'"over %d"' % self.limit)


class Described(Echo):
    """Answers with all that it knows of a request."""

    def handle(self, request: DirectRequest) -> None:
        known = {
            "api_key": request.api_key and request.api_key.decode(),
            "content_type": request.content_type and request.content_type.decode(),
            "idempotency_key": request.idempotency_key and request.idempotency_key.decode(),
            "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers],
            "body": request.body.decode(),
            "client": request.client,
            "request_id": request.request_id,
        }
        request.respond(200, msgspec.json.encode(known))


class Held(Echo):
    """Keeps its requests until the test answers them."""

    def __init__(self, limit: int = 1000) -> None:
        super().__init__(limit)
        self.requests: list[DirectRequest] = []
        self._changed = asyncio.Event()

    def handle(self, request: DirectRequest) -> None:
        self.requests.append(request)
        self._changed.set()

    async def arrived(self, count: int) -> list[DirectRequest]:
        """Wait for so many requests."""
        async with asyncio.timeout(PATIENCE):
            while len(self.requests) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.requests


class Locked(Echo):
    """Refuses by the head alone what has no key."""

    def __init__(self, limit: int = 1000) -> None:
        super().__init__(limit)
        self.handled = 0

    def early(self, head: RequestHead) -> Refusal | None:
        return None if head.api_key == b"right" else (401, b'"no key"', ())

    def handle(self, request: DirectRequest) -> None:
        self.handled += 1
        super().handle(request)


class Broken(Echo):
    """Fails, before or after its answer, wherever the request says."""

    def early(self, head: RequestHead) -> Refusal | None:
        if head.api_key == b"early":
            raise LookupError("a secret detail")
        return None

    def handle(self, request: DirectRequest) -> None:
        if request.body == b"after":
            request.respond(200, b'"fine"')
        raise LookupError("a secret detail")

    def oversized(self, request: DirectRequest) -> None:
        raise LookupError("a secret detail")


class Gate:
    """Endpoints of an app that wait for the test."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.open = asyncio.Event()
        self.disconnected = asyncio.Event()

    async def until_open(self, request: Request) -> Response:
        """An endpoint that waits for `open`."""
        self.entered.set()
        async with asyncio.timeout(PATIENCE):
            await self.open.wait()
        return JSONResponse({"gate": request.url.path})

    async def until_disconnect(self, request: Request) -> Response:
        """An endpoint that waits for its client to go."""
        self.entered.set()
        await request.body()
        async with asyncio.timeout(PATIENCE):
            while not await request.is_disconnected():
                await request.receive()
        self.disconnected.set()
        return JSONResponse({})


async def show(request: Request) -> Response:
    """What an app sees of a request."""
    body = await request.body()
    return JSONResponse(
        {
            "method": request.method,
            "path": request.url.path,
            "query": request.url.query,
            "body": body.decode(),
            "client": request.client and request.client.host,
            "version": request.scope["http_version"],
            "request_id": request.state.request_id,
        }
    )


async def stream(_: Request) -> Response:
    """A response of unknown length."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"one,"
        yield b"two"

    return StreamingResponse(parts(), media_type="text/plain")


def app(gate: Gate | None = None) -> Starlette:
    """An app with these endpoints."""
    gate = gate or Gate()
    methods = ["GET", "POST", "OPTIONS"]
    return Starlette(
        routes=[
            Route("/show/{rest:path}", show, methods=methods),
            Route("/stream", stream, methods=methods),
            Route("/gate", gate.until_open, methods=methods),
            Route("/until-disconnect", gate.until_disconnect, methods=methods),
        ]
    )
