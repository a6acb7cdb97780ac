"""Filters on numbers, called as Liquid calls them: what counts as a number, and both sides of each limit."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from clarion.domain.templates import TemplateError, TemplateFailure, TemplateLimit
from clarion.domain.templates.filters import FILTERS
from clarion.domain.templates.filters.numbers import number, whole_number

MOST = 10**100


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5),
        (-1.5, -1.5),
        ("5", 5),
        ("-5", -5),
        (" 1.50\n", 1.5),
        ("9" * 100, 10**100 - 1),
        ("9" * 101, 0),
        ("1." + "0" * 99 + "1", 1.0),
        ("1." + "0" * 101, 0),
        (" " * 155 + "9" * 100 + " ", 10**100 - 1),
        (" " * 156 + "9" * 100 + " ", 0),
        *((value, 0) for value in ("", "abc", "1.", ".5", "+1", "1e5", "--1", "1 2", "\u0661", True, False, None, [1], ("1",))),
    ],
)
def test_what_is_a_number(value: object, expected: float) -> None:
    found = number(value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("value", [MOST, -MOST, 1e100, float("inf"), float("-inf"), float("nan")])
def test_numbers_that_are_too_large(value: float) -> None:
    with pytest.raises(TemplateLimit, match=r"too large|100 digits"):
        number(value)


@pytest.mark.parametrize("value", [MOST - 1, 1 - MOST, 9.9e99, -9.9e99])
def test_numbers_that_are_just_not_too_large(value: float) -> None:
    assert number(value) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        ("7", 7),
        (" -7 ", -7),
        (1_000_000, 1_000_000),
        (1_000_001, 1_000_000),
        (-1_000_001, -1_000_000),
        (-999_999, -999_999),
        ("9" * 50, 1_000_000),
    ],
)
def test_a_whole_number(value: object, expected: int) -> None:
    assert whole_number("slice", value) == expected


@pytest.mark.parametrize("value", ["", "x", "1.0", "9" * 101, 1.0, True, False, None, [1]])
def test_what_is_no_whole_number(value: object) -> None:
    with pytest.raises(TemplateFailure, match=r"^slice: expected a whole number$"):
        whole_number("slice", value)


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("abs", (-2.5,), 2.5),
        ("abs", ("-3",), 3),
        ("at_least", (1, 2), 2),
        ("at_least", (3, "2"), 3),
        ("at_most", (1, 2), 1),
        ("at_most", ("3", 2), 2),
        ("ceil", (1.1,), 2),
        ("ceil", ("-1.9",), -1),
        ("floor", (1.9,), 1),
        ("floor", ("-1.1",), -2),
        ("round", (2.5,), 3),
        ("round", (-2.5,), -3),
        ("round", (2.4,), 2),
        ("round", (7,), 7),
        ("round", (7, 2), 7),
        ("round", (7, "0"), 7),
        ("round", (1.25, 1), 1.3),
        ("round", (1.005, 2), 1.01),
        ("round", (15, -1), 20),
        ("round", (14.9, -1), 10),
        ("round", (0.1, 40), 0.1),
        ("round", (5 * 10**29, -30), 10**30),
        ("round", (5 * 10**29, -31), 10**30),
        ("round", (1.5e-30, 30), 2e-30),
        ("round", (1.5e-30, 31), 2e-30),
        ("plus", (2, 3), 5),
        ("plus", (0.1, 0.2), 0.3),
        ("plus", (0.1, 1), 1.1),
        ("plus", (1, 0.1), 1.1),
        ("plus", (1, 0.118), 1.118),
        ("plus", (0.118, 1), 1.118),
        ("minus", (2, 3), -1),
        ("minus", (0.3, 0.1), 0.2),
        ("minus", (1, 0.9), 0.1),
        ("minus", (0.9, 1), -0.1),
        ("times", (2, 3), 6),
        ("times", (1.1, 3), 3.3),
        ("times", (3, 1.1), 3.3),
        ("times", (0.1, 0.2), 0.02),
        ("divided_by", (7, 2), 3),
        ("divided_by", (-7, 2), -4),
        ("divided_by", (7, 2.0), 3.5),
        ("divided_by", (7.0, 2), 3.5),
        ("divided_by", (1, 1), 1),
        ("modulo", (7, 4), 3),
        ("modulo", (7.5, 2), 1.5),
        ("modulo", (7, 1), 0),
    ],
)
def test_arithmetic(name: str, arguments: tuple[Any, ...], expected: float) -> None:
    found = FILTERS[name](*arguments)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("name", ["plus", "minus", "times"])
def test_large_numbers_are_counted_exactly_and_then_bounded(name: str) -> None:
    run: Callable[..., Any] = FILTERS[name]
    exact = {"plus": 10**99 + 1, "minus": 10**99 - 1, "times": 10**99}[name]
    assert run(10**99, 1) == exact
    with pytest.raises(TemplateLimit):
        run(9.9e99, {"plus": 9.9e99, "minus": -9.9e99, "times": 1.1e5}[name])
    with pytest.raises(TemplateLimit):
        run(1, MOST)


@pytest.mark.parametrize("name", ["divided_by", "modulo"])
@pytest.mark.parametrize("zero", [0, 0.0, "0", "x", None])
def test_a_division_by_zero_fails(name: str, zero: object) -> None:
    with pytest.raises(TemplateFailure, match=f"^{name}: division by zero$"):
        FILTERS[name](1, zero)


def test_a_quotient_is_bounded() -> None:
    with pytest.raises(TemplateError):
        FILTERS["divided_by"](9.9e99, 0.001)


def test_rounding_goes_by_what_is_written() -> None:
    for hundredths in range(-1000, 1000):
        value = hundredths / 100
        expected = Decimal(repr(value)).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
        assert FILTERS["round"](value, 1) == float(expected)
