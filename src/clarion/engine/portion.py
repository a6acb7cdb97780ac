"""How much is taken at once, so that nobody waits long for a turn: what takes long is taken in smaller portions."""

from typing import Final

LONGEST: Final = 25_000
"""Microseconds that a batch is applied for; then it is committed, and what is left of it comes with the next."""
SMALLEST: Final = 1 / 1024


class Portion:
    """The share of a full batch that can be applied in time, from how long the last ones took."""

    def __init__(self) -> None:
        self._share = 1.0

    def of(self, most: int) -> int:
        """How many of at most `most` to take; at least one."""
        return max(1, int(most * self._share))

    def note(self, took: int, done: int, given: int) -> None:
        """It took so many microseconds to do so many of those that were given."""
        all_of_it = max(1.0, took * max(1.0, given / max(1, done)))
        self._share = max(SMALLEST, min(1.0, self._share * min(2.0, LONGEST / all_of_it)))
