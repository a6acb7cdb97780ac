"""One server at a time works on a SQLite database: two would fence each other off and send each other's deliveries."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SUFFIX = ".serve-lock"
"""Added to the database's file name; the file stays when the server ends, only the lock on it counts."""


class AlreadyServed(Exception):
    """Another server works on this database; the message is for the operator."""


class LockUnavailable(Exception):
    """The lock's file cannot be made or opened; the message is for the operator."""


@contextmanager
def serve_lock(database: Path) -> Iterator[None]:
    """Hold the lock of a database, found by where the file really lies. The kernel lets go of it when the process ends, however it ends.

    Commands that only read or append beside a running server do not take it.

    Raises AlreadyServed, and LockUnavailable where a database could not be written either.
    """
    real = database.resolve()
    file = real.with_name(real.name + SUFFIX)
    try:
        held = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LockUnavailable(f"{file} cannot be written: {error.strerror} — let this user write there, or choose another --data") from None
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyServed("another clarion serve is running on this data directory — stop it first") from None
        yield
    finally:
        os.close(held)
