"""Scenarios: a world, timed events and what has to come of them, as YAML or JSON beside a workflow."""

from typing import Any, Final

import msgspec

from clarion.domain.dates import instant, iso
from clarion.domain.durations import parse_duration
from clarion.domain.lookup import DATA_KEY, SUBSCRIBER_FIELDS
from clarion.domain.problems import Path
from clarion.domain.records import Scalar
from clarion.engine.simulate import SITE, Answer, Given, Sent, Simulated, World
from clarion.store.records import SiteState
from clarion.workflow.fields import SLUG
from clarion.workflow.settings import FrequencyCapShape
from clarion.workflow.shapes import INVALID, Choice, Invalid, ListOf, MapOf, Object, Reading, Shape, Text, Whole
from clarion.workflow.source import DocumentInvalid, Located, located
from clarion.workflow.text import TextRefused, read_text
from clarion.workflow.times import TimezoneShape

MOST_EVENTS: Final = 1_000
RECEIPTS: Final = {"view": "viewed", "click": "clicked", "close": "closed"}


class Expected(msgspec.Struct, frozen=True):
    """A message that has to go out at a time; of its content, what is named here."""

    at: int
    kind: str
    step: str
    """Of an event: its name."""
    content: dict[str, Any]


class Scenario(msgspec.Struct, frozen=True):
    """A world, what happens in it, and what has to come of it."""

    world: World
    given: tuple[Given, ...]
    until: int | None
    expected: tuple[Expected, ...] | None
    """Every push and request, in order; None: nothing is said."""
    ends: dict[str, str]
    """By workflow: how its last run ends, as `completed`, or with its reason as `exited: event purchase`."""


class _When:
    """A duration from the scenario's start, or an ISO 8601 date."""

    def read(self, value: object, path: Path, reading: Reading) -> str | Invalid:
        if isinstance(value, str):
            try:
                parse_duration(value)
            except ValueError:
                if instant(value) is None:
                    return reading.note(path, 'must be a duration from the start such as "1h", or an ISO 8601 date')
            return value
        return reading.note(path, 'must be a duration from the start such as "1h", or an ISO 8601 date')

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


class _Scalar:
    def read(self, value: object, path: Path, reading: Reading) -> Scalar | Invalid:
        return value if isinstance(value, str | int | float) else reading.note(path, "must be a string, a number, true or false")

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "number", "boolean"]}


class _Anything:
    def read(self, value: object, path: Path, reading: Reading) -> object:
        return value

    def schema(self) -> dict[str, Any]:
        return {}


_DATA: Final = MapOf(Text(most=255, pattern=DATA_KEY.pattern, says="is no key"), _Scalar(), most=200)
_FACTS: Final = Object(optional=dict.fromkeys(sorted(SUBSCRIBER_FIELDS), _Scalar()))
_STEP: Final = Text(most=64)
_CONTENT: Final[dict[str, Shape]] = {
    name: _Anything()
    for name in ("title", "message", "url", "icon", "image", "badge", "actions", "method", "headers", "body", "data", "require_interaction")
}
_SHAPE: Final = Object(
    {"starts": Text(most=64), "events": ListOf(Object({"at": _When()}, {
        "event": Text(most=64), "data": _DATA, "profile_id": Text(most=255),
        "view": _STEP, "click": _STEP, "close": _STEP, "action": Whole(0, 1),
    }), most=MOST_EVENTS)},
    {
        "name": Text(most=200),
        "site": Object(optional={"timezone": TimezoneShape(), "frequency_cap": FrequencyCapShape()}),
        "profile": Object(optional={"id": Text(most=255), "attributes": _DATA, "segments": ListOf(Text(most=200), most=100)}),
        "subscribers": ListOf(_FACTS, most=20),
        "answers": MapOf(
            _STEP,
            Object(optional={"outcome": Choice("sent", "failed", "expired"), "status": Whole(100, 599), "response": _DATA}),
            most=100,
        ),
        "until": _When(),
        "expect": ListOf(Object({"at": _When()}, {"push": _STEP, "http": _STEP, "event": Text(most=64), **_CONTENT}), most=MOST_EVENTS),
        "ends": MapOf(SLUG, Text(most=200), most=100),
    },
)  # fmt: skip


def read_scenario(text: str) -> Scenario:
    """The scenario in a text. Raises DocumentInvalid with every problem, each with its line."""
    try:
        value, places = read_text(text)
    except TextRefused as refused:
        raise DocumentInvalid([Located((), str(refused), refused.line, refused.column)]) from None
    reading = Reading()
    read = _SHAPE.read(value, (), reading)
    scenario = None if read is INVALID else _build(read, reading)
    if scenario is None or reading.found:
        raise DocumentInvalid(located(reading.found, places))
    return scenario


def _build(read: dict[str, Any], reading: Reading) -> Scenario | None:
    site = read.get("site", {})
    timezone = site.get("timezone", "UTC")
    if timezone in ("site", "subscriber"):
        reading.note(("site", "timezone"), "must be an IANA time zone")
        return None
    starts = instant(read["starts"], timezone)
    if starts is None:
        reading.note(("starts",), "must be an ISO 8601 date")
        return None
    profile = read.get("profile", {})
    world = World(
        starts=starts,
        site=SiteState(SITE, timezone, site.get("frequency_cap")),
        profile_id=profile.get("id", "customer"),
        attributes=profile.get("attributes", {}),
        segments=profile.get("segments", ()),
        subscribers=read.get("subscribers", ({},)),
        answers={step: _answer(answer) for step, answer in read.get("answers", {}).items()},
    )
    given = [_given(one, ("events", index), world, reading) for index, one in enumerate(read["events"])]
    expected = [_expected(one, ("expect", index), world, reading) for index, one in enumerate(read.get("expect", ()))]
    return Scenario(
        world,
        tuple(one for one in given if one is not None),
        None if "until" not in read else _time(read["until"], world),
        tuple(one for one in expected if one is not None) if "expect" in read else None,
        read.get("ends", {}),
    )


def _answer(read: dict[str, Any]) -> Answer:
    outcome = read.get("outcome", "sent" if read.get("status", 200) < 300 else "failed")
    return Answer(outcome, read.get("status", 200 if outcome == "sent" else None), read.get("response", {}))


def _time(text: str, world: World) -> int:
    try:
        return world.starts + parse_duration(text)
    except ValueError:
        return instant(text, world.site.timezone) or 0


def _given(read: dict[str, Any], path: Path, world: World, reading: Reading) -> Given | None:
    kinds = [name for name in ("event", *RECEIPTS) if name in read]
    if len(kinds) != 1:
        reading.note(path, "must have exactly one of event, view, click, close")
        return None
    at = _time(read["at"], world)
    if at < world.starts:
        reading.note((*path, "at"), "is before the scenario starts")
        return None
    if kinds[0] != "event":
        return Given(at, RECEIPTS[kinds[0]], step=read[kinds[0]], action=read.get("action"))
    return Given(at, read["event"], read.get("data", {}), read.get("profile_id"))


def _expected(read: dict[str, Any], path: Path, world: World, reading: Reading) -> Expected | None:
    kinds = [name for name in ("push", "http", "event") if name in read]
    if len(kinds) != 1:
        reading.note(path, "must have exactly one of push, http, event")
        return None
    content = {name: value for name, value in read.items() if name in _CONTENT}
    return Expected(_time(read["at"], world), kinds[0], read[kinds[0]], content)


def differences(scenario: Scenario, simulated: Simulated) -> list[str]:
    """What came otherwise than the scenario expects; nothing if all came as it should.

    Pushes and requests have to be exactly those that are expected; events that runs send are compared only where the scenario names any.
    """
    found: list[str] = []
    if scenario.expected is not None:
        kinds = {"push", "http"} | {one.kind for one in scenario.expected}
        sent = [one for one in simulated.sent if one.kind in kinds]
        for index, expected in enumerate(scenario.expected):
            if index >= len(sent):
                found.append(f"{_spell(expected)} did not come")
            else:
                found.extend(_difference(expected, sent[index]))
        found.extend(
            f"{one.kind} {one.step or one.content.get('name')} at {iso(one.at)} was not expected" for one in sent[len(scenario.expected) :]
        )
    last = {run.workflow: run for run in simulated.runs}
    for workflow, how in scenario.ends.items():
        run = last.get(workflow)
        came = "never started" if run is None else run.status if run.reason is None else f"{run.status}: {run.reason}"
        if came != how and (run is None or run.status != how):
            found.append(f"{workflow} should end {how}, but: {came}")
    return found


def _spell(expected: Expected) -> str:
    return f"{expected.kind} {expected.step} at {iso(expected.at)}"


def _difference(expected: Expected, sent: Sent) -> list[str]:
    name = sent.content["name"] if sent.kind == "event" else sent.step
    came = f"{sent.kind} {name} at {iso(sent.at)}"
    if came != _spell(expected):
        return [f"expected {_spell(expected)}, but {came} came"]
    return [
        f"{came}: {part} is {sent.content.get(part)!r}, not {value!r}"
        for part, value in expected.content.items()
        if sent.content.get(part) != value
    ]
