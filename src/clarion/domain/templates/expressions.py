"""The inside of outputs and tags: `name | filter || default`, made ready for Liquid, which knows no such names or defaults."""

import re
from collections.abc import Collection
from typing import Final

from clarion.domain.problems import did_you_mean, quoted
from clarion.domain.templates.errors import TemplateProblem
from clarion.domain.templates.names import NAME

_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<string>\"[^\"]*\"|'[^']*')"
    r"|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?!\.?[\w-]))"
    r"|(?P<name>\w[\w-]*(?:\.\w[\w-]*)*)"
    r"|(?P<other>\|\||.)",
    re.DOTALL,
)
PLAIN: Final = "_"
"""Root under which Liquid finds the names that it would not read as such: `1a` is handed to it as `_['1a']`."""

_LOOP_WORDS: Final = frozenset({"in", "offset", "limit", "reversed", "cols", "continue"})
_NEVER: Final = _LOOP_WORDS | {"not", "with", "for", "as", "if", "else", "required"}
"""Keywords of Liquid's that mean nothing outside of `for`, or nowhere here: names that it must be handed as such."""

_ALWAYS: Final = frozenset({"and", "or", "contains", "true", "false", "nil", "null", "empty", "blank"})
"""Keywords that are names only at the head of an output; elsewhere a data key of that spelling is written `event.empty`."""


def split_default(expression: str) -> tuple[str, str | None]:
    """An output's expression without its default, and the default: the trimmed text behind the first `||`, quotes taken off."""
    for token in _TOKEN.finditer(expression):
        if token.group() == "||":
            return expression[: token.start()].rstrip(), _unquoted(expression[token.end() :].strip())
    return expression, None


def _unquoted(text: str) -> str:
    for quote in "\"'":
        if len(text) >= 2 and text.startswith(quote) and text.endswith(quote) and quote not in text[1:-1]:
            return text[1:-1]
    return text


def for_liquid(expression: str, filters: Collection[str], *, tag: str = "") -> str:
    """An expression as Liquid reads it: any data key can be read by it, every filter is a known one.

    `tag` is the tag that it stands in; without one it is an output's, whose first word is always a name unless it is a
    number with filters. Raises TemplateProblem.
    """
    if not tag and NAME.fullmatch(expression):
        return _name(expression, _NEVER | _ALWAYS)
    keywords = _NEVER - _LOOP_WORDS if tag == "for" else _NEVER
    pieces: list[str] = []
    previous = tag
    for token in _TOKEN.finditer(expression):
        text = token.group()
        kind = token.lastgroup
        if kind == "space":
            pieces.append(" ")
            continue
        if kind == "name" and previous == "|":
            if text not in filters:
                msg = f"unknown filter {quoted(text)}{did_you_mean(text, filters)}"
                raise TemplateProblem(msg)
        elif kind == "name":
            text = _name(text, keywords if previous else _NEVER | _ALWAYS)
        pieces.append(text)
        previous = text
    return "".join(pieces)


def _name(name: str, keywords: Collection[str]) -> str:
    root, *rest = name.split(".")
    if root == PLAIN:
        msg = f"'{PLAIN}' is no name"
        raise TemplateProblem(msg)
    if root[0].isdigit() or root in keywords:
        root = f"{PLAIN}['{root}']"
    return root + "".join(f"['{part}']" for part in rest)
