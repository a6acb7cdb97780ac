"""The side of the push service that browsers connect to."""

import asyncio
import json
from contextlib import suppress
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web
from tests.push_service.frames import Frame, Malformed, channel_of, code_of, key_of, notification, read_frame, text_of, updates_of
from tests.push_service.journal import Acknowledged, Journal
from tests.push_service.limits import CHANNELS, PATIENCE, STORED
from tests.push_service.messages import Message
from tests.push_service.subscriptions import Browser, Channel, Full, Subscriptions

from clarion.clock import Clock

_WAITING: Final = CHANNELS * STORED + 1024
"""Frames that may wait for a browser to take them: all that was stored, and some more."""


class Session:
    """One browser's connection."""

    def __init__(self, socket: web.WebSocketResponse, origin: str, subscriptions: Subscriptions, journal: Journal, clock: Clock) -> None:
        self._socket = socket
        self._origin = origin
        self._subscriptions = subscriptions
        self._journal = journal
        self._clock = clock
        self._frames: asyncio.Queue[Frame] = asyncio.Queue(_WAITING)

    async def run(self) -> None:
        """Until either side ends it."""
        writer = asyncio.create_task(self._write())
        try:
            browser = await self._hello()
            self._journal.note(self._journal.hellos, browser.id)
            deliver = self._deliver  # bound once, to know it again
            browser.deliver = deliver
            for channel, message in self._subscriptions.waiting(browser):
                deliver(channel, message)
            try:
                while (frame := await self._next(None)) is not None:
                    self._answer(browser, frame)
            finally:
                # unless it has connected again meanwhile
                if browser.deliver is deliver:
                    browser.deliver = None
                self._journal.note(self._journal.farewells, browser.id)
        except (Malformed, Full) as error:
            await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=str(error).encode())
        finally:
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer

    async def _hello(self) -> Browser:
        """Raises Malformed, Full."""
        frame = await self._next(PATIENCE)
        if frame is None or frame.get("messageType") != "hello" or frame.get("use_webpush") is not True:
            raise Malformed("say hello first, with use_webpush")
        browser = self._subscriptions.browser(text_of(frame, "uaid") if frame.get("uaid") else None)
        self._send({"messageType": "hello", "uaid": browser.id, "status": 200, "use_webpush": True, "broadcasts": {}})
        return browser

    async def _next(self, seconds: float | None) -> Frame | None:
        """What the browser says next; None if it has gone. Raises Malformed."""
        try:
            message = await self._socket.receive(seconds)
        except TimeoutError as error:
            raise Malformed("no word in time") from error
        if message.type is WSMsgType.TEXT:
            return read_frame(message.data)
        if message.type is WSMsgType.BINARY:
            raise Malformed("not text")
        return None

    def _answer(self, browser: Browser, frame: Frame) -> None:
        """Raises Malformed."""
        match frame.get("messageType", "ping"):
            case "register":
                self._register(browser, frame)
            case "unregister":
                id = channel_of(frame)
                channel = self._subscriptions.unsubscribe(browser, id)
                self._send({"messageType": "unregister", "channelID": id, "status": 200})
                if channel is not None:
                    self._journal.note(self._journal.unregistered, self._endpoint(channel))
            case "ack":
                for id, version, code in updates_of(frame):
                    self._subscriptions.acknowledge(browser, id, version)
                    self._journal.note(self._journal.acknowledged, Acknowledged(version, code))
            case "nack":
                # the message came, and its worker failed: the ack that comes as well ends it
                self._journal.note(self._journal.acknowledged, Acknowledged(text_of(frame, "version"), code_of(frame)))
            case "ping":
                self._send({})
            case "broadcast_subscribe":
                pass
            case _:
                raise Malformed("unknown messageType")

    def _register(self, browser: Browser, frame: Frame) -> None:
        id = channel_of(frame)
        answer: Frame = {"messageType": "register", "channelID": id}
        try:
            channel = self._subscriptions.subscribe(browser, id, key_of(frame))
        except ValueError:
            self._send({**answer, "status": 400})
            return
        except Full:
            self._send({**answer, "status": 500})
            return
        if channel is None:
            self._send({**answer, "status": 409})
            return
        self._send({**answer, "status": 200, "pushEndpoint": self._endpoint(channel)})
        self._journal.note(self._journal.registered, self._endpoint(channel))

    def _endpoint(self, channel: Channel) -> str:
        return f"{self._origin}/wpush/v2/{channel.token}"

    def _deliver(self, channel: Channel, message: Message) -> None:
        # a browser that reads nothing is disconnected soon, and gets what is stored when it is back
        with suppress(asyncio.QueueFull):
            self._frames.put_nowait(notification(channel, message, self._clock()))

    def _send(self, frame: Frame) -> None:
        """Raises Malformed if the browser does not read what it was sent."""
        try:
            self._frames.put_nowait(frame)
        except asyncio.QueueFull as error:
            raise Malformed("too much unread") from error

    async def _write(self) -> None:
        while True:
            frame = await self._frames.get()
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._socket.send_str(json.dumps(frame))
            except (TimeoutError, ConnectionError):
                await self._socket.close()
                return
