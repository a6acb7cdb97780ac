"""Workflows, their versions, and the drafts that are being worked on."""

from collections.abc import Sequence

import msgspec

from clarion.domain.ids import is_broadcast
from clarion.store.port import Changed, NotFound
from clarion.store.postgres.configuration import ConfigurationArea
from clarion.store.postgres.connection import Connection, Database
from clarion.store.records.bodies import WorkflowChange
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.runs import RunCount
from clarion.store.records.states import SweepCount
from clarion.store.records.workflows import WorkflowDraft, WorkflowRow, WorkflowVersion
from clarion.store.statements import load_statements

_SQL = load_statements(__package__, "workflows")
_encode = msgspec.json.Encoder().encode
_decode_change = msgspec.json.Decoder(WorkflowChange).decode

_TO_BE_REVIVED = ("draining", "archived")
"""Publishing makes these active again, even with the document that they have."""


class Workflows:
    """Reads and changes them."""

    def __init__(self, database: Database, slow: Database, configuration: ConfigurationArea) -> None:
        """`slow` is for what takes longer the more runs there are."""
        self._database, self._slow, self._configuration = database, slow, configuration

    async def publish(self, version: WorkflowVersion, name: str, entries: Sequence[NewEntry]) -> WorkflowRow:
        """As in the port."""
        site, workflow = version.site, version.workflow
        async with self._configuration.change() as change:
            connection = change.connection
            await connection.execute(_SQL["delete_published_draft"], site, workflow, version.source)
            current = await _workflow(connection, site, workflow)
            if current is not None and is_broadcast(workflow):
                return current
            number = 0 if current is None else current.version
            if current is None or number == 0 or not await _same(connection, version, number):
                number += 1
                document = bytes(version.document).decode()
                await connection.execute(_SQL["insert_version"], site, workflow, number, document, version.source, version.created)
            else:
                await connection.execute(_SQL["put_source"], site, workflow, number, version.source)
                if current.status not in _TO_BE_REVIVED:
                    await change.put([_numbered(entry, number) for entry in entries if _directs(entry)])
                    return await _require(connection, site, workflow)
            await change.put([_numbered(entry, number) for entry in entries])
            await change.row(_SQL["put_workflow"], site, workflow, name, number, version.created)
            change.announced = not is_broadcast(workflow)
            return await _require(connection, site, workflow)

    async def set_workflow_status(
        self, site: int, workflow: str, expected: str, status: str, at: int, entries: Sequence[NewEntry]
    ) -> WorkflowRow:
        """As in the port."""
        async with self._configuration.change() as change:
            found = await _require(change.connection, site, workflow)
            if found.status != expected:
                raise Changed(f"Workflow {workflow} is {found.status}, not {expected}.")
            await change.row(_SQL["set_workflow_status"], site, workflow, expected, status, at)
            await change.put(entries)
            return await _require(change.connection, site, workflow)

    async def workflow_version(self, site: int, workflow: str, version: int) -> WorkflowVersion:
        """As in the port."""
        row = await self._database.fetchrow(_SQL["workflow_version"], site, workflow, version)
        if row is None:
            raise NotFound(f"Workflow {workflow} has no version {version}.")
        site_, workflow_, number, document, source, created = row
        return WorkflowVersion(site_, workflow_, number, msgspec.Raw(document.encode()), source, created)

    async def save_draft(self, draft: WorkflowDraft, name: str) -> WorkflowRow:
        """As in the port."""
        async with self._configuration.change() as change:
            connection = change.connection
            await connection.execute(_SQL["put_draft"], draft.site, draft.workflow, draft.source, draft.saved)
            current = await _workflow(connection, draft.site, draft.workflow)
            if current is None or current.version == 0:
                await connection.execute(_SQL["put_unpublished"], draft.site, draft.workflow, name, draft.saved)
            return await _require(connection, draft.site, draft.workflow)

    async def draft(self, site: int, workflow: str) -> WorkflowDraft:
        """As in the port."""
        row = await self._database.fetchrow(_SQL["draft"], site, workflow)
        if row is None:
            raise NotFound(f"Workflow {workflow} has no draft.")
        return WorkflowDraft(*row)

    async def discard_draft(self, site: int, workflow: str) -> None:
        """As in the port."""
        async with self._configuration.change() as change:
            if await change.connection.fetchrow(_SQL["delete_draft"], site, workflow) is None:
                raise NotFound(f"Workflow {workflow} has no draft.")
            await change.connection.execute(_SQL["delete_unpublished"], site, workflow)

    async def workflow(self, site: int, workflow: str) -> WorkflowRow:
        """As in the port."""
        row = await self._database.fetchrow(_SQL["workflow"], site, workflow)
        if row is None:
            raise NotFound(f"There is no workflow {workflow}.")
        return WorkflowRow(*row)

    async def broadcasts(self, site: int, after: tuple[int, str] | None, limit: int) -> list[WorkflowRow]:
        """As in the port."""
        changed, workflow = after or (None, None)
        return [WorkflowRow(*row) for row in await self._slow.fetch(_SQL["broadcasts"], site, changed, workflow, limit)]

    async def run_counts(self, site: int, workflow: str) -> list[RunCount]:
        """As in the port; the step is empty for a run that stands at none."""
        return [RunCount(*row) for row in await self._slow.fetch(_SQL["run_counts"], site, workflow)]

    async def sweep_counts(self, site: int, ids: Sequence[str]) -> list[SweepCount]:
        """As in the port."""
        return [SweepCount(*row) for row in await self._database.fetch(_SQL["sweep_counts"], site, ids)]


async def _workflow(connection: Connection, site: int, workflow: str) -> WorkflowRow | None:
    row = await connection.fetchrow(_SQL["workflow"], site, workflow)
    return None if row is None else WorkflowRow(*row)


async def _require(connection: Connection, site: int, workflow: str) -> WorkflowRow:
    found = await _workflow(connection, site, workflow)
    if found is None:
        raise NotFound(f"There is no workflow {workflow}.")
    return found


async def _same(connection: Connection, version: WorkflowVersion, number: int) -> bool:
    """Whether a version has the document that this one of its numbers has."""
    row = await connection.fetchrow(_SQL["workflow_version"], version.site, version.workflow, number)
    return row is not None and row["document"] == bytes(version.document).decode()


def _directs(entry: NewEntry) -> bool:
    """Whether an entry says that runs in flight do not just finish."""
    return _decode_change(entry.body).runs != "keep"


def _numbered(entry: NewEntry, version: int) -> NewEntry:
    if entry.kind is not EntryKind.WORKFLOW:
        return entry
    change = msgspec.structs.replace(_decode_change(entry.body), version=version)
    return msgspec.structs.replace(entry, body=_encode(change))
