"""The PostgreSQL server of a benchmark: a real one, with fsync, on the disk; its databases, and what it uses."""

import asyncio
import itertools
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import msgspec
from tests.postgres import Server

from bench.plan import PostgresPlan
from bench.usage import cpu_seconds
from clarion.store.postgres.migrations import migrate

T = TypeVar("T")

_COUNTERS: Final = """
SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint, sum(xact_commit)::bigint FROM pg_stat_database
"""
FLUSH_SECONDS: Final = 1.2
"""Sessions report what they have committed up to a second later."""


class Counters(msgspec.Struct, frozen=True, array_like=True):
    """What a server has done since it was made."""

    wal_bytes: int
    commits: int


class Postgres:
    """A server that runs, and databases on it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._numbers = itertools.count(1)
        pidfile = server.directory / "data" / "postmaster.pid"
        self.pid = int(pidfile.read_text().split("\n", 1)[0])
        """Of the process that all others of the server descend from."""

    def empty(self) -> str:
        """URL of a new database without tables."""
        return self._made("template0")

    def copy(self, url: str) -> str:
        """URL of a new database with all that is in another, which nobody uses just now."""
        return self._made(_name(url))

    def _made(self, template: str) -> str:
        name = f"bench_{next(self._numbers)}"
        execute(self._server.url, f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._server.url_of(name)

    def made(self, partitions: int) -> str:
        """URL of a new database with Clarion's tables."""
        url = self.empty()
        apart(migrate(url, partitions=partitions))
        return url

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still in it."""
        execute(self._server.url, f"DROP DATABASE {_name(url)} WITH (FORCE)")

    def settle(self) -> None:
        """Write out what is dirty, so that it is not written while something else is measured."""
        execute(self._server.url, "CHECKPOINT")

    def cpu(self) -> float:
        """Seconds of CPU that all of its processes have used up to now."""
        return cpu_seconds(self.pid)

    def counters(self) -> Counters:
        """Of all databases."""
        return only(self._server.url, _COUNTERS, Counters)

    def version(self) -> str:
        """As it says itself."""
        return only(self._server.url, "SHOW server_version", tuple[str])[0]


@contextmanager
def started(plan: PostgresPlan) -> Iterator[Postgres]:
    """A server with the plan's settings, for the block. Its data are gone afterwards."""
    server = Server(synced=True, settings=plan.settings)
    try:
        yield Postgres(server)
    finally:
        server.close()


def execute(url: str, *statements: str) -> None:
    """Run statements on a database, one after the other, each as a transaction of its own."""
    apart(_execute(url, statements))


def rows(url: str, sql: str, row: type[T], *values: object) -> list[T]:
    """What a query gives. Raises msgspec.ValidationError where its rows are not of that kind."""
    return [msgspec.convert(tuple(one), row) for one in apart(_fetch(url, sql, values))]


def only(url: str, sql: str, row: type[T], *values: object) -> T:
    """The one row that a query gives. Raises LookupError."""
    found = rows(url, sql, row, *values)
    if len(found) != 1:
        raise LookupError(f"{len(found)} rows in place of one: {sql}")
    return found[0]


def _name(url: str) -> str:
    return url.rsplit("/", 1)[1]


def apart(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns, run in a thread with a loop of its own: the caller may be inside of one."""
    result: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            result.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001 - it is raised below, where it belongs
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return result[0]


async def _execute(url: str, statements: tuple[str, ...]) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _fetch(url: str, sql: str, values: tuple[object, ...]) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(sql, *values))
    finally:
        await connection.close()
