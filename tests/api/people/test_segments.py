"""Segments over HTTP."""

import pytest
from tests.api.people.world import World

GOLD = {"field": "profile.plan", "op": "eq", "value": "gold"}


async def paint(world: World, profile_id: str, plan: str) -> None:
    await world.ask("PATCH", f"/profiles/{profile_id}/attributes", {"plan": plan})
    await world.apply()


async def members(world: World, segment: str) -> list[str]:
    return [one["profile_id"] for one in (await world.get(f"/segments/{segment}/members")).data["profiles"]]


async def test_a_dynamic_segment_takes_in_who_is_there_and_who_comes(world: World) -> None:
    await paint(world, "ann", "gold")
    made = await world.post("/segments", {"segment": "gold", "name": "Gold plan", "condition": GOLD}, scope="write")
    assert (made.status, made.data["dynamic"], made.data["name"]) == (200, True, "Gold plan")
    await world.apply()
    await paint(world, "bob", "gold")
    assert await members(world, "gold") == ["ann", "bob"]
    await paint(world, "ann", "free")
    assert await members(world, "gold") == ["bob"]
    shown = (await world.get("/segments/gold", scope="read")).data
    assert (shown["members"], shown["members_complete"]) == (1, True)


async def test_it_is_renamed_and_gets_another_condition(world: World) -> None:
    await paint(world, "ann", "gold")
    await world.post("/segments", {"segment": "s", "condition": GOLD})
    await world.apply()
    renamed = await world.ask("PATCH", "/segments/s", {"name": "Another"})
    assert (renamed.data["name"], renamed.data["segment"], renamed.data["condition"]) == ("Another", "s", GOLD)
    await world.ask("PATCH", "/segments/s", {"condition": {"not": GOLD}})
    await world.apply()
    assert await members(world, "s") == []
    assert (await world.ask("DELETE", "/segments/s")).status == 200
    assert (await world.get("/segments/s")).status == 404
    assert (await world.get("/segments")).data["segments"] == []


async def test_nobody_is_put_into_a_dynamic_one_by_hand(world: World) -> None:
    await world.post("/segments", {"segment": "gold", "condition": GOLD})
    refused = await world.post("/profiles/ann/segments", {"add": ["vip", "gold"]})
    assert refused.status == 409
    assert "dynamic" in refused.problems[0][0]
    assert (await world.post("/profiles/ann/segments", {"add": ["vip"]})).status == 200


async def test_one_that_nobody_defined_is_counted_and_deleted(world: World) -> None:
    await world.post("/profiles/ann/segments", {"add": ["wild", "tame"]})
    await world.post("/segments", {"segment": "tame"})
    await world.apply()
    listed = (await world.get("/segments?counts=true")).data
    assert [(one["segment"], one["members"]) for one in listed["segments"]] == [("tame", 1)]
    assert listed["undefined"] == [{"segment": "wild", "members": 1}]
    assert listed["counted"] == {"profiles": 1, "complete": True}
    assert (await world.ask("DELETE", "/segments/wild")).status == 200
    await world.apply()
    assert await members(world, "wild") == []


async def test_the_same_twice_is_409(world: World) -> None:
    assert (await world.post("/segments", {"segment": "s"})).status == 200
    assert (await world.post("/segments", {"segment": "s"})).status == 409


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"segment": " "},
        {"segment": "x" * 201},
        {"segment": "s", "condition": {"field": "event.price", "op": "exists"}},
        {"segment": "s", "condition": {"field": "segments", "op": "in", "value": ["s"]}},
        {"segment": "s", "condition": "everybody"},
        {"segment": "s", "name": "x" * 101},
        {"segment": "s", "backfill_events": "yes"},
    ],
)
async def test_definitions_that_cannot_be(world: World, body: object) -> None:
    assert (await world.post("/segments", body)).status == 400


async def test_as_long_as_may_be(world: World) -> None:
    assert (await world.post("/segments", {"segment": "x" * 200, "name": "x" * 100})).status == 200
