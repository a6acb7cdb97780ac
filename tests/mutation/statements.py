"""What a statement is changed to, one change at a time."""

import ast
from collections.abc import Iterator

from tests.mutation.expressions import is_plain_test, negated


def changed(node: ast.AST, *, in_init: bool) -> Iterator[ast.AST]:
    """Every change of a statement, an `except` or a comprehension itself, not of what is in it."""
    match node:
        case ast.Return(value) if value is not None and not _is_as_good_as_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(ast.Call() | ast.Yield() | ast.YieldFrom() | ast.Await()) | ast.Raise() | ast.Delete():
            yield ast.Pass()
        case ast.Assign([ast.Attribute() | ast.Subscript()]) if not in_init:
            yield ast.Pass()
        case ast.AugAssign(target, op, value):
            yield ast.Pass()
            if isinstance(op, ast.Add | ast.Sub):
                yield ast.AugAssign(target, ast.Sub() if isinstance(op, ast.Add) else ast.Add(), value)
        case ast.If(test, body, orelse) if is_plain_test(test):
            yield ast.If(negated(test), body, orelse)
        case ast.While(test, body, orelse) if is_plain_test(test):
            yield ast.While(negated(test), body, orelse)
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()
        case ast.Match(subject, cases) if len(cases) > 1:
            yield from (ast.Match(subject, [*cases[:position], *cases[position + 1 :]]) for position in range(len(cases)))
        case ast.ExceptHandler(type_, name, body) if not (isinstance(body[0], ast.Raise) and body[0].exc is None):
            yield ast.ExceptHandler(type_, name, [ast.Raise()])
        case ast.comprehension(target, iterated, tests, is_async):
            for position, test in enumerate(tests):
                if is_plain_test(test):
                    yield ast.comprehension(target, iterated, [*tests[:position], negated(test), *tests[position + 1 :]], is_async)
        case _:
            pass


def _is_as_good_as_none(value: ast.expr) -> bool:
    """Whether None in its place would be read the same wherever truth is asked for: a changed test says more."""
    return isinstance(value, ast.Compare | ast.BoolOp) or (isinstance(value, ast.Constant) and not value.value)
