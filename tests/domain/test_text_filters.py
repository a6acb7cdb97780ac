"""Filters on text and lists, called as Liquid calls them: odd values, defaults of arguments, and both sides of each limit."""

from typing import Any

import pytest

from clarion.domain.templates import TemplateFailure, TemplateLimit
from clarion.domain.templates.filters import FILTERS


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("append", ("a", 1), "a1"),
        ("prepend", ("a", True), "truea"),
        ("upcase", ("aß",), "ASS"),
        ("downcase", ("AÉ",), "aé"),
        ("capitalize", ("aB c",), "Ab c"),
        ("strip", (" a ",), "a"),
        ("lstrip", (" a ",), "a "),
        ("rstrip", (" a ",), " a"),
        ("squish", (" a \t\n b ",), "a b"),
        ("strip_newlines", ("a\r\nb\nc\rd",), "abc\rd"),
        ("newline_to_br", ("a\r\nb\n",), "a<br />\nb<br />\n"),
        ("strip_html", ("<a href='>'>b</a> < c <",), "'>b < c <"),
        ("escape", ("<a b=\"c\" d='e'>&",), "&lt;a b=&quot;c&quot; d=&#x27;e&#x27;&gt;&amp;"),
        ("url_encode", ("a b/é\ud800",), "a+b%2F%C3%A9%EF%BF%BD"),
        ("url_decode", ("a+b%2F%20",), "a b/ "),
        ("base64_encode", ("é\ud800",), "w6nvv70="),
        ("base64_decode", ("w6k=",), "é"),
        ("replace", ("aXbX", "X", "-"), "a-b-"),
        ("replace", ("aXbX", "X"), "ab"),
        ("replace_first", ("aXbX", "X", "-"), "a-bX"),
        ("replace_first", ("aXbX", "X"), "abX"),
        ("remove", ("aXbX", "X"), "ab"),
        ("remove_first", ("aXbX", "X"), "abX"),
        ("truncate", ("x" * 50,), "x" * 50),
        ("truncate", ("x" * 51,), "x" * 47 + "..."),
        ("truncate", ("abcde", 5), "abcde"),
        ("truncate", ("abcdef", 5), "ab..."),
        ("truncate", ("abcdef", "5", ""), "abcde"),
        ("truncate", ("abcdef", 3), "..."),
        ("truncate", ("abcdef", 4), "a..."),
        ("truncate", ("abcdef", -1), "..."),
        ("truncatewords", (" ".join(["x"] * 15),), " ".join(["x"] * 15)),
        ("truncatewords", (" ".join(["x"] * 16),), " ".join(["x"] * 15) + "..."),
        ("truncatewords", ("a b", 1), "a..."),
        ("truncatewords", ("a b", 0), "a..."),
        ("truncatewords", ("a  b", 2, "!"), "a  b"),
        ("truncatewords", ("a  b c", 2, "!"), "a b!"),
        ("slice", ("abc", 0), "a"),
        ("slice", ("abc", 2), "c"),
        ("slice", ("abc", 3), ""),
        ("slice", ("abc", 4, 1), ""),
        ("slice", ("abc", -1), "c"),
        ("slice", ("abc", -3, 2), "ab"),
        ("slice", ("abc", -4, 3), ""),
        ("slice", ("abc", -4, 9), ""),
        ("slice", ("abc", 0, 0), ""),
        ("slice", ("abc", 0, -1), ""),
        ("slice", ("abc", 1, 99), "bc"),
        ("slice", (12345, 1, 2), "23"),
        ("slice", ((1, 2, 3), 1, 1), (2,)),
        ("slice", ([1, 2, 3], -2, 2), [2, 3]),
        ("slice", ([1], 5), []),
        ("split", ("a,b,,", ","), ["a", "b"]),
        ("split", (",a", ","), ["", "a"]),
        ("split", (" a  b ", " "), ["a", "b"]),
        ("split", ("ab", ""), ["a", "b"]),
        ("split", ("", ","), []),
        ("split", ("a1b", 1), ["a", "b"]),
        ("json", ("é<",), '"é<"'),
        ("json", (1.5,), "1.5"),
        ("json", (True,), "true"),
        ("json", ([1, "a"],), '[1,"a"]'),
        ("json", (("a",),), '["a"]'),
        ("json", (None,), "null"),
        ("json", ({"a": 1},), "null"),
        ("default", (None,), ""),
        ("default", (None, "d"), "d"),
        ("default", (False, "d"), "d"),
        ("default", ((), "d"), "d"),
        ("default", (0, "d"), 0),
        ("default", (True, "d"), True),
        ("join", (["a", 1, True],), "a 1 true"),
        ("join", (["a", "b"], ""), "ab"),
        ("join", ("a", ","), "a"),
        ("join", (None, ","), ""),
        ("first", ((1, 2),), 1),
        ("first", ([],), None),
        ("first", ("ab",), "ab"),
        ("last", ([1, 2],), 2),
        ("last", (None,), None),
        ("reverse", ((1, 2, 3),), [3, 2, 1]),
        ("reverse", (0,), [0]),
        ("sort", (["b", 2, "B", True, 1.5, "10"],), [1.5, 2, "10", "B", "b", True]),
        ("sort_natural", (["b", "A", "C", 1],), [1, "A", "b", "C"]),
        ("uniq", ([1, "1", 1.0, "a", "a", True, "true"],), [1, "1", "a", True]),
        ("compact", ([1, None, "", 0],), [1, "", 0]),
        ("concat", ([1], (2, 3)), [1, 2, 3]),
        ("concat", (None, "a"), ["a"]),
        ("size", ("abc",), 3),
        ("size", ((1, 2),), 2),
        ("size", ([],), 0),
        ("size", (12,), 0),
        ("size", (None,), 0),
    ],
)
def test_a_filter(name: str, arguments: tuple[Any, ...], expected: object) -> None:
    found = FILTERS[name](*arguments)
    assert found == expected
    assert type(found) is type(expected)


def test_false_is_missing_for_default_unless_told_otherwise() -> None:
    default = FILTERS["default"]
    assert default(False, "d", allow_false=True) is False
    assert default(False, "d", allow_false=False) == "d"
    assert default(False, "d", allow_false=1) == "d"
    assert default("", "d", allow_false=True) == "d"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("truncate", ("abc", "x")),
        ("truncatewords", ("abc", None)),
        ("slice", ("abc", 1.5)),
        ("slice", ("abc", 1, [])),
        ("round", (1.5, "")),
    ],
)
def test_an_argument_that_is_no_whole_number_fails(name: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TemplateFailure, match=f"^{name}: expected a whole number$"):
        FILTERS[name](*arguments)


@pytest.mark.parametrize("value", ["!", "w6k", "w6k=w", "/w==", "é"])
def test_what_is_no_base64_of_text_fails(value: str) -> None:
    with pytest.raises(TemplateFailure, match=r"^base64_decode: the value is no base64 of UTF-8 text$"):
        FILTERS["base64_decode"](value)


def test_what_would_be_too_long_is_not_made() -> None:
    most = 64 * 1024
    half = "x" * (most // 2)
    assert len(FILTERS["replace"](half, "x", "yy")) == most
    assert len(FILTERS["replace"](half + "a", "a", half)) == most
    for more in (half + "a", half + "xa"):
        with pytest.raises(TemplateLimit, match="longer than 65536 characters"):
            FILTERS["replace"](more, "a", half + "x")
    assert len(FILTERS["replace"]("abc" * 30_000, "abc", "ab")) == 60_000
    assert len(FILTERS["join"](["x" * 32_766, "x" * 32_766], "ab")) == most - 2
    with pytest.raises(TemplateLimit):
        FILTERS["join"](["x" * 32_768, "x" * 32_768], "ab")


def test_lists_that_would_be_too_long_are_not_made() -> None:
    assert len(FILTERS["split"]("x" * 1000, "")) == 1000
    assert len(FILTERS["split"]("x," * 1000, ",")) == 1000
    assert len(FILTERS["concat"]([1] * 600, [1] * 400)) == 1000
    for name, arguments in (("split", ("x" * 1001, "")), ("split", ("x," * 1001, ",")), ("concat", ([1] * 600, [1] * 401))):
        with pytest.raises(TemplateLimit, match="more than 1000 items"):
            FILTERS[name](*arguments)


def test_the_names_of_filters() -> None:
    names = """
        abs append at_least at_most base64_decode base64_encode capitalize ceil compact concat default divided_by downcase
        escape first floor join json last lstrip minus modulo newline_to_br plus prepend remove remove_first replace
        replace_first reverse round rstrip size slice sort sort_natural split squish strip strip_html strip_newlines times
        truncate truncatewords uniq upcase url_decode url_encode
    """
    assert sorted(FILTERS) == names.split()
