"""When snapshots are taken before events go, and how long they are kept (semantics §8)."""

from collections.abc import Iterable
from typing import Final

from clarion.retention.pace import Pace
from clarion.store.port import Store

SHARE: Final = 4
"""Before events go, the newest snapshot is at most this part of `keep_events` old, or nothing was logged since."""
NEWEST: Final = 2
"""Snapshots of a partition that are kept in any case; the others as long as the log behind them is."""
PARTS_AT_ONCE: Final = 8
"""Removed in one step: two megabytes at most, for parts are bounded."""


class Snapshots:
    """Takes and removes snapshots."""

    def __init__(self, store: Store, pace: Pace) -> None:
        self._store, self._pace = store, pace

    async def take(self, partitions: Iterable[int], now: int, keep: int) -> None:
        """See to it that each of these partitions has a new enough snapshot. Raises StoreError."""
        for partition in partitions:
            newest = (await self._store.snapshots(partition))[:1]
            if not newest or newest[0].log_time < now - keep // SHARE:
                began = self._pace.began()
                await self._store.take_snapshot(partition)
                await self._pace.rest(began)

    async def forget(self, cut: int) -> None:
        """Remove those that are older than the log that is left, and what is left of broken ones. Raises StoreError."""
        for partition in range(self._store.partitions):
            newest = (await self._store.snapshots(partition))[:NEWEST]
            before = min([cut, *(one.log_time for one in newest)])
            while True:
                began = self._pace.began()
                if not await self._store.forget_snapshots(partition, before, PARTS_AT_ONCE):
                    break
                await self._pace.rest(began)
