"""Named SQL: each file of `queries/` holds statements under `-- name:` lines; nothing is put together at run time."""

from collections.abc import Mapping
from importlib import resources
from typing import Any

import apsw

_MARK = "-- name:"


def load(area: str) -> Mapping[str, str]:
    """The statements of `queries/<area>.sql` by name."""
    text = (resources.files(__package__) / "queries" / f"{area}.sql").read_text(encoding="utf-8")
    statements: dict[str, str] = {}
    for part in text.split(_MARK)[1:]:
        name, _, sql = part.partition("\n")
        name = name.strip()
        if name in statements:
            raise ValueError(f"{area}.sql has two statements of the name {name}")
        statements[name] = sql.strip()
    return statements


def rows(connection: apsw.Connection, sql: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """All that a statement gives."""
    return connection.execute(sql, values).fetchall()


def value(connection: apsw.Connection, sql: str, values: Mapping[str, Any] | None = None) -> Any:
    """The first column of the first row; None if there is no row."""
    return connection.execute(sql, values).get
