"""The document: what a workflow says, read from JSON or YAML values with every problem named, and compiled on the way."""

from collections.abc import Iterator
from typing import Any, ClassVar, Final

import msgspec

from clarion.domain.conditions import Condition, condition_schema
from clarion.domain.problems import Path
from clarion.workflow.fields import SLUG, ConditionTree, Duration, EventField, EventName
from clarion.workflow.listener import MOST_LISTENERS, Listener, ListenerShape
from clarion.workflow.nesting import MOST_STEPS, Steps, sketch
from clarion.workflow.references import References
from clarion.workflow.settings import Settings, SettingsShape
from clarion.workflow.shapes import INVALID, Choice, Invalid, ListOf, Object, Reading, Shape, Text, printable
from clarion.workflow.step import Step
from clarion.workflow.steps import KINDS  # the kinds have to be known before anything is read

__all__ = ["KINDS", "Again", "Document", "DocumentShape", "Listener", "Start", "json_schema", "read_value"]

HOUR: Final = 3_600_000_000


class Again(msgspec.Struct, frozen=True):
    """Whether a profile may start the workflow again with the same key."""

    after: int | None
    """Microseconds since the last start; None: never."""


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What starts a run."""

    on: tuple[Listener, ...] = ()
    """None: `start_workflow` steps and broadcasts alone start it."""
    audience: Condition | None = None
    key: str | None = None
    while_running: str = "ignore"
    again: Again = Again(0)
    max_age: int = 72 * HOUR
    """An event whose timestamp is older than this many microseconds starts nothing."""


class Document(msgspec.Struct, frozen=True):
    """A valid document, its conditions and templates compiled."""

    workflow: str
    name: str
    start: Start
    exit: tuple[Listener, ...]
    exit_audience: tuple[Condition, ...]
    """A profile that any of these holds for leaves."""
    settings: Settings
    steps: tuple[Step, ...]
    value: dict[str, Any]
    """The document as plain values, as it was given."""


class AgainShape:
    """`always`, `never` or `{after: <duration>}`."""

    _word = Choice("always", "never")
    _after = Object({"after": Duration(1, None, "must be longer than 0s")})

    def read(self, value: object, path: Path, reading: Reading) -> Again | Invalid:
        if isinstance(value, dict):
            after = self._after.read(value, path, reading)
            return INVALID if after is INVALID else Again(after["after"])
        word = self._word.read(value, path, reading)
        return INVALID if word is INVALID else Again(0 if word == "always" else None)

    def schema(self) -> dict[str, Any]:
        return {"oneOf": [self._word.schema(), self._after.schema()]}


_ABOUT_EVENTS: Final = ("event", "where")


def _both_problems(value: dict[Any, Any], _: Reading) -> Iterator[tuple[Path, str]]:
    for other in value:
        if other in _ABOUT_EVENTS:
            yield (other,), "a rule is about an event or about the audience: write two rules"
            return


class ExitShape:
    """`{event, where?}` or `{audience}`."""

    _event = ListenerShape()
    _audience = Object({"audience": ConditionTree()})
    _both = Object({"audience": ConditionTree()}, {"event": EventName(), "where": ConditionTree()}, check=_both_problems)

    def read(self, value: object, path: Path, reading: Reading) -> Listener | Condition | Invalid:
        reading.running = True
        try:
            return self._read(value, path, reading)
        finally:
            reading.running = False

    def _read(self, value: object, path: Path, reading: Reading) -> Listener | Condition | Invalid:
        if not isinstance(value, dict) or "audience" not in value:
            listener: Listener | Invalid = self._event.read(value, path, reading)
            return listener
        shape = self._audience if value.keys().isdisjoint(_ABOUT_EVENTS) else self._both
        read = shape.read(value, path, reading)
        if isinstance(read, Invalid):
            return read
        audience: Condition = read["audience"]
        return audience

    def schema(self) -> dict[str, Any]:
        return {"oneOf": [self._event.schema(), self._audience.schema()]}


_START: Final = Object(
    optional={
        "on": ListOf(ListenerShape(), least=1, most=MOST_LISTENERS),
        "audience": ConditionTree(),
        "key": EventField(),
        "while_running": Choice("ignore", "restart", "parallel"),
        "again": AgainShape(),
        "max_age": Duration(1, None, "must be longer than 0s"),
    },
)


class DocumentShape:
    """The whole document."""

    _required: ClassVar[dict[str, Shape]] = {"workflow": SLUG, "start": _START, "steps": Steps()}
    _optional: ClassVar[dict[str, Shape]] = {
        "name": Text(most=200),
        "exit": ListOf(ExitShape(), most=MOST_LISTENERS),
        "settings": SettingsShape(),
    }
    _object: ClassVar[Shape] = Object(_required, _optional)

    def read(self, value: object, path: Path, reading: Reading) -> Document | Invalid:
        read = self._object.read(value, path, reading)
        if read is INVALID or not isinstance(value, dict):
            return INVALID
        rules = read.get("exit", ())
        return Document(
            workflow=read["workflow"],
            name=read.get("name", read["workflow"]),
            start=Start(**read["start"]),
            exit=tuple(rule for rule in rules if isinstance(rule, Listener)),
            exit_audience=tuple(rule for rule in rules if isinstance(rule, Condition)),
            settings=read.get("settings", Settings()),
            steps=read["steps"],
            value=value,
        )

    def schema(self) -> dict[str, Any]:
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Clarion workflow",
            **self._object.schema(),
            "$defs": {"step": Steps.step_schema(), "condition": condition_schema()},
        }


def read_value(value: object) -> tuple[Document | None, Reading]:
    """A document from plain values: the document, or None and every problem noted in the reading."""
    sketches = sketch(value.get("steps"), ("steps",)) if isinstance(value, dict) else []
    reading = Reading(frozenset(one.id for one in sketches if one.id), References(sketches))
    if len(sketches) > MOST_STEPS:
        reading.note(("steps",), f"a workflow has at most {MOST_STEPS} steps")
        return None, reading
    seen: set[str] = set()
    for one in sketches:
        if one.id in seen:
            reading.note((*one.path, "id"), f'another step has the id "{printable(one.id)}" already')
        if one.id:
            seen.add(one.id)
    document = DocumentShape().read(value, (), reading)
    return (document if isinstance(document, Document) and not reading.found else None), reading


def json_schema() -> dict[str, Any]:
    """JSON Schema of the document (2020-12), from the shapes that validate it."""
    return DocumentShape().schema()
