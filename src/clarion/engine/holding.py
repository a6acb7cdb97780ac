"""What pauses, resumes and stops have asked for of deliveries on their way: a bounded piece a turn (semantics §7)."""

from typing import Final

from clarion.clock import SECOND
from clarion.store.port import Store
from clarion.store.records.commits import Outcome

AT_ONCE: Final = 500
"""Deliveries that have their turn in one piece: some milliseconds of the store's writer."""
AGAIN: Final = SECOND
"""How long to wait for those that are just being sent."""


class Holding:
    """The holds of one partition. Nothing that they concern is sent meanwhile: the store sees to that."""

    def __init__(self, store: Store, partition: int) -> None:
        self._store, self._partition = store, partition
        self._left = True
        """Whether there may be some: an earlier owner may have left them."""
        self._next = 0
        """Not before this time."""

    def taken_over(self) -> None:
        """Nobody knows what there is."""
        self._left, self._next = True, 0

    def note(self, outcome: Outcome) -> None:
        """An outcome was committed."""
        if outcome.hold or outcome.release:
            self.taken_over()

    def has_work(self, now: int) -> bool:
        """Whether there may be something to do at a time."""
        return self._left and self._next <= now

    @property
    def next_due(self) -> int | None:
        """When there may be something to do; None: there is nothing."""
        return self._next if self._left else None

    async def take(self, now: int, most: int) -> None:
        """Do a piece of about `most` deliveries: each that ends puts an entry into an inbox, and those have to be applied too."""
        done = await self._store.work_holds(self._partition, max(1, min(AT_ONCE, most)))
        self._left = done is not None
        self._next = 0 if done else now + AGAIN
