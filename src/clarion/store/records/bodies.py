"""What entries say: the JSON bodies of each kind but events, whose body is `clarion.domain.records.Event`."""

from typing import Any

import msgspec

from clarion.domain.records import WEBPUSH, FrequencyCap, Profile, Scalar, Subscriber
from clarion.store.records.entries import EntryKind
from clarion.store.records.runs import EntryMemory, RunRow


class SiteChange(msgspec.Struct, frozen=True):
    """Body of a SITE entry: the settings that can change an outcome."""

    timezone: str
    frequency_cap: FrequencyCap | None = None


class WorkflowChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of a WORKFLOW entry."""

    workflow: str
    change: str
    """publish, pause, resume, drain, archive."""
    version: int = 0
    runs: str = "keep"
    """On publish: keep, move or end the runs in flight on earlier versions."""
    skip_older_than: int | None = None
    """On resume: pushes held for longer than this many microseconds end with outcome `stale`."""


class RunChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of a RUN entry: what an operator does to one run."""

    run: str
    workflow: str
    """Of the run."""
    change: str
    """What to do with it.

    stop; retry: a failed run at its failed step; move: go on in the current version, or at another step; rearm: a timer that was set
    aside fires again.
    """
    step: str | None = None
    """On move: the step to go on with; None: the one it stands at."""
    reason: str | None = None
    profile: str = ""
    """Key of the run's profile when this was said: if that one has become part of another since, the change follows it there."""


class SubscriberPut(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of a SUBSCRIBER entry: a subscription was registered, for the first time or again."""

    device_token_hash: str
    endpoint: str
    p256dh: str
    auth: str
    profile_id: str | None = None
    attributes: dict[str, str | int | float | bool] = {}
    facts: dict[str, str | int | float | bool] = {}
    provider: str = WEBPUSH
    """As of a `Subscriber`, like `vapid`."""
    vapid: int = 0
    follows: str | None = None
    """Key of a profile that it joins, if it is new: that of the subscriber whose place it takes. A `profile_id` beside it wins."""
    segments: tuple[str, ...] = ()
    """That its profile gets into."""


class SubscriberChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of a DEVICE entry, which comes to the subscriber's home. Of a subscriber that is not known it changes nothing."""

    device_token_hash: str
    change: str
    """What happens to it.

    identify: it joins the profile `profile_id` (semantics §1); logout: it gets a new anonymous profile; unsubscribe: no more pushes;
    subscribe: pushes again; forget: it is no longer known; update: `facts` are new.
    """
    profile_id: str | None = None
    facts: dict[str, str | int | float | bool] = {}
    profile: str | None = None
    """Key of the profile that it has to belong to still, else nothing happens; None: it may belong to any."""


class ProfileChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of a PROFILE entry. Whom it is for is as of an event: `profile_id` wins, and is made if it is new; else the subscriber's."""

    profile_id: str | None = None
    device_token_hash: str | None = None
    set: dict[str, str | int | float | bool] = {}
    remove: tuple[str, ...] = ()
    """Names of attributes."""
    replace: bool = False
    """Attributes that are not in `set` go."""
    enter: tuple[str, ...] = ()
    """Segments that the profile gets into."""
    leave: tuple[str, ...] = ()
    """Segments that it gets out of."""


class SegmentChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of a SEGMENT entry."""

    segment: str
    change: str
    """define: `condition` says who is in; forget: nobody is, from now on."""
    condition: dict[str, Any] | None = None
    """As in a document (semantics §3); None: a static segment, which has members only."""
    offers: bool = False
    """Whether those who come in or go out because of the change itself have events of it, which may start something (semantics §5)."""


class BroadcastStart(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of a BROADCAST entry: a workflow starts for each profile of the site that is there now, if it is its audience."""

    broadcast: str
    """Its id; the workflow's slug is made of it."""
    workflow: str
    version: int = 1
    profile: str | None = None
    """Key of the only profile that it is for, which need not be known; None: everybody."""


class Erasure(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of an ERASE entry."""

    profiles: tuple[str, ...]
    """Keys: the person's, and those of the anonymous profiles that have become part of it."""
    subscribers: tuple[str, ...] = ()
    """Their device_token_hashes."""
    erasure: str = ""
    """Id of the job that sees to what the engine does not: log, explanations, snapshots, exports."""
    after: bool = False
    """It is the second one of its job: nothing is under way between partitions any more that was so before the first."""


class DeliveryOutcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of an OUTCOME entry: what the engine has to know of a delivery that ended."""

    delivery: str
    effect: str
    run: str
    workflow: str
    step: str
    kind: str
    """push or http."""
    outcome: str
    """sent, failed, gone, expired, stale."""
    profile: str
    subscriber: str | None = None
    status: int | None = None
    """HTTP status of the last attempt; None if there was no answer."""
    reason: str | None = None
    hops: int = 0
    version: int = 0
    """Of the workflow."""
    response: dict[str, str | int | float | bool] | None = None
    """Scalars of the JSON object that answered an awaited HTTP request; None of one that no run waits for."""
    endpoint: str | None = None
    """Of a push whose subscription is gone: which one; the subscriber may have another by now."""


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of a RECEIPT entry: what a receiver did with a push."""

    event: str
    """viewed, clicked or closed."""
    delivery: str
    run: str
    workflow: str
    version: int
    step: str
    profile: str
    subscriber: str
    action: int | None = None
    """Which button was clicked, from 0; None for the notification itself."""
    hops: int = 0


class Forwarded(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of a FORWARD entry: what came to a subscriber's home, or to a profile that has become part of another, for one elsewhere."""

    kind: EntryKind
    """Of the entry: EVENT, OUTCOME, RECEIPT, RUN, PROFILE, DEVICE; SEEN when there is nothing but that the subscriber has changed."""
    entry: str
    """Id of the entry."""
    body: msgspec.Raw
    """Of the entry."""
    received: int
    """Of the entry."""
    profile: str
    """Key of the profile that it is for."""
    subscriber: Subscriber | None = None
    """As its home has it now; None where the entry was not addressed to one."""
    to_sender: bool = False
    """Of an OUTCOME or RECEIPT: it is for the run that sent the push and nobody else; the subscriber has come to another profile since."""


class Joined(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of a JOIN entry: a registration, as its home has applied it."""

    put: SubscriberPut
    entry: str
    """Id of the SUBSCRIBER or DEVICE entry."""
    received: int
    subscriber: Subscriber
    """As its home has it now."""
    is_new: bool = False
    """It was not known, or had gone."""
    joins: bool = False
    """It did not belong to this profile before."""
    registered: bool = True
    """Whether a subscription was registered; else a subscriber that is known joins the profile, and nothing else."""
    carried: "Carried | None" = None
    """What the anonymous profile brings that becomes part of this one."""
    is_part: bool = False
    """What is carried is not all: the rest follows, and with the last part the profile is told of the registration."""


class Carried(msgspec.Struct, frozen=True, omit_defaults=True):
    """A profile, or a part of what it has, on its way to another partition, where it becomes part of another profile."""

    profile: Profile
    """Empty but with the first part."""
    runs: list[RunRow]
    """In flight, or ended with an open goal, or failed; they are gone where they were."""
    memory: list[EntryMemory]
    heard: dict[str, int]
    """By workflow of the runs: number of the last directive in the sender's log; later ones have still to be heard by them."""
    came_before: dict[str, Scalar] = {}
    """With the last of several parts: the profile's attributes, which the first has brought, for what is told of them."""


class Left(msgspec.Struct, frozen=True):
    """Body of a LEAVE entry."""

    device_token_hash: str
    profile: str
    """Key of the profile that it does not belong to any more."""
    entry: str
    """Id of the SUBSCRIBER or DEVICE entry that said so."""
    into: str | None = None
    """Key of the named profile that it has joined, which this one becomes part of if it is anonymous; None: this one stays what it is."""


class Merging(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of a MERGE entry: an anonymous profile that was not its subscriber's own becomes part of a profile of this partition."""

    profile: str
    """Key of the profile that it becomes part of."""
    entry: str
    """Id of the entry that named the subscriber."""
    received: int
    carried: Carried
    is_part: bool = False
    """What is carried is not all: the rest follows, and with the last part the profile is told of it."""


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of a SEEN entry."""

    device_token_hash: str
    at: int
    """Log time of the event that showed it."""
    event: str
    """Id of that event."""
    name: str
    """Of that event."""
    profile: str | None = None
    """Key of the profile whose copy of the subscriber it has touched there; None: there was no copy."""
    known: int = 0
    """When that copy was last active before."""
