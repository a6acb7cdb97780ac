"""A browser that says to the push service what Firefox says, word for word as a test wants."""

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import uuid4

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType
from tests.push_service.service import PushService

PATIENCE: Final = 10.0

Frame = dict[str, Any]


class FirefoxLike:
    """One connection of a browser."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket

    @property
    def protocol(self) -> str | None:
        """The subprotocol that the service chose."""
        return self._socket.protocol

    async def say(self, frame: Frame | str | bytes) -> None:
        """Send a frame, or what is none."""
        if isinstance(frame, bytes):
            await self._socket.send_bytes(frame)
        else:
            await self._socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    async def hear(self) -> Frame:
        """The next frame."""
        frame = await self._socket.receive_json(timeout=PATIENCE)
        assert isinstance(frame, dict)
        return frame

    async def ask(self, frame: Frame | str) -> Frame:
        """Send a frame and read the next one."""
        await self.say(frame)
        return await self.hear()

    async def ended(self) -> int | None:
        """The code with which the service hangs up, which it has to do now."""
        message = await self._socket.receive(PATIENCE)
        assert message.type is WSMsgType.CLOSE, message
        return self._socket.close_code

    async def hello(self, id: str | None = None) -> str:
        """The id that the service gives or keeps."""
        named = {} if id is None else {"uaid": id}
        answer = await self.ask({"messageType": "hello", "broadcasts": {"a/b": "1"}, "use_webpush": True, **named})
        assert (answer["messageType"], answer["status"], answer["use_webpush"]) == ("hello", 200, True)
        assert isinstance(answer["uaid"], str)
        return answer["uaid"]

    async def register(self, key: str | None = None, channel: str | None = None) -> tuple[str, str]:
        """Subscribe; returns channel and endpoint."""
        channel = channel or str(uuid4())
        named = {} if key is None else {"key": key}
        answer = await self.ask({"messageType": "register", "channelID": channel, **named})
        endpoint = answer.pop("pushEndpoint")
        assert answer == {"messageType": "register", "channelID": channel, "status": 200}
        return channel, endpoint

    async def message(self) -> tuple[Frame, bytes]:
        """The next frame, which has to be a notification, and its body."""
        frame = await self.hear()
        assert frame["messageType"] == "notification"
        data = frame.get("data", "")
        return frame, urlsafe_b64decode(data + "=" * (-len(data) % 4))

    async def acknowledge(self, frame: Frame, code: int = 100) -> None:
        """Say what became of a notification; returns when the service has heard it."""
        update = {"channelID": frame["channelID"], "version": frame["version"], "code": code}
        await self.say({"messageType": "ack", "updates": [update]})
        assert await self.ask("{}") == {}


@asynccontextmanager
async def connecting(service: PushService) -> AsyncIterator[FirefoxLike]:
    """A connection that has not said anything yet."""
    async with ClientSession() as session, session.ws_connect(service.browser_url, protocols=("push-notification",)) as socket:
        yield FirefoxLike(socket)


@asynccontextmanager
async def connected(service: PushService, id: str | None = None) -> AsyncIterator[tuple[FirefoxLike, str]]:
    """A connection that has said hello, and the browser's id; the service knows that it is over when the block is."""
    farewells = len(service.journal.farewells)
    async with connecting(service) as browser:
        yield browser, await browser.hello(id)
    async with asyncio.timeout(PATIENCE):
        await service.journal.until(lambda journal: len(journal.farewells) > farewells)
