"""What must be known of a parsed Liquid template before it is used: its names, that its filters fit, what its loops cost."""

import inspect
from collections.abc import Iterator
from typing import Any

from liquid import BoundTemplate, RenderContext
from liquid.ast import Node
from liquid.builtin.expressions import FilteredExpression, KeywordArgument
from liquid.builtin.expressions.filtered import Filter
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.tags.for_tag import BreakNode, ContinueNode
from liquid.expression import Expression

from clarion.domain.lookup import ROOTS
from clarion.domain.problems import quoted
from clarion.domain.templates.errors import TemplateProblem
from clarion.domain.templates.expressions import PLAIN
from clarion.domain.templates.filters import FILTERS, SCOPE_FILTERS
from clarion.domain.templates.liquid_context import OR_ELSE
from clarion.domain.templates.liquid_nodes import LoopNode


def check(template: BoundTemplate) -> frozenset[str]:
    """Weigh the loops and give the names that the template takes from its scope; raises TemplateProblem.

    A name with a computed part, as in `event[which]`, ends before that part with `[]`.
    """
    context = RenderContext(template)
    for node in template.nodes:
        _check_node(node, context, in_loop=False)
    analysis = template.analyze(include_partials=False)
    for name in analysis.locals:
        if name in ROOTS:
            msg = f"'{name}' cannot be assigned"
            raise TemplateProblem(msg)
    return frozenset(_name(variable.segments) for found in analysis.globals.values() for variable in found)


def _name(segments: list[Any]) -> str:
    parts = segments[1:] if segments[0] == PLAIN else segments
    if parts[0] == "segments":
        return "segments"
    fixed: list[str] = []
    for part in parts:
        if not isinstance(part, str | int):
            return ".".join(fixed) + "[]"
        fixed.append(str(part))
    return ".".join(fixed)


def _check_node(node: Node, context: RenderContext, *, in_loop: bool) -> int:
    """Check a node and those in it; gives how many they are."""
    if isinstance(node, BreakNode | ContinueNode) and not in_loop:
        msg = "'break' and 'continue' stand in a 'for' only"
        raise TemplateProblem(msg)
    looped = isinstance(node, LoopNode)
    for expression in node.expressions():
        for part in _parts(expression):
            _check_expression(part, is_iterable=looped and part is getattr(expression, "iterable", None))
    inside = sum(_check_node(child, context, in_loop=in_loop or looped) for child in node.children(context))
    if isinstance(node, LoopNode):
        node.weight = inside
    return inside + 1


def _parts(expression: Expression) -> Iterator[Expression]:
    yield expression
    for child in expression.children():
        yield from _parts(child)


def _check_expression(expression: Expression, *, is_iterable: bool) -> None:
    if isinstance(expression, RangeLiteral) and not is_iterable:
        msg = "a range such as (1..5) can only be looped over with 'for'"
        raise TemplateProblem(msg)
    if isinstance(expression, FilteredExpression):
        for step in expression.filters or ():
            if step.name != OR_ELSE:
                _check_filter(step)


def _check_filter(step: Filter) -> None:
    """A filter must be able to take the arguments that it is given."""
    run = FILTERS.get(step.name) or SCOPE_FILTERS[step.name]
    named = [argument.name for argument in step.args if isinstance(argument, KeywordArgument)]
    signature = inspect.signature(run)
    if step.name in SCOPE_FILTERS:
        signature = signature.replace(parameters=[part for part in signature.parameters.values() if part.name != "scope"])
    try:
        signature.bind(*[None] * (len(step.args) - len(named) + 1), **dict.fromkeys(named))
    except TypeError as error:
        msg = f"filter {quoted(step.name)} does not take these arguments: {error}"
        raise TemplateProblem(msg) from None
