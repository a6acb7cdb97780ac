"""What an API key may do."""

from collections.abc import Iterable
from typing import Final

from clarion.control.errors import Invalid

SCOPES: Final = ("events", "read", "write", "admin")
"""events: post events and register subscribers; read: read everything; write: change workflows and profiles; admin: everything."""


def read_scopes(given: Iterable[str]) -> tuple[str, ...]:
    """The scopes named, each once, in the order of `SCOPES`. Raises Invalid for an unknown one and for none at all."""
    named = {name.strip() for name in given if name.strip()}
    unknown = sorted(named - set(SCOPES))
    if unknown:
        raise Invalid("scopes", f"unknown scope {unknown[0]} — use some of {', '.join(SCOPES)}")
    if not named:
        raise Invalid("scopes", f"an API key needs a scope — use some of {', '.join(SCOPES)}")
    return tuple(scope for scope in SCOPES if scope in named)


def allows(scopes: Iterable[str], wanted: str) -> bool:
    """Whether a key with `scopes` may do what needs the scope `wanted`."""
    return any(scope in (wanted, "admin") for scope in scopes)
