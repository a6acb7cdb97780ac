"""A move from SQLite to PostgreSQL: all of it arrives, where it belongs."""

from pathlib import Path

import apsw
from tests.store.moving.watching import PARTITIONS, Watcher, by_table, rows

from clarion.domain.ids import partition_of
from clarion.store.moving.move import move
from clarion.store.moving.source import open_source
from clarion.store.moving.tables import TABLES

AS_THEY_ARE = (
    "sites api_keys workflows workflow_versions workflow_drafts secrets site_keys segments jobs profiles runs entry_memory event_ids"
    " explanations deliveries"
)
"""Tables each of whose rows becomes one."""
NOT_MOVED = {"instance", "move", "moved_tables", "nodes", "partitions", "ingest_batches", "snapshots", "cleared"}

COLUMNS_HERE = """
SELECT c.relname::text, a.attname::text
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""
COLUMNS_THERE = """
SELECT t.name, c.name FROM sqlite_schema AS t CROSS JOIN pragma_table_info(t.name) AS c
WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'
"""
EXPLAINED_WHERE_LOGGED = "SELECT e.partition = l.partition FROM explanations AS e JOIN log AS l ON l.id = e.event WHERE e.profile = ''"


async def test_every_table_of_the_history_has_something(path: Path) -> None:
    with open_source(path) as source:
        assert [table for table, count in source.totals().items() if not count] == []


async def test_everything_moves_and_is_compared(path: Path, url: str, small: None) -> None:
    watcher = Watcher()
    moved = await move(path, url, PARTITIONS, watcher)
    assert (moved.partitions, moved.resumed, watcher.resumed) == (PARTITIONS, False, False)
    assert dict(watcher.moved_rows) == dict(watcher.compared_rows) == watcher.totals
    tables = by_table(moved)
    assert {table: read for table, (read, _) in tables.items()} == watcher.totals
    assert all(tables[table][0] == tables[table][1] > 0 for table in AS_THEY_ARE.split())
    for table in ("workflow_states", "site_states", "segment_states", "sweeps", "holds"):
        assert tables[table][1] == PARTITIONS * tables[table][0]
    # What concerns every partition is told to every one of them; who lives elsewhere has a copy there.
    assert all(tables[table][1] > tables[table][0] for table in ("subscribers", "log", "inbox"))
    assert len({one.checksum for one in moved.tables}) == len(moved.tables)


async def test_what_is_said_to_have_moved_is_there(path: Path, url: str) -> None:
    moved = await move(path, url, PARTITIONS, Watcher())
    for one in moved.tables:
        assert await rows(url, f"SELECT count(*) FROM {one.table}") == [(one.rows,)]


async def test_every_column_moves(path: Path, url: str) -> None:
    """Of every table on both sides, but what is another's by nature."""
    await move(path, url, PARTITIONS, Watcher())
    here = set(await rows(url, COLUMNS_HERE))
    with apsw.Connection(str(path)) as connection:
        there = set(connection.execute(COLUMNS_THERE))
    moved = {(table.name, column) for table in TABLES for column in table.columns}
    assert {one for one in here - moved if one[0] not in NOT_MOVED} == {("outbox", "claimed")}
    # In the outbox, `due` and `held` say the same.
    said = {("outbox", "scheduled"), ("holds", "cursor"), ("holds", "until")}
    assert {one for one in there - moved if one[0] not in NOT_MOVED} == said


async def test_each_row_is_where_it_belongs(path: Path, url: str) -> None:
    await move(path, url, PARTITIONS, Watcher())

    def home(site: int, key: str) -> int:
        return partition_of(site, key.partition(":")[2], PARTITIONS)

    for table, column in (("profiles", "key"), ("runs", "profile"), ("entry_memory", "profile"), ("deliveries", "profile")):
        found = await rows(url, f"SELECT partition, site, {column} FROM {table}")
        assert [one for one in found if one[0] != home(one[1], one[2])] == []
    explained = await rows(url, "SELECT partition, site, profile FROM explanations WHERE profile <> ''")
    assert [one for one in explained if one[0] != home(one[1], one[2])] == []
    # What was applied to nobody is explained where its event is logged.
    assert set(await rows(url, EXPLAINED_WHERE_LOGGED)) == {(True,)}
    subscribers = await rows(url, "SELECT partition, site, device_token_hash, profile FROM subscribers")
    assert {(hash_, partition) for partition, _, hash_, _ in subscribers} == {
        place
        for _, site, hash_, profile in subscribers
        for place in ((hash_, partition_of(site, hash_, PARTITIONS)), (hash_, home(site, profile)))
    }
    claims = await rows(url, "SELECT partition, site, target FROM event_ids WHERE target NOT LIKE 'r:%'")
    assert [one for one in claims if one[0] != home(one[1], one[2])] == []
    receipts = await rows(url, "SELECT e.partition, e.site, d.subscriber FROM event_ids e JOIN deliveries d ON 'r:' || d.id = e.target")
    assert receipts
    assert [one for one in receipts if one[0] != partition_of(one[1], one[2], PARTITIONS)] == []
    # An anonymous profile says whose part it has become: what still names it finds its way.
    merged = await rows(url, "SELECT key, merged FROM profiles WHERE merged IS NOT NULL")
    assert ("a:tablet", "n:bob") in merged
    # One that was left by logging out is nobody's part.
    assert [key for key, _ in merged if "radio" in key] == []


async def test_every_partition_goes_on_with_the_same_sweep_and_what_is_done_is_counted_once(path: Path, url: str) -> None:
    await move(path, url, PARTITIONS, Watcher())
    with apsw.Connection(str(path)) as connection:
        [(entry, cursor, done)] = connection.execute("SELECT entry, cursor, done FROM sweeps").fetchall()
    found = await rows(url, "SELECT partition, entry, cursor, done FROM sweeps ORDER BY partition")
    assert found == [(partition, entry, cursor, 0 if partition else done) for partition in range(PARTITIONS)]
    assert done


async def test_the_logs_are_numbered_without_gaps_in_their_order(path: Path, url: str) -> None:
    await move(path, url, PARTITIONS, Watcher())
    with apsw.Connection(str(path)) as connection:
        [(log_time, resumed, epoch)] = connection.execute("SELECT log_time, resumed, epoch FROM partitions").fetchall()
    states = await rows(url, "SELECT partition, sequence, log_time, resumed, epoch, owner FROM partitions ORDER BY partition")
    assert [state[2:] for state in states] == [(log_time, resumed, epoch, None)] * PARTITIONS
    for partition, last, *_ in states:
        log = await rows(url, f"SELECT sequence, log_time FROM log WHERE partition = {partition} ORDER BY sequence")
        assert [sequence for sequence, _ in log] == list(range(1, last + 1))
        assert [time for _, time in log] == sorted(time for _, time in log)
    # One copy of a change of the configuration for each partition, each with an id of its own.
    copies = await rows(url, "SELECT count(*), count(DISTINCT id), count(DISTINCT partition) FROM log WHERE kind = 'site'")
    assert copies == [(PARTITIONS, PARTITIONS, PARTITIONS)]


async def test_new_numbers_are_beyond_the_old_ones(path: Path, url: str) -> None:
    await move(path, url, PARTITIONS, Watcher())
    for sequence, table, column in (
        ("inbox_position", "inbox", "position"),
        ("explanation_sequence", "explanations", "sequence"),
        ("delivery_sequence", "deliveries", "sequence"),
        ("poisoned_sequence", "poisoned", "sequence"),
    ):
        [(following, highest)] = await rows(url, f"SELECT nextval('{sequence}'), (SELECT max({column}) FROM {table})")
        assert following > highest
