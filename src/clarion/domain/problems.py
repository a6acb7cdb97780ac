"""What is wrong with a document: every problem with its place in it."""

import difflib
from collections.abc import Iterable
from typing import Final

import msgspec

NEAR: Final = 0.75
"""Share of letters that two words have in common in the same order, from which on one passes for the other: one wrong letter of four."""

Path = tuple[str | int, ...]
"""Where in a document: keys and list positions from its root."""


class Problem(msgspec.Struct, frozen=True):
    """One thing that must be changed before a document can be used."""

    path: Path
    message: str


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant: a slip of the fingers away, or one is a part of the other; None if none is."""
    word = word[:64]
    near = difflib.get_close_matches(word, sorted(known))
    return next((one for one in near if _is_slip(word, one)), None)


def _is_slip(word: str, known: str) -> bool:
    # Swapped letters count for two in difflib's ratio, and make short words look strangers.
    alike = difflib.SequenceMatcher(None, known, word).ratio() >= NEAR
    return alike or word in known or known in word or sorted(word) == sorted(known)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the word that was probably meant, or nothing; to be put behind a message."""
    near = nearest(word, known)
    return "" if near is None else f" (did you mean '{near}'?)"


def quoted(word: str) -> str:
    """A word from a document, quoted and cut short, for a message."""
    return f"'{word}'" if len(word) <= 64 else f"'{word[:64]}…'"
