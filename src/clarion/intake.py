"""How an accepted event becomes an inbox entry: the one place, for every way in."""

import msgspec

from clarion.contract.track_event import TrackEvent
from clarion.domain.ids import partition_of
from clarion.domain.records import Event
from clarion.store.records.entries import EntryKind, IdempotencyClaim, NewEntry

_encode = msgspec.json.Encoder().encode
_EVENT = EntryKind.EVENT


def entry_from(event: TrackEvent, site: int, now: int, id: str, partitions: int = 1) -> NewEntry:
    """The entry for `event`, received by `site` at `now` (UTC microseconds) under a fresh `id`.

    Its partition is that of the profile if one is named, which decides, else of the subscriber.
    """
    device_token_hash, profile_id = event.device_token_hash, event.profile_id
    body = _encode(
        Event(
            id=id,
            name=event.event_name,
            device_token_hash=device_token_hash,
            profile_id=profile_id,
            data=msgspec.Raw(event.data),
            timestamp=event.timestamp,
            received=now,
        )
    )
    claim = None
    if event.event_id is not None:
        claim = IdempotencyClaim(target=event.target, event_id=event.event_id, content=event.content_hash())
    partition = 0 if partitions == 1 else partition_of(site, profile_id or device_token_hash or "", partitions)
    return NewEntry(kind=_EVENT, site=site, id=id, body=body, received=now, partition=partition, claim=claim)
