"""A document's text, YAML or JSON: read with the place of every value, so that a problem names its line."""

from collections.abc import Iterable
from typing import Final

import msgspec

from clarion.domain.problems import Path, Problem
from clarion.workflow.document import Document, json_schema, read_value
from clarion.workflow.text import Places, TextRefused, read_text

LONGEST: Final = 256 * 1024
"""Bytes of UTF-8 that a document may have."""

__all__ = [
    "Document",
    "DocumentInvalid",
    "Located",
    "canonical",
    "json_schema",
    "located",
    "parse_canonical",
    "read_document",
    "read_document_value",
]


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
    try:
        value, places = read_text(text)
    except TextRefused as refused:
        raise DocumentInvalid([Located((), str(refused), refused.line, refused.column)]) from None
    document, reading = read_value(value)
    if document is None:
        raise DocumentInvalid(located(reading.found, places))
    return document


def located(problems: Iterable[Problem], places: Places) -> list[Located]:
    """Problems with their lines and columns, in the order of the text."""
    placed = [(_nearest(problem.path, places), problem) for problem in problems]
    placed.sort(key=lambda one: one[0])
    return [Located(problem.path, problem.message, *place) for place, problem in placed]


def canonical(document: Document) -> bytes:
    """The document as JSON with sorted keys: equal bytes for documents that say the same."""
    return msgspec.json.encode(document.value, order="sorted")


def parse_canonical(stored: bytes) -> Document:
    """The document from `canonical`'s bytes. Raises DocumentInvalid when this version of Clarion would refuse it."""
    return read_document_value(msgspec.json.decode(stored))


def read_document_value(value: object) -> Document:
    """The document in a JSON value. Raises DocumentInvalid with every problem; they have no lines."""
    document, reading = read_value(value)
    if document is None:
        raise DocumentInvalid([Located(problem.path, problem.message) for problem in reading.found])
    return document


def _nearest(path: Path, places: Places) -> tuple[int, int]:
    """Line and column of the value at a path, or of the closest one around it (a missing key has no place)."""
    while path not in places and path:
        path = path[:-1]
    return places.get(path, (1, 1))
