"""How much of a machine retention takes: it rests after each step, the longer the more that one cost."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

PAUSE: Final = 1.0
"""Between two steps while there is more, as a part of what the last one took: the busier the store is, the longer that is."""

Sleep = Callable[[float], Awaitable[None]]


class Pace:
    """Times steps. `began = pace.began()`, the step, `await pace.rest(began)`."""

    def __init__(self, sleep: Sleep = asyncio.sleep, steady: Callable[[], float] = time.monotonic, pause: float = PAUSE) -> None:
        self._sleep, self._steady, self._pause = sleep, steady, pause

    def began(self) -> float:
        """When the step began, for `rest`."""
        return self._steady()

    async def rest(self, began: float) -> None:
        """Let others have their turn."""
        await self._sleep(self._pause * (self._steady() - began))

    async def wait(self, seconds: float) -> None:
        """Until the next look."""
        await self._sleep(seconds)
