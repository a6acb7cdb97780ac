"""Forms of dates and zones at their edges."""

import pytest

from clarion.domain.dates import in_zone, instant, local_instant, zone

DAY = 86_400_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-02", DAY),
        ("1970-01-01T00:00", 0),
        ("1970-01-01T23:59", DAY - 60_000_000),
        ("1970-01-01T23:59:59", DAY - 1_000_000),
        ("1970-01-01T00:00:00.000001", 1),
        ("1970-01-01T00:00:00,1", 100_000),
        ("1970-01-01T00:00:00.123456789012", 123_456),
        ("1970-01-01T00:00-23:59", DAY - 60_000_000),
        ("1970-01-01T00:00+23:59", 60_000_000 - DAY),
        ("1970-01-01T00:00-00:01", 60_000_000),
        ("1970-01-01T00:00+01", -3_600_000_000),
        ("1970-01-01T00:00-0130", 5_400_000_000),
    ],
)
def test_a_form(text: str, expected: int) -> None:
    assert instant(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("1970-01-01T00:00:00.", "1970-01-01T00:00:00.1234567890123", "1970-01-01T00:00.5", "1970-01-01T00:00+1", "1970-01-01T00:00+01:0"),
        *(
            "1970-01-01T00:00+01:000",
            "1970-01-01T0:00",
            "1970-1-01",
            "1970-01-1",
            "970-01-01",
            "11970-01-01",
            "1970-01-011",
            "1970-01-01T00:00:0",
        ),
        *("1970-01-01T00:00+24:00", "1970-01-01T00:00+00:60", "1970-01-01T25:00", "1970-01-01T00:60", "1970-00-01", "1970-01-00"),
        *("1970-01-01T00:00ZZ", "1970-01-01T00:00Z+01:00", "x1970-01-01", "1970-01-01x"),
    ],
)
def test_no_form(text: str) -> None:
    assert instant(text) is None


def test_a_zone_may_have_up_to_three_parts() -> None:
    for name in ("UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+1", "America/Port-au-Prince"):
        assert zone(name).key == name


def test_an_unknown_zone_matters_only_to_a_date_that_needs_one() -> None:
    assert instant("1970-01-01T00:00Z", "Mars/Olympus") == 0
    assert instant("1970-01-01T00:00+00:00", "Mars/Olympus") == 0
    assert instant("no date", "Mars/Olympus") is None
    with pytest.raises(ValueError, match="no IANA time zone"):
        instant("1970-01-01T00:00", "Mars/Olympus")
    with pytest.raises(ValueError, match="no IANA time zone"):
        in_zone(0, "Mars/Olympus")


def test_a_skipped_time_is_the_very_first_instant_after_the_gap() -> None:
    found = instant("2026-03-29T02:30:00.000001", "Europe/Berlin")
    assert found == instant("2026-03-29T01:00:00Z")
    # half an hour's gap
    assert instant("2025-10-05T02:15", "Australia/Lord_Howe") == instant("2025-10-04T15:30:00Z")
    place = zone("Europe/Berlin")
    shown = in_zone(0, "Europe/Berlin").replace(tzinfo=None)
    assert local_instant(shown, place) == 0


def test_years_past_the_calendar_overflow() -> None:
    with pytest.raises(OverflowError):
        in_zone(400_000_000 * 10**9, "UTC")
