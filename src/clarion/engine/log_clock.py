"""The time that log entries get: never backwards, and never led astray by a wall clock that jumps."""

import time
from collections.abc import Callable
from typing import Final

import structlog

from clarion.clock import MINUTE, Clock

LARGEST_JUMP: Final = 5 * MINUTE
"""How far the wall clock may part from the steady one between two readings."""

_log = structlog.get_logger(__name__)


def steady_clock() -> int:
    """Microseconds since the machine started, sleep included; cannot be set."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1000


class LogClock:
    """Wall time, held to the steady clock: a large jump is refused and alarmed until the next start (design §3.2)."""

    def __init__(self, wall: Clock, last: int, steady: Callable[[], int] = steady_clock) -> None:
        self._wall, self._steady = wall, steady
        self._offset = wall() - steady()
        self._last = last
        self._alarmed = 0
        if wall() < last - LARGEST_JUMP:
            self._offset = last - steady()  # time would stand still until the wall clock has caught up

    def now(self) -> int:
        """UTC microseconds; at least what was given before."""
        steady = self._steady()
        offset = self._wall() - steady
        if abs(offset - self._offset) > LARGEST_JUMP:
            if steady >= self._alarmed:
                self._alarmed = steady + MINUTE
                _log.error(
                    "the clock jumped: log time goes on without it; set the clock right, or restart to accept it", by=offset - self._offset
                )
        else:
            self._offset = offset
        self._last = max(self._last, steady + self._offset)
        return self._last
