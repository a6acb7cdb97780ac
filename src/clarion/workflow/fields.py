"""Shapes of the values that many steps share: durations, conditions, templates, names, URLs."""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from clarion.domain import system_events
from clarion.domain.conditions import Condition, parse_condition
from clarion.domain.durations import DURATION_PATTERN, NO_DURATION, parse_duration
from clarion.domain.lookup import DATA_KEY, field_problem
from clarion.domain.problems import Path, Problem, did_you_mean, quoted
from clarion.domain.records import Scalar
from clarion.domain.templates import JsonTemplate, Template, TemplateProblem, compile_json_template, compile_template
from clarion.domain.urls import url_problem
from clarion.workflow.excluding import Row
from clarion.workflow.shapes import INVALID, Invalid, MapOf, Reading, Text
from clarion.workflow.vain import vain_rows

SLUG: Final = Text(
    most=64,
    pattern=r"(?!(?:validate|plan)$)[a-z0-9][a-z0-9_-]*",
    says='must be lower-case letters, digits, hyphens and underscores, starting with a letter or digit, and neither "validate" nor "plan"',
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
        if not isinstance(text, str):
            return text
        if not text.strip():
            return reading.note(path, "must not be empty")
        if text.startswith(system_events.PREFIX) and text not in system_events.LISTENABLE:
            near = did_you_mean(text, system_events.LISTENABLE)
            return reading.note(path, f"never happens: {quoted(text)} is no event that Clarion makes{near}")
        return text

    def schema(self) -> dict[str, Any]:
        known = {"enum": sorted(system_events.LISTENABLE)}
        return self._text.schema() | {
            "pattern": r"\S",
            "anyOf": [known, {"not": {"pattern": f"^{re.escape(system_events.PREFIX)}"}}],
        }


class Duration:
    """Like `1d12h`; read as microseconds."""

    def __init__(self, least: int = 0, most: int | None = None, says: str = "") -> None:
        self.least, self.most, self.says = least, most, says

    def read(self, value: object, path: Path, reading: Reading) -> int | Invalid:
        if not isinstance(value, str):
            return reading.note(path, NO_DURATION)
        try:
            duration = parse_duration(value)
        except ValueError as error:
            return reading.note(path, str(error))
        if duration < self.least or (self.most is not None and duration > self.most):
            return reading.note(path, self.says)
        return duration

    def schema(self) -> dict[str, Any]:
        some = "(?=.*[1-9])" if self.least else ""
        return {"type": "string", "pattern": f"^{some}(?:{DURATION_PATTERN})$", "examples": ["90s", "1h", "1d12h"]}


class ConditionTree:
    """A tree of `all`, `any`, `not` over rows (semantics §3)."""

    def read(self, value: object, path: Path, reading: Reading) -> Condition | Invalid:
        condition, problems = parse_condition(value, path, reading.step_ids, reading.reference_problem)

        def is_sound(row: Row) -> bool:
            return condition is not None or parse_condition(row, (), reading.step_ids, reading.reference_problem)[0] is not None

        problems.extend(vain_rows(value, path, reading.possible, is_sound))
        return reading.extend(problems) if condition is None or problems else condition

    def schema(self) -> dict[str, Any]:
        return {"$ref": "#/$defs/condition"}


class EventField:
    """A field of the starting event, such as `event.cart_id`."""

    def read(self, value: object, path: Path, reading: Reading) -> str | Invalid:
        if not isinstance(value, str):
            return reading.note(path, "must be a field of the event, such as event.cart_id")
        problem = field_problem(value, reading.step_ids) or reading.reference_problem(value)
        if problem is None and not value.startswith("event."):
            problem = "must be a field of the event, such as event.cart_id"
        return value if problem is None else reading.note(path, problem)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": rf"^event\.{DATA_KEY.pattern}$"}


class TemplateText:
    """A template whose output is text; with `secrets`, `{{ secrets.NAME }}` may stand in it."""

    def __init__(self, *, least: int = 1, most: int, secrets: bool = False) -> None:
        self._text = Text(least=least, most=most)
        self._secrets = secrets

    def read(self, value: object, path: Path, reading: Reading) -> Template | Invalid:
        text = self.source(value, path, reading)
        return INVALID if isinstance(text, Invalid) else self.compiled(text, path, reading)

    def source(self, value: object, path: Path, reading: Reading) -> str | Invalid:
        """The text, not yet compiled."""
        return self._text.read(value, path, reading)

    def compiled(self, source: str, path: Path, reading: Reading) -> Template | Invalid:
        """The template; every name in it that can never hold a value where it stands is a problem too."""
        try:
            return compile_template(source, reading.step_ids, secrets=self._secrets, refused=reading.reference_problem)
        except TemplateProblem as refusal:
            return reading.extend(Problem(path, problem.message) for problem in refusal.problems)

    def schema(self) -> dict[str, Any]:
        return self._text.schema()


_SITE: Final = re.compile(r"https?://[^/?#{}\s]+(?:[/?#]|\Z)", re.IGNORECASE)
"""Scheme and host, and what ends them: data must not choose or prolong the host."""
_MARKUP: Final = ("{{", "{%")
_FILLED: Final = re.compile(r"(?:\s*\{[{%]-|\{[{%]).*[}%]\}(?:(?<=-[}%]\})\s*)?", re.DOTALL)
"""All from the first markup to the last, with the white space that it takes away: what is around it stands in every outcome."""


class Url:
    """A template of an http(s) URL whose host is literal; with `whole`, also one output whose value is the whole URL.

    With `secrets`, `{{ secrets.NAME }}` may stand behind the host.
    """

    def __init__(self, *, whole: bool, secrets: bool = False) -> None:
        self._whole = whole
        self._template = TemplateText(most=2048, secrets=secrets)

    def read(self, value: object, path: Path, reading: Reading) -> Template | Invalid:
        text = self._template.source(value, path, reading)
        if isinstance(text, Invalid):
            return INVALID
        template = self._template.compiled(text, path, reading)
        if self._whole and (text.startswith(_MARKUP) if isinstance(template, Invalid) else template.is_single_output):
            return template
        site = _SITE.match(text)
        if site is None:
            other = ", or be one {{ output }} that holds the whole URL" if self._whole else ""
            return reading.note(path, f"must start with http:// or https:// and a host without outputs{other}")
        problem = url_problem(site[0] if isinstance(template, Invalid) else _FILLED.sub("", text))
        return template if problem is None else reading.note(path, problem)

    def schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "minLength": 1,
            "maxLength": 2048,
            "pattern": "^[hH][tT][tT][pP][sS]?://[^/?#{}\\s]" + (r"|\{[{%]" if self._whole else ""),
        }


LONGEST_TEXT: Final = 4096
"""Characters of one text of flat data, before it is filled in."""
FlatTemplate = Mapping[str, Template | Scalar]
"""Flat data whose texts are templates."""


class FlatData:
    """An object of scalars, as an event's data or a profile's attributes are; its strings are templates."""

    def __init__(self, *, least: int = 0) -> None:
        key = Text(most=255, pattern=DATA_KEY.pattern, says="is no key: letters, digits, '-' and '_', starting with a letter or a digit")
        self._object = MapOf(key, _ScalarTemplate(), least=least, most=200)

    def read(self, value: object, path: Path, reading: Reading) -> Any:
        return self._object.read(value, path, reading)

    def schema(self) -> dict[str, Any]:
        return self._object.schema()


class _ScalarTemplate:
    _text = TemplateText(least=0, most=LONGEST_TEXT)

    def read(self, value: object, path: Path, reading: Reading) -> Template | Scalar | Invalid:
        if isinstance(value, str):
            return self._text.read(value, path, reading)
        if isinstance(value, bool) or (isinstance(value, int) and -(2**63) <= value < 2**63):
            return value
        if isinstance(value, float) and math.isfinite(value):
            return value
        return reading.note(path, "must be a string, a number, true or false")

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "number", "boolean"], "maxLength": LONGEST_TEXT}


class JsonBody:
    """Any JSON value; its strings are templates, in which, with `secrets`, `{{ secrets.NAME }}` may stand."""

    def __init__(self, *, secrets: bool = False) -> None:
        self._secrets = secrets

    def read(self, value: object, path: Path, reading: Reading) -> JsonTemplate | Invalid:
        try:
            return compile_json_template(value, reading.step_ids, secrets=self._secrets, refused=reading.reference_problem)
        except TemplateProblem as refusal:
            return reading.extend(Problem((*path, *problem.path), problem.message) for problem in refusal.problems)

    def schema(self) -> dict[str, Any]:
        return {"description": "Any JSON; strings may hold templates."}
