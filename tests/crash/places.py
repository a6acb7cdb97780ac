"""Where a shop keeps its data: what a test looks at is read from there by plain SQL, not through the code under test."""

import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import apsw
import asyncpg  # type: ignore[import-untyped]  # it carries no types

from clarion.config import DATABASE_FILE

LEASE = "2"
"""Seconds for which a killed process keeps what it had, before the next one takes it."""

Look = Callable[[str], Any]
"""`await look(sql)` gives all rows as tuples."""


class Place(Protocol):
    """A data directory with its database."""

    data: Path
    is_spread: bool
    """Whether what is sent to one partition may overtake what another has to pass on."""

    @property
    def variables(self) -> Mapping[str, str]:
        """Settings of whoever works on it, as variables."""

    def looking(self) -> AbstractAsyncContextManager[Look]:
        """Look at the database beside a running server; has to be over before that is killed, or its recovery would be another one."""

    def glimpsing(self) -> AbstractAsyncContextManager[Look]:
        """Look at what a server left behind that is dead: the next one has to recover it by itself, and finds it untouched."""


class SqlitePlace:
    """The database is a file in the directory."""

    is_spread = False

    def __init__(self, data: Path) -> None:
        self.data = data
        self.variables: Mapping[str, str] = {}

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[Look]:
        connection = apsw.Connection(str(self.data / DATABASE_FILE))
        connection.set_busy_timeout(5_000)
        connection.pragma("query_only", True)

        async def look(sql: str) -> list[tuple[Any, ...]]:
            return connection.execute(sql).fetchall()

        try:
            yield look
        finally:
            connection.close()

    @asynccontextmanager
    async def glimpsing(self) -> AsyncIterator[Look]:
        beside = self.data.with_name("copy")
        shutil.copytree(self.data, beside)
        try:
            async with SqlitePlace(beside).looking() as look:
                yield look
        finally:
            shutil.rmtree(beside)


class PostgresPlace:
    """The database is on a server that lives on when Clarion's processes die."""

    is_spread = True

    def __init__(self, data: Path, url: str) -> None:
        self.data = data
        self.url = url
        self.variables: Mapping[str, str] = {"CLARION_DATABASE_URL": url, "CLARION_NODE_LEASE_SECONDS": LEASE}

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[Look]:
        connection = await asyncpg.connect(self.url)

        async def look(sql: str) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in await connection.fetch(sql)]

        try:
            yield look
        finally:
            await connection.close()

    @asynccontextmanager
    async def looking_again(self) -> AsyncIterator[Look]:
        """As `looking`, with a connection for each look: the database may be restarted in between."""

        async def look(sql: str) -> list[tuple[Any, ...]]:
            async with self.looking() as once:
                rows: list[tuple[Any, ...]] = await once(sql)
                return rows

        yield look

    def glimpsing(self) -> AbstractAsyncContextManager[Look]:
        return self.looking()
