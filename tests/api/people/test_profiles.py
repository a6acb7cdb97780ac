"""Profiles over HTTP."""

from urllib.parse import quote

import pytest
from tests.api.people.world import World

PUSH_AND_WAIT = """
workflow: w
start: {on: [{event: go}]}
steps:
  - {id: p, push: {title: Hi, message: M, url: "https://x.example/"}}
  - {id: h, wait: {for: 1h}}
"""


async def attributes(world: World, profile_id: str) -> object:
    return (await world.get(f"/profiles/{profile_id}")).data["attributes"]


async def test_attributes_are_set_added_and_removed(world: World) -> None:
    for method, body, left in [
        ("PATCH", {"plan": "gold", "age": 7}, {"plan": "gold", "age": 7}),
        ("PATCH", {"age": 8}, {"plan": "gold", "age": 8}),
        ("DELETE", ["plan", "no-such"], {"age": 8}),
        ("PUT", {"score": 1.5, "staff": False}, {"score": 1.5, "staff": False}),
        ("PUT", {}, {}),
    ]:
        answer = await world.ask(method, "/profiles/ann/attributes", body, scope="write")
        assert (answer.status, answer.data) == (200, {"profile_id": "ann", "accepted": True})
        await world.apply()
        assert await attributes(world, "ann") == left


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("PATCH", {}),
        ("PATCH", []),
        ("PATCH", {"a b": 1}),
        ("PATCH", {"a": None}),
        ("PUT", {"a": "x" * 4090}),
        ("DELETE", []),
        ("DELETE", ["x"] * 201),
        ("DELETE", ["a b"]),
        ("DELETE", {"a": 1}),
    ],
)
async def test_attributes_that_cannot_be(world: World, method: str, body: object) -> None:
    assert (await world.ask(method, "/profiles/ann/attributes", body)).status == 400


@pytest.mark.parametrize(("method", "body"), [("PUT", {"a": "x" * 4088}), ("DELETE", ["x"] * 200)])
async def test_as_large_as_may_be(world: World, method: str, body: object) -> None:
    assert (await world.ask(method, "/profiles/ann/attributes", body)).status == 200


async def test_segments_and_what_is_in_both_is_removed(world: World) -> None:
    await world.post("/profiles/ann/segments", {"add": ["a", "b"]})
    await world.apply()
    await world.post("/profiles/ann/segments", {"add": ["b", "c"], "remove": ["b"]})
    await world.apply()
    assert (await world.get("/profiles/ann")).data["segments"] == ["a", "c"]
    assert [one["profile_id"] for one in (await world.get("/segments/c/members")).data["profiles"]] == ["ann"]


@pytest.mark.parametrize("body", [{}, {"add": []}, {"add": "a"}, {"add": ["x"] * 101}, {"remove": [" "]}, {"to": ["a"]}])
async def test_segments_that_cannot_be(world: World, body: object) -> None:
    assert (await world.post("/profiles/ann/segments", body)).status == 400


async def test_a_subscriber_merges_into_a_profile(world: World) -> None:
    hashed = await world.register("a", attributes={"plan": "gold"})
    assert (await world.post("/profiles/ann/merge", {"device_token_hash": hashed})).status == 200
    await world.apply()
    shown = (await world.get("/profiles/ann")).data
    assert (shown["attributes"], shown["subscribers"][0]["device_token_hash"]) == ({"plan": "gold"}, hashed)
    assert (await world.post("/profiles/ann/merge", {"device_token_hash": "nobody"})).status == 404


async def test_listing_by_prefix_segment_and_kind(world: World) -> None:
    for name in ("aa1", "ab1", "ab2", "ac", "ä", "\U0010ffff"):
        await world.ask("PATCH", f"/profiles/{quote(name)}/attributes", {"n": name})
    await world.post("/profiles/ab2/segments", {"add": ["vip"]})
    lone = await world.register("a")

    async def listed(query: str) -> list[str]:
        found, cursor = [], ""
        while True:
            page = (await world.get(f"/profiles?limit=1&{query}&cursor={cursor}", scope="read")).data
            found += [one["profile_id"] or one["device_token_hash"] for one in page["profiles"]]
            if page["cursor"] is None:
                return found
            cursor = page["cursor"]

    assert await listed("prefix=ab") == ["ab1", "ab2"]
    assert await listed(f"prefix={quote('ä')}") == ["ä"]
    assert await listed("prefix=zz") == []
    assert await listed("segment=vip") == ["ab2"]
    assert await listed("anonymous=true") == [lone]
    assert await listed("anonymous=false") == ["aa1", "ab1", "ab2", "ac", "ä", "\U0010ffff"]


async def test_search_by_condition(world: World) -> None:
    for name, plan in (("ann", "gold"), ("bob", "free")):
        await world.ask("PATCH", f"/profiles/{name}/attributes", {"plan": plan})
    await world.register("a", profile_id="bob", country="DE")
    gold = {"field": "profile.plan", "op": "eq", "value": "gold"}
    german = {"field": "subscriber.country", "op": "eq", "value": "DE"}
    for condition, found in ((gold, ["ann"]), ({"not": gold}, ["bob"]), (german, ["bob"]), ({"any": [gold, german]}, ["ann", "bob"])):
        page = await world.post("/profiles/search", {"condition": condition}, scope="read")
        assert [one["profile_id"] for one in page.data["profiles"]] == found, condition


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"condition": {"field": "event.price", "op": "eq", "value": 1}},
        {"condition": {"field": "run.key", "op": "exists"}},
        {"condition": {"field": "profile.a", "op": "like", "value": 1}},
        {"condition": {"field": "profile.a", "op": "exists"}, "limit": 0},
        {"condition": {"field": "profile.a", "op": "exists"}, "limit": 1001},
        {"condition": {"field": "profile.a", "op": "exists"}, "limit": True},
        {"condition": {"field": "profile.a", "op": "exists"}, "cursor": 1},
    ],
)
async def test_searches_that_cannot_be(world: World, body: object) -> None:
    assert (await world.post("/profiles/search", body)).status == 400


async def test_profiles_may_be_called_like_our_addresses(world: World) -> None:
    """Nobody is erased, changed or not found because of how they are called."""
    for name in ("search", "x/attributes", "x", "x/segments", "a/b/export"):
        assert (await world.ask("PATCH", f"/profiles/{quote(name, safe='')}/attributes", {"who": name})).status == 200
    await world.apply()
    for name in ("search", "x/attributes", "x", "x/segments", "a/b/export"):
        assert (await world.get(f"/profiles/{quote(name, safe='')}")).data["attributes"] == {"who": name}
    assert (await world.ask("DELETE", "/profiles/x%2Fattributes")).status == 202
    await world.apply()
    assert await attributes(world, "x") == {"who": "x"}
    assert (await world.get("/profiles/x%2Fattributes")).status == 404
    refused = await world.ask("PUT", "/profiles/x%2Fsegments", {})
    assert (refused.status, refused.headers["allow"]) == (405, "GET, DELETE, HEAD")


async def test_one_person_is_exported_whole(world: World) -> None:
    await world.shop.publish(PUSH_AND_WAIT)
    hashed = await world.register("a", attributes={"plan": "gold"})
    await world.shop.send("early", device=hashed)
    await world.register("a", profile_id="ann")
    await world.shop.send("go", "ann", secret="s3cret")
    document = (await world.get("/profiles/ann/export", scope="read")).data
    assert document["complete"] is True
    assert document["profile"]["attributes"] == {"plan": "gold"}
    assert [one["device_token_hash"] for one in document["subscribers"]] == [hashed]
    assert {one["event_name"] for one in document["events"]} >= {"early", "go"}
    [run] = document["runs"]
    assert (run["status"], run["entry"]["data"]) == ("waiting", {"secret": "s3cret"})
    [delivery] = document["deliveries"]
    assert (delivery["status"], delivery["content"]["title"]) == ("pending", "Hi")
    assert document["explanations"]
    assert document == (await world.get(f"/subscribers/{hashed}/export")).data
    assert "AAAAAAAAAAAAAAAAAAAAAA" not in str(document)
    assert (await world.get("/profiles/nobody/export")).status == 404


async def test_erasing_is_one_call_and_a_job(world: World) -> None:
    hashed = await world.register("a")
    await world.shop.send("go", device=hashed, secret="s3cret")
    await world.register("a", profile_id="ann")
    answer = await world.ask("DELETE", "/profiles/ann", scope="write")
    assert (answer.status, answer.data["kind"], answer.data["status"], answer.data["detail"]) == (202, "erasure", "running", {})
    await world.apply()
    assert (await world.get("/profiles/ann")).status == 404
    assert (await world.get(f"/subscribers/{hashed}")).status == 404
    job = await world.store.job(world.site.id, answer.data["job_id"])
    assert f'"n:ann","a:{hashed}"' in bytes(job.body).decode()
    shown = await world.get(f"/jobs/{job.id}", scope="read")
    assert shown.data["detail"] == {}
    assert [one["job_id"] for one in (await world.get("/jobs?kind=erasure")).data["jobs"]] == [job.id]
    assert (await world.ask("DELETE", "/profiles/ann")).status == 404
    assert (await world.get("/jobs/none")).status == 404
    assert (await world.get("/jobs?kind=holiday")).status == 400
