"""`GET /api/v1/profiles/{profile_id}` and `GET /api/v1/subscribers/{device_token_hash}`: a person and what happened to them."""

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.context import answer, caller, context
from clarion.control.explain.people import Whom, find_profile
from clarion.control.views import profile_view


async def show_profile(request: Request) -> Response:
    """The profile that a `profile_id` names."""
    site = caller(request, "read")
    whom = Whom(profile_id=request.path_params["profile_id"])
    return answer(profile_view(await find_profile(context(request).store, site, whom)))


async def show_subscriber(request: Request) -> Response:
    """The profile that a subscriber belongs to."""
    site = caller(request, "read")
    whom = Whom(device_token_hash=request.path_params["device_token_hash"])
    return answer(profile_view(await find_profile(context(request).store, site, whom)))
