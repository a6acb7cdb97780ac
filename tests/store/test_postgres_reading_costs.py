"""What is looked at in many partitions at once is read by indexes, by a few at a time, and not for long."""

import asyncio
import re
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import pytest

from clarion.store.port import StoreOverloaded, StoreUnavailable
from clarion.store.postgres.connection import Database
from clarion.store.postgres.console import Console
from clarion.store.statements import load_statements

EVENTS = load_statements("clarion.store.postgres", "events")
READING = load_statements("clarion.store.postgres", "reading")
EVERY = [0, 1, 2, 3]

USES: list[tuple[str, tuple[Any, ...], str]] = [
    (EVENTS["events_behind"], (1, [0, 0, 0, 0], 10), "log_.*_partition_site_sequence_idx"),
    (EVENTS["events_newest"], (1, 10, 10**6), "log_.*_partition_site_sequence_idx"),
    (EVENTS["events_at"], (1, [0], [1], [1]), "log_.*_(pkey|partition_site_sequence_idx)"),
    (EVENTS["find_event"], (EVERY, 1, "x"), "log_.*_partition_id_idx"),
    (EVENTS["events_about"], (1, EVERY, ["n:a"] * 4, 10, 10**6), "log_.*_partition_site_profile_sequence_idx"),
    (EVENTS["waiting_events"], (1, 10), "inbox_pkey"),
    (READING["profile"], (0, 1, "n:u1", 10), "runs_by_profile"),
    (READING["run"], (EVERY, "x"), "runs_pkey"),
    (READING["runs"], (1, None, ["waiting", "failed"], 10), "runs_by_workflow"),
    (READING["explanations"], (EVERY, 1, "x", 10), "explanations_.*_partition_event_idx"),
    (READING["explanations_about"], (1, [0], ["n:u1"], 9, 9, 10, 10**6), "explanations_.*_partition_site_profile_at_sequence_idx"),
    (READING["delivery"], (EVERY, 1, "x"), "deliveries_.*_pkey"),
    (READING["deliveries_of_run"], (EVERY, 1, "x", 10), "deliveries_.*_partition_run_idx"),
    (READING["deliveries_of_site"], (1, 10), "deliveries_.*_partition_site_sequence_idx"),
    (READING["counters"], (1, "cart", "hour", 0, 2**62, 10), "counters_pkey"),
    (READING["totals"], (EVERY, 1, "cart", 10), "counters_pkey"),
    (READING["poisoned_input"], (EVERY, 1, "x"), "poisoned_pkey"),
    (READING["poisoned_of_site"], (1, 10), "poisoned_by_site"),
]
"""Each statement, what it is asked, and an index that it has to use."""

FILL: dict[str, dict[str, str]] = {
    "log": {
        "sequence": "n",
        "log_time": "n",
        "kind": "'event'",
        "id": "md5(n::text)",
        "body": "'{}'",
        "received": "n",
        "profile": "'n:u' || n % 99",
    },
    "inbox": {"kind": "'event'", "id": "md5(n::text)", "body": "'{}'", "received": "n"},
    "runs": {
        "id": "md5(n::text)",
        "workflow": "'w' || n % 9",
        "version": "1",
        "profile": "'n:u' || n % 99",
        "status": "'waiting'",
        "held": "false",
        "started": "n",
        "state": "'{}'",
    },
    "explanations": {"log_time": "n", "profile": "'n:u' || n % 99", "event": "md5(n::text)", "at": "n", "body": "'{}'"},
    "deliveries": {
        "id": "md5(n::text)",
        "created": "n",
        "effect": "''",
        "run": "md5(n::text)",
        "workflow": "''",
        "step": "''",
        "profile": "'n:u' || n % 99",
        "kind": "'push'",
        "job": "'{}'",
        "due": "0",
        "expires": "0",
        "hops": "0",
        "attempts": "'[]'",
        "status": "'sent'",
        "version": "1",
    },
    "counters": {
        "workflow": "'w' || n % 9",
        "period": "'hour'",
        "start": "n",
        "version": "1",
        "step": "''",
        "name": "''",
        "branch": "''",
        "count": "1",
    },
    "poisoned": {"id": "md5(n::text)", "kind": "'event'", "body": "'{}'", "at": "n", "error": "''"},
}
"""For each large table, what its n-th row in a partition is made of."""


async def test_large_tables_are_read_by_their_indexes(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url, server_settings={"plan_cache_mode": "force_generic_plan"})
    try:
        for table, made in FILL.items():
            rows = "generate_series(0, 3) AS p CROSS JOIN generate_series(1, 2000) AS n"
            columns, values = ", ".join(made), ", ".join(made.values())
            await connection.execute(f"INSERT INTO {table} (partition, site, {columns}) SELECT p, n % 9, {values} FROM {rows}")
        await connection.execute("ANALYZE")
        for statement, asked, index in USES:
            plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *asked)
            assert re.search(rf'"Index Name": "{index}"', plan), (statement, plan)
            scanned = re.findall(r'"Node Type": "Seq Scan"[^}]*?"Relation Name": "(\w+)"', plan)
            filled = await connection.fetch("SELECT relname FROM pg_class WHERE relname = ANY($1) AND reltuples > 0", scanned)
            assert {name for (name,) in filled} <= {"partitions"}, (statement, plan)
    finally:
        await connection.close()


async def test_the_console_keeps_to_its_turns(postgres_url: str) -> None:
    database = Database(postgres_url)
    await database.open()
    console, hasty = Console(database, at_once=1, most_waiting=1), Console(database, at_once=1, patience=0)
    for each in (console, hasty):
        await each._turns.acquire()  # somebody's query takes long
    waits = asyncio.create_task(console.value("SELECT 1"))
    await asyncio.sleep(0)  # it takes its place in the queue
    with pytest.raises(StoreOverloaded, match="1 queries are waiting"):
        await console.value("SELECT 2")
    with pytest.raises(StoreOverloaded, match="has waited for its turn for 0 seconds"):
        await hasty.value("SELECT 3")
    console._turns.release()
    assert await waits == 1
    assert await console.value("SELECT 4") == 4
    await database.close()


async def test_a_query_that_takes_too_long_is_broken_off(postgres_url: str) -> None:
    database = Database(postgres_url, settings={"statement_timeout": "50ms"})
    await database.open()
    console = Console(database)
    with pytest.raises(StoreUnavailable):
        await console.value("SELECT pg_sleep(60)")
    assert await console.value("SELECT 1") == 1
    await database.close()
