"""Whether the server is known to be away; while it is, one try at a time to reach it, with growing pauses of random length."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 2.0
"""Seconds. Many processes that lost the same server come back spread over this time, each with one connection first."""


class Circuit:
    """Broken from the first failure to connect until a try succeeds."""

    def __init__(self, attempt: Callable[[], Awaitable[bool]], spread: Callable[[], float] = random.random) -> None:
        """`attempt` says whether it succeeded; `spread` gives numbers in [0, 1)."""
        self._attempt, self._spread = attempt, spread
        self._trying: asyncio.Task[None] | None = None
        self._pausing_long = False

    @property
    def broken(self) -> bool:
        """Whether the server is known to be away."""
        return self._trying is not None

    def failed(self) -> None:
        """The server could not be reached."""
        if self._trying is None:
            self._trying = asyncio.create_task(self._keep_trying())

    def hasten(self) -> None:
        """The server was heard of, by another way: where a long pause is under way, a short one begins in its place."""
        if self._trying is not None and self._pausing_long:
            self._pausing_long = False
            self._trying.cancel()
            self._trying = asyncio.create_task(self._keep_trying())

    def stop(self) -> None:
        """No more tries."""
        if self._trying is not None:
            self._trying.cancel()
            self._trying = None

    async def _keep_trying(self) -> None:
        pause = FIRST_PAUSE
        while True:
            self._pausing_long = pause > FIRST_PAUSE
            await asyncio.sleep(pause * (0.5 + self._spread()))
            self._pausing_long = False
            if await self._attempt():
                self._trying = None
                return
            pause = min(2 * pause, LONGEST_PAUSE)
