"""Rows of conditions: which of them brought the outcome about, and how to say so."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from clarion.domain.problems import Path
from clarion.domain.verdicts import RowVerdict
from clarion.workflow.explain import words
from clarion.workflow.source import spell

MOST_NAMED: Final = 3
"""Rows that one sentence names."""

_GROUPS: Final = ("all", "any", "not")
_DEEPEST: Final = 100
"""Parts of a row's path below its condition that are followed: 20 levels have 40."""
_NO_VALUE: Final = ("exists", "not_exists")


class ToldRow(msgspec.Struct, frozen=True):
    """One row that was looked at."""

    path: str
    """Its place in the document: `start.on[0].where.all[1]`."""
    field: str
    op: str
    expected: Any
    """The document's value, or what the field to compare with held; null for an op without a value."""
    compared: str | None
    """The field to compare with, for a value of the form `{from: …}`."""
    saw: Any
    """What the field held; null: it was missing."""
    ok: bool
    decisive: bool
    """Whether this row brought the outcome about."""
    sentence: str


def tell_rows(stored: Iterable[Any]) -> tuple[ToldRow, ...]:
    """The rows of one verdict or reason, as they were stored; those that cannot be read are left out."""
    rows = [row for row in map(_read, stored) if row is not None]
    decisive = _decisive(rows)
    return tuple(
        ToldRow(
            words.name(spell(row.path)),
            row.field,
            row.op,
            row.expected,
            row.compared,
            row.saw,
            row.ok,
            index in decisive,
            _sentence(row),
        )
        for index, row in enumerate(rows)
    )


def name_rows(rows: Sequence[ToldRow]) -> str:
    """The decisive rows in one line; empty without any."""
    named = [row.sentence for row in rows if row.decisive]
    more = len(named) - MOST_NAMED
    return "; ".join(named[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _read(stored: Any) -> RowVerdict | None:
    try:
        return msgspec.convert(stored, RowVerdict)
    except msgspec.ValidationError:
        return None


def _sentence(row: RowVerdict) -> str:
    expected = "" if row.op in _NO_VALUE else f" {words.value(row.expected)}"
    if row.compared is not None:
        held = "is missing" if row.expected is None else f"is {words.value(row.expected)}"
        expected = f" {words.name(row.compared)} (which {held})"
    saw = "the field is missing" if row.saw is None else f"saw {words.value(row.saw)}"
    reversed_ = row.ok and _below(row.path)[1].count("not") % 2
    return f"{words.name(spell(row.path))}: {words.name(row.field)} {row.op}{expected} — {saw}{', which must not be' if reversed_ else ''}"


def _decisive(rows: Sequence[RowVerdict]) -> set[int]:
    """Positions of the rows to name: where a condition holds, the one that made the last such hold; else one of each condition."""
    conditions: dict[Path, list[tuple[Path, int]]] = {}
    for index, row in enumerate(rows):
        above, below = _below(row.path)
        conditions.setdefault(above, []).append((below, index))
    outcomes = [_judge(parts, rows) for parts in conditions.values()]
    holding = [index for ok, index in outcomes if ok]
    return {holding[-1]} if holding else {index for _, index in outcomes}


def _below(path: Path) -> tuple[Path, Path]:
    """A row's path cut in two: where its condition stands, and where the row stands in that."""
    start = len(path)
    while start and (isinstance(path[start - 1], int) or path[start - 1] in _GROUPS):
        start -= 1
    return path[:start], path[start : start + _DEEPEST]


def _judge(parts: Sequence[tuple[Path, int]], rows: Sequence[RowVerdict]) -> tuple[bool, int]:
    """The outcome of a part of a condition from the rows in it that were looked at, and the row that brought it about.

    The evaluation stops once an outcome is certain, so what was looked at settles it (`clarion.domain.condition_tree`).
    """
    below, index = parts[0]
    if below[:1] == ("not",):
        ok, decisive = _judge([(path[1:], at) for path, at in parts], rows)
        return not ok, decisive
    if len(below) < 2 or below[0] not in _GROUPS:
        return rows[index].ok, index
    decides = below[0] == "any"
    members: dict[str | int, list[tuple[Path, int]]] = {}
    for path, at in parts:
        members.setdefault(path[1] if len(path) > 1 else "", []).append((path[2:], at))
    first = -1
    for member in members.values():
        ok, decisive = _judge(member, rows)
        if ok is decides:
            return ok, decisive
        first = decisive if first < 0 else first
    return not decides, first
