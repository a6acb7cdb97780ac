"""One connection to the database file: its settings, and what its errors mean to a caller of the store."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import apsw

from clarion.store.port import StoreError, StoreUnavailable

Synchronous = Literal["FULL", "NORMAL"]
"""When a commit is on disk: at once, or at the next checkpoint (`NORMAL` loses acknowledged commits when the power fails)."""

OLDEST_LIBRARY: Final = (3, 51, 3)
"""Older ones can corrupt a WAL database that two connections use: a checkpoint that restarts the log while another is under way."""

BUSY_MILLISECONDS: Final = 5_000
"""How long to wait for another process's transaction."""

_WAL_KEPT_BYTES: Final = 64 * 1024 * 1024
_CACHE_KIBIBYTES: Final = 16_384

_PASSING = (
    apsw.BusyError,
    apsw.LockedError,
    apsw.FullError,
    apsw.IOError,
    apsw.CantOpenError,
    apsw.NoMemError,
    apsw.ReadOnlyError,
    apsw.InterruptError,
    apsw.ProtocolError,
    apsw.ConnectionClosedError,
)


def require_library(version: str) -> None:
    """Raise StoreError if `version`, as SQLite gives its own, is too old to be trusted with a WAL database."""
    if tuple(int(part) for part in version.split(".")) < OLDEST_LIBRARY:
        oldest = ".".join(map(str, OLDEST_LIBRARY))
        raise StoreError(
            f"SQLite {version} can corrupt databases in WAL mode; install apsw {oldest}.0 or newer (pip install --upgrade apsw)."
        )


def library_version() -> str:
    """Version of the SQLite that runs in this process."""
    return apsw.sqlite_lib_version()


def connect(path: Path, *, synchronous: Synchronous = "FULL", vfs: str | None = None, read_only: bool = False) -> apsw.Connection:
    """Open an existing database. Raises StoreUnavailable if it cannot be opened, StoreError if it is none.

    A reading connection cannot write, but still needs a writable directory for the WAL's index.
    """
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs)
    except apsw.Error as error:
        raise translated(error) from error
    try:
        connection.set_busy_timeout(BUSY_MILLISECONDS)
        # Plans do not look at the values asked for; else most statements would be prepared anew, which takes longer than they do.
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        connection.pragma("synchronous", synchronous)
        connection.pragma("temp_store", "MEMORY")
        connection.pragma("cache_size", -_CACHE_KIBIBYTES)
        connection.pragma("journal_size_limit", _WAL_KEPT_BYTES)
        connection.pragma("trusted_schema", False)
        connection.pragma("secure_delete", True)  # what is deleted is overwritten: an erasure must not leave it behind
        connection.wal_autocheckpoint(0)  # the writer decides when
        if read_only:
            connection.pragma("query_only", True)
    except apsw.Error as error:
        connection.close()
        raise translated(error) from error
    return connection


@contextmanager
def savepoint(connection: apsw.Connection) -> Iterator[None]:
    """All or nothing of what is written inside, whatever becomes of the transaction around it; one snapshot for all that is read."""
    connection.execute("SAVEPOINT part")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # a full disk, for one, has undone all of it already
            connection.execute("ROLLBACK TO part")
            connection.execute("RELEASE part")
        raise
    connection.execute("RELEASE part")


def create_file(path: Path) -> None:
    """Make an empty database file that its owner alone may read (SQLite gives its WAL the same mode); an existing one stays as it is."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreUnavailable(f"The database {path} cannot be made: {error.strerror}.") from error


def passing(error: Exception) -> bool:
    """Whether an error lies in the machine's state, not in what was asked: it concerns everything in the transaction, and may pass."""
    return isinstance(error, _PASSING)


def translated(error: Exception) -> StoreError:
    """What the caller of the store is told."""
    if isinstance(error, StoreError):
        return error
    if passing(error):
        return StoreUnavailable(f"The database does not answer: {error}.")
    if isinstance(error, apsw.NotADBError):
        return StoreError("The file is no SQLite database.")
    if isinstance(error, apsw.CorruptError):
        return StoreError(f"The database is damaged ({error}); restore a backup.")
    return StoreError(f"This cannot be stored: {error}.")
