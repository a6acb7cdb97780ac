"""The `date` filter: every directive at every turn of the clock and the calendar, against the standard library."""

from datetime import UTC, datetime, timedelta

import pytest

from clarion.domain.dates import in_zone, iso
from clarion.domain.templates import TemplateFailure, compile_template, escapes
from clarion.domain.templates.filters.dates import date

from .scopes import seeing

START = datetime(2025, 12, 28, tzinfo=UTC)
SECOND = 1_000_000


def written(value: object, form: object, zone: str = "UTC", now: int = 0) -> str:
    return date(value, form, scope=seeing(timezone=zone, now=now))


@pytest.mark.parametrize("directive", "YmdejHIklMSpPAaBbuwVGFTRDyzsZ%")
def test_a_directive_says_what_strftime_says(directive: str) -> None:
    for step in range(0, 400 * 24, 29):
        at = START + timedelta(hours=step, minutes=step % 61, seconds=step % 59)
        assert written(at.isoformat(), f"%{directive}") == at.strftime(f"%{directive}"), at


def test_milliseconds_are_cut_off() -> None:
    for fraction, text in (("0", "000"), ("0009", "000"), ("001", "001"), ("0019", "001"), ("999999", "999")):
        assert written(f"2026-03-01T00:00:00.{fraction}Z", "%L") == text


@pytest.mark.parametrize(
    ("zone", "offset"),
    [
        ("UTC", "+0000"),
        ("Asia/Kathmandu", "+0545"),
        ("America/St_Johns", "-0330"),
        ("Pacific/Kiritimati", "+1400"),
        ("America/New_York", "-0500"),
    ],
)
def test_the_offset_of_a_zone(zone: str, offset: str) -> None:
    assert written("2026-01-01T12:00:00Z", "%z", zone) == offset


def test_an_offset_of_old_is_cut_to_minutes() -> None:
    assert written("1890-01-01T00:00:00Z", "%z", "Asia/Singapore") == "+0655"


def test_a_minus_drops_what_fills_up() -> None:
    assert written("2026-03-04T05:06:07Z", "%-d|%-e|%-m|%-H|%-k|%-I|%-l|%-M|%-S|%-j|%-y|%-Y") == "4|4|3|5|5|5|5|6|7|63|26|2026"
    assert written("2026-03-04T00:00:00Z", "%-H|%-M|%-L|%-w") == "0|0|0|3"
    assert written("2026-03-10T10:00:00Z", "%-d|%-H") == "10|10"


def test_what_is_taken_for_a_moment() -> None:
    now = 1_767_225_600 * SECOND
    assert written("now", "%F %T", now=now) == written("today", "%F %T", now=now) == "2026-01-01 00:00:00"
    assert written(1_767_225_600, "%F %T") == written(1_767_225_600.0, "%F %T") == "2026-01-01 00:00:00"
    assert written(1.25, "%s.%L") == "1.250"
    assert written(-1, "%F %T") == "1969-12-31 23:59:59"
    assert written(253_402_300_799, "%F %T") == "9999-12-31 23:59:59"
    assert written(253_402_300_800, "%F") == "253402300800"
    assert written(-253_402_300_800, "%F") == "-253402300800"
    assert written("2026-01-01", "%s", "Europe/Berlin") == "1767222000"


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), ("tomorrow", "tomorrow"), (None, ""), ("", ""), (["now"], "now"), ("Now", "Now")]
)
def test_what_is_no_moment_stays_as_it_is(value: object, text: str) -> None:
    assert written(value, "%F") == text


@pytest.mark.parametrize("form", ["%Q", "%-Q", "%\n", "%U", "%é", "% "])
def test_an_unknown_directive_fails(form: str) -> None:
    with pytest.raises(TemplateFailure, match=f"^date: unknown directive '{form}'$"):
        written("now", f"%F {form}")


def test_text_around_directives_is_kept() -> None:
    assert written(0, "at %%d: %d%") == "at %d: 01%"
    assert written(0, 5) == "5"
    assert written(0, "") == ""


def test_the_filter_uses_the_scope_of_its_rendering() -> None:
    rendered = compile_template("{{ 'now' | date: '%F %R' }}").render(seeing(timezone="Asia/Tokyo"), escapes.text)
    assert rendered.text == "2026-01-01 09:00"


def test_instants_are_written_in_utc_and_shown_in_a_zone() -> None:
    assert iso(0) == "1970-01-01T00:00:00Z"
    assert in_zone(0, "Asia/Tokyo").isoformat() == "1970-01-01T09:00:00+09:00"
    assert in_zone(1, "UTC").microsecond == 1
