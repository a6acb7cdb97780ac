"""Shapes of times in documents: times of day, days of the week, daily windows, zones, dates."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final
from zoneinfo import available_timezones

from clarion.domain.calendar import DAYS, Window, parse_time_of_day
from clarion.domain.dates import instant, zone
from clarion.domain.problems import Path, did_you_mean
from clarion.domain.templates import Template
from clarion.workflow.fields import TemplateText
from clarion.workflow.shapes import INVALID, Choice, Invalid, ListOf, Object, Reading, tried

SUBSCRIBER: Final = "subscriber"
SITE: Final = "site"


class TimeOfDay:
    """Like `09:00` or `18:30:15`; read as microseconds after midnight."""

    def read(self, value: object, path: Path, reading: Reading) -> int | Invalid:
        try:
            # any text that is none has the same problem as a value that is no text
            return parse_time_of_day(value if isinstance(value, str) else "")
        except ValueError as error:
            return reading.note(path, str(error))

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$", "examples": ["09:00", "18:30:15"]}


class DaysShape:
    """A list of days of the week such as `[mon, tue]`; read as the set of their numbers, Monday being 0."""

    _list = ListOf(Choice(*DAYS), least=1, most=len(DAYS))

    def read(self, value: object, path: Path, reading: Reading) -> frozenset[int] | Invalid:
        names = self._list.read(value, path, reading)
        given = value if isinstance(value, list) else []
        repeated = [index for index, name in enumerate(given) if name in DAYS and name in given[:index]]
        for index in repeated:
            reading.note((*path, index), f"names {given[index]} a second time")
        return INVALID if repeated or isinstance(names, Invalid) else frozenset(map(DAYS.index, names))

    def schema(self) -> dict[str, Any]:
        return self._list.schema() | {"uniqueItems": True}


def _window_problems(value: dict[Any, Any], _: Reading) -> Iterator[tuple[Path, str]]:
    start, end = (tried(TimeOfDay(), value.get(name)) for name in ("from", "to"))
    if INVALID not in (start, end):
        try:
            Window(start, end)
        except ValueError as error:
            yield (), str(error)


class WindowShape:
    """`{from: "22:00", to: "07:00"}`: a part of each day, which may go past midnight."""

    _object = Object({"from": TimeOfDay(), "to": TimeOfDay()}, check=_window_problems)

    def read(self, value: object, path: Path, reading: Reading) -> Window | Invalid:
        read = self._object.read(value, path, reading)
        return INVALID if isinstance(read, Invalid) else Window(read["from"], read["to"])

    def schema(self) -> dict[str, Any]:
        return self._object.schema()


class TimezoneShape:
    """Whose clocks count: `subscriber`, `site`, or the name of an IANA zone."""

    def read(self, value: object, path: Path, reading: Reading) -> str | Invalid:
        if not isinstance(value, str):
            return reading.note(path, _NO_ZONE)
        if value not in (SUBSCRIBER, SITE):
            try:
                zone(value)
            except ValueError:
                return reading.note(path, _NO_ZONE + did_you_mean(value, _zones()))
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": 64, "examples": [SUBSCRIBER, SITE, "Europe/Berlin"]}


_NO_ZONE: Final = "must be subscriber, site or an IANA time zone such as Europe/Berlin"


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    """What may have been meant; it takes some milliseconds to list, so only when somebody mistyped."""
    return frozenset({SUBSCRIBER, SITE, "UTC", *(name for name in available_timezones() if "/" in name)})


class DateText(TemplateText):
    """A template whose output is an ISO 8601 date; without outputs it has to be one as it stands."""

    def read(self, value: object, path: Path, reading: Reading) -> Template | Invalid:
        template = super().read(value, path, reading)
        if isinstance(template, Template) and not _has_outputs(template.source) and instant(template.source.strip()) is None:
            return reading.note(path, "must be an ISO 8601 date such as 2026-12-24 or 2026-12-24T18:00, or a template that gives one")
        return template


def _has_outputs(source: str) -> bool:
    return "{{" in source or "{%" in source
