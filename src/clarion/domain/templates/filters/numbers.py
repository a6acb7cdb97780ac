"""Filters on numbers. Text that spells a number counts as one, anything else as 0; decimals are added and rounded as written."""

import decimal
import math
import re
from decimal import Decimal
from typing import Any, Final

from clarion.domain.templates.errors import TemplateFailure, TemplateLimit
from clarion.domain.templates.limits import check_value

Number = int | float

_SPELLED = re.compile(r"\s*(-?[0-9]{1,100})(\.[0-9]{1,100})?\s*", re.ASCII)
_EXACT: Final = decimal.Context(prec=700, rounding=decimal.ROUND_HALF_UP, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN, traps=[])
_LARGEST_ARGUMENT: Final = 1_000_000


def number(value: Any) -> Number:
    """The number that a value is or spells, else 0; raises TemplateLimit for one that is too large to count with."""
    if isinstance(value, str):
        spelled = _SPELLED.fullmatch(value) if len(value) <= 256 else None
        value = 0 if spelled is None else float(value) if spelled.group(2) else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return _bounded(value)


def whole_number(name: str, value: Any) -> int:
    """A filter's argument that must be a whole number; large ones are cut, for no text is that long."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        found = number(value)
        if isinstance(found, int) and (not isinstance(value, str) or _SPELLED.fullmatch(value)):
            return max(-_LARGEST_ARGUMENT, min(found, _LARGEST_ARGUMENT))
    msg = f"{name}: expected a whole number"
    raise TemplateFailure(msg)


def _bounded(value: Number) -> Number:
    if isinstance(value, float) and not math.isfinite(value):
        msg = "a number is too large"
        raise TemplateLimit(msg)
    check_value(value)
    return value


def _decimal(value: Number) -> Decimal:
    return Decimal(repr(value))


def abs_(value: Any) -> Number:
    return abs(number(value))


def at_least(value: Any, least: Any) -> Number:
    return max(number(value), number(least))


def at_most(value: Any, most: Any) -> Number:
    return min(number(value), number(most))


def ceil(value: Any) -> Number:
    return math.ceil(number(value))


def floor(value: Any) -> Number:
    return math.floor(number(value))


def round_(value: Any, digits: Any = 0) -> Number:
    """Rounded to so many decimals, halves away from zero; without decimals a whole number."""
    held, places = number(value), max(-30, min(whole_number("round", digits), 30))
    if isinstance(held, int) and places >= 0:
        return held
    rounded = _decimal(held).quantize(Decimal(1).scaleb(-places), context=_EXACT)
    return int(rounded) if places <= 0 else float(rounded)


def plus(value: Any, other: Any) -> Number:
    left, right = number(value), number(other)
    if isinstance(left, int) and isinstance(right, int):
        return left + right
    return _bounded(float(_EXACT.add(_decimal(left), _decimal(right))))


def minus(value: Any, other: Any) -> Number:
    left, right = number(value), number(other)
    if isinstance(left, int) and isinstance(right, int):
        return left - right
    return _bounded(float(_EXACT.subtract(_decimal(left), _decimal(right))))


def times(value: Any, other: Any) -> Number:
    left, right = number(value), number(other)
    if isinstance(left, int) and isinstance(right, int):
        return left * right
    return _bounded(float(_EXACT.multiply(_decimal(left), _decimal(right))))


def divided_by(value: Any, other: Any) -> Number:
    """Between whole numbers a whole number, rounded down."""
    left, right = number(value), _divisor("divided_by", other)
    if isinstance(left, int) and isinstance(right, int):
        return left // right
    return _bounded(left / right)


def modulo(value: Any, other: Any) -> Number:
    return _bounded(number(value) % _divisor("modulo", other))


def _divisor(name: str, value: Any) -> Number:
    found = number(value)
    if found == 0:
        msg = f"{name}: division by zero"
        raise TemplateFailure(msg)
    return found
