"""Imports and exports: resumable, without doubles, with a report; what goes out comes back in."""

import json
from typing import Any

import pytest
from tests.api.people.world import POINT, World, subscription


async def begin(world: World, what: str = "profiles") -> str:
    id: str = (await world.post("/imports", {"what": what}, scope="write")).data["job_id"]
    return id


async def feed(world: World, id: str, body: str, offset: int = 0, kind: str = "text/csv") -> Any:
    answer = await world.post(f"/imports/{id}/rows?offset={offset}", body.encode(), content_type=kind, scope="write")
    assert answer.status == 200, answer.body
    await world.apply()
    return answer.data["detail"]


async def test_rows_are_taken_or_refused_by_themselves(world: World) -> None:
    id = await begin(world)
    body = (
        "profile_id,segments,attributes.plan,attributes.age:number,attributes.staff:boolean\r\n"
        'ann,vip;new,gold,7,true\r\n,x,,,\r\nbob,,free,old,\r\n"cat","[""a;b""]","\'=1+1",1.5,FALSE\r\ndan,,,\r\n'
    )
    detail = await feed(world, id, body)
    assert (detail["rows"], detail["accepted"], detail["refused"]) == (5, 2, 3)
    assert [(one["row"], one["field"]) for one in detail["report"]] == [(2, "profile_id"), (3, "attributes.age:number"), (5, "")]
    ann, cat = [(await world.get(f"/profiles/{name}")).data for name in ("ann", "cat")]
    assert (ann["attributes"], ann["segments"]) == ({"plan": "gold", "age": 7, "staff": True}, ["new", "vip"])
    assert (cat["attributes"], cat["segments"]) == ({"plan": "=1+1", "age": 1.5, "staff": False}, ["a;b"])
    done = await world.post(f"/imports/{id}/finish")
    assert done.data["status"] == "done"
    assert (await world.post(f"/imports/{id}/rows", b"profile_id\nx\n", content_type="text/csv")).status == 409
    assert (await world.post(f"/imports/{id}/stop")).status == 409


async def test_an_import_that_was_broken_off_goes_on_without_doubles(world: World) -> None:
    id = await begin(world)
    lines = [json.dumps({"profile_id": f"p{number}", "attributes": {"n": number}}) for number in range(6)]
    await feed(world, id, "\n".join(lines[:3]), 0, "application/x-ndjson")
    events = len((await world.get("/log?after=0")).data["events"])
    detail = await feed(world, id, "\n".join(lines[:3]), 0, "application/x-ndjson")
    assert (detail["rows"], detail["accepted"]) == (3, 3)
    detail = await feed(world, id, "\n".join(lines[1:]), 1, "application/x-ndjson")
    assert (detail["rows"], detail["accepted"]) == (6, 6)
    assert len((await world.get("/log?after=0")).data["events"]) == events * 2
    gap = await world.post(f"/imports/{id}/rows?offset=7", b"[]")
    assert gap.status == 409
    assert "offset 6" in gap.problems[0][0]


async def test_rows_whose_acknowledgement_was_lost_are_applied_once(world: World) -> None:
    id = await begin(world)
    job = await world.store.job(world.site.id, id)
    await feed(world, id, '[{"profile_id": "ann", "segments": ["vip"]}]', 0, "application/json")
    inbox = len((await world.get("/log?after=0")).data["events"])
    await world.store.put_job(job)  # as it was before: the process ended between the two commits
    detail = await feed(world, id, '[{"profile_id": "ann", "segments": ["vip"]}]', 0, "application/json")
    assert detail["accepted"] == 1
    assert len((await world.get("/log?after=0")).data["events"]) == inbox


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"profile_id,nonsense\nx,y\n", "text/csv"),
        (b"profile_id,profile_id\nx,y\n", "text/csv"),
        (b"", "text/csv"),
        (b'"profile_id', "text/csv"),
        (b"\xff\xfe", "text/csv"),
        (b"{}", "application/json"),
        (b"profile_id\n" + b"x\n" * 1001, "text/csv"),
        (b"{}\n" * 1001, "application/x-ndjson"),
        (b"x", "text/plain"),
    ],
)
async def test_chunks_that_cannot_be_taken(world: World, body: bytes, kind: str) -> None:
    id = await begin(world)
    assert (await world.post(f"/imports/{id}/rows", body, content_type=kind)).status == 400


async def test_a_chunk_as_large_as_may_be_and_a_report_that_is_bounded(world: World) -> None:
    id = await begin(world)
    for chunk in range(2):
        detail = await feed(world, id, "[]\n" * 1000, chunk * 1000, "application/x-ndjson")
    assert (detail["refused"], len(detail["report"])) == (2000, 1000)
    assert "report" not in (await world.get("/jobs")).data["jobs"][0]["detail"]


async def test_what_an_import_may_be_of(world: World) -> None:
    assert (await world.post("/imports", {"what": "orders"})).status == 400
    assert (await world.post("/imports", {})).status == 400
    assert (await world.post("/imports/none/rows", b"[]")).status == 404
    assert (await world.get("/exports/orders")).status == 400
    assert (await world.get("/exports/profiles?format=xml")).status == 400


async def test_subscribers_are_checked_like_registrations(world: World) -> None:
    await world.post("/segments", {"segment": "dyn", "condition": {"field": "profile.a", "op": "exists"}})
    id = await begin(world, "subscribers")
    good = subscription("a")
    bad = {**good, "endpoint": "https://evil.example/x"}
    off_curve = {**good, "keys": {**good["keys"], "p256dh": POINT[:-4] + "AAAA"}}
    rows = [
        {"subscription": good, "device_token_hash": "kept", "country": "DE", "active": False},
        {"subscription": bad},
        {"subscription": off_curve},
        {"subscription": good, "segments": ["dyn"]},
        {"provider": "fcm", "token": "t"},
    ]
    detail = await feed(world, id, json.dumps(rows), 0, "application/json")
    assert (detail["accepted"], [(one["row"], one["field"]) for one in detail["report"]]) == (
        2,
        [(2, "subscription.endpoint"), (3, "subscription.keys.p256dh"), (4, "segments")],
    )
    kept = await world.store.subscriber(world.site.id, "kept")
    assert (kept.active, kept.facts["country"]) == (False, "DE")


@pytest.mark.parametrize("form", ["ndjson", "csv"])
async def test_what_goes_out_comes_back_in(world: World, form: str) -> None:
    attributes = {"formula": "=1+1", "quoted": "'@x", "n": -5, "big": 2**70, "yes": True, "text": 'a,"b"\nc', "dash": "-1"}
    await world.ask("PATCH", "/profiles/=ann/attributes", attributes)
    await world.post("/profiles/=ann/segments", {"add": ["+vip", "a;b"]})
    await world.register("a", profile_id="=ann", country="DE")
    before = (await world.get("/profiles/=ann")).data
    page = await world.get(f"/exports/profiles?format={form}", scope="read")
    assert "clarion-cursor" not in page.headers
    if form == "csv":
        assert b"\r\n'=ann," in page.body
    devices = await world.get(f"/exports/subscribers?format={form}&addresses=true")
    await world.ask("DELETE", "/profiles/=ann")
    await world.apply()
    kind = {"csv": "text/csv", "ndjson": "application/x-ndjson"}[form]
    for what, content in (("profiles", page), ("subscribers", devices)):
        detail = await feed(world, await begin(world, what), content.body.decode(), 0, kind)
        assert (detail["accepted"], detail["refused"]) == (1, 0), detail
    after = (await world.get("/profiles/=ann")).data
    assert (after["attributes"], after["segments"]) == (before["attributes"], before["segments"])
    assert [one["device_token_hash"] for one in after["subscribers"]] == [one["device_token_hash"] for one in before["subscribers"]]


async def test_addresses_need_the_scope_admin(world: World) -> None:
    await world.register("a")
    assert (await world.get("/exports/subscribers?addresses=true", scope="read")).status == 403
    bare = await world.get("/exports/subscribers", scope="read")
    assert b"p256dh" not in bare.body
    assert b"mozilla" not in bare.body


async def test_pages_go_on_by_the_header(world: World) -> None:
    for number in range(3):
        await world.ask("PATCH", f"/profiles/p{number}/attributes", {"n": number})
    await world.apply()
    first = await world.get("/exports/profiles?limit=2")
    rest = await world.get(f"/exports/profiles?limit=2&cursor={first.headers['clarion-cursor']}")
    assert [json.loads(line)["profile_id"] for line in (first.body + rest.body).splitlines()] == ["p0", "p1", "p2"]
    assert "clarion-cursor" not in rest.headers
