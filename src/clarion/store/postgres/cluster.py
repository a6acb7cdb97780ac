"""What Citus is told of the tables and functions, and what it knows of them."""

import re
from collections.abc import Collection
from importlib import resources
from typing import Any, Final

from clarion.store.statements import load_statements

_SQL = load_statements(__package__, "migrating")
_STATEMENT: Final = re.compile(r"^SELECT create_\w+\('(\w+)'.*;$", re.MULTILINE)


def statements() -> str:
    """What spreads the tables."""
    return resources.files(__package__).joinpath("distributed.sql").read_text(encoding="utf-8")


def statements_but(tables: Collection[str]) -> str:
    """What spreads all that has come since these tables were spread. Functions are put in place anew, so they are spread anew."""
    return "\n".join(found[0] for found in _STATEMENT.finditer(statements()) if found[1] not in tables)


async def is_spread(connection: Any) -> bool:
    """Whether the tables of a database are spread over a cluster already."""
    return bool(await connection.fetchval(_SQL["has_cluster"])) and bool(await connection.fetchval(_SQL["is_spread"]))


async def migrate_in_sequence(connection: Any) -> None:
    """Have what follows in the transaction done on one shard after the other: changes of tables, and functions, in one."""
    await connection.execute(_SQL["in_sequence"])


async def spread_new(connection: Any) -> None:
    """Spread what a migration has added to tables that are spread."""
    known = {name for (name,) in await connection.fetch(_SQL["spread_tables"])}
    await connection.execute(statements_but(known))
