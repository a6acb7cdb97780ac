"""`wait` alone: its keys, and when a run that enters it goes on."""

import json
from typing import Any, Final

import jsonschema
import pytest
from tests.workflow.builders import ProgramOf
from tests.workflow.journey import Journey, at, somebody

from clarion.domain.dates import iso
from clarion.domain.problems import Problem
from clarion.domain.records import Scalar
from clarion.workflow.advance import Person
from clarion.workflow.run import COMPLETED, FAILED, WAITING
from clarion.workflow.shapes import Reading
from clarion.workflow.steps.wait import Wait
from clarion.workflow.times import DaysShape, TimeOfDay, TimezoneShape, WindowShape

NOW: Final = "2026-05-05T12:00Z"
"""A Tuesday; in Berlin it is 14:00."""


def problems(value: object) -> list[tuple[str, str]]:
    """What a document that waits like this is told: the place below the step, and the message."""
    reading = Reading()
    Wait.shape.read(value, ("wait",), reading)
    return [(".".join(map(str, problem.path[1:])), problem.message) for problem in reading.found]


Zone = tuple[str | None, Person]
"""(`timezone` of the settings, or None; a person)."""
UTC: Final[Zone] = (None, somebody())
BERLIN: Final[dict[str, Zone]] = {
    "the subscriber's": ("subscriber", somebody(zone="Europe/Berlin", site_zone="Asia/Tokyo")),
    "the subscriber's, as nothing is said": (None, somebody(zone="Europe/Berlin", site_zone="Asia/Tokyo")),
    "the site's": ("site", somebody(zone="Asia/Tokyo", site_zone="Europe/Berlin")),
    "the site's, as the subscriber's is not known": ("subscriber", somebody(site_zone="Europe/Berlin")),
    "a named one": ("Europe/Berlin", somebody(zone="Asia/Tokyo", site_zone="America/New_York")),
}
"""All ways to be in Berlin."""


def entered(program: ProgramOf, value: dict[str, Any], now: str = NOW, zone: Zone = UTC, data: dict[str, Any] | None = None) -> Journey:
    """A run of a document that does nothing but wait, which has begun."""
    jsonschema.validate(value, Wait.shape.schema())
    timezone, person = zone
    document: dict[str, Any] = {"steps": [{"id": "pause", "wait": value}]}
    if timezone is not None:
        document["settings"] = {"timezone": timezone}
    text = "\n".join(f"{key}: {json.dumps(part)}" for key, part in document.items())
    return Journey(program(text), person, now=at(now), **(data or {})).begin()


def resumes(program: ProgramOf, value: dict[str, Any], now: str = NOW, zone: Zone = UTC, data: dict[str, Any] | None = None) -> str | None:
    """When a run that enters the wait goes on, None: at once; its timer and its history say the same."""
    journey = entered(program, value, now, zone, data)
    if journey.run.status == COMPLETED:
        assert (journey.happened, journey.run.ended) == ([COMPLETED], at(now))
        return None
    until = journey.run.due
    assert until is not None
    assert until > at(now)
    assert (journey.run.status, journey.run.step) == (WAITING, "pause")
    assert (journey.happened, journey.details["waiting"]) == (["waiting"], {"until": until})
    journey.due()
    assert (journey.run.status, journey.run.ended, journey.happened) == (COMPLETED, until, ["waiting", COMPLETED])
    return iso(until)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"for": "1h"}, "2026-05-05T13:00:00Z"),
        ({"for": "1ms"}, "2026-05-05T12:00:00.001000Z"),
        ({"for": "0s"}, None),
        # a time of day
        ({"at": "12:00"}, None),
        ({"at": "12:00:01"}, "2026-05-05T12:00:01Z"),
        ({"at": "11:59"}, "2026-05-06T11:59:00Z"),
        ({"for": "1d", "at": "12:00"}, "2026-05-06T12:00:00Z"),
        ({"for": "1d", "at": "09:00"}, "2026-05-07T09:00:00Z"),
        ({"for": "1d", "at": "18:00"}, "2026-05-06T18:00:00Z"),
        ({"at": "09:00", "days": ["mon"]}, "2026-05-11T09:00:00Z"),
        ({"at": "13:00", "days": ["tue", "wed"]}, "2026-05-05T13:00:00Z"),
        ({"for": "7d", "at": "13:00", "days": ["tue"]}, "2026-05-12T13:00:00Z"),
        # days and windows
        ({"days": ["tue"]}, None),
        ({"days": ["wed", "mon"]}, "2026-05-06T00:00:00Z"),
        ({"window": {"from": "09:00", "to": "18:00"}}, None),
        ({"window": {"from": "18:00", "to": "09:00"}}, "2026-05-05T18:00:00Z"),
        ({"window": {"from": "09:00", "to": "12:00"}}, "2026-05-06T09:00:00Z"),
        ({"for": "6h", "window": {"from": "09:00", "to": "18:00"}}, "2026-05-06T09:00:00Z"),
        ({"for": "5h59m", "window": {"from": "09:00", "to": "18:00"}}, "2026-05-05T17:59:00Z"),
        ({"days": ["sat"], "window": {"from": "22:00", "to": "02:00"}}, "2026-05-09T22:00:00Z"),
        ({"for": "1d", "days": ["tue"]}, "2026-05-12T00:00:00Z"),
        # dates
        ({"until": "2026-12-24T18:00"}, "2026-12-24T18:00:00Z"),
        ({"until": "2026-12-24"}, "2026-12-24T00:00:00Z"),
        ({"until": " 2026-12-24\n"}, "2026-12-24T00:00:00Z"),
        ({"until": "2026-12-24T18:00+02:00"}, "2026-12-24T16:00:00Z"),
        ({"until": "2026-12-24T18:00", "before": "3d"}, "2026-12-21T18:00:00Z"),
        ({"until": "2026-12-24T18:00", "after": "1h"}, "2026-12-24T19:00:00Z"),
        ({"until": "2026-05-05T12:00"}, None),
        ({"until": "2026-05-05T12:00:00.000001"}, "2026-05-05T12:00:00.000001Z"),
        ({"until": "2020-01-01"}, None),
        ({"until": "2026-05-07", "before": "10d"}, None),
        ({"until": "2026-05-05", "after": "13h"}, "2026-05-05T13:00:00Z"),
        ({"until": "2020-01-01", "at": "09:00"}, "2026-05-06T09:00:00Z"),
        ({"until": "2026-12-24", "at": "09:00"}, "2026-12-24T09:00:00Z"),
        ({"until": "2026-12-24", "days": ["mon"], "window": {"from": "09:00", "to": "10:00"}}, "2026-12-28T09:00:00Z"),
        ({"until": "2026-12-26", "before": "1d", "at": "09:00", "days": ["fri"]}, "2026-12-25T09:00:00Z"),
    ],
)
def test_when_a_run_goes_on(program: ProgramOf, value: dict[str, Any], expected: str | None) -> None:
    assert resumes(program, value) == expected


@pytest.mark.parametrize(
    ("value", "now", "expected"),
    [
        ({"at": "14:00"}, NOW, None),
        ({"at": "13:00"}, NOW, "2026-05-06T11:00:00Z"),
        ({"until": "2026-12-24T18:00"}, NOW, "2026-12-24T17:00:00Z"),
        ({"until": "2026-12-24T18:00Z"}, NOW, "2026-12-24T18:00:00Z"),
        ({"window": {"from": "09:00", "to": "14:00"}}, NOW, "2026-05-06T07:00:00Z"),
        ({"window": {"from": "09:00", "to": "14:01"}}, NOW, None),
        ({"window": {"from": "22:00", "to": "02:00"}}, NOW, "2026-05-05T20:00:00Z"),
        ({"days": ["wed"]}, "2026-05-05T22:30Z", None),
        ({"days": ["wed", "sat"]}, "2026-05-06T22:30Z", "2026-05-08T22:00:00Z"),
        ({"at": "09:00", "days": ["thu"]}, "2026-05-06T22:30Z", "2026-05-07T07:00:00Z"),
        ({"at": "00:15", "days": ["wed"]}, "2026-05-05T22:30Z", "2026-05-12T22:15:00Z"),
        ({"days": ["mon"], "window": {"from": "00:00", "to": "01:00"}}, "2026-05-10T22:59Z", None),
        ({"days": ["mon"], "window": {"from": "00:00", "to": "01:00"}}, "2026-05-10T23:00Z", "2026-05-17T22:00:00Z"),
        ({"for": "1d"}, "2026-03-28T20:00Z", "2026-03-29T20:00:00Z"),
        ({"for": "12h", "at": "02:30"}, "2026-03-28T12:00Z", "2026-03-29T01:00:00Z"),
        ({"at": "02:30"}, "2026-10-25T00:30:01Z", "2026-10-26T01:30:00Z"),
    ],
)
@pytest.mark.parametrize("zone", BERLIN.values(), ids=BERLIN)
def test_times_are_in_the_runs_zone(program: ProgramOf, zone: Zone, value: dict[str, Any], now: str, expected: str | None) -> None:
    assert resumes(program, value, now, zone) == expected


@pytest.mark.parametrize(
    ("until", "data", "expected"),
    [
        ("{{ event.ends }}", {"ends": "2026-06-01"}, "2026-06-01T00:00:00Z"),
        (" {{ ends }}\n", {"ends": " 2026-06-01T10:00:00.5Z "}, "2026-06-01T10:00:00.500000Z"),
        ("{{ day }}T09:00", {"day": "2026-06-01"}, "2026-06-01T09:00:00Z"),
        ("{{ ends || 2026-07-01 }}", {}, "2026-07-01T00:00:00Z"),
        ("{{ 'now' | date: '%Y' }}-12-31", {}, "2026-12-31T00:00:00Z"),
        ("{% if vip %}2026-06-01{% else %}2026-07-01{% endif %}", {"vip": True}, "2026-06-01T00:00:00Z"),
        ("{{ ends }}", {"ends": "2001-01-01"}, None),
    ],
)
def test_a_date_from_data(program: ProgramOf, until: str, data: dict[str, Scalar], expected: str | None) -> None:
    assert resumes(program, {"until": until}, data=data) == expected


@pytest.mark.parametrize(
    ("value", "data", "reason"),
    [
        ({"until": "{{ ends }}"}, {}, "until: there is no date (missing: ends)"),
        ({"until": "{{ ends }}"}, {"ends": ""}, "until: there is no date"),
        ({"until": "{{ ends }}"}, {"ends": "31.12.2026"}, "until: '31.12.2026' is no ISO 8601 date"),
        ({"until": "{{ ends }}"}, {"ends": 1790000000}, "until: '1790000000' is no ISO 8601 date"),
        ({"until": "{{ ends }}"}, {"ends": "2026-02-30"}, "until: '2026-02-30' is no ISO 8601 date"),
        ({"until": "{{ ends }}"}, {"ends": "x" * 5000}, f"until: '{'x' * 64}…' is no ISO 8601 date"),
        ({"until": "{{ day }}T10:00"}, {}, "until: 'T10:00' is no ISO 8601 date (missing: day)"),
        ({"until": "{{ day }}T{{ time }}"}, {}, "until: 'T' is no ISO 8601 date (missing: day, time)"),
        ({"until": "{{ ends }}"}, {"ends": "9999-12-31T23:59:59-01:00"}, "would wait past the year 9999"),
        ({"until": "9999-12-31", "after": "1d"}, {}, "would wait past the year 9999"),
        ({"until": "9999-12-31T12:00", "at": "09:00"}, {}, "would wait past the year 9999"),
        ({"until": "9999-12-31T12:00", "days": ["sat"]}, {}, "would wait past the year 9999"),
    ],
)
def test_a_date_that_cannot_be_waited_for_fails_the_step_with_what_it_saw(
    program: ProgramOf, value: dict[str, Any], data: dict[str, Scalar], reason: str
) -> None:
    journey = entered(program, value, data=data)
    assert journey.ended == (FAILED, f"step pause: {reason}")
    assert journey.happened == [FAILED]


def test_the_last_instant_can_be_waited_for(program: ProgramOf) -> None:
    assert resumes(program, {"until": "9999-12-31T23:59:59.999999Z"}) == "9999-12-31T23:59:59.999999Z"


DATE: Final = "must be an ISO 8601 date such as 2026-12-24 or 2026-12-24T18:00, or a template that gives one"
TIME: Final = 'must be a time of day from "00:00" to "23:59:59", such as "09:00"'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, [("", "must have at least one of for, until, at, days, window")]),
        (5, [("", "must be an object")]),
        (
            {"fro": "1h"},
            [("fro", "unknown key (did you mean 'for'?)"), ("", "must have at least one of for, until, at, days, window")],
        ),
        ({"for": "1h", "until": "2026-12-24"}, [("until", "cannot stand beside for")]),
        ({"until": "2026-12-24", "before": "1h", "after": "1h"}, [("after", "cannot stand beside before")]),
        ({"at": "09:00", "window": {"from": "09:00", "to": "10:00"}}, [("window", "cannot stand beside at")]),
        ({"for": "1h", "before": "1h"}, [("before", "needs an until that it counts from")]),
        (
            {"after": "1h"},
            [("", "must have at least one of for, until, at, days, window"), ("after", "needs an until that it counts from")],
        ),
        ({"until": "tomorrow"}, [("until", DATE)]),
        ({"until": "2026-02-30"}, [("until", DATE)]),
        ({"until": 20261224}, [("until", "must be a string")]),
        ({"until": "{{ ends"}, [("until", None)]),
        ({"until": "{{ a }}" + "x" * 493}, []),
        ({"until": "{{ a }}" + "x" * 494}, [("until", "must be at most 500 characters")]),
        ({"at": "9:00"}, [("at", TIME)]),
        ({"at": 900}, [("at", TIME)]),
        ({"days": []}, [("days", "must have at least 1 member")]),
        ({"days": "mon"}, [("days", "must be a list")]),
        ({"days": ["monday", "Tue"]}, [("days.0", None), ("days.1", None)]),
        ({"days": ["mon", "tue", "mon"]}, [("days.2", "names mon a second time")]),
        ({"window": {"from": "09:00"}}, [("window.to", "is required")]),
        ({"window": {"from": "09:00", "to": "24:00"}}, [("window.to", TIME)]),
        ({"window": {"from": "09:00", "to": "09:00"}}, [("window", "must not begin and end at the same time")]),
        ({"for": "x", "until": "x"}, [("for", None), ("until", DATE), ("until", "cannot stand beside for")]),
    ],
)
def test_what_is_wrong_with_a_wait(value: object, expected: list[tuple[str, str | None]]) -> None:
    """None: a message that other tests hold."""
    found = problems(value)
    assert [(path, None if message is None else said) for (path, said), (_, message) in zip(found, expected, strict=True)] == expected


def test_a_day_that_is_misspelled_gets_a_suggestion() -> None:
    [(_, message)] = problems({"days": ["monday"]})
    assert message == "must be one of mon, tue, wed, thu, fri, sat, sun (did you mean 'mon'?)"


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"for": "1h", "until": "2026-12-24"},
        {"for": "1h", "before": "1h"},
        {"for": "1h", "after": "1h"},
        {"until": "{{ a }}" + "x" * 494},
        {"until": "2026-12-24", "before": "1h", "after": "1h"},
        {"at": "9:00"},
        {"at": "09:00", "window": {"from": "09:00", "to": "10:00"}},
        {"days": []},
        {"days": ["mon", "mon"]},
        {"window": {"from": "09:00"}},
    ],
)
def test_the_schema_refuses_what_validation_refuses(value: dict[str, Any]) -> None:
    schema = Wait.shape.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert problems(value)
    assert not jsonschema.Draft202012Validator(schema).is_valid(value)


def read(shape: TimeOfDay | DaysShape | WindowShape | TimezoneShape, value: object) -> tuple[object, list[Problem]]:
    reading = Reading()
    return shape.read(value, ("here",), reading), reading.found


@pytest.mark.parametrize("name", ["subscriber", "site", "UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])
def test_zones(name: str) -> None:
    assert read(TimezoneShape(), name) == (name, [])
    jsonschema.validate(name, TimezoneShape().schema())


NO_ZONE: Final = "must be subscriber, site or an IANA time zone such as Europe/Berlin"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("Europe/Berln", f"{NO_ZONE} (did you mean 'Europe/Berlin'?)"),
        ("europe/berlin", f"{NO_ZONE} (did you mean 'Europe/Berlin'?)"),
        ("subscribers", f"{NO_ZONE} (did you mean 'subscriber'?)"),
        ("", NO_ZONE),
        ("../../etc/passwd", NO_ZONE),
        ("#" * 5000, NO_ZONE),
        (None, NO_ZONE),
        (["UTC"], NO_ZONE),
    ],
)
def test_what_is_no_zone(value: object, message: str) -> None:
    _, found = read(TimezoneShape(), value)
    assert found == [Problem(("here",), message)]


def test_days_are_read_as_their_numbers() -> None:
    assert read(DaysShape(), ["sun", "mon"]) == (frozenset({6, 0}), [])
