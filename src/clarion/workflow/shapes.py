"""Shapes that a document's values must have: each reads a value, naming every problem with its path, and describes itself as JSON Schema.

One definition serves validation, the published schema and what the console offers, so they cannot disagree.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, Final, Protocol

from clarion.domain.problems import Path, Problem, did_you_mean
from clarion.workflow.possible import Possible, of_receipt, usual


class Invalid:
    """Type of `INVALID`: the value was refused; its problems are noted."""


INVALID: Final = Invalid()


class References(Protocol):
    """What is known of a document's steps before they are read."""

    def field_problem(self, field: str, reading: "Reading") -> str | None:
        """As `Reading.reference_problem`."""

    def push_problem(self, id: str, reading: "Reading") -> str | None:
        """As `Reading.push_problem`."""

    def possible(self, field: str) -> Possible | None:
        """What a field of a step can hold; None for what is no step's."""


class Reading:
    """One reading of a document: knows its step ids, collects what is wrong with it, at most `LIMIT` problems."""

    LIMIT = 200

    def __init__(self, step_ids: frozenset[str] = frozenset(), references: "References | None" = None) -> None:
        self.step_ids = step_ids
        self.found: list[Problem] = []
        self.depth = 0
        """Lists of steps around the value that is being read."""
        self.standing: Path | None = None
        """Path of the step that is being read; None outside of the steps."""
        self.running = False
        """Outside of the steps: whether what is being read is tested while runs are under way, as exit rules and goals are."""
        self.receipt_of: str | None = None
        """Id of the push step whose receipt the event is that a condition is being read for."""
        self._references = references

    def reference_problem(self, field: str) -> str | None:
        """Why a sound field of a step can never hold a value where it is used; None if it can, or is no step's."""
        return None if self._references is None else self._references.field_problem(field, self)

    def push_problem(self, id: str) -> str | None:
        """Why no step of this id can have sent a push before; None if it can."""
        return None if self._references is None else self._references.push_problem(id, self)

    def possible(self, field: str) -> Possible:
        """What a sound field can hold where it is used."""
        known = None if self.receipt_of is None else of_receipt(field, self.receipt_of)
        if known is None and self._references is not None:
            known = self._references.possible(field)
        return usual(field) if known is None else known

    def note(self, path: Path, message: str) -> Invalid:
        """Note a problem at a path; returns INVALID for the caller to hand on."""
        if len(self.found) < self.LIMIT:
            self.found.append(Problem(path, message))
        return INVALID

    def extend(self, problems: Iterable[Problem]) -> Invalid:
        """Note the problems that another reader found."""
        for problem in problems:
            self.note(problem.path, problem.message)
        return INVALID


class Shape(Protocol):
    """What a value must look like."""

    def read(self, value: object, path: Path, reading: Reading) -> Any:
        """The value as the program uses it, or INVALID."""

    def schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of the value."""


def tried(shape: Shape, value: object) -> Any:
    """What a shape reads in a value, or INVALID; nothing is noted."""
    return shape.read(value, (), Reading())


def printable(text: str) -> str:
    """A name as it may stand in a message: bounded."""
    return text if len(text) <= 80 else text[:77] + "…"


_HALF: Final = re.compile("[\ud800-\udfff]")
"""A surrogate alone: no encoding can carry it."""


class Text:
    """A string with bounds and, where given, a pattern."""

    def __init__(self, *, least: int = 1, most: int, pattern: str | None = None, says: str = "") -> None:
        self.least, self.most, self.pattern, self.says = least, most, pattern, says
        self._matches = re.compile(pattern).fullmatch if pattern else None

    def read(self, value: object, path: Path, reading: Reading) -> str | Invalid:
        if not isinstance(value, str):
            return reading.note(path, "must be a string")
        if len(value) < self.least:
            return reading.note(path, "must not be empty")
        if len(value) > self.most:
            return reading.note(path, f"must be at most {self.most} characters")
        if "\0" in value:
            return reading.note(path, "must not contain NUL characters")
        if _HALF.search(value):
            return reading.note(path, "must not contain half of a character")
        if self._matches and not self._matches(value):
            return reading.note(path, self.says)
        return value

    def schema(self) -> dict[str, Any]:
        out: dict[str, Any] = {"type": "string", "minLength": self.least, "maxLength": self.most}
        if self.pattern:
            out["pattern"] = f"^(?:{self.pattern})$"
        return out


class Choice:
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def read(self, value: object, path: Path, reading: Reading) -> str | Invalid:
        if isinstance(value, str) and value in self.words:
            return value
        hint = did_you_mean(value, self.words) if isinstance(value, str) else ""
        return reading.note(path, f"must be one of {', '.join(self.words)}{hint}")

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


class Whole:
    """An integer between two bounds."""

    def __init__(self, least: int, most: int) -> None:
        self.least, self.most = least, most

    def read(self, value: object, path: Path, reading: Reading) -> int | Invalid:
        if isinstance(value, float) and value.is_integer():  # to JSON, 3.0 is 3
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
            return reading.note(path, f"must be a whole number from {self.least} to {self.most}")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


class Flag:
    """true or false."""

    def read(self, value: object, path: Path, reading: Reading) -> bool | Invalid:
        return value if isinstance(value, bool) else reading.note(path, "must be true or false")

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class ListOf:
    """A list with bounds, each member of one shape."""

    def __init__(self, member: Shape, *, least: int = 0, most: int) -> None:
        self.member, self.least, self.most = member, least, most

    def read(self, value: object, path: Path, reading: Reading) -> Any:
        if not isinstance(value, list):
            return reading.note(path, "must be a list")
        fits = self.least <= len(value) <= self.most
        if len(value) < self.least:
            reading.note(path, f"must have at least {self.least} member{'s' if self.least > 1 else ''}")
        elif not fits:
            reading.note(path, f"must have at most {self.most} members")
        out = [self.member.read(member, (*path, index), reading) for index, member in enumerate(value[: self.most])]
        return INVALID if INVALID in out or not fits else tuple(out)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.member.schema(), "minItems": self.least, "maxItems": self.most}


class MapOf:
    """An object with free keys of one shape and values of another."""

    def __init__(self, key: Text, member: Shape, *, least: int = 0, most: int) -> None:
        self.key, self.member, self.least, self.most = key, member, least, most

    def read(self, value: object, path: Path, reading: Reading) -> Any:
        if not isinstance(value, dict):
            return reading.note(path, "must be an object")
        valid = self.least <= len(value) <= self.most
        if len(value) < self.least:
            reading.note(path, "must not be empty")
        elif not valid:
            reading.note(path, f"must have at most {self.most} keys")
        out: dict[str, Any] = {}
        for name, member in islice(value.items(), self.most):
            at = (*path, printable(str(name)))
            valid &= self.key.read(name, at, reading) is not INVALID
            out[name] = self.member.read(member, at, reading)
            valid &= out[name] is not INVALID
        return out if valid else INVALID

    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "propertyNames": self.key.schema(),
            "additionalProperties": self.member.schema(),
            "minProperties": self.least,
            "maxProperties": self.most,
        }


Check = Callable[[dict[Any, Any], Reading], Iterable[tuple[Path, str]]]
"""What is wrong with several fields of an object at once: paths inside the object, and messages.

It sees the object as it was given, of which any part may be wrong; what is wrong with one field alone is not its business.
"""


class Object:
    """An object with named fields; unknown keys are problems, with a suggestion where one is close."""

    def __init__(
        self,
        required: Mapping[str, Shape] | None = None,
        optional: Mapping[str, Shape] | None = None,
        *,
        least: int = 0,
        check: Check = lambda _value, _reading: (),
    ) -> None:
        self.required, self.optional = dict(required or {}), dict(optional or {})
        self.fields = self.required | self.optional
        self.least = least
        """Keys that it has to have at least."""
        self._check = check

    def read(self, value: object, path: Path, reading: Reading) -> Any:
        if not isinstance(value, dict):
            return reading.note(path, "must be an object")
        out: dict[str, Any] = {}
        valid = True
        for name, member in value.items():
            shape = self.fields.get(name)
            if shape is None:
                reading.note((*path, printable(str(name))), f"unknown key{did_you_mean(str(name), self.fields)}")
                valid = False
                continue
            out[name] = shape.read(member, (*path, name), reading)
            valid &= out[name] is not INVALID
        for name in self.required:
            if name not in value:
                reading.note((*path, name), "is required")
                valid = False
        if len(out) < self.least:
            reading.note(path, f"must have at least one of {', '.join(self.fields)}")
            valid = False
        for below, message in self._check(value, reading):
            reading.note((*path, *below), message)
            valid = False
        return out if valid else INVALID

    def schema(self) -> dict[str, Any]:
        out: dict[str, Any] = {
            "type": "object",
            "properties": {name: shape.schema() for name, shape in self.fields.items()},
            "additionalProperties": False,
        }
        if self.required:
            out["required"] = list(self.required)
        if self.least:
            out["minProperties"] = self.least
        return out
