"""Workflows over HTTP: list, show, plan, publish, validate, and every change of status."""

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.bodies import document_text, members, text_member
from clarion.api.context import JSON, Endpoint, answer, caller, context
from clarion.contract.errors import Detail, invalid, success
from clarion.control import plan, workflows
from clarion.control.counters import TOTAL, read_counters
from clarion.control.views import workflow_view
from clarion.control.workflow_views import counters_view, plan_view, published_view


async def list_workflows(request: Request) -> Response:
    """All workflows of the site, by slug, with when their drafts were saved."""
    site = caller(request, "read")
    rows = await workflows.list_workflows(context(request).store, site)
    return answer({"workflows": [{**workflow_view(row), "draft": row.draft} for row in rows]})


async def show_workflow(request: Request) -> Response:
    """A workflow with its current version's document and source, if it was ever published."""
    site = caller(request, "read")
    store = context(request).store
    row = await workflows.find_workflow(store, site, request.path_params["workflow"])
    version = await store.workflow_version(site.id, row.workflow, row.version) if row.version else None
    return answer({**workflow_view(row, version), "draft": row.draft})


async def publish_workflow(request: Request) -> Response:
    """Publish a document; its slug has to be the address's."""
    site = caller(request, "write")
    runs = workflows.read_runs(request.query_params.get("runs", "keep"))
    text = await document_text(request)
    slug = request.path_params["workflow"]
    shared = context(request)
    document = await shared.documents.of(site.id)(text)
    if document.workflow != slug:
        raise invalid(Detail(f'workflow must be "{slug[:64]}", as in the address', ("workflow",)))
    return answer(published_view(await workflows.publish_document(shared.store, site, document, text, shared.clock(), shared.new_id, runs)))


async def validate_workflow(request: Request) -> Response:
    """Say whether a document could be published; changes nothing."""
    site = caller(request, "read")
    document = await context(request).documents.of(site.id)(await document_text(request))
    return answer({"workflow": document.workflow, "name": document.name, "steps": len(document.steps)})


async def plan_workflow(request: Request) -> Response:
    """Say what publishing a document would do; changes nothing."""
    site = caller(request, "read")
    shared = context(request)
    document = await shared.documents.of(site.id)(await document_text(request))
    return answer(plan_view(await plan.plan_document(shared.store, site, document)))


def changing(change: str) -> Endpoint:
    """The endpoint that takes a workflow from one status to another."""

    async def change_status(request: Request) -> Response:
        site = caller(request, "write")
        shared = context(request)
        given = await members(request, *(("skip_older_than",) if change in ("resume", "drain") else ()))
        skip = text_member(given, "skip_older_than")
        return answer(
            workflow_view(
                await workflows.change_status(
                    shared.store,
                    site,
                    request.path_params["workflow"],
                    change,
                    shared.clock(),
                    shared.new_id,
                    workflows.SKIP_OLDER_THAN if skip is None else workflows.read_skip_older_than(skip),
                )
            )
        )

    return change_status


async def show_counters(request: Request) -> Response:
    """What happened at a workflow's versions and steps."""
    site = caller(request, "read")
    shared = context(request)
    asked = request.query_params
    counters = await read_counters(
        shared.store,
        site,
        request.path_params["workflow"],
        asked.get("period", TOTAL),
        asked.get("since"),
        asked.get("until"),
        shared.clock(),
    )
    return Response(await shared.views.do(site.id, lambda: success(counters_view(counters))), media_type=JSON)
