"""Times of day, days and windows, over changes of the clocks; against an oracle that looks at every minute."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.domain.calendar import DAYS, LATEST, Window, next_opening, next_time_of_day, next_time_on_days, parse_time_of_day, quiet_until
from clarion.domain.dates import in_zone, instant, iso

MINUTE: Final = 60_000_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


def at(text: str, zone: str = "UTC") -> int:
    """An ISO date as an instant."""
    found = instant(text, zone)
    assert found is not None
    return found


def clock(text: str) -> int:
    return parse_time_of_day(text)


def days(names: str) -> frozenset[int]:
    return frozenset(DAYS.index(name) for name in names.split())


def window(text: str) -> Window:
    start, end = text.split("-")
    return Window(clock(start), clock(end))


@pytest.mark.parametrize(
    ("text", "expected"), [("00:00", 0), ("09:00", 9 * HOUR), ("23:59", DAY - MINUTE), ("18:30:15", 18 * HOUR + 30 * MINUTE + 15_000_000)]
)
def test_times_of_day(text: str, expected: int) -> None:
    assert parse_time_of_day(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "9:00", "24:00", "12:60", "12:00:60", "12", "12:0", "12:00:0", " 12:00", "12:00\n", "-1:00", "\u0660\u0669:\u0660\u0660", "9am"],
)
def test_what_is_no_time_of_day(text: str) -> None:
    with pytest.raises(ValueError, match='must be a time of day from "00:00"'):
        parse_time_of_day(text)


def test_a_window_has_two_ends() -> None:
    with pytest.raises(ValueError, match="begin and end at the same time"):
        Window(HOUR, HOUR)


@pytest.mark.parametrize(
    ("zone", "start", "time", "expected"),
    [
        ("UTC", "2026-05-05T08:59", "09:00", "2026-05-05T09:00Z"),
        ("UTC", "2026-05-05T09:00", "09:00", "2026-05-05T09:00Z"),
        ("UTC", "2026-05-05T09:00:00.000001", "09:00", "2026-05-06T09:00Z"),
        ("UTC", "2026-12-31T12:00", "09:00", "2027-01-01T09:00Z"),
        ("UTC", "2028-02-28T12:00", "09:00", "2028-02-29T09:00Z"),
        ("UTC", "2027-02-28T12:00", "09:00", "2027-03-01T09:00Z"),
        ("UTC", "1969-12-31T12:00", "09:00", "1970-01-01T09:00Z"),
        ("Asia/Kathmandu", "2026-05-05T12:00", "09:00", "2026-05-06T03:15Z"),
        # skipped: the first instant after the gap
        ("Europe/Berlin", "2026-03-28T12:00", "02:30", "2026-03-29T01:00Z"),
        ("Europe/Berlin", "2026-03-29T03:00", "02:30", "2026-03-29T01:00Z"),
        ("Europe/Berlin", "2026-03-29T03:00:00.000001", "02:30", "2026-03-30T00:30Z"),
        ("America/New_York", "2026-03-08T00:00", "02:30", "2026-03-08T07:00Z"),
        ("Australia/Lord_Howe", "2026-10-04T00:00", "02:15", "2026-10-03T15:30Z"),
        ("America/Sao_Paulo", "2018-11-03T12:00", "00:00", "2018-11-04T03:00Z"),
        ("Africa/Cairo", "2008-04-24T12:00", "00:30", "2008-04-24T22:00Z"),
        ("America/Toronto", "1919-03-30T12:00", "23:45", "1919-03-31T04:30Z"),
        ("America/Toronto", "1919-03-30T12:00", "00:15", "1919-03-31T04:30Z"),
        # occurs twice: the first time, and only then
        ("Europe/Berlin", "2026-10-25T00:00", "02:30", "2026-10-25T00:30Z"),
        ("Europe/Berlin", "2026-10-25T02:45", "02:30", "2026-10-26T01:30Z"),
        ("Europe/Berlin", "2026-10-25T02:10+01:00", "02:30", "2026-10-26T01:30Z"),
        ("Australia/Lord_Howe", "2026-04-05T01:00", "01:45", "2026-04-04T14:45Z"),
        ("Australia/Lord_Howe", "2026-04-05T01:35+10:30", "01:45", "2026-04-05T15:15Z"),
        ("America/Sao_Paulo", "2018-02-17T23:30-03:00", "23:45", "2018-02-19T02:45Z"),
        # at a minute past midnight clocks went back to the day before: 00:00 has been shown already
        ("America/St_Johns", "2006-10-28T23:30-03:30", "00:00", "2006-10-30T03:30Z"),
        # a date that never was has no times
        ("Pacific/Apia", "2011-12-29T12:00", "09:00", "2011-12-30T19:00Z"),
        ("Pacific/Apia", "2011-12-29T23:59:59", "00:00", "2011-12-30T10:00Z"),
    ],
)
def test_the_next_time_of_day(zone: str, start: str, time: str, expected: str) -> None:
    found = next_time_of_day(at(start, zone), clock(time), zone)
    assert iso(found) == iso(at(expected))


@pytest.mark.parametrize(
    ("zone", "start", "time", "on", "expected"),
    [
        ("UTC", "2026-05-05T08:00", "09:00", "tue", "2026-05-05T09:00Z"),
        ("UTC", "2026-05-05T10:00", "09:00", "tue", "2026-05-12T09:00Z"),
        ("UTC", "2026-05-05T10:00", "09:00", "mon wed", "2026-05-06T09:00Z"),
        ("America/New_York", "2026-05-08T12:00", "20:30", "mon", "2026-05-12T00:30Z"),
        ("Europe/Berlin", "2026-03-25T12:00", "02:30", "sun", "2026-03-29T01:00Z"),
        ("Europe/Berlin", "2026-10-25T02:45", "02:30", "sun", "2026-11-01T01:30Z"),
        # due on Sunday, when the gap took it over midnight; not on Monday
        ("America/Toronto", "1919-03-30T12:00", "23:45", "sun", "1919-03-31T04:30Z"),
        ("America/Toronto", "1919-03-30T12:00", "23:45", "mon", "1919-04-01T03:45Z"),
        # Friday, 30 December 2011, never was
        ("Pacific/Apia", "2011-12-24T12:00", "09:00", "fri", "2012-01-05T19:00Z"),
        ("Pacific/Apia", "2011-12-29T12:00", "09:00", "fri sat", "2011-12-30T19:00Z"),
    ],
)
def test_the_next_time_on_days(zone: str, start: str, time: str, on: str, expected: str) -> None:
    found = next_time_on_days(at(start, zone), clock(time), days(on), zone)
    assert iso(found) == iso(at(expected))


@pytest.mark.parametrize(
    ("zone", "start", "on", "open_", "expected"),
    [
        # both ends of a window
        ("UTC", "2026-05-05T08:59:59.999999", "", "09:00-18:00", "2026-05-05T09:00Z"),
        ("UTC", "2026-05-05T09:00", "", "09:00-18:00", "2026-05-05T09:00Z"),
        ("UTC", "2026-05-05T17:59:59.999999", "", "09:00-18:00", "2026-05-05T17:59:59.999999Z"),
        ("UTC", "2026-05-05T18:00", "", "09:00-18:00", "2026-05-06T09:00Z"),
        ("UTC", "2026-12-31T18:00", "", "09:00-18:00", "2027-01-01T09:00Z"),
        # past midnight; the day is that of the start
        ("UTC", "2026-05-05T12:00", "", "22:00-07:00", "2026-05-05T22:00Z"),
        ("UTC", "2026-05-05T06:59", "", "22:00-07:00", "2026-05-05T06:59Z"),
        ("UTC", "2026-05-05T07:00", "", "22:00-07:00", "2026-05-05T22:00Z"),
        ("UTC", "2026-05-05T03:00", "mon", "22:00-07:00", "2026-05-05T03:00Z"),
        ("UTC", "2026-05-05T03:00", "tue", "22:00-07:00", "2026-05-05T22:00Z"),
        ("UTC", "2026-05-05T07:00", "mon", "22:00-07:00", "2026-05-11T22:00Z"),
        ("UTC", "2026-05-05T23:00", "tue", "18:00-00:00", "2026-05-05T23:00Z"),
        ("UTC", "2026-05-06T00:00", "tue", "18:00-00:00", "2026-05-12T18:00Z"),
        # days alone
        ("UTC", "2026-05-05T12:00", "tue", "", "2026-05-05T12:00Z"),
        ("UTC", "2026-05-05T12:00", "sat sun", "", "2026-05-09T00:00Z"),
        ("UTC", "2028-02-28T12:00", "tue", "", "2028-02-29T00:00Z"),
        ("UTC", "2026-05-05T12:00", "", "", "2026-05-05T12:00Z"),
        ("America/Los_Angeles", "2026-05-05T23:00", "wed", "", "2026-05-06T07:00Z"),
        ("America/Sao_Paulo", "2018-11-01T12:00", "sun", "", "2018-11-04T03:00Z"),
        ("Pacific/Apia", "2011-12-24T12:00", "fri", "", "2012-01-05T10:00Z"),
        # a window that begins in the gap, ends in it, lies in it
        ("Europe/Berlin", "2026-03-29T00:00", "", "02:30-04:00", "2026-03-29T01:00Z"),
        ("Europe/Berlin", "2026-03-29T00:00", "", "02:30-03:00", "2026-03-30T00:30Z"),
        ("Europe/Berlin", "2026-03-29T01:59:59", "", "01:00-02:30", "2026-03-29T00:59:59Z"),
        ("Europe/Berlin", "2026-03-29T03:00", "", "01:00-02:30", "2026-03-29T23:00Z"),
        ("Europe/Berlin", "2026-03-29T00:00", "sun", "02:15-02:45", "2026-04-05T00:15Z"),
        ("Africa/Cairo", "2008-04-24T12:00", "fri", "00:30-06:00", "2008-04-24T22:00Z"),
        # both passes of a repeated hour are inside
        ("Europe/Berlin", "2026-10-25T02:10+01:00", "", "02:00-02:30", "2026-10-25T01:10Z"),
        ("Europe/Berlin", "2026-10-25T02:40+02:00", "", "02:00-02:30", "2026-10-25T01:00Z"),
        ("Europe/Berlin", "2026-10-25T02:10+01:00", "", "02:30-03:00", "2026-10-25T01:30Z"),
        ("America/St_Johns", "2006-10-29T00:00:30", "sat", "", "2006-10-29T02:31Z"),
    ],
)
def test_the_next_opening(zone: str, start: str, on: str, open_: str, expected: str) -> None:
    found = next_opening(at(start, zone), days(on) if on else None, window(open_) if open_ else None, zone)
    assert iso(found) == iso(at(expected))


@pytest.mark.parametrize(
    ("zone", "start", "quiet", "expected"),
    [
        ("UTC", "2026-05-05T21:59:59.999999", "22:00-07:00", None),
        ("UTC", "2026-05-05T22:00", "22:00-07:00", "2026-05-06T07:00Z"),
        ("UTC", "2026-05-06T06:59:59.999999", "22:00-07:00", "2026-05-06T07:00Z"),
        ("UTC", "2026-05-06T07:00", "22:00-07:00", None),
        ("UTC", "2026-05-05T12:30", "12:00-13:00", "2026-05-05T13:00Z"),
        ("UTC", "2026-12-31T23:00", "22:00-00:00", "2027-01-01T00:00Z"),
        ("Europe/Berlin", "2026-03-28T23:00", "22:00-07:00", "2026-03-29T05:00Z"),
        ("Europe/Berlin", "2026-10-24T23:00", "22:00-07:00", "2026-10-25T06:00Z"),
        ("Europe/Berlin", "2026-03-29T01:00", "22:00-02:30", "2026-03-29T01:00Z"),
        ("Pacific/Apia", "2011-12-29T23:00", "22:00-07:00", "2011-12-30T17:00Z"),
    ],
)
def test_quiet_hours(zone: str, start: str, quiet: str, expected: str | None) -> None:
    assert quiet_until(at(start, zone), window(quiet), zone) == (None if expected is None else at(expected))


def test_without_a_day_there_is_no_time() -> None:
    with pytest.raises(ValueError, match="no such day"):
        next_time_on_days(0, 0, frozenset(), "UTC")
    with pytest.raises(ValueError, match="no such day"):
        next_opening(0, frozenset(), None, "UTC")


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_nothing_is_found_past_the_year_9999(zone: str) -> None:
    late = at("9999-12-31T12:00", zone)
    assert next_time_of_day(late, clock("15:00"), zone) == late + 3 * HOUR
    with pytest.raises(OverflowError):
        next_time_of_day(late, clock("09:00"), zone)
    with pytest.raises(OverflowError):
        next_opening(late, None, window("09:00-10:00"), zone)
    with pytest.raises(OverflowError):
        next_opening(late, days("sat"), None, zone)
    with pytest.raises(OverflowError):
        quiet_until(late, window("11:00-09:00"), zone)
    for beyond in (LATEST + 2, 10**30, -(10**30)):
        with pytest.raises(OverflowError):
            next_time_of_day(beyond, 0, zone)
        with pytest.raises(OverflowError):
            next_opening(beyond, days("mon"), None, zone)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no IANA time zone"):
        next_time_of_day(0, 0, "Mars/Olympus")
    with pytest.raises(ValueError, match="no IANA time zone"):
        next_opening(0, days("mon"), None, "Mars/Olympus")


CHANGES: Final = [
    ("UTC", "2026-12-31T23:00Z"),
    ("UTC", "2028-02-28T23:00Z"),
    ("Europe/Berlin", "2026-03-29T01:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00Z"),
    ("America/New_York", "2026-03-08T07:00Z"),
    ("America/New_York", "2026-11-01T06:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:30Z"),
    ("America/Sao_Paulo", "2018-02-18T02:00Z"),
    ("America/Sao_Paulo", "2018-11-04T03:00Z"),
    ("Africa/Cairo", "2008-04-24T22:00Z"),
    ("Africa/Cairo", "2008-08-28T21:00Z"),
    ("America/St_Johns", "2006-04-02T03:31Z"),
    ("America/St_Johns", "2006-10-29T02:31Z"),
    ("America/Toronto", "1919-03-31T04:30Z"),
    ("Asia/Pyongyang", "2018-05-04T15:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00Z"),
    ("Pacific/Kwajalein", "1969-09-30T13:00Z"),
]
"""Zones, and instants at which their clocks do something."""

BEFORE, AFTER = 3 * 1440, 16 * 1440
"""Minutes that the oracle looks at."""


@lru_cache(maxsize=len(CHANGES))
def shown(zone: str, middle: str) -> tuple[datetime, ...]:
    """What clocks show at every minute around an instant, with the standard library alone."""
    first = datetime.fromisoformat(middle) - timedelta(minutes=BEFORE)
    return tuple(in_zone((int(first.timestamp()) + 60 * n) * 1_000_000, zone).replace(tzinfo=None) for n in range(BEFORE + AFTER))


def minutes(time: datetime) -> int:
    return time.hour * 60 + time.minute


def oracle_time(clocks: tuple[datetime, ...], start: int, time: int, on: frozenset[int]) -> int:
    """The first minute from `start` at which clocks get to, or past, a time of day that they never were at or past on that date."""
    dates = {each.date() for each in clocks}
    farthest = clocks[0]
    for n, now in enumerate(clocks):
        if now <= farthest:
            continue
        for date in (farthest.date() + timedelta(days=ahead) for ahead in range((now.date() - farthest.date()).days + 1)):
            due = datetime(date.year, date.month, date.day) + timedelta(minutes=time)  # noqa: DTZ001  # wall time
            if date in dates and date.weekday() in on and farthest < due <= now and n >= start:
                return n
        farthest = now
    raise AssertionError


def is_open(now: datetime, on: frozenset[int], open_: tuple[int, int]) -> bool:
    start, end = open_
    if start < end:
        return start <= minutes(now) < end and now.weekday() in on
    return (minutes(now) >= start and now.weekday() in on) or (minutes(now) < end and (now.weekday() - 1) % 7 in on)


STARTS = st.integers(1440 * 2, BEFORE + 1440)
TIMES = st.integers(0, 1439) | st.integers(0, 47).map(lambda half: half * 30)
WINDOWS = st.tuples(TIMES, TIMES).filter(lambda both: both[0] != both[1])
SOME_DAYS = st.frozensets(st.integers(0, 6), min_size=1) | st.just(frozenset(range(7)))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CHANGES), STARTS, TIMES, SOME_DAYS)
def test_times_of_day_agree_with_every_minute(change: tuple[str, str], start: int, time: int, on: frozenset[int]) -> None:
    zone, middle = change
    first = at(middle) - BEFORE * MINUTE
    found = next_time_on_days(first + start * MINUTE, time * MINUTE, on, zone)
    assert (found - first) / MINUTE == oracle_time(shown(*change), start, time, on)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CHANGES), STARTS, WINDOWS, SOME_DAYS)
def test_openings_agree_with_every_minute(change: tuple[str, str], start: int, open_: tuple[int, int], on: frozenset[int]) -> None:
    zone, middle = change
    first = at(middle) - BEFORE * MINUTE
    clocks = shown(*change)
    found = next_opening(first + start * MINUTE, on, Window(open_[0] * MINUTE, open_[1] * MINUTE), zone)
    assert (found - first) / MINUTE == next(n for n in range(start, len(clocks)) if is_open(clocks[n], on, open_))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(CHANGES), STARTS, WINDOWS)
def test_quiet_hours_agree_with_every_minute(change: tuple[str, str], start: int, quiet: tuple[int, int]) -> None:
    zone, middle = change
    first = at(middle) - BEFORE * MINUTE
    clocks = shown(*change)
    found = quiet_until(first + start * MINUTE, Window(quiet[0] * MINUTE, quiet[1] * MINUTE), zone)
    ends = next(n for n in range(start, len(clocks)) if not is_open(clocks[n], frozenset(range(7)), quiet))
    assert found == (None if ends == start else first + ends * MINUTE)


INSTANTS = st.sampled_from(CHANGES).flatmap(
    lambda change: st.tuples(st.just(change[0]), st.integers(-3 * DAY, 3 * DAY).map(lambda by: at(change[1]) + by))
) | st.tuples(
    st.sampled_from([zone for zone, _ in CHANGES] + ["Asia/Kathmandu", "Africa/Casablanca", "Europe/Dublin", "Antarctica/Troll"]),
    st.integers(at("1900-01-01"), at("2100-01-01")),
)


@settings(max_examples=150, deadline=None)
@given(INSTANTS, st.integers(0, DAY - 1), SOME_DAYS, st.integers(0, 3 * DAY))
def test_a_time_of_day_is_never_early_and_found_again(place: tuple[str, int], time: int, on: frozenset[int], later: int) -> None:
    zone, start = place
    found = next_time_on_days(start, time, on, zone)
    assert start <= found <= start + 16 * DAY
    assert next_time_on_days(found, time, on, zone) == found
    assert next_time_on_days(start + later, time, on, zone) >= found
    assert next_time_on_days(found + 1, time, on, zone) > found
    now, before = (in_zone(each, zone).replace(tzinfo=None, fold=0) for each in (found, found - 1))
    shows = (now - now.replace(hour=0, minute=0, second=0, microsecond=0)) // timedelta(microseconds=1) == time
    assert (shows and now.weekday() in on) or now - before > timedelta(microseconds=1)


@settings(max_examples=150, deadline=None)
@given(INSTANTS, st.tuples(st.integers(0, DAY - 1), st.integers(0, DAY - 1)), SOME_DAYS, st.integers(0, 3 * DAY))
def test_an_opening_is_never_early_and_found_again(place: tuple[str, int], open_: tuple[int, int], on: frozenset[int], later: int) -> None:
    zone, start = place
    within = Window(*open_) if open_[0] != open_[1] else None
    found = next_opening(start, on, within, zone)
    assert start <= found <= start + 16 * DAY
    assert next_opening(found, on, within, zone) == found
    assert next_opening(start + later, on, within, zone) >= found
    if found > start:
        assert next_opening(found - 1, on, within, zone) == found


def test_utc_is_no_special_case() -> None:
    for start in range(at("2026-12-28"), at("2027-01-04"), 7 * HOUR + 1):
        for zone in ("Etc/UTC", "Africa/Abidjan"):
            assert next_time_on_days(start, 9 * HOUR, days("mon thu"), "UTC") == next_time_on_days(start, 9 * HOUR, days("mon thu"), zone)
            night = Window(22 * HOUR, 7 * HOUR)
            assert next_opening(start, days("fri"), night, "UTC") == next_opening(start, days("fri"), night, zone)
