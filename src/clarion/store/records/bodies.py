"""What entries say: the JSON bodies of each kind but events, whose body is `clarion.domain.records.Event`."""

import msgspec

from clarion.domain.records import FrequencyCap, Profile, Scalar, Subscriber
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
    """Body of a SUBSCRIBER entry."""

    device_token_hash: str
    endpoint: str
    p256dh: str
    auth: str
    profile_id: str | None = None
    attributes: dict[str, str | int | float | bool] = {}
    facts: dict[str, str | int | float | bool] = {}


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
    """Of the entry: EVENT, OUTCOME, RECEIPT, RUN; SEEN when there is nothing but that the subscriber has changed."""
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
    """Id of the SUBSCRIBER entry."""
    received: int
    subscriber: Subscriber
    """As its home has it now."""
    is_new: bool = False
    """It was not known, or had gone."""
    joins: bool = False
    """It did not belong to this profile before."""
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
    """Id of the SUBSCRIBER entry that said so."""


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
