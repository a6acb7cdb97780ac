"""Conditions that can never hold, whatever comes: found while a document is read, before anybody waits for them in vain."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from clarion.domain.operators import OPERATORS
from clarion.domain.problems import Path, Problem
from clarion.domain.records import Scope

_SEVERAL: Final = frozenset({"in", "nin", "contains", "exists", "not_exists"})
"""The ops that make sense of `segments`, which are several names."""
_TEXTS: Final = frozenset({"run.key", "profile.id"})
"""Fields that hold text, if anything."""
_NUMERIC: Final = ("gt", "gte", "lt", "lte")
_TIMELESS: Final = frozenset({"eq", "ne", "in", "nin", *_NUMERIC, "contains", "starts_with"})
"""Ops whose outcome depends on the two values alone."""
_NOWHERE: Final = Scope(event={}, entry={})

Row = dict[str, Any]


def vain_rows(condition: Any, path: Path) -> Iterator[Problem]:
    """What can never hold in a condition that is sound otherwise: a row, or several about one field that `all` have to hold."""
    rows, others = _conjunction(condition, path)
    by_field: dict[str, list[tuple[Path, Row]]] = {}
    for place, row in rows:
        problem = _row_problem(row)
        if problem is not None:
            yield Problem((*place, "op"), problem)
        elif row["field"] != "segments":
            by_field.setdefault(row["field"], []).append((place, row))
    for field, about in by_field.items():
        if _exclude([row for _, row in about]):
            yield Problem(about[-1][0], f"can never hold: no {field} meets this and what else is asked of it")
    for place, other in others:
        yield from vain_rows(other, place)


def _conjunction(condition: Any, path: Path) -> tuple[list[tuple[Path, Row]], list[tuple[Path, Any]]]:
    """The rows that all have to hold, through `all` in `all`; and the other parts, each of which stands for itself."""
    if "all" in condition:
        parts = [_conjunction(part, (*path, "all", index)) for index, part in enumerate(condition["all"])]
        return [row for rows, _ in parts for row in rows], [other for _, others in parts for other in others]
    if "any" in condition:
        return [], [((*path, "any", index), part) for index, part in enumerate(condition["any"])]
    if "not" in condition:
        return [], [((*path, "not"), condition["not"])]
    return [(path, condition)], []


def _row_problem(row: Row) -> str | None:
    field, op = row["field"], row["op"]
    if field == "segments" and op not in _SEVERAL:
        return f"'{op}' compares one value, but segments are several names: use in, nin or contains"
    if field in _TEXTS and op in _NUMERIC:
        return f"'{op}' compares numbers, but {field} is text"
    return None


def _exclude(rows: Sequence[Row]) -> bool:
    """Whether no value of a field meets all rows about it."""
    if any(row["op"] == "not_exists" for row in rows) and any(not OPERATORS[row["op"]].missing for row in rows):
        return True
    literal = [row for row in rows if row["op"] in _TIMELESS and not isinstance(row["value"], dict)]
    for row in literal:
        if row["op"] in ("eq", "in"):
            values = row["value"] if row["op"] == "in" else [row["value"]]
            return not any(_meets(value, literal) for value in values)
    least = _bound(literal, ("gt", "gte"), max)
    most = _bound(literal, ("lt", "lte"), min)
    return least is not None and most is not None and (least > most or (least == most and not _meets(least, literal)))


def _bound(rows: Sequence[Row], ops: tuple[str, str], choose: Callable[[list[Any]], Any]) -> Any:
    values = [row["value"] for row in rows if row["op"] in ops]
    return choose(values) if values else None


def _meets(value: object, rows: Sequence[Row]) -> bool:
    """Whether a value of the rows' field meets all of them."""
    if rows[0]["field"] in _TEXTS and not isinstance(value, str):
        return False
    return all(OPERATORS[row["op"]].compare(value, _prepared(row), _NOWHERE) for row in rows)


def _prepared(row: Row) -> Any:
    read = OPERATORS[row["op"]].read
    return None if read is None else read(row["value"])
