"""Responses go out in the order of requests, whatever answers them and whenever."""

import asyncio
import random

from tests.server.client import PATIENCE, request
from tests.server.conftest import Serve
from tests.server.routes import Echo, Gate, Held, Locked, app

from clarion.api.protocol_direct import Refusal
from clarion.api.protocol_heads import RequestHead


async def test_answers_given_out_of_order_go_out_in_order(serve: Serve) -> None:
    held = Held()
    client = await (await serve({"/direct": held})).connect()
    await client.send(b"".join(request("POST", "/direct", b"%d" % number) for number in range(100)))
    asked = list(await held.arrived(100))
    random.Random(7).shuffle(asked)
    for each in asked:
        each.respond(200, each.body)
    assert [int((await client.response()).body) for _ in range(100)] == list(range(100))


async def test_direct_and_app_requests_mixed_stay_in_order(serve: Serve) -> None:
    held, gate = Held(), Gate()
    client = await (await serve({"/held": held, "/echo": Echo()}, app(gate))).connect()
    await client.send(
        request("POST", "/held", b"0")
        + request("GET", "/gate")
        + request("POST", "/echo", b"2")
        + request("GET", "/show/3")
        + request("GET", "/show/4")
        + request("POST", "/held", b"5")
        + request("POST", "/echo", b"6")
    )
    first, last = await held.arrived(2)
    last.respond(200, last.body)
    assert not gate.entered.is_set(), "the app starts when its turn has come"
    first.respond(200, first.body)
    assert (await client.response()).body == b"0"
    async with asyncio.timeout(PATIENCE):
        await gate.entered.wait()
    gate.open.set()
    assert (await client.response()).json == {"gate": "/gate"}
    assert (await client.response()).body == b"2"
    assert (await client.response()).json["path"] == "/show/3"
    assert (await client.response()).json["path"] == "/show/4"
    assert (await client.response()).body == b"5"
    assert (await client.response()).body == b"6"


async def test_no_more_than_the_limit_of_requests_are_in_progress(serve: Serve) -> None:
    held = Held()
    served = await serve({"/direct": held, "/echo": Echo()}, pipelined=8)
    client = await served.connect()
    requests = 3000
    await client.send(b"".join(request("POST", "/direct", b"%d" % number) for number in range(requests)))
    await held.arrived(8)
    # one answer after another frees a place, and the pause is checked between pieces of input
    most = 0
    for answered in range(requests):
        asked = (await held.arrived(answered + 1))[answered]
        most = max(most, len(held.requests) - answered)
        asked.respond(200, asked.body)
    assert 8 <= most < 8 + 16 * 1024 // len(request("POST", "/direct", b"0"))
    assert [int((await client.response()).body) for _ in range(requests)] == list(range(requests))


async def test_large_bodies_in_progress_pause_reading_sooner(serve: Serve) -> None:
    held = Held(limit=100_000)
    client = await (await serve({"/direct": held}, held_bytes=200_000)).connect()
    sending = asyncio.create_task(client.send(request("POST", "/direct", b"x" * 60_000) * 20))
    most = 0
    for answered in range(20):
        asked = (await held.arrived(answered + 1))[answered]
        most = max(most, len(held.requests) - answered)
        asked.respond(200, b"{}")
    assert most <= 4
    for _ in range(20):
        assert (await client.response()).status == 200
    await sending


async def test_refusals_behind_an_open_request_are_bounded_too(serve: Serve) -> None:
    class Counting(Locked):
        asked = 0

        def early(self, head: RequestHead) -> Refusal | None:
            self.asked += 1
            return super().early(head)

    held, counting = Held(), Counting()
    served = await serve({"/held": held, "/locked": counting, "/echo": Echo()}, pipelined=8)
    client, other = await served.connect(), await served.connect()
    refused = 3000
    await client.send(request("POST", "/held") + request("POST", "/locked") * refused)
    (first,) = await held.arrived(1)
    for _ in range(50):  # turns in which the server could read on
        await other.ask(request("POST", "/echo", b"x"))
    assert 7 <= counting.asked < 8 + 16 * 1024 // len(request("POST", "/locked"))
    first.respond(200, b"{}")
    assert [(await client.response()).status for _ in range(1 + refused)] == [200] + [401] * refused


async def test_a_connection_that_asks_to_close_is_closed_after_its_last_answer(serve: Serve) -> None:
    held = Held()
    client = await (await serve({"/direct": held})).connect()
    await client.send(request() + request("POST", "/direct", b"", "Connection: close") + request())
    first, second = await held.arrived(2)
    second.respond(200, b"2")
    first.respond(200, b"1")
    one, two = await client.response(), await client.response()
    assert (one.body, two.body) == (b"1", b"2")
    assert "connection" not in one.headers
    assert two.headers["connection"] == "close"
    assert await client.rest() == b""
    assert len(held.requests) == 2


async def test_a_client_that_has_closed_its_side_gets_its_answers(serve: Serve) -> None:
    held = Held()
    client = await (await serve({"/direct": held})).connect()
    await client.send(request() * 2)
    asked = await held.arrived(2)
    client.writer.write_eof()
    for each in asked:
        each.respond(200, b"{}")
    assert [(await client.response()).status for _ in range(2)] == [200, 200]
    assert await client.rest() == b""
