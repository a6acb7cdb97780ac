"""A run: one profile going through one version of one workflow."""

from typing import Any

import msgspec

from clarion.domain.records import Event, Scalar

WAITING = "waiting"
COMPLETED = "completed"
EXITED = "exited"
FAILED = "failed"


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a run stands. Times are UTC microseconds."""

    id: str
    site: int
    workflow: str
    version: int
    profile: str
    """Key of the profile (`clarion.domain.ids`)."""
    key: str | None
    entry: Event
    """The starting event."""
    started: int
    status: str = WAITING
    step: str | None = None
    """Id of the step it stands at, or failed at; None once it has ended otherwise."""
    since: int = 0
    """When that step was entered."""
    due: int | None = None
    """When its timer is due; None while it waits for something that has no time."""
    awaits: str | None = None
    """Id of the effect whose outcome it waits for."""
    visit: int = 1
    """Grows when the run may come to a step again, after a retry or a move: what a step wants done then is wanted anew."""
    entering: bool = False
    """Whether the timer makes it enter the step, rather than go on from it: after a retry or a move."""
    hops: int = 0
    """The most hops of the events that started and resumed it."""
    entrant: str = ""
    """Key of the profile that entered, where another one has taken its place since (a merge); empty: `profile`."""
    ended: int | None = None
    reason: str | None = None
    reached: bool = False
    """Whether the goal was met."""
    goal_until: int | None = None
    """Until when events may meet its goal, also after it has ended; None: no goal, or met."""
    steps: dict[str, dict[str, Any]] = {}
    """What steps leave for later ones: `{"event": {…}}`, `{"status": 200, "response": {…}}`."""
    paths: dict[str, str] = {}
    """By split step: the path it took."""
    receipts: dict[str, dict[str, list[dict[str, Scalar]]]] = {}
    """By push step and event name: data of the first few receipts."""


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a run's history: what happened at a step, when and why."""

    at: int
    what: str
    """waiting, push, http, decided, split, resumed, quiet_hours, capped, no_subscriber, stale, goal, completed, exited, failed, …"""
    step: str | None = None
    detail: dict[str, Any] = {}


class Tally(msgspec.Struct, frozen=True, omit_defaults=True):
    """By how much a counter of the run's workflow grows."""

    version: int
    step: str
    """Empty for what concerns the whole workflow."""
    name: str
    """started, completed, exited, failed, retried, goals, value; of a step: entered, waiting, left, sent, viewed, clicked, errors, …"""
    branch: str = ""
    count: int = 1
