"""Named SQL: each file of an engine's `queries/` holds statements under `-- name:` lines; nothing is put together at run time."""

from collections.abc import Mapping
from importlib import resources

_MARK = "-- name:"


def load_statements(package: str, area: str) -> Mapping[str, str]:
    """The statements of `queries/<area>.sql` in a package, by name."""
    text = (resources.files(package) / "queries" / f"{area}.sql").read_text(encoding="utf-8")
    statements: dict[str, str] = {}
    for part in text.split(_MARK)[1:]:
        name, _, sql = part.partition("\n")
        name = name.strip()
        if name in statements:
            raise ValueError(f"{area}.sql has two statements of the name {name}")
        statements[name] = sql.strip()
    return statements
