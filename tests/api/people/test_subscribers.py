"""Subscribers over HTTP: what comes in is what the engine applies, and every limit has two sides."""

import pytest
from tests.api.people.world import World, point, subscription


async def test_a_device_of_each_provider_registers(world: World) -> None:
    phone = await world.post("/subscribers", {"provider": "fcm", "token": "abc:DEF_1"}, scope="events")
    apple = await world.post("/subscribers", {"provider": "apns", "token": "AB" * 32}, scope="events")
    await world.apply()
    hashes = [phone.data["device_token_hash"], apple.data["device_token_hash"]]
    assert len(set(hashes)) == 2
    known = [await world.store.subscriber(world.site.id, one) for one in hashes]
    assert [(one.provider, one.endpoint, one.p256dh) for one in known] == [("fcm", "abc:DEF_1", ""), ("apns", "ab" * 32, "")]
    again = await world.post("/subscribers", {"provider": "apns", "token": "ab" * 32})
    assert again.data["device_token_hash"] == hashes[1]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"provider": "sms", "token": "x"}, ["provider"]),
        ({"provider": "fcm"}, ["token"]),
        ({"provider": "fcm", "token": "a b"}, ["token"]),
        ({"provider": "fcm", "token": "a" * 4097}, ["token"]),
        ({"provider": "apns", "token": "ab" * 31}, ["token"]),
        ({"provider": "apns", "token": "ab" * 101}, ["token"]),
        ({"provider": "apns", "token": "xy" * 32}, ["token"]),
        ({"subscription": subscription("a"), "vapid_public_key": "no"}, ["vapid_public_key"]),
        ({"subscription": subscription("a"), "vapid_public_key": point()}, ["vapid_public_key"]),
        ({"subscription": subscription("a"), "segments": ["x"] * 101}, ["segments"]),
        ({"subscription": subscription("a"), "segments": ["x" * 201]}, ["segments", "0"]),
        ({"subscription": subscription("a"), "device_token_hash": "x" * 256}, ["device_token_hash"]),
    ],
)
async def test_what_no_registration_may_say(world: World, body: object, path: list[str]) -> None:
    answer = await world.post("/subscribers", body)
    assert (answer.status, [place for _, place in answer.problems]) == (400, [path])


async def test_a_hash_that_was_brought_along_is_kept(world: World) -> None:
    assert await world.register("a", device_token_hash="x" * 255, segments=["s" * 200] + ["x"] * 99) == "x" * 255
    shown = await world.get(f"/subscribers/{'x' * 255}")
    assert shown.data["segments"] == ["s" * 200, "x"]


async def test_a_subscription_takes_anothers_place(world: World) -> None:
    before = await world.register("a", profile_id="ann")
    after = await world.register("b", previous=before)
    assert after != before
    old, new = [await world.store.subscriber(world.site.id, one) for one in (before, after)]
    assert (old.active, new.active, new.profile) == (False, True, "n:ann")
    lone = await world.register("c", previous="nobody")
    assert (await world.store.subscriber(world.site.id, lone)).profile == f"a:{lone}"


async def test_listing_goes_on_by_cursor_and_filters(world: World) -> None:
    hashes = sorted([await world.register(f"b{number}", country="DE" if number % 2 else "AT") for number in range(5)])
    await world.post("/subscribers", {"provider": "fcm", "token": "t", "profile_id": "ann", "segments": ["vip"]})
    await world.apply()
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await world.get(f"/subscribers?limit=2&provider=webpush&cursor={cursor}", scope="read")).data
        assert len(page["subscribers"]) <= 2
        seen += [one["device_token_hash"] for one in page["subscribers"]]
        if page["cursor"] is None:
            break
        cursor = page["cursor"]
    assert seen == hashes
    assert len((await world.get("/subscribers?country=DE")).data["subscribers"]) == 2
    [of_ann] = (await world.get("/subscribers?profile_id=ann")).data["subscribers"]
    [of_segment] = (await world.get("/subscribers?segment=vip")).data["subscribers"]
    assert of_ann == of_segment
    assert of_ann["provider"] == "fcm"
    assert not {"endpoint", "p256dh", "auth"} & of_ann.keys()


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "active=yes", "provider=sms", "cursor=abc", "cursor=WzFd", "cursor=%C3%A4"]
)
async def test_queries_that_cannot_be(world: World, query: str) -> None:
    assert (await world.get(f"/subscribers?{query}")).status == 400


async def test_a_cursor_of_another_list_means_nothing(world: World) -> None:
    for name in ("a", "b"):
        await world.register(name, profile_id=name)
    cursor = (await world.get("/subscribers?limit=1")).data["cursor"]
    assert (await world.get(f"/subscribers?cursor={cursor}")).status == 200
    assert (await world.get(f"/profiles?cursor={cursor}")).status == 400
    assert (await world.get(f"/subscribers?segment=x&cursor={cursor}")).status == 400


async def test_what_becomes_of_a_subscriber(world: World) -> None:
    hashed = await world.register("a")

    async def change(what: str, body: object = None) -> None:
        answer = await world.post(f"/subscribers/{hashed}/{what}", body, scope="write")
        assert (answer.status, answer.data["accepted"]) == (200, True), answer.body
        await world.apply()

    await change("unsubscribe")
    assert not (await world.store.subscriber(world.site.id, hashed)).active
    await change("subscribe")
    assert (await world.store.subscriber(world.site.id, hashed)).active
    await change("identify", {"profile_id": "ann"})
    assert (await world.store.subscriber(world.site.id, hashed)).profile == "n:ann"
    await change("logout")
    assert (await world.store.subscriber(world.site.id, hashed)).profile == f"a1:{hashed}"
    patched = await world.ask("PATCH", f"/subscribers/{hashed}", {"country": "DE", "timezone": "Europe/Berlin"})
    assert patched.status == 200
    await world.apply()
    facts = (await world.store.subscriber(world.site.id, hashed)).facts
    assert (facts["country"], facts["timezone"]) == ("DE", "Europe/Berlin")
    assert (await world.ask("DELETE", f"/subscribers/{hashed}")).status == 200
    await world.apply()
    assert (await world.get("/subscribers")).data["subscribers"] == []


@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("PATCH", "", {"country": "DE"}),
        ("DELETE", "", None),
        ("POST", "/unsubscribe", {}),
        ("POST", "/identify", {"profile_id": "ann"}),
        ("GET", "/export", None),
    ],
)
async def test_of_nobody_404(world: World, method: str, tail: str, body: object) -> None:
    assert (await world.ask(method, f"/subscribers/nobody{tail}", body)).status == 404


@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("PATCH", "", {}),
        ("PATCH", "", {"timezone": "Mars/One"}),
        ("PATCH", "", {"shoe": "42"}),
        ("POST", "/identify", {}),
        ("POST", "/identify", {"profile_id": "x" * 256}),
        ("POST", "/logout", {"why": "x"}),
    ],
)
async def test_changes_that_say_nothing_or_too_much(world: World, method: str, tail: str, body: object) -> None:
    hashed = await world.register("a")
    assert (await world.ask(method, f"/subscribers/{hashed}{tail}", body)).status == 400


@pytest.mark.parametrize("scope", ["read", "events"])
async def test_changes_need_the_scope_write(world: World, scope: str) -> None:
    hashed = await world.register("a")
    assert (await world.post(f"/subscribers/{hashed}/logout", scope=scope)).status == 403
    assert (await world.ask("DELETE", f"/subscribers/{hashed}", scope=scope)).status == 403
    assert (await world.get("/subscribers", scope="events")).status == 403
