"""A public app id opens its own site and nothing else; a hash that was made up opens nothing."""

from typing import Any

import pytest
from tests.api.sdk.world import HASH, NAMED, OPEN, OTHER, SHOP, SUBSCRIPTION, World, sign

FORGED = ("f" * 64, HASH[:-1], HASH.upper(), HASH + " ", "%", "a" * 255, "../../1", "1")

ABOUT: list[tuple[str, str, Any]] = [
    ("GET", "subscriber/{hash}", None),
    ("GET", "subscriber/check/{hash}", None),
    ("GET", "subscriber/{hash}/attributes", None),
    ("PUT", "subscriber/{hash}/attributes", {"a": 1}),
    ("POST", "subscriber/{hash}/attributes", {"a": 1}),
    ("DELETE", "subscriber/{hash}/attributes", ["a"]),
    ("DELETE", "subscriber/{hash}/fields", ["profile_id"]),
    ("PUT", "subscriber/{hash}", {"device": "mobile"}),
]
"""Requests that name the subscriber in their address."""
WITHIN: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "events/track", {"event_name": "a"}),
    ("POST", "goals", {"name": "g"}),
    ("PUT", "trigger", {"campaign_name": "c", "event_name": "e"}),
    ("POST", "alerts", {"type": "price_drop"}),
    ("POST", "subscriber/logout", {}),
    ("POST", "subscriber/profile-id/add", {"profile_id": "x", "signature": sign("x")}),
    ("POST", "subscriber/segments/add", {"segment": ["a"]}),
    ("POST", "subscriber/segments/remove", {"segment": ["a"]}),
    ("POST", "subscriber/dynamicSegments/add", {"segments": [{"name": "a", "duration": 1}]}),
    ("POST", "subscriber/dynamicSegments/remove", {"segment": ["a"]}),
    ("POST", "subscriber/timezone/add", {"timezone": "Europe/Berlin"}),
    ("POST", "updatesubscriberstatus", {"IsUnSubscribed": 1}),
    ("POST", "updatetriggerstatus", {"triggerStatus": 1}),
    ("PUT", "subscriber/upgrade", {"subscription": {"endpoint": "token"}}),
]
"""Requests that name it in their body."""


@pytest.mark.parametrize("app", [OTHER, OPEN])
async def test_another_sites_app_id_finds_no_subscriber_of_the_shop(world: World, app: str) -> None:
    await world.track()  # it is in memory by now
    for method, path, body in ABOUT:
        assert await world.status(method, f"{path.format(hash=HASH)}?app_id={app}", body) == 404, path
        assert await world.status(method, path.format(hash=HASH), body, f"X-Pe-App-Id: {app}") == 404, path
    for method, path, body in WITHIN:
        assert await world.status(method, path, {"app_id": app, "device_token_hash": HASH, **body}) == 404, path
    assert len(world.store.entries) == 1


@pytest.mark.parametrize("forged", FORGED)
async def test_a_forged_hash_is_404_everywhere(world: World, forged: str) -> None:
    for method, path, body in WITHIN:
        assert await world.status(method, path, {"app_id": SHOP, "device_token_hash": forged, **body}) == 404, path
    escaped = forged.replace("%", "%25").replace(" ", "%20").replace("/", "%2F")
    for method, path, body in ABOUT:
        assert await world.status(method, f"{path.format(hash=escaped)}?app_id={SHOP}", body) == 404, path
    assert not world.store.entries


async def test_all_of_them_are_taken_of_the_sites_own_subscriber(world: World) -> None:
    for method, path, body in ABOUT:
        assert await world.status(method, f"{path.format(hash=HASH)}?app_id={SHOP}", body) == 200, path
    for method, path, body in WITHIN:
        assert await world.status(method, path, {"app_id": SHOP, "device_token_hash": HASH, **body}) == 200, path
    assert {entry.site for entry in world.store.entries} == {1}


async def test_two_names_of_one_site_agree_or_it_is_400(world: World) -> None:
    for method, path, body in WITHIN:
        mixed = {"site_id": 1, "app_id": OTHER, "device_token_hash": HASH, **body}
        assert await world.status(method, path, mixed) == 400, path
    for method, path, body in ABOUT:
        assert await world.status(method, f"{path.format(hash=HASH)}?site_id=1&app_id={OTHER}", body) == 400, path
        assert await world.status(method, f"{path.format(hash=HASH)}?site_id=1", body, f"X-Pe-App-Id: {OTHER}") == 400, path
    assert not world.store.entries


@pytest.mark.parametrize("name", ["site_id=99", "app_id=nobody", "site_id=0", "app_id=1", f"app_id={'x' * 255}"])
async def test_what_is_no_sites_name_is_404(world: World, name: str) -> None:
    assert await world.status("GET", f"subscriber/{HASH}?{name}") == 404
    field, _, value = name.partition("=")
    assert await world.status("POST", "subscriber/add", {field: value, "subscription": SUBSCRIPTION}) in (400, 404)
    assert not world.store.entries


async def test_a_signature_of_one_site_is_none_of_another(world: World) -> None:
    """Each site has a secret of its own: here they differ in that one site has lost its."""
    world.store.site_keys[:] = [key for key in world.store.site_keys if key.site != 1]
    await world.directory.refresh()
    body = {"site_id": 1, "device_token_hash": HASH, "profile_id": "ann", "signature": sign("ann")}
    assert await world.status("POST", "subscriber/profile-id/add", body) == 403
    assert await world.status("GET", f"subscriber/{NAMED}/attributes?site_id=1", None, f"X-Profile-Signature: {sign('ann')}") == 403


async def test_no_key_of_the_server_api_is_needed_and_none_helps(world: World) -> None:
    assert await world.status("GET", f"subscriber/{NAMED}/attributes?site_id=1", None, "Api-Key: anything") == 403
