"""Which partitions a row of SQLite's only one belongs to: what the api, the control package and engines would have addressed it to."""

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from clarion.domain.ids import partition_of, partition_of_profile
from clarion.store.records.entries import EntryKind

TIMER: Final = "timer"
"""Kind of what was set aside that is no entry but a run's timer; its id is the run's."""

_EVERYWHERE: Final = frozenset({EntryKind.WORKFLOW, EntryKind.SITE, EntryKind.RESUME, EntryKind.SEGMENT, EntryKind.ERASE})
_OF_TARGETS: Final = frozenset({EntryKind.EVENT, EntryKind.PROFILE})
_OF_RUNS: Final = frozenset({EntryKind.RUN, TIMER})
_AT_HOME: Final = frozenset({EntryKind.OUTCOME, EntryKind.RECEIPT})


class Lookups(Protocol):
    """What has to be looked up in the source."""

    def profile_of_run(self, run: str) -> str | None:
        """Key of a run's profile; None where there is no such run any more."""

    def subscriber_of_delivery(self, delivery: str) -> str | None:
        """Whom a push went to; None where it is not known any more."""


class _Body(msgspec.Struct):
    """What bodies of entries say of whom they concern, of every kind."""

    profile_id: str | None = None
    device_token_hash: str | None = None
    subscriber: str | None = None
    profile: str | None = None
    run: str | None = None


_decode = msgspec.json.Decoder(_Body).decode


class Addresses:
    """Finds the partitions of rows, in a database of `count` partitions."""

    def __init__(self, count: int, lookups: Lookups) -> None:
        self.everywhere: Sequence[int] = range(count)
        self._count = count
        self._lookups = lookups

    def of_profile(self, site: int, key: str) -> int:
        """Where a profile lives, by its key."""
        return partition_of_profile(site, key, self._count)

    def of_subscriber(self, site: int, device_token_hash: str) -> int:
        """A subscriber's home."""
        return partition_of(site, device_token_hash, self._count)

    def of_claim(self, site: int, target: str) -> int:
        """Where an event id is known: at the home of its target, `p:`, `d:`, or `r:` and the delivery that a receipt is of."""
        kind, _, value = target.partition(":")
        if kind == "r":
            # A delivery that is forgotten takes no receipts any more, so it does not matter where they are known.
            value = self._lookups.subscriber_of_delivery(value) or value
        return partition_of(site, value, self._count)

    def of_entry(self, kind: str, site: int, id_: str, body: str) -> Sequence[int]:
        """Whose inbox an entry belongs into, or the log of which partition; what concerns all of them is for each."""
        if kind in _EVERYWHERE:
            return self.everywhere
        try:
            said = _decode(body)
        except msgspec.DecodeError:
            return (0,)  # set aside because nobody can read it
        if kind in _OF_RUNS:
            profile = self._lookups.profile_of_run(id_ if kind == TIMER else said.run or "")
            return (0,) if profile is None else (self.of_profile(site, profile),)
        if kind == EntryKind.BROADCAST:
            return self.everywhere if said.profile is None else (self.of_profile(site, said.profile),)
        if kind in _OF_TARGETS:
            return (self.of_subscriber(site, said.profile_id or said.device_token_hash or ""),)
        if kind in _AT_HOME and said.subscriber is None:
            return (self.of_profile(site, said.profile or ""),)  # of an HTTP request: in the partition of its delivery
        return (self.of_subscriber(site, said.subscriber or said.device_token_hash or ""),)
