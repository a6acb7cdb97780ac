"""`examples/track-event`: each client sends the event, says what went wrong, and sends it again where that makes sense."""

import asyncio
import json
from typing import NamedTuple

import pytest
from tests.delivery.receiver import Received, raw, receiving, status
from tests.e2e.server import Api, Server, unique
from tests.examples.conftest import Ended, run

ACCEPTED = '{"error_code":0,"data":{}}'
SOON = "retry-after: 0"


class Client(NamedTuple):
    """An example and how long it is told to wait: curl takes 0 for no answer to that question and waits a second all the same."""

    program: str
    file: str
    again: str = SOON

    async def run(self, url: str, key: str, profile_id: str = "user-1") -> Ended:
        return await run(self.program, f"track-event/{self.file}", profile_id, CLARION_URL=url, CLARION_API_KEY=key)


CLIENTS = [
    Client("sh", "track.sh", "retry-after: 1"),
    Client("php", "track.php"),
    Client("node", "track.mjs"),
    Client("python3", "track.py"),
]
every = pytest.mark.parametrize("client", CLIENTS, ids=[client.file for client in CLIENTS])


@every
async def test_it_sends_one_event(client: Client, server: Server, api: Api) -> None:
    before = await api.place()
    person = unique("person")
    ended = await client.run(server.url, server.key, person)
    assert (ended.code, ended.out.rstrip("\n"), ended.err) == (0, ACCEPTED, "")
    [event] = await api.events_since(before, person)
    assert (event["event_name"], event["profile_id"], event["device_token_hash"]) == ("add_to_cart", person, None)
    assert event["data"] == {"product_name": "Running Shoes", "price": 99.99}


@every
async def test_it_says_why_it_was_refused(client: Client, server: Server) -> None:
    ended = await client.run(server.url, "clk_nobodys")
    assert ended.code == 1
    assert "401" in ended.err
    assert "Invalid API key. The provided API key was not found or is incorrect." in ended.err
    assert ended.out == ""


@every
async def test_it_says_what_is_wrong_with_the_event(client: Client, server: Server, api: Api) -> None:
    before = await api.place()
    ended = await client.run(server.url, server.key, "x" * 256)
    assert ended.code == 1
    assert "profile_id must be at most 255 characters" in ended.err
    assert await api.events_since(before) == []


@every
@pytest.mark.parametrize(("url", "key", "missing"), [("", "clk_x", "CLARION_URL"), ("http://127.0.0.1:1", "", "CLARION_API_KEY")])
async def test_it_says_which_setting_is_missing(client: Client, url: str, key: str, missing: str) -> None:
    ended = await client.run(url, key)
    assert ended.code != 0
    assert missing in ended.err


@every
async def test_it_sends_the_same_event_again_until_it_is_taken(client: Client) -> None:
    answers = [
        raw(b"", close=True),
        status(503, client.again, body="{}"),
        status(429, client.again, body="{}"),
        status(200, "content-type: application/json", body=ACCEPTED),
    ]
    async with receiving() as clarion:

        async def in_turn(request: Received, writer: asyncio.StreamWriter) -> None:
            await answers[min(len(clarion.requests), len(answers)) - 1](request, writer)

        clarion.answer = in_turn
        ended = await client.run(f"http://127.0.0.1:{clarion.port}", "clk_key")
        assert (ended.code, ended.out.rstrip("\n")) == (0, ACCEPTED), ended.err
        assert [(request.method, request.path) for request in clarion.requests] == [("POST", "/api/v1/events")] * 4
        assert {request.header("api-key") for request in clarion.requests} == {"clk_key"}
        assert {request.header("content-type") for request in clarion.requests} == {"application/json"}
        assert len({request.body for request in clarion.requests}) == 1
        first = json.loads(clarion.requests[0].body)["event_id"]
        await client.run(f"http://127.0.0.1:{clarion.port}", "clk_key")
        assert json.loads(clarion.requests[-1].body)["event_id"] != first


@every
async def test_it_gives_up_and_says_so(client: Client) -> None:
    body = '{"error":{"message":"Service temporarily unavailable. Please retry.","code":1053}}'
    async with receiving(status(503, client.again, body=body)) as clarion:
        ended = await client.run(f"http://127.0.0.1:{clarion.port}", "clk_key")
        assert ended.code == 1
        assert "Service temporarily unavailable. Please retry." in ended.err
        assert ended.out == ""
        assert len(clarion.requests) == 4
