"""A database that has seen much: rows by the million, put there by SQL as the store would have written them.

Indexes are dropped before and made anew behind it, which is many times quicker than a row at a time. Autovacuum leaves the tables alone
afterwards, so that it does not come in between what is measured.
"""

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import msgspec

from bench.asleep import PROFILE, fall_asleep
from bench.engine_events import EVENT
from bench.postgres.server import only
from bench.postgres.watched import opened
from bench.progress import say
from clarion.clock import DAY, wall_clock
from clarion.domain.ids import named_profile, partition_of

_PEOPLE: Final = 1_000_000
"""Profiles that the events of a long log are about, at most."""
_AT_ONCE: Final = 2
"""Connections that load side by side."""

_INDEXES: Final = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = $1::regclass AND NOT i.indisprimary AND NOT c.relispartition
"""
_KEY: Final = """
SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'p'
"""
_PARTS: Final = "SELECT relid::regclass::text FROM pg_partition_tree($1::regclass) WHERE isleaf"
_NAMES: Final = "SELECT attname::text FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"

# As the engine leaves events behind that nobody listened for; the time is that of the last hour, so all are in the period that is written.
_LOG: Final = """
INSERT INTO log (partition, sequence, log_time, kind, site, id, body, received, profile)
SELECT
    n % $1, p.sequence + 1 + n / $1, $2 + n * $3, 'event', $4, md5(n::text),
    concat('{"id":"', md5(n::text), '","name":"@EVENT@","profile_id":"buyer-', n % $5,
        '","data":{"number":', n, ',"product_name":"Running Shoes","price":99.99},"received":', $2 + n * $3, '}'),
    $2 + n * $3, 'n:buyer-' || n % $5
FROM generate_series($6::bigint, $7::bigint) AS n
JOIN partitions AS p ON p.partition = n % $1
""".replace("@EVENT@", EVENT)
_LOGGED: Final = """
UPDATE partitions AS p SET sequence = l.sequence, log_time = greatest(p.log_time, l.log_time)
FROM (SELECT partition, max(sequence) AS sequence, max(log_time) AS log_time FROM log GROUP BY partition) AS l
WHERE l.partition = p.partition AND l.sequence > p.sequence
"""

_NAME: Final = f"'{PROFILE}-' || lpad(to_hex(n), 8, '0')"
_DUE: Final = f"CASE WHEN h.n IS NULL THEN $1 + {DAY} + n * 2654435761 % {30 * DAY} ELSE $1 END"
_SLEEPER: Final = """
INSERT INTO @TABLE@ (@COLUMNS@)
SELECT @VALUES@
FROM generate_series($3::bigint, $4::bigint) AS n
LEFT JOIN homes AS h USING (n)
CROSS JOIN (SELECT * FROM @TABLE@ WHERE @NAME@ = 'n:sleeper') AS s
WHERE $1::bigint IS NOT NULL AND $2::integer IS NOT NULL
"""


class Loaded(msgspec.Struct, frozen=True):
    """A database with much in it."""

    seconds: float
    size: int
    instant: int = 0
    """When runs come due, in UTC microseconds: an hour or so from when they were made."""
    profiles: list[tuple[str, int]] = []
    """Of those runs: `profile_id`, and the partition that it lives in."""


async def load_log(url: str, count: int, site: int) -> Loaded:
    """Put so many events into the log."""
    began = perf_counter()
    partitions = only(url, "SELECT partitions FROM instance", tuple[int])[0]
    step = max(1, min(1_000_000, 3_600_000_000 // count))
    first = wall_clock() - count * step
    values = (partitions, first, step, site, min(_PEOPLE, count))
    connection = await asyncpg.connect(url)
    try:
        indexes = await _bare(connection, "log")
        await _side_by_side(url, [(_LOG, (*values, low, high)) for low, high in _shares(count)])
        await _dressed(connection, indexes)
        await connection.execute(_LOGGED)
        return await _done(connection, began, f"{count:,} events in the log", ("log",))
    finally:
        await connection.close()


async def load_sleepers(url: str, count: int, waking: int, site: int) -> Loaded:
    """Put `count` runs there that sleep for a day or more, and `waking` that come due at one instant, spread over the whole table."""
    began = perf_counter()
    instant = await _one_sleeper(url, site)
    total = count + waking
    numbers = [place * total // waking for place in range(waking)]
    partitions = only(url, "SELECT partitions FROM instance", tuple[int])[0]
    names = [f"{PROFILE}-{number:08x}" for number in numbers]
    homes = [partition_of(site, name, partitions) for name in names]
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE UNLOGGED TABLE homes (n bigint PRIMARY KEY, partition integer NOT NULL)")
        await connection.copy_records_to_table("homes", records=list(zip(numbers, homes, strict=True)))
        statements, indexes = [], []
        for table, name, other in (
            ("runs", "profile", {"id": "lpad(to_hex(n), 8, '0') || substr(s.id, 9)", "due": _DUE, "state": _state()}),
            ("profiles", "key", {}),
        ):
            copied = {"partition": "coalesce(h.partition, n % $2)", name: f"'{named_profile('')}' || {_NAME}"} | other
            statements.append(await _copy(connection, table, name, copied))
            indexes += await _bare(connection, table)
        await _side_by_side(url, [(sql, (instant, partitions, low, high)) for sql in statements for low, high in _shares(total)])
        await connection.execute(f"DELETE FROM runs WHERE profile = '{named_profile(PROFILE)}'")
        await _dressed(connection, indexes)
        loaded = await _done(connection, began, f"{count:,} sleeping runs", ("runs", "profiles"))
        return msgspec.structs.replace(loaded, instant=instant, profiles=list(zip(names, homes, strict=True)))
    finally:
        await connection.close()


async def _one_sleeper(url: str, site: int) -> int:
    """Make the run that the others are copies of; returns when it is due."""
    async with opened(url) as store:
        await fall_asleep(store, site)
    return only(url, "SELECT due FROM runs WHERE profile = $1", tuple[int], named_profile(PROFILE))[0]


def _state() -> str:
    """The copied run's state is about its own profile."""
    return f"""replace(s.state, '{PROFILE}"', {_NAME} || '"')"""


async def _copy(connection: Any, table: str, name: str, other: dict[str, str]) -> str:
    """A statement that copies the sample's row of a table, with other expressions for some columns."""
    columns = [row[0] for row in await connection.fetch(_NAMES, table)]
    values = ", ".join(other.get(column, f's."{column}"') for column in columns)
    listed = ", ".join(f'"{column}"' for column in columns)
    return _SLEEPER.replace("@TABLE@", table).replace("@COLUMNS@", listed).replace("@VALUES@", values).replace("@NAME@", name)


async def _bare(connection: Any, table: str) -> list[str]:
    """Drop the indexes and the key of a table, and keep autovacuum from it; returns the statements that make them again."""
    again = []
    for name, definition in await connection.fetch(_INDEXES, table):
        again.append(definition)
        await connection.execute(f"DROP INDEX {name}")
    for name, definition in await connection.fetch(_KEY, table):
        again.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for (part,) in await connection.fetch(_PARTS, table) or [(table,)]:
        await connection.execute(f"ALTER TABLE {part} SET (autovacuum_enabled = off)")
    return again


async def _dressed(connection: Any, indexes: Sequence[str]) -> None:
    # One after the other: each is made by several processes already.
    for statement in indexes:
        await connection.execute(statement)


def _shares(count: int) -> list[tuple[int, int]]:
    return [(count * place // _AT_ONCE, count * (place + 1) // _AT_ONCE - 1) for place in range(_AT_ONCE)]


async def _side_by_side(url: str, work: Sequence[tuple[str, tuple[object, ...]]]) -> None:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def run(sql: str, values: tuple[object, ...]) -> None:
        async with gate:
            connection = await asyncpg.connect(url, server_settings={"synchronous_commit": "off"})
            try:
                await connection.execute(sql, *values)
            finally:
                await connection.close()

    await asyncio.gather(*(run(*one) for one in work))


async def _done(connection: Any, began: float, what: str, tables: Sequence[str]) -> Loaded:
    for table in tables:
        await connection.execute(f"ANALYZE {table}")
    await connection.execute("CHECKPOINT")
    size = await connection.fetchval("SELECT pg_database_size(current_database())")
    seconds = perf_counter() - began
    say(f"    {what} in {seconds:.0f} s, {size / 1e6:,.0f} MB")
    return Loaded(seconds, size)
