"""Lists of steps, which nest: read in the order of the document, and known before that, since any part of it may refer to a step."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from clarion.domain.problems import Path, did_you_mean
from clarion.workflow.fields import StepId
from clarion.workflow.kinds import KINDS
from clarion.workflow.shapes import INVALID, Invalid, Reading, printable, tried
from clarion.workflow.step import Step

MOST_STEPS: Final = 500
DEEPEST: Final = 20
"""Levels of steps; a list without any is no level."""


class Sketch(msgspec.Struct, frozen=True):
    """A step as it stands in a document that is not yet read."""

    id: str
    kind: str
    path: Path
    """Of the step."""
    trail: tuple[tuple[int, int], ...]
    """The branches that lead to it: (number of the branching step in the document, number of the branch)."""
    awaits: bool
    """An `http` step that waits for its outcome."""


def sketch(steps: object, path: Path, trail: tuple[tuple[int, int], ...] = (), found: list[Sketch] | None = None) -> list[Sketch]:
    """The steps of a list and of all lists inside, in document order; at most one more than a workflow may have, and no deeper."""
    found = [] if found is None else found
    if not isinstance(steps, list) or len(trail) >= DEEPEST:
        return found
    for index, step in enumerate(steps):
        if not isinstance(step, dict) or len(found) > MOST_STEPS:
            continue
        here = (*path, index)
        number = len(found)
        id, kinds = step.get("id"), [name for name in step if name in KINDS]
        kind = next(iter(kinds), "")
        value = step.get(kind)
        awaits = isinstance(value, dict) and value.get("await") is True
        found.append(Sketch(id if isinstance(id, str) else "", kind, here, trail, awaits))
        lists = [((name, *inner), nested) for name in kinds for inner, nested in KINDS[name].nested(step[name])]
        for branch, (inner, nested) in enumerate(lists):
            sketch(nested, (*here, *inner), (*trail, (number, branch)), found)
    return found


class Steps:
    """A list of steps; nests wherever a kind of step has branches."""

    def read(self, value: object, path: Path, reading: Reading) -> tuple[Step, ...] | Invalid:
        if not isinstance(value, list):
            return reading.note(path, "must be a list of steps")
        if value and reading.depth == DEEPEST:
            return reading.note(path, f"steps nest more than {DEEPEST} levels deep")
        reading.depth += 1
        read = [self._step(step, (*path, index), reading) for index, step in enumerate(value[: MOST_STEPS + 1])]
        levels = DEEPEST - reading.depth
        reading.depth -= 1
        for index, step in enumerate(value[: len(read) - 1]):
            if _ends(step, levels):
                id = step.get("id")
                named = f'step "{printable(id)}"' if isinstance(id, str) else "the step"
                reading.note((*path, index + 1), f"is never reached: {named} before it ends the run")
                break
        steps = tuple(step for step in read if not isinstance(step, Invalid))
        return steps if len(steps) == len(read) else INVALID

    def _step(self, value: object, path: Path, reading: Reading) -> Step | Invalid:
        if not isinstance(value, dict):
            return reading.note(path, "must be an object with an id and one kind of step")
        known = [name for name in value if name in KINDS]
        unknown = [name for name in value if name not in KINDS and name != "id"]
        for name in unknown:
            reading.note((*path, printable(str(name))), f"unknown kind of step{did_you_mean(str(name), KINDS)}")
        if "id" not in value:
            reading.note((*path, "id"), "is required")
        id = StepId().read(value["id"], (*path, "id"), reading) if "id" in value else INVALID
        if len(known) > 1 or not (known or unknown):
            reading.note(path, f"must have exactly one kind of step: {', '.join(KINDS)}")
        before, reading.standing = reading.standing, path
        bodies = [KINDS[name].shape.read({} if value[name] is None else value[name], (*path, name), reading) for name in known]
        reading.standing = before
        if unknown or len(known) != 1 or not isinstance(id, str) or INVALID in bodies:
            return INVALID
        [kind], [body] = known, bodies
        return KINDS[kind].build(id, body)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"$ref": "#/$defs/step"}, "maxItems": MOST_STEPS}

    @staticmethod
    def step_schema() -> dict[str, Any]:
        """JSON Schema of one step, for `$defs`."""
        return {
            "oneOf": [
                {
                    "type": "object",
                    "properties": {"id": StepId().schema(), name: _body_schema(kind)},
                    "required": ["id", name],
                    "additionalProperties": False,
                }
                for name, kind in KINDS.items()
            ]
        }


def _body_schema(kind: type[Step]) -> dict[str, Any]:
    """JSON Schema of what stands under a kind's key: nothing at all, where the kind needs nothing."""
    schema = kind.shape.schema()
    return schema if tried(kind.shape, {}) is INVALID else {"anyOf": [schema, {"type": "null"}]}


def _ends(step: object, levels: int) -> bool:
    """Whether no run goes on behind a step, which is not yet read and of which any part may be wrong."""
    if not isinstance(step, dict):
        return False
    known = [name for name in step if name in KINDS]
    if len(known) != 1:
        return False
    [kind] = known
    if kind == "exit":
        return True
    lists = [nested for _, nested in KINDS[kind].nested(step[kind])]
    return bool(lists) and levels > 0 and all(isinstance(steps, list) and steps and _ends(steps[-1], levels - 1) for steps in lists)


def walk(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps of a list and of all lists inside, in document order."""
    for step in steps:
        yield step
        for branch in step.branches():
            yield from walk(branch)
