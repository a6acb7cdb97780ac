"""Who was erased a moment ago: what was on its way between partitions by then is not to make the person anew (design §3.7).

A tombstone has no content and no name, only a digest. It stands where the profile lived from the ERASE entry on until a second one, which
comes once all that other partitions had sent before theirs has arrived.
"""

from typing import Final

from clarion.domain.ids import digest
from clarion.engine.inputs import Passed
from clarion.engine.ledger import Ledger, MemoryAt
from clarion.store.records.batches import MemoryKey
from clarion.store.records.bodies import Joined, Left, Merging, Seen
from clarion.store.records.runs import EntryMemory

_NO_WORKFLOW: Final = ""
"""A tombstone is kept with the memory of entries, under no workflow."""


class Tombstones:
    """The tombstones of a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def put(self, site: int, profile: str, received: int) -> None:
        """Messages to a profile whose cause was received before are of the person who was erased."""
        at = _at(site, profile)
        self._ledger.memory.put(at, EntryMemory(site, at[1], at[2], at[3], received, ""))

    def remove(self, site: int, profile: str, received: int) -> None:
        """All of them have come, unless another erasure has put its own since."""
        at = _at(site, profile)
        found = self._ledger.memory.get(at)
        if found is not None and found.started <= received:
            self._ledger.erase((site, at[2]))

    def bar(self, site: int, message: Passed | Joined | Left | Merging | Seen) -> bool:
        """Whether a message is of somebody who has been erased since it was caused."""
        said = addressed(message)
        if said is None:
            return False
        profile, received = said
        found = self._ledger.memory.get(_at(site, profile))
        return found is not None and received < found.started


def addressed(message: Passed | Joined | Left | Merging | Seen) -> tuple[str, int] | None:
    """Key of the profile that a message would make if it is not there, and when its cause was received; None: it makes none."""
    match message:
        case Passed(head=head):
            return head.profile, head.received
        case Joined():
            return message.subscriber.profile, message.received
        case Merging():
            return message.profile, message.received
        case Left() | Seen():
            return None


def tombstone_key(site: int, profile: str) -> MemoryKey:
    """What has to be read to know of a profile's tombstone."""
    _, workflow, named, key = _at(site, profile)
    return MemoryKey(site, workflow, key, named)


def _at(site: int, profile: str) -> MemoryAt:
    return site, _NO_WORKFLOW, f"e:{digest('erased', str(site), profile)}", ""
