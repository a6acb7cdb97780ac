"""The schema is what its migrations make of an empty file."""

import re
import sqlite3
import threading
from importlib import resources
from pathlib import Path

import apsw
import msgspec
import pytest
from tests.store.builders import FAR, NOW, SITE, Owner, delivery, run

from clarion.clock import HOUR
from clarion.domain.records import Profile, Subscriber
from clarion.store.port import StoreError, StoreTooNew, StoreUnavailable
from clarion.store.records.batches import Asked, SiteProfile
from clarion.store.records.explanations import Explanation
from clarion.store.records.sites import Site
from clarion.store.records.states import SiteState, WorkflowState
from clarion.store.sqlite import connection, migrations
from clarion.store.sqlite.connection import create_file
from clarion.store.sqlite.migrations import known, latest, migrate, schema_version
from clarion.store.sqlite.store import SqliteStore


def one_line(sql: object) -> object:
    """Without the layout: a column that was added later stands on no line of its own."""
    return re.sub(r"\s*([(),])\s*", r"\1", " ".join(sql.split())) if isinstance(sql, str) else sql


def dump(database: apsw.Connection) -> list[object]:
    found = database.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name").fetchall()
    described = [(kind, name, table, one_line(sql)) for kind, name, table, sql in found]
    rows = [
        (name, database.execute(f'SELECT * FROM "{name}"').fetchall())
        for kind, name, *_ in described
        if kind == "table" and name != "sqlite_sequence"
    ]
    return [described, rows, database.pragma("user_version"), database.pragma("application_id")]


def test_the_schema_equals_the_migrations(tmp_path: Path) -> None:
    migrate(tmp_path / "migrated.db")
    migrated, made = apsw.Connection(str(tmp_path / "migrated.db")), apsw.Connection(":memory:")
    made.execute((resources.files("clarion.store.sqlite") / "schema.sql").read_text(encoding="utf-8"))
    assert dump(migrated) == dump(made)
    migrated.close()


def test_versions_count_from_one_without_gaps() -> None:
    assert list(known()) == list(range(1, latest() + 1))


def test_every_table_is_strict() -> None:
    made = apsw.Connection(":memory:")
    made.execute((resources.files("clarion.store.sqlite") / "schema.sql").read_text(encoding="utf-8"))
    loose = made.execute("SELECT name FROM pragma_table_list WHERE NOT strict AND name NOT LIKE 'sqlite_%'").fetchall()
    assert loose == []


def test_migrating_applies_what_is_pending_once(tmp_path: Path) -> None:
    path = tmp_path / "clarion.db"
    assert schema_version(path) == 0
    assert not path.exists()
    assert migrate(path) == list(known())
    assert schema_version(path) == latest()
    assert migrate(path) == []


def test_each_migration_is_a_transaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "clarion.db"
    migrate(path)
    next_version = latest() + 1
    good = {**known(), next_version: f"CREATE TABLE extra (x) ; PRAGMA user_version = {next_version}"}
    monkeypatch.setattr(migrations, "known", lambda: {**good, next_version + 1: "CREATE TABLE half (x); CREATE TABLE half (x)"})
    with pytest.raises(StoreError):
        migrate(path)
    assert schema_version(path) == next_version
    monkeypatch.setattr(migrations, "known", lambda: {**good, next_version + 1: "CREATE TABLE whole (x)"})
    with pytest.raises(StoreError, match="does not set its version"):
        migrate(path)
    tables = {name for (name,) in apsw.Connection(str(path)).execute("SELECT name FROM sqlite_schema")}
    assert "extra" in tables
    assert {"half", "whole"}.isdisjoint(tables)


async def test_what_an_earlier_release_kept_is_read_as_it_was(path: Path, tmp_path: Path) -> None:
    """The rows of a new database, without what came later, in one that the first release made."""
    store = SqliteStore(path)
    await store.open()
    owner = await Owner.of(store)
    site = await store.create_site(Site(0, "Shop", "app", "public", b"sealed", "mailto:shop@example.com", b"sealed", NOW))
    browser = Subscriber("laptop", "n:ann", "https://push.example/1", "key", "secret")
    profile, row, one = Profile("n:ann", {"age": 30}, ("vip",), NOW), run("r", due=NOW), delivery("d")
    state, told = WorkflowState(SITE, "cart", 1, "active"), Explanation(SITE, "n:ann", "e", NOW, msgspec.Raw(b"{}"))
    await owner.commit(
        profiles=[(SITE, profile)],
        subscribers=[(SITE, browser)],
        runs=[row],
        deliveries=[one],
        workflows=[state],
        sites=[SiteState(SITE, "UTC")],
        explanations=[told],
    )
    await store.close()
    first = tmp_path / "first.db"
    create_file(first)
    opened = apsw.Connection(str(first))
    opened.execute(known()[1])
    opened.execute("ATTACH ? AS later", (str(path),))
    for table in ("sites", "profiles", "subscribers", "runs", "deliveries", "outbox", "workflow_states", "site_states", "explanations"):
        columns = ", ".join(name for (name,) in opened.execute("SELECT name FROM pragma_table_info(?, 'main')", (table,)))
        opened.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM later.{table}")
    opened.close()
    assert migrate(first) == list(known())[1:]
    store = SqliteStore(first)
    await store.open()
    assert (await store.configuration()).sites == [site]
    facts = await store.facts(0, Asked([], [SiteProfile(SITE, "n:ann")]))
    assert (facts.profiles, facts.subscribers, facts.runs) == ([(SITE, profile)], [(SITE, browser)], [row])
    assert (await store.claim(10, NOW))[0] == [one]
    assert (await store.workflow_states(0), await store.site_states(0)) == ([state], [SiteState(SITE, "UTC")])
    [found] = await store.explanations_about(SITE, ["n:ann"], None, 10)
    assert msgspec.structs.replace(found, sequence=0) == told
    await store.close()


async def test_runs_that_wait_are_counted_where_they_stand(tmp_path: Path) -> None:
    """Each will be counted off when it leaves."""
    path = tmp_path / "first.db"
    create_file(path)
    opened = apsw.Connection(str(path))
    opened.execute(known()[1])
    stands = [
        ("a", "cart", 1, "waiting", "hour", {"since": 3 * HOUR}),
        ("b", "cart", 1, "waiting", "hour", {"since": 3 * HOUR + 1}),
        ("c", "cart", 1, "waiting", "hour", {"since": 26 * HOUR}),
        ("d", "cart", 2, "waiting", "day", {}),
        ("e", "cart", 1, "completed", None, {"since": HOUR}),
        ("f", "welcome", 1, "waiting", None, {"since": HOUR}),
    ]
    opened.executemany(
        "INSERT INTO runs (partition, id, site, workflow, version, profile, status, step, held, started, state)"
        " VALUES (0, ?, 1, ?, ?, 'n:ann', ?, ?, 0, 7, ?)",
        [(*row[:5], msgspec.json.encode(row[5]).decode()) for row in stands],
    )
    opened.close()
    migrate(path)
    store = SqliteStore(path)
    await store.open()
    for period, starts in (("hour", (0, 3 * HOUR, 26 * HOUR)), ("day", (0, 0, 24 * HOUR))):
        found = [(row.start, row.version, row.step, row.name, row.count) for row in await store.counters(1, "cart", period, 0, FAR, 10)]
        assert sorted(found) == sorted(
            [
                (starts[0], 2, "day", "waiting", 1),
                (starts[1], 1, "hour", "waiting", 2),
                (starts[2], 1, "hour", "waiting", 1),
            ]
        )
    assert [(row.step, row.count) for row in await store.counters(1, "cart", "total", 0, 0, 10)] == [("hour", 3), ("day", 1)]
    assert await store.counters(1, "welcome", "total", 0, 0, 10) == []
    await store.close()


def test_two_processes_that_migrate_at_once_do_it_once(tmp_path: Path) -> None:
    applied: list[int] = []
    threads = [threading.Thread(target=lambda: applied.extend(migrate(tmp_path / "clarion.db"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == list(known())


def test_a_newer_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "clarion.db"
    migrate(path)
    apsw.Connection(str(path)).pragma("user_version", latest() + 1)
    with pytest.raises(StoreTooNew, match="newer Clarion"):
        migrate(path)


def test_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    (tmp_path / "text.db").write_text("not a database at all " * 100)
    for name in ("other.db", "text.db"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(StoreError):
            migrate(tmp_path / name)
        with pytest.raises(StoreError):
            schema_version(tmp_path / name)
        assert (tmp_path / name).read_bytes() == before


def test_only_its_owner_may_read_the_database(tmp_path: Path) -> None:
    migrate(tmp_path / "clarion.db")
    assert (tmp_path / "clarion.db").stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be made: No such file or directory"):
        migrate(tmp_path / "missing" / "clarion.db")


def test_a_library_with_the_wal_reset_bug_is_refused() -> None:
    for sound in ("3.51.3", "3.52.0", "4.0.0"):
        connection.require_library(sound)
    for broken in ("3.51.2", "3.50.7", "3.40.1"):
        with pytest.raises(StoreError, match=r"install apsw 3\.51\.3"):
            connection.require_library(broken)
