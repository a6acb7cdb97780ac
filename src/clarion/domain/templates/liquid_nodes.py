"""Liquid's outputs, loops and captures with escaping and limits of our own."""

from typing import Final, TextIO

from liquid import RenderContext, Token, TokenStream
from liquid.ast import Node
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.capture_tag import CaptureNode, CaptureTag
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.tag import Tag
from liquid.token import TOKEN_EXPRESSION, TOKEN_TAG

from clarion.domain.templates.limits import check_items
from clarion.domain.templates.liquid_context import Context

VERBATIM: Final = "verbatim"
"""Tag that stands for text, with its number; templates cannot write it themselves."""


class PrintNode(OutputNode):
    """`{{ … }}`: every value is escaped here, and only here."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(_ours(context).printed(self.expression))


class Print(Output):
    node_class = PrintNode


class VerbatimNode(Node):
    """Text of the template that looks like markup."""

    def __init__(self, token: Token, number: int) -> None:
        super().__init__(token)
        self.number = number
        self.blank = False

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(_ours(context).texts[self.number])


class Verbatim(Tag):
    name = VERBATIM
    block = False

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        return VerbatimNode(token, int(stream.expect(TOKEN_EXPRESSION).value))


class LoopNode(ForNode):
    """`for`: pays for all its turns before the first."""

    weight = 1
    """Nodes in its body."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        iterable = self.expression.iterable.evaluate(context)
        if isinstance(iterable, range):
            length = iterable.stop - iterable.start
        else:
            length = len(iterable) if isinstance(iterable, list | tuple) else 1
        check_items(length)
        _ours(context).spend(1 + length * self.weight)
        return super().render_to_output(context, buffer)


class Loop(ForTag):
    node_class = LoopNode


class KeepNode(CaptureNode):
    """`capture`: keeps values as they are."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        ours = _ours(context)
        ours.capturing += 1
        try:
            return super().render_to_output(context, buffer)
        finally:
            ours.capturing -= 1


class Keep(CaptureTag):
    node_class = KeepNode


def _ours(context: RenderContext) -> Context:
    if not isinstance(context, Context):
        msg = "templates render in a context of ours"
        raise TypeError(msg)
    return context
