"""The mutants of a module: every small change of its source that `exclusions` does not rule out."""

import ast
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tests.mutation import expressions, statements
from tests.mutation.exclusions import is_excluded, is_message

_LONGEST: Final = 160


@dataclass(frozen=True)
class Mutant:
    """One change. It is put into the module's tree in place, so a process can have one mutant only."""

    module: str
    file: Path
    where: str
    """Qualified name of the function or class that it is in; empty at the module's level."""
    line: int
    lines: frozenset[int]
    """Lines that run when the changed code runs."""
    source: str
    """That line."""
    change: str
    """What of it is changed, before and after."""
    code: Callable[[], types.CodeType]
    """Makes the change and gives the module's code."""


@dataclass(frozen=True)
class _Place:
    where: str
    lines: frozenset[int]
    in_message: bool = False
    in_pattern: bool = False
    in_format: bool = False
    in_isinstance: bool = False


def mutants(module: str, file: Path) -> list[Mutant]:
    """All mutants of a module, in the order of its source."""
    return _Finder(module, file).found


class _Finder:
    def __init__(self, module: str, file: Path) -> None:
        self._module, self._file = module, file
        text = file.read_text(encoding="utf-8")
        self._tree, self._source = ast.parse(text), text.splitlines()
        self.found: list[Mutant] = []
        self._visit(self._tree, _Place("", frozenset()))

    def _visit(self, parent: ast.AST, place: _Place) -> None:
        for field, held in ast.iter_fields(parent):
            for position, node in enumerate(held) if isinstance(held, list) else [(None, held)]:
                if isinstance(node, ast.AST) and not is_excluded(parent, field, node):
                    inner = _inside(parent, field, node, place)
                    for changed in _changed(parent, field, node, inner):
                        self._add(parent, field, position, node, changed, inner)
                    self._visit(node, inner)

    def _add(self, parent: ast.AST, field: str, position: int | None, node: ast.AST, changed: ast.AST, place: _Place) -> None:
        line, tree, file = getattr(node, "lineno", min(place.lines)), self._tree, self._file

        def code() -> types.CodeType:
            if isinstance(node, ast.expr | ast.stmt | ast.ExceptHandler):
                ast.copy_location(changed, node)
            if position is None:
                setattr(parent, field, changed)
            else:
                getattr(parent, field)[position] = changed
            return compile(ast.fix_missing_locations(tree), str(file), "exec")

        source, change = self._source[line - 1].strip(), f"{_shown(node)} → {_shown(changed)}"
        self.found.append(Mutant(self._module, file, place.where, line, place.lines, source, change, code))


def _changed(parent: ast.AST, field: str, node: ast.AST, place: _Place) -> Iterator[ast.AST]:
    if isinstance(node, ast.expr):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if not (is_text and place.in_message):
            yield from expressions.changed(node, in_pattern=place.in_pattern, in_format=place.in_format, in_isinstance=place.in_isinstance)
    else:
        yield from statements.changed(node, in_init=place.where.endswith("__init__"))


def _inside(parent: ast.AST, field: str, node: ast.AST, place: _Place) -> _Place:
    """The place of a node in its parent."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return _Place(f"{place.where}.{node.name}".lstrip("."), _header(node))
    if isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
        return _Place(place.where, _header(node))
    if isinstance(parent, ast.Lambda) and field == "body":
        place = replace(place, lines=frozenset(range(parent.body.lineno, (parent.body.end_lineno or 0) + 1)))
    if isinstance(parent, ast.FunctionDef) and field == "args":
        place = replace(place, lines=frozenset(range(parent.body[0].lineno, (parent.end_lineno or 0) + 1)))
    return replace(
        place,
        in_message=place.in_message or is_message(parent, field, node),
        in_pattern=(place.in_pattern and isinstance(node, ast.Constant)) or _holds_pattern(parent, node),
        in_format=place.in_format or (isinstance(parent, ast.FormattedValue) and field == "format_spec"),
        in_isinstance=expressions.is_isinstance(parent) or (place.in_isinstance and isinstance(parent, ast.BinOp)),
    )


def _holds_pattern(parent: ast.AST, node: ast.AST) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg == "pattern"
    return isinstance(parent, ast.Call) and node in parent.args[:1] and ast.unparse(parent.func) == "re.compile"


def _header(node: ast.stmt | ast.ExceptHandler | ast.match_case) -> frozenset[int]:
    """Lines of a statement without those of the statements in it."""
    start = node.pattern.lineno if isinstance(node, ast.match_case) else node.lineno
    body = getattr(node, "cases", None) or getattr(node, "body", None)
    if not body:
        return frozenset(range(start, (node.end_lineno or start) + 1 if not isinstance(node, ast.match_case) else start + 1))
    first = body[0].pattern.lineno if isinstance(body[0], ast.match_case) else body[0].lineno
    # what an `except` or a `case` leads to tells best whether it was reached
    reached = first + 1 if isinstance(node, ast.ExceptHandler | ast.match_case) else max(first, start + 1)
    return frozenset(range(start, reached))


def _shown(node: ast.AST) -> str:
    """Source of a node, in one line, without the statements in it."""
    match node:
        case ast.Match(_, cases):
            text = "match: " + "; ".join(ast.unparse(case.pattern) for case in cases)
        case ast.If(test):
            text = f"if {ast.unparse(ast.fix_missing_locations(test))}"
        case ast.While(test):
            text = f"while {ast.unparse(ast.fix_missing_locations(test))}"
        case _:
            text = " ".join(ast.unparse(ast.fix_missing_locations(node)).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
