"""The schema is what its migrations make of an empty database, and only of one that is fit for it."""

import asyncio
from collections.abc import Iterator
from importlib import resources
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import pytest
from tests.postgres import databases

from clarion.domain.records import Profile, Subscriber
from clarion.store.port import StoreError, StoreOutdated, StoreTooNew, StoreUnavailable
from clarion.store.postgres import connection, migrations
from clarion.store.postgres.migrations import functions, known, latest, migrate, schema_version
from clarion.store.postgres.store import PostgresStore
from clarion.store.records.sites import Site

_SHAPE = """
SELECT 'column', c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod) || a.attnotnull || coalesce(l.collname, '')
    || coalesce(pg_get_expr(d.adbin, d.adrelid), '') || a.attnum || a.attstorage::text
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
UNION ALL
SELECT 'relation', c.relname, c.relkind::text || coalesce(array_to_string(c.reloptions, ','), '') || coalesce(pg_get_partkeydef(c.oid), '')
    || coalesce(pg_get_expr(c.relpartbound, c.oid), '')
FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', x.indexrelid::regclass::text, pg_get_indexdef(x.indexrelid)
FROM pg_index AS x JOIN pg_class AS c ON c.oid = x.indrelid WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'constraint', conrelid::regclass::text || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
ORDER BY 1, 2, 3
"""


@pytest.fixture
def second() -> Iterator[str]:
    made = databases().empty()
    yield made
    databases().drop(made)


async def run(url: str, sql: str, *values: object) -> list[tuple[Any, ...]]:
    opened = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await opened.fetch(sql, *values)]
    finally:
        await opened.close()


async def script(url: str, sql: str) -> None:
    opened = await asyncpg.connect(url)
    try:
        await opened.execute(sql)
    finally:
        await opened.close()


async def test_the_schema_equals_the_migrations(url: str, second: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        migrations, "functions", lambda: {"periods": "CREATE FUNCTION clarion_ensure_periods(bigint, int) RETURNS int RETURN 0"}
    )
    await migrate(url)
    await script(second, (resources.files("clarion.store.postgres") / "schema.sql").read_text(encoding="utf-8"))
    assert await run(url, _SHAPE) == await run(second, _SHAPE)


def test_versions_count_from_one_without_gaps() -> None:
    assert list(known()) == list(range(1, latest() + 1))


async def test_migrating_applies_what_is_pending_once(url: str) -> None:
    assert await schema_version(url) == 0
    assert await migrate(url, partitions=7) == list(known())
    assert await schema_version(url) == latest()
    assert await migrate(url, partitions=9) == []
    assert await run(url, "SELECT partition FROM partitions ORDER BY 1") == [(number,) for number in range(7)]
    store = PostgresStore(url)
    assert store.partitions == 0
    await store.open()
    assert (store.partitions, store.shared) == (7, True)
    await store.close()


async def test_all_that_is_pending_is_applied_or_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await migrate(url, partitions=1)
    following = latest() + 1
    good = {**known(), following: "CREATE TABLE extra (x integer)"}
    monkeypatch.setattr(
        migrations, "known", lambda: {**good, following + 1: "CREATE TABLE half (x integer); CREATE TABLE half (x integer)"}
    )
    with pytest.raises(StoreError):
        await migrate(url)
    assert await schema_version(url) == following - 1
    assert await run(url, "SELECT to_regclass('extra'), to_regclass('half')") == [(None, None)]
    monkeypatch.setattr(migrations, "known", lambda: good)
    assert await migrate(url) == [following]
    assert await schema_version(url) == following


async def test_functions_are_put_in_place_as_this_program_knows_them(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await migrate(url, partitions=1)
    changed = {**functions(), "extra": "CREATE OR REPLACE FUNCTION clarion_extra() RETURNS integer RETURN 1"}
    monkeypatch.setattr(migrations, "functions", lambda: changed)
    assert await migrate(url) == []
    assert await run(url, "SELECT clarion_extra()") == [(1,)]


async def test_a_function_whose_parameters_change_stays_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    once = "SELECT proname::text, count(*) FROM pg_proc WHERE proname LIKE 'clarion%' GROUP BY 1 HAVING count(*) > 1"
    with monkeypatch.context() as first:
        earlier = "CREATE FUNCTION clarion_ensure_periods(bigint, int) RETURNS int LANGUAGE sql AS 'SELECT 0';"
        earlier += "CREATE FUNCTION clarion_commit(p_partition int) RETURNS void LANGUAGE sql AS '';"
        earlier += "CREATE FUNCTION clarion_facts(p_partition int) RETURNS text LANGUAGE sql AS 'SELECT NULL'"
        first.setattr(migrations, "known", lambda: {1: known()[1]})
        first.setattr(migrations, "functions", lambda: {"earlier": earlier})
        await migrate(url, partitions=1)
    await script(url, "DROP FUNCTION clarion_ensure_periods")
    assert await migrate(url) == list(known())[1:]
    assert await run(url, once) == []


async def test_what_an_earlier_release_kept_is_read_as_it_was(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as first:
        first.setattr(migrations, "known", lambda: {1: known()[1]})
        first.setattr(
            migrations, "functions", lambda: {"periods": "CREATE FUNCTION clarion_ensure_periods(bigint, int) RETURNS int RETURN 0"}
        )
        await migrate(url, partitions=1)
    await script(
        url,
        "DROP FUNCTION clarion_ensure_periods;"
        "INSERT INTO sites VALUES (1, 'Shop', 'app', 'public', 'sealed', 'mailto:a@example.com', 'sealed', 5, 'UTC', NULL);"
        "INSERT INTO profiles VALUES (0, 1, 'n:ann', '{\"age\":30}', '[\"vip\"]', 7, '{}', NULL);"
        "INSERT INTO subscribers VALUES (0, 1, 'phone', 'n:ann', 'https://push.example/1', 'key', 'secret', true, 1, 2, '{}')",
    )
    await migrate(url)
    store = PostgresStore(url)
    await store.open()
    assert (await store.configuration()).sites == [Site(1, "Shop", "app", "public", b"sealed", "mailto:a@example.com", b"sealed", 5)]
    assert await store.profiles_page(0, 1, "", 10) == [Profile("n:ann", {"age": 30}, ("vip",), 7)]
    assert await store.subscriber(1, "phone") == Subscriber(
        "phone", "n:ann", "https://push.example/1", "key", "secret", created=1, last_active=2
    )
    await store.close()


async def test_processes_that_migrate_at_once_do_it_once(url: str) -> None:
    applied = await asyncio.gather(*(migrate(url, partitions=2) for _ in range(4)))
    assert sorted(version for each in applied for version in each) == list(known())
    assert await run(url, "SELECT count(*) FROM partitions") == [(2,)]


async def test_a_database_without_tables_or_of_another_version_is_not_worked_on(url: str) -> None:
    with pytest.raises(StoreOutdated, match="clarion migrate"):
        await PostgresStore(url).open()
    await migrate(url, partitions=1)
    await script(url, "UPDATE instance SET schema = 0")
    with pytest.raises(StoreOutdated, match="clarion migrate"):
        await PostgresStore(url).open()
    await script(url, f"UPDATE instance SET schema = {latest() + 1}")
    with pytest.raises(StoreTooNew, match="newer Clarion"):
        await PostgresStore(url).open()
    with pytest.raises(StoreTooNew, match="newer Clarion"):
        await migrate(url)


@pytest.mark.parametrize("theirs", ["CREATE TABLE theirs (x integer)", "CREATE TABLE instance (theirs integer)", "CREATE SEQUENCE theirs"])
async def test_another_programs_database_is_left_alone(url: str, theirs: str) -> None:
    await script(url, theirs)
    before = await run(url, _SHAPE)
    for come in (migrate(url), schema_version(url), PostgresStore(url).open()):
        with pytest.raises(StoreError, match="another program"):
            await come
    assert await run(url, _SHAPE) == before


async def test_a_server_that_is_too_old_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "OLDEST_SERVER", 99)
    for come in (migrate(url), PostgresStore(url).open()):
        with pytest.raises(StoreError, match="too old; 99 or newer"):
            await come


async def test_only_utf8_will_do(url: str) -> None:
    name = url.rpartition("/")[2] + "_latin"
    await script(url, f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    other = url.rpartition("/")[0] + "/" + name
    with pytest.raises(StoreError, match="ENCODING 'UTF8'"):
        await migrate(other)
    await script(url, f'DROP DATABASE "{name}"')


async def test_a_server_or_database_that_is_not_there_is_said(url: str) -> None:
    with pytest.raises(StoreUnavailable):
        await migrate("postgresql://postgres@127.0.0.1:1/nowhere")
    with pytest.raises(StoreUnavailable, match="does not exist"):
        await migrate(url + "_missing")


async def test_the_check_says_what_is_missing(url: str) -> None:
    await migrate(url, partitions=1)
    store = PostgresStore(url)
    await store.open()
    found = await store.check()
    assert (found["engine"], found["schema"], found["integrity"], found["inbox"]) == ("postgresql", latest(), "ok", 0)
    assert found["database_bytes"] == await store.database_bytes() > 0
    await script(url, "DROP INDEX runs_due; DROP FUNCTION clarion_leave")
    assert (await store.check())["integrity"] == "missing: clarion_leave, runs_due"
    await store.close()
