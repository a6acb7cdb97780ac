"""Filters on text. Numbers and booleans are taken as templates print them, what is missing as empty text."""

import base64
import binascii
import html
import re
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import msgspec

from clarion.domain.templates.errors import TemplateFailure
from clarion.domain.templates.escapes import whole
from clarion.domain.templates.filters.numbers import whole_number
from clarion.domain.templates.limits import check_items, check_length
from clarion.domain.templates.values import is_value, to_text

_TAG = re.compile(r"<[^<>]*>")
_BREAK = re.compile(r"\r?\n")
_SPACES = re.compile(r"\s+")


def append(value: Any, more: Any) -> str:
    return to_text(value) + to_text(more)


def prepend(value: Any, more: Any) -> str:
    return to_text(more) + to_text(value)


def upcase(value: Any) -> str:
    return to_text(value).upper()


def downcase(value: Any) -> str:
    return to_text(value).lower()


def capitalize(value: Any) -> str:
    return to_text(value).capitalize()


def strip(value: Any) -> str:
    return to_text(value).strip()


def lstrip(value: Any) -> str:
    return to_text(value).lstrip()


def rstrip(value: Any) -> str:
    return to_text(value).rstrip()


def squish(value: Any) -> str:
    return _SPACES.sub(" ", to_text(value).strip())


def strip_newlines(value: Any) -> str:
    return _BREAK.sub("", to_text(value))


def newline_to_br(value: Any) -> str:
    return _BREAK.sub("<br />\n", to_text(value))


def strip_html(value: Any) -> str:
    return _TAG.sub("", to_text(value))


def escape(value: Any) -> str:
    return html.escape(to_text(value))


def url_encode(value: Any) -> str:
    return quote_plus(whole(to_text(value)))


def url_decode(value: Any) -> str:
    return unquote_plus(to_text(value))


def base64_encode(value: Any) -> str:
    return base64.b64encode(whole(to_text(value)).encode()).decode()


def base64_decode(value: Any) -> str:
    try:
        return base64.b64decode(to_text(value), validate=True).decode()
    except (binascii.Error, ValueError):
        msg = "base64_decode: the value is no base64 of UTF-8 text"
        raise TemplateFailure(msg) from None


def replace(value: Any, old: Any, new: Any = "") -> str:
    text, before, after = to_text(value), to_text(old), to_text(new)
    check_length(len(text) + text.count(before) * (len(after) - len(before)))
    return text.replace(before, after)


def replace_first(value: Any, old: Any, new: Any = "") -> str:
    return to_text(value).replace(to_text(old), to_text(new), 1)


def remove(value: Any, old: Any) -> str:
    return to_text(value).replace(to_text(old), "")


def remove_first(value: Any, old: Any) -> str:
    return to_text(value).replace(to_text(old), "", 1)


def truncate(value: Any, most: Any = 50, end: Any = "...") -> str:
    """At most so many characters, those of `end` included."""
    text, length, tail = to_text(value), whole_number("truncate", most), to_text(end)
    return text if len(text) <= length else text[: max(0, length - len(tail))] + tail


def truncatewords(value: Any, most: Any = 15, end: Any = "...") -> str:
    text, count = to_text(value), max(1, whole_number("truncatewords", most))
    words = text.split(None, count)
    return text if len(words) <= count else " ".join(words[:count]) + to_text(end)


def slice_(value: Any, start: Any, length: Any = 1) -> Any:
    """So many characters or items from a position; a negative one counts from the end."""
    held = value if isinstance(value, list | tuple) else to_text(value)
    first, count = whole_number("slice", start), max(0, whole_number("slice", length))
    if first < 0:
        first += len(held)
    return held[first : first + count] if 0 <= first <= len(held) else held[:0]


def split(value: Any, separator: Any) -> list[str]:
    """The parts of a text; empty ones at its end are dropped, no separator splits into characters."""
    text, between = to_text(value), to_text(separator)
    check_items(text.count(between) if between else len(text))
    parts = (text.split() if between == " " else text.split(between)) if between else list(text)
    while parts and not parts[-1]:
        parts.pop()
    return parts


def json(value: Any) -> str:
    return msgspec.json.encode(value if isinstance(value, str | int | float | list | tuple) else None).decode()


def default(value: Any, instead: Any = "", *, allow_false: Any = False) -> Any:
    """Liquid's own default, which takes `false` for missing unless told otherwise; `||` never does."""
    if value is False:
        return value if allow_false is True else instead
    return value if is_value(value) else instead
