"""`GET /api/v1/log`: the events of the log, to follow what comes in."""

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.context import answer, caller, context, whole
from clarion.contract.errors import Detail, invalid
from clarion.control.views import event_view
from clarion.store.port import BadCursor

MOST = 1_000


async def list_events(request: Request) -> Response:
    """Events behind the cursor `after`, in order; without it, the newest. `cursor` is what to go on after."""
    site = caller(request, "read")
    after = request.query_params.get("after", "")
    limit = whole(request, "limit", 100, 1, MOST)
    try:
        page = await context(request).store.events(site.id, after, limit)
    except BadCursor:
        raise invalid(Detail("after must be 0 or the cursor of an earlier answer", ("after",))) from None
    return answer({"events": [event_view(row) for row in page.rows], "cursor": page.cursor})
