"""`sites/{app_id}/sync/{platform}`: what an SDK has to know of its site before it can do anything."""

from typing import Any, Final

from clarion.api.sdk.call import Call
from clarion.contract.errors import not_found, success
from clarion.contract.sdk.reading import SiteName

PLATFORMS: Final = ("web", "android", "ios")
PREFIX: Final = "/p/v1/"


async def sync(call: Call) -> bytes:
    """The site, its VAPID key, and where everything is: all of it here."""
    if call.request.path_params["platform"] not in PLATFORMS:
        raise not_found()
    app_id = call.request.path_params["app_id"]
    site = await call.enter(SiteName(None, app_id))
    base = (call.desk.public_url or _asked_at(call)) + PREFIX
    data: dict[str, Any] = {
        "site_id": site.id,
        "app_id": site.app_id,
        "site_key": site.app_id,
        "site_name": site.name,
        "site_status": "active",
        "site_subdomain": "",
        "vapid_public_key": site.vapid_public_key,
        "signed_profiles": not site.dangerous_unsigned_profiles,
        # the mobile SDKs take none of these for absent
        "is_eu": 0,
        "is_sponsored": 0,
        "geo_fetch": False,
        "delete_on_notification_disable": False,
        "firebase_sender_id": "",
        "api": {
            "backend": base,
            "backend_cdn": base,
            "analytics": base,
            "trigger": f"{base}trigger/",
            "optin": f"{base}optin/",
            "log": base,
        },
    }
    return success(data)


def _asked_at(call: Call) -> str:
    """Scheme and host as the client wrote them: it alone gets the answer."""
    headers = call.request.headers
    scheme = headers.get("x-forwarded-proto", "http").strip().lower()
    return f"{scheme if scheme in ('http', 'https') else 'http'}://{headers.get('host', 'localhost')}"
