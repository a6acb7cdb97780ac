"""What is not mutated, since no behaviour hangs on it. `docs/mutation.md` names these rules; there are no others."""

import ast
import re
from typing import Final

_WORDS: Final = re.compile(r"[^\W\d_][':,;.)…]* +['(]?[^\W\d_]")
"""Two words in a row: prose, as messages are."""
_STORAGE: Final = frozenset({"__slots__", "__all__"})
_ANNOTATIONS: Final = frozenset({"annotation", "returns", "decorator_list", "type_params"})


def is_excluded(parent: ast.AST, field: str, node: ast.AST) -> bool:
    """Whether a node, a field of its parent, stays as it is with all that is in it."""
    if field in _ANNOTATIONS or isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # a docstring
    if isinstance(node, ast.keyword) and isinstance(parent, ast.ClassDef) and node.arg == "gc":
        return True  # msgspec's hint to the garbage collector
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return True
    return isinstance(node, ast.Assign) and (_is_storage(node) or _is_type_alias(node))


def is_message(parent: ast.AST, field: str, node: ast.AST) -> bool:
    """Whether a string or f-string is text for people. A key of a dict never is."""
    if isinstance(parent, ast.Dict) and field == "keys":
        return False
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and _WORDS.search(node.value) is not None
    return isinstance(node, ast.JoinedStr) and any(is_message(node, "values", part) for part in node.values)


def _is_storage(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id in _STORAGE for target in node.targets)


def _is_type_alias(node: ast.Assign) -> bool:
    (target, *others) = node.targets
    names_a_type = not others and isinstance(target, ast.Name) and target.id[0].isupper() and not target.id.isupper()
    return names_a_type and isinstance(node.value, ast.Subscript | ast.BinOp)
