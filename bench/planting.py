"""Sleeping runs by the million: the engine starts one, and SQL copies its rows under other names, as the store would have written them.

Whatever columns the tables have, a copy has the same but for its id, its profile and when it is due. Run ids are spread over the table, so
that runs that come due one after the other lie far apart in it, as runs do whose ids are hashes.
"""

import errno
import shutil
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Final

import apsw
import msgspec

from bench.asleep import PROFILE, fall_asleep, sleeping
from bench.engine import DATABASE, only_row, opened, publish
from bench.progress import say
from clarion.domain.ids import named_profile

_AT_ONCE: Final = 200_000
_ROOM: Final = 2_500
"""Bytes of free disk for each run, a copy and what is sorted on the way included."""
_CACHE_KIBIBYTES: Final = 512 * 1024

_NAME: Final = f"'{PROFILE}-' || printf('%08x', n)"
_SAMPLE: Final = "SELECT due FROM runs WHERE profile = ?"
_INDEXES: Final = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'runs' AND sql IS NOT NULL"
_NUMBERS: Final = "WITH RECURSIVE numbers (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last)"


class Planted(msgspec.Struct, frozen=True):
    """A database of sleeping runs."""

    instant: int
    """UTC microseconds from which runs come due; an hour or so from when they were planted."""
    seconds: float
    size: int
    """Bytes of the file."""


async def plant(directory: Path, step: str, count: int, due: str) -> Planted:
    """Make a database with `count` runs that sleep before their last step, one of `asleep.STEPS`.

    `due` is an SQL expression in `:instant` and `n`, the number of a run from 0. Raises OSError where the disk has no room for them.
    """
    began = perf_counter()
    if shutil.disk_usage(directory).free < count * _ROOM:
        raise OSError(errno.ENOSPC, f"{count:,} runs need {count * _ROOM / 1e9:.0f} GB", str(directory))
    async with opened(directory) as store:
        site = await publish(store, [sleeping(step)])
        await fall_asleep(store, site.id)
    file = directory / DATABASE
    [instant] = only_row(directory, _SAMPLE, tuple[int], (named_profile(PROFILE),))
    with closing(apsw.Connection(str(file))) as database:
        database.pragma("cache_size", -_CACHE_KIBIBYTES)
        database.pragma("journal_mode", "off")  # it is thrown away if this fails
        database.pragma("synchronous", "off")
        _multiply(database, count, due, instant)
        database.pragma("journal_mode", "wal")
    seconds = perf_counter() - began
    say(f"    {count:,} sleeping runs in {seconds:.0f} s, {file.stat().st_size / 1e6:,.0f} MB")
    return Planted(instant, seconds, file.stat().st_size)


def _multiply(database: apsw.Connection, count: int, due: str, instant: int) -> None:
    indexes = msgspec.convert(database.execute(_INDEXES).fetchall(), list[tuple[str, str]])
    for name, _ in indexes:
        database.execute(f'DROP INDEX "{name}"')  # sorting the entries once is many times quicker than inserting them one by one
    named = named_profile("")
    runs = {
        "id": "printf('%08x', n) || substr(id, 9)",
        "profile": f"'{named}' || {_NAME}",
        "due": due,
        "state": f"""replace(state, '{PROFILE}"', {_NAME} || '"')""",
    }
    copies = [_copy(database, "runs", runs, "profile"), _copy(database, "profiles", {"key": f"'{named}' || {_NAME}"}, "key")]
    for first in range(0, count, _AT_ONCE):
        numbers = {"first": first, "last": min(count, first + _AT_ONCE) - 1}
        for copy in copies:
            database.execute("BEGIN")
            database.execute(copy, numbers | {"instant": instant, "sample": named_profile(PROFILE)})
            database.execute("COMMIT")
        if first // _AT_ONCE % 10 == 9:
            say(f"    {first + _AT_ONCE:,} of {count:,}")
    for table, column in (("runs", "profile"), ("profiles", "key")):
        database.execute(f'DELETE FROM {table} WHERE "{column}" = ?', (named_profile(PROFILE),))
    for name, sql in indexes:
        if count > _AT_ONCE:
            say(f"    index {name}")
        database.execute(sql)


def _copy(database: apsw.Connection, table: str, other: dict[str, str], name: str) -> str:
    """A statement that copies the sample's row of a table, with other expressions for some columns."""
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    listed = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(other.get(str(column), f'"{column}"') for column in columns)
    sample = f'CROSS JOIN (SELECT * FROM {table} WHERE "{name}" = :sample)'
    return f"{_NUMBERS} INSERT INTO {table} ({listed}) SELECT {values} FROM numbers {sample} WHERE :instant IS NOT NULL"
