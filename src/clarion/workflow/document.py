"""The document: what a workflow says, read from JSON or YAML values with every problem named, and compiled on the way."""

from typing import Any, ClassVar, Final

import msgspec

from clarion.domain.conditions import Condition, condition_schema
from clarion.domain.problems import Path, did_you_mean
from clarion.workflow.fields import SLUG, ConditionTree, Duration, EventField, EventName, StepId
from clarion.workflow.shapes import INVALID, Choice, Invalid, ListOf, Object, Reading, Shape, Text
from clarion.workflow.step import Step
from clarion.workflow.steps import KINDS

HOUR: Final = 3_600_000_000
MOST_STEPS: Final = 500


class Listener(msgspec.Struct, frozen=True):
    """An event to listen for, and the condition that it has to meet."""

    event: str
    where: Condition | None = None


class Again(msgspec.Struct, frozen=True):
    """Whether a profile may start the workflow again with the same key."""

    after: int | None
    """Microseconds since the last start; None: never."""


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What starts a run."""

    on: tuple[Listener, ...]
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


class Steps:
    """A list of steps; nests wherever a kind of step has branches."""

    def read(self, value: object, path: Path, reading: Reading) -> tuple[Step, ...] | Invalid:
        if not isinstance(value, list):
            return reading.note(path, "must be a list of steps")
        if len(value) > MOST_STEPS:
            return reading.note(path, f"a workflow has at most {MOST_STEPS} steps")
        read = [self._step(step, (*path, index), reading) for index, step in enumerate(value)]
        steps = tuple(step for step in read if not isinstance(step, Invalid))
        for index, step in enumerate(steps[:-1]):
            if step.kind == "exit":
                reading.note((*path, index + 1), f'is never reached: step "{step.id}" before it ends the run')
        return steps if len(steps) == len(read) else INVALID

    def _step(self, value: object, path: Path, reading: Reading) -> Step | Invalid:
        if not isinstance(value, dict):
            return reading.note(path, "must be an object with an id and one kind of step")
        known = [name for name in value if name in KINDS]
        unknown = [name for name in value if name not in KINDS and name != "id"]
        for name in unknown:
            reading.note((*path, str(name)[:80]), f"unknown kind of step{did_you_mean(str(name), KINDS)}")
        if "id" not in value:
            reading.note((*path, "id"), "is required")
        id = StepId().read(value["id"], (*path, "id"), reading) if "id" in value else INVALID
        if len(known) != 1:
            if not unknown or known:
                reading.note(path, f"must have exactly one kind of step: {', '.join(KINDS)}")
            return INVALID
        kind = KINDS[known[0]]
        at = (*path, kind.kind)
        given = value[kind.kind]
        body = kind.shape.read({} if given is None else given, at, reading)
        if unknown or not isinstance(id, str) or body is INVALID:
            return INVALID
        return kind.build(id, body, at, reading)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"$ref": "#/$defs/step"}, "maxItems": MOST_STEPS}

    @staticmethod
    def step_schema() -> dict[str, Any]:
        """JSON Schema of one step, for `$defs`."""
        return {
            "oneOf": [
                {
                    "type": "object",
                    "properties": {"id": StepId().schema(), name: kind.shape.schema()},
                    "required": ["id", name],
                    "additionalProperties": False,
                }
                for name, kind in KINDS.items()
            ]
        }


class ListenerShape:
    """`{event, where?}`."""

    _object = Object({"event": EventName()}, {"where": ConditionTree()})

    def read(self, value: object, path: Path, reading: Reading) -> Listener | Invalid:
        read = self._object.read(value, path, reading)
        return INVALID if read is INVALID else Listener(**read)

    def schema(self) -> dict[str, Any]:
        return self._object.schema()


_START: Final = Object(
    {"on": ListOf(ListenerShape(), least=1, most=20)},
    {
        "audience": ConditionTree(),
        "key": EventField(),
        "while_running": Choice("ignore", "restart", "parallel"),
        "again": AgainShape(),
        "max_age": Duration(1, None, "must be longer than 0s"),
    },
)


class DocumentShape:
    """The whole document."""

    _steps: ClassVar[Steps] = Steps()
    _object: ClassVar[Shape] = Object(
        {"workflow": SLUG, "start": _START, "steps": _steps},
        {"name": Text(most=200), "exit": ListOf(ListenerShape(), most=20)},
    )

    def read(self, value: object, path: Path, reading: Reading) -> Document | Invalid:
        read = self._object.read(value, path, reading)
        if read is INVALID or not isinstance(value, dict):
            return INVALID
        return Document(
            read["workflow"], read.get("name", read["workflow"]), Start(**read["start"]), read.get("exit", ()), read["steps"], value
        )

    def schema(self) -> dict[str, Any]:
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Clarion workflow",
            **self._object.schema(),
            "$defs": {"step": Steps.step_schema(), "condition": condition_schema()},
        }


def step_ids(steps: object, path: Path) -> list[tuple[str, Path]]:
    """Ids of a list of steps as plain values, each with its path; read before the steps are, since any of them may refer to another."""
    if not isinstance(steps, list):
        return []
    return [
        (step["id"], (*path, index, "id"))
        for index, step in enumerate(steps[:MOST_STEPS])
        if isinstance(step, dict) and isinstance(step.get("id"), str)
    ]


def read_value(value: object) -> tuple[Document | None, Reading]:
    """A document from plain values: the document, or None and every problem noted in the reading."""
    ids = step_ids(value.get("steps"), ("steps",)) if isinstance(value, dict) else []
    reading = Reading(frozenset(id for id, _ in ids))
    seen: set[str] = set()
    for id, at in ids:
        if id in seen:
            reading.note(at, f'another step has the id "{id[:64]}" already')
        seen.add(id)
    document = DocumentShape().read(value, (), reading)
    return (document if isinstance(document, Document) and not reading.found else None), reading


def json_schema() -> dict[str, Any]:
    """JSON Schema of the document (2020-12), from the shapes that validate it."""
    return DocumentShape().schema()
