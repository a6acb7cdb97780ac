"""`GET /api/v1/log`: the events of the log, to follow what comes in."""

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.context import answer, caller, context, whole
from clarion.control.views import event_view

MOST = 1_000


async def list_events(request: Request) -> Response:
    """Events after a sequence, in order; without `after`, the newest."""
    site = caller(request, "read")
    after = whole(request, "after", -1, -1, 2**62)
    limit = whole(request, "limit", 100, 1, MOST)
    rows = await context(request).store.events(site.id, after, limit)
    return answer({"events": [event_view(row) for row in rows]})
