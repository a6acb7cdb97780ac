"""The SQLite database that moves: read as of one moment, with everybody else kept from writing."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from clarion.store.moving.addresses import Addresses
from clarion.store.moving.renumbering import Renumbering
from clarion.store.moving.tables import Record, Spreading, Table
from clarion.store.moving.unapplied import LoggedEvent, Unapplied
from clarion.store.numbered import too_new
from clarion.store.port import StoreError, StoreOutdated, StoreTooNew
from clarion.store.sqlite.connection import connect, translated
from clarion.store.sqlite.migrations import latest, version_of
from clarion.store.statements import load_statements

MOST_ROWS: Final = 5_000
MOST_CHARACTERS: Final = 4_000_000
"""Of the last column of its rows, which is the long one, in a chunk."""

_SQL: Final = load_statements(__package__, "source")
_encode = msgspec.json.Encoder().encode


class Chunk(msgspec.Struct):
    """Rows of a table that are written together."""

    records: list[Record]
    read: int
    """Rows of the source that they came from."""
    place: tuple[Any, ...]
    """Key of the last one."""
    log: dict[int, int]
    """By partition: the last sequence of its log, where that has grown."""


class Source:
    """An open SQLite database. To be used by one thread at a time."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def fingerprint(self) -> str:
        """Tells this database, as it is now, from every other."""
        return str(self._one("fingerprint")[0])

    def partition(self) -> tuple[int, int, int]:
        """Epoch, log time and resume time of its only partition."""
        epoch, log_time, resumed = self._one("partition")
        return epoch, log_time, resumed

    def sequences(self) -> tuple[int, ...]:
        """The highest position of the inbox, and sequence of explanations, of deliveries and of what was set aside, that it ever gave."""
        return self._one("sequences")

    def totals(self) -> dict[str, int]:
        """Rows by table."""
        return dict(self._rows("totals"))

    def spreading(self, partitions: int) -> Spreading:
        """What spreads its rows over so many partitions, from the beginning."""
        addresses = Addresses(partitions, self)
        return Spreading(addresses, Renumbering(partitions), Unapplied(addresses, self._unapplied()))

    def profile_of_run(self, run: str) -> str | None:
        """Key of a run's profile; None where there is no such run."""
        found = self._connection.execute(_SQL["run_profile"], {"run": run}).get
        return None if found is None else str(found)

    def subscriber_of_delivery(self, delivery: str) -> str | None:
        """Whom a push went to; None where that is not known."""
        found = self._connection.execute(_SQL["delivery_subscriber"], {"delivery": delivery}).get
        return None if found is None else str(found)

    def chunks(self, table: Table, place: tuple[Any, ...], to: Spreading) -> Iterator[Chunk]:
        """The rows of a table behind a place, spread. A row's records are always in one chunk."""
        chunk, size = Chunk([], 0, place, {}), 0
        for row in self._connection.execute(_SQL[table.name], {"after": _encode(place).decode()}):
            record = row[table.key :]
            chunk.records.extend(table.spread(to, record))
            chunk.read += 1
            chunk.place = row[: table.key]
            size += len(record[-1]) if isinstance(record[-1], str) else 0
            if len(chunk.records) >= MOST_ROWS or size >= MOST_CHARACTERS:
                yield self._closed(chunk, to)
                chunk, size = Chunk([], 0, chunk.place, {}), 0
        if chunk.read:
            yield self._closed(chunk, to)

    def _closed(self, chunk: Chunk, to: Spreading) -> Chunk:
        # By partition, which begins every key: so that indexes grow in few places.
        chunk.records.sort(key=itemgetter(0))
        chunk.log, to.log.changed = to.log.changed, {}
        return chunk

    def _unapplied(self) -> Iterator[LoggedEvent]:
        yield from self._connection.execute(_SQL["unapplied_events"])

    def _one(self, name: str) -> tuple[Any, ...]:
        [row] = self._rows(name)
        return row

    def _rows(self, name: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(_SQL[name]).fetchall()


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """The SQLite database in a file, for the block. Raises StoreOutdated, StoreTooNew, StoreUnavailable, StoreError.

    Nobody writes to it meanwhile; that a server serves it, which then would fail, is for the caller to rule out.
    """
    if not path.exists():
        raise StoreError(f"There is no database at {path}.")
    with closing(connect(path)) as connection:
        version = version_of(connection)
        if version > latest():
            raise StoreTooNew(too_new(version, latest()))
        if version < latest():
            raise StoreOutdated(f"{path} has schema {version}, this Clarion needs {latest()}; run `clarion migrate` on it first.")
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield Source(connection)
        except apsw.Error as error:
            raise translated(error) from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def start_of(table: Table) -> str:
    """A place before the first row of a table, as it is kept."""
    return _encode(table.start).decode()
