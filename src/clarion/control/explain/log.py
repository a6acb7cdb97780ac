"""Finding one event in the log, which has no index by id: it is in order of time, so halving finds the place."""

from collections.abc import Callable
from typing import Final

from clarion.clock import SECOND
from clarion.store.port import NotFound, Store
from clarion.store.records.entries import EntryKind, LogRow
from clarion.store.records.poisoned import Poisoned
from clarion.store.records.sites import Site

SLACK: Final = 5 * SECOND
"""By how much the order of the log may differ from that in which events were received."""
PAGE: Final = 1_000
MOST_PAGES: Final = 20
MOST_INBOX: Final = 1_000
"""Entries of an inbox that are looked at."""

Time = Callable[[LogRow], int]


async def find_logged(store: Store, site: Site, id: str, at: int | None = None) -> LogRow | None:
    """An event of the log; `at` is its log time, where that is known. None if it is not found."""
    if at is not None:
        return await _search(store, site, id, lambda row: row.log_time or 0, at, at)
    received = _received(id)
    return None if received is None else await _search(store, site, id, lambda row: row.received, received - SLACK, received + SLACK)


async def is_in_inbox(store: Store, id: str) -> bool:
    """Whether an entry waits to be taken, as far as is looked."""
    for partition in range(store.partitions):
        taken = await store.take(partition, MOST_INBOX, 0, 0)
        if any(entry.id == id for entry in taken.entries):
            return True
    return False


async def find_set_aside(store: Store, site: Site, id: str) -> Poisoned | None:
    """An event that could not be applied."""
    try:
        found = await store.poisoned_input(site.id, id)
    except NotFound:
        return None
    return found if found.kind == EntryKind.EVENT else None


async def _search(store: Store, site: Site, id: str, time: Time, earliest: int, latest: int) -> LogRow | None:
    after = await _before(store, site, time, earliest)
    for _ in range(MOST_PAGES):
        page = await store.events(site.id, after, PAGE)
        for row in page:
            if row.id == id:
                return row
        if len(page) < PAGE or time(page[-1]) > latest:
            return None
        after = page[-1].sequence or 0
    return None


async def _before(store: Store, site: Site, time: Time, earliest: int) -> int:
    """A sequence below that of the first event of a time or later."""
    newest = await store.events(site.id, -1, 1)
    low, high = 0, (newest[0].sequence or 0) if newest else 0
    while low < high:
        middle = (low + high) // 2
        found = await store.events(site.id, middle, 1)
        if found and time(found[0]) < earliest:
            low = found[0].sequence or high
        else:
            high = middle
    return low


def _received(id: str) -> int | None:
    """When an event was received, from the time in its id (`clarion.fresh_ids`); None for an id that holds none."""
    if len(id) != 32 or id[12] != "7":
        return None
    try:
        return int(id[:12], 16) * 1_000
    except ValueError:
        return None
