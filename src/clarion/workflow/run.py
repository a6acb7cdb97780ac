"""A run: one profile going through one version of one workflow."""

from typing import Any

import msgspec

from clarion.domain.records import Event

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
    """Id of the step it stands at; None once it has ended."""
    since: int = 0
    """When that step was entered."""
    due: int | None = None
    """When its timer is due."""
    visit: int = 1
    """Which visit to the step this is: a retry of a failed step is another visit."""
    ended: int | None = None
    reason: str | None = None
    steps: dict[str, dict[str, Any]] = {}
    """What steps leave for later ones: `{"event": {…}}`, `{"status": 200, "response": {…}}`."""


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a run's history: what happened at a step, when and why."""

    at: int
    what: str
    """entered, waiting, sent, skipped, left, completed, exited, failed."""
    step: str | None = None
    detail: dict[str, Any] = {}
