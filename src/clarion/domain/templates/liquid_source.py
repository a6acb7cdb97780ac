"""A scanned template handed to Liquid, rendered, and its errors made ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from liquid.exceptions import LiquidError, ResourceLimitError

from clarion.domain.records import MISSING, Scope
from clarion.domain.templates import escapes
from clarion.domain.templates.errors import TemplateFailure, TemplateLimit, TemplateProblem
from clarion.domain.templates.escapes import Escape
from clarion.domain.templates.expressions import for_liquid, split_default
from clarion.domain.templates.filters import FILTERS, SCOPE_FILTERS
from clarion.domain.templates.liquid_check import check
from clarion.domain.templates.liquid_context import OR_ELSE, Context
from clarion.domain.templates.liquid_environment import ENVIRONMENT
from clarion.domain.templates.liquid_nodes import VERBATIM, PrintNode
from clarion.domain.templates.scan import Piece
from clarion.domain.templates.values import is_value

_FILTERS = frozenset(FILTERS) | frozenset(SCOPE_FILTERS)


def liquid_source(pieces: list[Piece]) -> tuple[str, list[str]]:
    """The template as Liquid reads it, and the texts that it names by number; raises TemplateProblem."""
    parts: list[str] = []
    texts: list[str] = []
    for piece in pieces:
        if piece.kind == "text":
            parts.append(_text(piece.content, texts))
        elif piece.kind == "output":
            parts.append(_output(piece.content, texts))
        else:
            parts.append(f"{{% {piece.tag} {for_liquid(piece.content, _FILTERS, tag=piece.tag)} %}}")
    return "".join(parts), texts


def _text(content: str, texts: list[str]) -> str:
    """Text that Liquid would take for markup, alone or with what follows, is named by number."""
    if "{{" not in content and "{%" not in content and not content.endswith("{"):
        return content
    texts.append(content)
    return f"{{% {VERBATIM} {len(texts) - 1} %}}"


def _output(content: str, texts: list[str]) -> str:
    expression, default = split_default(content)
    if not expression:
        msg = "an output '{{ }}' names nothing"
        raise TemplateProblem(msg)
    expression = for_liquid(expression, _FILTERS)
    if default is not None:
        texts.append(default)
        expression += f" | {OR_ELSE}: {len(texts) - 1}"
    return f"{{{{ {expression} }}}}"


class Liquid:
    """A template parsed by Liquid."""

    def __init__(self, source: str, texts: list[str]) -> None:
        """Raises TemplateProblem."""
        self._texts = tuple(texts)
        try:
            self._template = ENVIRONMENT.from_string(source)
            self.names = check(self._template)
        except TemplateProblem:
            raise
        except LiquidError as error:
            raise TemplateProblem(_said(error)) from error
        except Exception as error:  # no source may do worse than be refused; RecursionError is met here
            msg = f"cannot be read: {type(error).__name__}"
            raise TemplateProblem(msg) from error

    def render(self, scope: Scope, escape: Escape) -> tuple[str, tuple[str, ...]]:
        """The text and the missing names; raises TemplateError."""
        context = Context(self._template, scope, escape, self._texts)
        buffer = context.get_buffer()
        with _errors_as_ours():
            for node in self._template.nodes:
                node.render(context, buffer)
        return buffer.getvalue(), tuple(dict.fromkeys(context.missing))

    def value(self, scope: Scope) -> tuple[object, tuple[str, ...]]:
        """The value of the template's one output, MISSING if there is none; raises TemplateError."""
        (node,) = self._template.nodes
        if not isinstance(node, PrintNode):
            return MISSING, ()
        context = Context(self._template, scope, escapes.text, self._texts)
        with _errors_as_ours():
            found = context.value(node.expression)
        return (found if is_value(found) or isinstance(found, str | list | tuple) else MISSING), tuple(dict.fromkeys(context.missing))


@contextmanager
def _errors_as_ours() -> Iterator[None]:
    try:
        yield
    except ResourceLimitError as error:
        raise TemplateLimit(_said(error)) from error
    except LiquidError as error:
        raise TemplateFailure(_said(error)) from error


def _said(error: LiquidError) -> str:
    """Liquid's message, without the excerpt of a source that its author did not write like that."""
    return str(error.message or type(error).__name__)
