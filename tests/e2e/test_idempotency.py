"""The same event sent again and again is one event (contract: `event_id`)."""

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any

from tests.e2e.server import Api, Server, unique
from tests.server.client import Response, request

CONFLICT = {"error": {"message": "event_id was already used with different content.", "code": 1009}}
COPIES = 100


async def names_since(api: Api, place: str) -> list[str]:
    return [event["event_name"] for event in await api.events_since(place)]


async def all_at_once(server: Server, sent: bytes) -> list[Response]:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(server.connect()) for _ in range(COPIES)]
        return await asyncio.gather(*(client.ask(sent) for client in clients))


async def test_a_hundred_copies_at_once_are_one_event(server: Server, api: Api) -> None:
    name = unique("copied")
    before = await api.place()
    body = json.dumps({"event_name": name, "profile_id": "p", "event_id": unique("id"), "data": {"n": 1}}).encode()
    sent = request("POST", "/api/v1/events", body, f"Api-Key: {server.key}", "Content-Type: application/json")
    answers = await all_at_once(server, sent)
    assert [(answer.status, answer.body) for answer in answers] == [(200, b'{"error_code":0,"data":{}}')] * COPIES
    assert await names_since(api, before) == [name]


async def test_a_hundred_copies_with_the_header_are_one_event(server: Server, api: Api) -> None:
    name = unique("copied")
    before = await api.place()
    body = json.dumps({"event_name": name, "profile_id": "p"}).encode()
    lines = (f"Api-Key: {server.key}", "Content-Type: application/json", f"Idempotency-Key: {unique('id')}")
    answers = await all_at_once(server, request("POST", "/api/v1/events", body, *lines))
    assert {answer.status for answer in answers} == {200}
    assert await names_since(api, before) == [name]


async def test_of_different_contents_at_once_one_wins(server: Server, api: Api) -> None:
    name, id = unique("raced"), unique("id")
    before = await api.place()

    async with AsyncExitStack() as stack:
        backends = [await stack.enter_async_context(server.api()) for _ in range(20)]
        answers = await asyncio.gather(*(each.track(name, event_id=id, data={"n": n}) for n, each in enumerate(backends)))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 19
    [event] = await api.events_since(before)
    assert answers[event["data"]["n"]].status == 200


async def test_the_bodys_event_id_beats_the_header(api: Api) -> None:
    name, id, header = unique("both"), unique("id"), f"Idempotency-Key: {unique('id')}"
    before = await api.place()
    assert (await api.track(name, header, event_id=id, data={"n": 1})).status == 200
    # the header alone is an id that nothing has used yet
    assert (await api.track(name, header, data={"n": 2})).status == 200
    assert (await api.track(name, event_id=id, data={"n": 2})).status == 409
    assert [event["data"]["n"] for event in await api.events_since(before)] == [1, 2]


async def test_other_content_is_a_conflict(api: Api) -> None:
    name, id = unique("changed"), unique("id")
    before = await api.place()
    said: dict[str, Any] = {"event_id": id, "data": {"n": 1}, "timestamp": "2026-01-02T03:04:05Z"}
    await api.accept(name, **said)
    for other in ({"data": {"n": 2}}, {"data": {"n": "1"}}, {"data": None}, {"timestamp": None}, {"timestamp": "2026-01-02T03:04:06Z"}):
        answer = await api.track(name, **(said | other))
        assert (answer.status, answer.json) == (409, CONFLICT), other
    assert (await api.track(unique("renamed"), **said)).status == 409
    assert await names_since(api, before) == [name]


async def test_the_same_id_for_another_target_is_another_event(api: Api) -> None:
    name, id = unique("shared"), unique("id")
    before = await api.place()
    await api.accept(name, event_id=id, profile_id="a", data={"n": 1})
    await api.accept(name, event_id=id, profile_id="b", data={"n": 2})
    await api.accept(name, event_id=id, device_token_hash="a", data={"n": 3})
    # the profile decides, so this is the first one again
    await api.accept(name, event_id=id, profile_id="a", device_token_hash="a", data={"n": 1})
    assert sorted(event["data"]["n"] for event in await api.events_since(before, "a", "b", device="a")) == [1, 2, 3]


async def test_another_spelling_of_the_same_json_is_the_same_event(api: Api) -> None:
    name, id = unique("spelt"), unique("id")
    before = await api.place()
    head = f'"event_name":"{name}","profile_id":"p","event_id":"{id}"'
    for spelling in (
        '{%s,"data":{"a":1,"b":"é","c":true},"timestamp":"2026-01-02T03:04:05Z"}',
        '{"data" : {"c":true, "b":"\\u00e9",\n"a":1.0}, "timestamp":"2026-01-02T04:04:05+01:00", %s}',
        '{%s,"timestamp":"2026-01-02T03:04:05.000Z","data":{"b":"\\u00E9","a":1e0,"c":true},"other":[null]}',
    ):
        answer = await api.ask("POST", "/events", (spelling % head).encode())
        assert answer.status == 200, spelling
    assert await names_since(api, before) == [name]
