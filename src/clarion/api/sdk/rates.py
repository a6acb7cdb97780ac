"""Rate limits by what clients name: any number of them may come, so what is remembered of them is bounded."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from math import ceil
from typing import Final

from clarion.clock import SECOND

MOST_REMEMBERED: Final = 100_000
"""Names in one table. The one that was idle longest is forgotten first, which has had the time to earn its burst back."""


class RateTable:
    """`per_second` requests a second for each name, and bursts of one second's worth; 0 is no limit.

    The generic cell rate algorithm (ITU-T I.371): of each name only the time is kept at which all that it took is earned back.
    """

    def __init__(self, per_second: int, steady: Callable[[], int], most: int = MOST_REMEMBERED) -> None:
        """`steady` gives microseconds that never go back."""
        self._interval = SECOND / per_second if per_second else 0.0
        self._steady, self._most = steady, most
        self._even: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._even)

    def take(self, name: Hashable) -> int:
        """Count a request; returns 0, or in how many seconds to try again."""
        if not self._interval:
            return 0
        now = self._steady()
        after = max(self._even.get(name, 0.0), now) + self._interval
        wait = after - now - SECOND
        if wait > self._interval * 1e-6:  # what floats lose in a second's worth of additions
            return max(1, ceil(wait / SECOND))
        self._even[name] = after
        self._even.move_to_end(name)
        if len(self._even) > self._most:
            self._even.popitem(last=False)
        return 0
