"""Rings once when a time on the clock has come."""

import asyncio
from collections.abc import Callable
from typing import Final

from clarion.clock import MINUTE, SECOND, Clock

_LOOK_AGAIN: Final = MINUTE
"""The clock can be set while a timer runs: a far alarm looks at it now and then."""


class Alarm:
    """The earliest of the times it was given; after it has rung it is forgotten."""

    def __init__(self, clock: Clock, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._at: int | None = None
        self._handle: asyncio.TimerHandle | None = None

    def at(self, when: int) -> None:
        """Ring at this time, in UTC microseconds, unless an earlier one is set; a time that has passed rings in the next
        turn of the loop.
        """
        if self._at is not None and self._at <= when:
            return
        self.cancel()
        self._at = when
        self._arm()

    def cancel(self) -> None:
        """Forget the time."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._at = None

    def _arm(self) -> None:
        assert self._at is not None  # noqa: S101 - for the type checker: both callers have set it
        delay = min(max(self._at - self._clock(), 0), _LOOK_AGAIN)
        self._handle = asyncio.get_running_loop().call_later(delay / SECOND, self._look)

    def _look(self) -> None:
        if self._at is not None and self._clock() < self._at:
            self._arm()
            return
        self._handle = self._at = None
        self._ring()
