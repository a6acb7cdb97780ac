"""What entries say: the JSON bodies of each kind but events, whose body is `clarion.domain.records.Event`."""

import msgspec

from clarion.domain.records import FrequencyCap


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
