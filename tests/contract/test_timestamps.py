"""ISO 8601 with offset, and nothing else."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.contract.timestamps import read_timestamp

NOON = 1_795_428_000_000_000  # 2026-11-23T10:00:00Z


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2026-11-23T10:00:00Z", NOON),
        ("2026-11-23t10:00:00z", NOON),
        ("2026-11-23 10:00:00Z", NOON),
        ("2026-11-23T10:00Z", NOON),
        ("2026-11-23T15:30:00+05:30", NOON),
        ("2026-11-23T15:30:00+0530", NOON),
        ("2026-11-23T02:00:00-08", NOON),
        ("2026-11-23T10:00:00-00:00", NOON),
        ("2026-11-23T10:00:00.5Z", NOON + 500_000),
        ("2026-11-23T10:00:00,000001Z", NOON + 1),
        ("2026-11-23T10:00:00.1234569Z", NOON + 123_456),
        ("2026-11-23T10:00:00." + "9" * 60_000 + "Z", NOON + 999_999),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000_000),
        ("2016-12-31T18:59:60.75-05:00", 1_483_228_800_000_000),
        ("0001-01-01T00:00:00+23:59", -62_135_683_140_000_000),
        ("9999-12-31T23:59:59.999999-23:59", 253_402_387_139_999_999),
    ],
)
def test_read(text: str, expected: int) -> None:
    assert read_timestamp(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-23",
        "2026-11-23T10:00:00",
        "2026-11-23T10Z",
        "2026-11-23T10:00:00 Z",
        "2026-11-23T10:00:00Z ",
        "2026-11-23T10:00:00Z\n",
        "2026-11-23T10:00:00.Z",
        "2026-11-23_10:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T10:60:00Z",
        "2026-11-23T10:00:61Z",
        "2026-11-23T10:00:60Z",
        "2016-12-31T23:59:60-05:00",
        "2026-11-23T10:00:00+24:00",
        "2026-11-23T10:00:00+05:60",
        "2026-11-23T10:00:00+5:30",
        "2026-11-23T10:00:00UTC",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "12026-11-23T10:00:00Z",
        "+2026-11-23T10:00:00Z",
        "2026-W48-1T10:00:00Z",
        "20261123T100000Z",
        "٢٠٢٦-11-23T10:00:00Z",
        "1795428000",
    ],
)
def test_refused(text: str) -> None:
    assert read_timestamp(text) is None


@given(st.datetimes(timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))))
@settings(max_examples=150)
def test_what_python_writes_is_read_back(moment: datetime) -> None:
    assert read_timestamp(moment.isoformat()) == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@given(st.text() | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?[Zz+-][0-9:]{0,5}", fullmatch=True))
@settings(max_examples=200)
def test_any_text_gives_an_instant_within_64_bits_or_none(text: str) -> None:
    instant = read_timestamp(text)
    assert instant is None or abs(instant) < 1 << 63
