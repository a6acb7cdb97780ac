"""Drafts over HTTP: show, save, discard, publish; and duplicates, which begin as drafts."""

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.bodies import document_text, members, text_member
from clarion.api.context import answer, caller, context
from clarion.contract.errors import Detail, invalid
from clarion.control import drafts, duplicate, workflows
from clarion.control.workflow_views import draft_view, published_view
from clarion.workflow.source import DocumentInvalid


async def show_draft(request: Request) -> Response:
    """A workflow's draft, with what is wrong with it."""
    site = caller(request, "read")
    shared = context(request)
    return answer(draft_view(await drafts.show_draft(shared.store, site, request.path_params["workflow"], shared.documents.of(site.id))))


async def save_draft(request: Request) -> Response:
    """Keep a draft, valid or not, in place of an earlier one."""
    site = caller(request, "write")
    text = await document_text(request)
    shared = context(request)
    slug = request.path_params["workflow"]
    return answer(draft_view(await drafts.save_draft(shared.store, site, slug, text, shared.clock(), shared.documents.of(site.id))))


async def discard_draft(request: Request) -> Response:
    """Forget a draft."""
    site = caller(request, "write")
    await drafts.discard_draft(context(request).store, site, request.path_params["workflow"])
    return answer({})


async def publish(request: Request) -> Response:
    """Publish a workflow's draft, or the text of a document in its place."""
    site = caller(request, "write")
    given = await members(request, "runs", "document")
    runs = workflows.read_runs(text_member(given, "runs") or "keep")
    text = text_member(given, "document")
    shared = context(request)
    slug = request.path_params["workflow"]
    if text is None:
        published = await drafts.publish_draft(shared.store, site, slug, shared.clock(), shared.new_id, shared.documents.of(site.id), runs)
        return answer(published_view(published))
    document = await shared.documents.of(site.id)(text)
    if document.workflow != slug:
        raise DocumentInvalid([drafts.other_workflow(slug)])
    return answer(published_view(await workflows.publish_document(shared.store, site, document, text, shared.clock(), shared.new_id, runs)))


async def duplicate_workflow(request: Request) -> Response:
    """Keep a workflow's document as the draft of a new one."""
    site = caller(request, "write")
    given = await members(request, "workflow")
    new = text_member(given, "workflow")
    if new is None:
        raise invalid(Detail("workflow is required: the new one's slug", ("workflow",)))
    shared = context(request)
    made = await duplicate.duplicate_workflow(
        shared.store, site, request.path_params["workflow"], new, shared.clock(), shared.documents.of(site.id)
    )
    return answer(draft_view(made))
