"""Events, or timers, through an engine on PostgreSQL: a process with the store and the owners of all its partitions.

The owners are at rest; then everything is there at one moment, by one COPY, or because its time has come.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Final, Literal

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import msgspec

from bench import apart
from bench.engine import owned, publish
from bench.engine_events import entries, entry
from bench.postgres.server import Postgres
from bench.postgres.watched import WatchedPostgres, opened
from bench.usage import cpu_seconds
from clarion.clock import SECOND, wall_clock
from clarion.store.postgres.entries import columns
from clarion.store.postgres.signals import CHANNEL
from clarion.store.records.entries import NewEntry

COLUMNS: Final = ("partition", "kind", "site", "id", "body", "received")
_NOTE: Final = '{"sender":"bench","changes":{"inbox":[]}}'
"""What the processes tell each other: there may be something in any inbox."""
_WAL: Final = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
_AHEAD: Final = 1.0
_AHEAD_OF_EACH: Final = 0.03
"""Seconds that an engine has to come up before its timers are due: so many, and so many more for each partition."""
_SECONDS: Final = 300.0


class Question(msgspec.Struct, frozen=True):
    """One measurement."""

    url: str
    server: int
    """Pid of PostgreSQL."""
    site: int
    kind: Literal["event", "timer"]
    count: int
    profiles: list[tuple[str, int]] = []
    """Whom the events are about, in turn, and in which partitions; none: those of (e)."""
    instant: int = 0
    """When the timers are due, in UTC microseconds."""


class Answer(msgspec.Struct, frozen=True):
    """Of one measurement, seconds of one input."""

    seconds: float
    cpu: float
    database_cpu: float
    per_commit: float
    wal_bytes: float


def measure(question: Question, directory: Path) -> Answer:
    """Measure in a process of its own. Raises ChildFailed."""
    return apart.ask("bench.postgres.apply", question, Answer, directory / "apply.err", _SECONDS)


class Prepared:
    """Databases with a site that has workflows, which all owners know: made once, and copied for each measurement."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._made: dict[tuple[int, tuple[str, ...]], tuple[str, int]] = {}

    def copy(self, partitions: int, documents: Sequence[str]) -> tuple[str, int]:
        """URL of a fresh one, and the site's id."""
        key = partitions, tuple(documents)
        if key not in self._made:
            url = self._postgres.made(partitions)
            self._made[key] = url, asyncio.run(_published(url, documents))
        url, site = self._made[key]
        return self._postgres.copy(url), site


async def _published(url: str, documents: Sequence[str]) -> int:
    async with opened(url) as store:
        return (await publish(store, documents)).id


async def put(connection: Any, given: Sequence[NewEntry]) -> None:
    """Put entries into their inboxes, all at one moment."""
    records = zip(*columns(given), strict=True)
    await connection.copy_records_to_table("inbox", records=list(records), columns=COLUMNS)


async def tell(connection: Any) -> None:
    """Wake the engines, as the api does whose events have been stored."""
    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, _NOTE)


# -- in the process that measures ----------------------------------------------------------------------------------------


async def _measure(asked: Question) -> Answer:
    connection = await asyncpg.connect(asked.url)
    try:
        async with opened(asked.url) as store:
            return await (_events(asked, store, connection) if asked.kind == "event" else _timers(asked, store, connection))
    finally:
        await connection.close()


async def _events(asked: Question, store: WatchedPostgres, connection: Any) -> Answer:
    warm = entries(2 * store.partitions, asked.site, store.partitions)
    given = _about(asked) if asked.profiles else entries(asked.count, asked.site, store.partitions)
    async with owned(store):
        goal = store.seen.moved + len(warm)
        await put(connection, warm)
        await tell(connection)
        await store.seen.until(lambda: store.seen.moved >= goal, _SECONDS)
        goal += len(given)
        await put(connection, given)
        spent = await _Spent.begun(asked, store, connection)
        await tell(connection)
        await store.seen.until(lambda: store.seen.moved >= goal, _SECONDS)
        return await spent.ended(asked.count)


async def _timers(asked: Question, store: WatchedPostgres, connection: Any) -> Answer:
    ahead = _AHEAD + store.partitions * _AHEAD_OF_EACH
    shift, instant = asked.instant - round(ahead * SECOND) - wall_clock(), perf_counter() + ahead
    async with owned(store, lambda: wall_clock() + shift):
        if perf_counter() > instant - _AHEAD / 2:
            raise TimeoutError("the owners were not up in time")
        await asyncio.sleep(instant - perf_counter())
        spent = await _Spent.begun(asked, store, connection)
        await store.seen.until(lambda: store.seen.ended >= asked.count, _SECONDS)
        return await spent.ended(asked.count)


def _about(asked: Question) -> list[NewEntry]:
    known = asked.profiles
    return [entry(number, asked.site, *known[number % len(known)]) for number in range(asked.count)]


class _Spent:
    """What was spent from a moment on."""

    def __init__(self, asked: Question, store: WatchedPostgres, connection: Any, wal: int) -> None:
        self._asked, self._store, self._connection, self._wal = asked, store, connection, wal
        self._commits, self._server, self._cpu, self._began = store.seen.commits, cpu_seconds(asked.server), process_time(), perf_counter()

    @classmethod
    async def begun(cls, asked: Question, store: WatchedPostgres, connection: Any) -> "_Spent":
        return cls(asked, store, connection, await connection.fetchval(_WAL))

    async def ended(self, count: int) -> Answer:
        took, cpu, server = self._store.seen.last - self._began, process_time() - self._cpu, cpu_seconds(self._asked.server) - self._server
        wal = await self._connection.fetchval(_WAL) - self._wal
        return Answer(took / count, cpu / count, server / count, count / (self._store.seen.commits - self._commits), wal / count)


if __name__ == "__main__":
    apart.answer(Question, _measure)
