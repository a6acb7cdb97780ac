"""`GET /api/v1/profiles/{profile_id}` and `GET /api/v1/subscribers/{device_token_hash}`: a person and what happened to them."""

from starlette.requests import Request
from starlette.responses import Response

from clarion.api.context import answer, caller, context
from clarion.control.views import profile_view
from clarion.domain.ids import named_profile


async def show_profile(request: Request) -> Response:
    """The profile that a `profile_id` names."""
    site = caller(request, "read")
    key = named_profile(request.path_params["profile_id"])
    return answer(profile_view(await context(request).store.profile(site.id, key)))


async def show_subscriber(request: Request) -> Response:
    """The profile that a subscriber belongs to."""
    site = caller(request, "read")
    store = context(request).store
    key = await store.subscriber_profile(site.id, request.path_params["device_token_hash"])
    return answer(profile_view(await store.profile(site.id, key)))
