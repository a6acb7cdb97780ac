"""Whether several rows of a condition about one field exclude one another, or one of them everything."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from clarion.domain.operators import OPERATORS, Members
from clarion.domain.problems import Path
from clarion.domain.records import MISSING, Scope
from clarion.workflow.possible import Possible

Row = dict[str, Any]
"""A sound row as documents write it."""

_OF_SEVERAL: Final = frozenset({"in", "nin", "contains", "exists", "not_exists"})
"""The ops that make sense of `segments`, which are several names."""
_OF_NUMBERS: Final = frozenset({"gt", "gte", "lt", "lte"})
_OF_TEXT: Final = frozenset({"contains", "starts_with", "before", "after", "within_last", "not_within_last"})
_TIMELESS: Final = frozenset({"eq", "ne", "in", "nin", *_OF_NUMBERS, "contains", "starts_with"})
"""Ops whose outcome depends on the two values alone."""
_NOWHERE: Final = Scope(event={}, entry={})


class Asked(msgspec.Struct, frozen=True):
    """A row that has to hold, or must not."""

    place: Path
    row: Row
    negated: bool = False

    @property
    def op(self) -> str:
        name: str = self.row["op"]
        return name

    @property
    def literal(self) -> bool:
        """Whether it compares with a value that is known, in a way that no clock and no zone changes."""
        return self.op in _TIMELESS and not isinstance(self.row["value"], dict)

    @property
    def prepared(self) -> Any:
        """The value, ready for its operator."""
        read = OPERATORS[self.op].read
        return None if read is None else read(self.row["value"])

    def allows(self, value: Any) -> bool:
        """Whether it can come out as it has to, for a value of its field or for MISSING."""
        operator = OPERATORS[self.op]
        if value is MISSING:
            outcome = operator.missing
        elif (self.op in _OF_NUMBERS and type(value) not in (int, float)) or (self.op in _OF_TEXT and not isinstance(value, str)):
            outcome = False
        elif self.literal or operator.read is None:
            outcome = operator.compare(value, self.prepared, _NOWHERE)
        else:
            return True
        return outcome is not self.negated


def row_problem(row: Row, possible: Possible) -> str | None:
    """Why an op is of no use for what its field can hold; None if it is of some."""
    field, op = row["field"], row["op"]
    if field == "segments":
        return None if op in _OF_SEVERAL else f"'{op}' compares one value, but segments are several names: use in, nin or contains"
    if op in _OF_NUMBERS and possible.kinds == (str,):
        return f"'{op}' compares numbers, but {field} is text"
    if op in _OF_TEXT and str not in possible.kinds:
        return f"'{op}' compares text, but {field} is {possible.says}"
    return None


def exclude(field: str, asked: Sequence[Asked], possible: Possible) -> bool:
    """Whether nothing that a field can hold meets all rows; every row is about it and has no problem of its own."""
    forbidden = [one for one in asked if one.negated]
    if any(one.row == other.row and _spelled(one) == _spelled(other) for one in forbidden for other in asked if not other.negated):
        return True
    if field == "segments":
        return _segments_exclude(asked)
    values = _candidates(asked, possible)
    if values is None:
        wanted = {one.op for one in asked if not one.negated}
        if not wanted.isdisjoint(_OF_NUMBERS) and not wanted.isdisjoint(_OF_TEXT):
            return True
        least, most = _bound(asked, ("gt", "gte"), max), _bound(asked, ("lt", "lte"), min)
        if least is None or most is None or least < most:
            return False
        values = [least] if least == most else []
    return not any(all(one.allows(value) for one in asked) for value in values)


def _candidates(asked: Sequence[Asked], possible: Possible) -> list[Any] | None:
    """Values, MISSING among them, of which the field has to hold one; None: there is no list of them."""
    for one in asked:
        if one.literal and not one.negated and one.op in ("eq", "in"):
            values = one.row["value"] if one.op == "in" else [one.row["value"]]
            return [value for value in values if possible.holds(value)]
    missing = [MISSING] if possible.missing else []
    if possible.values is not None:
        return [*possible.values, *missing]
    return missing if any(one.op == ("exists" if one.negated else "not_exists") for one in asked) else None


def _bound(asked: Sequence[Asked], ops: tuple[str, str], choose: Callable[[list[Any]], Any]) -> Any:
    values = [one.row["value"] for one in asked if one.literal and not one.negated and one.op in ops]
    return choose(values) if values else None


def _segments_exclude(asked: Sequence[Asked]) -> bool:
    """Segments have to be there, one of some names has to be among them, none of other names may."""
    wanted: list[frozenset[str] | None] = []
    barred: set[str] = set()
    is_empty = False
    for one in asked:
        names = _names(one)
        if (one.op == "not_exists" and not one.negated) or (one.op == "exists" and one.negated):
            is_empty = True
        elif (one.op == "nin" and not one.negated) or (one.op in ("in", "contains") and one.negated):
            barred |= names or frozenset()
        else:
            wanted.append(names)
    return any(is_empty or (names is not None and names <= barred) for names in wanted)


def _names(asked: Asked) -> frozenset[str] | None:
    """The segments that a row names; None where it does not name them."""
    if not asked.literal:
        return None
    prepared = asked.prepared
    return prepared.names if isinstance(prepared, Members) else frozenset({prepared})


def _spelled(asked: Asked) -> bytes:
    """Equal for rows that ask the same: 1, 1.0 and true are three values."""
    return msgspec.json.encode(asked.row, order="sorted")
