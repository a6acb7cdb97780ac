"""Inputs that were set aside, over HTTP: list, try again, discard."""

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.bodies import members
from clarion.api.context import answer, caller, context, whole
from clarion.control import poisoned
from clarion.control.run_views import poisoned_view


async def list_poisoned(request: Request) -> Response:
    """What could not be applied, newest first."""
    site = caller(request, "read")
    limit = whole(request, "limit", 100, 1, poisoned.MOST)
    rows = await poisoned.list_poisoned(context(request).store, site, limit)
    return answer({"poisoned": [poisoned_view(one) for one in rows]})


async def retry_poisoned(request: Request) -> Response:
    """Have an input applied again."""
    site = caller(request, "write")
    await members(request)
    shared = context(request)
    one = await poisoned.retry_poisoned(shared.store, site, request.path_params["input"], shared.clock(), shared.new_id)
    return answer(poisoned_view(one))


async def discard_poisoned(request: Request) -> Response:
    """Give an input up."""
    site = caller(request, "write")
    return answer(poisoned_view(await poisoned.discard_poisoned(context(request).store, site, request.path_params["input"])))
