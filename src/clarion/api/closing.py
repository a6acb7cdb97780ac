"""Ingest is closed while the engines are too far behind or room has run short: what is new is answered 503, everything else goes on."""

from collections.abc import Collection
from typing import Final

from clarion.contract.errors import Detail, Refusal, unavailable

RETRY_AFTER: Final = 10
"""Seconds: what has piled up takes a while."""

_BEHIND: Final = "What was accepted before has to be worked off first."
_FULL: Final = "The server is short of room to store it."
_WHY: Final = {"max_lag": _BEHIND, "max_inbox": _BEHIND}


def closed(limits: Collection[str]) -> Refusal:
    """The answer while these limits are reached; it names no numbers, which are the operator's."""
    reasons = dict.fromkeys(_WHY.get(limit, _FULL) for limit in limits)
    return unavailable(RETRY_AFTER, *(Detail(reason) for reason in reasons))
