"""What a scenario's text may say: shapes that read it, and describe it as JSON Schema."""

import math
from typing import Any, ClassVar, Final

import msgspec

from clarion.contract.limits import EVENT_NAME_CHARACTERS, FACT_CHARACTERS, FACTS, FLAT_BYTES, IDENTITY_CHARACTERS, KEY_PATTERN
from clarion.domain.dates import instant, zone
from clarion.domain.durations import parse_duration
from clarion.domain.problems import Path
from clarion.domain.records import Scalar
from clarion.workflow.fields import SLUG, Duration
from clarion.workflow.settings import FrequencyCapShape
from clarion.workflow.shapes import INVALID, Choice, Invalid, ListOf, MapOf, Object, Reading, Shape, Text, Whole

MOST_EVENTS: Final = 1_000
MOST_SUBSCRIBERS: Final = 20
REACTIONS: Final = {"view": "viewed", "click": "clicked", "close": "closed"}
"""What a person does with a push, by the key that says so."""


class Date:
    """An ISO 8601 date, read as its text: without an offset it is in the site's zone, which is not known yet."""

    says: ClassVar[str] = 'must be an ISO 8601 date such as "2026-03-02T10:00"'

    def read(self, value: object, path: Path, reading: Reading) -> str | Invalid:
        if isinstance(value, str) and instant(value) is not None:
            return value
        return reading.note(path, self.says)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": 64, "examples": ["2026-03-02T10:00"]}


class When(Date):
    """A duration from the scenario's start, or an ISO 8601 date; read as its text."""

    says: ClassVar[str] = 'must be a duration from the start such as "1h", or an ISO 8601 date such as "2026-03-02T10:00"'

    def read(self, value: object, path: Path, reading: Reading) -> str | Invalid:
        if isinstance(value, str):
            try:
                parse_duration(value)
            except ValueError:
                return super().read(value, path, reading)
            return value
        return reading.note(path, self.says)

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"examples": ["1h", "2026-03-02T10:00"]}


class Zone:
    """Name of an IANA time zone."""

    def read(self, value: object, path: Path, reading: Reading) -> str | Invalid:
        try:
            zone(value if isinstance(value, str) else "")
        except ValueError:
            return reading.note(path, "must be an IANA time zone such as Europe/Berlin")
        return str(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": 64, "examples": ["Europe/Berlin"]}


class _Scalar:
    def read(self, value: object, path: Path, reading: Reading) -> Scalar | Invalid:
        if isinstance(value, str):
            return reading.note(path, "must not contain NUL characters") if "\0" in value else value
        if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
            return value
        return reading.note(path, "must be a string, a number, true or false")

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "number", "boolean"]}


class Flat:
    """Flat data, with the limits that it has on the wire."""

    _map = MapOf(Text(most=255, pattern=KEY_PATTERN, says="is no key: letters, digits, '-' and '_', starting with a letter or a digit"),
                 _Scalar(), most=1_000)  # fmt: skip

    def read(self, value: object, path: Path, reading: Reading) -> dict[str, Scalar] | Invalid:
        read: dict[str, Scalar] | Invalid = self._map.read(value, path, reading)
        if isinstance(read, Invalid):
            return INVALID
        if len(msgspec.json.encode(read)) > FLAT_BYTES:
            return reading.note(path, f"must be at most {FLAT_BYTES} bytes as JSON")
        return read

    def schema(self) -> dict[str, Any]:
        return self._map.schema()


class _Anything:
    def read(self, value: object, path: Path, reading: Reading) -> object:
        return value

    def schema(self) -> dict[str, Any]:
        return {}


class _Number:
    def read(self, value: object, path: Path, reading: Reading) -> int | float | Invalid:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return value
        return reading.note(path, "must be a number")

    def schema(self) -> dict[str, Any]:
        return {"type": "number"}


class _Ends:
    """How the last run of a workflow ends, or how each does, in the order in which they started."""

    _one = Text(most=1_000)
    _list = ListOf(Text(most=1_000), most=100)

    def read(self, value: object, path: Path, reading: Reading) -> Any:
        return (self._list if isinstance(value, list) else self._one).read(value, path, reading)

    def schema(self) -> dict[str, Any]:
        return {"oneOf": [self._one.schema(), self._list.schema()]}


CONTENT: Final[dict[str, frozenset[str]]] = {
    "push": frozenset(
        {"title", "message", "url", "icon", "image", "badge", "actions", "tag", "ttl", "urgency", "require_interaction"}
    ),
    "http": frozenset({"method", "url", "headers", "body"}),
    "event": frozenset({"data", "workflow"}),
}  # fmt: skip
"""What can be said of a message, by its kind."""

_STEP: Final = Text(
    most=129,
    pattern=r"([a-z0-9][a-z0-9_-]*/)?[A-Za-z0-9][A-Za-z0-9_-]*",
    says="must be the id of a step, or workflow/step",
)
_EVENT: Final = Text(most=EVENT_NAME_CHARACTERS)
_ID: Final = Text(most=IDENTITY_CHARACTERS)
_FACTS: Final[dict[str, Shape]] = {name: Zone() if name == "timezone" else Text(most=FACT_CHARACTERS) for name in FACTS}
_COUNT: Final = Whole(0, 1_000_000_000)
_SEGMENTS: Final = ListOf(Text(most=200), most=1_000)

INPUT: Final = Object(
    {"at": When()},
    {
        "event": _EVENT,
        "data": Flat(),
        "profile_id": _ID,
        "timestamp": Date(),
        **dict.fromkeys(REACTIONS, _STEP),
        "action": Whole(0, 1),
        "subscribe": Object(optional=_FACTS),
        "attributes": Flat(),
    },
)
SCENARIO: Final = Object(
    {"starts": Date(), "events": ListOf(INPUT, most=MOST_EVENTS)},
    {
        "name": Text(most=200),
        "site": Object(optional={"timezone": Zone(), "frequency_cap": FrequencyCapShape()}),
        "profile": Object(optional={"id": _ID, "attributes": Flat(), "segments": _SEGMENTS}),
        "subscribers": ListOf(
            Object(
                optional={
                    **_FACTS,
                    **dict.fromkeys(("sent_count", "view_count", "click_count"), _COUNT),
                    **dict.fromkeys(("created", "last_sent", "last_view", "last_click"), Date()),
                }
            ),
            most=MOST_SUBSCRIBERS,
        ),
        "answers": MapOf(
            _STEP,
            Object(
                optional={
                    "outcome": Choice("sent", "failed", "expired", "gone"),
                    "status": Whole(100, 599),
                    "response": Flat(),
                    "after": Duration(),
                }
            ),
            most=100,
        ),
        "until": When(),
        "expect": ListOf(
            Object(
                {"at": When()},
                {
                    "push": _STEP,
                    "http": _STEP,
                    "event": _EVENT,
                    **{name: _Anything() for kind in CONTENT.values() for name in sorted(kind)},
                },
            ),
            most=MOST_EVENTS,
        ),
        "ends": MapOf(SLUG, _Ends(), most=100),
        "becomes": Object(optional={"attributes": Flat(), "segments": _SEGMENTS}),
        "goals": MapOf(SLUG, Object(optional={"count": _COUNT, "value": _Number()}), most=100),
    },
)


def scenario_schema() -> dict[str, Any]:
    """JSON Schema of a scenario (2020-12)."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Clarion scenario", **SCENARIO.schema()}
