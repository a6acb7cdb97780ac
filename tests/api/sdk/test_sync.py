"""`sites/{app_id}/sync/{platform}`: everything is here, however the server is reached."""

import pytest
from tests.api.sdk.world import OPEN, SHOP, World


@pytest.mark.parametrize("platform", ["web", "android", "ios"])
async def test_an_sdk_learns_of_its_site(world: World, platform: str) -> None:
    site = world.store.sites[0]
    data = await world.data("GET", f"sites/{SHOP}/sync/{platform}")
    assert (data["site_id"], data["app_id"], data["site_key"], data["site_name"], data["site_status"]) == (
        1,
        SHOP,
        SHOP,
        "Site 1",
        "active",
    )
    assert (data["vapid_public_key"], data["signed_profiles"]) == (site.vapid_public_key, True)
    assert not {"vapid_private_sealed", "webhook_secret_sealed", "vapid_subject"} & data.keys()
    nulls = ("is_eu", "is_sponsored", "geo_fetch", "delete_on_notification_disable", "firebase_sender_id", "site_subdomain")
    assert all(data[name] is not None for name in nulls), "the Android SDK unboxes them"


async def test_everything_is_where_the_sdks_append_their_paths(world: World) -> None:
    base = "http://shop.example/p/v1/"
    api = (await world.data("GET", f"sites/{SHOP}/sync/android"))["api"]
    assert {api[name] for name in ("backend", "backend_cdn", "analytics", "log")} == {base}
    assert api["trigger"] == f"{base}trigger/", "Retrofit takes no base without a slash at its end"
    tls = await world.data("GET", f"sites/{SHOP}/sync/web", None, "X-Forwarded-Proto: https")
    assert tls["api"]["backend"] == "https://shop.example/p/v1/"
    odd = await world.data("GET", f"sites/{SHOP}/sync/web", None, "X-Forwarded-Proto: javascript")
    assert odd["api"]["backend"] == base
    world.context.desk.public_url = "https://push.shop.example"
    assert (await world.data("GET", f"sites/{SHOP}/sync/web"))["api"]["log"] == "https://push.shop.example/p/v1/"


async def test_a_site_without_signatures_says_so(world: World) -> None:
    assert (await world.data("GET", f"sites/{OPEN}/sync/web"))["signed_profiles"] is False


@pytest.mark.parametrize("path", ["sites/nobody/sync/web", f"sites/{SHOP}/sync/windows", f"sites/{SHOP}/sync", "sites/1/sync/web"])
async def test_what_is_no_site_or_platform_is_404(world: World, path: str) -> None:
    assert await world.status("GET", path) == 404
