"""The side of the push service that application servers post to (RFC 8030 §5)."""

import asyncio
from typing import Final

from aiohttp import web
from tests.push_service.journal import Journal, Refused
from tests.push_service.limits import MESSAGE_BYTES, PATIENCE
from tests.push_service.messages import Message, Unacceptable, check_body, read_wishes
from tests.push_service.subscriptions import Subscriptions
from tests.push_service.vapid import check_sender

from clarion.clock import Clock


class Throttle:
    """Answers 429 for as many requests as a test wants."""

    def __init__(self) -> None:
        self._left = 0
        self._seconds = 0

    def next(self, requests: int, retry_after: int) -> None:
        """The next `requests` are told to come back in `retry_after` seconds (RFC 8030 §8.4)."""
        self._left, self._seconds = requests, retry_after

    def check(self) -> None:
        """Raises Unacceptable."""
        if self._left:
            self._left -= 1
            raise Unacceptable(429, "too many requests", {"Retry-After": str(self._seconds)})


class Messages:
    """The resource `/wpush/v2/{token}`."""

    def __init__(self, origin: str, subscriptions: Subscriptions, journal: Journal, clock: Clock) -> None:
        self.throttle: Final = Throttle()
        self._origin = origin
        self._subscriptions = subscriptions
        self._journal = journal
        self._clock = clock

    async def take(self, request: web.Request) -> web.Response:
        """201 with the message's own address, or an error with its reason."""
        try:
            message = await self._take(request)
        except Unacceptable as error:
            self._journal.note(self._journal.refused, Refused(error.status, error.reason))
            return web.Response(status=error.status, text=error.reason, headers=error.headers)
        self._journal.note(self._journal.accepted, message)
        headers = {"Location": f"{self._origin}/m/{message.version}", "TTL": str(message.wishes.ttl)}
        return web.Response(status=201, headers=headers)

    async def _take(self, request: web.Request) -> Message:
        """Raises Unacceptable."""
        self.throttle.check()
        token = request.match_info["token"]
        channel = self._subscriptions.find(token)
        authorization = request.headers.getall("Authorization", [])
        if len(authorization) > 1:
            raise Unacceptable(400, "Authorization is there more than once")
        check_sender(authorization[0] if authorization else None, self._origin, channel.key, self._clock())
        wishes = read_wishes(request.headers)
        body = await _read(request)
        check_body(request.headers, body)
        return self._subscriptions.push(token, body, wishes)


async def _read(request: web.Request) -> bytes:
    """The body; of one that is too large only as much as shows it. Raises Unacceptable."""
    body = b""
    try:
        async with asyncio.timeout(PATIENCE):
            while len(body) <= MESSAGE_BYTES and (piece := await request.content.read(MESSAGE_BYTES + 1 - len(body))):
                body += piece
    except TimeoutError as error:
        raise Unacceptable(408, "the body does not come") from error
    return body
