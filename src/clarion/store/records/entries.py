"""What waits in an inbox and what stands in the log."""

from enum import StrEnum

import msgspec


class EntryKind(StrEnum):
    """What an inbox or log entry is; the body's schema (`clarion.store.records.bodies`) follows from it."""

    EVENT = "event"
    """`clarion.domain.records.Event`."""
    SUBSCRIBER = "subscriber"
    """`SubscriberPut`: a subscription was registered."""
    OUTCOME = "outcome"
    """`DeliveryOutcome`: how a delivery ended."""
    WORKFLOW = "workflow"
    """`WorkflowChange`: publish, pause, resume, drain, archive."""
    SITE = "site"
    """`SiteChange`: a site was made, or its settings changed."""
    RUN = "run"
    """`RunChange`: an operator stops, retries, moves or re-arms a run."""
    RECEIPT = "receipt"
    """`Receipt`: a notification was viewed, clicked or closed."""
    FORWARD = "forward"
    """`Forwarded`: a subscriber's home passes on what is for its profile, which lives in this partition (semantics §1)."""
    JOIN = "join"
    """`Joined`: a subscription was registered at its home for a profile of this partition, with what its anonymous profile brings."""
    LEAVE = "leave"
    """`Left`: a subscriber of a profile of this partition belongs to another now."""
    MERGE = "merge"
    """`Merging`: an anonymous profile of another partition becomes part of one of this."""
    SEEN = "seen"
    """`Seen`: an event in another partition showed a subscriber of this home to be active."""
    DEVICE = "device"
    """`SubscriberChange`: a subscriber joins a profile, logs out, leaves, comes back, is forgotten, or says something new of itself."""
    PROFILE = "profile"
    """`ProfileChange`: attributes and segments of a profile."""
    SEGMENT = "segment"
    """`SegmentChange`: a segment was defined, or is no more. One entry a partition."""
    BROADCAST = "broadcast"
    """`BroadcastStart`: a workflow is to start for everybody who is there now. One entry a partition."""
    ERASE = "erase"
    """`Erasure`: nothing of a person is to be left. One entry a partition."""
    ERASED = "erased"
    """Of the log only: what stood here was about a person who has been erased. No body; a replay skips it."""
    RESUME = "resume"
    """The owner is back after an outage; overdue timers run with this entry's time. No body."""


class IdempotencyClaim(msgspec.Struct, frozen=True):
    """A client's `event_id` for a target: the first content wins, the same again is the same event, other content is refused."""

    target: str
    """Profile or subscriber that the event names: `p:` + profile_id or `d:` + device_token_hash."""
    event_id: str
    content: str
    """Hash of name, target, data and timestamp."""


class NewEntry(msgspec.Struct, frozen=True):
    """One thing to put into the inbox."""

    kind: EntryKind
    site: int
    id: str
    """Stable id, 32 hexadecimal characters."""
    body: bytes
    """JSON of the kind's schema."""
    received: int
    partition: int = 0
    claim: IdempotencyClaim | None = None


class Appended(StrEnum):
    """What became of a `NewEntry`."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


class Entry(msgspec.Struct, frozen=True):
    """An inbox entry as its partition's owner takes it."""

    position: int
    """Its place in the inbox; entries are taken in this order."""
    kind: EntryKind
    site: int
    id: str
    body: msgspec.Raw
    received: int


class LogRow(msgspec.Struct, frozen=True):
    """An entry of the log, or one still in the inbox (`sequence` and `log_time` None)."""

    sequence: int | None
    log_time: int | None
    kind: EntryKind
    site: int
    id: str
    body: msgspec.Raw
    received: int
    profile: str
    partition: int = 0


class EventsPage(msgspec.Struct, frozen=True):
    """Events of the log, and from where to read on."""

    rows: list[LogRow]
    cursor: str
    """What `Store.events` goes on after; opaque to all but the store. Never empty."""
