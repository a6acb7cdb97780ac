"""Inbox entries with their bodies, as a batch takes them."""

from collections.abc import Callable

import msgspec

from clarion.domain.records import Event
from clarion.store.records.bodies import (
    BroadcastStart,
    DeliveryOutcome,
    Erasure,
    Forwarded,
    Joined,
    Left,
    Merging,
    ProfileChange,
    Receipt,
    RunChange,
    Seen,
    SegmentChange,
    SiteChange,
    SubscriberChange,
    SubscriberPut,
    WorkflowChange,
)
from clarion.store.records.entries import Entry, EntryKind

PassedBody = Event | SubscriberChange | ProfileChange | DeliveryOutcome | Receipt | RunChange | Seen
"""What one partition passes on to another."""


class Passed(msgspec.Struct, frozen=True):
    """A FORWARD entry with the body that it brings."""

    head: Forwarded
    body: PassedBody


Body = (
    Event
    | SubscriberPut
    | SubscriberChange
    | ProfileChange
    | Erasure
    | DeliveryOutcome
    | Receipt
    | RunChange
    | WorkflowChange
    | SiteChange
    | SegmentChange
    | BroadcastStart
    | Passed
    | Joined
    | Left
    | Merging
    | Seen
    | None
)
"""Of an entry; None for one without."""

_PASSED: dict[EntryKind, Callable[[msgspec.Raw], PassedBody]] = {
    EntryKind.EVENT: msgspec.json.Decoder(Event).decode,
    EntryKind.DEVICE: msgspec.json.Decoder(SubscriberChange).decode,
    EntryKind.PROFILE: msgspec.json.Decoder(ProfileChange).decode,
    EntryKind.OUTCOME: msgspec.json.Decoder(DeliveryOutcome).decode,
    EntryKind.RECEIPT: msgspec.json.Decoder(Receipt).decode,
    EntryKind.RUN: msgspec.json.Decoder(RunChange).decode,
    EntryKind.SEEN: msgspec.json.Decoder(Seen).decode,
}
_decode_forwarded = msgspec.json.Decoder(Forwarded).decode


def _decode_passed(body: msgspec.Raw) -> Passed:
    head = _decode_forwarded(body)
    decoder = _PASSED.get(head.kind)
    if decoder is None:
        raise msgspec.ValidationError(f"entries of kind {head.kind} are not passed on")
    return Passed(head, decoder(head.body))


_DECODERS: dict[EntryKind, Callable[[msgspec.Raw], Body]] = {
    **_PASSED,
    EntryKind.SUBSCRIBER: msgspec.json.Decoder(SubscriberPut).decode,
    EntryKind.WORKFLOW: msgspec.json.Decoder(WorkflowChange).decode,
    EntryKind.SITE: msgspec.json.Decoder(SiteChange).decode,
    EntryKind.SEGMENT: msgspec.json.Decoder(SegmentChange).decode,
    EntryKind.BROADCAST: msgspec.json.Decoder(BroadcastStart).decode,
    EntryKind.FORWARD: _decode_passed,
    EntryKind.JOIN: msgspec.json.Decoder(Joined).decode,
    EntryKind.LEAVE: msgspec.json.Decoder(Left).decode,
    EntryKind.MERGE: msgspec.json.Decoder(Merging).decode,
    EntryKind.ERASE: msgspec.json.Decoder(Erasure).decode,
}


def decode(entry: Entry) -> Body:
    """An entry's body. Raises msgspec.MsgspecError when it is not what its kind says."""
    decoder = _DECODERS.get(entry.kind)
    return None if decoder is None else decoder(entry.body)
