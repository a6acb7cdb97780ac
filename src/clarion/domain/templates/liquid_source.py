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
from clarion.domain.templates.liquid_nodes import PrintNode
from clarion.domain.templates.scan import Piece
from clarion.domain.templates.values import is_value

_FILTERS = frozenset(FILTERS) | frozenset(SCOPE_FILTERS)


def liquid_source(pieces: list[Piece]) -> tuple[str, list[str]]:
    """The template as Liquid reads it, and the defaults that its outputs name by number; raises TemplateProblem."""
    parts: list[str] = []
    defaults: list[str] = []
    for piece in pieces:
        opening, closing = "-" if piece.before else "", "-" if piece.after else ""
        if piece.kind == "text":
            parts.append(piece.content)
        elif piece.kind == "output":
            expression, default = split_default(piece.content)
            if not expression:
                msg = "an output '{{ }}' names nothing"
                raise TemplateProblem(msg)
            expression = for_liquid(expression, _FILTERS)
            if default is not None:
                expression += f" | {OR_ELSE}: {len(defaults)}"
                defaults.append(default)
            parts.append(f"{{{{{opening} {expression} {closing}}}}}")
        elif piece.tag == "raw":
            parts.append(f"{{%{opening} raw %}}{piece.content}{{% endraw {closing}%}}")
        else:
            parts.append(f"{{%{opening} {piece.tag} {for_liquid(piece.content, _FILTERS, tag=piece.tag)} {closing}%}}")
    return "".join(parts), defaults


class Liquid:
    """A template parsed by Liquid."""

    def __init__(self, source: str, defaults: list[str]) -> None:
        """Raises TemplateProblem."""
        self._defaults = tuple(defaults)
        try:
            self._template = ENVIRONMENT.from_string(source)
            self.names = check(self._template)
        except LiquidError as error:
            raise TemplateProblem(_said(error)) from error
        except RecursionError as error:
            msg = "is nested too deeply"
            raise TemplateProblem(msg) from error

    def render(self, scope: Scope, escape: Escape) -> tuple[str, tuple[str, ...]]:
        """The text and the missing names; raises TemplateError."""
        context = Context(self._template, scope, escape, self._defaults)
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
        context = Context(self._template, scope, escapes.text, self._defaults)
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
