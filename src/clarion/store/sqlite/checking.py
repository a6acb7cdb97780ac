"""Facts about the database for `clarion doctor`."""

from pathlib import Path
from typing import Final

import apsw

from clarion.store.records.lags import Lag
from clarion.store.sqlite.connection import library_version
from clarion.store.sqlite.migrations import version_of
from clarion.store.sqlite.statements import load, rows, value

_SQL = load("reading")


def check(connection: apsw.Connection, path: Path) -> dict[str, str | int]:
    """As in the port; `oldest_inbox_entry` is when it was received and is left out when the inbox is empty."""
    inbox, outbox, oldest = rows(connection, _SQL["waiting"])[0]
    found: dict[str, str | int] = {
        "engine": "sqlite",
        "library": library_version(),
        "schema": version_of(connection),
        "journal_mode": str(connection.pragma("journal_mode")),
        "database_bytes": _size(path),
        "wal_bytes": _size(path.with_name(path.name + "-wal")),
        "inbox": inbox,
        "outbox": outbox,
        "integrity": str(value(connection, "PRAGMA quick_check(1)")),
    }
    if oldest is not None:
        found["oldest_inbox_entry"] = oldest
    return found


MOST_COUNTED: Final = 100_000
"""Deliveries waiting that are counted; where there are more, that is all that is said."""


def lags(connection: apsw.Connection) -> list[Lag]:
    """As in the port."""
    inbox, outbox, oldest = rows(connection, _SQL["lag"], {"limit": MOST_COUNTED})[0]
    return [Lag(0, inbox, oldest, outbox)] if inbox or outbox else []


def size(path: Path) -> int:
    """Bytes of the database with its write-ahead log."""
    return _size(path) + _size(path.with_name(path.name + "-wal"))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
