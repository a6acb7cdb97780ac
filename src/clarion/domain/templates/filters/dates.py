"""The `date` filter, in the site's zone, with the run's time for `now`; the words are English ones."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from clarion.domain import dates
from clarion.domain.records import Scope
from clarion.domain.templates.errors import TemplateFailure
from clarion.domain.templates.values import to_text

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_SECOND: Final = 1_000_000
_LATEST: Final = 253_402_300_800
"""Seconds from 1970 to the end of the year 9999."""

_DIRECTIVE = re.compile(r"%(-?)(.)", re.DOTALL)


def _offset(at: datetime, between: str = "") -> str:
    minutes = (at.utcoffset() or timedelta()) // timedelta(minutes=1)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{between}{abs(minutes) % 60:02}"


_PARTS: Final[dict[str, Callable[[datetime], str]]] = {
    "Y": lambda at: str(at.year),
    "y": lambda at: f"{at.year % 100:02}",
    "m": lambda at: f"{at.month:02}",
    "d": lambda at: f"{at.day:02}",
    "e": lambda at: f"{at.day:2}",
    "j": lambda at: f"{at.timetuple().tm_yday:03}",
    "H": lambda at: f"{at.hour:02}",
    "I": lambda at: f"{(at.hour + 11) % 12 + 1:02}",
    "k": lambda at: f"{at.hour:2}",
    "l": lambda at: f"{(at.hour + 11) % 12 + 1:2}",
    "M": lambda at: f"{at.minute:02}",
    "S": lambda at: f"{at.second:02}",
    "L": lambda at: f"{at.microsecond // 1000:03}",
    "p": lambda at: "AM" if at.hour < 12 else "PM",
    "P": lambda at: "am" if at.hour < 12 else "pm",
    "A": lambda at: _DAYS[at.weekday()],
    "a": lambda at: _DAYS[at.weekday()][:3],
    "B": lambda at: _MONTHS[at.month - 1],
    "b": lambda at: _MONTHS[at.month - 1][:3],
    "u": lambda at: str(at.isoweekday()),
    "w": lambda at: str(at.isoweekday() % 7),
    "V": lambda at: f"{at.isocalendar().week:02}",
    "G": lambda at: str(at.isocalendar().year),
    "Z": lambda at: at.tzname() or "",
    "z": _offset,
    "s": lambda at: str(int(at.timestamp())),
    "F": lambda at: f"{at.year:04}-{at.month:02}-{at.day:02}",
    "T": lambda at: f"{at.hour:02}:{at.minute:02}:{at.second:02}",
    "R": lambda at: f"{at.hour:02}:{at.minute:02}",
    "D": lambda at: f"{at.month:02}/{at.day:02}/{at.year % 100:02}",
    "%": lambda _: "%",
}


def date(value: Any, form: Any, *, scope: Scope) -> str:
    """An ISO 8601 date, seconds since 1970, `now` or `today`, written as `form` says; what is no date stays as it is.

    `%-d` drops a leading zero or space. Raises TemplateFailure for an unknown directive.
    """
    at = _moment(value, scope)
    if at is None:
        return to_text(value)

    def part(directive: re.Match[str]) -> str:
        write = _PARTS.get(directive.group(2))
        if write is None:
            msg = f"date: unknown directive '{directive.group()}'"
            raise TemplateFailure(msg)
        text = write(at)
        return text.lstrip("0 ") or "0" if directive.group(1) else text

    return _DIRECTIVE.sub(part, to_text(form))


def _moment(value: Any, scope: Scope) -> datetime | None:
    if value in ("now", "today"):
        at: int | None = scope.now
    elif isinstance(value, str):
        at = dates.instant(value, scope.timezone)
    elif isinstance(value, int | float) and not isinstance(value, bool) and -_LATEST < value < _LATEST:
        at = int(value * _SECOND)
    else:
        at = None
    try:
        return None if at is None else dates.in_zone(at, scope.timezone)
    except OverflowError:
        return None
