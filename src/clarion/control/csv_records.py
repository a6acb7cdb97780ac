"""CSV cut into records (RFC 4180): the same lines make the same records wherever they are cut, so that rows have the same numbers."""

import csv
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

MOST_CHARACTERS: Final = 1_048_576
"""Of a record; a quoted cell that does not end by then is taken to have ended with the line."""


class Record(msgspec.Struct, frozen=True):
    """One row of the file, over as many lines as its quoted cells take."""

    text: str
    cells: list[str]
    """None of them: see `error`."""
    error: str | None = None
    """Why it is no CSV; the next record begins on the next line."""


def records(lines: Iterable[str]) -> Iterator[Record]:
    """The records that lines make, which end with LF; blank ones are none."""
    taken = _Taken(lines)
    reader = csv.reader(taken, strict=True)
    while not taken.at_end:
        try:
            cells, error = next(reader), None
        except StopIteration:
            continue
        except csv.Error as problem:
            cells, error = [], str(problem)
        text = taken.given()
        if text.strip():
            yield Record(text, cells, error)


class _Taken:
    """Gives lines to a reader, and remembers what it has taken of them; a record is cut off where it has become too long."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._next = next(self._lines, None)
        self._given: list[str] = []
        self._characters = 0

    @property
    def at_end(self) -> bool:
        return self._next is None

    def __iter__(self) -> "_Taken":
        return self

    def __next__(self) -> str:
        line = self._next
        if line is None or self._characters > MOST_CHARACTERS:
            raise StopIteration
        self._next = next(self._lines, None)
        self._given.append(line)
        self._characters += len(line)
        return line

    def given(self) -> str:
        """The lines since the last call."""
        text = "".join(self._given)
        self._given, self._characters = [], 0
        return text
