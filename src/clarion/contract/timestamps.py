"""Dates with time and offset, as a client writes them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_SECOND: Final = 1_000_000
_DAY: Final = 86_400 * _SECOND
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_HOUR = "(?:[01][0-9]|2[0-3])"
_MINUTE = "[0-5][0-9]"
_match = re.compile(
    f"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt ]{_HOUR}:{_MINUTE}(?::([0-5][0-9]|60)(?:[.,][0-9]+)?)?(?:[Zz]|[+-]{_HOUR}(?::?{_MINUTE})?)"
).fullmatch


def read_timestamp(text: str) -> int | None:
    """UTC microseconds of an ISO 8601 calendar date with time and offset; None when it is none.

    Everything that RFC 3339 §5.6 allows. Beyond it, as in ISO 8601, seconds may be missing, a comma may stand for the point, and the offset
    may be `+hhmm` or `+hh`. Digits below a microsecond are dropped. A leap second (RFC 3339 §5.7) is the first instant of the next day.
    Years are 0001 to 9999, so the result is always within 64 bits.
    """
    match = _match(text)
    if match is None:
        return None
    leap = match[1] == "60"
    if leap:
        text = text[: match.start(1)] + "59" + text[match.end(1) :]
    try:
        instant = (datetime.fromisoformat(text.upper()) - _EPOCH) // _MICROSECOND
    except ValueError:
        return None
    if not leap:
        return instant
    following = (instant // _SECOND + 1) * _SECOND
    return following if following % _DAY == 0 else None
