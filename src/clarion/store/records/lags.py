"""How far engines and senders are behind."""

import msgspec


class Lag(msgspec.Struct, frozen=True):
    """What waits in one partition."""

    partition: int
    inbox: int
    """Entries that wait for the engine; counted up to a limit."""
    oldest: int | None
    """When the first of them was received; None when none waits."""
    outbox: int
    """Deliveries that have not ended; counted up to the same limit."""
