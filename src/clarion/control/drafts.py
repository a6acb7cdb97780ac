"""Drafts: a workflow's document while it is being worked on. It is kept as it stands, with what is wrong with it, until it is published."""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from clarion.control.errors import Conflict, Invalid
from clarion.control.workflows import ENDED, Published, check_slug, find_workflow, list_workflows, publish_document
from clarion.store.port import NotFound, Store
from clarion.store.records.sites import Site
from clarion.store.records.workflows import WorkflowDraft
from clarion.workflow.source import LONGEST, Document, DocumentInvalid, Located, read_document

MOST_DRAFTS: Final = 1_000
"""Drafts of one site."""

Read = Callable[[str], Awaitable[Document]]
"""Reads a document (`clarion.workflow.source.read_document`), beside the event loop where there is one to keep free."""


class Judged(msgspec.Struct, frozen=True):
    """A draft, and its document or what is wrong with it."""

    draft: WorkflowDraft
    document: Document | None
    problems: list[Located]


async def read_here(text: str) -> Document:
    """A `Read` for a process that has nothing else to do."""
    return read_document(text)


async def save_draft(store: Store, site: Site, workflow: str, text: str, now: int, read: Read) -> Judged:
    """Keep a draft in place of an earlier one, valid or not. Raises Invalid for a text that cannot be kept, and for one draft too many."""
    slug = check_slug(workflow)
    judged = await _judge(WorkflowDraft(site.id, slug, _check_text(text), now), read)
    drafts = {row.workflow for row in await list_workflows(store, site) if row.draft is not None}
    if slug not in drafts and len(drafts) >= MOST_DRAFTS:
        raise Invalid("workflow", f"the site has {MOST_DRAFTS} drafts already — publish or discard one: clarion workflows list")
    await store.save_draft(judged.draft, slug if judged.document is None else judged.document.name)
    return judged


async def show_draft(store: Store, site: Site, workflow: str, read: Read) -> Judged:
    """A workflow's draft. Raises NotFound."""
    return await _judge(await _draft(store, site, workflow), read)


async def discard_draft(store: Store, site: Site, workflow: str) -> None:
    """Forget a draft, and a workflow that was never published with it. Raises NotFound."""
    try:
        await store.discard_draft(site.id, workflow)
    except NotFound:
        raise _no_draft(workflow) from None


async def publish_draft(
    store: Store, site: Site, workflow: str, now: int, new_id: Callable[[], str], read: Read, runs: str = "keep"
) -> Published:
    """Publish a workflow's draft; it is a draft no more. One that is draining or archived and has no draft is published as it was.

    Raises DocumentInvalid, Invalid, NotFound, and Conflict where there is nothing to publish.
    """
    row = await find_workflow(store, site, workflow)
    try:
        text = (await store.draft(site.id, workflow)).source
    except NotFound:
        if row.status not in ENDED:
            raise Conflict(f"{workflow} has no draft to publish — save one: clarion workflows draft FILE") from None
        text = (await store.workflow_version(site.id, workflow, row.version)).source
    document = await read(text)
    if document.workflow != workflow:
        raise DocumentInvalid([other_workflow(workflow)])
    return await publish_document(store, site, document, text, now, new_id, runs)


async def _judge(draft: WorkflowDraft, read: Read) -> Judged:
    try:
        document = await read(draft.source)
    except DocumentInvalid as invalid:
        return Judged(draft, None, invalid.problems)
    return Judged(draft, document, [] if document.workflow == draft.workflow else [other_workflow(draft.workflow)])


def other_workflow(workflow: str) -> Located:
    return Located(("workflow",), f'must be "{workflow}", the workflow that this is a draft of')


async def _draft(store: Store, site: Site, workflow: str) -> WorkflowDraft:
    try:
        return await store.draft(site.id, workflow)
    except NotFound:
        raise _no_draft(workflow) from None


def _no_draft(workflow: str) -> NotFound:
    return NotFound(f"{workflow[:64]} has no draft — see: clarion workflows list")


def _check_text(text: str) -> str:
    if len(text.encode("utf-8", "replace")) > LONGEST:
        raise Invalid("document", f"the document is larger than {LONGEST // 1024} KiB — shorten it")
    if "\0" in text or text.encode("utf-8", "replace").decode() != text:
        raise Invalid("document", "the document holds a NUL or half of a character — leave it out")
    return text
