"""The push service as tests start it: one port of loopback for browsers and for application servers."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import WSCloseCode, web
from tests.push_service.application_servers import Messages, Throttle
from tests.push_service.browsers import Session
from tests.push_service.journal import Journal
from tests.push_service.limits import BROWSERS, FRAME_BYTES, PATIENCE
from tests.push_service.messages import Message
from tests.push_service.subscriptions import Subscriptions

from clarion.clock import Clock, wall_clock


class PushService:
    """Takes connections while it runs."""

    def __init__(self, port: int, clock: Clock) -> None:
        self.journal = Journal()
        self.port = port
        self.origin = f"http://127.0.0.1:{port}"
        self._clock = clock
        self._subscriptions = Subscriptions(clock)
        self._messages = Messages(self.origin, self._subscriptions, self.journal, clock)
        self._sockets: set[web.WebSocketResponse] = set()
        self._cut = False

    @property
    def browser_url(self) -> str:
        """What `dom.push.serverURL` of a Firefox has to be."""
        return f"ws://127.0.0.1:{self.port}/"

    @property
    def throttle(self) -> Throttle:
        """Refuses senders on demand."""
        return self._messages.throttle

    def expire(self, endpoint: str) -> None:
        """End a subscription: its senders get 410 from now on, and its browser is not told."""
        self._subscriptions.expire(_token(endpoint))

    def stored(self, endpoint: str) -> list[Message]:
        """What waits for a subscription, the oldest first."""
        return self._subscriptions.stored(_token(endpoint))

    @asynccontextmanager
    async def cut_off(self) -> AsyncIterator[None]:
        """No browser is connected, and none can connect, during the block."""
        self._cut = True
        try:
            await self._disconnect()
            yield
        finally:
            self._cut = False

    async def end(self) -> None:
        """Send all browsers away."""
        self._cut = True
        await self._disconnect()

    def application(self) -> web.Application:
        """The routes of both sides."""
        application = web.Application()
        application.router.add_get("/", self._connect)
        application.router.add_post("/wpush/v2/{token}", self._messages.take)
        return application

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        if self._cut or len(self._sockets) >= BROWSERS:
            return web.Response(status=503)
        # Firefox names this subprotocol and no other; aiohttp refuses a frame that is as large as its limit
        connection = web.WebSocketResponse(protocols=("push-notification",), max_msg_size=FRAME_BYTES + 1, timeout=PATIENCE)
        await connection.prepare(request)
        self._sockets.add(connection)
        try:
            await Session(connection, self.origin, self._subscriptions, self.journal, self._clock).run()
        finally:
            self._sockets.discard(connection)
        return connection

    async def _disconnect(self) -> None:
        await asyncio.gather(*(connection.close(code=WSCloseCode.GOING_AWAY) for connection in self._sockets))


def _token(endpoint: str) -> str:
    return endpoint.rpartition("/")[2]


@asynccontextmanager
async def pushing(clock: Clock = wall_clock, *, port: int = 0) -> AsyncIterator[PushService]:
    """A push service that listens during the block; `clock` decides when messages and senders' tokens expire. Port 0: any that is free."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        service = PushService(listener.getsockname()[1], clock)
        runner = web.AppRunner(service.application(), access_log=None, handle_signals=False, shutdown_timeout=1.0, auto_decompress=False)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        try:
            yield service
        finally:
            await service.end()
            await runner.cleanup()
