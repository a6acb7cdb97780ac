"""Deadlines of many members by one sweep instead of a timer each; a sweep costs what has expired, not what is open."""

from collections import OrderedDict
from typing import Generic, TypeVar

Member = TypeVar("Member")


class Deadline(Generic[Member]):
    """Members that have `seconds` from their start, oldest first. Times are the event loop's, in seconds, and never go back."""

    __slots__ = ("_since", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._since: OrderedDict[Member, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._since)

    def start(self, member: Member, now: float) -> None:
        """Begin the member's time; one that has begun keeps its start, so that nothing it sends extends it."""
        self._since.setdefault(member, now)

    def restart(self, member: Member, now: float) -> None:
        """Begin the member's time anew."""
        self._since[member] = now
        self._since.move_to_end(member)

    def stop(self, member: Member) -> None:
        """Forget the member, known or not."""
        self._since.pop(member, None)

    def oldest(self) -> Member | None:
        """The member with the earliest start."""
        return next(iter(self._since), None)

    def take_expired(self, now: float) -> list[Member]:
        """Remove and return the members whose time is over, oldest first."""
        expired: list[Member] = []
        latest_start = now - self.seconds
        while self._since:
            member, since = next(iter(self._since.items()))
            if since > latest_start:
                break
            del self._since[member]
            expired.append(member)
        return expired
