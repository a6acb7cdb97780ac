"""Conditions as documents write them: `{all: […]}`, `{any: […]}`, `{not: {…}}` and rows `{field, op, value}` (semantics §3)."""

from collections.abc import Callable, Collection
from typing import Any, Final

from clarion.domain.condition_tree import Condition, Group, Node, Not, Row
from clarion.domain.lookup import compile_field, field_problem
from clarion.domain.operators import LONGEST_VALUE, MOST_VALUES, OPERATORS, Operator
from clarion.domain.problems import Path, Problem, did_you_mean, quoted
from clarion.domain.verdicts import RowVerdict, Verdict

__all__ = ["MOST_DEPTH", "MOST_ROWS", "Condition", "RowVerdict", "Verdict", "condition_schema", "parse_condition"]

MOST_DEPTH: Final = 20
MOST_ROWS: Final = 200
MOST_NODES: Final = 1000
MOST_PROBLEMS: Final = 100

_GROUPS: Final = ("all", "any", "not")
_ROW: Final = ("field", "op", "value")
_SPELLINGS: Final = {
    "=": "eq",
    "==": "eq",
    "equals": "eq",
    "is": "eq",
    "!=": "ne",
    "<>": "ne",
    ">": "gt",
    ">=": "gte",
    "<": "lt",
    "<=": "lte",
}


def parse_condition(
    raw: object, path: Path, step_ids: Collection[str], refused: Callable[[str], str | None] = lambda _: None
) -> tuple[Condition | None, list[Problem]]:
    """Read a condition that stands at `path` in its document.

    Gives the condition and no problem, or None and every problem, in the order of the document. `step_ids` are the steps
    whose fields it may name; `refused` says why a sound field may not stand here. At most 20 levels and 200 rows; what lies
    beyond is one problem and is not read.
    """
    reader = _Reader(step_ids, refused)
    root = reader.node(raw, path, 1)
    if root is None or reader.problems:
        return None, reader.problems
    return Condition(root, frozenset(reader.fields), frozenset(reader.ops)), []


class _Reader:
    """One reading of one condition."""

    def __init__(self, step_ids: Collection[str], refused: Callable[[str], str | None]) -> None:
        self.step_ids = step_ids
        self.refused = refused
        self.problems: list[Problem] = []
        self.fields: set[str] = set()
        self.ops: set[str] = set()
        self._rows = 0
        self._nodes = 0

    def note(self, path: Path, message: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(path, message))

    def node(self, raw: object, path: Path, depth: int) -> Node | None:
        self._nodes += 1  # counted apart from rows: YAML aliases make a short text a vast tree
        if self._rows > MOST_ROWS or self._nodes > MOST_NODES:
            if self._nodes == MOST_NODES + 1:
                self.note(path, "the condition has too many parts")
            return None
        if not isinstance(raw, dict):
            self.note(path, "must be a row {field, op, value} or one of {all: […]}, {any: […]}, {not: {…}}")
            return None
        if depth > MOST_DEPTH:
            self.note(path, f"is nested more than {MOST_DEPTH} levels deep")
            return None
        if any(name in raw for name in _GROUPS):
            return self._group(raw, path, depth)
        return self._row(raw, path)

    def _group(self, raw: dict[Any, Any], path: Path, depth: int) -> Node | None:
        names = [name for name in _GROUPS if name in raw]
        if len(raw) > 1:
            others = ", ".join(quoted(str(key)) for key in list(raw)[:5] if key != names[0])
            self.note(path, f"'{names[0]}' must stand alone, not beside {others}")
        first, *_ = [self._held(name, raw[name], (*path, name), depth) for name in names]
        return first

    def _held(self, name: str, inner: object, place: Path, depth: int) -> Node | None:
        """What a group holds."""
        if name == "not":
            part = self.node(inner, place, depth + 1)
            return None if part is None else Not(part)
        if not isinstance(inner, list) or not inner:
            self.note(place, "must be a list of one or more conditions")
            return None
        parts = [self.node(item, (*place, position), depth + 1) for position, item in enumerate(inner[: MOST_ROWS + 1])]
        return Group([part for part in parts if part is not None], decides=name == "any")

    def _row(self, raw: dict[Any, Any], path: Path) -> Row | None:
        self._rows += 1
        if self._rows > MOST_ROWS:
            self.note(path, f"the condition has more than {MOST_ROWS} rows")
            return None
        for key in list(raw)[: MOST_ROWS + 1]:
            if key not in _ROW:
                self.note((*path, str(key)[:64]), f"unknown key {quoted(str(key))}{did_you_mean(str(key), (*_ROW, *_GROUPS))}")
        field = self._field(raw, "field", path)
        named = self._operator(raw, path)
        if named is None:
            if isinstance(raw.get("value"), dict):
                self._compared(raw["value"], (*path, "value"))
            return None
        name, operator = named
        value, other, sound = self._value(raw, operator, path)
        return Row(path, (field, compile_field(field)), (name, operator), value, other) if sound and field is not None else None

    def _field(self, raw: dict[Any, Any], key: str, path: Path) -> str | None:
        place = (*path, key)
        if key not in raw:
            self.note(path, f"'{key}' is required")
            return None
        field = raw[key]
        if not isinstance(field, str) or not field:
            self.note(place, "must be a field such as event.price")
            return None
        problem = field_problem(field, self.step_ids) or self.refused(field)
        if problem is not None:
            self.note(place, problem)
            return None
        self.fields.add(field)
        return field

    def _operator(self, raw: dict[Any, Any], path: Path) -> tuple[str, Operator] | None:
        if "op" not in raw:
            self.note(path, "'op' is required")
            return None
        name = raw["op"]
        if not isinstance(name, str):
            self.note((*path, "op"), f"unknown op: it is one of {', '.join(OPERATORS)}")
            return None
        operator = OPERATORS.get(name)
        if operator is not None:
            self.ops.add(name)
            return name, operator
        hint = f" (did you mean '{_SPELLINGS[name]}'?)" if name in _SPELLINGS else did_you_mean(name, OPERATORS)
        self.note((*path, "op"), f"unknown op {quoted(name)}{hint}")
        return None

    def _value(self, raw: dict[Any, Any], operator: Operator, path: Path) -> tuple[tuple[Any, Any] | None, tuple[str, Any] | None, bool]:
        """The prepared and the written value, or the field to compare with; and whether it is sound."""
        place = (*path, "value")
        if operator.read is None:
            if "value" in raw:
                self.note(place, f"'{raw['op']}' takes no value")
            return None, None, "value" not in raw
        if "value" not in raw:
            self.note(path, "'value' is required")
            return None, None, False
        value = raw["value"]
        if isinstance(value, dict) and operator.takes_field:
            field = self._compared(value, place)
            return None, None if field is None else (field, compile_field(field)), field is not None
        try:
            return (operator.read(value), value), None, True
        except ValueError as error:
            self.note(place, str(error))
            return None, None, False

    def _compared(self, value: dict[Any, Any], place: Path) -> str | None:
        """The field in `{from: <field>}`."""
        for key in list(value)[:10]:
            if key != "from":
                self.note((*place, str(key)[:64]), f"unknown key {quoted(str(key))}{did_you_mean(str(key), ('from',))}")
        return self._field(value, "from", place)


def condition_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a condition, to stand under `$defs` as `condition`: it refers to itself there."""
    inner = {"$ref": "#/$defs/condition"}
    field = {"type": "string", "minLength": 1, "maxLength": 320}
    text = {"type": "string", "maxLength": LONGEST_VALUE}
    compared = {"type": "object", "properties": {"from": field}, "required": ["from"], "additionalProperties": False}
    scalar = {"type": ["string", "number", "boolean"]}
    values: dict[str, dict[str, Any]] = {
        "eq ne": {"anyOf": [scalar, compared]},
        "gt gte lt lte": {"anyOf": [{"type": "number"}, compared]},
        "in nin": {"anyOf": [{"type": "array", "items": scalar, "minItems": 1, "maxItems": MOST_VALUES}, compared]},
        "contains starts_with before after": {"anyOf": [text, compared]},
        "within_last not_within_last": {"type": "string"},
    }

    def row(ops: str, value: dict[str, Any] | None) -> dict[str, Any]:
        properties: dict[str, Any] = {"field": field, "op": {"enum": ops.split()}}
        return {
            "type": "object",
            "properties": properties if value is None else properties | {"value": value},
            "required": ["field", "op"] if value is None else ["field", "op", "value"],
            "additionalProperties": False,
        }

    def group(name: str, held: dict[str, Any]) -> dict[str, Any]:
        return {"type": "object", "properties": {name: held}, "required": [name], "additionalProperties": False}

    several = {"type": "array", "items": inner, "minItems": 1, "maxItems": MOST_ROWS}
    return {
        "oneOf": [
            group("all", several),
            group("any", several),
            group("not", inner),
            *(row(ops, value) for ops, value in values.items()),
            row("exists not_exists", None),
        ],
    }
