"""Reading: one connection, one query after the other, in a thread of its own or, while that is quick, without it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Final, TypeVar

import apsw

from clarion.store.port import StoreUnavailable
from clarion.store.sqlite.connection import translated

T = TypeVar("T")

_STEPS_BETWEEN_LOOKS: Final = 1_000_000
"""Steps of SQLite's machine between two looks at the time: some hundredths of a second."""

SLOW: Final = 0.005
"""Seconds. A query that took longer, from a cold disk for one, sends those after it to the thread, so that the event loop does not wait."""
APART_FOR: Final = 1.0
"""Seconds for which it does."""


class Reader:
    """Runs functions on its own connection."""

    def __init__(self, connect: Callable[[], apsw.Connection], name: str, patience: float | None = None) -> None:
        """A query that takes longer than `patience` seconds is broken off: an open read keeps the write-ahead log from being begun anew."""
        self._connect, self._patience = connect, patience
        self._apart_until = 0.0
        self._apart = 0
        """Queries that are in the thread."""
        self._name = name
        self._pool: ThreadPoolExecutor | None = None
        self._connection: apsw.Connection | None = None

    async def start(self) -> None:
        """Connect; raises what connecting raises."""
        loop = asyncio.get_running_loop()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=self._name)
        try:
            self._connection = await loop.run_in_executor(self._pool, self._connect)
        except BaseException:
            self._pool.shutdown()
            self._pool = None
            raise

    async def stop(self) -> None:
        """Finish what is queued, then disconnect."""
        pool, self._pool = self._pool, None
        if pool is not None and self._connection is not None:
            await asyncio.get_running_loop().run_in_executor(pool, self._connection.close)
            pool.shutdown()

    async def call(self, read: Callable[[apsw.Connection], T], *, small: bool = False) -> T:
        """The result of `read`. Raises StoreUnavailable, StoreError.

        A `small` one looks up a few rows by index: it runs in the event loop's thread as long as such are quick, since going to another
        thread and back costs more than they do.
        """
        if self._pool is None or self._connection is None:
            raise StoreUnavailable("The store is not open.")
        try:
            if small and self._apart == 0 and (began := monotonic()) >= self._apart_until:
                try:
                    return self._read(self._connection, read)
                finally:
                    if (ended := monotonic()) - began > SLOW:
                        self._apart_until = ended + APART_FOR
            self._apart += 1
            try:
                return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, self._connection, read)
            finally:
                self._apart -= 1
        except apsw.Error as error:
            raise translated(error) from error

    def _read(self, connection: apsw.Connection, read: Callable[[apsw.Connection], T]) -> T:
        if self._patience is not None:
            give_up = monotonic() + self._patience
            connection.set_progress_handler(lambda: monotonic() > give_up, _STEPS_BETWEEN_LOOKS)
        return read(connection)
