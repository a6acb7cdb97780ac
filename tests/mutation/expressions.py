"""What an expression is changed to, one change at a time."""

import ast
import re
from collections.abc import Iterator
from typing import Final

_NEGATED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
}
_SHIFTED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
"""The other side of a limit."""

_ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_FUNCTIONS: Final = {"all": "any", "any": "all", "min": "max", "max": "min"}
_PAIRS: Final = (
    ("ceil", "floor"),
    ("lower", "upper"),
    ("lstrip", "rstrip"),
    ("removeprefix", "removesuffix"),
    ("startswith", "endswith"),
    ("partition", "rpartition"),
    ("find", "rfind"),
)
_METHODS: Final = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])} | {"fullmatch": "match", "match": "search"}
_CLEANING: Final = frozenset({"strip", "lstrip", "rstrip", "lower", "upper", "casefold"})
_TESTED: Final = ("isinstance", "issubclass")
_COUNT: Final = re.compile(r"\{(\d+)(?:,(\d+))?\}")


def changed(node: ast.expr, *, in_pattern: bool, in_format: bool, in_isinstance: bool) -> Iterator[ast.expr]:
    """Every change of an expression itself, not of what is in it; what it is made of may be shared with it."""
    match node:
        case ast.Compare():
            yield from _comparisons(node)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield operand
        case ast.BinOp(left, ast.BitOr(), right) if in_isinstance:
            yield from (left, right)
        case ast.BinOp(left, op, right) if type(op) in _ARITHMETIC:
            yield ast.BinOp(left, _ARITHMETIC[type(op)](), right)
        case ast.IfExp(test, body, orelse) if is_plain_test(test):
            yield ast.IfExp(negated(test), body, orelse)
        case ast.Call():
            yield from _calls(node)
        case ast.Constant(value):
            yield from (ast.Constant(other) for other in _constants(value, in_pattern=in_pattern, in_format=in_format))
        case _:
            pass


def is_plain_test(test: ast.expr) -> bool:
    """Whether a test has no change of its own that turns it round."""
    return not isinstance(test, ast.Compare | ast.BoolOp | ast.Constant) and not (
        isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    )


def negated(test: ast.expr) -> ast.expr:
    """The opposite of a test."""
    return ast.UnaryOp(ast.Not(), test)


def is_isinstance(node: ast.AST) -> bool:
    """Whether a call asks for a type."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _TESTED


def _comparisons(node: ast.Compare) -> Iterator[ast.Compare]:
    for position, op in enumerate(node.ops):
        for table in (_NEGATED, _SHIFTED):
            other = table.get(type(op))
            if other is not None:
                yield ast.Compare(node.left, [*node.ops[:position], other(), *node.ops[position + 1 :]], node.comparators)


def _calls(node: ast.Call) -> Iterator[ast.expr]:
    match node.func:
        case ast.Name(id) if id in _FUNCTIONS:
            yield ast.Call(ast.Name(_FUNCTIONS[id], ast.Load()), node.args, node.keywords)
        case ast.Attribute(value, attr):
            if attr in _METHODS:
                yield ast.Call(ast.Attribute(value, _METHODS[attr], ast.Load()), node.args, node.keywords)
            if attr in _CLEANING:
                yield value
        case _:
            pass


def _constants(value: object, *, in_pattern: bool, in_format: bool) -> Iterator[str | bytes | float]:
    match value:
        case bool():
            yield not value
        case int():
            yield from (value + 1, value - 1)
        case float():
            yield value + 1
        case str() if in_format:
            yield from (
                value[: each.start()] + str(int(each[0]) + 1).zfill(len(each[0])) + value[each.end() :]
                for each in re.finditer(r"\d+", value)
            )
        case str():
            yield f"XX{value}"
            if in_pattern:
                yield from _counts(value)
        case bytes():
            yield b"XX" + value
        case _:
            pass


def _counts(pattern: str) -> Iterator[str]:
    """A regular expression with one of its `{m,n}` moved by one."""
    for found in _COUNT.finditer(pattern):
        least, most = int(found[1]), int(found[2] or found[1])
        ranges = {(least - 1, most), (least + 1, most), (least, most - 1), (least, most + 1)} if found[2] else {(least + 1, most + 1)}
        for low, high in sorted(ranges):
            if 0 <= low <= high > 0:
                yield f"{pattern[: found.start()]}{{{low},{high}}}{pattern[found.end() :]}"
