"""What a text says, value by value, and where each stands: YAML 1.2's core schema, without what documents have no use for."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.workflow.text import TextRefused, read_text


def value_of(text: str) -> Any:
    return read_text(text)[0]


def refusal(text: str) -> tuple[str, int, int]:
    """Message, line and column."""
    with pytest.raises(TextRefused) as refused:
        read_text(text)
    return str(refused.value), refused.value.line, refused.value.column


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, None) for text in ("~", "null", "Null", "NULL", "---", "--- # nothing")),
        *((text, True) for text in ("true", "True", "TRUE")),
        *((text, False) for text in ("false", "False", "FALSE")),
        # what is no word of the core schema is text, whatever older YAML made of it
        *(
            (text, text)
            for text in ("yes", "on", "No", "tRUE", "nULL", "0x1f", "0o17", "1_000", "12:30", "2026-12-24", "=", ".", "+", "e5")
        ),
        ("0", 0),
        ("-0", 0),
        ("+7", 7),
        ("-12", -12),
        ("007", 7),
        ("1.", 1.0),
        (".5", 0.5),
        ("+.5", 0.5),
        ("-1.25", -1.25),
        ("1e3", 1000.0),
        ("1.5E-2", 0.015),
        ("2e+1", 20.0),
        *(
            (text, text)
            for text in ("1.2.3", "1e", "1e+", "--1", "+-1", "1 2", "5 apples", "x5", "1.5x", "e.5", "inf", "nan", ".infinite", "x.inf")
        ),
        ("9" * 400, int("9" * 400)),
        ("9" * 401, "9" * 401),
        ("." + "9" * 399, float("." + "9" * 399)),
        *((f"{quote}{word}{quote}", word) for quote in "'\"" for word in ("", "5", "1.5", "true", "null", "~", ".nan", "<<")),
        ("|\n  5\n", "5\n"),
        ("[a, 1, [true]]", ["a", 1, [True]]),
        ("- a\n-\n- - 1", ["a", None, [1]]),
        ("{a: 1, b}", {"a": 1, "b": None}),
        ("1: x\ntrue: y\n~: z", {"1": "x", "true": "y", "~": "z"}),
        ("'<<': x", {"<<": "x"}),
        ("a: <<", {"a": "<<"}),
        ("\ufeff{}", {}),
        ("%YAML 1.1\n---\non: yes", {"on": "yes"}),
        ("a: 1\n...\n", {"a": 1}),
        ('{\n\t"a": [\n\t\t"b\\/c", "\\u00e9", "é"\n\t]\n}', {"a": ["b/c", "é", "é"]}),
        ('"\\ud83d\\ude42"', "🙂"),
        ('{"\\ud83d\\ude42": "🙂"}', {"🙂": "🙂"}),
        ('"\\U0010FFFF\\ud7ff\\ue000"', "\U0010ffff\ud7ff\ue000"),
    ],
)
def test_values(text: str, value: object) -> None:
    read = value_of(text)
    assert (read, type(read)) == (value, type(value))


def test_the_largest_number() -> None:
    assert value_of("1.7976931348623157e308") == 1.7976931348623157e308
    assert math.copysign(1, value_of("-0.0")) == -1


def test_places_are_counted_from_one() -> None:
    text = "a: 1\nb:\n  - x\n  -   {c: [2, 3]}\n"
    assert read_text(text)[1] == {
        (): (1, 1),
        ("a",): (1, 4),
        ("b",): (3, 3),
        ("b", 0): (3, 5),
        ("b", 1): (4, 7),
        ("b", 1, "c"): (4, 11),
        ("b", 1, "c", 0): (4, 12),
        ("b", 1, "c", 1): (4, 15),
    }


def test_a_value_alone_has_a_place_too() -> None:
    assert read_text("# nothing here\n  5") == (5, {(): (2, 3)})


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("", "the document is empty", 1, 1),
        ("# a: 1\n", "the document is empty", 1, 1),
        ("a: 1\n--- 2", "not valid YAML: a second document begins here", 2, 1),
        ("a: 1\n...\nb: 2", "not valid YAML: a second document begins here", 3, 1),
        ("a: 1\nb: &x 1", "anchors and aliases are not supported", 2, 4),
        ("a: 1\nb: *a", "anchors and aliases are not supported", 2, 4),
        ("a: &x [1]", "anchors and aliases are not supported", 1, 4),
        ("a: 1\nb: !!str 1", "tags are not supported", 2, 4),
        ("a: !x {}", "tags are not supported", 1, 4),
        ("a: 1\n  \n&x b: 1", "a key must be a plain name", 3, 1),
        ("!!str b: 1", "a key must be a plain name", 1, 1),
        ("a: 1\n? [b]\n: 1", "a key must be a plain name", 2, 3),
        ("a: 1\n<<: {b: 1}", "merge keys are not supported", 2, 1),
        ("a: 1\nb: {a: 1, a: 1}", 'the key "a" stands here twice', 2, 11),
        ("1: x\n'1': y", 'the key "1" stands here twice', 2, 1),
        ("k" * 80 + ": 1\n" + "k" * 80 + ": 1", f'the key "{"k" * 80}" stands here twice', 2, 1),
        ("k" * 81 + ": 1\n" + "k" * 81 + ": 1", f'the key "{"k" * 80}" stands here twice', 2, 1),
        *((f"a: 1\nb: {number}", "the number is not finite", 2, 4) for number in (".inf", "-.Inf", "+.INF", ".nan", ".NaN", ".NAN")),
        *((f"a: 1\nb: {number}", "the number is too large", 2, 4) for number in ("1e309", "-1e309", "1.8e308")),
        ('a: 1\nb: "\\ud83d"', "the text holds half of an escaped character", 2, 4),
        ('a: 1\n"\\ude42": 1', "the text holds half of an escaped character", 2, 1),
        ('"\\ude42\\ud83d"', "the text holds half of an escaped character", 1, 1),
        ("a: 1\nb: [", "not valid YAML: expected the node content, but found the end of the text", 2, 5),
        ('a: {b: "x" y}', "not valid YAML: expected ',' or '}', but got a value", 1, 12),
        ("a:\n  b: 1\n c: 2", "not valid YAML: expected the end of the block, but found a key that is indented otherwise", 3, 2),
        ("a:\n  b: 1\n - c", "not valid YAML: expected the end of the block, but found a '-' that is indented otherwise", 3, 2),
        ("a:\n  - b\n  d: 1", "not valid YAML: expected the end of the block, but found a key", 3, 3),
        ('"a" b', "not valid YAML: expected '---', but found a value", 1, 5),
        ("{a: }}", "not valid YAML: expected '---', but found '}'", 1, 6),
        ("a: 1\n\tb: 1", "not valid YAML: found character '\\t' that cannot start any token", 2, 1),
        ("a: |\n \n   \n x", "not valid YAML: more indented follow up line than first in a block scalar", 4, 2),
        ("%YAML 2.0\n---\n", "not valid YAML: found incompatible YAML document (version 1.* is required)", 1, 1),
    ],
)
def test_what_is_refused_and_where(text: str, message: str, line: int, column: int) -> None:
    assert refusal(text) == (message, line, column)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: \x07", "unacceptable character #x0007: special characters are not allowed"),
        ("a: \0", "unacceptable character #x0000: special characters are not allowed"),
        ("a: \ud800", "unacceptable character #xd800: special characters are not allowed"),
        ('"\\U00110000"', "chr() arg not in range(0x110000)"),
        ('"\\UFFFFFFFF"', "Python int too large to convert to C int"),
    ],
)
def test_a_character_that_there_is_not(text: str, reason: str) -> None:
    assert refusal(text) == (f"not valid YAML: {reason}", 1, 1)


def test_what_the_parser_says_is_cut_short() -> None:
    message, *_ = refusal("!" + "x" * 100_000 + "!y")
    assert message == f"not valid YAML: found undefined tag handle '!{'x' * 200}"[:216]


@pytest.mark.parametrize(("levels", "fits"), [(150, True), (151, False)])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}")])
def test_how_deep_it_may_nest(levels: int, fits: bool, opening: str, closing: str) -> None:
    text = opening * levels + "1" + closing * levels
    if fits:
        assert len(read_text(text)[1]) == levels + 1
    else:
        assert refusal(text) == ("the document nests too deep", 1, levels * len(opening) + 1)


@pytest.mark.parametrize("text", ["{a: " * 60_000, "- " * 60_000, "? " * 60_000])
def test_a_text_without_bottom_is_given_up_early(text: str) -> None:
    message, _, column = refusal(text)
    assert message in ("the document nests too deep", "a key must be a plain name")
    assert column < 1000


@pytest.mark.parametrize(("values", "fits"), [(20_000, True), (20_001, False)])
def test_how_many_values_it_may_hold(values: int, fits: bool) -> None:
    text = "-\n" * (values - 1)  # the list is a value too
    if fits:
        assert len(value_of(text)) == values - 1
    else:
        assert refusal(text) == ("the document has more than 20000 values", values - 1, 2)


@pytest.mark.parametrize("one", ["\x85", "\u2028", "\u2029"])
def test_what_is_no_line_break_stays_in_its_text(one: str) -> None:
    assert value_of(f'a: x{one}y\nb: "{one}\\ue000 \ue001"\nc: |\n  x{one}y\n"{one}": 1') == {
        "a": f"x{one}y", "b": f"{one}\ue000 \ue001", "c": f"x{one}y\n", one: 1,
    }  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(JSON, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_json_is_read_as_json(value: object, plain: bool, indent: int | str | None) -> None:
    try:
        read = value_of(json.dumps(value, ensure_ascii=plain, indent=indent))
    except TextRefused:
        assert not plain  # characters that YAML takes in escapes only
    else:
        assert read == value
