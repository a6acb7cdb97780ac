"""Facts about the database for `clarion doctor`."""

import re
from collections.abc import Iterable

from clarion.store.postgres.connection import Database
from clarion.store.postgres.migrations import functions, known, latest
from clarion.store.statements import load_statements

_SQL = load_statements(__package__, "checking")
_MADE = re.compile(r"^CREATE (?:OR REPLACE )?(?:UNIQUE )?(?:TABLE|INDEX|SEQUENCE|FUNCTION) (\w+)", re.MULTILINE)


async def check(database: Database) -> dict[str, str | int]:
    """As in the port, with how many nodes of each role are there; `oldest_inbox_entry` is left out when the inbox is empty.

    `integrity` is `ok` where all is there that the migrations make. Whether its files are sound, the server can say (`pg_amcheck`).
    """
    waiting = await database.fetchrow(_SQL["waiting"])
    inbox, outbox, oldest = (0, 0, None) if waiting is None else waiting
    missing = [str(name) for (name,) in await database.fetch(_SQL["missing"], list(_made()))]
    found: dict[str, str | int] = {
        "engine": "postgresql",
        "library": str(await database.fetchval(_SQL["version"])),
        "schema": latest(),
        "database_bytes": await database_bytes(database),
        "inbox": inbox,
        "outbox": outbox,
        "integrity": f"missing: {', '.join(missing)}" if missing else "ok",
    }
    alive = await database.fetchrow(_SQL["alive"])
    found.update(zip(("nodes_api", "nodes_engine", "nodes_delivery", "partitions_owned"), alive or (0, 0, 0, 0), strict=True))
    if oldest is not None:
        found["oldest_inbox_entry"] = oldest
    return found


async def database_bytes(database: Database) -> int:
    """Bytes of the database on the server's disk."""
    return int(await database.fetchval(_SQL["bytes"]))


def _made() -> Iterable[str]:
    """Names of everything that the schema has."""
    return (name for sql in [*known().values(), *functions().values()] for name in _MADE.findall(sql))
