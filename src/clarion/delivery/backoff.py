"""Waits between tries at a store that does not answer."""

import asyncio
import random


class Backoff:
    """Doubles from `first` to `longest` seconds until `reset`; each wait is shorter by up to a half, so that many do not try at once."""

    def __init__(self, first: float = 0.1, longest: float = 5.0) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    async def wait(self) -> None:
        """Sleep for the current delay and double it."""
        delay, self._next = self._next, min(self._next * 2, self._longest)
        await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - spreads tries, guards nothing

    def reset(self) -> None:
        """The store has answered."""
        self._next = self._first
