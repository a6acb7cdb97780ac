"""What could not be applied."""

import msgspec


class Poisoned(msgspec.Struct, frozen=True):
    """An entry or a run's timer that could not be applied, set aside with its error."""

    id: str
    site: int
    kind: str
    body: msgspec.Raw
    at: int
    error: str
    partition: int = 0
    """Where it was; given by the store."""
