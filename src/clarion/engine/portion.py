"""How much is taken at once, so that nobody waits long for a turn: what takes long is taken in smaller portions."""

import asyncio
from collections.abc import Callable
from typing import Final

LONGEST: Final = 25_000
"""Microseconds that inputs are applied for before what they came to is committed: a piece of a batch."""
PIECES: Final = 4
"""Of a batch. What is left of it after those comes with the next, which has a later time."""
STINT: Final = 5_000
"""Microseconds that inputs are applied for before everybody else in the process has a turn."""
SMALLEST: Final = 1 / 1024


class Portion:
    """The share of a full batch that can be applied in time, from how long the last ones took."""

    def __init__(self, longest: int, share: float = 1.0) -> None:
        """`longest`: microseconds that it may take; `share`: what to begin with, while nobody knows how long anything takes."""
        self._longest, self._share = longest, share

    def of(self, most: int) -> int:
        """How many of at most `most` to take; at least one."""
        return max(1, int(most * self._share))

    def note(self, took: int, done: int, given: int, *, is_full: bool = True) -> None:
        """It took so many microseconds to do so many of those that were given. Fewer than were asked for say nothing of more."""
        all_of_it = max(1.0, took * max(1.0, given / max(1, done)))
        self._share = max(SMALLEST, min(1.0, self._share * min(2.0 if is_full else 1.0, self._longest / all_of_it)))

    def halve(self) -> None:
        """Take less, whatever the last ones took."""
        self._share = max(SMALLEST, self._share / 2)


class Stint:
    """Time at work, between turns of others."""

    def __init__(self, steady: Callable[[], int]) -> None:
        self._steady = steady
        self._began = 0
        self.spent = 0
        """Microseconds, of all stints together."""

    def begin(self) -> None:
        """Others had their turn."""
        self._began = self._steady()

    def is_over(self) -> bool:
        """Whether it is the turn of others."""
        return self._steady() - self._began >= STINT

    def end(self) -> None:
        """It is their turn, or the work is done."""
        self.spent += self._steady() - self._began

    async def rest(self) -> None:
        """Let everybody else have a turn in between."""
        self.end()
        await asyncio.sleep(0)
        self.begin()
