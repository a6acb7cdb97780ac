"""Segments as they are configured. Who is in them, profiles say."""

from typing import Any

import msgspec


class SegmentRow(msgspec.Struct, frozen=True):
    """A segment of a site. One that nobody has defined is there all the same as soon as a profile is in it."""

    site: int
    segment: str
    """What conditions, steps and clients call it; never changes."""
    name: str
    """What people call it."""
    condition: dict[str, Any] | None
    """Who is in it, as in a document (semantics §3); None: a static one, which has members only."""
    created: int
    changed: int
