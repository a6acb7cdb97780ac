"""YAML or JSON text to plain values, each with its line and column.

YAML 1.2's core schema, without anchors, tags, merge keys or repeated keys.
"""

import io
import math
import re
from collections.abc import Iterator
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from clarion.domain.problems import Path

DEEPEST: Final = 150
"""Levels of values. What stands deepest in a sound document is at 141: in a list, in 20 levels of a condition, in 20 of steps of 5 each."""
MOST_VALUES: Final = 20_000
"""Counted while reading, so that a text that is too much is given up early."""

Places = dict[Path, tuple[int, int]]
"""Line and column, from 1, by path."""

_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LONGEST_NUMBER: Final = 400
_TOKEN = re.compile(r"'?<([a-z ]+)>'?|'([?])'")
_TOKENS: Final = {
    "scalar": "a value",
    "?": "a key",
    "block mapping start": "a key that is indented otherwise",
    "block sequence start": "a '-' that is indented otherwise",
    "block end": "the end of the block",
    "stream end": "the end of the text",
    "document start": "'---'",
    "document end": "'...'",
}
"""What the parser's names for parts of a text stand for."""
_PLAIN: Final[dict[str, Any]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


class TextRefused(Exception):
    """The text is not YAML, or uses what documents may not use."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.line, self.column = line, column


def read_text(text: str) -> tuple[object, Places]:
    """The value of a text, and where each part of it stands. JSON is YAML to this reader. Raises TextRefused."""
    stand_ins = _stand_ins(text)
    try:
        parser = YAML(typ="safe", pure=True).parse(io.StringIO(text.translate(stand_ins)))
        return _Reader(parser, {ord(stand_in): chr(meant) for meant, stand_in in stand_ins.items()}).run()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise TextRefused(_invalid(error.problem or error.context), mark.line + 1, mark.column + 1) from None
    except (YAMLError, ValueError, OverflowError) as error:  # the last two: escapes for characters that there are not
        raise TextRefused(_invalid(str(error).splitlines()[0])) from None


def _stand_ins(text: str) -> dict[int, str]:
    """For characters that are no line breaks (YAML 1.2.2 §5.4), but that the parser takes for some: others.

    Those are such as the text has not, nor spelled as escapes.
    """
    wanted, digits = [one for one in "\x85\u2028\u2029" if one in text], text.lower()
    free = (chr(code) for code in range(0xE000, 0xF900) if chr(code) not in text and f"{code:x}" not in digits)
    return {ord(one): stand_in for one, stand_in in zip(wanted, free, strict=False)}


def _invalid(reason: str) -> str:
    """What is said of a text that the parser refuses; its reasons quote the text at any length."""
    one = re.sub(r"\(('.*'),\)", r"\1", reason[:200])  # what a text begins with comes as a tuple
    plain = _TOKEN.sub(lambda token: _TOKENS.get(token[1] or token[2], token[1]), one)
    return f"not valid YAML: {plain}"


class _Reader:
    """Builds values from the parser's events, one at a time."""

    def __init__(self, events: Iterator[Event], meant: dict[int, str]) -> None:
        """`meant`: the characters that others stand for."""
        self._events, self._meant = events, meant
        self._places: Places = {}

    def run(self) -> tuple[object, Places]:
        next(self._events)  # the start of the stream
        if isinstance(next(self._events), StreamEndEvent):
            raise TextRefused("the document is empty")
        value = self._value(next(self._events), ())
        next(self._events)
        rest = next(self._events)
        if not isinstance(rest, StreamEndEvent):
            raise _refused("not valid YAML: a second document begins here", rest)
        return value, self._places

    def _value(self, event: Event, path: Path) -> object:
        if len(self._places) >= MOST_VALUES:
            raise _refused(f"the document has more than {MOST_VALUES} values", event)
        if len(path) > DEEPEST:
            raise _refused("the document nests too deep", event)
        if not isinstance(event, MappingStartEvent | SequenceStartEvent | ScalarEvent) or event.anchor is not None:
            raise _refused("anchors and aliases are not supported", event)
        if event.tag is not None:
            raise _refused("tags are not supported", event)
        self._places[path] = (event.start_mark.line + 1, event.start_mark.column + 1)
        match event:
            case MappingStartEvent():
                return self._mapping(path)
            case SequenceStartEvent():
                return self._sequence(path)
            case _:
                found = _scalar(event)
                return found.translate(self._meant) if self._meant and isinstance(found, str) else found

    def _mapping(self, path: Path) -> dict[str, object]:
        out: dict[str, object] = {}
        while not isinstance(key := next(self._events), MappingEndEvent):
            if not isinstance(key, ScalarEvent) or key.anchor is not None or key.tag is not None:
                raise _refused("a key must be a plain name", key)
            name = _text(key).translate(self._meant)
            if name == "<<" and key.implicit[0]:
                raise _refused("merge keys are not supported", key)
            if name in out:
                raise _refused(f'the key "{name[:80]}" stands here twice', key)
            out[name] = self._value(next(self._events), (*path, name))
        return out

    def _sequence(self, path: Path) -> list[object]:
        out: list[object] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            out.append(self._value(event, (*path, len(out))))
        return out


def _scalar(event: ScalarEvent) -> object:
    text = _text(event)
    if not event.implicit[0]:
        return text
    if text in _PLAIN:
        return _PLAIN[text]
    if len(text) > _LONGEST_NUMBER:
        return text
    if text.lower().lstrip("+-") in (".inf", ".nan"):
        raise _refused("the number is not finite", event)
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise _refused("the number is too large", event)
        return number
    return text


def _text(event: ScalarEvent) -> str:
    """A scalar's text. JSON escapes a character beyond U+FFFF as two halves (RFC 8259 §7), which YAML takes for two characters."""
    text: str = event.value
    if text.isascii():
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise _refused("the text holds half of an escaped character", event) from None


def _refused(message: str, event: Event) -> TextRefused:
    return TextRefused(message, event.start_mark.line + 1, event.start_mark.column + 1)
