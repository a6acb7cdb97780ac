"""The ends of the calendar: searches fail there, and not a microsecond before."""

import pytest

from clarion.domain.calendar import LATEST, Window, next_opening, next_time_of_day

FIRST = -62_135_596_800_000_000
"""0001-01-01T00:00:00Z."""
HOUR = 3_600_000_000


def test_the_last_instant_is_the_last_of_the_year_9999() -> None:
    assert LATEST == 253_402_300_799_999_999


@pytest.mark.parametrize("at", [FIRST, FIRST + 1, LATEST])
def test_an_opening_at_the_ends(at: int) -> None:
    assert next_opening(at, None, None, "UTC") == at


@pytest.mark.parametrize("at", [FIRST - 1, LATEST + 1])
def test_no_opening_past_the_ends(at: int) -> None:
    with pytest.raises(OverflowError):
        next_opening(at, None, None, "UTC")


def test_a_time_that_would_come_after_the_end() -> None:
    assert next_time_of_day(LATEST - HOUR, 23 * HOUR, "UTC") == LATEST + 1 - HOUR
    with pytest.raises(OverflowError):
        next_time_of_day(LATEST - HOUR + 2, 23 * HOUR, "UTC")
    with pytest.raises(OverflowError):
        next_opening(LATEST, None, Window(0, HOUR), "UTC")
