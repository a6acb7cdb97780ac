"""An open loop: what is sent when follows from the clock alone, never from how fast answers come.

A generator that waits for an answer before its next request measures a stalled server once and calls the rest fast (coordinated
omission). Here each event has a time at which it is due, and latency is counted from then, also where no connection was free to take it.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

import msgspec

SECOND: Final = 1_000_000_000

Link = TypeVar("Link")


class Schedule(msgspec.Struct, frozen=True):
    """`count` events at `rate` a second from `start`; times in nanoseconds of one clock."""

    start: int
    rate: int
    count: int

    def at(self, index: int) -> int:
        """When an event is due."""
        return self.start + index * SECOND // self.rate

    def due(self, now: int) -> int:
        """How many events are due by `now`: exactly those whose `at` is not after it."""
        if now < self.start:
            return 0
        return min(self.count, ((now - self.start + 1) * self.rate - 1) // SECOND + 1)


class OpenLoop(Generic[Link]):
    """Hands each event that is due to a free link, in order; where none is free, events wait for one, and their time goes on."""

    def __init__(self, schedule: Schedule, links: Iterable[Link], send: Callable[[Link, int], None]) -> None:
        self.schedule = schedule
        self._free = deque(links)
        self._send = send
        self._due = self._next = 0

    def tick(self, now: int) -> None:
        """Send what is due by `now`."""
        self._due = self.schedule.due(now)
        self._dispatch()

    def freed(self, link: Link) -> None:
        """A link can take another event."""
        self._free.append(link)
        self._dispatch()

    @property
    def waiting(self) -> int:
        """Events that are due and found no free link."""
        return self._due - self._next

    @property
    def finished(self) -> bool:
        """True once every event was sent."""
        return self._next == self.schedule.count

    def _dispatch(self) -> None:
        while self._next < self._due and self._free:
            index = self._next
            self._next += 1
            self._send(self._free.popleft(), index)
