"""`Pulse`: a connection apart for what is asked each second and must be answered soon: the beat, and the configuration's generation.

It waits behind no other call. And it notices that the network was cut, which tells nobody: where an answer does not come, and a new
connection cannot be had either, the other connections have none to expect.
"""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]  # it carries no types

from clarion.store.port import StoreUnavailable
from clarion.store.postgres.connection import connect
from clarion.store.postgres.errors import translated

ANSWER_SECONDS: Final = 0.75
"""For an answer on the connection that there is; then for a new one, which may come for the next question, and for the answer on that."""
PARTING_SECONDS: Final = 0.5


class Refused(StoreUnavailable):
    """The server answers, and gives no other connection: those that there are may serve."""


class Pulse:
    """One connection, made when it is needed, and anew when it does not answer; one call at a time."""

    def __init__(self, url: str, gone: Callable[[float], None], there: Callable[[], None]) -> None:
        """`gone` is told when the database is out of reach, and since when (`time.monotonic`); `there` when it has answered."""
        self._url, self._gone, self._there = url, gone, there
        self._connection: Any = None
        self._coming: asyncio.Task[Any] | None = None
        """The next connection."""
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Connect, without haste. Raises StoreUnavailable, StoreError."""
        async with self._turn:
            try:
                self._connection = await connect(self._url)
            except Exception as error:
                raise translated(error) from error

    async def fetchval(self, query: str, *args: Any) -> Any:
        """The first value of the first row of a statement that may be carried out twice. Raises StoreUnavailable, StoreError."""
        async with self._turn:
            began = monotonic()
            try:
                value = await self._asked(query, args, began)
            except Exception as error:
                self._part()
                raise translated(error) from error
            except BaseException:
                self._part()  # the answer may still come
                raise
        self._there()
        return value

    async def close(self) -> None:
        """Disconnect."""
        async with self._turn:
            coming, self._coming = self._coming, None
            if coming is not None:
                coming.cancel()
                for come in await asyncio.gather(coming, return_exceptions=True):
                    if not isinstance(come, BaseException):
                        come.terminate()
            connection, self._connection = self._connection, None
            if connection is not None and not connection.is_closed():
                try:
                    await connection.close(timeout=PARTING_SECONDS)
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    connection.terminate()

    async def _asked(self, query: str, args: tuple[Any, ...], began: float) -> Any:
        if self._connection is not None and not self._connection.is_closed():
            try:
                return await self._connection.fetchval(query, *args, timeout=ANSWER_SECONDS)
            except TimeoutError:
                pass  # it is the connection, or the way, or the server
        self._part()
        self._connection = await self._anew(began)
        return await self._connection.fetchval(query, *args, timeout=ANSWER_SECONDS)

    async def _anew(self, began: float) -> Any:
        """Another connection. Raises StoreUnavailable, also while there is still hope of one: then the next question finds it."""
        if self._coming is None:
            self._coming = asyncio.create_task(connect(self._url), name="pulse")
            self._coming.add_done_callback(_noted)
        coming = self._coming
        await asyncio.wait([coming], timeout=ANSWER_SECONDS)
        if not coming.done():
            self._gone(began)
            raise StoreUnavailable("The database does not answer.")
        self._coming = None
        error = coming.exception()
        if error is None:
            return coming.result()
        if isinstance(error, TimeoutError | OSError):  # what was heard by other connections just before shows that these are well
            self._gone(min(began, monotonic() - ANSWER_SECONDS))
            raise StoreUnavailable(f"The database cannot be reached: {error}") from error
        raise Refused(f"The database lets nobody else in: {error}") from error

    def _part(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _noted(attempt: asyncio.Task[Any]) -> None:
    """Nobody may ask any more what became of it."""
    if not attempt.cancelled():
        attempt.exception()
