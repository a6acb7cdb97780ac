"""`rate_limit_per_second`: who asks too often is told when to come back."""

import asyncio

from tests.e2e.conftest import Start
from tests.e2e.server import eventually
from tests.server.client import request

LIMIT = 5
ASKED = 40
REFUSED = b'{"error":{"message":"Too many requests. Please slow down.","code":1029}}'


async def test_a_key_that_asks_too_often_gets_429_and_recovers(start: Start) -> None:
    server = start(rate_limit_per_second=str(LIMIT))
    body = b'{"event_name":"x","profile_id":"p"}'
    one = request("POST", "/api/v1/events", body, f"Api-Key: {server.key}", "Content-Type: application/json")
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with server.connect() as client:
        await client.send(one * ASKED)
        answers = [await client.response() for _ in range(ASKED)]
    refilled = (loop.time() - began) * LIMIT

    taken = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status == 429]
    assert len(taken) + len(refused) == ASKED
    assert answers[:LIMIT] == taken[:LIMIT]
    assert LIMIT <= len(taken) <= LIMIT + refilled
    assert {(answer.body, answer.headers["retry-after"]) for answer in refused} == {(REFUSED, "1")}

    # reads count as well, and a refusal costs nothing: a token is back within what Retry-After says
    async with server.api() as api:
        await eventually(lambda: api.ask("GET", "/log"), lambda answer: answer.status == 200, within=1)


async def test_an_event_of_a_batch_counts_like_one_alone(start: Start) -> None:
    server = start(rate_limit_per_second="2")
    async with server.api() as api:
        batch = {"events": [{"event_name": "x", "profile_id": "p"}] * 100}
        assert (await api.ask("POST", "/events/batch", batch)).status == 200
        answer = await api.track("x")
        assert answer.status == 429
        assert 45 <= int(answer.headers["retry-after"]) <= 50
