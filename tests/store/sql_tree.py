"""PostgreSQL's own parser over our .sql files: every statement that a file holds, those inside of functions too."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pglast import ast, parse_plpgsql, parse_sql

FULL = 0
"""PL/pgSQL's mark of an expression that is a whole statement."""


class Statement(NamedTuple):
    """One statement, and where it stands."""

    where: str
    tree: Any


def is_a(node: Any, *kinds: type) -> bool:
    """Whether a node is one of these, of which nothing more is to be known: most of what trees have may be missing, by their types."""
    return isinstance(node, kinds)


def children(node: Any) -> Iterator[Any]:
    """The nodes right below a node."""
    for name in node:
        value = getattr(node, name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, ast.Node):
                yield one
            elif isinstance(one, tuple):  # lists of lists, as of VALUES
                yield from (inner for inner in one if isinstance(inner, ast.Node))


def every(node: Any) -> Iterator[Any]:
    """A node and all below it."""
    yield node
    for child in children(node):
        yield from every(child)


def parsed(where: str, sql: str) -> list[Statement]:
    """The statements of a text."""
    return [Statement(where, raw.stmt) for raw in parse_sql(sql)]


def functions(sql: str) -> dict[str, Any]:
    """The functions that a text makes, by name."""
    made: list[Any] = [raw.stmt for raw in parse_sql(sql) if isinstance(raw.stmt, ast.CreateFunctionStmt)]
    return {function.funcname[-1].sval: function for function in made}


def parameters(function: Any) -> list[str]:
    """Names of what a function takes."""
    return [one.name for one in function.parameters or () if one.mode.name not in ("FUNC_PARAM_OUT", "FUNC_PARAM_TABLE")]


def body(name: str, text: str, function: Any) -> list[Statement]:
    """The statements inside of a function, dynamic ones as they are: `EXECUTE` of an expression. `text` is what makes it."""
    if function.sql_body is not None:
        return [Statement(name, one) for one in _flat(function.sql_body)]
    options = {one.defname: one.arg for one in function.options}
    if options["language"].sval == "sql":
        return parsed(name, options["as"][0].sval)
    return [statement for query in _queries(parse_plpgsql(text)) for statement in parsed(name, query)]


def _flat(node: Any) -> Iterator[Any]:
    """The statements of `BEGIN ATOMIC … END`, or the one of `RETURN`."""
    if isinstance(node, tuple):
        for one in node:
            yield from _flat(one)
    else:
        yield node


def is_dynamic(text: str) -> bool:
    """Whether a PL/pgSQL function puts statements together at run time. `text` is what makes it."""
    return "PLpgSQL_stmt_dynexecute" in _keys(parse_plpgsql(text))


def _queries(node: Any) -> Iterator[str]:
    """Every statement and expression of a PL/pgSQL tree; expressions as what the interpreter makes of them."""
    if isinstance(node, list):
        for one in node:
            yield from _queries(one)
    elif isinstance(node, dict):
        expression = node.get("PLpgSQL_expr")
        if expression is not None:
            query = expression["query"]
            if expression.get("parseMode", FULL) != FULL:
                query = "SELECT " + query.partition(":=")[2] if ":=" in query else "SELECT " + query
            yield query
        for value in node.values():
            yield from _queries(value)


def _keys(node: Any) -> set[str]:
    if isinstance(node, list):
        return {key for one in node for key in _keys(one)}
    if isinstance(node, dict):
        return set(node) | {key for value in node.values() for key in _keys(value)}
    return set()
