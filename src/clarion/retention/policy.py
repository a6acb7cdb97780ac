"""Removes what is too old: one kind after the other, in small steps with rests, while the rest of the server goes on."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from clarion.clock import DAY, MINUTE, SECOND, Clock
from clarion.config import Settings
from clarion.retention.erasing import Erasing
from clarion.retention.events import Events
from clarion.retention.pace import Pace, Sleep
from clarion.store.port import Store, StoreError

AT_ONCE: Final = 300
"""Rows removed in one step: a few milliseconds of the store's writer, between its other commits."""
EVERY: Final = 10
"""Seconds until the next look for people to be erased."""
LOOKS: Final = 10 * MINUTE // SECOND // EVERY
"""From one look for what is too old to the next."""
KINDS: Final = ("explanations", "deliveries", "runs", "events")
KEPT_JOBS: Final = 30 * DAY
"""After their end."""

_log = structlog.get_logger(__name__)


class Retention:
    """Keeps to the settings `keep_…` and `export_…`. At most one may run on a database at a time; it can be cancelled anywhere."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` is the store's: ages are told by the same clock as the times of the log."""
        self._store, self._settings, self._clock = store, settings, clock
        self._pace = Pace(sleep, steady)
        self._erasing = Erasing(store, settings.exports, clock, self._pace)
        self._events = Events(store, settings, clock, self._pace)

    async def run(self) -> None:
        """Look every few seconds, or minutes, until cancelled."""
        for look in itertools.count():
            if look % LOOKS == 0:
                await self.forget()
            await self.erase()
            await self._pace.wait(EVERY)

    async def erase(self) -> int:
        """Work off what there is of erasures; returns how many are done."""
        try:
            return await self._erasing.work()
        except (StoreError, OSError) as error:
            _log.warning("a person could not be erased everywhere yet; trying again", error=str(error))
            return 0

    async def forget(self) -> dict[str, int]:
        """One pass over all kinds; returns how many rows of each were removed. Where the store fails, the other kinds have their turn."""
        removed = {}
        for kind in KINDS:
            try:
                removed[kind] = await self._forget_events() if kind == "events" else await self._forget(kind)
            except StoreError as error:
                _log.warning("what is too old could not be removed; trying again later", kind=kind, error=str(error))
        try:
            removed["jobs"] = await self._forget_jobs()
        except StoreError as error:
            _log.warning("what is too old could not be removed; trying again later", kind="jobs", error=str(error))
        return removed

    async def _forget(self, kind: str) -> int:
        keep = self._settings.kept(kind)
        return 0 if keep is None else await self._remove(kind, self._clock() - keep)

    async def _forget_jobs(self) -> int:
        """Imports and erasures that are over."""
        before = self._clock() - KEPT_JOBS
        return await self._in_steps(lambda: self._store.forget_jobs(before, AT_ONCE))

    async def _forget_events(self) -> int:
        cut = await self._events.prepare()
        if cut is None:
            return 0
        removed = await self._remove("events", cut)
        await self._events.forgotten(cut)
        return removed

    async def _remove(self, kind: str, before: int) -> int:
        return await self._in_steps(lambda: self._store.forget(kind, before, AT_ONCE))

    async def _in_steps(self, forget: Callable[[], Awaitable[int]]) -> int:
        removed = 0
        while True:
            began = self._pace.began()
            step = await forget()
            if not step:  # fewer than there may be does not say that these were the last: not all of one time stand together
                return removed
            removed += step
            await self._pace.rest(began)
