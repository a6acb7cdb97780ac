"""Times of day, days of the week and daily windows on the clocks of a zone (semantics §6, waits).

Instants are UTC microseconds, times of day microseconds after midnight, days of the week 0 (Monday) to 6. Every search gives the
first instant of a fixed set that does not lie before the one it is given: never early, and once found, found again.
"""

import re
from datetime import datetime, timedelta
from typing import Final

import msgspec

from clarion.domain.dates import in_zone, local_instant, zone

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Names of the days of the week, by their number."""

EVERY_DAY: Final = frozenset(range(7))

LATEST: Final = 253_402_300_800_000_000 - 1
"""The last instant of the year 9999."""

_EARLIEST: Final = -62_135_596_800_000_000
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  # wall time of no zone is what it measures
_MICROSECOND: Final = timedelta(microseconds=1)
_MINUTE: Final = 60_000_000
_DAY: Final = 1440 * _MINUTE

_MOST_STOPS: Final = 40
"""Days and changes of offset that a search looks at. A day of the week comes back after seven days, or after fourteen where a zone
skipped that date or swallowed its window; the rest is room."""

_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")


class Window(msgspec.Struct, frozen=True):
    """A part of each day, from `start` until before `end`; past midnight when `end` is the earlier one.

    Raises ValueError where both are the same time: that could be no part of the day, or all of it.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.start == self.end:
            msg = "must not begin and end at the same time"
            raise ValueError(msg)


def parse_time_of_day(text: str) -> int:
    """Microseconds after midnight of `HH:MM` or `HH:MM:SS`. Raises ValueError with what is wrong."""
    found = _TIME_OF_DAY.fullmatch(text)
    if found is None:
        msg = 'must be a time of day from "00:00" to "23:59:59", such as "09:00"'
        raise ValueError(msg)
    hours, minutes, seconds = found.groups()
    return (int(hours) * 60 + int(minutes)) * _MINUTE + int(seconds or 0) * 1_000_000


def next_time_of_day(at: int, time_of_day: int, timezone: str) -> int:
    """The first instant, not before `at`, at which clocks in a zone show a time of day.

    A time that daylight saving skips counts as shown at the first instant after the gap, unless the zone skipped the whole date; one
    that occurs twice is shown the first time only. Raises ValueError for an unknown zone, OverflowError past the year 9999.
    """
    return next_time_on_days(at, time_of_day, EVERY_DAY, timezone)


def next_time_on_days(at: int, time_of_day: int, days: frozenset[int], timezone: str) -> int:
    """`next_time_of_day` on some days of the week; raises ValueError also if there are none.

    A time that is skipped belongs to the day on which it was due, although the first instant after the gap may be in the next one.
    """
    # The first day on which the time still lies ahead: what clocks showed before `at`, they showed for the first time before `at`.
    first = (_reading(at - 1, timezone) - time_of_day) // _DAY + 1
    for day in range(first, first + _MOST_STOPS):
        if _weekday(day) not in days:
            continue
        found = _first_showing(day * _DAY + time_of_day, timezone)
        if found >= at and (_reading(found, timezone) == day * _DAY + time_of_day or _exists(day, timezone)):
            return found
    raise _no_day()


def next_opening(at: int, days: frozenset[int] | None, window: Window | None, timezone: str) -> int:
    """The first instant, not before `at`, on one of some days of the week and within a daily window; None: any day, all day.

    What counts is what clocks in the zone show, so both passes through a repeated hour do, and a window that begins in a gap opens at
    the first instant after it; one that lies in the gap whole does not open that day. Past midnight, a window belongs to the day before.
    Raises ValueError for an unknown zone or no days at all, OverflowError past the year 9999.
    """
    allowed = EVERY_DAY if days is None else days
    start, end = (0, _DAY) if window is None else (window.start, window.end)
    now, ahead = at, _ahead(at, timezone)
    for _ in range(_MOST_STOPS):
        closed = _closed_for(now + ahead, allowed, start, end)
        if not closed:
            return now
        later = now + closed
        ahead_later = _ahead(later, timezone)
        now = later if ahead_later == ahead else _change(now, later, timezone)
        ahead = ahead_later
    raise _no_day()


def quiet_until(at: int, quiet: Window, timezone: str) -> int | None:
    """When the quiet hours end in which an instant lies; None if it does not lie in any. Raises as `next_opening`."""
    end = next_opening(at, None, Window(quiet.end, quiet.start), timezone)
    return None if end == at else end


def _closed_for(reading: int, days: frozenset[int], start: int, end: int) -> int:
    """How long, if clocks run evenly, a window stays closed, but no longer than to midnight, where another day begins; 0: it is open."""
    day, time = divmod(reading, _DAY)
    past_midnight = end < start
    if past_midnight and time < end and _weekday(day - 1) in days:
        return 0
    if _weekday(day) in days:
        if time < start:
            return start - time
        if past_midnight or time < end:
            return 0
    return _DAY - time


def _weekday(day: int) -> int:
    """Of a date, counted in days from 1970-01-01, a Thursday."""
    return (day + 3) % 7


def _exists(day: int, timezone: str) -> bool:
    """Whether clocks in a zone ever showed a date: Samoa went from 29 to 31 December 2011."""
    return _reading(_first_showing(day * _DAY, timezone), timezone) // _DAY == day


def _reading(at: int, timezone: str) -> int:
    """What clocks in a zone show, as microseconds from 1970-01-01T00:00 on those clocks."""
    return at + _ahead(at, timezone)


def _ahead(at: int, timezone: str) -> int:
    """How far clocks in a zone are ahead of UTC. Raises OverflowError outside the years 1 to 9999."""
    if timezone == "UTC":
        if not _EARLIEST <= at <= LATEST:
            msg = "outside the years 1 to 9999"
            raise OverflowError(msg)
        return 0
    ahead = in_zone(at, timezone).utcoffset()
    return 0 if ahead is None else ahead // _MICROSECOND


def _first_showing(reading: int, timezone: str) -> int:
    """The first instant at which clocks in a zone show a reading; the first after the gap, where they skip it."""
    if timezone == "UTC":
        return reading
    return local_instant(_NAIVE_EPOCH + timedelta(microseconds=reading), zone(timezone))


def _change(low: int, high: int, timezone: str) -> int:
    """The first instant with another offset than `low` has, given that `high` has another and a day has one change at most."""
    before = _ahead(low, timezone)
    while high - low > 1:
        middle = (low + high) // 2
        if _ahead(middle, timezone) == before:
            low = middle
        else:
            high = middle
    return high


def _no_day() -> ValueError:
    return ValueError("there is no such day")
