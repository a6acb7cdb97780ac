"""A document's text, YAML or JSON: read with the place of every value, so that a problem names its line."""

import io
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from clarion.domain.problems import Path
from clarion.workflow.document import Document, json_schema, read_value

LONGEST: Final = 512 * 1024
"""Bytes of UTF-8 that a document may have."""
DEEPEST: Final = 100
MOST_VALUES: Final = 50_000

__all__ = ["Document", "DocumentInvalid", "Located", "canonical", "json_schema", "parse_canonical", "read_document"]


class Located(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong with a document."""

    path: tuple[str | int, ...]
    message: str
    line: int | None = None
    """From 1."""
    column: int | None = None

    def __str__(self) -> str:
        where = f"line {self.line}, column {self.column}: " if self.line else ""
        return f"{where}{spell(self.path)}{': ' if self.path else ''}{self.message}"


class DocumentInvalid(Exception):
    """A document is refused; `problems` has every reason."""

    def __init__(self, problems: list[Located]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems[:3]))
        self.problems = problems


class _Refused(Exception):
    """The text is refused at a node."""

    def __init__(self, message: str, node: Node) -> None:
        super().__init__(message)
        self.mark = node.start_mark


def spell(path: Path) -> str:
    """`steps[2].push.title`"""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read_document(text: str) -> Document:
    """The document in a text. Raises DocumentInvalid with every problem."""
    if len(text.encode("utf-8", "replace")) > LONGEST:
        raise DocumentInvalid([Located((), f"the document is larger than {LONGEST // 1024} KiB")])
    value, places = _parse(text)
    document, reading = read_value(value)
    if document is None:
        raise DocumentInvalid(
            sorted(
                (Located(problem.path, problem.message, *_nearest(problem.path, places)) for problem in reading.found),
                key=lambda located: (located.line or 0, located.column or 0),
            )
        )
    return document


def canonical(document: Document) -> bytes:
    """The document as JSON with sorted keys: equal bytes for documents that say the same."""
    return msgspec.json.encode(document.value, order="sorted")


def parse_canonical(stored: bytes) -> Document:
    """The document from `canonical`'s bytes. Raises DocumentInvalid when this version of Clarion would refuse it."""
    document, reading = read_value(msgspec.json.decode(stored))
    if document is None:
        raise DocumentInvalid([Located(problem.path, problem.message) for problem in reading.found])
    return document


def _nearest(path: Path, places: dict[Path, tuple[int, int]]) -> tuple[int, int]:
    """Line and column of the value at a path, or of the closest one around it (a missing key has no place)."""
    while path not in places and path:
        path = path[:-1]
    return places.get(path, (1, 1))


def _parse(text: str) -> tuple[object, dict[Path, tuple[int, int]]]:
    """The value of a text and where each part of it stands. JSON is YAML to this reader."""
    reader = YAML(typ="safe", pure=True)
    try:
        node = reader.compose(io.StringIO(text))
        if node is None:
            raise DocumentInvalid([Located((), "the document is empty", 1, 1)])
        return _Construction().run(node)
    except _Refused as refused:
        raise DocumentInvalid([Located((), str(refused), refused.mark.line + 1, refused.mark.column + 1)]) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise DocumentInvalid([Located((), f"not valid YAML: {error.problem or error.context}", *where)]) from None
    except (YAMLError, RecursionError, ValueError) as error:
        reason = "it nests too deep" if isinstance(error, RecursionError) else str(error).splitlines()[0][:200]
        raise DocumentInvalid([Located((), f"not valid YAML: {reason}", 1, 1)]) from None


class _Construction:
    """Turns nodes into plain values by YAML 1.2's core schema; anchors that repeat a value, tags and merges are refused."""

    _integer = re.compile(r"[-+]?[0-9]+")
    _float = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
    _plain: Final[dict[str, Any]] = {
        "": None, "~": None, "null": None, "Null": None, "NULL": None,
        "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    }  # fmt: skip

    def __init__(self) -> None:
        self.places: dict[Path, tuple[int, int]] = {}
        self.seen: set[int] = set()

    def run(self, node: Node) -> tuple[object, dict[Path, tuple[int, int]]]:
        return self.value(node, ()), self.places

    def value(self, node: Node, path: Path) -> object:
        if id(node) in self.seen:
            raise _Refused("aliases are not supported", node)
        self.seen.add(id(node))
        if len(self.seen) > MOST_VALUES:
            raise _Refused(f"the document has more than {MOST_VALUES} values", node)
        if len(path) > DEEPEST:
            raise _Refused("the document nests too deep", node)
        self.places[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(member, (*path, index)) for index, member in enumerate(node.value)]
        if not isinstance(node, ScalarNode):
            raise _Refused("this kind of value is not supported", node)
        return self.scalar(node)

    def mapping(self, node: MappingNode, path: Path) -> dict[str, object]:
        out: dict[str, object] = {}
        for name, key, member in self.pairs(node):
            if name in out:
                raise _Refused(f'the key "{name[:80]}" stands here twice', key)
            out[name] = self.value(member, (*path, name))
        return out

    def pairs(self, node: MappingNode) -> Iterator[tuple[str, Node, Node]]:
        for key, member in node.value:
            if not isinstance(key, ScalarNode):
                raise _Refused("a key must be a plain name", key)
            if key.value == "<<" and key.style is None:
                raise _Refused("merge keys are not supported", key)
            yield self.text(key), key, member

    @staticmethod
    def text(node: ScalarNode) -> str:
        """A scalar's text. JSON escapes a character beyond U+FFFF as two halves (RFC 8259 §7), which YAML takes for two characters."""
        text: str = node.value
        if not text.isascii():
            try:
                return text.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError:
                raise _Refused("the text holds half of an escaped character", node) from None
        return text

    def scalar(self, node: ScalarNode) -> object:
        text = self.text(node)
        if node.style is not None:
            return text
        if text in self._plain:
            return self._plain[text]
        if len(text) <= 400:
            if self._integer.fullmatch(text):
                return int(text)
            if self._float.fullmatch(text):
                return self.finite(float(text), node)
        return text

    @staticmethod
    def finite(number: float, node: ScalarNode) -> float:
        if number in (float("inf"), float("-inf")):
            raise _Refused("the number is too large", node)
        return number
