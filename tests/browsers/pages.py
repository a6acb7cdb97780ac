"""A site of a test's own on `localhost`: browsers give it service workers and pushes without TLS, as on any loopback host."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from aiohttp import web

PATIENCE: Final = 15.0
BODY_BYTES: Final = 65_536


class File(NamedTuple):
    """What a path answers."""

    content_type: str
    text: str


class Visit(NamedTuple):
    """A request that a browser made."""

    method: str
    path: str
    """With its query."""
    body: str


@dataclass
class Site:
    """Serves files, and keeps what browsers asked for and posted."""

    port: int
    files: dict[str, File]
    """By path; a test may change them at any time."""
    visits: list[Visit] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    async def visit(self, is_it: Callable[[Visit], object]) -> Visit:
        """The first visit for which `is_it`, as soon as there is one. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: any(map(is_it, self.visits)))
        return next(visit for visit in self.visits if is_it(visit))

    async def answer(self, request: web.Request) -> web.Response:
        """A file, whatever the query; 204 for what is posted; 404."""
        body = await request.text()
        async with self._changed:
            self.visits.append(Visit(request.method, request.path_qs, body))
            self._changed.notify_all()
        if request.method == "POST":
            return web.Response(status=204)
        file = self.files.get(request.path)
        if file is None:
            return web.Response(status=404)
        # a worker that a test changed is asked for again
        return web.Response(text=file.text, content_type=file.content_type, headers={"Cache-Control": "no-store"})


@asynccontextmanager
async def site(files: Mapping[str, File]) -> AsyncIterator[Site]:
    """A site that is there during the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        served = Site(listener.getsockname()[1], dict(files))
        application = web.Application(client_max_size=BODY_BYTES)
        application.router.add_route("*", "/{path:.*}", served.answer)
        runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        try:
            yield served
        finally:
            await runner.cleanup()
