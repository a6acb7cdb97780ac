"""What may wait for its commit, and what is counted of commits."""

from typing import cast

import pytest
from tests.store.builders import entry

from clarion.store.port import StoreOverloaded, StoreUnavailable
from clarion.store.records.entries import Appended
from clarion.store.sqlite.ingest import Ingest
from clarion.store.sqlite.store import SqliteStore
from clarion.store.sqlite.writer import Job, Writer


class Queue:
    """In place of the writer: keeps the jobs."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def submit(self, job: Job) -> None:
        self.jobs.append(job)


def test_bodies_that_wait_are_bounded_in_bytes() -> None:
    queue, answers = Queue(), list[object]()
    ingest = Ingest(cast("Writer", queue), 100, most_bytes=10)
    ingest.append([entry("a", b"123456")], answers.append)
    for refused in ([entry("b", b"12345")], [entry("b", b"123"), entry("c", b"12")]):
        with pytest.raises(StoreOverloaded, match=r"^Entries of 6 bytes are waiting to be stored; no more than 10 may\."):
            ingest.append(refused, answers.append)
    ingest.append([entry("b", b"12"), entry("c", b"12")], answers.append)
    with pytest.raises(StoreOverloaded):
        ingest.append([entry("d", b"1")], answers.append)
    assert ingest.waiting == 3
    error = StoreUnavailable("gone")
    queue.jobs[0].failed(error)
    assert answers == [error, error]
    # those that failed wait no more
    with pytest.raises(StoreOverloaded):
        ingest.append([entry("e", b"12345678901")], answers.append)
    ingest.append([entry("e", b"1234567890")], answers.append)
    assert ingest.waiting == 1


async def test_commits_and_their_entries_are_counted(sqlite: SqliteStore) -> None:
    assert await sqlite.append([entry("a"), entry("b")]) == [Appended.STORED] * 2
    assert await sqlite.append([entry("c")]) == [Appended.STORED]
    counted = sqlite.committing
    assert (counted.entries, counted.seconds.count) == (3, 2)
    assert 0 < counted.seconds.total < 20


async def test_a_database_knows_its_size(sqlite: SqliteStore) -> None:
    before = await sqlite.database_bytes()
    await sqlite.append([entry(f"e{number}", b'"%b"' % (b"x" * 60_000)) for number in range(20)])
    assert await sqlite.database_bytes() >= before + 20 * 60_000
