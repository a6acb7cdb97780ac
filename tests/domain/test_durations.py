"""Durations: what is one, what is not, and the way there and back."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.domain.durations import DURATION_PATTERN, MAX_DURATION, format_duration, parse_duration

SECOND = 1_000_000
DAY = 86_400 * SECOND


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", 90 * SECOND),
        ("1h30m", 5400 * SECOND),
        ("1d12h", 36 * 3600 * SECOND),
        ("2w", 14 * DAY),
        ("250ms", 250_000),
        ("1m1ms", 60 * SECOND + 1000),
        ("1w1d1h1m1s1ms", 8 * DAY + 3661 * SECOND + 1000),
        ("0s", 0),
        ("007d", 7 * DAY),
        ("3660d", MAX_DURATION),
        ("3659d24h", MAX_DURATION),
    ],
)
def test_durations(text: str, expected: int) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("5", "no duration"),
        ("h", "no duration"),
        ("1.5h", "no duration"),
        ("-1h", "no duration"),
        ("1 h", "no duration"),
        (" 1h", "no duration"),
        ("1h ", "no duration"),
        ("1H", "no duration"),
        ("1y", "no duration"),
        ("\u0661h", "no duration"),
        ("1" * 16 + "s", "no duration"),
        ("1h1h", "names the unit 'h' twice"),
        ("30m1h", "'h' after 'm'"),
        ("1ms1s", "'s' after 'ms'"),
        ("3660d1ms", "longer than 3660d"),
        ("523w", "longer than 3660d"),
    ],
)
def test_what_is_no_duration_is_refused_with_its_reason(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_duration(text)


@settings(deadline=None)
@given(st.integers(0, MAX_DURATION // 1000))
def test_a_duration_survives_being_written(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds * 1000)) == milliseconds * 1000


@pytest.mark.parametrize(("duration", "text"), [(0, "0s"), (DAY * 7, "7d"), (5_400 * SECOND, "1h30m"), (1_001_000, "1s1ms")])
def test_writing(duration: int, text: str) -> None:
    assert format_duration(duration) == text


@pytest.mark.parametrize("duration", [-1000, 1, 999])
def test_what_cannot_be_written_is_refused(duration: int) -> None:
    with pytest.raises(ValueError, match="whole number of milliseconds"):
        format_duration(duration)


@settings(deadline=None)
@given(st.from_regex(r"[0-9wdhms]{0,8}", fullmatch=True))
def test_the_schema_s_pattern_takes_what_the_parser_takes(text: str) -> None:
    try:
        parse_duration(text)
    except ValueError as error:
        taken = "longer than" in str(error)
    else:
        taken = True
    assert bool(re.fullmatch(DURATION_PATTERN, text)) == taken
