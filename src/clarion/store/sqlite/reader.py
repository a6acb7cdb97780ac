"""Reading: one connection, one query after the other, in a thread of its own or, while that is quick, without it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Final, TypeVar

import apsw

from clarion.store.port import StoreOverloaded, StoreUnavailable
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

    def __init__(
        self, connect: Callable[[], apsw.Connection], name: str, patience: float | None = None, most_waiting: int | None = None
    ) -> None:
        """A query that waits for its turn, or then takes, longer than `patience` seconds is broken off.

        An open read keeps the write-ahead log from being begun anew. Beyond `most_waiting` queries that wait, more are refused.
        """
        self._connect, self._patience, self._most = connect, patience, most_waiting
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
        """The result of `read`. Raises StoreUnavailable, StoreOverloaded, StoreError.

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
            return await self._read_apart(self._pool, self._connection, read)
        except apsw.Error as error:
            raise translated(error) from error

    async def _read_apart(self, pool: ThreadPoolExecutor, connection: apsw.Connection, read: Callable[[apsw.Connection], T]) -> T:
        if self._most is not None and self._apart > self._most:
            raise StoreOverloaded(f"{self._most} queries are waiting for their turn; no more may.")
        asked = monotonic()
        self._apart += 1
        work = asyncio.get_running_loop().run_in_executor(pool, self._read_in_turn, connection, read, asked)
        work.add_done_callback(self._ended)  # it has its turn also when nobody waits for it any more
        return await work

    def _ended(self, _: object) -> None:
        self._apart -= 1

    def _read_in_turn(self, connection: apsw.Connection, read: Callable[[apsw.Connection], T], asked: float) -> T:
        if self._patience is not None and monotonic() - asked > self._patience:
            raise StoreOverloaded(f"The query has waited for its turn for {self._patience:g} seconds.")
        return self._read(connection, read)

    def _read(self, connection: apsw.Connection, read: Callable[[apsw.Connection], T]) -> T:
        if self._patience is not None:
            give_up = monotonic() + self._patience
            connection.set_progress_handler(lambda: monotonic() > give_up, _STEPS_BETWEEN_LOOKS)
        return read(connection)
