"""The ops of conditions (semantics §3): what value each takes and when it holds. Types are strict."""

import math
from collections.abc import Callable
from datetime import date
from typing import Any, Final

import msgspec

from clarion.domain import dates
from clarion.domain.durations import NO_DURATION, parse_duration
from clarion.domain.records import Found, Scalar, Scope

MOST_VALUES: Final = 1000
LONGEST_VALUE: Final = 4096

_NUMBERS: Final[frozenset[object]] = frozenset({int, float})
"""Exact classes: a boolean is no number."""


class Members(msgspec.Struct, frozen=True):
    """The values of an `in` or `nin`, ready for look-ups."""

    keyed: frozenset[tuple[bool, Scalar]]
    """Each value with whether it is a boolean, since Python takes True for 1."""
    names: frozenset[str]

    def hold(self, found: Found) -> bool:
        if isinstance(found, tuple):
            return not self.names.isdisjoint(found)
        return (found.__class__ is bool, found) in self.keyed


Compare = Callable[[Any, Any, Scope], bool]
"""Whether an op holds for a value that was found, a prepared or found value to compare with, and the scope's time and zone."""
Flip = Callable[[Any, Any, Scope], int | None]
"""When, after the scope's time, an op may turn out otherwise for the same values; None: never."""


class Operator(msgspec.Struct, frozen=True):
    """One op. `read` prepares a document's value, raising ValueError with what is wrong; None where the op takes no value."""

    compare: Compare
    read: Callable[[object], Any] | None
    missing: bool = False
    """The outcome when the field, or the field to compare with, is missing."""
    takes_field: bool = True
    """Whether the value may be `{from: <field>}`."""
    flip: Flip | None = None
    """Of an op that looks at the time; None of the others."""


def _read_scalar(raw: object) -> Scalar:
    if isinstance(raw, date):
        msg = "must be in quotes: a date is text"
        raise ValueError(msg)
    if not isinstance(raw, str | int | float):
        msg = "must be a string, a number, true, false, or {from: <field>}"
        raise ValueError(msg)
    if isinstance(raw, float) and not math.isfinite(raw):
        msg = "must be a finite number"
        raise ValueError(msg)
    return _read_text(raw) if isinstance(raw, str) else raw


def _read_text(raw: object) -> str:
    if isinstance(raw, date):
        msg = "must be in quotes: a date is text"
        raise ValueError(msg)
    if not isinstance(raw, str):
        msg = "must be a string, or {from: <field>}"
        raise ValueError(msg)
    if len(raw) > LONGEST_VALUE:
        msg = f"must have at most {LONGEST_VALUE} characters"
        raise ValueError(msg)
    if "\x00" in raw or any("\ud800" <= character <= "\udfff" for character in raw):
        msg = "must hold neither NUL nor lone surrogates"
        raise ValueError(msg)
    return raw


def _read_number(raw: object) -> int | float:
    if raw.__class__ not in _NUMBERS or not isinstance(raw, int | float) or not math.isfinite(raw):
        msg = "must be a number, or {from: <field>}; dates compare with before and after"
        raise ValueError(msg)
    return raw


def _read_list(raw: object) -> Members:
    if not isinstance(raw, list) or not 1 <= len(raw) <= MOST_VALUES:
        msg = f"must be a list of 1 to {MOST_VALUES} values, or {{from: <field>}}"
        raise ValueError(msg)
    values = [_read_scalar(value) for value in raw]
    return Members(
        frozenset((value.__class__ is bool, value) for value in values), frozenset(value for value in values if isinstance(value, str))
    )


def _read_date(raw: object) -> str:
    text = _read_text(raw)
    if dates.instant(text) is None:
        msg = "must be an ISO 8601 date such as 2026-03-01 or 2026-03-01T10:00:00Z, or {from: <field>}"
        raise ValueError(msg)
    return text


def _read_duration(raw: object) -> int:
    if not isinstance(raw, str):
        raise ValueError(NO_DURATION)
    duration = parse_duration(raw)
    if duration == 0:
        msg = "must be longer than 0s"
        raise ValueError(msg)
    return duration


def _equal(found: Any, expected: Any, _: Scope) -> bool:
    kind = found.__class__
    if kind is bool or expected.__class__ is bool:
        return found is expected
    return kind is not tuple and bool(found == expected)


def _unequal(found: Any, expected: Any, scope: Scope) -> bool:
    return not _equal(found, expected, scope)


def _greater(found: Any, expected: Any, _: Scope) -> bool:
    return found.__class__ in _NUMBERS and expected.__class__ in _NUMBERS and bool(found > expected)


def _greater_or_equal(found: Any, expected: Any, _: Scope) -> bool:
    return found.__class__ in _NUMBERS and expected.__class__ in _NUMBERS and bool(found >= expected)


def _less(found: Any, expected: Any, _: Scope) -> bool:
    return found.__class__ in _NUMBERS and expected.__class__ in _NUMBERS and bool(found < expected)


def _less_or_equal(found: Any, expected: Any, _: Scope) -> bool:
    return found.__class__ in _NUMBERS and expected.__class__ in _NUMBERS and bool(found <= expected)


def _among(found: Any, expected: Any, _: Scope) -> bool:
    if isinstance(expected, Members):
        return expected.hold(found)
    if not isinstance(expected, tuple):
        return False
    return not set(expected).isdisjoint(found) if isinstance(found, tuple) else found in expected


def _not_among(found: Any, expected: Any, scope: Scope) -> bool:
    return not _among(found, expected, scope)


def _contains(found: Any, expected: Any, _: Scope) -> bool:
    return isinstance(expected, str) and isinstance(found, str | tuple) and expected in found


def _starts_with(found: Any, expected: Any, _: Scope) -> bool:
    return isinstance(expected, str) and isinstance(found, str) and found.startswith(expected)


def _exists(found: Any, _: Any, __: Scope) -> bool:
    return bool(found != ())


def _not_exists(found: Any, _: Any, __: Scope) -> bool:
    return bool(found == ())


def _instant(found: Any, scope: Scope) -> int | None:
    return dates.instant(found, scope.timezone) if isinstance(found, str) else None


def _before(found: Any, expected: Any, scope: Scope) -> bool:
    at, limit = _instant(found, scope), _instant(expected, scope)
    return at is not None and limit is not None and at < limit


def _after(found: Any, expected: Any, scope: Scope) -> bool:
    at, limit = _instant(found, scope), _instant(expected, scope)
    return at is not None and limit is not None and at > limit


def _within_last(found: Any, expected: Any, scope: Scope) -> bool:
    at = _instant(found, scope)
    return at is not None and scope.now - expected <= at <= scope.now


def _not_within_last(found: Any, expected: Any, scope: Scope) -> bool:
    at = _instant(found, scope)
    return at is not None and not scope.now - expected <= at <= scope.now


def _window_flip(found: Any, expected: Any, scope: Scope) -> int | None:
    """A window that ends now comes to a date, and leaves it behind a microsecond after it is that old."""
    at = _instant(found, scope)
    if at is None or scope.now > at + expected:
        return None
    return at if scope.now < at else int(at + expected + 1)


OPERATORS: Final[dict[str, Operator]] = {
    "eq": Operator(_equal, _read_scalar),
    "ne": Operator(_unequal, _read_scalar, missing=True),
    "gt": Operator(_greater, _read_number),
    "gte": Operator(_greater_or_equal, _read_number),
    "lt": Operator(_less, _read_number),
    "lte": Operator(_less_or_equal, _read_number),
    "in": Operator(_among, _read_list),
    "nin": Operator(_not_among, _read_list, missing=True),
    "contains": Operator(_contains, _read_text),
    "starts_with": Operator(_starts_with, _read_text),
    "exists": Operator(_exists, None),
    "not_exists": Operator(_not_exists, None, missing=True),
    "before": Operator(_before, _read_date),
    "after": Operator(_after, _read_date),
    "within_last": Operator(_within_last, _read_duration, takes_field=False, flip=_window_flip),
    "not_within_last": Operator(_not_within_last, _read_duration, takes_field=False, flip=_window_flip),
}
"""Numbers are ordered among themselves, dates by `before` and `after`; strings have no order. No segments are no `exists`.

`within_last` holds from that long ago up to now, both included; a date ahead is not within the last. What is no date fails
every date op, `not_within_last` too.
"""

TIMED: Final = frozenset(name for name, operator in OPERATORS.items() if operator.flip is not None)
"""Ops that look at the time."""
DATED: Final = TIMED | {"before", "after"}
"""Ops that look at the site's zone, for dates without an offset."""
