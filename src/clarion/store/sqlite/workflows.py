"""Workflows, their versions, and the drafts that are being worked on."""

from collections.abc import Sequence

import apsw
import msgspec

from clarion.domain.ids import is_broadcast
from clarion.store.port import Changed, NotFound
from clarion.store.records.bodies import WorkflowChange
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.runs import RunCount
from clarion.store.records.states import SweepCount
from clarion.store.records.workflows import WorkflowDraft, WorkflowRow, WorkflowVersion
from clarion.store.sqlite.configuration import changed
from clarion.store.sqlite.entries import put_entries
from clarion.store.sqlite.statements import load, rows, value

_SQL = load("workflows")
_encode = msgspec.json.Encoder().encode
_decode_change = msgspec.json.Decoder(WorkflowChange).decode
_decode_counts = msgspec.json.Decoder(list[RunCount]).decode

_TO_BE_REVIVED = ("draining", "archived")
"""Publishing makes these active again, even with the document that they have."""


def publish(connection: apsw.Connection, version: WorkflowVersion, name: str, entries: Sequence[NewEntry]) -> WorkflowRow:
    """As in the port."""
    site, workflow = version.site, version.workflow
    connection.execute(_SQL["delete_published_draft"], {"site": site, "workflow": workflow, "source": version.source})
    current = _workflow(connection, site, workflow)
    if current is not None and is_broadcast(workflow):
        return current
    number = 0 if current is None else current.version
    if current is None or number == 0 or not _same(workflow_version(connection, site, workflow, number).document, version.document):
        number += 1
        connection.execute(
            _SQL["insert_version"],
            {
                "site": site,
                "workflow": workflow,
                "version": number,
                "document": bytes(version.document).decode(),
                "source": version.source,
                "created": version.created,
            },
        )
    else:
        connection.execute(_SQL["put_source"], {"site": site, "workflow": workflow, "version": number, "source": version.source})
        if current.status not in _TO_BE_REVIVED:
            put_entries(connection, [_numbered(entry, number) for entry in entries if _directs(entry)])
            return _require(connection, site, workflow)
    put_entries(connection, [_numbered(entry, number) for entry in entries])
    made = {"site": site, "workflow": workflow, "name": name, "version": number, "changed": version.created}
    if is_broadcast(workflow):
        connection.execute(_SQL["put_workflow"], made)
    else:
        changed(connection, _SQL["put_workflow"], made)
    return _require(connection, site, workflow)


def set_workflow_status(
    connection: apsw.Connection, site: int, workflow: str, expected: str, status: str, at: int, entries: Sequence[NewEntry]
) -> WorkflowRow:
    """As in the port."""
    found = _require(connection, site, workflow)
    if found.status != expected:
        raise Changed(f"Workflow {workflow} is {found.status}, not {expected}.")
    asked = {"site": site, "workflow": workflow, "expected": expected, "status": status, "at": at}
    changed(connection, _SQL["set_workflow_status"], asked)
    put_entries(connection, entries)
    return _require(connection, site, workflow)


def workflow_version(connection: apsw.Connection, site: int, workflow: str, version: int) -> WorkflowVersion:
    """As in the port."""
    asked = {"site": site, "workflow": workflow, "version": version}
    for site_, workflow_, number, document, source, created in rows(connection, _SQL["workflow_version"], asked):
        return WorkflowVersion(site_, workflow_, number, msgspec.Raw(document.encode()), source, created)
    raise NotFound(f"Workflow {workflow} has no version {version}.")


def save_draft(connection: apsw.Connection, draft: WorkflowDraft, name: str) -> WorkflowRow:
    """As in the port."""
    connection.execute(_SQL["put_draft"], msgspec.structs.asdict(draft))
    current = _workflow(connection, draft.site, draft.workflow)
    if current is None or current.version == 0:
        made = {"site": draft.site, "workflow": draft.workflow, "name": name, "changed": draft.saved}
        connection.execute(_SQL["put_unpublished"], made)
    return _require(connection, draft.site, draft.workflow)


def read_draft(connection: apsw.Connection, site: int, workflow: str) -> WorkflowDraft:
    """As `draft` in the port."""
    for row in rows(connection, _SQL["draft"], {"site": site, "workflow": workflow}):
        return WorkflowDraft(*row)
    raise NotFound(f"Workflow {workflow} has no draft.")


def discard_draft(connection: apsw.Connection, site: int, workflow: str) -> None:
    """As in the port."""
    asked = {"site": site, "workflow": workflow}
    if not rows(connection, _SQL["delete_draft"], asked):
        raise NotFound(f"Workflow {workflow} has no draft.")
    current = _workflow(connection, site, workflow)
    if current is not None and current.version == 0:
        connection.execute(_SQL["delete_unpublished"], asked)


def read_workflow(connection: apsw.Connection, site: int, workflow: str) -> WorkflowRow:
    """As `workflow` in the port."""
    return _require(connection, site, workflow)


def broadcasts(connection: apsw.Connection, site: int, after: tuple[int, str] | None, limit: int) -> list[WorkflowRow]:
    """As in the port."""
    changed_at, workflow = after or (None, None)
    asked = {"site": site, "changed": changed_at, "workflow": workflow, "limit": limit}
    return [WorkflowRow(*row) for row in rows(connection, _SQL["broadcasts"], asked)]


def run_counts(connection: apsw.Connection, site: int, workflow: str) -> list[RunCount]:
    """As in the port; the step is empty for a run that stands at none."""
    return _decode_counts(value(connection, _SQL["run_counts"], {"site": site, "workflow": workflow}))


def sweep_counts(connection: apsw.Connection, site: int, ids: Sequence[str]) -> list[SweepCount]:
    """As in the port."""
    found = rows(connection, _SQL["sweep_counts"], {"site": site, "ids": _encode(list(ids)).decode()})
    return [SweepCount(*row) for row in found]


def _workflow(connection: apsw.Connection, site: int, workflow: str) -> WorkflowRow | None:
    for row in rows(connection, _SQL["workflow"], {"site": site, "workflow": workflow}):
        return WorkflowRow(*row)
    return None


def _require(connection: apsw.Connection, site: int, workflow: str) -> WorkflowRow:
    found = _workflow(connection, site, workflow)
    if found is None:
        raise NotFound(f"There is no workflow {workflow}.")
    return found


def _directs(entry: NewEntry) -> bool:
    """Whether an entry says that runs in flight do not just finish."""
    return _decode_change(entry.body).runs != "keep"


def _same(one: msgspec.Raw, other: msgspec.Raw) -> bool:
    return bytes(one) == bytes(other)


def _numbered(entry: NewEntry, version: int) -> NewEntry:
    if entry.kind is not EntryKind.WORKFLOW:
        return entry
    change = msgspec.structs.replace(_decode_change(entry.body), version=version)
    return msgspec.structs.replace(entry, body=_encode(change))
