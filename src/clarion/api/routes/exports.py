"""`GET /api/v1/exports/{what}`: people in the form that an import takes, a page at a time."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.context import caller, context, flag, whole
from clarion.control.exports import export_page
from clarion.control.people_lists import MOST

CURSOR: Final = "Clarion-Cursor"
"""Header of an answer: what to go on with; not there on the last page."""
_TYPES: Final = {"ndjson": "application/x-ndjson", "csv": "text/csv"}


async def export(request: Request) -> Response:
    """A page of subscribers or profiles. What is needed to send to subscribers comes with `addresses`, which needs the scope admin."""
    addresses = bool(flag(request, "addresses"))
    site = caller(request, "admin" if addresses else "read")
    asked = request.query_params
    form = asked.get("format", "ndjson")
    shared = context(request)
    limit = whole(request, "limit", MOST, 1, MOST)
    page = await export_page(
        shared.store, site, request.path_params["what"], form, asked.get("cursor"), limit, shared.clock(), addresses=addresses
    )
    return Response(page.content, media_type=_TYPES[form], headers={} if page.cursor is None else {CURSOR: page.cursor})
