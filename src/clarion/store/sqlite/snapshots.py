"""Snapshots: read in one transaction of a connection of their own, written by the writer a part at a time, between its other commits."""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import apsw

from clarion.clock import Clock
from clarion.store.port import NotFound, StoreError
from clarion.store.records.snapshots import Snapshot, SnapshotPart
from clarion.store.records.upkeep import Upkeep
from clarion.store.snapshots import HEADER, SECTIONS, next_rows, pack, pack_header, unpack, unpack_header
from clarion.store.sqlite.reader import Reader
from clarion.store.sqlite.statements import load, rows
from clarion.store.sqlite.writer import Writer

_SQL = load("retention")


async def take(connect: Callable[[], apsw.Connection], writer: Writer, partition: int, clock: Clock) -> Snapshot | None:
    """As in the port."""
    reader = Reader(connect, "clarion-store-snapshot")
    await reader.start()
    try:
        return await _take(reader, writer, partition, clock)
    finally:
        await reader.stop()  # closing ends the transaction as well


async def _take(reader: Reader, writer: Writer, partition: int, clock: Clock) -> Snapshot | None:
    place = await reader.call(partial(_begin, partition=partition))
    if place is None:
        return None
    parts, counts = 0, dict.fromkeys(SECTIONS, 0)
    for section in SECTIONS:
        following = partial(_next, await reader.call(partial(_open, section, place)), section)
        while found := await reader.call(following):
            count, body = found
            parts, counts[section] = parts + 1, counts[section] + count
            await writer.call(partial(_put, "put_part", {**place, "part": parts, "body": body}), rows=count)
    snapshot = Snapshot(partition, place["sequence"], place["log_time"], place["resumed"], clock(), parts, counts)
    whole = {**_key(snapshot), "parts": parts, "body": pack_header(snapshot)}
    if not await writer.call(partial(_put, "put_header", whole)):
        raise StoreError(f"A snapshot of partition {partition} was removed while it was written.")
    return snapshot


def _begin(connection: apsw.Connection, partition: int) -> dict[str, int] | None:
    """Fix the moment; None when the newest snapshot is of the same."""
    connection.execute("BEGIN")
    for sequence, log_time, resumed in rows(connection, _SQL["place"], {"partition": partition}):
        newest = listed(connection, partition)[:1]
        if [(one.sequence, one.log_time) for one in newest] != [(sequence, log_time)]:
            return {"partition": partition, "sequence": sequence, "log_time": log_time, "resumed": resumed}
    return None


def _open(section: str, place: dict[str, int], connection: apsw.Connection) -> Iterator[bytes]:
    found: Iterator[tuple[Any, ...]] = connection.execute(_SQL[section], place)
    return (row[0] for row in found)


def _next(cursor: Iterator[bytes], section: str, _: apsw.Connection) -> tuple[int, bytes] | None:
    """The next part, ready to be written; None at the end of a section. The connection is the cursor's own."""
    found = next_rows(cursor)
    return (len(found), pack(section, found)) if found else None


def _put(statement: str, values: dict[str, Any], connection: apsw.Connection) -> bool:
    connection.execute(_SQL[statement], values)
    return connection.changes() > 0


def _key(snapshot: Snapshot) -> dict[str, int]:
    return {"partition": snapshot.partition, "sequence": snapshot.sequence, "log_time": snapshot.log_time}


def listed(connection: apsw.Connection, partition: int) -> list[Snapshot]:
    """As `Store.snapshots`."""
    return [unpack_header(body) for _, _, body in _places(connection, partition) if body is not None]


async def parts(reader: Reader, snapshot: Snapshot) -> AsyncIterator[SnapshotPart]:
    """As in the port."""
    for part in range(HEADER + 1, snapshot.parts + 1):
        yield unpack(await reader.call(partial(_part, values={**_key(snapshot), "part": part})))


def _part(connection: apsw.Connection, values: dict[str, int]) -> bytes:
    for (body,) in rows(connection, _SQL["part"], values):
        return bytes(body)
    raise NotFound("The snapshot is not kept any more.")


def forget(connection: apsw.Connection, partition: int, before: int, limit: int) -> int:
    """As in the port; one snapshot at a time."""
    for sequence, log_time, body in _places(connection, partition):
        if body is None or log_time < before:
            asked = {"partition": partition, "sequence": sequence, "log_time": log_time, "limit": limit}
            connection.execute(_SQL["forget_parts"], asked)
            return connection.changes()
    return 0


def _places(connection: apsw.Connection, partition: int) -> list[tuple[int, int, bytes | None]]:
    return rows(connection, _SQL["list_snapshots"], {"partition": partition})


def upkeep(connection: apsw.Connection) -> Upkeep:
    """As in the port."""
    return Upkeep(*rows(connection, _SQL["upkeep"])[0])


def note_upkeep(connection: apsw.Connection, noted: Upkeep) -> None:
    """As in the port."""
    connection.execute(_SQL["note_upkeep"], {"exported": noted.exported, "alarm": noted.alarm, "since": noted.since})
