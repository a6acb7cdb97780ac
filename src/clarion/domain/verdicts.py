"""Why a condition held or did not: the verdict of every row that was looked at, with the value it saw."""

from typing import Any, Final

import msgspec

from clarion.domain.problems import Path
from clarion.domain.records import Missing

LONGEST_SHOWN: Final = 200
MOST_SHOWN: Final = 20
_LONGEST_NUMBER: Final = 10**LONGEST_SHOWN


class RowVerdict(msgspec.Struct, frozen=True, gc=False):
    """One row of a condition. Long texts and lists are cut; null stands for a missing field, which no field can hold."""

    path: Path
    """The row's place in the document."""
    field: str
    op: str
    expected: Any
    """The document's value, or what the field to compare with held; null for an op without a value."""
    saw: Any
    ok: bool
    compared: str | None = None
    """The field to compare with, for a value of the form `{from: …}`."""


class Verdict(msgspec.Struct, frozen=True):
    """The outcome of a condition. Rows after the outcome was certain were not looked at."""

    ok: bool
    rows: list[RowVerdict]
    decisive: int
    """Position in `rows` of the row to name: the first that made the condition fail, or one that made it hold."""


def shown(value: Any) -> Any:
    """A value as an explanation shows it: bounded, and encodable as JSON."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST_SHOWN else value[:LONGEST_SHOWN] + "…"
    if isinstance(value, Missing):
        return None
    if isinstance(value, list | tuple):
        items = [shown(item) for item in value[:MOST_SHOWN]]
        return items if len(value) <= MOST_SHOWN else [*items, "…"]
    if isinstance(value, int) and not -_LONGEST_NUMBER < value < _LONGEST_NUMBER:
        return str(value)[:LONGEST_SHOWN] + "…"
    return value
