"""Whom a command is about."""

from typing import NamedTuple


class Whom(NamedTuple):
    """A profile_id, or the device_token_hash of a subscriber: one of the two."""

    profile_id: str | None = None
    device_token_hash: str | None = None
