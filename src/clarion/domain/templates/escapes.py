"""Escaping of values for where a template's output goes (semantics §4). Literal template text is left as it is.

Every function takes any text, lone surrogates included, and gives text that UTF-8 can carry and in which nothing passes for the mark
of a secret.
"""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

import msgspec

from clarion.domain.secret_marks import CLOSING, OPENING

Escape = Callable[[str], str]
"""Makes one value safe for its place."""

_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_MARKING = re.compile(f"[{OPENING}{CLOSING}]")
_IN_SCRIPTS: Final = str.maketrans({"<": "\\u003c", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def text(value: str) -> str:
    """For plain text, as in a push: control characters but line feed and tab are dropped."""
    if value.isprintable():
        return value
    return whole(_UNWANTED.sub("", value))


def json_string(value: str) -> str:
    """For the inside of a JSON string (RFC 8259 §7), safe in a page's script too: no `<`, no U+2028 or U+2029."""
    return msgspec.json.encode(whole(value)).decode()[1:-1].translate(_IN_SCRIPTS)


def url(value: str) -> str:
    """For a part of a URL: all but RFC 3986 §2.3's unreserved characters is percent-encoded as UTF-8."""
    return quote(whole(value), safe="")


def whole(value: str) -> str:
    """The text with U+FFFD in place of each lone surrogate, and without the characters that mark secrets."""
    return value if value.isascii() else _MARKING.sub("", _SURROGATES.sub("\ufffd", value))
