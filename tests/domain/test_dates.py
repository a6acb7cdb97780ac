"""ISO 8601 dates as instants."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.domain.dates import in_zone, instant, iso, local_instant, zone


def at(*parts: int) -> int:
    """Microseconds of a UTC wall time."""
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[arg-type,misc]  # the parts are year, month, …


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01", at(2026, 3, 1)),
        ("2026-03-01T10:20", at(2026, 3, 1, 10, 20)),
        ("2026-03-01 10:20:30", at(2026, 3, 1, 10, 20, 30)),
        ("2026-03-01T10:20:30Z", at(2026, 3, 1, 10, 20, 30)),
        ("2026-03-01t10:20:30z", at(2026, 3, 1, 10, 20, 30)),
        ("2026-03-01T10:20:30.5Z", at(2026, 3, 1, 10, 20, 30) + 500_000),
        ("2026-03-01T10:20:30.123456789Z", at(2026, 3, 1, 10, 20, 30) + 123_456),
        ("2026-03-01T10:20:30+02:00", at(2026, 3, 1, 8, 20, 30)),
        ("2026-03-01T10:20:30-0530", at(2026, 3, 1, 15, 50, 30)),
        ("2026-03-01T10:20+02", at(2026, 3, 1, 8, 20)),
        ("2024-02-29", at(2024, 2, 29)),
        ("1969-12-31T23:59:59Z", -1_000_000),
    ],
)
def test_dates(text: str, expected: int) -> None:
    assert instant(text) == expected


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_the_ends_of_the_calendar_do_not_overflow(text: str) -> None:
    assert instant(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        *("", "today", "2026", "2026-03", "20260301", "2026-W10-1", "2026-060", "01.03.2026", "2026-13-01", "2025-02-29", "2026-03-01T"),
        *("2026-03-01T10", "2026-03-01T24:00", "2026-03-01T23:59:60Z", "2026-03-01T10:20:30+24:00", "2026-03-01T10:20+02:60"),
        *("2026-03-01X10:20", " 2026-03-01", "2026-03-01\n", "2026-03-01Z", "٢٠٢٦-03-01", "0000-01-01", "2026-03-01T10:20:30." + "0" * 60),
    ],
)
def test_what_is_no_date(text: str) -> None:
    assert instant(text) is None


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("2026-01-15T12:00", "Europe/Berlin", at(2026, 1, 15, 11)),
        ("2026-07-15T12:00", "Europe/Berlin", at(2026, 7, 15, 10)),
        ("2026-07-15", "America/New_York", at(2026, 7, 15, 4)),
        ("2026-07-15T12:00Z", "America/New_York", at(2026, 7, 15, 12)),
        # occurs twice: the first time; skipped: the first instant after the gap
        ("2026-10-25T02:30", "Europe/Berlin", at(2026, 10, 25, 0, 30)),
        ("2026-03-29T02:00", "Europe/Berlin", at(2026, 3, 29, 1)),
        ("2026-03-29T02:59:59", "Europe/Berlin", at(2026, 3, 29, 1)),
        ("2026-03-29T03:00", "Europe/Berlin", at(2026, 3, 29, 1)),
        ("2026-03-29T01:59:59", "Europe/Berlin", at(2026, 3, 29, 0, 59, 59)),
        # a whole day that Samoa skipped
        ("2011-12-30T12:00", "Pacific/Apia", at(2011, 12, 30, 10)),
        ("9999-12-31T23:59", "America/New_York", at(9999, 12, 31, 23, 59) + 5 * 3600 * 1_000_000),
    ],
)
def test_a_date_without_offset_is_in_the_zone(text: str, place: str, expected: int) -> None:
    assert instant(text, place) == expected


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "Europe", "a" * 65, "Europe/Berlin\x00", "UTC\n"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no IANA time zone"):
        zone(name)


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)), st.integers(-1439, 1439))  # noqa: DTZ001  # wall times
def test_dates_agree_with_the_standard_library(wall: datetime, minutes: int) -> None:
    aware = wall.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert instant(aware.isoformat()) == (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@settings(deadline=None)
@given(st.integers(-60_000_000_000_000_000, 250_000_000_000_000_000))
def test_an_instant_survives_being_written(when: int) -> None:
    assert instant(iso(when)) == when


@settings(deadline=None, max_examples=50)
@given(
    st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2037, 12, 31)),  # noqa: DTZ001  # wall times
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]),
)
def test_clocks_show_the_wall_time_at_its_instant_or_have_just_skipped_it(wall: datetime, name: str) -> None:
    found = local_instant(wall, zone(name))
    shown = in_zone(found, name).replace(tzinfo=None, fold=0)
    earlier = in_zone(found - 1, name).replace(tzinfo=None, fold=0)
    assert shown == wall or (earlier < wall < shown)


def test_writing_drops_an_empty_fraction() -> None:
    assert iso(at(2026, 3, 1, 10)) == "2026-03-01T10:00:00Z"
    assert iso(at(2026, 3, 1, 10) + 5) == "2026-03-01T10:00:00.000005Z"
