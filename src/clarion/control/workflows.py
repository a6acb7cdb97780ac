"""Workflows: publish, pause, resume. Each is one commit that also tells every partition through its inbox."""

from collections.abc import Callable
from typing import Final

import msgspec

from clarion.clock import HOUR
from clarion.control.errors import Invalid
from clarion.domain.durations import parse_duration
from clarion.store.port import NotFound, Store
from clarion.store.records import EntryKind, NewEntry, Site, WorkflowChange, WorkflowRow, WorkflowVersion
from clarion.workflow.source import Document, canonical, read_document

SKIP_OLDER_THAN: Final = 24 * HOUR
"""After a pause, pushes that were held for longer are stale unless said otherwise (semantics §7)."""


async def publish_workflow(store: Store, site: Site, text: str, now: int, new_id: Callable[[], str]) -> tuple[WorkflowRow, bool]:
    """Publish the document in a text, as `publish_document` does. Raises DocumentInvalid with every problem found."""
    return await publish_document(store, site, read_document(text), text, now, new_id)


async def publish_document(
    store: Store, site: Site, document: Document, source: str, now: int, new_id: Callable[[], str]
) -> tuple[WorkflowRow, bool]:
    """Publish a document, and say whether that made a new version: one that equals the current version changes nothing."""
    slug = document.workflow
    configuration = await store.configuration()
    before = next((row.version for row in configuration.workflows if row.site == site.id and row.workflow == slug), 0)
    version = WorkflowVersion(site=site.id, workflow=slug, version=0, document=msgspec.Raw(canonical(document)), source=source, created=now)
    entries = _entries(store, site, WorkflowChange(workflow=slug, change="publish"), now, new_id)
    row = await store.publish(version, document.name, entries)
    return row, row.version != before


async def pause_workflow(store: Store, site: Site, workflow: str, now: int, new_id: Callable[[], str]) -> WorkflowRow:
    """Hold a workflow: no starts, no further steps, nothing sent. Pausing a paused one changes nothing. Raises NotFound."""
    row = await find_workflow(store, site, workflow)
    if row.status == "paused":
        return row
    entries = _entries(store, site, WorkflowChange(workflow=workflow, change="pause"), now, new_id)
    return await store.set_workflow_status(site.id, workflow, "paused", now, entries)


async def resume_workflow(
    store: Store, site: Site, workflow: str, now: int, new_id: Callable[[], str], skip_older_than: int = SKIP_OLDER_THAN
) -> WorkflowRow:
    """Let a paused workflow go on. Pushes that were held for more than `skip_older_than` microseconds end as `stale`. Raises NotFound."""
    row = await find_workflow(store, site, workflow)
    if row.status != "paused":
        return row
    change = WorkflowChange(workflow=workflow, change="resume", skip_older_than=skip_older_than)
    return await store.set_workflow_status(site.id, workflow, "active", now, _entries(store, site, change, now, new_id))


def read_skip_older_than(text: str) -> int:
    """Microseconds of a duration such as `24h`. Raises Invalid."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise Invalid("skip_older_than", f"skip_older_than {error} — for example 24h") from None


async def find_workflow(store: Store, site: Site, workflow: str) -> WorkflowRow:
    """The workflow with a slug. Raises NotFound."""
    for row in (await store.configuration()).workflows:
        if row.site == site.id and row.workflow == workflow:
            return row
    raise NotFound(f"there is no workflow {workflow[:64]} — see: clarion workflows list")


def _entries(store: Store, site: Site, change: WorkflowChange, now: int, new_id: Callable[[], str]) -> list[NewEntry]:
    body = msgspec.json.encode(change)
    return [
        NewEntry(kind=EntryKind.WORKFLOW, site=site.id, id=new_id(), body=body, received=now, partition=partition)
        for partition in range(store.partitions)
    ]
