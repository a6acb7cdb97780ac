"""What retention remembers, for whichever process does it next, and for the operator."""

import msgspec


class Upkeep(msgspec.Struct, frozen=True):
    """How far events are exported, and what keeps them from being removed."""

    exported: int = 0
    """Events that were logged before this time are in files, or were there when nobody wanted them exported."""
    alarm: str | None = None
    """Why old events cannot be removed; None when nothing is wrong."""
    since: int | None = None
    """Since when the alarm stands."""
