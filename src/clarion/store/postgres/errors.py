"""What an error of the database or of the way to it means to a caller of the store."""

from typing import Final

import asyncpg  # type: ignore[import-untyped]  # it carries no types

from clarion.store.port import BadCursor, Changed, Fenced, NotFound, Owned, StoreError, StoreUnavailable

OWN: Final[dict[str, type[StoreError]]] = {
    "CL001": Fenced,
    "CL002": NotFound,
    "CL003": Changed,
    "CL004": Owned,
    "CL005": BadCursor,
}
"""SQLSTATEs that the schema's own functions raise."""

_PASSING_CLASSES: Final = frozenset({"08", "40", "53", "57", "58"})
"""Connection lost; transaction rolled back (deadlock); out of disk, memory or connections; operator intervention; system error."""
_PASSING: Final = frozenset({"55P03", "25P03", "25P04", "25006", "28000", "3D000"})
"""Lock not available; idle in transaction; transaction timeout; read only, as a standby is; not let in, or no database, just now."""
_CLOSED: Final = ("closed", "closing", "another operation")
"""What the driver's complaints about a connection that is no more have in common; its other complaints are about arguments."""

_LONGEST = 500
"""Characters of a message; it may quote what was to be stored."""


def translated(error: BaseException) -> StoreError:
    """What the port says an error is: StoreUnavailable where the same call may succeed later, else one that names what is wrong."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, asyncpg.PostgresError):
        return _said_by_server(str(error.sqlstate or ""), str(error))
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError):
        lost = any(word in str(error) for word in _CLOSED)
        return StoreUnavailable("The connection to the database was lost.") if lost else StoreError(_short(error))
    if isinstance(error, TimeoutError):
        return StoreUnavailable("The database does not answer.")
    if isinstance(error, OSError):
        return StoreUnavailable(f"The database cannot be reached: {_short(error)}")
    return StoreError(_short(error))


def certain(error: BaseException) -> bool:
    """Whether an error of one statement says for certain that nothing of it was or will be committed.

    A server that refuses a statement has rolled it back. One that ends the session may have committed just before.
    """
    return isinstance(error, asyncpg.PostgresError) and _severity(error) == "ERROR"


def ends_session(error: BaseException) -> bool:
    """Whether the server ends the session together with this error."""
    return isinstance(error, asyncpg.PostgresError) and _severity(error) != "ERROR"


def _severity(error: BaseException) -> str:
    said = getattr(error, "severity_en", None) or getattr(error, "severity", None)
    if said is None and isinstance(error, asyncpg.DataError):
        return "ERROR"  # the driver's own word: an argument that it cannot send
    return str(said or "FATAL")


def _said_by_server(state: str, message: str) -> StoreError:
    own = OWN.get(state)
    if own is not None:
        return own(message[:_LONGEST])
    if state[:2] in _PASSING_CLASSES or state in _PASSING:
        return StoreUnavailable(f"The database cannot do that now: {message[:_LONGEST]}")
    return StoreError(f"The database refuses that: {message[:_LONGEST]}")


def _short(error: BaseException) -> str:
    return (str(error) or type(error).__name__)[:_LONGEST]
