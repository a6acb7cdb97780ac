"""The names that templates use (semantics §4): bare ones for data keys and attributes, dotted ones for fields of §3."""

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final

from clarion.domain.lookup import HTTP_STEPS_ONLY, ROOTS, Finder, compile_field, field_problem
from clarion.domain.problems import quoted
from clarion.domain.records import MISSING, Found, Scope

NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_][A-Za-z0-9_-]*)*")
"""A name as it may stand alone in an output."""

STANDS_ALONE: Final = "a secret stands alone in an output, as in {{ secrets.NAME }}: no filter, default or tag takes one"
"""What to say of a secret that is used as if it were a value."""

_PARTS: Final = {
    "event": "event.price",
    "entry": "entry.price",
    "profile": "profile.first_name",
    "subscriber": "subscriber.city",
    "run": "run.key",
}


@lru_cache(maxsize=8192)
def compile_name(name: str) -> Finder:
    """The look-up of a name: a root or a dotted name is a field, any other a key of the starting event, then an attribute."""
    if "." in name or name in ROOTS:
        return compile_field(name)

    def find(scope: Scope) -> Found:
        found = scope.entry.get(name, MISSING)
        if found is MISSING and scope.profile is not None:
            return scope.profile.attributes.get(name, MISSING)
        return found

    return find


def name_problem(name: str, step_ids: Collection[str] | None, *, secrets: bool = False) -> str | None:
    """What is wrong with a name that a template uses; None if nothing is.

    Without `step_ids` a name whose first word is no root is taken for a field of some step. A name that ends with
    `[]` has a computed part there, as in `event[which]`. `secrets` says that the template may hold secrets: not those that have
    names here, for they are used as values are.
    """
    root, dot, _ = name.removesuffix("[]").partition(".")
    if root == "secrets":
        return STANDS_ALONE if secrets else HTTP_STEPS_ONLY
    if name.endswith("[]"):
        return _computed_problem(root, step_ids)
    if root == "_":
        return "'_' is no name"
    if dot:
        return field_problem(name, (root,) if step_ids is None else step_ids)
    if name in _PARTS:
        return f"'{name}' holds several values: name one, such as {_PARTS[name]}"
    if step_ids is not None and name in step_ids:
        return f"{quoted(name)} is a step: name a value of it, such as {name[:64]}.status"
    return None


def _computed_problem(root: str, step_ids: Collection[str] | None) -> str | None:
    if root in ("event", "entry", "profile", "subscriber"):
        return None
    if root not in ROOTS and (step_ids is None or root in step_ids):
        return None
    return f"nothing can be looked up in {quoted(root)} by a computed name"
