"""`POST /api/v1/events/batch`: each event judged alone, and both sides of every limit."""

import json
from typing import Any

import pytest
from tests.e2e.server import Api, unique
from tests.server.client import Response

MIB = 1024 * 1024
JSON, NDJSON = "application/json", "application/x-ndjson"
kinds = pytest.mark.parametrize("kind", [JSON, NDJSON])
Event = dict[str, Any]


def written(kind: str, events: list[Event]) -> bytes:
    if kind == NDJSON:
        return b"".join(json.dumps(event).encode() + b"\n" for event in events)
    return json.dumps({"events": events}).encode()


async def post(api: Api, kind: str, body: bytes, *headers: str) -> Response:
    return await api.ask("POST", "/events/batch", body, *headers, content_type=kind)


def taken(accepted: int, *rejected: Event) -> Event:
    return {"error_code": 0, "data": {"accepted": accepted, "rejected": list(rejected)}}


@kinds
async def test_a_thousand_events_are_taken_in_their_order(api: Api, kind: str) -> None:
    name = unique("many")
    before = await api.place()
    answer = await post(api, kind, written(kind, [{"event_name": name, "profile_id": "p", "data": {"n": n}} for n in range(1000)]))
    assert (answer.status, answer.json) == (200, taken(1000))
    assert [event["data"]["n"] for event in await api.events_since(before)] == list(range(1000))


@kinds
async def test_one_more_is_refused_with_all_the_others(api: Api, kind: str) -> None:
    before = await api.place()
    answer = await post(api, kind, written(kind, [{"event_name": "x", "profile_id": "p"}] * 1001))
    assert answer.status == 400
    assert answer.json["error"]["details"] == [{"message": "events must have at most 1000 entries", "path": ["events"]}]
    assert await api.events_since(before) == []


@kinds
async def test_a_mebibyte_is_taken_and_a_byte_more_is_not(api: Api, kind: str) -> None:
    body = written(kind, [{"event_name": unique("large"), "profile_id": "p"}])
    assert (await post(api, kind, body + b" " * (MIB - len(body)))).json == taken(1)
    answer = await post(api, kind, body + b" " * (MIB + 1 - len(body)))
    assert answer.status == 413
    assert answer.json["error"]["details"] == [{"message": "Request body must be at most 1048576 bytes", "path": []}]


@kinds
async def test_a_bad_event_spoils_none_of_the_others(api: Api, kind: str) -> None:
    name = unique("mixed")
    before = await api.place()
    good = {"event_name": name, "profile_id": "p"}
    bad = {"event_name": "PushEngage.X", "data": {"a": None}}
    answer = await post(api, kind, written(kind, [good, bad, good]))
    error = {
        "message": "Invalid data",
        "code": 1003,
        "details": [
            {"message": 'event_name must not start with "PushEngage."', "path": ["event_name"]},
            {"message": "device_token_hash or profile_id is required", "path": []},
            {"message": "data values must be a string, number, boolean or ISO 8601 date", "path": ["data", "a"]},
        ],
    }
    assert (answer.status, answer.json) == (200, taken(2, {"index": 1, "error": error}))
    assert [event["event_name"] for event in await api.events_since(before)] == [name, name]


@kinds
async def test_repeats_inside_a_batch_are_one_event_and_other_content_is_a_conflict(api: Api, kind: str) -> None:
    name, id = unique("repeated"), unique("id")
    before = await api.place()
    first = {"event_name": name, "profile_id": "p", "event_id": id, "data": {"n": 1}}
    answer = await post(api, kind, written(kind, [first, first | {"data": {"n": 2}}, first, first | {"profile_id": "q"}]))
    conflict = {"message": "event_id was already used with different content.", "code": 1009}
    assert (answer.status, answer.json) == (200, taken(3, {"index": 1, "error": conflict}))
    assert sorted((event["profile_id"], event["data"]["n"]) for event in await api.events_since(before, "p", "q")) == [("p", 1), ("q", 1)]


@kinds
async def test_the_header_is_refused_on_a_batch(api: Api, kind: str) -> None:
    before = await api.place()
    answer = await post(api, kind, written(kind, [{"event_name": "x", "profile_id": "p"}]), "Idempotency-Key: 1")
    assert answer.status == 400
    assert answer.json["error"]["details"] == [{"message": "Idempotency-Key is not allowed on a batch", "path": ["Idempotency-Key"]}]
    assert await api.events_since(before) == []


async def test_a_line_that_is_no_json_is_rejected_alone(api: Api) -> None:
    name = unique("lines")
    good = json.dumps({"event_name": name, "profile_id": "p"}).encode()
    answer = await post(api, NDJSON, good + b"\n{nothing\n\n" + good)
    error = {"message": "Invalid data", "code": 1003, "details": [{"message": "Event must be valid JSON", "path": []}]}
    assert (answer.status, answer.json) == (200, taken(2, {"index": 1, "error": error}))


async def test_a_batch_of_bad_events_only_takes_none(api: Api) -> None:
    answer = await post(api, JSON, written(JSON, [{}]))
    assert (answer.status, answer.json["data"]["accepted"]) == (200, 0)
    assert [each["index"] for each in answer.json["data"]["rejected"]] == [0]
