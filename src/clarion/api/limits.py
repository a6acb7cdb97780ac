"""Rate limits: how many requests an API key may make."""

from collections.abc import Callable
from math import ceil

from clarion.clock import SECOND


class RateLimit:
    """A token bucket for each API key: `per_second` tokens a second, one second's worth at most saved up. 0 is no limit."""

    def __init__(self, per_second: int, steady: Callable[[], int]) -> None:
        self._per_second, self._steady = per_second, steady
        self._buckets: dict[int, tuple[float, int]] = {}
        """By key: tokens, and when there were that many. As many as there are keys."""

    def take(self, key: int, tokens: int = 1) -> int:
        """Take tokens; returns 0, or in how many seconds to try again. A batch larger than the bucket passes when the bucket is full."""
        if not self._per_second:
            return 0
        now = self._steady()
        had, at = self._buckets.get(key, (float(self._per_second), now))
        have = min(float(self._per_second), had + (now - at) * self._per_second / SECOND)
        needed = min(tokens, self._per_second)
        if have < needed:
            self._buckets[key] = (have, now)
            return max(1, ceil((needed - have) / self._per_second))
        self._buckets[key] = (have - tokens, now)
        return 0
