"""A template's source taken apart: text, outputs `{{ … }}` and tags `{% … %}`; in one pass, whatever the source.

Liquid's own lexer is handed only what went through here, so its regular expressions never meet long or unclosed markup.
"""

import re
from typing import Final, Literal

import msgspec

from clarion.domain.problems import did_you_mean, quoted
from clarion.domain.templates.errors import TemplateProblem
from clarion.domain.templates.escapes import whole

LONGEST_SOURCE: Final = 16 * 1024
LONGEST_MARKUP: Final = 1024
MOST_MARKUP: Final = 500

TAGS: Final = frozenset({"if", "unless", "case", "for", "assign", "capture", "echo", "break", "continue", "comment", "raw", "#"})
INNER_TAGS: Final = frozenset({"elsif", "else", "when", "endif", "endunless", "endcase", "endfor", "endcapture"})

_OPEN = re.compile(r"\{[{%]")
_TAG = re.compile(r"\s*(#|\w+)?\s*(.*)", re.DOTALL)
_END_RAW = re.compile(r"\{%-?\s*endraw\s*(-?)%\}")
_COMMENT = re.compile(r"\{%-?\s*(end)?comment\s*(-?)%\}")


class Piece(msgspec.Struct, frozen=True):
    """A piece of a template."""

    kind: Literal["text", "output", "tag"]
    content: str
    """The text; the expression of an output; what follows the name of a tag. Trimmed but for text."""
    tag: str = ""
    before: bool = False
    """Whether `-` asks to drop white space before it."""
    after: bool = False


def scan(source: str) -> list[Piece]:
    """The pieces of a template; raises TemplateProblem for what is too long, not closed or no tag of ours."""
    if len(source) > LONGEST_SOURCE:
        msg = f"is longer than {LONGEST_SOURCE} characters"
        raise TemplateProblem(msg)
    if "\x00" in source or whole(source) != source:
        msg = "must hold neither NUL nor lone surrogates"
        raise TemplateProblem(msg)
    pieces: list[Piece] = []
    position = 0
    markup = 0
    while (opening := _OPEN.search(source, position)) is not None:
        if opening.start() > position:
            pieces.append(Piece("text", source[position : opening.start()]))
        markup += 1
        if markup > MOST_MARKUP:
            msg = f"has more than {MOST_MARKUP} outputs and tags"
            raise TemplateProblem(msg)
        position = _markup(source, opening, pieces)
    if position < len(source):
        pieces.append(Piece("text", source[position:]))
    return pieces


def _markup(source: str, opening: re.Match[str], pieces: list[Piece]) -> int:
    """Read the markup that opens there; gives where it ends."""
    is_output = opening.group() == "{{"
    closing = "}}" if is_output else "%}"
    end = source.find(closing, opening.end())
    if end < 0:
        msg = f"'{opening.group()}' in line {_line(source, opening.start())} is never closed with '{closing}'"
        raise TemplateProblem(msg)
    if end - opening.end() > LONGEST_MARKUP:
        msg = f"'{opening.group()}' in line {_line(source, opening.start())} holds more than {LONGEST_MARKUP} characters"
        raise TemplateProblem(msg)
    inner = source[opening.end() : end]
    before, after = inner.startswith("-"), len(inner) > 1 and inner.endswith("-")
    inner = inner[before : len(inner) - after]
    end += 2
    if is_output:
        pieces.append(Piece("output", inner.strip(), before=before, after=after))
        return end
    name, content = _TAG.fullmatch(inner).groups()  # type: ignore[union-attr]  # it matches anything
    if name == "raw":
        return _raw(source, end, before, after, pieces)
    if name == "comment":
        return _comment(source, end, before, pieces)
    if name not in TAGS and name not in INNER_TAGS:
        msg = f"unknown tag {quoted(name)}{did_you_mean(name, TAGS)}" if name else "a tag '{% %}' names nothing to do"
        raise TemplateProblem(msg)
    if name == "echo":
        pieces.append(Piece("output", content.strip(), before=before, after=after))
    elif name != "#":
        pieces.append(Piece("tag", content.strip(), name, before, after))
    elif before or after:
        pieces.append(Piece("tag", "", "#", before, after))
    return end


def _raw(source: str, start: int, before: bool, after: bool, pieces: list[Piece]) -> int:
    end = _END_RAW.search(source, start)
    if end is None:
        msg = "'{% raw %}' is never closed with '{% endraw %}'"
        raise TemplateProblem(msg)
    content = source[start : end.start()]
    pieces.append(Piece("tag", content.lstrip() if after else content, "raw", before, bool(end.group(1))))
    return end.end()


def _comment(source: str, start: int, before: bool, pieces: list[Piece]) -> int:
    depth = 1
    for found in _COMMENT.finditer(source, start):
        depth += -1 if found.group(1) else 1
        if depth == 0:
            if before or found.group(2):
                pieces.append(Piece("tag", "", "#", before, bool(found.group(2))))
            return found.end()
    msg = "'{% comment %}' is never closed with '{% endcomment %}'"
    raise TemplateProblem(msg)


def _line(source: str, position: int) -> int:
    return source.count("\n", 0, position) + 1
