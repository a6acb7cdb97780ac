"""What the push service saw, for tests to read and to wait for."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from tests.push_service.limits import NOTED
from tests.push_service.messages import Message

Noted = TypeVar("Noted")


class Acknowledged(NamedTuple):
    """A browser's word on a message."""

    version: str
    code: int
    """100: its service worker got it; 101: it could not be decrypted; 102: otherwise not delivered; from 300 on: the worker failed."""


class Refused(NamedTuple):
    """An application server's request that was not taken."""

    status: int
    reason: str


@dataclass
class Journal:
    """In order, the newest last; the oldest go first when there are many."""

    hellos: deque[str] = field(default_factory=lambda: deque(maxlen=NOTED))
    """Ids of the browsers that connected."""
    farewells: deque[str] = field(default_factory=lambda: deque(maxlen=NOTED))
    """Ids of the browsers whose connection ended."""
    registered: deque[str] = field(default_factory=lambda: deque(maxlen=NOTED))
    """Endpoints given out."""
    unregistered: deque[str] = field(default_factory=lambda: deque(maxlen=NOTED))
    """Endpoints that their browsers gave back."""
    accepted: deque[Message] = field(default_factory=lambda: deque(maxlen=NOTED))
    acknowledged: deque[Acknowledged] = field(default_factory=lambda: deque(maxlen=NOTED))
    refused: deque[Refused] = field(default_factory=lambda: deque(maxlen=NOTED))
    _waiting: set[asyncio.Event] = field(default_factory=set)

    def note(self, where: deque[Noted], what: Noted) -> None:
        """Keep one thing, and wake who waits."""
        where.append(what)
        for event in self._waiting:
            event.set()

    async def until(self, holds: Callable[["Journal"], object], within: float = 15.0) -> None:
        """Wait until it holds; looks again whenever something is noted. Raises TimeoutError after `within` seconds."""
        changed = asyncio.Event()
        self._waiting.add(changed)
        try:
            async with asyncio.timeout(within):
                while not holds(self):
                    changed.clear()
                    await changed.wait()
        finally:
            self._waiting.discard(changed)
