"""JSON bodies whose strings are templates (semantics §4): `{"price": "{{ price }}", "note": "for {{ name || you }}"}`."""

import math
from collections.abc import Collection
from contextlib import suppress
from typing import Any, Final

import msgspec

from clarion.domain.problems import Path, Problem
from clarion.domain.records import Scope
from clarion.domain.templates.errors import TemplateFailure, TemplateProblem
from clarion.domain.templates.escapes import whole
from clarion.domain.templates.limits import check_output
from clarion.domain.templates.scan import LONGEST_SOURCE
from clarion.domain.templates.template import Refused, Rendered, Template, compile_template

MOST_DEPTH: Final = 20
MOST_VALUES: Final = 1000
LONGEST_BODY: Final = 64 * 1024
"""Characters of a body's keys and strings."""


class JsonTemplate:
    """A JSON body that was found sound; immutable."""

    __slots__ = ("_fields", "_parts", "secrets")

    def __init__(self, parts: list[str | Template]) -> None:
        self._parts = tuple(parts)
        templates = [part for part in parts if not isinstance(part, str)]
        self._fields = frozenset(name for template in templates for name in template.referenced_fields())
        self.secrets = frozenset(name for template in templates for name in template.secrets)
        """Names of the secrets whose marks its output may hold."""

    def referenced_fields(self) -> frozenset[str]:
        """The names that its templates take from their scope."""
        return self._fields

    def render(self, scope: Scope) -> Rendered:
        """JSON in UTF-8 of at most 64 KiB, and the missing names. Raises TemplateError and nothing else."""
        out: list[str] = []
        missing: list[str] = []
        for part in self._parts:
            if isinstance(part, str):
                out.append(part)
            elif part.is_single_output:
                value, absent = part.value(scope)
                out.append(_encoded(value))
                missing.extend(absent)
            else:
                rendered = part.render(scope, whole)
                out.append(msgspec.json.encode(rendered.text).decode())  # its values are whole already; marks of secrets stay
                missing.extend(rendered.missing)
        return Rendered(check_output("".join(out)), tuple(dict.fromkeys(missing)))


def compile_json_template(
    value: object, step_ids: Collection[str] | None = None, *, secrets: bool = False, refused: Refused = lambda _: None
) -> JsonTemplate:
    """Compile a JSON value; each string in it is a template, keys are not.

    A string that is one output and nothing else keeps its value's type: a number stays a number, the segments are a list;
    missing it is the empty string. `secrets` and `refused` are as for `compile_template`; a secret is always text. Raises
    TemplateProblem with every problem and its path inside the value, up to where the body is too much.
    """
    writer = _Writer(step_ids, secrets=secrets, refused=refused)
    with suppress(_TooMuch):
        writer.write(value, ())
    if writer.problems:
        raise TemplateProblem.of(writer.problems)
    return JsonTemplate(writer.joined())


class _TooMuch(Exception):
    """The rest of the body is not read."""


class _Writer:
    """Turns a value into JSON text with templates in the places of its strings."""

    def __init__(self, step_ids: Collection[str] | None, *, secrets: bool, refused: Refused) -> None:
        self.problems: list[Problem] = []
        self._step_ids = step_ids
        self._secrets = secrets
        self._refused = refused
        self._parts: list[str | Template] = []
        self._values = 0
        self._length = 0

    def write(self, value: object, path: Path) -> None:
        self._values += 1
        if self._values > MOST_VALUES:
            self._note(path, f"the body has more than {MOST_VALUES} values")
            raise _TooMuch
        if len(path) > MOST_DEPTH:
            self._note(path, f"the body is nested more than {MOST_DEPTH} levels deep")
        elif isinstance(value, str):
            self._string(value, path)
        elif isinstance(value, dict):
            self._object(value, path)
        elif isinstance(value, list):
            self._array(value, path)
        elif value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
            self._number(value, path)
        else:
            self._note(path, "must be JSON: an object, a list, a string, a finite number, true, false or null")

    def joined(self) -> list[str | Template]:
        """The parts, with neighbouring texts made one."""
        parts: list[str | Template] = []
        for part in self._parts:
            if isinstance(part, str) and parts and isinstance(last := parts[-1], str):
                parts[-1] = last + part
            else:
                parts.append(part)
        return parts

    def _object(self, value: dict[Any, Any], path: Path) -> None:
        self._parts.append("{")
        for position, (key, held) in enumerate(value.items()):
            place = (*path, key)
            if not isinstance(key, str):
                place = (*path, str(key)[:64])
                self._note(place, "a key of a JSON object must be a string")
            elif "{{" in key or "{%" in key or "\x00" in key or whole(key) != key:
                place = (*path, key[:64])
                self._note(place, "a key is no template and holds neither NUL nor lone surrogates nor U+FDD0 and U+FDD1")
            else:
                self._count(key, path)
                self._parts.append(("," if position else "") + _encoded(key) + ":")
            self.write(held, place)
        self._parts.append("}")

    def _array(self, value: list[Any], path: Path) -> None:
        self._parts.append("[")
        for position, held in enumerate(value):
            if position:
                self._parts.append(",")
            self.write(held, (*path, position))
        self._parts.append("]")

    def _string(self, value: str, path: Path) -> None:
        self._count(value, path)
        try:
            template = compile_template(value, self._step_ids, secrets=self._secrets, refused=self._refused)
        except TemplateProblem as refusal:
            self.problems.extend(Problem(path, problem.message) for problem in refusal.problems)
            return
        is_plain = len(value) <= LONGEST_SOURCE and "{{" not in value and "{%" not in value
        self._parts.append(_encoded(value) if is_plain else template)

    def _count(self, text: str, path: Path) -> None:
        self._length += len(text)
        if self._length > LONGEST_BODY:
            self._note(path, f"the body has more than {LONGEST_BODY} characters")
            raise _TooMuch

    def _number(self, value: bool | float | None, path: Path) -> None:
        try:
            self._parts.append(msgspec.json.encode(value).decode())
        except (ValueError, OverflowError):
            self._note(path, "a number has too many digits")

    def _note(self, path: Path, message: str) -> None:
        self.problems.append(Problem(path, message))


def _encoded(value: object) -> str:
    """A found value as JSON: the empty string for what is missing, with every digit of a number."""
    if isinstance(value, str):
        return msgspec.json.encode(whole(value)).decode()
    if isinstance(value, list | tuple):
        return "[" + ",".join(_encoded(item) for item in value) + "]"
    if not isinstance(value, bool | int | float):
        return '""'
    try:
        return msgspec.json.encode(value).decode()
    except (ValueError, OverflowError):
        msg = "a number has too many digits"
        raise TemplateFailure(msg) from None
