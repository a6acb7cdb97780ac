"""Pages of which origins may ask, and read what they are answered."""

import pytest
from tests.api.sdk.world import HASH, OTHER, PAGE, SHOP, World

STRANGER = "https://evil.example"
TRACK = {"device_token_hash": HASH, "event_name": "a"}


@pytest.fixture
def theirs(world: World) -> World:
    """A world in which the site with origins has a subscriber, and no site takes pages of any origin."""
    world.store.sites[:] = [world.store.sites[1]]
    world.store.add(2, HASH)
    return world


async def test_an_allowed_origin_may_read_every_answer(world: World) -> None:
    world.store.add(2, HASH)
    for status, method, path, body in (
        (200, "POST", "events/track", {**TRACK, "site_id": 2}),
        (400, "POST", "events/track", {**TRACK, "site_id": 2, "event_name": ""}),
        (404, "POST", "events/track", {**TRACK, "site_id": 2, "device_token_hash": "nobody"}),
        (200, "GET", f"subscriber/{HASH}?app_id={OTHER}", None),
        (404, "GET", f"subscriber/nobody?app_id={OTHER}", None),
        (400, "POST", "goals", b"{"),
        (200, "GET", f"sites/{OTHER}/sync/web", None),
        (404, "GET", "nothing/here", None),
    ):
        answer = await world.ask(method, path, body, f"Origin: {PAGE}")
        assert answer.status == status
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert answer.headers["vary"] == "origin"
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", [STRANGER, "null", "https://shop.example.evil.example", "http://shop.example", "https://shop.example:444"]
)
async def test_another_origin_is_403_and_reads_nothing(theirs: World, origin: str) -> None:
    await theirs.directory.refresh()
    for method, path, body in (
        ("POST", "events/track", {**TRACK, "site_id": 2}),
        ("OPTIONS", "events/track", None),
        ("GET", f"subscriber/{HASH}?app_id={OTHER}", None),
        ("OPTIONS", "goals", None),
        ("GET", f"sites/{OTHER}/sync/web", None),
    ):
        answer = await theirs.ask(method, path, body, f"Origin: {origin}")
        assert (answer.status, answer.json["error_code"]) == (403, 403001)
        assert "access-control-allow-origin" not in answer.headers
    assert not theirs.store.entries


async def test_an_origin_of_one_site_is_none_of_another(world: World) -> None:
    """Before it is known which site is asked, a page of any site's origin may ask; afterwards it has to be that site's."""
    world.store.add(2, HASH)
    for method, path, body in (
        ("POST", "events/track", {**TRACK, "site_id": 2}),
        ("GET", f"subscriber/{HASH}?app_id={OTHER}", None),
        ("POST", "goals", {"site_id": 2, "device_token_hash": HASH, "name": "g"}),
    ):
        answer = await world.ask(method, path, body, f"Origin: {STRANGER}")
        assert answer.status == 403
        assert "access-control-allow-origin" not in answer.headers
        assert (await world.ask(method, path.replace(OTHER, SHOP), body and body | {"site_id": 1}, f"Origin: {STRANGER}")).status == 200


async def test_a_receipt_of_a_foreign_page_is_403(world: World) -> None:
    token = world.directory.receipt_token(2, "d" * 32, 0)
    assert await world.status("POST", "notification/view", {"token": token}, f"Origin: {STRANGER}") == 403
    assert await world.status("POST", "notification/view", {"token": token}, f"Origin: {PAGE}") == 200


async def test_an_app_sends_no_origin(theirs: World) -> None:
    await theirs.directory.refresh()
    answer = await theirs.ask("POST", "events/track", {**TRACK, "site_id": 2})
    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(("path", "methods"), [("events/track", "POST"), (f"subscriber/{HASH}/attributes", "GET, PUT, POST, DELETE")])
async def test_a_preflight_says_what_may_be_sent(world: World, path: str, methods: str) -> None:
    asked = (f"Origin: {PAGE}", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type")
    answer = await world.ask("OPTIONS", path, None, *asked)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-methods"] == methods
    assert {"content-type", "x-profile-signature"} <= set(answer.headers["access-control-allow-headers"].split(", "))
    assert answer.headers["access-control-max-age"] == "7200"
    assert "access-control-allow-credentials" not in answer.headers
    assert (await world.ask("OPTIONS", path)).status == 405


async def test_every_answer_is_json_that_nobody_sniffs_or_keeps(world: World) -> None:
    for method, path, body in (
        ("POST", "events/track", {**TRACK, "site_id": 1}),
        ("POST", "events/track", b"<script>"),
        ("GET", f"subscriber/{HASH}?site_id=1", None),
        ("GET", "nothing", None),
        ("PATCH", "goals", None),
    ):
        answer = await world.ask(method, path, body)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
