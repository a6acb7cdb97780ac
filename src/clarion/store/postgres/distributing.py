"""On Citus: the large tables spread over the cluster by `partition`, side by side, the small ones copied to every node."""

from typing import Final

import asyncpg  # type: ignore[import-untyped]  # it carries no types

from clarion.store.port import StoreError
from clarion.store.postgres.arrival import advised
from clarion.store.postgres.cluster import is_spread, statements
from clarion.store.postgres.connection import connect

_HAS_CITUS: Final = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')"
_SETTINGS: Final = {"statement_timeout": "0", "lock_timeout": "60s", "idle_in_transaction_session_timeout": "0"}


async def distribute(url: str) -> bool:
    """Spread the tables of a migrated database, with what is in them; False where they are spread already.

    Raises StoreError where the database has no Citus, StoreUnavailable.
    """
    try:
        connection = await connect(url, _SETTINGS)
        try:
            if not await connection.fetchval(_HAS_CITUS):
                raise StoreError(
                    "the database has no extension citus — install Citus on its server, then run there: CREATE EXTENSION citus; or leave"
                    " --distributed out"
                )
            async with connection.transaction():
                if await is_spread(connection):
                    return False
                await connection.execute(statements())
            return True
        finally:
            connection.terminate()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise advised(error) from error
