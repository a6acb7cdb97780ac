"""What is kept for a while only: explanations, forgotten in small pieces while the rest goes on."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from clarion.clock import MINUTE, SECOND, Clock
from clarion.store.port import Store, StoreError

AT_ONCE: Final = 300
"""Explanations removed in one step: a few milliseconds of the store's writer, between its other commits."""
PAUSE: Final = 1.0
"""Between two steps while there is more, as a part of what the last one took: the busier the store is, the longer that is."""
EVERY: Final = 10 * MINUTE / SECOND
"""Seconds until the next look."""

_log = structlog.get_logger(__name__)

Sleep = Callable[[float], Awaitable[None]]


class Retention:
    """Forgets explanations that are older than `keep` microseconds."""

    def __init__(
        self, store: Store, keep: int, clock: Clock, sleep: Sleep = asyncio.sleep, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._keep, self._clock, self._sleep, self._steady = store, keep, clock, sleep, steady

    async def run(self) -> None:
        """Look every few minutes, until cancelled. A store that is away is asked again the next time."""
        while True:
            try:
                await self.forget()
            except StoreError as error:
                _log.warning("old explanations could not be removed; trying again later", error=str(error))
            await self._sleep(EVERY)

    async def forget(self) -> int:
        """Remove what is too old now, step by step; returns how much that was. Raises StoreError."""
        before, removed = self._clock() - self._keep, 0
        while True:
            began = self._steady()
            step = await self._store.forget_explanations(before, AT_ONCE)
            if not step:  # fewer than there may be does not say that these were the last: not all of one time stand together
                return removed
            removed += step
            await self._sleep(PAUSE * (self._steady() - began))
