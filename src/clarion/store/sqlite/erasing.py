"""What is left of people who were erased goes, a step at a time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import apsw
import msgspec

from clarion.store.erased import targets
from clarion.store.port import NotFound
from clarion.store.records.snapshots import Snapshot, SnapshotPart
from clarion.store.snapshots import HEADER, pack_header, pack_part
from clarion.store.sqlite.checking import size
from clarion.store.sqlite.statements import load

MOST_REWRITTEN: Final = 256 * 1024 * 1024
"""Bytes of a database that is written anew after an erasure; nothing else is written meanwhile, which takes up to two seconds."""
PATIENCE_MILLISECONDS: Final = 200
"""For those who read, and for other processes that write."""

_SQL = load("erasing")
_encode = msgspec.json.Encoder().encode


def blank(connection: apsw.Connection, partition: int, sequences: Sequence[int]) -> None:
    """As in the port."""
    connection.execute(_SQL["blank"], {"partition": partition, "sequences": _encode(list(sequences))})


def erase_about(connection: apsw.Connection, partition: int, site: int, profiles: Sequence[str], devices: Sequence[str], limit: int) -> int:
    """As in the port."""
    removed = _remove(connection, "erase_explanations", partition, site, list(profiles), limit)
    if removed >= limit:
        return removed
    return removed + _remove(connection, "erase_claims", partition, site, targets(profiles, devices), limit - removed)


def _remove(connection: apsw.Connection, statement: str, partition: int, site: int, named: list[str], limit: int) -> int:
    connection.execute(_SQL[statement], {"partition": partition, "site": site, "named": _encode(named), "limit": limit})
    return connection.changes()


def rewrite_snapshot(connection: apsw.Connection, snapshot: Snapshot, parts: Mapping[int, SnapshotPart]) -> None:
    """As in the port."""
    bodies = {number: pack_part(part) for number, part in parts.items()} | {HEADER: pack_header(snapshot)}
    place = {"partition": snapshot.partition, "sequence": snapshot.sequence, "log_time": snapshot.log_time}
    for number, body in bodies.items():
        connection.execute(_SQL["rewrite_part"], {**place, "part": number, "body": body})
        if connection.changes() == 0:
            raise NotFound("The snapshot is not kept any more.")


def overwrite_deleted(connection: apsw.Connection, path: Path) -> bool:
    """As in the port, outside of transactions.

    What is deleted is overwritten at once (`secure_delete`), but where rows have moved from one page to another, their copies stay in the
    unused part of the first one; and the write-ahead log has pages as they were before. So the database is written anew if it is small
    enough, and the log cut off.
    """
    connection.set_busy_timeout(PATIENCE_MILLISECONDS)
    try:
        if size(path) <= MOST_REWRITTEN:
            connection.pragma("temp_store", "FILE")  # the copy is as large as the database
            try:
                connection.execute("VACUUM")
            finally:
                connection.pragma("temp_store", "MEMORY")
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except (apsw.BusyError, apsw.LockedError):
        return False
    return True
