"""A template's source taken apart: text, outputs `{{ … }}` and tags `{% … %}`; in one pass, whatever the source.

White space that a `-` in markup drops, comments and `raw` are dealt with here.
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
_TAG = re.compile(r"#|\w+")
_END_RAW = re.compile(r"\{%(-?)\s*endraw\s*(-?)%\}")
_COMMENT = re.compile(r"\{%-?\s*(end)?comment\s*(-?)%\}")


class Piece(msgspec.Struct, frozen=True):
    """A piece of a template. Text pieces are never neighbours."""

    kind: Literal["text", "output", "tag"]
    content: str
    """The text; the expression of an output; what follows the name of a tag."""
    tag: str = ""


def scan(source: str) -> list[Piece]:
    """The pieces of a template; raises TemplateProblem for what is too long, not closed or no tag of ours."""
    if len(source) > LONGEST_SOURCE:
        msg = f"is longer than {LONGEST_SOURCE} characters"
        raise TemplateProblem(msg)
    if "\x00" in source or whole(source) != source:
        msg = "must hold neither NUL nor lone surrogates nor the noncharacters U+FDD0 and U+FDD1"
        raise TemplateProblem(msg)
    return _Scanner(source).pieces


class _Scanner:
    """One pass over one source."""

    def __init__(self, source: str) -> None:
        self.pieces: list[Piece] = []
        self._source = source
        self._drops_space = False
        position = markup = 0
        while (opening := _OPEN.search(source, position)) is not None:
            self._text(source[position : opening.start()])
            markup += 1
            if markup > MOST_MARKUP:
                msg = f"has more than {MOST_MARKUP} outputs and tags"
                raise TemplateProblem(msg)
            position = self._markup(opening)
        self._text(source[position:])

    def _text(self, content: str) -> None:
        kept = content.lstrip() if self._drops_space else content
        self._drops_space = self._drops_space and not content
        if not kept:
            return
        if self.pieces and self.pieces[-1].kind == "text":
            kept = self.pieces.pop().content + kept
        self.pieces.append(Piece("text", kept))

    def _drop_space_before(self) -> None:
        if self.pieces and self.pieces[-1].kind == "text":
            kept = self.pieces.pop().content.rstrip()
            if kept:
                self.pieces.append(Piece("text", kept))

    def _markup(self, opening: re.Match[str]) -> int:
        """Read the markup that opens there; gives where it ends."""
        start, is_output = opening.end(), opening.group() == "{{"
        closing = "}}" if is_output else "%}"
        end = self._source.find(closing, start)
        if not 0 <= end - start <= LONGEST_MARKUP:
            line = self._source.count("\n", 0, start) + 1
            wrong = f"is never closed with '{closing}'" if end < 0 else f"holds more than {LONGEST_MARKUP} characters"
            msg = f"'{opening.group()}' in line {line} {wrong}"
            raise TemplateProblem(msg)
        inner = self._source[start:end]
        before, after = inner.startswith("-"), len(inner) > 1 and inner.endswith("-")
        inner = inner[before : len(inner) - after].strip()
        if before:
            self._drop_space_before()
        self._drops_space = after
        if is_output:
            self.pieces.append(Piece("output", inner))
            return end + 2
        return self._tag(inner, end + 2)

    def _tag(self, inner: str, end: int) -> int:
        found = _TAG.match(inner)
        name = found.group() if found else ""
        content = inner[len(name) :].strip()
        if name == "raw":
            return self._raw(end)
        if name == "comment":
            return self._comment(end)
        if name not in TAGS and name not in INNER_TAGS:
            msg = f"unknown tag {quoted(name)}{did_you_mean(name, TAGS)}" if name else "a tag '{% %}' names nothing to do"
            raise TemplateProblem(msg)
        if name == "echo":
            self.pieces.append(Piece("output", content))
        elif name != "#":
            self.pieces.append(Piece("tag", content, name))
        return end

    def _raw(self, start: int) -> int:
        end = _END_RAW.search(self._source, start)
        if end is None:
            msg = "'{% raw %}' is never closed with '{% endraw %}'"
            raise TemplateProblem(msg)
        self._text(self._source[start : end.start()])
        if end.group(1):
            self._drop_space_before()
        self._drops_space = bool(end.group(2))
        return end.end()

    def _comment(self, start: int) -> int:
        depth = 1
        for found in _COMMENT.finditer(self._source, start):
            depth += -1 if found.group(1) else 1
            if depth == 0:
                self._drops_space = bool(found.group(2))
                return found.end()
        msg = "'{% comment %}' is never closed with '{% endcomment %}'"
        raise TemplateProblem(msg)
