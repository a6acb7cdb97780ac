"""`subscriber/add` and `subscriber/upgrade`."""

from typing import Any

import pytest
from tests.api.sdk.world import HASH, NAMED, OPEN, SHOP, SUBSCRIPTION, World, sign

ANDROID = {
    "site_id": 1,
    "subscription": {"endpoint": "fcm-token:APA91b", "project_id": "4711"},
    "device_type": "android",
    "device": "mobile",
    "device_version": "14",
    "timezone": "+02:00",
    "language": "de",
    "user_agent": "Acme Phone",
    "total_screen_width_height": "1080*2400",
    "host": "com.shop.app",
    "notification_disabled": 0,
}
IOS = ANDROID | {"subscription": {"endpoint": "AB" * 32, "project_id": "com.shop.app"}, "device_type": "ios", "timezone": "Europe/Berlin"}


def browser(**fields: object) -> dict[str, object]:
    return {"site_id": 1, "app_id": SHOP, "subscription": SUBSCRIPTION, "device": "desktop", "browser": "Firefox", **fields}


async def test_a_browser_gets_the_same_hash_each_time(world: World) -> None:
    first, again = [await world.data("POST", "subscriber/add", browser()) for _ in range(2)]
    assert first == again == {"subscriber_hash": world.directory.device_token_hash(1, str(SUBSCRIPTION["endpoint"]))}
    [(kind, put), _] = world.bodies
    assert kind == "subscriber"
    assert (put["endpoint"], put["facts"]) == (SUBSCRIPTION["endpoint"], {"device": "desktop", "browser": "Firefox"})
    assert not {"provider", "vapid", "follows", "profile_id"} & put.keys(), "all as of a first browser"


async def test_a_hash_is_of_one_site(world: World) -> None:
    ours = await world.data("POST", "subscriber/add", browser())
    theirs = await world.data("POST", "subscriber/add", browser(site_id=None, app_id=OPEN))
    assert ours != theirs


@pytest.mark.parametrize(
    ("body", "provider", "token", "facts"),
    [
        (ANDROID, "fcm", "fcm-token:APA91b", {"device": "mobile", "language": "de"}),
        (IOS, "apns", "ab" * 32, {"device": "mobile", "language": "de", "timezone": "Europe/Berlin"}),
    ],
)
async def test_an_app_is_registered_by_its_token(
    world: World, body: dict[str, Any], provider: str, token: str, facts: dict[str, str]
) -> None:
    added = await world.data("POST", "subscriber/add?swv=1.0.0&is_eu=0&geo_fetch=true", body)
    [(_, put)] = world.bodies
    assert (put["provider"], put["endpoint"], put["facts"]) == (provider, token, facts)
    assert added["subscriber_hash"] == world.directory.device_token_hash(1, f"{provider}:{token}")


async def test_a_device_that_shows_nothing_is_registered_and_gets_no_pushes(world: World) -> None:
    await world.data("POST", "subscriber/add", ANDROID | {"notification_disabled": 1})
    [(first, put), (second, change)] = world.bodies
    assert (first, second) == ("subscriber", "device")
    assert change == {"device_token_hash": put["device_token_hash"], "change": "unsubscribe"}


async def test_a_new_subscription_takes_the_place_of_the_previous_one(world: World) -> None:
    await world.data("POST", "subscriber/add", browser(previous=NAMED))
    [(_, put), (kind, change)] = world.bodies
    assert put["follows"] == "n:ann"
    assert (kind, change) == ("device", {"device_token_hash": NAMED, "change": "unsubscribe"})


async def test_who_takes_the_place_of_ones_own_needs_no_signature_for_who_one_is(world: World) -> None:
    world.store.add(2, "theirs", "n:ann")
    refused = [(NAMED, "bob"), (HASH, "ann"), ("theirs", "ann"), (None, "ann")]
    for previous, profile_id, status in [*((*one, 403) for one in refused), (NAMED, "ann", 200)]:
        assert await world.status("POST", "subscriber/add", browser(previous=previous, profile_id=profile_id)) == status


async def test_of_an_unknown_or_foreign_previous_one_nothing_is_taken(world: World) -> None:
    world.store.add(2, "theirs", "n:eve")
    hashed = world.directory.device_token_hash(1, str(SUBSCRIPTION["endpoint"]))
    for previous in ("theirs", "nobody", hashed):
        await world.data("POST", "subscriber/add", browser(previous=previous))
        [(_, put)] = world.bodies
        assert "follows" not in put


async def test_the_key_of_a_subscription_is_remembered_by_its_number(world: World) -> None:
    site, earlier = world.store.sites[0], world.store.site_keys[0]
    for public, number in ((site.vapid_public_key, 0), (earlier.public, 7), (earlier.public + "=", 7)):
        await world.data("POST", "subscriber/add", browser(vapid_public_key=public))
        [(_, put)] = world.bodies
        assert put.get("vapid", 0) == number
    foreign = world.store.sites[1].vapid_public_key
    refused = await world.ask("POST", "subscriber/add", browser(vapid_public_key=foreign))
    assert (refused.status, refused.json["error"]["details"][0]["path"]) == (400, ["vapid_public_key"])


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"subscription": None}, ["subscription"]),
        ({"subscription": {**SUBSCRIPTION, "endpoint": "https://evil.example/push"}}, ["subscription", "endpoint"]),
        ({"subscription": {**SUBSCRIPTION, "endpoint": "javascript:alert(1)"}}, ["subscription", "endpoint"]),
        ({"subscription": {"endpoint": "../../x"}, "device_type": "ios"}, ["subscription", "endpoint"]),
        ({"subscription": {"endpoint": "a b"}, "device_type": "android"}, ["subscription", "endpoint"]),
        ({"subscription": {"endpoint": "x" * 2049}, "device_type": "android"}, ["subscription", "endpoint"]),
        ({"timezone": "Mars/Olympus"}, ["timezone"]),
        ({"language": "x" * 65}, ["language"]),
        ({"attributes": {"a": []}}, ["attributes", "a"]),
    ],
)
async def test_what_cannot_be_pushed_to_or_stored_is_refused(world: World, fields: dict[str, object], path: list[str]) -> None:
    refused = await world.ask("POST", "subscriber/add", browser(**fields))
    assert (refused.status, refused.json["error"]["details"][0]["path"]) == (400, path)
    assert not world.store.entries


async def test_a_profile_id_needs_its_signature(world: World) -> None:
    for signature in (None, "0" * 64, sign("bob"), sign("ann").upper(), "ü"):
        refused = await world.ask("POST", "subscriber/add", browser(profile_id="ann", signature=signature))
        assert (refused.status, refused.json["error_code"]) == (403, 403002)
    assert not world.store.entries
    await world.data("POST", "subscriber/add", browser(profile_id="ann", signature=sign("ann")))
    assert world.bodies[0][1]["profile_id"] == "ann"
    await world.data("POST", "subscriber/add", browser(profile_id="ann"))  # it is its own by now
    await world.data("POST", "subscriber/add", browser(site_id=3, app_id=None, profile_id="ann"))  # a site that wants none


async def test_an_app_that_has_another_token_stays_who_it_is(world: World) -> None:
    body = {"device_token_hash": NAMED, "subscription": {"endpoint": "new-token", "project_id": "4711"}, "site_id": 1}
    assert (await world.ask("PUT", "subscriber/upgrade", body)).json == {"error_code": 0, "data": {}}
    [(kind, put)] = world.bodies
    assert (kind, put["device_token_hash"], put["endpoint"], put["provider"]) == ("subscriber", NAMED, "new-token", "fcm")
    assert await world.status("PUT", "subscriber/upgrade", body | {"device_token_hash": "nobody"}) == 404


async def test_where_others_serve_the_database_a_registration_waits_until_they_can_see_it(world: World) -> None:
    world.store.shared = True
    hashed = world.directory.device_token_hash(1, str(SUBSCRIPTION["endpoint"]))

    def apply() -> None:
        if len(world.pauses) == 2:
            world.store.add(1, hashed)

    world.while_waiting = apply
    await world.data("POST", "subscriber/add", browser())
    assert len(world.pauses) == 2


async def test_what_was_registered_just_now_is_waited_for_and_then_asked_for_again(world: World) -> None:
    hashed = (await world.data("POST", "subscriber/add", browser()))["subscriber_hash"]
    late = await world.ask("GET", f"subscriber/check/{hashed}?site_id=1")
    assert (late.status, late.headers["retry-after"]) == (503, "1")

    def apply() -> None:
        world.store.add(1, hashed)

    world.while_waiting = apply
    assert await world.data("GET", f"subscriber/check/{hashed}?site_id=1") == {"subscribed": True}
