"""What is kept for a while is forgotten in small steps: event ids by the owners of their partitions, all else when it is told to."""

import asyncio
from collections.abc import Callable, Collection
from typing import Final

import structlog

from clarion.clock import DAY, HOUR, MINUTE, SECOND, Clock
from clarion.store.port import StoreError
from clarion.store.postgres.connection import Database
from clarion.store.postgres.periods import TABLES, clear_periods, drop_period, ensure_periods, late_periods
from clarion.store.statements import load_statements

KEPT: Final = 48 * HOUR
"""The contract promises 24 h."""
KEPT_OF_RECEIPTS: Final = 30 * DAY
"""A push can live for 28 days, and be clicked again on the last."""
KEPT_OF_BATCHES: Final = 10 * MINUTE
"""Much longer than anybody asks what became of one."""

AT_ONCE: Final = 1_000
"""Rows removed in one step, a few milliseconds of one connection's time."""
EVERY: Final = MINUTE / SECOND
"""Seconds between two rounds over the partitions that this process owns."""
PERIODS_EVERY: Final = 60
"""Rounds between two looks at the periods."""

_SQL = load_statements(__package__, "forgetting")
_log = structlog.get_logger(__name__)


class Forgetting:
    """`forget` of the port; and the chore that every process does for its partitions."""

    def __init__(self, database: Database, partitions: Callable[[], int], owned: Callable[[], Collection[int]], clock: Clock) -> None:
        """`partitions`: how many there are; `owned`: which of them this process owns."""
        self._database, self._partitions, self._owned, self._clock = database, partitions, owned, clock
        self._places: dict[str, int] = {}
        """By kind: in which partition the last step ended."""

    async def forget(self, kind: str, before: int, limit: int) -> int:
        """As in the port: a period that is over; else rows, going round the partitions until some are found.

        A period of deliveries that could not go a week after its time, as one of them has ended lately or not at all, loses the others.
        """
        if kind in TABLES:
            dropped = await drop_period(self._database, kind, before)
            if dropped:
                return dropped
        if kind == "deliveries":
            until = await late_periods(self._database, before)
            removed = 0 if until is None else await self._round("late deliveries", "forget_late_deliveries", before, limit, until)
            if removed:
                return removed
        return await self._round(kind, f"forget_{kind}", before, limit)

    async def _round(self, kind: str, statement: str, before: int, limit: int, *more: int) -> int:
        removed, count = 0, self._partitions()
        for _ in range(count):
            partition = self._places.get(kind, 0) % count
            removed += await self._step(statement, partition, before, limit - removed, *more)
            if removed >= limit:
                break  # there may be more here
            self._places[kind] = partition + 1
        return removed

    async def run(self) -> None:
        """The chore, until cancelled. What cannot be done now is done the next time."""
        rounds = 0
        while True:
            try:
                if rounds % PERIODS_EVERY == 0:
                    await ensure_periods(self._database)
                    await clear_periods(self._database, self._clock())
                await self.forget_ids()
                rounds += 1
            except StoreError as error:
                _log.warning("a chore of the database could not be done; trying again", error=str(error))
            await asyncio.sleep(EVERY)

    async def forget_ids(self) -> int:
        """Forget event ids, and batches of ingest, of the partitions that this process owns; returns how many went."""
        removed, now = 0, self._clock()
        wanted: tuple[tuple[str, int | str], ...] = (
            ("forget_claims", now - KEPT),
            ("forget_claims_of_receipts", now - KEPT_OF_RECEIPTS),
            ("forget_batches", f"{max(now - KEPT_OF_BATCHES, 0) // 1_000:012x}{0:020x}"),
        )
        for partition in sorted(self._owned()):
            for statement, before in wanted:
                step = AT_ONCE
                while step >= AT_ONCE:  # more, where several are of one time
                    step = await self._step(statement, partition, before, AT_ONCE)
                    removed += step
        return removed

    async def _step(self, statement: str, partition: int, before: int | str, limit: int, *more: int) -> int:
        tag = await self._database.execute(_SQL[statement], partition, before, limit, *more)
        return int(tag.rpartition(" ")[2])
