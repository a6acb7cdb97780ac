"""A move that is broken off goes on; one that cannot be right is refused."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import apsw
import pytest
from tests.postgres import databases
from tests.store.moving.watching import PARTITIONS, Broken, Fuse, Watcher, by_table, rows

from clarion.store.moving.move import move
from clarion.store.moving.target import Target
from clarion.store.port import StoreError, StoreOutdated
from clarion.store.postgres.store import PostgresStore
from clarion.store.sqlite.migrations import migrate
from clarion.store.sqlite.store import SqliteStore

COPY_COUNTER = """
INSERT INTO counters (partition, site, workflow, period, start, version, step, name, branch, count)
SELECT partition + 1, site, workflow, period, start, version, step, name, branch, count FROM counters LIMIT 1
"""


async def test_a_move_that_is_broken_off_goes_on(path: Path, tmp_path: Path, url: str, small: None) -> None:
    whole = databases().empty()
    expected = await move(path, whole, PARTITIONS, Watcher())
    databases().drop(whole)
    dice, broken, last = Random(4), 0, Watcher()
    while True:
        last = Watcher(Fuse(dice.randint(1, 40)))
        try:
            moved = await move(path, url, PARTITIONS, last)
        except Broken:
            broken += 1
            continue
        break
    assert broken > 2
    assert (moved.resumed, last.resumed) == (True, True)
    assert moved.tables == expected.tables


async def test_a_chunk_that_was_not_committed_moves_again(path: Path, url: str, small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was copied goes with how far that is, or not at all."""
    note, fuse = Target._note, Fuse(20)

    async def noting(*arguments: Any, **options: Any) -> None:
        fuse()
        await note(*arguments, **options)

    monkeypatch.setattr(Target, "_note", noting)
    with pytest.raises(Broken):
        await move(path, url, PARTITIONS, Watcher())
    watcher = Watcher()
    moved = await move(path, url, PARTITIONS, watcher)
    assert sum(watcher.before.values()) > 0
    assert {table: rows + watcher.before[table] for table, rows in watcher.moved_rows.items()} == {
        table: watcher.totals[table] for table in watcher.moved_rows
    }
    assert by_table(moved).keys() == watcher.totals.keys()


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from clarion.store.moving import source
from clarion.store.moving.move import move
source.MOST_ROWS = 3
class Watcher:
    left = 25
    def begun(self, *_, **__): pass
    def compared(self, *_): pass
    def moved(self, *_):
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(move(Path(sys.argv[1]), sys.argv[2], 4, Watcher()))
"""


async def test_a_move_that_is_killed_goes_on(path: Path, url: str) -> None:
    killed = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", KILLED, str(path), url], env=os.environ, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    watcher = Watcher()
    moved = await move(path, url, PARTITIONS, watcher)
    assert moved.resumed
    assert 0 < sum(watcher.before.values()) < sum(watcher.totals.values())


async def test_a_move_that_has_ended_is_left_alone(path: Path, url: str) -> None:
    await move(path, url, PARTITIONS, Watcher())
    again = await move(path, url, PARTITIONS, Watcher(Fuse(1)))
    assert (again.tables, again.resumed) == ([], True)


async def test_a_database_that_is_half_there_is_not_served(path: Path, url: str) -> None:
    with pytest.raises(Broken):
        await move(path, url, PARTITIONS, Watcher(Fuse(5)))
    store = PostgresStore(url)
    with pytest.raises(StoreOutdated, match="A move from SQLite into this database has not ended"):
        await store.open()


# -- refused ---------------------------------------------------------------------------------------------------------


async def test_a_source_that_somebody_worked_with_since_is_refused(path: Path, url: str) -> None:
    with pytest.raises(Broken):
        await move(path, url, PARTITIONS, Watcher(Fuse(5)))
    store = SqliteStore(path)
    await store.open()
    await store.own(0)
    await store.close()
    with pytest.raises(StoreError, match="is of another database, or somebody has worked with this one since"):
        await move(path, url, PARTITIONS, Watcher())


async def test_nobody_writes_to_the_source_meanwhile(path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def write() -> None:
        with apsw.Connection(str(path)) as connection:
            try:
                connection.execute("UPDATE generation SET value = value + 1")
            except apsw.BusyError:
                tried.append("refused")

    await move(path, url, PARTITIONS, Watcher(write))
    assert set(tried) == {"refused"}


async def test_a_database_with_something_in_it_is_refused(path: Path, url: str) -> None:
    used = databases().fresh(PARTITIONS)
    await rows(
        used, "INSERT INTO profiles (partition, site, key, attributes, segments, created, pushed) VALUES (0, 1, 'n:a', '{}', '[]', 0, '{}')"
    )
    try:
        with pytest.raises(StoreError, match="The database to move to has profiles already"):
            await move(path, used, PARTITIONS, Watcher())
        assert await rows(used, "SELECT count(*) FROM move") == [(0,)]
    finally:
        databases().drop(used)


async def test_a_database_that_others_serve_is_refused(path: Path) -> None:
    used = databases().fresh(PARTITIONS)
    await rows(used, "INSERT INTO nodes (id, roles, host, until) VALUES ('n', '[]', '', 9000000000000000)")
    try:
        with pytest.raises(StoreError, match="The database to move to has a running server already"):
            await move(path, used, PARTITIONS, Watcher())
    finally:
        databases().drop(used)


async def test_two_moves_at_once_do_not_mix(path: Path, url: str, tmp_path: Path) -> None:
    waiting, other = asyncio.Event(), tmp_path / "other.db"
    migrate(other)
    loop = asyncio.get_running_loop()
    errors: list[BaseException] = []

    async def second() -> None:
        try:
            await move(other, url, PARTITIONS, Watcher())
        except StoreError as error:
            errors.append(error)
        waiting.set()

    started: list[asyncio.Task[None]] = []

    def begin() -> None:
        if not started:
            started.append(loop.create_task(second()))

    first = asyncio.create_task(move(path, url, PARTITIONS, Watcher(begin)))
    moved = await first
    await waiting.wait()
    assert moved.tables
    assert "Another move into this database is under way" in str(errors[0]) or "is of another database" in str(errors[0])


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE runs SET step = 'x' WHERE id = (SELECT min(id) FROM runs)",
        "DELETE FROM deliveries WHERE id = (SELECT min(id) FROM deliveries)",
        COPY_COUNTER,
        "UPDATE profiles SET partition = partition + 1 WHERE key = 'n:ann'",
    ],
)
async def test_a_difference_in_the_end_is_noticed(path: Path, url: str, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    finish = Target.finish

    async def finishing(target: Target, sequences: tuple[int, ...]) -> None:
        await finish(target, sequences)
        await rows(url, change)

    monkeypatch.setattr(Target, "finish", finishing)
    with pytest.raises(StoreError, match=r"The move failed: \w+ should have \d+ rows with the checksum [0-9a-f]{16} and has"):
        await move(path, url, PARTITIONS, Watcher())
    assert await rows(url, "SELECT ended FROM move") == [(None,)]
