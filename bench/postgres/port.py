"""(h) Into the inbox without a server around the store, in a process of its own; and what COPY makes of the same rows and table.

Callers put the same entries in again and again: as many calls are under way at a time as the store is given.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import msgspec

from bench import apart
from bench.engine import DATABASE
from bench.event import PROFILES, encode
from bench.plan import PostgresPlan
from bench.postgres.apply import COLUMNS
from bench.postgres.results import AtPort
from bench.postgres.server import Postgres
from bench.progress import say
from bench.usage import cpu_seconds
from clarion.clock import wall_clock
from clarion.domain.ids import partition_of
from clarion.domain.records import Event
from clarion.fresh_ids import fresh_id
from clarion.store.port import Store, StoreError
from clarion.store.postgres.entries import columns
from clarion.store.postgres.store import PostgresStore
from clarion.store.records.entries import Appended, EntryKind, NewEntry
from clarion.store.sqlite.migrations import migrate
from clarion.store.sqlite.store import SqliteStore

SIZE: Final = 1_000
CALLERS: Final = {"single": 256, "batch": 4}
WRITERS: Final = 2
"""Connections over which COPY writes pieces, each in a transaction; as many as the store has batches under way."""
_SITE: Final = 1
_SECONDS: Final = 300.0


class Question(msgspec.Struct, frozen=True):
    """One measurement: `how` is `single`, `batch`, `pieces` or `whole`."""

    how: str
    seconds: float
    directory: str
    url: str = ""
    """Of the database; none: SQLite."""
    partitions: int = 1
    server: int = 0
    """Pid of PostgreSQL."""
    most: int = 0
    """Rows that COPY writes at most."""


def measure(plan: PostgresPlan, directory: Path, postgres: Postgres, seconds: float) -> dict[str, AtPort]:
    """Measure one after the other. Raises ChildFailed."""
    place = directory / "port"
    place.mkdir()
    found: dict[str, AtPort] = {}
    for name in ("sqlite single", "postgres single", "sqlite batch", "postgres batch", "copy pieces", "copy whole"):
        what, _, how = name.partition(" ")
        if what == "sqlite":
            question = Question(how, seconds, str(place))
            found[name] = apart.ask("bench.postgres.port", question, AtPort, place / "port.err", _SECONDS)
            for file in place.glob(f"{DATABASE}*"):
                file.unlink()
        else:
            url = postgres.made(plan.partitions)
            question = Question(how, seconds, str(place), url, plan.partitions, postgres.pid, plan.copied)
            found[name] = apart.ask("bench.postgres.port", question, AtPort, place / "port.err", _SECONDS)
            postgres.drop(url)
            postgres.settle()
        one = found[name]
        say(f"(h) {name}: {one.rate:,.0f} rows/s; CPU of a row: {one.cpu * 1e3:.1f} µs, PostgreSQL {one.database_cpu * 1e3:.1f} µs")
    return found


# -- in the process that measures ----------------------------------------------------------------------------------------


async def _measure(asked: Question) -> AtPort:
    entries = _entries(asked.partitions)
    used, server = process_time(), _server(asked)
    if asked.how in CALLERS:
        store = _store(asked)
        await store.open()
        try:
            used, server = process_time(), _server(asked)
            rows, took = await _append(store, entries, asked)
        finally:
            await store.close()
    elif asked.how == "pieces":
        rows, took = await _copy_pieces(asked, entries)
    else:
        rows, took = await _copy_whole(asked, entries)
    return AtPort(rows / took, (process_time() - used) / rows * 1_000, (_server(asked) - server) / rows * 1_000)


def _server(asked: Question) -> float:
    return cpu_seconds(asked.server) if asked.server else 0.0


def _store(asked: Question) -> Store:
    if asked.url:
        return PostgresStore(asked.url)
    path = Path(asked.directory) / DATABASE
    migrate(path)
    return SqliteStore(path)


def _entries(partitions: int) -> list[NewEntry]:
    """Events as the API puts them into the inbox."""
    entries = []
    for number in range(SIZE):
        now, id, profile = wall_clock(), fresh_id(), f"PROFILE_ID_{number % PROFILES}"
        data = msgspec.Raw(encode({"product_name": "Running Shoes", "price": 99.99}))
        event = Event(id=id, name="add_to_cart", device_token_hash="DEVICE_TOKEN_HASH", profile_id=profile, data=data, received=now)
        entries.append(NewEntry(EntryKind.EVENT, _SITE, id, encode(event), now, partition_of(_SITE, profile, partitions)))
    return entries


async def _append(store: Store, entries: Sequence[NewEntry], asked: Question) -> tuple[int, float]:
    """Rows that were stored, and the seconds that it took."""
    calls = [entries] if asked.how == "batch" else [[entry] for entry in entries]
    over = asyncio.get_running_loop().create_future()
    stored = sent = pending = 0
    until = perf_counter() + asked.seconds

    def send() -> None:
        nonlocal sent, pending
        given = calls[sent % len(calls)]
        sent += 1
        pending += 1
        store.append_nowait(given, done)

    def done(result: list[Appended] | StoreError) -> None:
        nonlocal stored, pending
        pending -= 1
        if isinstance(result, StoreError):
            if not over.done():
                over.set_exception(result)
            return
        stored += len(result)
        if perf_counter() < until:
            send()
        elif not pending and not over.done():
            over.set_result(None)

    began = perf_counter()
    for _ in range(CALLERS[asked.how]):
        send()
    await over
    return stored, perf_counter() - began


async def _copy_pieces(asked: Question, entries: Sequence[NewEntry]) -> tuple[int, float]:
    """COPY of as many rows as a batch has, each in a transaction."""
    records = list(zip(*columns(entries), strict=True))
    connections = [await asyncpg.connect(asked.url) for _ in range(WRITERS)]
    began = perf_counter()
    rows = sum(await asyncio.gather(*(_copy_on(connection, records, asked, began) for connection in connections)))
    took = perf_counter() - began
    for connection in connections:
        await connection.close()
    return rows, took


async def _copy_on(connection: Any, records: Sequence[tuple[Any, ...]], asked: Question, began: float) -> int:
    rows = 0
    while perf_counter() < began + asked.seconds:
        await connection.copy_records_to_table("inbox", records=records, columns=COLUMNS)
        rows += len(records)
    return rows


async def _copy_whole(asked: Question, entries: Sequence[NewEntry]) -> tuple[int, float]:
    """One COPY, one transaction: as fast as this server takes these rows from this client."""
    records = list(zip(*columns(entries), strict=True))
    connection = await asyncpg.connect(asked.url)
    began = perf_counter()
    rows = (record for _ in range(max(1, asked.most // SIZE)) for record in records)
    await connection.copy_records_to_table("inbox", records=rows, columns=COLUMNS)
    took = perf_counter() - began
    await connection.close()
    return max(1, asked.most // SIZE) * SIZE, took


if __name__ == "__main__":
    apart.answer(Question, _measure)
