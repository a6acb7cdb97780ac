"""Escaping for where a template's output goes: every value once, literal text never."""

import json
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.domain.templates import compile_template, escapes

from .scopes import seeing

everything = st.text(st.characters(exclude_categories=()))
"""Lone surrogates too."""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\r\nb\tc", "a\nb\tc"),
        ("\x00\x07\x1b[0m\x7f\x85", "[0m"),
        ("<b>&\"'</b>", "<b>&\"'</b>"),
        ("é\u2028😀", "é\u2028😀"),
        ("\ud800x", "\ufffdx"),
    ],
)
def test_text(value: str, text: str) -> None:
    assert escapes.text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('a"b', 'a\\"b'),
        ("a\\b", "a\\\\b"),
        ("a\nb\x00", "a\\nb\\u0000"),
        ("</script>", "\\u003c/script>"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("é😀", "é😀"),
        ("\ud800", "\ufffd"),
    ],
)
def test_json_strings(value: str, text: str) -> None:
    assert escapes.json_string(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a-b_c.d~e", "a-b_c.d~e"),
        ("a b&c=d?e#f/g:h@i", "a%20b%26c%3Dd%3Fe%23f%2Fg%3Ah%40i"),
        ("%", "%25"),
        ("\r\n\x00", "%0D%0A%00"),
        ("é", "%C3%A9"),
        ("😀", "%F0%9F%98%80"),
        ("\ud800", "%EF%BF%BD"),
    ],
)
def test_urls(value: str, text: str) -> None:
    assert escapes.url(value) == text


@settings(deadline=None)
@given(everything)
def test_text_is_printable_but_for_line_feeds_and_tabs(value: str) -> None:
    escaped = escapes.text(value)
    escaped.encode()
    assert all(character in "\n\t" or not 0 <= ord(character) < 32 for character in escaped)


@settings(deadline=None)
@given(everything)
def test_a_json_string_holds_the_value(value: str) -> None:
    escaped = escapes.json_string(value)
    assert json.loads(f'"{escaped}"') == escapes.whole(value)
    assert not {"<", "\u2028", "\u2029", "\n"} & set(escaped)


@settings(deadline=None)
@given(everything)
def test_a_url_holds_the_value_in_its_place(value: str) -> None:
    parts = urlsplit(f"https://shop.example/{escapes.url(value)}?q={escapes.url(value)}&z=1")
    assert parts.hostname == "shop.example"
    assert parts.fragment == ""
    assert unquote(parts.path[1:]) == escapes.whole(value)
    assert parts.query.count("&") == 1


@pytest.mark.parametrize(
    "source",
    [
        "<{{ v }}>",
        "<{{ v | append: '' }}>",
        "<{% if v %}{{ v }}{% endif %}>",
        "<{% for i in (1..1) %}{{ v }}{% endfor %}>",
        "<{% capture c %}{{ v }}{% endcapture %}{{ c }}>",
        "<{% assign c = v %}{{ c }}>",
        "<{% echo v %}>",
        '<{{ nope || & "%" < }}>',
        "<{% case v %}{% else %}{{ v }}{% endcase %}>",
    ],
)
@pytest.mark.parametrize("escape", [escapes.text, escapes.url, escapes.json_string])
def test_values_are_escaped_once_and_literal_text_never(source: str, escape: Any) -> None:
    value = '& "%" <'
    rendered = compile_template(source).render(seeing({"v": value}), escape)
    assert rendered.text == f"<{escape(value)}>"
