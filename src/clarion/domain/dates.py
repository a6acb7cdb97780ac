"""Dates in data: ISO 8601 text to instants in UTC microseconds, and back.

Taken are calendar dates in the extended format, `2026-03-01`, optionally with a time after `T` or a space: hours and minutes,
optionally seconds and a fraction (digits after the sixth are dropped), optionally `Z` or an offset (`+02:00`, `+0200`, `+02`).
RFC 3339 is a subset. Week dates, ordinal dates, leap seconds and 24:00 are not taken.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  # wall time of no zone is what it measures
_MICROSECOND: Final = timedelta(microseconds=1)
_LONGEST: Final = 64

_ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,12}))?)?"
    r"(?:([Zz])|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?"
)
_ZONE_NAME = re.compile(r"(?!(?:localtime|posixrules|Factory)$|(?:right|posix)/)[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2}")
"""Without what depends on the machine, or is no place's time."""


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name; raises ValueError where there is none."""
    if len(name) <= _LONGEST and _ZONE_NAME.fullmatch(name):
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):  # an unknown name, an unreadable entry, a directory such as "Europe"
            pass
    msg = "is no IANA time zone"
    raise ValueError(msg)


@lru_cache(maxsize=8192)
def instant(text: str, timezone: str = "UTC") -> int | None:
    """UTC microseconds of an ISO 8601 date; None for any other text.

    Without a time it is the day's first instant, without an offset it is in the zone that `timezone` names. Raises
    ValueError for an unknown zone, if the text needs one.
    """
    found = _ISO.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, utc, sign, ahead_hours, ahead_minutes = found.groups()
    micros = int(((fraction or "") + "000000")[:6])
    try:
        wall = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), micros)  # noqa: DTZ001  # the zone comes below
    except ValueError:
        return None
    if utc:
        return wall_micros(wall)
    if sign:
        hours, minutes = int(ahead_hours), int(ahead_minutes or 0)
        if hours > 23 or minutes > 59:
            return None
        offset = (hours * 60 + minutes) * 60_000_000
        return wall_micros(wall) + (offset if sign == "-" else -offset)
    return local_instant(wall, zone(timezone))


def wall_micros(wall: datetime) -> int:
    """Microseconds from 1970-01-01T00:00 to a naive wall time, as if in UTC."""
    return (wall - _NAIVE_EPOCH) // _MICROSECOND


def local_instant(wall: datetime, place: ZoneInfo) -> int:
    """UTC microseconds at which clocks in a zone show a naive wall time.

    A time that occurs twice is the first of the two; one that daylight saving skips is the first instant after the gap
    (semantics §6, waits).
    """
    reading = wall_micros(wall)
    early = reading - _offset(wall.replace(tzinfo=place, fold=0))
    late = reading - _offset(wall.replace(tzinfo=place, fold=1))
    if late >= early:
        return early
    # In a gap fold=0 answers with the offset before it, so `late` lies before the transition and `early` not before it.
    low, high = late, early
    before = _offset_at(low, place)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_at(middle, place) == before:
            low = middle
        else:
            high = middle
    return high


def iso(at: int) -> str:
    """ISO 8601 in UTC of an instant in microseconds, with a fraction only where there is one: `2026-03-01T10:00:00Z`.

    Raises OverflowError outside the years 1 to 9999.
    """
    return (_EPOCH + timedelta(microseconds=at)).isoformat().removesuffix("+00:00") + "Z"


def in_zone(at: int, timezone: str) -> datetime:
    """An instant in microseconds on the clocks of a zone; raises ValueError for an unknown zone, OverflowError past year 9999."""
    return (_EPOCH + timedelta(microseconds=at)).astimezone(zone(timezone))


def _offset(local: datetime) -> int:
    ahead = local.utcoffset()
    return 0 if ahead is None else ahead // _MICROSECOND


def _offset_at(at: int, place: ZoneInfo) -> int:
    return _offset((_EPOCH + timedelta(microseconds=at)).astimezone(place))
