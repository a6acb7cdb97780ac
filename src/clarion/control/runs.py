"""Runs: listed, shown, and what an operator does to one: stop, retry, move. The engine takes it in its order, from the inbox."""

from collections.abc import Callable
from typing import Final

import msgspec

from clarion.control.errors import Conflict, Invalid
from clarion.control.plan import steps_of
from clarion.control.workflows import find_workflow
from clarion.domain.ids import partition_of_profile
from clarion.store.port import NotFound, Store
from clarion.store.records.bodies import RunChange
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.runs import RunRow
from clarion.store.records.sites import Site
from clarion.store.records.workflows import WorkflowRow

STATUSES: Final = ("waiting", "completed", "exited", "failed")
CHANGES: Final = ("stop", "retry", "move")
LONGEST_REASON: Final = 200
"""Characters."""


async def list_runs(store: Store, site: Site, workflow: str | None, status: str | None, limit: int) -> list[RunRow]:
    """The newest runs of a site, of one workflow or status where that is given. Raises Invalid, NotFound."""
    if status is not None and status not in STATUSES:
        raise Invalid("status", f"status must be one of {', '.join(STATUSES)}")
    if workflow is not None:
        await find_workflow(store, site, workflow)
    return await store.runs(site.id, workflow, status, limit)


async def find_run(store: Store, site: Site, run: str) -> RunRow:
    """One run of a site. Raises NotFound."""
    try:
        row = await store.run(run)
    except NotFound:
        raise _unknown(run) from None
    if row.site != site.id:
        raise _unknown(run)
    return row


async def change_run(
    store: Store,
    site: Site,
    run: str,
    change: str,
    now: int,
    new_id: Callable[[], str],
    *,
    step: str | None = None,
    reason: str | None = None,
) -> RunRow:
    """Tell the engine to stop a run in flight, to retry a failed one at its step, or to move one to the current version or a step of it.

    Returns the run as it stands before that. Raises NotFound, Invalid, and Conflict for what the engine could not do.
    """
    row = await find_run(store, site, run)
    if step is not None and change != "move":
        raise Invalid("step", f"step has no meaning for {change} — leave it out")
    told = RunChange(row.id, row.workflow, change, step, _read_reason(reason))
    if change == "stop":
        _require_in_flight(row, "stopped")
    else:
        workflow = await find_workflow(store, site, row.workflow)
        if workflow.status == "archived":
            raise Conflict(f"{row.workflow} is archived and none of its runs goes on — publish it first")
        if change == "retry":
            _require_failed(row)
        else:
            await _require_place(store, row, workflow, step)
    await store.append([operator_entry(row, told, now, new_id, store.partitions)])
    return row


def operator_entry(row: RunRow, change: RunChange, now: int, new_id: Callable[[], str], partitions: int) -> NewEntry:
    """The entry that tells a run's partition of a change, and whose the run was when it was asked for."""
    partition = partition_of_profile(row.site, row.profile, partitions)
    body = msgspec.json.encode(msgspec.structs.replace(change, profile=row.profile))
    return NewEntry(EntryKind.RUN, row.site, new_id(), body, now, partition)


def _require_in_flight(row: RunRow, done: str) -> None:
    if row.status != "waiting":
        said = f"run {row.id} has {_ended(row)}: only a run in flight can be {done}"
        if done == "moved" and row.status == "failed" and row.step is not None:
            raise Conflict(f"{said} — to go on at its step, run: clarion runs retry {row.id}")
        raise Conflict(f"{said} — see: clarion runs list --status waiting")


def _require_failed(row: RunRow) -> None:
    if row.status != "failed" or row.step is None:
        stands = "is in flight" if row.status == "waiting" else f"has {_ended(row)}"
        raise Conflict(f"run {row.id} {stands}: only a failed run can be retried — see: clarion runs list --status failed")


async def _require_place(store: Store, row: RunRow, workflow: WorkflowRow, step: str | None) -> None:
    """The current version has to have the step that the run is to go on at."""
    _require_in_flight(row, "moved")
    if step is None and row.version >= workflow.version:
        raise Conflict(f"run {row.id} is on version {row.version}, the current one — name the step to go on at with --step")
    version = await store.workflow_version(row.site, row.workflow, workflow.version)
    if (row.step if step is None else step) in dict(steps_of(msgspec.json.decode(version.document))):
        return
    if step is not None:
        raise Invalid("step", f"step {step[:64]} is not in version {workflow.version} — see: clarion workflows show {row.workflow}")
    raise Conflict(f"the step of run {row.id}, {row.step}, is not in version {workflow.version} — name another with --step")


def _ended(row: RunRow) -> str:
    return row.status if row.reason is None else f"{row.status} ({row.reason})"


def _read_reason(reason: str | None) -> str | None:
    if reason is None:
        return None
    stripped = reason.strip()
    if not stripped or len(stripped) > LONGEST_REASON or not stripped.isprintable():
        raise Invalid("reason", f"reason must be printable text of 1 to {LONGEST_REASON} characters")
    return stripped


def _unknown(run: str) -> NotFound:
    return NotFound(f"there is no run {run[:64]} — see: clarion runs list")
