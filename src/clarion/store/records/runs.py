"""Runs, and what outlives them."""

import msgspec


class RunRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A run as it is kept. `state` is the core's own (`clarion.workflow.run`)."""

    id: str
    site: int
    workflow: str
    version: int
    profile: str
    key: str | None
    status: str
    """waiting, completed, exited, failed."""
    step: str | None
    due: int | None
    held: bool
    """True while its workflow is paused and its timer has come due: it is not offered again before the resume."""
    started: int
    ended: int | None
    reason: str | None
    state: msgspec.Raw
    goal_until: int | None = None
    """Until when events of the profile may still meet the run's goal, also after it has ended; None: no goal, or met."""


class DueRun(msgspec.Struct, frozen=True, array_like=True):
    """A run whose timer is due; the run itself is among the facts about its profile. Or a profile that is to be looked at again."""

    id: str
    """Of the run; empty: the profile's `recheck` is due."""
    due: int
    site: int
    profile: str
    """Key of its profile."""


class RunCount(msgspec.Struct, frozen=True):
    """How many runs in flight of a version stand at a step."""

    version: int
    step: str
    count: int


class EntryMemory(msgspec.Struct, frozen=True):
    """When a profile last started a workflow with a key; outlives the run (semantics §5, `again`)."""

    site: int
    workflow: str
    profile: str
    key: str
    """The empty text where the workflow has no `key`."""
    started: int
    run: str
