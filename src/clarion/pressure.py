"""Back-pressure: how far the engines are behind and how much room is left, and whether events are taken all the same.

What was accepted is on disk and safe, so ingest goes on while engines fall behind, but not without end: past a limit it is closed, until
things are well again. Each of several api processes judges for itself; they look at the same store, so they agree within a second or so.
"""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, Protocol, runtime_checkable

import msgspec
import structlog

from clarion.clock import SECOND, Clock
from clarion.config import Settings
from clarion.domain.durations import format_duration
from clarion.sizes import format_size
from clarion.store.port import Store, StoreError
from clarion.store.records.lags import Lag

EVERY: Final = 1.0
"""Seconds between two looks."""
SPARING: Final = 20
"""A look that took long is followed by a pause so many times as long: to watch must not be what a busy database is busy with."""
SIZE_EVERY: Final = 30.0
"""Seconds between two looks at the database's size: for PostgreSQL it is the sum over all of its files."""

PATIENCE: Final = 5.0
"""Seconds after which a store that has not answered is taken for one that does not."""

_log = structlog.get_logger(__name__)


class Measure(NamedTuple):
    """How near a limit is. It is reached when `amount` is above `most`; it is over when `amount` is below 90 % of that."""

    setting: str
    """max_lag, max_inbox, min_free_disk or max_database_size."""
    amount: int
    most: int

    @property
    def is_reached(self) -> bool:
        """Past the limit."""
        return self.amount > self.most

    @property
    def is_over(self) -> bool:
        """Well below the limit again."""
        return self.amount * 10 < self.most * 9

    @property
    def part(self) -> float:
        """Of the limit: above 1 it is reached."""
        return self.amount / self.most if self.most else float(self.amount)

    def __str__(self) -> str:
        match self.setting:
            case "max_lag":
                return f"the oldest entry has waited {_seconds(self.amount)} of {_seconds(self.most)}"
            case "max_inbox":
                return f"{self.amount} entries wait, of {self.most}"
            case "min_free_disk":
                return f"{format_size(self.most)} are free, of which {format_size(self.amount)} have to be"
            case _:
                return f"the database has {format_size(self.amount)} of {format_size(self.most)}"


def _seconds(duration: int) -> str:
    return format_duration(duration // SECOND * SECOND)


class Limits(msgspec.Struct, frozen=True):
    """Where ingest closes; None: no limit."""

    lag: int | None = None
    """Microseconds that the oldest inbox entry may wait."""
    inbox: int | None = None
    """Entries in all inboxes."""
    free_disk: int | None = None
    """Bytes."""
    database_size: int | None = None
    """Bytes."""

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """What the settings say."""
        return cls(settings.lag_allowed, settings.max_inbox or None, settings.free_disk_kept, settings.database_size_allowed)

    def measures(self, lags: Sequence[Lag], now: int, free: int | None, size: int | None) -> list[Measure]:
        """How near each limit is that there is; `free` and `size` in bytes, None where nobody knows."""
        found = []
        if self.lag is not None:
            found.append(Measure("max_lag", oldest_age(lags, now), self.lag))
        if self.inbox is not None:
            found.append(Measure("max_inbox", sum(lag.inbox for lag in lags), self.inbox))
        if self.free_disk is not None and free is not None:
            found.append(Measure("min_free_disk", self.free_disk, free))  # the less is free, the nearer
        if self.database_size is not None and size is not None:
            found.append(Measure("max_database_size", size, self.database_size))
        return found


def oldest_age(lags: Sequence[Lag], now: int) -> int:
    """Microseconds that the oldest entry of all inboxes has waited; 0 if none waits."""
    return max((now - lag.oldest for lag in lags if lag.oldest is not None and lag.oldest < now), default=0)


@runtime_checkable
class Sized(Protocol):
    """A store that knows how large its database is."""

    async def database_bytes(self) -> int:
        """Bytes that the database takes on its disk."""


class Pressure:
    """Watches the store and the disk. `closed` says whether events are taken."""

    def __init__(
        self,
        read_lags: Callable[[], Awaitable[list[Lag]]],
        now: Clock,
        limits: Limits,
        *,
        free: Callable[[], int] | None = None,
        size: Callable[[], Awaitable[int]] | None = None,
        steady: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`now` is the store's clock; `free` says how many bytes the disk has left, `size` how many the database takes."""
        self._read_lags, self._now, self._limits, self._free, self._size = read_lags, now, limits, free, size
        self._steady, self._sleep = steady, sleep
        self._stirred = True
        self._looking = asyncio.Lock()
        self._looked = float("-inf")
        self._sized = float("-inf")
        self._bytes: int | None = None
        self.closed: tuple[str, ...] = ()
        """Names of the limits that keep ingest closed; empty while events are taken."""
        self.lags: list[Lag] = []
        """As of the last look."""
        self.measures: list[Measure] = []
        """As of the last look."""
        self.is_available = True
        """Whether the store answered the last look."""

    @classmethod
    def over(cls, store: Store, settings: Settings) -> "Pressure":
        """For a store and the disk that it lies on."""
        file = settings.database
        return cls(
            store.lags,
            store.now,
            Limits.of(settings),
            free=None if file is None else lambda: free_bytes(file),
            size=store.database_bytes if isinstance(store, Sized) else None,
        )

    def changed(self, what: str, partitions: Collection[int] = ()) -> None:
        """For `Store.on_change`: there may be something in an inbox."""
        if what == "inbox":
            self._stirred = True

    async def judge(self) -> None:
        """Judge by the room that is left, and by what the last look has found.

        Before the first, that is nothing: what has waited since before the process began gets a moment to be worked off.
        """
        async with self._looking:
            await self._judge()

    async def run(self) -> None:
        """Watch until cancelled. While nothing comes in and nothing waits, only the disk is looked at."""
        pause = EVERY
        while True:
            await self._sleep(pause)
            began = self._steady()
            if self._stirred or self.closed or not self.is_available or any(lag.inbox for lag in self.lags):
                await self.look()
            else:
                await self.judge()
            pause = max(EVERY, SPARING * (self._steady() - began))

    async def look(self) -> None:
        """Look now, and judge. A store that does not answer leaves the judgement about its inboxes as it was."""
        async with self._looking:
            await self._look()

    async def freshen(self) -> None:
        """Look, unless that was done less than a second ago."""
        async with self._looking:
            if self._steady() - self._looked >= EVERY:
                await self._look()

    async def _look(self) -> None:
        self._stirred = False  # first: what comes in from now on is a reason to look again
        try:
            async with asyncio.timeout(PATIENCE):
                self.lags = await self._read_lags()
            self.is_available = True
        except (StoreError, TimeoutError):
            self.is_available = False
        self._looked = self._steady()
        await self._judge()

    async def _judge(self) -> None:
        self.measures = self._limits.measures(self.lags, self._now(), self._free_now(), await self._size_now())
        was = self.closed
        self.closed = tuple(one.setting for one in self.measures if one.is_reached or (one.setting in was and not one.is_over))
        if self.closed != was:
            self._tell(was)

    def _tell(self, was: tuple[str, ...]) -> None:
        if not self.closed:
            _log.info("events are taken again")
            return
        limits = {one.setting: str(one) for one in self.measures if one.setting in self.closed}
        _log.warning("the limits that keep events out have changed" if was else "events are answered 503 until this is over", **limits)

    def _free_now(self) -> int | None:
        if self._free is None or self._limits.free_disk is None:
            return None
        try:
            return self._free()
        except OSError:
            return None

    async def _size_now(self) -> int | None:
        if self._size is None or self._limits.database_size is None:
            return None
        if self._steady() - self._sized >= SIZE_EVERY:
            self._sized = self._steady()
            with suppress(StoreError, TimeoutError):  # then the size that was known stands
                async with asyncio.timeout(PATIENCE):
                    self._bytes = await self._size()
        return self._bytes


def free_bytes(file: Path) -> int:
    """Bytes that may still be written beside a file. Raises OSError."""
    return shutil.disk_usage(file.parent).free
