"""Words for messages, and values for explanations: cut short, on both sides of each limit."""

from typing import Any

import pytest

from clarion.domain.problems import did_you_mean, nearest, quoted
from clarion.domain.records import MISSING
from clarion.domain.verdicts import shown


def test_the_nearest_word_is_proposed() -> None:
    assert did_you_mean("prize", ["price", "prizes", "size"]) == " (did you mean 'prizes'?)"
    assert did_you_mean("zzz", ["price"]) == ""
    assert did_you_mean("", []) == ""


def test_only_the_beginning_of_a_word_is_compared() -> None:
    assert did_you_mean("a" * 64 + "b" * 1000, ["a" * 64]) == f" (did you mean '{'a' * 64}'?)"
    # of 64 letters and 66, 49 in common are just near enough
    assert did_you_mean("a" * 49 + "b" * 1000, ["a" * 49 + "c" * 17]) != ""
    assert did_you_mean("a" * 49 + "b" * 1000, ["a" * 49 + "c" * 18]) == ""


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("card", ["cart"], "cart"),  # one wrong letter of four
        ("cxrd", ["cart"], None),
        ("fro", ["for", "from"], "from"),
        ("fro", ["for"], "for"),  # swapped letters
        ("lang", ["language"], "language"),  # a part
        ("languages", ["lang"], "lang"),
        ("FETCH", ["GET", "POST", "PUT", "PATCH", "DELETE"], None),
        ("price", ["profile", "event"], None),
    ],
)
def test_only_what_is_near_is_proposed(word: str, known: list[str], near: str | None) -> None:
    assert nearest(word, known) == near


@pytest.mark.parametrize(
    ("word", "expected"),
    [("", "''"), ("a", "'a'"), ("a" * 64, f"'{'a' * 64}'"), ("a" * 65, f"'{'a' * 64}…'"), ("a" * 66, f"'{'a' * 64}…'")],
)
def test_a_word_in_quotes(word: str, expected: str) -> None:
    assert quoted(word) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (MISSING, None),
        (True, True),
        (1.5, 1.5),
        ("", ""),
        ("a" * 200, "a" * 200),
        ("a" * 201, "a" * 200 + "…"),
        ((), []),
        (("a", ["b" * 300]), ["a", ["b" * 200 + "…"]]),
        ([1] * 20, [1] * 20),
        ([1] * 21, [1] * 20 + ["…"]),
        (10**200 - 1, 10**200 - 1),
        (10**200, "1" + "0" * 199 + "…"),
        (1 - 10**200, 1 - 10**200),
        (-(10**200), "-1" + "0" * 198 + "…"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_in_an_explanation(value: Any, expected: Any) -> None:
    assert shown(value) == expected
    assert type(shown(value)) is type(expected)
