"""Long work that somebody asked for, and how far it has come."""

import msgspec


class Job(msgspec.Struct, frozen=True):
    """An import, an export or an erasure."""

    site: int
    id: str
    kind: str
    """import, export, erasure."""
    status: str
    """running, done, failed, stopped."""
    body: msgspec.Raw
    """JSON: what was asked for, how far it has come, what was refused."""
    created: int
    changed: int
