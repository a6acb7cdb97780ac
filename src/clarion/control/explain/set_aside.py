"""One event among what could not be applied."""

from typing import Final

from clarion.domain.ids import caused_event_id
from clarion.store.port import NotFound, Store
from clarion.store.records.entries import EntryKind
from clarion.store.records.poisoned import Poisoned
from clarion.store.records.sites import Site

PASSED_ON: Final = f"{EntryKind.FORWARD}.{EntryKind.EVENT}"
"""What the id of a message follows from, beside that of the event which it passes on (`clarion.engine.messages`)."""


async def find_set_aside(store: Store, site: Site, id: str) -> Poisoned | None:
    """An event that could not be applied, where it came or where it was passed on to; None if there is none of this id."""
    for kind, place in ((EntryKind.EVENT, id), (EntryKind.FORWARD, caused_event_id(id, PASSED_ON, 0))):
        try:
            found = await store.poisoned_input(site.id, place)
        except NotFound:
            continue
        if found.kind == kind:
            return found
    return None
