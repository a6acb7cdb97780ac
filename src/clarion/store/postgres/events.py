"""Events as they are looked at: in the logs of all partitions, and on their way there."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from clarion.domain.ids import PROFILE_NAMED, partition_of_profile
from clarion.store.postgres.console import Console, is_storable
from clarion.store.postgres.cursors import read_cursor, write_cursor
from clarion.store.postgres.merging import Found, LogPlace, next_events
from clarion.store.records.entries import Entry, EventsPage, LogRow
from clarion.store.statements import load_statements

MOST_BYTES: Final = 1024 * 1024
"""Of the bodies in one answer about profiles."""
MOST_BYTES_OF_PAGE: Final = 8 * 1024 * 1024
"""Of the bodies on one page of the log."""

_FEWEST: Final = 4
"""Events that are looked for in each partition at least."""

_SQL = load_statements("clarion.store.postgres", "events")
_decode_event = msgspec.json.Decoder(LogRow).decode
_decode_log = msgspec.json.Decoder(list[LogRow]).decode
_decode_entries = msgspec.json.Decoder(list[Entry]).decode


async def events(console: Console, partitions: int, site: int, after: str, limit: int) -> EventsPage:
    """As in the port; a page also ends where its bodies would be more than MOST_BYTES_OF_PAGE."""
    if after:
        return await _events_behind(console, site, read_cursor(after, partitions), limit)
    [[rows, places]] = await console.fetch(_SQL["events_newest"], site, limit, MOST_BYTES_OF_PAGE)
    return EventsPage(_decode_log(rows), write_cursor(places))


async def find_event(console: Console, every: Sequence[int], site: int, id_: str) -> LogRow | None:
    """As in the port: the log has an index by id."""
    found = await console.value(_SQL["find_event"], every, site, id_) if is_storable(id_) else None
    return None if found is None else _decode_event(found)


async def waiting_events(console: Console, site: int, limit: int) -> list[Entry]:
    """As in the port."""
    return _decode_entries(await console.value(_SQL["waiting_events"], site, limit))


async def events_about(console: Console, partitions: int, site: int, profiles: Sequence[str], limit: int) -> list[LogRow]:
    """As in the port. What is for a named profile is also logged at the homes of its subscribers, which may be anywhere."""
    asked: list[tuple[int, str]] = []
    for key in dict.fromkeys(filter(is_storable, profiles)):
        everywhere = key.startswith(PROFILE_NAMED)
        asked += [(partition, key) for partition in (range(partitions) if everywhere else (partition_of_profile(site, key, partitions),))]
    where, keys = [partition for partition, _ in asked], [key for _, key in asked]
    return _decode_log(await console.value(_SQL["events_about"], site, where, keys, limit, MOST_BYTES))


async def _events_behind(console: Console, site: int, places: list[int], limit: int) -> EventsPage:
    """Read on in all partitions: little of each at first, for all of them may have something, and more until the page is full."""
    found: list[LogPlace] = []
    room = MOST_BYTES_OF_PAGE
    each = 2 * limit // len(places) + _FEWEST
    while True:
        rows = [Found(*row) for row in await console.fetch(_SQL["events_behind"], site, places, each)]
        coming = next_events(rows, each, limit - len(found), room)
        if found and coming.size > room:
            break  # the first one is too large for what is left of this page
        found += coming.events
        room -= coming.size
        for partition, place in coming.reached.items():
            places[partition] = place
        if not coming.more or len(found) >= limit or room <= 0:
            break
        each = min(2 * each, max(limit, _FEWEST))
    return EventsPage(await _events_at(console, site, found), write_cursor(places))


async def _events_at(console: Console, site: int, found: Sequence[LogPlace]) -> list[LogRow]:
    if not found:
        return []
    asked: list[list[Any]] = [[place[part] for place in found] for part in (1, 2, 0)]
    return _decode_log(await console.value(_SQL["events_at"], site, *asked))
