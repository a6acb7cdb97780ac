"""Segments: defined, renamed, given up, and who is in them. A definition is one commit that also tells every partition."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import msgspec

from clarion.contract.problems import Problems
from clarion.contract.segment_names import read_segment
from clarion.control.audience import read_audience
from clarion.control.errors import Conflict, Invalid
from clarion.control.names import read_name
from clarion.control.people_entries import everywhere
from clarion.store.port import NotFound, Store
from clarion.store.records.bodies import SegmentChange
from clarion.store.records.entries import EntryKind
from clarion.store.records.segments import SegmentRow
from clarion.store.records.sites import Site

MOST: Final = 1_000
"""Segments of one site that are defined: every process keeps them all in memory."""
MOST_DYNAMIC: Final = 200
"""Of them with a condition, each of which is tested with every change of a profile."""
COUNTED: Final = 20_000
"""Profiles that are looked at to count members."""
PIECE: Final = 1_000


class Count(msgspec.Struct, frozen=True):
    """How many profiles are in which segment, of those that were looked at."""

    members: dict[str, int]
    profiles: int
    """That were looked at."""
    complete: bool
    """Whether those are all."""


async def list_segments(store: Store, site: Site) -> list[SegmentRow]:
    """The segments of a site that are defined, by the texts that name them."""
    rows = (await store.configuration()).segments
    return sorted((row for row in rows if row.site == site.id), key=lambda row: row.segment)


async def find_segment(store: Store, site: Site, segment: str) -> SegmentRow:
    """One that is defined. Raises NotFound."""
    for row in await list_segments(store, site):
        if row.segment == segment:
            return row
    raise NotFound(f"there is no definition of a segment {segment[:64]} — see: clarion segments list")


async def create_segment(
    store: Store,
    site: Site,
    segment: str,
    name: str | None,
    condition: object,
    now: int,
    new_id: Callable[[], str],
    *,
    offers: bool = False,
) -> SegmentRow:
    """Define a segment: a dynamic one with a `condition`, as in a document; a static one without.

    With `offers`, those who come in because of it have events of that, which may start something (semantics §5). Raises Invalid,
    DocumentInvalid, and Conflict for one that is defined already.
    """
    segment = _read(segment)
    known = await list_segments(store, site)
    if any(row.segment == segment for row in known):
        raise Conflict(f"segment {segment[:64]} is defined already — change it: clarion segments set {segment[:64]}")
    if len(known) >= MOST:
        raise Conflict(f"the site has {MOST} segments already — delete one that is not used: clarion segments list")
    read = _read_condition(condition, segment)
    _require_room(known, read)
    row = SegmentRow(site.id, segment, segment[:100] if name is None else read_name(name), read, now, now)
    return await store.put_segment(row, _defines(store, site, row, offers, now, new_id))


async def change_segment(
    store: Store,
    site: Site,
    segment: str,
    now: int,
    new_id: Callable[[], str],
    *,
    name: str | None = None,
    condition: object = msgspec.UNSET,
    offers: bool = False,
) -> SegmentRow:
    """Give a segment another name, another condition, or both; with condition None it is static from then on and keeps its members.

    Raises NotFound, Invalid, DocumentInvalid.
    """
    before = await find_segment(store, site, segment)
    read = before.condition if condition is msgspec.UNSET else _read_condition(condition, segment)
    if read is not None and before.condition is None:
        _require_room(await list_segments(store, site), read)
    after = msgspec.structs.replace(before, name=before.name if name is None else read_name(name), condition=read, changed=now)
    if (after.name, after.condition) == (before.name, before.condition):
        return before
    told = after.condition != before.condition
    return await store.put_segment(after, _defines(store, site, after, offers, now, new_id) if told else [])


async def delete_segment(
    store: Store, site: Site, segment: str, now: int, new_id: Callable[[], str], *, offers: bool = False
) -> SegmentRow:
    """Give a segment up: everybody gets out of it. Returns it as it was. Raises Invalid, NotFound."""
    segment = _read(segment)
    row = next((one for one in await list_segments(store, site) if one.segment == segment), None)
    entries = everywhere(store, site, EntryKind.SEGMENT, SegmentChange(segment, "forget", None, offers), now, new_id)
    if row is None:
        # profiles may be in it all the same
        await store.append(entries)
        return SegmentRow(site.id, segment, segment, None, now, now)
    try:
        await store.delete_segment(site.id, segment, entries)
    except NotFound:
        raise NotFound(f"segment {segment[:64]} was deleted by somebody else just now") from None
    return row


async def count_members(store: Store, site: Site) -> Count:
    """How many are in each segment; only the first `COUNTED` profiles are looked at, by partition and key."""
    members: Counter[str] = Counter()
    looked = 0
    for partition in range(store.partitions):
        after = ""
        while True:
            rows = await store.profiles_page(partition, site.id, after, min(PIECE, COUNTED - looked + 1))
            for row in rows[: COUNTED - looked]:
                members.update(row.segments)
            if looked + len(rows) > COUNTED:
                return Count(dict(members), COUNTED, complete=False)
            looked += len(rows)
            if not rows:
                break
            after = rows[-1].key
    return Count(dict(members), looked, complete=True)


def _defines(store: Store, site: Site, row: SegmentRow, offers: bool, now: int, new_id: Callable[[], str]) -> list[Any]:
    change = SegmentChange(row.segment, "define", row.condition, offers)
    return everywhere(store, site, EntryKind.SEGMENT, change, now, new_id)


def _read(segment: object) -> str:
    problems = Problems()
    read = read_segment(problems, segment, "segment")
    if problems.details:
        raise Invalid("segment", problems.details[0].message)
    return read


def _read_condition(value: object, segment: str) -> dict[str, Any] | None:
    if value is None:
        return None
    read_audience(value, ("condition",), segment)
    return value if isinstance(value, dict) else None


def _require_room(known: list[SegmentRow], condition: dict[str, Any] | None) -> None:
    if condition is not None and sum(row.condition is not None for row in known) >= MOST_DYNAMIC:
        raise Conflict(f"the site has {MOST_DYNAMIC} dynamic segments already — delete one that is not used: clarion segments list")
