"""The way in: calls that are under way at the same time become one batch, and a batch one statement."""

from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Final

import apsw

from clarion.store.answers import Call, Done, split, tell
from clarion.store.port import StoreError, StoreOverloaded, StoreUnavailable
from clarion.store.records.entries import Appended, NewEntry
from clarion.store.sqlite.connection import passing, translated
from clarion.store.sqlite.entries import put_entries
from clarion.store.sqlite.writer import INBOX, Job, Writer
from clarion.tallies import Committing

MOST_WAITING: Final = 50_000
"""Entries that may wait for their commit before more are refused."""
MOST_BYTES: Final = 256 * 1024 * 1024
"""Bytes of their bodies: so many entries of the largest kind would be twelve times that."""


class Ingest:
    """Gathers entries and hands them to the writer. A call costs the append to a list: no task, no lock, no future."""

    def __init__(self, writer: Writer, most_waiting: int = MOST_WAITING, most_bytes: int = MOST_BYTES) -> None:
        self._writer, self._most, self._most_bytes = writer, most_waiting, most_bytes
        self._calls: list[Call] = []
        self._queued = False
        self._waiting = self._bytes = 0
        self.tally = Committing()

    def append(self, entries: Sequence[NewEntry], done: Done) -> None:
        """Take entries in. Raises StoreOverloaded, StoreUnavailable: then `done` is not called."""
        waiting = self._waiting + len(entries)
        if waiting > self._most:
            raise StoreOverloaded(f"{self._waiting} entries are waiting to be stored; no more than {self._most} may.")
        size = len(entries[0].body) if len(entries) == 1 else sum([len(entry.body) for entry in entries])
        if self._bytes + size > self._most_bytes:
            raise StoreOverloaded(f"Entries of {self._bytes} bytes are waiting to be stored; no more than {self._most_bytes} may.")
        self._calls.append((entries, done, size))
        if not self._queued:  # after the append: a batch that is queued, or just begins, finds the call
            self._queued = True
            try:
                self._writer.submit(_Batch(self))
            except StoreUnavailable:
                self._queued = False
                self._calls.pop()
                raise
        self._waiting = waiting
        self._bytes += size

    @property
    def waiting(self) -> int:
        """Entries that wait for their commit."""
        return self._waiting

    def take(self) -> list[Call]:
        """The calls for one transaction, taken by whatever thread writes, while the event loop may add to the list's end."""
        self._queued = False  # first: a call from now on queues a batch of its own
        count = len(self._calls)
        taken = self._calls[:count]
        del self._calls[:count]
        return taken

    def answer(self, calls: Sequence[Call], results: Iterable[list[Appended] | StoreError]) -> None:
        """Tell every caller; one that fails does not keep the others waiting."""
        for (entries, done, size), result in zip(calls, results, strict=False):
            self._waiting -= len(entries)
            self._bytes -= size
            tell(done, result)


class _Batch(Job):
    """Whatever has been appended by the time that the writer comes to it."""

    __slots__ = ("_began", "_calls", "_ingest", "_results")

    area = "ingest"

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._calls: list[Call] | None = None
        self._results: list[list[Appended] | StoreError] = []
        self._began = 0.0

    @property
    def rows(self) -> int:
        return self._ingest.waiting

    def run(self, connection: apsw.Connection) -> None:
        self._began = monotonic()
        self._calls = calls = self._ingest.take()
        if not calls:
            return
        try:
            became = put_entries(connection, [entry for entries, _, _ in calls for entry in entries])
        except Exception as error:
            if passing(error) or not connection.in_transaction:
                raise
            self._results = [_put_alone(connection, entries) for entries, _, _ in calls]
        else:
            self._results = list(split(became, calls))

    def succeeded(self) -> Iterable[str]:
        calls = self._calls or ()
        self._ingest.answer(calls, self._results)
        if calls:
            tally = self._ingest.tally
            tally.entries += sum([len(result) for result in self._results if isinstance(result, list)])
            tally.seconds.add(monotonic() - self._began)
        return (INBOX,) if calls else ()

    def failed(self, error: StoreError) -> None:
        calls = self._ingest.take() if self._calls is None else self._calls
        self._ingest.answer(calls, [error] * len(calls))


def _put_alone(connection: apsw.Connection, entries: Sequence[NewEntry]) -> list[Appended] | StoreError:
    """One call's entries after a batch failed, so that only the call with the bad entry does."""
    try:
        return put_entries(connection, entries)
    except Exception as error:
        if passing(error) or not connection.in_transaction:
            raise
        return translated(error)
