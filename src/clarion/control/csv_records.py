"""CSV cut into records (RFC 4180): the same lines make the same records wherever they are cut, so that rows have the same numbers."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

MOST_CHARACTERS: Final = 1_048_576
"""Of a record; a quoted cell that does not end by then is none."""


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
            taken.give_back()
            reader = csv.reader(taken, strict=True)
        text = taken.given()
        if text.strip():
            yield Record(text, cells, error)


class _Taken:
    """Gives lines to a reader, and remembers what it has taken of them; a record is cut off where it has become too long."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._again: deque[str] = deque()
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
        self._next = self._again.popleft() if self._again else next(self._lines, None)
        self._given.append(line)
        self._characters += len(line)
        return line

    def give_back(self) -> None:
        """All lines but the first since the last call of `given` are still to come."""
        if len(self._given) > 1:
            if self._next is not None:
                self._again.appendleft(self._next)
            self._again.extendleft(reversed(self._given[1:]))
            self._next = self._again.popleft()
            del self._given[1:]

    def given(self) -> str:
        """The lines since the last call."""
        text = "".join(self._given)
        self._given, self._characters = [], 0
        return text
