"""Our Liquid: the tags and filters that it has, none of which reaches a file, a clock or another template."""

from collections.abc import Callable
from typing import Any, Final

from liquid import Environment, RenderContext, Undefined
from liquid.builtin.content import Literal
from liquid.builtin.illegal import Illegal
from liquid.builtin.tags.assign_tag import AssignTag
from liquid.builtin.tags.case_tag import CaseTag
from liquid.builtin.tags.for_tag import BreakTag, ContinueTag
from liquid.builtin.tags.if_tag import IfTag
from liquid.builtin.tags.unless_tag import UnlessTag
from liquid.filter import with_context

from clarion.domain.templates.filters import FILTERS, SCOPE_FILTERS, Filter
from clarion.domain.templates.limits import check_value, work_of
from clarion.domain.templates.liquid_context import OR_ELSE, Context
from clarion.domain.templates.liquid_nodes import Keep, Loop, Print, Verbatim
from clarion.domain.templates.values import is_value


class Ours(Environment):
    """Liquid as Clarion has it: strict, bounded, pure."""

    block_nesting_limit = 20

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        for tag in (Literal, Print, Illegal, IfTag, UnlessTag, CaseTag, Loop, BreakTag, ContinueTag, AssignTag, Keep, Verbatim):
            self.add_tag(tag)
        for name, run in FILTERS.items():
            self.add_filter(name, _bounded(run, scoped=False))
        for name, run in SCOPE_FILTERS.items():
            self.add_filter(name, _bounded(run, scoped=True))
        self.add_filter(OR_ELSE, _or_else)


def _bounded(run: Filter, *, scoped: bool) -> Callable[..., Any]:
    """The filter with its work counted and its outcome bounded; it gets None for what is missing."""

    def call(value: Any, *args: Any, context: RenderContext, **named: Any) -> Any:
        held = [_given(item) for item in (value, *args)]
        options = {name: _given(item) for name, item in named.items()}
        if isinstance(context, Context):
            context.spend(sum(map(work_of, held)))
            if scoped:
                options["scope"] = context.facts
        return check_value(run(*held, **options))

    with_context(call)
    return call


def _given(value: Any) -> Any:
    return None if isinstance(value, Undefined) else value


def _or_else(value: Any, number: int, *, context: Context) -> Any:
    return value if is_value(value) else context.texts[number]


with_context(_or_else)

ENVIRONMENT: Final = Ours()
