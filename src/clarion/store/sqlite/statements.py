"""SQLite's named statements, and the two ways in which they are run."""

from collections.abc import Mapping
from typing import Any

import apsw

from clarion.store.statements import load_statements


def load(area: str) -> Mapping[str, str]:
    """The statements of `queries/<area>.sql` by name."""
    return load_statements(__package__, area)


def rows(connection: apsw.Connection, sql: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """All that a statement gives."""
    return connection.execute(sql, values).fetchall()


def value(connection: apsw.Connection, sql: str, values: Mapping[str, Any] | None = None) -> Any:
    """The first column of the first row; None if there is no row."""
    return connection.execute(sql, values).get
