"""What Liquid sees while it renders: a scope's names, its own variables, nothing of the machine; and what it may use."""

from collections.abc import Sequence
from io import StringIO
from typing import Any, TextIO

from liquid import BoundTemplate, RenderContext, Token, Undefined
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.expression import Expression
from liquid.undefined import UNDEFINED
from liquid.utils import ReadOnlyChainMap

from clarion.domain.lookup import ROOTS
from clarion.domain.records import MISSING, Scope
from clarion.domain.templates.errors import TemplateLimit
from clarion.domain.templates.escapes import Escape
from clarion.domain.templates.expressions import PLAIN
from clarion.domain.templates.limits import MOST_WORK, check_length, work_of
from clarion.domain.templates.names import compile_name
from clarion.domain.templates.values import is_value, to_text

OR_ELSE = "or_else"
"""Filter that stands for `||`, with the number of a text; templates cannot write it themselves."""


class Context(RenderContext):
    """One rendering."""

    def __init__(self, template: BoundTemplate, scope: Scope, escape: Escape, texts: Sequence[str]) -> None:
        super().__init__(template)
        # Liquid's own chain offers the machine's clock as `now` and `today`.
        self.scope = ReadOnlyChainMap(self.locals)
        self.facts = scope
        self.texts = texts
        """Defaults and verbatim text, which the template names by number."""
        self.escape = escape
        self.capturing = 0
        """Depth of `capture`: what is captured is escaped when it is printed, so once."""
        self.missing: list[str] = []
        self._work = 0

    def spend(self, units: int) -> None:
        """Count work; raises TemplateLimit when there has been too much."""
        self._work += units
        if self._work > MOST_WORK:
            msg = "the template takes too much work"
            raise TemplateLimit(msg)

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        """A variable of the template, else what the scope holds under the name; Undefined where it is missing."""
        self.spend(1)
        root = path[0]
        if isinstance(root, str) and root not in ROOTS and root in self.scope:
            return super().get(path, token=token, default=default)
        found = self._navigate(self.facts.profile.segments, path) if root == "segments" and self.facts.profile else self._find(path)
        if found is not MISSING:
            return found
        return Undefined(str(root), token=token) if default is UNDEFINED else default

    def resolve(self, name: str, *, token: Token | None = None, default: object = UNDEFINED) -> Any:
        return self.get([name], token=token, default=default)

    def assign(self, key: str, val: Any) -> None:
        self.spend(work_of(val))
        self.locals[key] = val

    def get_buffer(self, buf: TextIO | None = None) -> StringIO:
        return Buffer(self)

    def value(self, expression: Expression) -> object:
        """The value of an output, recording its name if that is missing and nothing takes its place."""
        if not isinstance(expression, FilteredExpression):
            return expression.evaluate(self)
        held = expression.left.evaluate(self)
        absent = isinstance(held, Undefined)
        for step in expression.filters or ():
            held = step.evaluate(held, self)
            absent = absent and step.name != OR_ELSE
        if absent and isinstance(expression.left, Path) and not is_value(held):
            self.missing.append(spelled(expression.left))
        return held

    def printed(self, expression: Expression) -> str:
        """An output's text, escaped for where it goes."""
        self.spend(1)
        text = to_text(self.value(expression))
        return text if self.capturing else self.escape(text)

    def _find(self, path: list[object]) -> object:
        parts = path[1:] if path[0] == PLAIN else path
        if not all(isinstance(part, str | int) for part in parts):
            return MISSING
        return compile_name(".".join(map(str, parts)))(self.facts)

    def _navigate(self, held: object, path: list[object]) -> object:
        try:
            for part in path[1:]:
                held = self.get_item(held, part)
        except (KeyError, IndexError, TypeError):
            return MISSING
        return held


class Buffer(StringIO):
    """Output of a rendering or a capture, bounded."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._length = 0

    def write(self, text: str, /) -> int:
        self._context.spend(len(text) // 64)
        self._length += len(text)
        check_length(self._length)
        return super().write(text)


def spelled(path: Path) -> str:
    """A path as the template's author wrote it, as near as may be."""
    parts = [str(part) for part in path.path]
    return ".".join(parts[1:] if parts[0] == PLAIN else parts)
