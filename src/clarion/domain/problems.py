"""What is wrong with a document: every problem with its place in it."""

import difflib
from collections.abc import Iterable

import msgspec

Path = tuple[str | int, ...]
"""Where in a document: keys and list positions from its root."""


class Problem(msgspec.Struct, frozen=True):
    """One thing that must be changed before a document can be used."""

    path: Path
    message: str


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the nearest known word, or nothing; to be put behind a message."""
    near = difflib.get_close_matches(word[:64], sorted(known), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def quoted(word: str) -> str:
    """A word from a document, quoted and cut short, for a message."""
    return f"'{word}'" if len(word) <= 64 else f"'{word[:64]}…'"
