"""Strict JSON: any bytes give a value or NotJson."""

import json
import math
from typing import NoReturn

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clarion.contract.limits import MAX_DEPTH
from clarion.contract.reading import NotJson, OutOfRange, read_json

TOKENS = [
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b'"',
    b'"a":',
    b'"b"',
    b"\\",
    b"\\u",
    b"d83d",
    b"\\ud83d\\ude00",
    b"\\udc00",
    b"\\u0000",
    b"-",
    b".",
    b"e",
]
TOKENS += [
    b"0",
    b"1",
    b"1e999",
    b"9" * 4400,
    b"true",
    b"null",
    b"NaN",
    b"Infinity",
    b" ",
    b"\n",
    b"\t",
    b"\x00",
    b"\xff",
    b"\xc3\xa9",
    b"\xef\xbb\xbf",
]


def reference(body: bytes) -> bool:
    """Whether the standard library, made strict, takes the text too; only integers' digits and depth differ from ours."""

    def refuse(literal: str) -> NoReturn:
        raise ValueError(literal)

    try:
        value = json.loads(body.decode(), parse_constant=refuse, parse_int=str, object_pairs_hook=list)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return True


@given(st.binary(max_size=60) | st.lists(st.sampled_from(TOKENS), max_size=10).map(b"".join))
@example(b'{"a":1e999,"b":"\\ud800"}')
@example(b'[1e999,"\\ud83d\\ud83d\\ude00"]')
@example(b'[1e999,"\\\\ud800"]')
@example(b'[1e999,"\xff"]')
@example(b"[1e999,NaN]")
@example(b"[1e999,")
@example(b'[1e999,"\t"]')
@example(b'\xef\xbb\xbf{"a":1e999}')
@settings(max_examples=400)
def test_any_bytes_are_judged_as_a_strict_reader_would(body: bytes) -> None:
    try:
        read_json(body)
    except NotJson:
        assert not reference(body)
    else:
        assert reference(body)


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@given(st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12))
@settings(max_examples=150)
def test_every_value_comes_back(value: object) -> None:
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value
    assert read_json(json.dumps(value).encode()) == value
    beside = read_json(b"[1e999," + json.dumps(value).encode() + b"]")
    assert isinstance(beside, list)
    assert beside[1] == value


@pytest.mark.parametrize(
    ("literal", "integer"), [("1e999", False), ("-1E+400", False), ("1.8e308", False), ("9" * 5000, True), ("-" + "9" * 5000, True)]
)
def test_a_number_out_of_range_is_kept_as_written(literal: str, integer: bool) -> None:
    number = read_json(literal.encode())
    assert isinstance(number, OutOfRange)
    assert (number.literal, number.is_integer) == (literal, integer)


def test_numbers_within_range() -> None:
    assert read_json(b"18446744073709551616") == 2**64
    assert read_json(b"9" * 4300) == 10**4300 - 1
    assert read_json(b"1.7976931348623157e308") == math.nextafter(math.inf, 0)
    assert read_json(b"1e-999") == 0
    assert isinstance(read_json(b"1.0"), float)


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_the_nesting_limit_is_exact(opening: bytes, closing: bytes) -> None:
    deepest = opening * MAX_DEPTH + (b"" if opening == b"[" else b"0") + closing * MAX_DEPTH
    read_json(deepest)
    with pytest.raises(NotJson):
        read_json(opening + deepest + closing)


def test_brackets_within_strings_do_not_nest() -> None:
    text = '[{"\\' * 500
    assert read_json(json.dumps({text: [text]}).encode()) == {text: [text]}


def test_nesting_counts_where_a_repeated_key_hides_it() -> None:
    with pytest.raises(NotJson):
        read_json(b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b',"a":1}')


@pytest.mark.parametrize("depth", [900, 100_000])
def test_absurd_nesting_is_no_json(depth: int) -> None:
    for body in (b"[" * depth, b"[" * depth + b"]" * depth, b'{"a":' * depth, b"[1e999," + b"[" * depth + b"]" * depth + b"]"):
        with pytest.raises(NotJson):
            read_json(body)


def test_many_shallow_brackets_are_fine() -> None:
    body = b"[" + b",".join([b"[{}]"] * 1000) + b"]"
    assert read_json(body) == [[{}]] * 1000


def test_the_last_of_a_repeated_key_wins_at_the_first_ones_place() -> None:
    for body in (b'{"a":1,"b":2,"a":3}', b'{"a":1e999,"b":2,"a":3}'):
        value = read_json(body)
        assert isinstance(value, dict)
        assert list(value.items()) == [("a", 3), ("b", 2)]
