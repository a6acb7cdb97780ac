"""`/api/v1/site`: the site that the API key belongs to, and its settings."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from clarion.api.bodies import members, text_member
from clarion.api.context import answer, caller, catch_up, context
from clarion.control.site_settings import SiteSettings, change_site
from clarion.control.sites import find_site
from clarion.control.views import site_view


async def show_site(request: Request) -> Response:
    """The site, without its secrets."""
    site = caller(request, "read")
    return answer(site_view(await find_site(context(request).store, str(site.id))))


async def change(request: Request) -> Response:
    """Change settings of the site; what is not named stays."""
    site = caller(request, "admin")
    given = await members(request, "name", "timezone", "frequency_cap", "vapid_subject", "origins", "dangerous_unsigned_profiles")
    wanted = SiteSettings(
        text_member(given, "name"),
        text_member(given, "timezone"),
        given.get("frequency_cap", msgspec.UNSET),
        text_member(given, "vapid_subject"),
        given.get("origins"),
        given.get("dangerous_unsigned_profiles"),
    )
    shared = context(request)
    after = await change_site(shared.store, site, wanted, shared.clock(), shared.new_id)
    await catch_up(shared)
    return answer(site_view(after))
