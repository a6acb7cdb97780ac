"""Gathers reports and writes them together: one commit for all that came in during the one before."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from clarion import faults
from clarion.delivery.backoff import Backoff
from clarion.outage import Outage
from clarion.store.port import StoreUnavailable
from clarion.store.records.deliveries import Delivery, Report

_BATCH: Final = 1024
_log: Final = structlog.get_logger("clarion.delivery")


class Outbox(Protocol):
    """The part of the store's port that delivery uses (`clarion.store.port.Store`)."""

    async def claim(self, limit: int, now: int) -> tuple[list[Delivery], int | None]: ...

    async def report(self, reports: Sequence[Report]) -> None: ...

    async def unclaim(self, deliveries: Sequence[str]) -> None: ...


class Reporter:
    """Writes reports until told to stop. While the store is unavailable they are kept; the worker sees to it that they stay few."""

    def __init__(self, outbox: Outbox, wrote: Callable[[Sequence[Report]], None], backoff: Backoff, outage: Outage) -> None:
        """`wrote` is called after each commit with what it held."""
        self._outage = outage
        self._outbox = outbox
        self._wrote = wrote
        self._backoff = backoff
        self._pending: list[Report] = []
        self._added = asyncio.Event()
        self._stopping = False

    @property
    def pending(self) -> int:
        """How many reports the store has not taken yet."""
        return len(self._pending)

    def add(self, report: Report) -> None:
        """Have a report written."""
        self._pending.append(report)
        self._added.set()

    def stop(self) -> None:
        """Let `run` return once everything is written."""
        self._stopping = True
        self._added.set()

    async def run(self) -> None:
        """Write what is added; returns after `stop`, when nothing is left."""
        while self._pending or not self._stopping:
            if not self._pending:
                self._added.clear()
                await self._added.wait()
                continue
            batch = self._pending[:_BATCH]
            try:
                await self._write(batch)
            except StoreUnavailable as error:
                self._outage.failed(error)
                await self._backoff.wait()
                continue
            self._backoff.reset()
            del self._pending[: len(batch)]
            self._wrote(batch)

    async def _write(self, batch: Sequence[Report]) -> None:
        try:
            faults.reach("report.before_commit")
            await self._outbox.report(batch)
            faults.reach("report.after_commit")
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one report that the store chokes on must not hold up the others
            if len(batch) == 1:
                # it stays claimed until this process ends, then is sent again with the same id
                _log.error("the store refuses a report", delivery=batch[0].delivery.id, error=str(error), exc_info=error)
                return
            for report in batch:
                await self._write([report])
