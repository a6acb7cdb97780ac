"""What the parts of a process count of themselves: plain numbers, bumped where things happen, read where metrics are asked for.

They only grow, and start anew with the process. Each is written by one thread at a time; a reader may be one behind.
"""

from bisect import bisect_left
from collections import Counter
from typing import Final

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the buckets that durations are counted in."""


class Histogram:
    """How long things took: counted in buckets, and added up."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(SECONDS) + 1)
        """By bucket; the last holds what is above all bounds."""
        self.total = 0.0
        """Seconds."""

    def add(self, seconds: float) -> None:
        """Count one; a clock that was set back makes it 0."""
        seconds = max(seconds, 0.0)
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.total += seconds

    @property
    def count(self) -> int:
        """How many were counted."""
        return sum(self.counts)


class Taking:
    """What the API answered."""

    __slots__ = ("alone", "duplicates", "from_sdks", "in_batches", "refused", "requests")

    def __init__(self) -> None:
        self.alone = 0
        """Events stored that came alone, each in a request that was answered 200."""
        self.in_batches = 0
        """Events stored that came in batches."""
        self.from_sdks = 0
        """Events stored that browsers and mobile apps sent."""
        self.duplicates = 0
        """Events that were there already, by their `event_id`."""
        self.refused: Counter[str] = Counter()
        """Events by the reason of their refusal. A batch that was refused before its events were read counts as one."""
        self.requests: Counter[tuple[str, int]] = Counter()
        """Requests by group of routes and status, but for those that `alone` counts."""


class Committing:
    """Commits of the store that took entries in."""

    __slots__ = ("entries", "seconds")

    def __init__(self) -> None:
        self.entries = 0
        self.seconds = Histogram()
        """From the first statement until those who wait have heard."""


class Applying:
    """Batches of the engine, of all partitions that this process owns."""

    __slots__ = ("inputs", "seconds")

    def __init__(self) -> None:
        self.inputs = 0
        """Entries and timers."""
        self.seconds = Histogram()
        """From what was taken to its commit."""

    def add(self, inputs: int, seconds: float) -> None:
        """Count a batch."""
        self.inputs += inputs
        self.seconds.add(seconds)


class Delivering:
    """Attempts at deliveries."""

    __slots__ = ("ended", "retries")

    def __init__(self) -> None:
        self.ended: Counter[tuple[str, str]] = Counter()
        """By kind (push, http) and outcome (sent, failed, gone, expired)."""
        self.retries: Counter[str] = Counter()
        """Attempts that another is to follow, by kind."""

    def add(self, kind: str, outcome: str | None) -> None:
        """Count an attempt; without an outcome another follows."""
        if outcome is None:
            self.retries[kind] += 1
        else:
            self.ended[kind, outcome] += 1
