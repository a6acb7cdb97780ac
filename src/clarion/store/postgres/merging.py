"""The logs of many partitions as one: which entries come next."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby, takewhile
from typing import NamedTuple

LogPlace = tuple[int, int, int]
"""(log time, partition, sequence): the order of a page."""


class Found(NamedTuple):
    """An event behind a place in a partition's log; or, with no sequence, that there is none up to where that log ends."""

    partition: int
    last: int
    """Where the partition's log ended when this was read."""
    sequence: int | None
    log_time: int | None
    size: int | None
    """Bytes of its body."""

    @property
    def place(self) -> LogPlace:
        """Of an event."""
        return self.log_time or 0, self.partition, self.sequence or 0


class Next(NamedTuple):
    """What comes next."""

    events: list[LogPlace]
    """In order."""
    size: int
    """Bytes of their bodies."""
    reached: dict[int, int]
    """By partition: the sequence up to which everything is among `events`, or is none."""
    more: bool
    """Whether there is more behind that already."""


def next_events(found: Sequence[Found], each: int, limit: int, most_bytes: int) -> Next:
    """The first `limit` events of those found, fewer when they are large but always one.

    `found` has up to `each` of each partition, in its order. Where a partition may have more than that, nothing is taken that stands behind
    the last of these: what was not read may come before it.
    """
    known = {partition: list(events) for partition, events in groupby(found, key=lambda one: one.partition)}
    counts = {partition: sum(one.sequence is not None for one in events) for partition, events in known.items()}
    cut = {partition for partition, count in counts.items() if count >= each}
    horizon = min((known[partition][-1].place for partition in cut), default=None)
    events = sorted((one for one in found if one.sequence is not None), key=lambda one: one.place)
    if horizon is not None:
        events = list(takewhile(lambda one: one.place <= horizon, events))
    taken, size = _fitting(events[:limit], most_bytes)
    reached = {one.partition: one.sequence or 0 for one in taken}
    used = Counter(one.partition for one in taken)
    whole = {partition for partition, count in counts.items() if partition not in cut and used[partition] == count}
    reached |= {partition: known[partition][0].last for partition in whole}
    return Next([one.place for one in taken], size, reached, len(whole) < len(known))


def _fitting(events: Iterable[Found], most_bytes: int) -> tuple[list[Found], int]:
    """The first, and as many after it as have so many bytes together."""
    taken: list[Found] = []
    size = 0
    for one in events:
        if taken and size + (one.size or 0) > most_bytes:
            break
        taken.append(one)
        size += one.size or 0
    return taken, size
