"""Workflows over HTTP: list, show, publish, validate, pause, resume."""

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.context import answer, caller, context
from clarion.contract.content_type import is_json
from clarion.contract.errors import Detail, invalid, not_json
from clarion.contract.reading import NotJson, read_json
from clarion.control import workflows
from clarion.control.views import workflow_view

YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml")


async def list_workflows(request: Request) -> Response:
    """All workflows of the site, by slug."""
    site = caller(request, "read")
    rows = (await context(request).store.configuration()).workflows
    return answer({"workflows": [workflow_view(row) for row in sorted(rows, key=lambda row: row.workflow) if row.site == site.id]})


async def show_workflow(request: Request) -> Response:
    """A workflow with its current version's document and source."""
    site = caller(request, "read")
    store = context(request).store
    row = await workflows.find_workflow(store, site, request.path_params["workflow"])
    return answer(workflow_view(row, await store.workflow_version(site.id, row.workflow, row.version)))


async def publish_workflow(request: Request) -> Response:
    """Publish a document; its slug has to be the address's."""
    site = caller(request, "write")
    text = await _document(request)
    slug = request.path_params["workflow"]
    shared = context(request)
    document = await shared.documents.read(text)
    if document.workflow != slug:
        raise invalid(Detail(f'workflow must be "{slug[:64]}", as in the address', ("workflow",)))
    row, created = await workflows.publish_document(shared.store, site, document, text, shared.clock(), shared.new_id)
    return answer(workflow_view(row) | {"created": created})


async def validate_workflow(request: Request) -> Response:
    """Say whether a document could be published; changes nothing."""
    caller(request, "read")
    document = await context(request).documents.read(await _document(request))
    return answer({"workflow": document.workflow, "name": document.name, "steps": len(document.steps)})


async def pause_workflow(request: Request) -> Response:
    """Hold a workflow."""
    site = caller(request, "write")
    shared = context(request)
    slug = request.path_params["workflow"]
    return answer(workflow_view(await workflows.pause_workflow(shared.store, site, slug, shared.clock(), shared.new_id)))


async def resume_workflow(request: Request) -> Response:
    """Let a paused workflow go on."""
    site = caller(request, "write")
    shared = context(request)
    skip = _skip_older_than(await request.body())
    slug = request.path_params["workflow"]
    return answer(workflow_view(await workflows.resume_workflow(shared.store, site, slug, shared.clock(), shared.new_id, skip)))


async def _document(request: Request) -> str:
    content_type = request.headers.get("content-type", "")
    if not is_json(content_type.encode("latin-1")) and content_type.partition(";")[0].strip().lower() not in YAML_TYPES:
        raise invalid(Detail("Content-Type must be application/json or application/yaml"))
    try:
        return (await request.body()).decode()
    except UnicodeDecodeError:
        raise invalid(Detail("Request body must be UTF-8")) from None


def _skip_older_than(body: bytes) -> int:
    if not body.strip():
        return workflows.SKIP_OLDER_THAN
    try:
        given = read_json(body)
    except NotJson:
        raise not_json() from None
    if not isinstance(given, dict):
        raise invalid(Detail("Request body must be a JSON object"))
    skip = given.get("skip_older_than")
    if skip is None:
        return workflows.SKIP_OLDER_THAN
    if not isinstance(skip, str):
        raise invalid(Detail("skip_older_than must be a string", ("skip_older_than",)))
    return workflows.read_skip_older_than(skip)
