"""When which partition's outbox is to be looked at."""

from heapq import heappop, heappush


class Agenda:
    """Partitions that are to be looked at, in the order in which that was found out, and those that come later, by time.

    Who has much to do gets back in line behind the others each time: nobody waits for one that never ends.
    """

    def __init__(self) -> None:
        self._ripe: dict[int, None] = {}
        self._later: list[tuple[int, int]] = []
        """(time, partition), a heap; some are outdated."""
        self._times: dict[int, int] = {}

    def __len__(self) -> int:
        """How many are to be looked at now."""
        return len(self._ripe)

    def now(self, partition: int) -> None:
        """Have a partition looked at as soon as it is its turn."""
        self._ripe.setdefault(partition)

    def at(self, partition: int, time: int) -> None:
        """Have a partition looked at at a time, if not before."""
        known = self._times.get(partition)
        if known is None or time < known:
            self._times[partition] = time
            heappush(self._later, (time, partition))

    def ripen(self, now: int) -> None:
        """Line up whose time has come."""
        while (time := self.next_time()) is not None and time <= now:
            _, partition = heappop(self._later)
            del self._times[partition]
            self.now(partition)

    def next_time(self) -> int | None:
        """When the first one's time comes of those that are not in line."""
        while self._later:
            time, partition = self._later[0]
            if self._times.get(partition) == time:
                return time
            heappop(self._later)
        return None

    def take(self, most: int) -> list[int]:
        """The first ones in line, `most` at most: they leave it, and whatever was noted of them is forgotten."""
        first = list(self._ripe)[:most]
        for partition in first:
            del self._ripe[partition]
            self._times.pop(partition, None)
        return first
