"""What explaining answers with, as JSON shows it. Times are UTC microseconds; every sentence is one line without control characters."""

from typing import Any

import msgspec

from clarion.workflow.explain.conclusion import Conclusion
from clarion.workflow.explain.reasons import ToldReason
from clarion.workflow.explain.verdicts import ToldVerdict


class ToldAttempt(msgspec.Struct, frozen=True):
    """One try to send a delivery."""

    at: int
    took: int
    """Microseconds."""
    status: int | None
    """HTTP status; null if there was no answer."""
    error: str | None
    sentence: str


class ToldDelivery(msgspec.Struct, frozen=True):
    """A push to one subscriber, or a request."""

    delivery_id: str
    run_id: str
    workflow: str
    version: int
    step: str
    kind: str
    """push or http."""
    device_token_hash: str | None
    """Of the subscriber that a push is for."""
    status: str
    """pending, held, sent, failed, gone, expired, stale."""
    created: int
    due: int
    finished: int | None
    attempts: tuple[ToldAttempt, ...]
    sentence: str


class ToldRun(msgspec.Struct, frozen=True):
    """What one input made a run do."""

    run_id: str
    workflow: str | None
    """Null for a run that is not kept any more."""
    version: int | None
    """That it was on then; null for a run that was moved or retried, where that is not known."""
    reasons: tuple[ToldReason, ...]


class ToldEvent(msgspec.Struct, frozen=True):
    """An event as it was accepted."""

    event_id: str
    event_name: str
    profile_id: str | None
    device_token_hash: str | None
    data: dict[str, Any]
    timestamp: int | None
    received: int
    log_time: int | None
    """When its partition took it; null while it is in the inbox."""
    cause: str | None
    """The run that sent it."""
    hops: int


class ToldInput(msgspec.Struct, frozen=True):
    """One thing that came in for a profile, and what it did."""

    at: int
    kind: str
    """event, timer, outcome, operator, workflow, receipt, subscriber; delivery in a timeline."""
    id: str
    """Of the event, or of what else it was: the run for a timer."""
    name: str
    """Of the event; else as `kind`."""
    event: ToldEvent | None = None
    """Null for what is not in the log as an event: system events about a delivery or a subscriber, timers and the like."""
    verdicts: tuple[ToldVerdict, ...] = ()
    runs: tuple[ToldRun, ...] = ()
    delivery: ToldDelivery | None = None


class EventAnswer(msgspec.Struct, frozen=True):
    """What an event did and did not do."""

    event_id: str
    event_name: str
    status: str
    """explained, nothing (no workflow and no run was concerned, or that is not recorded any more), set_aside."""
    sentence: str
    at: int | None
    event: ToldEvent | None
    inputs: tuple[ToldInput, ...]
    """One for each profile that it was applied to."""
    deliveries: tuple[ToldDelivery, ...]


class RunAnswer(msgspec.Struct, frozen=True):
    """A run with its whole history."""

    run_id: str
    workflow: str
    version: int
    profile_id: str | None
    key: str | None
    status: str
    step: str | None
    since: int
    """When that step was entered."""
    due: int | None
    held: bool
    started: int
    ended: int | None
    reason: str | None
    entry_event_id: str
    entry_event_name: str
    sentence: str
    history: tuple[ToldReason, ...]
    """Oldest first."""
    complete: bool
    """False where there may be more in the log than was looked at."""
    deliveries: tuple[ToldDelivery, ...]
    """Oldest first."""


class TimelineAnswer(msgspec.Struct, frozen=True):
    """What happened to a person, newest last."""

    profile_id: str | None
    devices: tuple[str, ...]
    """device_token_hash of each subscriber, also of those that have gone."""
    workflow: str | None
    items: tuple[ToldInput, ...]
    before: str | None
    """To ask for what happened earlier, as it is; null if that is all."""


class AbsenceAnswer(msgspec.Struct, frozen=True):
    """Why a person did not get a workflow's message, or that they did."""

    profile_id: str | None
    device_token_hash: str | None
    workflow: str
    status: str | None
    """draft, active, draining, paused, archived; null: there is no such workflow."""
    version: int
    events: tuple[str, ...]
    """What it listens for now."""
    conclusion: Conclusion
    items: tuple[ToldInput, ...]
    """What of the person's timeline concerns the workflow, newest last."""
