"""Coming to a database for the first time: is it one that can be worked on, and if not, what is the operator to do?"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg  # type: ignore[import-untyped]  # it carries no types

from clarion.store.port import StoreError, StoreUnavailable
from clarion.store.postgres.connection import connect, require_server
from clarion.store.postgres.errors import translated
from clarion.store.postgres.migrations import migrate, version_of

_LOCK: Final = 0x434C_5249
"""Key of the advisory lock of whoever makes a database ready."""

_LONGEST: Final = 300
"""Characters of what the server said."""

_ADVICE: Final[dict[str, str]] = {
    "28P01": "correct user and password in database_url, or in the file that PGPASSFILE names",
    "28000": "correct user and password in database_url, or let this user in by pg_hba.conf on the server",
    "3D000": "make it with: createdb --encoding UTF8 --template template0 NAME; or correct database_url",
    "42501": "let the user of database_url own the database: ALTER DATABASE NAME OWNER TO USER",
    "53300": "raise max_connections of the server, or lower database_connections",
    "57P03": "wait until the server has started",
    "25006": "name the server that can be written to: this one is a standby",
}
"""What to do about what the server says, by SQLSTATE."""


async def arrive(url: str) -> int:
    """Version of the schema of a PostgreSQL database; 0 where it has none yet.

    Raises StoreUnavailable, and StoreError for a server, a user or a database that will not do; the message says what to do.
    """
    try:
        connection = await connect(url)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise advised(error) from error
    try:
        require_server(connection)
        return (await version_of(connection))[0]
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise advised(error) from error
    finally:
        connection.terminate()


async def make_tables(url: str, partitions: int) -> None:
    """As `migrations.migrate`; where that fails, the message says what to do."""
    try:
        await migrate(url, partitions=partitions)
    except StoreError as error:
        raise advised(error.__cause__ or error) from error


@asynccontextmanager
async def making_ready(url: str) -> AsyncIterator[None]:
    """Hold the lock of whoever makes a database ready, for the block; waits for it. Raises as `arrive`."""
    try:
        connection = await connect(url, {"statement_timeout": "0", "lock_timeout": "0"})
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
            yield
        finally:
            connection.terminate()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise advised(error) from error


def advised(error: BaseException) -> StoreError:
    """What an error means to the operator who gave this URL, with what to do about it where that is known."""
    if isinstance(error, asyncpg.PostgresError):
        advice = _ADVICE.get(str(error.sqlstate))
        if advice is not None:
            kind = StoreUnavailable if error.sqlstate in ("53300", "57P03") else StoreError
            return kind(f"the database refuses: {str(error)[:_LONGEST]} — {advice}")
    elif isinstance(error, TimeoutError):
        return StoreUnavailable("the database server does not answer — see whether it runs, and whether a firewall is in the way")
    elif isinstance(error, OSError):
        return StoreUnavailable(f"the database server cannot be reached: {error} — start it, or correct database_url")
    elif isinstance(error, ValueError):  # the driver's complaints about URLs are of this kind too; they may quote a password
        return StoreError("database_url has an option that cannot be used — leave out what stands behind its ?")
    return translated(error)
