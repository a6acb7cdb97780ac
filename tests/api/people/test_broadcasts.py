"""Broadcasts over HTTP: who gets them, when, once; paused, resumed, stopped."""

from typing import Any

import pytest
from tests.api.people.world import World
from tests.control.shop import HOUR

PUSH = {"title": "Sale", "message": "Today only", "url": "https://shop.example/"}


async def pushes(world: World) -> list[str]:
    return sorted(row.delivery.profile for row in await world.store.deliveries(world.site.id, None, 100))


async def crowd(world: World) -> None:
    for name, segments in (("ann", ["vip"]), ("bob", []), ("cat", ["vip"])):
        await world.register(name, profile_id=name, segments=segments, country="DE" if name == "bob" else "AT", timezone="Europe/Berlin")


async def send(world: World, to: object, **more: Any) -> str:
    answer = await world.post("/broadcasts", {"push": PUSH, "to": to, **more}, scope="write")
    assert answer.status == 200, answer.body
    assert answer.data["accepted"] is True
    await world.apply()
    id: str = answer.data["broadcast_id"]
    return id


@pytest.mark.parametrize(
    ("to", "reached"),
    [
        ("everybody", ["n:ann", "n:bob", "n:cat"]),
        ({"segment": "vip"}, ["n:ann", "n:cat"]),
        ({"profile_id": "bob"}, ["n:bob"]),
        ({"audience": {"field": "subscriber.country", "op": "eq", "value": "DE"}}, ["n:bob"]),
    ],
)
async def test_who_gets_it(world: World, to: object, reached: list[str]) -> None:
    await crowd(world)
    id = await send(world, to)
    assert await pushes(world) == reached
    shown = (await world.get(f"/broadcasts/{id}", scope="read")).data
    assert (shown["status"], shown["name"], shown["push"]) == ("sent", "Sale", PUSH)
    assert [one["broadcast_id"] for one in (await world.get("/broadcasts")).data["broadcasts"]] == [id]
    assert (await world.get("/workflows")).data["workflows"] == []


async def test_to_a_subscribers_person(world: World) -> None:
    hashed = await world.register("a")
    await send(world, {"device_token_hash": hashed})
    assert await pushes(world) == [f"a:{hashed}"]
    assert (await world.post("/broadcasts", {"push": PUSH, "to": {"device_token_hash": "nobody"}})).status == 404


async def test_the_same_id_is_one_broadcast(world: World) -> None:
    await crowd(world)
    first = await send(world, {"segment": "vip"}, broadcast_id="sale-1")
    again = await world.post("/broadcasts", {"push": PUSH, "to": {"segment": "vip"}}, headers={"idempotency-key": "sale-1"})
    assert again.data == {"broadcast_id": first, "created": False, "accepted": True}
    await world.apply()
    assert await pushes(world) == ["n:ann", "n:cat"]
    other = await world.post("/broadcasts", {"push": PUSH, "to": "everybody", "broadcast_id": "sale-1"})
    assert other.status == 409


async def test_it_waits_for_its_time_and_can_be_stopped(world: World) -> None:
    await crowd(world)
    id = await send(world, "everybody", at="2026-05-01T15:00", timezone="subscriber")
    assert await pushes(world) == []
    assert (await world.get(f"/broadcasts/{id}")).data["status"] == "scheduled"
    world.now += HOUR  # 15:00 in Berlin
    await world.apply()
    assert len(await pushes(world)) == 3
    late = await send(world, "everybody", at="2026-05-02T12:00Z")
    for change, status in (("pause", "paused"), ("resume", "scheduled"), ("stop", "stopped")):
        changed = await world.post(f"/broadcasts/{late}/{change}", scope="write")
        assert changed.status == 200, changed.body
        await world.apply()
        assert (await world.get(f"/broadcasts/{late}")).data["status"] == status
    assert (await world.post(f"/broadcasts/{late}/resume")).status == 409
    world.now += 48 * HOUR
    await world.apply()
    assert len(await pushes(world)) == 3


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, ["to"]),
        ({"push": PUSH}, ["to"]),
        ({"push": PUSH, "to": "all"}, ["to"]),
        ({"push": PUSH, "to": {"segment": "a", "profile_id": "b"}}, ["to"]),
        ({"push": PUSH, "to": {"segment": ""}}, ["to", "segment"]),
        ({"push": PUSH, "to": {"profile_id": "x" * 256}}, ["to", "profile_id"]),
        ({"push": PUSH, "to": {"audience": {"field": "event.a", "op": "exists"}}}, ["to", "audience", "field"]),
        ({"push": {**PUSH, "url": "javascript:alert(1)"}, "to": "everybody"}, ["push", "url"]),
        ({"push": {**PUSH, "icon": "data:x"}, "to": "everybody"}, ["push", "icon"]),
        ({"push": {}, "to": "everybody"}, ["push", "title"]),
        ({"to": "everybody"}, ["push"]),
        ({"push": PUSH, "to": "everybody", "at": "tomorrow"}, ["at"]),
        ({"push": PUSH, "to": "everybody", "at": "{{ x }}"}, ["at"]),
        ({"push": PUSH, "to": "everybody", "at": 1}, ["at"]),
        ({"push": PUSH, "to": "everybody", "timezone": "Mars/One"}, ["timezone"]),
        ({"push": PUSH, "to": "everybody", "name": "x" * 201}, ["name"]),
        ({"push": PUSH, "to": "everybody", "broadcast_id": "x" * 129}, ["broadcast_id"]),
        ({"push": PUSH, "to": "everybody", "sound": "loud"}, ["sound"]),
    ],
)
async def test_what_no_broadcast_may_say(world: World, body: object, path: list[str]) -> None:
    answer = await world.post("/broadcasts", body)
    assert answer.status == 400
    assert path in [place for _, place in answer.problems]


async def test_listing_goes_on_by_cursor(world: World) -> None:
    ids = []
    for number in range(3):
        world.now += 1
        ids.append(await send(world, {"profile_id": f"p{number}"}, name="x" * 200, broadcast_id="x" * 127 + str(number)))
    first = (await world.get("/broadcasts?limit=2")).data
    rest = (await world.get(f"/broadcasts?limit=2&cursor={first['cursor']}")).data
    assert [one["broadcast_id"] for one in (*first["broadcasts"], *rest["broadcasts"])] == ids[::-1]
    assert rest["cursor"] is None
    for query in ("limit=0", "limit=101", "cursor=abc"):
        assert (await world.get(f"/broadcasts?{query}")).status == 400
    assert (await world.get("/broadcasts/nothing")).status == 404
    assert (await world.get("/broadcasts/0123456789abcdef")).status == 404


async def test_no_workflow_is_called_like_a_broadcast(world: World) -> None:
    text = "workflow: broadcast-0123456789abcdef\nstart: {on: [{event: go}]}\nsteps: [{id: h, wait: {for: 1h}}]\n"
    slug = "/workflows/broadcast-0123456789abcdef"
    assert (await world.ask("PUT", slug, text.encode(), content_type="application/yaml")).status == 400
    assert (await world.ask("PUT", f"{slug}/draft", text.encode(), content_type="application/yaml")).status == 400
