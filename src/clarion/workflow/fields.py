"""Shapes of the values that many steps share: durations, conditions, templates, names, URLs."""

import re
from typing import Any, Final

from clarion.domain.conditions import Condition, parse_condition
from clarion.domain.durations import DURATION_PATTERN, parse_duration
from clarion.domain.lookup import field_problem
from clarion.domain.problems import Path
from clarion.domain.templates import JsonTemplate, Template, TemplateProblem, compile_json_template, compile_template
from clarion.domain.urls import url_problem
from clarion.workflow.shapes import INVALID, Invalid, Reading, Text

SLUG: Final = Text(
    most=64,
    pattern=r"(?!validate$)[a-z0-9][a-z0-9_-]*",
    says='must be lower-case letters, digits, hyphens and underscores, starting with a letter or digit, and not "validate"',
)
RESERVED_STEP_IDS: Final = frozenset({"event", "entry", "profile", "segments", "subscriber", "run", "secrets"})


class StepId:
    """A step's id: unique in its document, and none of the roots that fields start with (semantics §2)."""

    _text = Text(
        most=64,
        pattern=r"[A-Za-z0-9][A-Za-z0-9_-]*",
        says="must be letters, digits, hyphens and underscores, starting with a letter or digit",
    )

    def read(self, value: object, path: Path, reading: Reading) -> str | Invalid:
        text = self._text.read(value, path, reading)
        if isinstance(text, str) and text in RESERVED_STEP_IDS:
            return reading.note(path, f'"{text}" is reserved and cannot be the id of a step')
        return text

    def schema(self) -> dict[str, Any]:
        return self._text.schema() | {"not": {"enum": sorted(RESERVED_STEP_IDS)}}


class EventName:
    """The name of an event to listen for; system events included."""

    _text = Text(most=64)

    def read(self, value: object, path: Path, reading: Reading) -> str | Invalid:
        text = self._text.read(value, path, reading)
        if isinstance(text, str) and not text.strip():
            return reading.note(path, "must not be empty")
        return text

    def schema(self) -> dict[str, Any]:
        return self._text.schema()


class Duration:
    """Like `1d12h`; read as microseconds."""

    def __init__(self, least: int = 0, most: int | None = None, says: str = "") -> None:
        self.least, self.most, self.says = least, most, says

    def read(self, value: object, path: Path, reading: Reading) -> int | Invalid:
        if not isinstance(value, str):
            return reading.note(path, 'must be a duration such as "90s", "1h" or "1d12h"')
        try:
            duration = parse_duration(value)
        except ValueError as error:
            return reading.note(path, str(error))
        if duration < self.least or (self.most is not None and duration > self.most):
            return reading.note(path, self.says)
        return duration

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{DURATION_PATTERN})$", "examples": ["90s", "1h", "1d12h"]}


class ConditionTree:
    """A tree of `all`, `any`, `not` over rows (semantics §3)."""

    def read(self, value: object, path: Path, reading: Reading) -> Condition | Invalid:
        condition, problems = parse_condition(value, path, reading.step_ids)
        return reading.extend(problems) if condition is None else condition

    def schema(self) -> dict[str, Any]:
        return {"$ref": "#/$defs/condition"}


class EventField:
    """A field of the starting event, such as `event.cart_id`."""

    def read(self, value: object, path: Path, reading: Reading) -> str | Invalid:
        if not isinstance(value, str):
            return reading.note(path, "must be a field of the event, such as event.cart_id")
        problem = field_problem(value, reading.step_ids)
        if problem is None and not value.startswith("event."):
            problem = "must be a field of the event, such as event.cart_id"
        return value if problem is None else reading.note(path, problem)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 7, "maxLength": 320, "pattern": r"^event\."}


class TemplateText:
    """A template whose output is text."""

    def __init__(self, *, most: int) -> None:
        self._text = Text(most=most)

    def read(self, value: object, path: Path, reading: Reading) -> Template | Invalid:
        text = self._text.read(value, path, reading)
        if not isinstance(text, str):
            return INVALID
        try:
            return compile_template(text, reading.step_ids)
        except TemplateProblem as problem:
            return reading.note(path, str(problem))

    def schema(self) -> dict[str, Any]:
        return self._text.schema()


_SITE: Final = re.compile(r"(https?://[^/?#{}\s]+)(?:[/?#]|$)", re.IGNORECASE)
"""Scheme and host, and what ends them: data must not choose or prolong the host."""


class Url:
    """A template of an http(s) URL whose host is literal; with `whole`, also one output whose value is the whole URL."""

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole

    def read(self, value: object, path: Path, reading: Reading) -> Template | Invalid:
        template = TemplateText(most=2048).read(value, path, reading)
        if not isinstance(template, Template) or not isinstance(value, str):
            return INVALID
        if self._whole and template.is_single_output:
            return template
        site = _SITE.match(value)
        if site is None:
            other = ", or be one {{ output }} that holds the whole URL" if self._whole else ""
            return reading.note(path, f"must start with http:// or https:// and a host without outputs{other}")
        problem = url_problem(site[1])
        return template if problem is None else reading.note(path, problem)

    def schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "minLength": 1,
            "maxLength": 2048,
            "pattern": r"^[hH][tT][tT][pP][sS]?://" + (r"|^\s*\{\{" if self._whole else ""),
        }


class JsonBody:
    """Any JSON value; its strings are templates."""

    def read(self, value: object, path: Path, reading: Reading) -> JsonTemplate | Invalid:
        try:
            return compile_json_template(value, reading.step_ids)
        except TemplateProblem as problem:
            return reading.note((*path, *problem.path), str(problem))

    def schema(self) -> dict[str, Any]:
        return {"description": "Any JSON; strings may hold templates."}
