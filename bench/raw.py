"""The floors of (e) and (f): the least that SQLite itself takes for the rows that the engine writes, with the same durability."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Final

import apsw

_TABLES: Final = """
CREATE TABLE inbox (position INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
CREATE TABLE log (sequence INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
"""
_DUE: Final = "SELECT id FROM runs WHERE status = 'waiting' AND held = 0 AND due IS NOT NULL AND partition = 0 ORDER BY due, id LIMIT ?"
_END: Final = "UPDATE runs SET status = 'completed', step = NULL, due = NULL, ended = ? WHERE partition = 0 AND id = ?"


def move(file: Path, bodies: Sequence[str], size: int) -> float:
    """Seconds that it takes to move rows from an inbox to a log, `size` a transaction."""
    with closing(_connect(file)) as database:
        database.execute(_TABLES)
        database.executemany("INSERT INTO inbox (body) VALUES (?)", ((body,) for body in bodies))
        began = perf_counter()
        while rows := database.execute("SELECT position, body FROM inbox ORDER BY position LIMIT ?", (size,)).fetchall():
            with _transaction(database):
                database.executemany("INSERT INTO log (sequence, body) VALUES (?, ?)", rows)
                database.executemany("DELETE FROM inbox WHERE position = ?", ((position,) for position, _ in rows))
        return perf_counter() - began


def end_runs(file: Path, now: int, size: int) -> float:
    """Seconds that it takes to end the waiting runs of a database, `size` a transaction."""
    with closing(_connect(file)) as database:
        began = perf_counter()
        while rows := database.execute(_DUE, (size,)).fetchall():
            with _transaction(database):
                database.executemany(_END, ((now, id) for (id,) in rows))
        return perf_counter() - began


def _connect(file: Path) -> apsw.Connection:
    database = apsw.Connection(str(file))
    database.pragma("journal_mode", "wal")
    database.pragma("synchronous", "full")
    return database


@contextmanager
def _transaction(database: apsw.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    yield
    database.execute("COMMIT")
