"""Inputs that could not be applied and were set aside: listed, tried again, discarded."""

from collections.abc import Callable
from typing import Final

from clarion.control.runs import find_run, operator_entry
from clarion.store.port import NotFound, Store
from clarion.store.records.bodies import RunChange
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.poisoned import Poisoned
from clarion.store.records.sites import Site

MOST: Final = 1_000
"""On one list; older ones come into sight as those are dealt with."""
TIMER: Final = "timer"
"""Kind of a run's timer; every other kind is an entry's."""


async def list_poisoned(store: Store, site: Site, limit: int = MOST) -> list[Poisoned]:
    """What of a site was set aside, newest first."""
    return await store.poisoned(min(limit, MOST), site.id)


async def retry_poisoned(store: Store, site: Site, id: str, now: int, new_id: Callable[[], str]) -> Poisoned:
    """Have an input applied again: an entry as it came, with its id; a run's timer by setting it anew. Raises NotFound.

    What cannot be applied this time either is set aside again.
    """
    one = await _find(store, site, id)
    if one.kind == TIMER:
        run = await find_run(store, site, one.id)
        entry = operator_entry(run, RunChange(run.id, run.workflow, "rearm"), now, new_id, store.partitions)
    else:
        entry = NewEntry(EntryKind(one.kind), one.site, one.id, bytes(one.body), now, one.partition)
    await _take_back(store, one, entry)
    return one


async def discard_poisoned(store: Store, site: Site, id: str) -> Poisoned:
    """Give an input up. A run whose timer is discarded stays where it is until it is stopped or moved. Raises NotFound."""
    one = await _find(store, site, id)
    await _take_back(store, one, None)
    return one


async def _find(store: Store, site: Site, id: str) -> Poisoned:
    try:
        return await store.poisoned_input(site.id, id)
    except NotFound:
        raise _unknown(id) from None


async def _take_back(store: Store, one: Poisoned, entry: NewEntry | None) -> None:
    try:
        await store.take_back(one.id, entry, one.partition)
    except NotFound:
        raise _unknown(one.id) from None  # somebody else was faster


def _unknown(id: str) -> NotFound:
    return NotFound(f"no input {id[:64]} is set aside — see: clarion poisoned list")
