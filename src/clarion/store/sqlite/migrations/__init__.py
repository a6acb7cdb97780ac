"""Numbered migrations: `NNNN_name.sql`, each applied once, in order, in a transaction of its own that also sets the schema's version."""

from contextlib import closing
from pathlib import Path

import apsw

from clarion.store.numbered import load_numbered, too_new
from clarion.store.port import StoreError, StoreTooNew
from clarion.store.sqlite.connection import connect, create_file, library_version, require_library, translated
from clarion.store.sqlite.statements import value

APPLICATION = int.from_bytes(b"CLRN", "big")
"""Marks the file as Clarion's in SQLite's header."""


def known() -> dict[int, str]:
    """Every migration's SQL by its version, in order."""
    return load_numbered(__package__)


def latest() -> int:
    """The schema version that this program needs."""
    return max(known())


def schema_version(path: Path) -> int:
    """Version of a database's schema; 0 where there is none yet. Raises StoreError if the file is no database."""
    if not path.exists():
        return 0
    with closing(connect(path)) as connection:
        return version_of(connection)


def version_of(connection: apsw.Connection) -> int:
    """As `schema_version`, of an open database."""
    try:
        version, application = int(connection.pragma("user_version")), int(connection.pragma("application_id"))
        tables = value(connection, "SELECT count(*) FROM sqlite_schema")
    except apsw.Error as error:
        raise translated(error) from error
    if application != APPLICATION and (application or version or tables):
        raise StoreError("The file is the SQLite database of another program.")
    return version


def migrate(path: Path) -> list[int]:
    """Bring a database, made if need be, to this program's schema; return the versions applied. Two at once do no harm.

    Raises StoreTooNew, StoreUnavailable, StoreError.
    """
    require_library(library_version())
    create_file(path)
    with closing(connect(path)) as connection:
        try:
            version_of(connection)  # before anything is written: it may be another program's
            connection.pragma("journal_mode", "wal")
            return [version for version, sql in known().items() if _apply(connection, version, sql)]
        except apsw.Error as error:
            raise translated(error) from error


def _apply(connection: apsw.Connection, version: int, sql: str) -> bool:
    connection.execute("BEGIN IMMEDIATE")
    try:
        current = version_of(connection)  # only now can no other process be at it
        if current > latest():
            raise StoreTooNew(too_new(current, latest()))
        if current >= version:
            return False
        connection.execute(sql)
        if version_of(connection) != version:
            raise StoreError(f"Migration {version} does not set its version.")
        connection.execute("COMMIT")
        return True
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
