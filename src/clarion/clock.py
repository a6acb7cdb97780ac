"""The wall clock, read only at the edges; everything inside gets its time passed in."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Returns the time now as UTC microseconds since 1970-01-01."""

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def wall_clock() -> int:
    """The machine's UTC time in microseconds."""
    return time.time_ns() // 1000
