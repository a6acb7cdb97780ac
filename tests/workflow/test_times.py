"""Times in documents: of day, days of the week, windows, zones, dates."""

from typing import Any

import pytest

from clarion.domain.calendar import Window
from clarion.domain.problems import Path
from clarion.domain.templates import Template
from clarion.workflow.shapes import INVALID, Reading, Shape, tried
from clarion.workflow.times import DateText, DaysShape, TimeOfDay, TimezoneShape, WindowShape

SECOND = 1_000_000
NO_TIME = 'must be a time of day from "00:00" to "23:59:59", such as "09:00"'
NO_DAY = "must be one of mon, tue, wed, thu, fri, sat, sun"
NO_ZONE = "must be subscriber, site or an IANA time zone such as Europe/Berlin"
NO_DATE = "must be an ISO 8601 date such as 2026-12-24 or 2026-12-24T18:00, or a template that gives one"


def said(shape: Shape, value: object) -> list[tuple[Path, str]]:
    reading = Reading()
    assert shape.read(value, ("x",), reading) is INVALID
    return [(problem.path[1:], problem.message) for problem in reading.found]


@pytest.mark.parametrize(
    ("shape", "value", "read"),
    [
        (TimeOfDay(), "00:00", 0),
        (TimeOfDay(), "09:30", 34_200 * SECOND),
        (TimeOfDay(), "23:59:59", 86_399 * SECOND),
        (DaysShape(), ["mon"], frozenset({0})),
        (DaysShape(), ["sun", "tue"], frozenset({1, 6})),
        (DaysShape(), ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], frozenset(range(7))),
        (WindowShape(), {"from": "09:00", "to": "18:00"}, Window(32_400 * SECOND, 64_800 * SECOND)),
        (WindowShape(), {"from": "22:00", "to": "07:00"}, Window(79_200 * SECOND, 25_200 * SECOND)),
        *((TimezoneShape(), name, name) for name in ("subscriber", "site", "UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires")),
    ],
)
def test_what_is_taken(shape: Shape, value: object, read: object) -> None:
    assert tried(shape, value) == read


@pytest.mark.parametrize(
    ("shape", "value", "expected"),
    [
        *((TimeOfDay(), value, [((), NO_TIME)]) for value in ("24:00", "9:00", "09:60", "09:00:60", "", None, 900)),
        (DaysShape(), "mon", [((), "must be a list")]),
        (DaysShape(), [], [((), "must have at least 1 member")]),
        (DaysShape(), ["mon", "mo", 5], [((1,), f"{NO_DAY} (did you mean 'mon'?)"), ((2,), NO_DAY)]),
        (DaysShape(), ["mon", "tue", "mon", "mon"], [((2,), "names mon a second time"), ((3,), "names mon a second time")]),
        (DaysShape(), ["x", "x", "sat", "sat"], [((0,), NO_DAY), ((1,), NO_DAY), ((3,), "names sat a second time")]),
        (
            DaysShape(),
            ["mon"] * 8,
            [((), "must have at most 7 members"), *(((index,), "names mon a second time") for index in range(1, 8))],
        ),
        (WindowShape(), {"from": "09:00"}, [(("to",), "is required")]),
        (WindowShape(), {"from": "9:00", "to": "9:00"}, [(("from",), NO_TIME), (("to",), NO_TIME)]),
        (WindowShape(), {"from": "09:00", "to": "09:00:00"}, [((), "must not begin and end at the same time")]),
        (WindowShape(), {"from": "00:00", "to": "00:00"}, [((), "must not begin and end at the same time")]),
        *((TimezoneShape(), value, [((), NO_ZONE)]) for value in (None, 5, "", "ß", "../etc/passwd")),
        (TimezoneShape(), "Europe/Berln", [((), f"{NO_ZONE} (did you mean 'Europe/Berlin'?)")]),
        (TimezoneShape(), "subscribers", [((), f"{NO_ZONE} (did you mean 'subscriber'?)")]),
        (TimezoneShape(), "sites", [((), f"{NO_ZONE} (did you mean 'site'?)")]),
        (TimezoneShape(), "UT", [((), f"{NO_ZONE} (did you mean 'UTC'?)")]),
        (DateText(most=99), "tomorrow", [((), NO_DATE)]),
        (DateText(most=99), "2026-02-30", [((), NO_DATE)]),
        (DateText(most=99), "", [((), "must not be empty")]),
        (DateText(most=99), "{{ x", [((), "'{{' in line 1 is never closed with '}}'")]),
    ],
)
def test_what_is_refused(shape: Shape, value: Any, expected: list[tuple[Path, str]]) -> None:
    assert said(shape, value) == expected


@pytest.mark.parametrize(
    "text", ["2026-12-24", " 2026-12-24T18:00 ", "{{ day }}", "at {{ day }}", "{% if day %}2026-12-24{% else %}2026-12-25{% endif %}"]
)
def test_a_date_or_a_template_that_gives_one(text: str) -> None:
    read = tried(DateText(most=99), text)
    assert isinstance(read, Template)
    assert read.source == text
