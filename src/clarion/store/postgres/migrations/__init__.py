"""Numbered migrations: `NNNN_name.sql`, each applied once, in order, all that are pending in one transaction; and the schema's functions.

The functions (`functions/*.sql`) have no versions: each migration puts them in place as this program knows them.
"""

from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]  # it carries no types

from clarion.store.numbered import load_numbered, too_new
from clarion.store.port import StoreError, StoreOutdated, StoreTooNew
from clarion.store.postgres.cluster import is_spread, migrate_in_sequence, spread_new
from clarion.store.postgres.connection import first_of, require_server
from clarion.store.postgres.errors import translated
from clarion.store.postgres.periods import AHEAD, LENGTH
from clarion.store.statements import load_statements

DEFAULT_PARTITIONS: Final = 64

_LOCK: Final = 0x434C_524E
"""Key of the advisory lock under which one process at a time migrates."""
_SQL = load_statements("clarion.store.postgres", "migrating")


def known() -> dict[int, str]:
    """Every migration's SQL by its version, in order."""
    return load_numbered(__package__)


def functions() -> Mapping[str, str]:
    """SQL that puts each area's functions in place, by area."""
    directory = resources.files("clarion.store.postgres") / "functions"
    files = sorted((file for file in directory.iterdir() if file.name.endswith(".sql")), key=lambda entry: entry.name)
    return {file.name.removesuffix(".sql"): file.read_text(encoding="utf-8") for file in files}


def latest() -> int:
    """The schema version that this program needs."""
    return max(known())


async def version_of(connection: Any) -> tuple[int, int]:
    """Version of the schema, and how many partitions it has; (0, 0) where there is none. Raises StoreError for another program's tables."""
    if await connection.fetchval(_SQL["has_instance"]):
        try:
            version, partitions = await connection.fetchrow(_SQL["instance"])
        except (asyncpg.UndefinedColumnError, TypeError) as error:
            raise StoreError("The database is another program's.") from error
        return int(version), int(partitions)
    if await connection.fetchval(_SQL["has_tables"]):
        raise StoreError("The database has tables of another program.")
    return 0, 0


def require_version(version: int) -> None:
    """Raise StoreOutdated or StoreTooNew if a database of this version is none that this program can work on."""
    if version == 0:
        raise StoreOutdated("The database has no tables yet; run `clarion init` or `clarion migrate`.")
    if version > latest():
        raise StoreTooNew(too_new(version, latest()))
    if version < latest():
        raise StoreOutdated(f"The database has schema {version}, this Clarion needs {latest()}; run `clarion migrate`.")


async def ready(connection: Any) -> int:
    """How many partitions a database has, which has just this program's schema and all of its data.

    Raises StoreOutdated, StoreTooNew, StoreError.
    """
    version, partitions = await version_of(connection)
    require_version(version)
    if await connection.fetchval(_SQL["is_moving"]):
        raise StoreOutdated("A move from SQLite into this database has not ended; go on with it: `clarion migrate --from … --to …`.")
    return partitions


async def schema_version(url: str) -> int:
    """Version of a database's schema; 0 where there is none yet. Raises StoreUnavailable, StoreError."""
    connection = await _connected(url)
    try:
        return (await version_of(connection))[0]
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise translated(error) from error
    finally:
        await connection.close()


async def migrate(url: str, *, partitions: int = DEFAULT_PARTITIONS) -> list[int]:
    """Bring a database that exists to this program's schema; return the versions applied. Two at once do no harm.

    `partitions` is for a database that has no tables yet; their number never changes after.
    Raises StoreTooNew, StoreUnavailable, StoreError.
    """
    connection = await _connected(url)
    try:
        require_server(connection)
        await _require_encoding(connection)
        async with connection.transaction():
            await connection.execute(_SQL["lock"], _LOCK)
            return await _apply(connection, partitions)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise translated(error) from error
    finally:
        await connection.close()


async def _apply(connection: Any, partitions: int) -> list[int]:
    current, _ = await version_of(connection)  # only now can no other process be at it
    if current > latest():
        raise StoreTooNew(too_new(current, latest()))
    pending = [version for version in known() if version > current]
    spread = current > 0 and bool(pending) and await is_spread(connection)
    if spread:
        await migrate_in_sequence(connection)
    for version in pending:
        await connection.execute(known()[version])
    if current == 0:
        await connection.execute(_SQL["put_instance"], latest(), partitions)
        await connection.execute(_SQL["put_partitions"], partitions)
    else:
        await connection.execute(_SQL["put_version"], latest())
    for sql in functions().values():
        await connection.execute(sql)
    if spread:
        await spread_new(connection)
    if current == 0:
        await connection.execute(_SQL["ensure_periods"], LENGTH, AHEAD)
    return pending


async def _require_encoding(connection: Any) -> None:
    encoding = await connection.fetchval(_SQL["encoding"])
    if encoding != "UTF8":
        raise StoreError(f"The database has the encoding {encoding}; make one with ENCODING 'UTF8' TEMPLATE template0.")


async def _connected(url: str) -> Any:
    try:
        return await first_of(url, {"client_min_messages": "warning"}, 0)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise translated(error) from error
