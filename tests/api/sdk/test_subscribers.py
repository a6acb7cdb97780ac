"""Reading and changing subscribers, their attributes and segments."""

from typing import Any

import pytest
from tests.api.sdk.world import HASH, NAMED, World, sign

from clarion.domain.records import Profile

DONE = {"error_code": 0, "data": {}}


def whom(hashed: str = HASH, /, **fields: object) -> dict[str, object]:
    return {"site_id": 1, "device_token_hash": hashed, **fields}


async def test_what_is_known_of_an_anonymous_subscriber_is_told(world: World) -> None:
    assert await world.data("GET", f"subscriber/{HASH}?site_id=1") == {
        "device_token_hash": HASH,
        "device_type": "web",
        "subscribed": True,
        "segments": ["new"],
        "ts_created": "2027-01-15T08:00:00.000Z",
        "attributes": {"size": 42},
        "profile_id": None,
    }


@pytest.mark.parametrize("query", ["fields=country,segments,nothing", "fields=country&fields=segments"])
async def test_only_the_fields_that_are_asked_for(world: World, query: str) -> None:
    proof = f"X-Profile-Signature: {sign('ann')}"
    assert await world.data("GET", f"subscriber/{NAMED}?site_id=1&{query}", None, proof) == {"country": "DE", "segments": ["vip"]}
    assert await world.data("GET", f"subscriber/{NAMED}?site_id=1&{query}") == {"country": "DE"}


async def test_of_a_named_profile_attributes_segments_and_id_need_the_signature(world: World) -> None:
    plain = await world.data("GET", f"subscriber/{NAMED}?site_id=1")
    assert not {"attributes", "segments", "profile_id"} & plain.keys()
    assert await world.status("GET", f"subscriber/{NAMED}/attributes?site_id=1") == 403
    for wrong in ("0" * 64, sign("bob")):
        assert await world.status("GET", f"subscriber/{NAMED}/attributes?site_id=1", None, f"X-Profile-Signature: {wrong}") == 403
    proof = f"X-Profile-Signature: {sign('ann')}"
    signed = await world.data("GET", f"subscriber/{NAMED}?site_id=1", None, proof)
    assert (signed["attributes"], signed["segments"], signed["profile_id"]) == ({"plan": "gold"}, ["vip"], "ann")
    assert await world.data("GET", f"subscriber/{NAMED}/attributes?site_id=1", None, proof) == {"plan": "gold"}
    world.store.add(3, NAMED, "n:ann")
    world.store.profiles[3, "n:ann"] = Profile("n:ann", {"open": True})
    assert await world.data("GET", f"subscriber/{NAMED}/attributes?site_id=3") == {"open": True}


async def test_of_a_profile_that_became_part_of_another_the_other_is_told(world: World) -> None:
    world.store.profiles[1, f"a:{HASH}"] = Profile(f"a:{HASH}", merged="n:ann")
    assert await world.data("GET", f"subscriber/{HASH}/attributes?site_id=1") == {"plan": "gold"}


async def test_what_is_too_long_for_a_hash_is_nobody_and_counts_for_nobody(world: World) -> None:
    world.store.add(1, "h" * 255)
    assert await world.status("GET", f"subscriber/{'h' * 255}?site_id=1") == 200
    for method, path, body in (("GET", "subscriber/", None), ("GET", "subscriber/check/", None), ("PUT", "subscriber/", {"site_id": 1})):
        assert await world.status(method, f"{path}{'h' * 256}?site_id=1", body) == 404


async def test_check_says_whether_pushes_go_there(world: World) -> None:
    assert await world.data("GET", f"subscriber/check/{HASH}?site_id=1") == {"subscribed": True}
    world.store.add(1, HASH, provider="apns", active=False)
    checked = await world.data("GET", f"subscriber/check/{HASH}?site_id=1")
    assert checked == {"subscribed": False, "gateway_endpoint": world.store.subscribers[1, HASH].endpoint}
    assert await world.status("GET", "subscriber/check/nobody?site_id=1") == 404


async def test_a_hash_may_hold_what_an_address_has_to_escape(world: World) -> None:
    world.store.add(1, "a/b c")
    assert await world.data("GET", "subscriber/a%2Fb%20c?site_id=1&fields=device_token_hash") == {"device_token_hash": "a/b c"}
    assert await world.status("GET", f"subscriber/{HASH}/?site_id=1") == 200


@pytest.mark.parametrize(
    ("method", "body", "change"),
    [
        ("PUT", {"size": 43, "vip": True}, {"set": {"size": 43, "vip": True}}),
        ("POST", {"size": 43}, {"set": {"size": 43}, "replace": True}),
        ("POST", {}, {"replace": True}),
        ("DELETE", ["size", "size"], {"remove": ["size"]}),
    ],
)
async def test_attributes_are_added_set_and_removed(world: World, method: str, body: object, change: dict[str, object]) -> None:
    assert (await world.ask(method, f"subscriber/{HASH}/attributes?site_id=1", body)).json == DONE
    assert world.bodies == [("profile", {"device_token_hash": HASH, **change})]


@pytest.mark.parametrize(
    ("method", "body", "path"),
    [
        ("PUT", {"a": None}, ["a"]),
        ("PUT", {"a b": 1}, ["a b"]),
        ("PUT", {"a": "x" * 4096}, []),
        ("PUT", [], []),
        ("POST", {"a": {"b": 1}}, ["a"]),
        ("DELETE", {"a": 1}, []),
        ("DELETE", ["ok", 1], ["1"]),
        ("DELETE", ["a"] * 101, []),
    ],
)
async def test_attributes_that_cannot_be_kept_are_refused(world: World, method: str, body: object, path: list[str]) -> None:
    refused = await world.ask(method, f"subscriber/{HASH}/attributes?site_id=1", body)
    assert (refused.status, refused.json["error"]["details"][0]["path"]) == (400, path)
    assert not world.store.entries


async def test_a_hundred_names_are_not_too_many(world: World) -> None:
    assert await world.status("DELETE", f"subscriber/{HASH}/attributes?site_id=1", [f"n{number}" for number in range(100)]) == 200


async def test_nothing_to_change_is_no_entry(world: World) -> None:
    assert await world.status("PUT", f"subscriber/{HASH}/attributes?site_id=1", {}) == 200
    assert await world.status("DELETE", f"subscriber/{HASH}/attributes?site_id=1", []) == 200
    assert await world.status("POST", "subscriber/timezone/add", whom(timezone="+01:00")) == 200
    assert await world.status("PUT", f"subscriber/{HASH}?site_id=1", {"notification_disabled": 0}) == 200
    assert not world.store.entries


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_an_update_says_what_the_device_is_now(world: World, method: str) -> None:
    weekly = {"site_id": 1, "device": "tablet", "device_version": "15", "timezone": "+01:00", "language": "fr", "notification_disabled": 1}
    assert (await world.ask(method, f"subscriber/{HASH}?swv=1.0.0&is_eu=0&geo_fetch=true", weekly)).json == DONE
    assert world.bodies == [
        ("device", {"device_token_hash": HASH, "change": "update", "facts": {"device": "tablet", "language": "fr"}}),
        ("device", {"device_token_hash": HASH, "change": "unsubscribe"}),
    ]


async def test_identify_of_the_mobile_sdks_is_facts_attributes_and_a_profile(world: World) -> None:
    fields = {"first_name": "Ann", "zip": 12345, "country": "DE", "profile_id": "bob"}
    assert await world.status("PUT", f"subscriber/{HASH}", fields, "X-Pe-App-Id: shop-app") == 403
    assert not world.store.entries
    assert (await world.ask("PUT", f"subscriber/{HASH}", fields | {"signature": sign("bob")}, "X-Pe-App-Id: shop-app")).json == DONE
    assert world.bodies == [
        ("device", {"device_token_hash": HASH, "change": "update", "facts": {"country": "DE"}}),
        ("device", {"device_token_hash": HASH, "change": "identify", "profile_id": "bob"}),
        ("profile", {"device_token_hash": HASH, "set": {"first_name": "Ann", "zip": 12345}}),
    ]
    assert (await world.track(profile_id="bob")).status == 200, "it is its own from now on"


async def test_the_profile_id_that_it_has_needs_no_signature_and_changes_nothing(world: World) -> None:
    assert await world.status("PUT", f"subscriber/{NAMED}?site_id=1", {"profile_id": "ann"}) == 200
    assert await world.status("POST", "subscriber/profile-id/add", whom(NAMED, profile_id="ann")) == 200
    assert not world.store.entries


async def test_joining_a_profile_needs_its_signature(world: World) -> None:
    for signature in (None, "", "0" * 64, sign("ann")):
        refused = await world.status("POST", "subscriber/profile-id/add", whom(profile_id="bob", signature=signature))
        assert refused == (400 if signature == "" else 403)
    assert not world.store.entries
    body = whom(profile_id="bob", signature=sign("bob"))
    assert (await world.ask("POST", "subscriber/profile-id/add", body)).json == DONE
    assert world.bodies == [("device", {"device_token_hash": HASH, "change": "identify", "profile_id": "bob"})]
    world.store.add(3, HASH)
    assert await world.status("POST", "subscriber/profile-id/add", whom(profile_id="eve") | {"site_id": 3}) == 200
    assert await world.status("POST", "subscriber/profile-id/add", whom()) == 400


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "subscriber/logout", whom(NAMED)),
        ("DELETE", f"subscriber/{NAMED}/fields?site_id=1", ["profile_id", "email"]),
        ("DELETE", f"subscriber/{NAMED}/fields?site_id=1", []),
    ],
)
async def test_logging_out_leaves_the_profile_behind(world: World, method: str, path: str, body: object) -> None:
    assert (await world.ask(method, path, body)).json == DONE
    assert world.bodies == [("device", {"device_token_hash": NAMED, "change": "logout"})]


async def test_fields_without_the_profile_id_are_attributes_to_remove(world: World) -> None:
    assert await world.status("DELETE", f"subscriber/{NAMED}/fields?site_id=1", ["email", "country"]) == 200
    assert world.bodies == [("profile", {"device_token_hash": NAMED, "remove": ["email"]})]


@pytest.mark.parametrize("prefix", ["", "subscriber/"])
async def test_statuses(world: World, prefix: str) -> None:
    for value, change in ((1, "unsubscribe"), (0, "subscribe")):
        body = whom(IsUnSubscribed=value, delete_on_notification_disable=False)
        assert (await world.ask("POST", f"{prefix}updatesubscriberstatus", body)).json == DONE
        assert world.bodies == [("device", {"device_token_hash": HASH, "change": change})]
        assert (await world.ask("POST", f"{prefix}updatetriggerstatus", whom(triggerStatus=value))).json == DONE
        assert world.bodies == [("profile", {"device_token_hash": HASH, "set": {"triggers_enabled": bool(value)}})]
    wrongs: tuple[object, ...] = (None, 2, -1, "1", [])
    for wrong in wrongs:
        assert await world.status("POST", f"{prefix}updatesubscriberstatus", whom(IsUnSubscribed=wrong)) == 400


@pytest.mark.parametrize(
    ("path", "fields", "change"),
    [
        ("segments/add", {"segment": ["a", "b", "a"], "device_type": "android"}, {"enter": ["a", "b"]}),
        ("segments/remove", {"segment": ["a"]}, {"leave": ["a"]}),
        ("dynamicSegments/add", {"segments": [{"name": "a", "duration": 30}]}, {"enter": ["a"]}),
        ("dynamicSegments/remove", {"segment": ["a"]}, {"leave": ["a"]}),
    ],
)
async def test_segments(world: World, path: str, fields: dict[str, object], change: dict[str, object]) -> None:
    assert (await world.ask("POST", f"subscriber/{path}", whom(**fields))).json == DONE
    assert world.bodies == [("profile", {"device_token_hash": HASH, **change})]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("segments/add", {}),
        ("segments/add", {"segment": []}),
        ("segments/add", {"segment": "a"}),
        ("segments/add", {"segment": [""]}),
        ("segments/add", {"segment": ["x" * 201]}),
        ("segments/add", {"segment": [str(number) for number in range(101)]}),
        ("dynamicSegments/add", {"segments": ["a"]}),
        ("dynamicSegments/add", {"segments": [{"name": "a", "duration": -1}]}),
        ("dynamicSegments/add", {"segments": [{"name": "a", "duration": 36_501}]}),
        ("dynamicSegments/add", {"segments": [{"duration": 1}]}),
        ("segments/segmentHashArray", {"segment_id": 12}),
    ],
)
async def test_segments_that_are_none_are_refused(world: World, path: str, fields: dict[str, Any]) -> None:
    assert await world.status("POST", f"subscriber/{path}", whom(**fields)) == 400
    assert not world.store.entries


async def test_segments_at_their_limits(world: World) -> None:
    names = [f"{number:0200}" for number in range(100)]
    assert await world.status("POST", "subscriber/segments/add", whom(segment=names)) == 200
    assert await world.status("POST", "subscriber/dynamicSegments/add", whom(segments=[{"name": "a", "duration": 36_500}])) == 200


async def test_older_android_sdks_name_the_subscriber_by_its_token(world: World) -> None:
    hashed = world.directory.device_token_hash(1, "fcm:token")
    body = {"device_token": "token", "site_id": "1", "segment": ["a"], "device_type": "android"}
    assert await world.status("POST", "subscriber/dynamicSegments/remove", body) == 404
    world.store.add(1, hashed)
    assert await world.status("POST", "subscriber/dynamicSegments/remove", body) == 200
    assert world.bodies == [("profile", {"device_token_hash": hashed, "leave": ["a"]})]
