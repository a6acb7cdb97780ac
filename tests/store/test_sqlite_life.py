"""Opening, closing, and what happens when the database does not answer."""

import asyncio
import gc
import threading
from pathlib import Path

import apsw
import pytest
from tests.store.builders import FAR, NOW, Owner, claimed, entry
from tests.store.conftest import Clockwork

from clarion.store.port import NotFound, StoreError, StoreOutdated, StoreOverloaded, StoreTooNew, StoreUnavailable
from clarion.store.records.entries import Appended
from clarion.store.sqlite import connection, forgetting, reader, wal, writer
from clarion.store.sqlite import store as store_module
from clarion.store.sqlite.migrations import latest
from clarion.store.sqlite.store import SqliteStore


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("clarion-store")}


def lock(path: Path) -> apsw.Connection:
    """Another process in the middle of a transaction."""
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    return other


# -- opening and closing -------------------------------------------------------------------------------------------------


async def test_a_database_that_is_not_there_is_to_be_made_first(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "clarion.db")
    with pytest.raises(StoreOutdated, match="clarion init"):
        await store.open()
    assert threads() == set()


async def test_pending_migrations_are_to_be_applied_first(tmp_path: Path) -> None:
    (tmp_path / "clarion.db").touch()
    with pytest.raises(StoreOutdated, match="clarion migrate"):
        await SqliteStore(tmp_path / "clarion.db").open()
    assert threads() == set()


async def test_a_newer_database_is_refused(path: Path) -> None:
    apsw.Connection(str(path)).pragma("user_version", latest() + 1)
    with pytest.raises(StoreTooNew, match="newer Clarion"):
        await SqliteStore(path).open()
    assert threads() == set()


async def test_an_unsafe_library_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "library_version", lambda: "3.51.2")
    with pytest.raises(StoreError, match="upgrade apsw"):
        await SqliteStore(path).open()
    assert threads() == set()


async def test_a_copy_that_lost_its_journal_mode_gets_it_back(path: Path) -> None:
    apsw.Connection(str(path)).pragma("journal_mode", "delete")
    store = SqliteStore(path)
    await store.open()
    assert (await store.check())["journal_mode"] == "wal"
    await store.close()


async def test_closing_ends_every_thread_and_leaves_one_file(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    assert threads() != set()
    await store.append([entry("a")])
    await store.close()
    await store.close()
    assert threads() == set()
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    gc.collect()  # a connection left open would warn, and warnings are errors


async def test_files_beside_the_database_are_as_private(sqlite: SqliteStore, path: Path) -> None:
    await sqlite.append([entry("a")])
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    assert len(list(path.parent.iterdir())) == 3


async def test_closing_commits_what_is_queued(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    waiting = [asyncio.ensure_future(store.append([entry(f"e{number}")])) for number in range(100)]
    await asyncio.sleep(0)  # let them begin
    await store.close()
    assert await asyncio.gather(*waiting) == [[Appended.STORED]] * 100
    again = SqliteStore(path)
    await again.open()
    assert len((await again.take(0, 1_000, FAR, 0)).entries) == 100
    await again.close()


async def test_a_closed_store_does_not_answer(path: Path) -> None:
    store = SqliteStore(path)
    with pytest.raises(StoreUnavailable):
        await store.append([entry("a")])
    await store.open()
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.append([entry("a")])
    with pytest.raises(StoreUnavailable):
        await store.take(0, 1, FAR, 1)
    with pytest.raises(StoreUnavailable):
        await store.own(0)


async def test_a_caller_that_gives_up_harms_nobody(sqlite: SqliteStore) -> None:
    tasks = [asyncio.ensure_future(sqlite.append([entry(f"e{number}")])) for number in range(10)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [result for result in results if result != [Appended.STORED]] == [results[3]]
    assert await sqlite.append([entry("next")]) == [Appended.STORED]


# -- append_nowait -------------------------------------------------------------------------------------------------------


async def test_append_nowait_answers_in_the_event_loop(sqlite: SqliteStore) -> None:
    answered: asyncio.Future[tuple[object, int]] = asyncio.get_running_loop().create_future()
    sqlite.append_nowait([entry("a"), claimed("b", "1")], lambda result: answered.set_result((result, threading.get_ident())))
    assert await answered == ([Appended.STORED, Appended.STORED], threading.get_ident())
    assert len((await sqlite.take(0, 10, FAR, 0)).entries) == 2


async def test_a_callback_that_fails_is_reported_and_keeps_nobody_waiting(sqlite: SqliteStore) -> None:
    reported: list[dict[str, object]] = []

    def fail(_result: object) -> None:
        raise IndexError

    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: reported.append(context))
    sqlite.append_nowait([entry("a")], fail)
    assert await sqlite.append([entry("b")]) == [Appended.STORED]
    assert [type(context["exception"]) for context in reported] == [IndexError]


async def test_more_than_may_wait_is_refused_at_once(path: Path) -> None:
    store = SqliteStore(path, most_waiting=3)
    await store.open()
    answers: list[object] = []
    store.append_nowait([entry("a"), entry("b")], answers.append)
    store.append_nowait([entry("c")], answers.append)
    with pytest.raises(StoreOverloaded):
        store.append_nowait([entry("d")], answers.append)
    with pytest.raises(StoreOverloaded):
        await store.append([entry("e")])
    await store.own(0)  # it queues behind them
    assert answers == [[Appended.STORED] * 2, [Appended.STORED]]
    assert await store.append([entry("d"), entry("e"), entry("f")]) == [Appended.STORED] * 3
    with pytest.raises(StoreOverloaded):
        await store.append([entry(f"{number}") for number in range(4)])
    assert len((await store.take(0, 10, FAR, 0)).entries) == 6
    await store.close()


# -- a database that does not answer -------------------------------------------------------------------------------------


async def test_a_locked_database_is_unavailable_and_nothing_is_stored(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (connection, writer):
        monkeypatch.setattr(module, "BUSY_MILLISECONDS", 1)
    store = SqliteStore(path, most_waiting=5)
    await store.open()
    other = lock(path)
    results = await asyncio.gather(*(store.append([entry(f"e{number}")]) for number in range(5)), store.own(0), return_exceptions=True)
    assert {type(result) for result in results} == {StoreUnavailable}
    other.execute("ROLLBACK")
    later = [entry(f"later {number}") for number in range(5)]  # as many as may wait: those that failed wait no more
    assert await store.append(later) == [Appended.STORED] * 5
    assert [one.id for one in (await store.take(0, 10, FAR, 0)).entries] == [one.id for one in later]
    await store.close()
    other.close()


async def test_a_database_that_is_locked_for_a_moment_is_waited_for(sqlite: SqliteStore, path: Path) -> None:
    other = lock(path)
    waiting = asyncio.ensure_future(sqlite.append([entry("a")]))
    assert (await sqlite.take(0, 10, FAR, 0)).entries == []
    other.execute("COMMIT")
    assert await waiting == [Appended.STORED]
    other.close()


async def test_callers_at_the_same_time_share_commits(sqlite: SqliteStore, path: Path) -> None:
    other = lock(path)
    waiting = [asyncio.ensure_future(sqlite.append([entry(f"e{number}")])) for number in range(500)]
    await sqlite.take(0, 1, FAR, 0)  # all of them have begun
    other.execute("COMMIT")
    assert await asyncio.gather(*waiting) == [[Appended.STORED]] * 500
    assert int((await sqlite.check())["wal_bytes"]) < 500 * 4_096  # less than a page each
    other.close()


async def test_a_query_that_takes_too_long_is_broken_off(path: Path) -> None:
    one = reader.Reader(lambda: connection.connect(path, read_only=True), "clarion-store-test", patience=0.25)
    await one.start()
    endless = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
    with pytest.raises(StoreUnavailable):
        await one.call(lambda opened: opened.execute(endless).fetchall())
    assert await one.call(lambda opened: opened.execute("SELECT 1").fetchall()) == [(1,)]
    await one.stop()


async def test_more_queries_than_may_wait_are_refused_and_none_waits_for_long(path: Path) -> None:
    one = reader.Reader(lambda: connection.connect(path, read_only=True), "clarion-store-test", patience=60, most_waiting=2)
    await one.start()
    begun, go_on = threading.Semaphore(0), threading.Event()

    def hold(_: apsw.Connection) -> int:
        begun.release()
        assert go_on.wait(10)
        return 1

    held = [asyncio.create_task(one.call(hold)) for _ in range(3)]
    await asyncio.to_thread(begun.acquire)
    with pytest.raises(StoreOverloaded, match="2 queries are waiting"):
        await one.call(lambda opened: 1)
    go_on.set()
    assert await asyncio.gather(*held) == [1, 1, 1]
    assert await one.call(lambda opened: 2) == 2
    await one.stop()


@pytest.mark.parametrize(("late", "begun"), [(10.0, True), (10.5, False)])
async def test_a_query_whose_turn_comes_late_is_not_begun(path: Path, monkeypatch: pytest.MonkeyPatch, late: float, begun: bool) -> None:
    now = [0.0]
    monkeypatch.setattr(reader, "monotonic", lambda: now[0])
    one = reader.Reader(lambda: connection.connect(path, read_only=True), "clarion-store-test", patience=10)
    await one.start()
    has_begun, go_on = threading.Event(), threading.Event()

    def hold(_: apsw.Connection) -> bool:
        has_begun.set()
        return go_on.wait(10)

    first, second = asyncio.create_task(one.call(hold)), asyncio.create_task(one.call(lambda _: 2))
    await asyncio.to_thread(has_begun.wait)
    now[0] = late
    go_on.set()
    assert await first
    if begun:
        assert await second == 2
    else:
        with pytest.raises(StoreOverloaded, match="has waited for its turn for 10 seconds"):
            await second
    await one.stop()


async def test_the_configuration_is_read_beside_the_consoles_queries(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    begun, go_on = threading.Event(), threading.Event()

    def hold(_: apsw.Connection) -> None:
        begun.set()
        assert go_on.wait(10)

    held = asyncio.create_task(store._reading.call(hold))  # the console's, however long its queries take
    await asyncio.to_thread(begun.wait)
    assert (await store.configuration()).sites == []
    for missing in (store.workflow_version(1, "w", 1), store.run("r")):
        with pytest.raises(NotFound):
            await missing
    go_on.set()
    await held
    await store.close()


async def test_readers_cannot_write(path: Path) -> None:
    opened = connection.connect(path, read_only=True)
    with pytest.raises(apsw.ReadOnlyError):
        opened.execute("DELETE FROM inbox")
    opened.close()


# -- chores --------------------------------------------------------------------------------------------------------------


def test_event_ids_are_forgotten_after_two_days_in_small_steps(path: Path, clock: Clockwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "AT_ONCE", 2)
    opened = connection.connect(path)
    insert = "INSERT INTO event_ids VALUES (0, 1, 'p:ann', ?, 'same', 'entry', ?)"
    opened.executemany(insert, [(str(number), NOW + number) for number in range(5)])
    chore = forgetting.Forgetting(clock)

    def left() -> int:
        return int(opened.execute("SELECT count(*) FROM event_ids").get)

    clock.now = NOW + forgetting.KEPT
    chore(opened)
    assert left() == 5
    clock.now += 60_000_000  # it looks once a minute
    chore(opened)
    assert left() == 3
    chore(opened)  # and again at once while there may be more
    chore(opened)
    assert left() == 0
    opened.close()


def test_event_ids_of_receipts_are_kept_for_a_month(path: Path, clock: Clockwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "AT_ONCE", 2)
    opened = connection.connect(path)
    ids = iter(range(1_000))

    def claim(target: str, at: int) -> None:
        opened.execute("INSERT INTO event_ids VALUES (0, 1, ?, ?, 'same', 'entry', ?)", (target, str(next(ids)), at))

    def left() -> list[str]:
        return [target for (target,) in opened.execute("SELECT target FROM event_ids ORDER BY rowid")]

    for target in ("r:a", "p:ann", "r:b", "d:phone", "r:c", "rest", "r:d"):
        claim(target, NOW)
    chore = forgetting.Forgetting(clock)
    clock.now = NOW + forgetting.KEPT + 1
    for _ in range(4):
        chore(opened)
    assert left() == ["r:a", "r:b", "r:c", "r:d"]
    claim("p:new", clock.now)  # behind those that stay
    clock.now += forgetting.KEPT + 60_000_001
    chore(opened)
    assert left() == ["r:a", "r:b", "r:c", "r:d"]
    clock.now = NOW + forgetting.KEPT_OF_RECEIPTS
    chore(opened)
    assert len(left()) == 4
    clock.now += 60_000_000
    for _ in range(3):
        chore(opened)
    assert left() == []
    claim("p:again", NOW)  # takes the number of one that has gone
    clock.now += 60_000_000
    chore(opened)
    assert left() == []
    opened.close()


async def test_the_write_ahead_log_stays_short(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal, "PAGES", 100)
    store = SqliteStore(path, synchronous="NORMAL")
    await store.open()
    owner = await Owner.of(store)
    longest = 0
    for number in range(100):
        await store.append([entry(f"e{number}-{one}", b'"%s"' % (b"x" * 900)) for one in range(40)])
        if number % 10 == 0:
            await owner.log_all()
        longest = max(longest, int((await store.check())["wal_bytes"]))
    assert int((await store.check())["database_bytes"]) > 3_000_000
    assert longest < 1_500_000
    await store.close()
