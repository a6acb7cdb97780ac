"""Deadlines, with tiny ones: a test waits for the server's close, not for time."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.client import request
from tests.server.conftest import Serve
from tests.server.routes import Echo, Gate, Held, app

from clarion.api.deadlines import Deadline

LATE = {"error": {"message": "Invalid data", "code": 1003, "details": [{"message": "The request did not arrive in time", "path": []}]}}
NEVER = 3600.0
WHOLE = request("POST", "/direct", b"abc")


@pytest.mark.parametrize("sent", [1, 4, 30, len(WHOLE) - 4, len(WHOLE) - 3, len(WHOLE) - 1])
async def test_a_request_that_stops_half_way_is_refused_and_closed(serve: Serve, sent: int) -> None:
    served = await serve(request_seconds=0.05, idle_seconds=NEVER, linger_seconds=NEVER, sweep_seconds=0.01)
    client = await served.connect()
    answer = await client.ask(WHOLE[:sent])
    assert (answer.status, answer.json, answer.headers["connection"]) == (408, LATE, "close")
    assert await client.rest() == b""


@pytest.mark.parametrize("piece", [b"a", b"X: y\r\n", b"1\r\nx\r\n"], ids=["value", "headers", "chunks"])
async def test_dripping_does_not_extend_the_deadline(serve: Serve, piece: bytes) -> None:
    route = Echo(limit=10**9)
    served = await serve({"/direct": route}, request_seconds=0.1, idle_seconds=NEVER, sweep_seconds=0.01, header_count=10**9)
    client, other = await served.connect(), await served.connect()
    await client.send(b"POST /direct HTTP/1.1\r\nHost: x\r\n" + {b"a": b"A: "}.get(piece, b""))
    if piece.startswith(b"1"):
        await client.send(b"Transfer-Encoding: chunked\r\n\r\n")
    answer = asyncio.create_task(client.response())
    while not answer.done():
        await other.ask(WHOLE)  # a turn of the server, and proof that others are served
        if not client.writer.is_closing():
            client.writer.write(piece)
    assert (await answer).status == 408


async def test_each_request_has_a_deadline_of_its_own(serve: Serve) -> None:
    served = await serve(request_seconds=0.2, idle_seconds=NEVER, sweep_seconds=0.01)
    client = await served.connect()
    loop = asyncio.get_running_loop()
    started = loop.time()
    await client.send(WHOLE[:-1])
    while loop.time() < started + 0.5:
        # the end of one and the beginning of the next in one piece: never between two requests, never late
        assert (await client.ask(WHOLE[-1:] + WHOLE[:-1])).status == 200
    assert (await client.response()).status == 408


async def test_a_late_request_waits_for_the_answers_before_it(serve: Serve) -> None:
    held = Held()
    served = await serve({"/direct": held, "/echo": Echo()}, request_seconds=0.05, sweep_seconds=0.01)
    client, late = await served.connect(), await served.connect()
    await client.send(WHOLE + WHOLE[:-1])
    (asked,) = await held.arrived(1)
    assert (await late.ask(WHOLE[:-1])).status == 408  # it was sent later, so the other one is overdue, too
    asked.respond(200, b"{}")
    assert [(await client.response()).status for _ in range(2)] == [200, 408]
    assert await client.rest() == b""


async def test_a_refused_request_that_stops_half_way_is_closed(serve: Serve) -> None:
    served = await serve(request_seconds=0.05, idle_seconds=NEVER, linger_seconds=NEVER, sweep_seconds=0.01)
    client = await served.connect()
    assert (await client.ask(request("PUT", "/direct", b"abc")[:-1])).status == 405
    assert await client.rest() == b""


@pytest.mark.parametrize("before", [b"", b"\r\n\r\n", WHOLE])
async def test_an_idle_connection_is_closed_without_a_word(serve: Serve, before: bytes) -> None:
    served = await serve(idle_seconds=0.05, request_seconds=NEVER, sweep_seconds=0.01)
    client = await served.connect()
    await client.send(before)
    if before == WHOLE:
        assert (await client.response()).status == 200
    assert await client.rest() == b""


async def test_a_connection_in_use_is_not_idle(serve: Serve) -> None:
    served = await serve(idle_seconds=0.2, sweep_seconds=0.01)
    client = await served.connect()
    loop = asyncio.get_running_loop()
    started = loop.time()
    while loop.time() < started + 0.6:
        assert (await client.ask(WHOLE)).status == 200
    assert await client.rest() == b""


async def test_a_connection_that_waits_for_an_answer_is_not_idle(serve: Serve) -> None:
    held, gate = Held(), Gate()
    served = await serve({"/direct": held}, app(gate), idle_seconds=0.02, sweep_seconds=0.01)
    direct, through_app, idle = await served.connect(), await served.connect(), await served.connect()
    await direct.send(WHOLE)
    await through_app.send(request("GET", "/gate"))
    (asked,) = await held.arrived(1)
    assert await idle.rest() == b""
    latest = await served.connect()
    assert await latest.rest() == b""
    asked.respond(200, b"{}")
    gate.open.set()
    for client in (direct, through_app):
        assert (await client.response()).status == 200
        assert await client.rest() == b""


async def test_a_client_that_does_not_read_is_cut_off(serve: Serve) -> None:
    served = await serve({"/direct": Echo(limit=10**6)}, write_seconds=0.05, idle_seconds=NEVER, request_seconds=NEVER, sweep_seconds=0.01)
    client, other = await served.connect(), await served.connect()
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # streams have a read transport, too
    with pytest.raises(ConnectionError):
        await client.flood(request("POST", "/direct", b"x" * 100_000), lambda: other.ask(WHOLE))


async def test_time_in_which_the_server_does_not_read_does_not_count(serve: Serve) -> None:
    held = Held()
    served = await serve({"/direct": held}, pipelined=2, request_seconds=0.05, sweep_seconds=0.01)
    client, late = await served.connect(), await served.connect()
    await client.send(WHOLE * 2 + WHOLE[:-1])
    first, second = await held.arrived(2)
    await client.send(WHOLE[-1:])
    assert (await late.ask(WHOLE[:-1])).status == 408
    assert (await (await served.connect()).ask(WHOLE[:-1])).status == 408
    first.respond(200, b"{}")
    second.respond(200, b"{}")
    third = (await held.arrived(3))[2]
    third.respond(200, b"{}")
    assert [(await client.response()).status for _ in range(3)] == [200] * 3


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["start", "restart", "stop"]), st.integers(0, 3)), max_size=40), st.integers(1, 5)
)
def test_a_deadline_expires_what_has_had_its_time(steps: list[tuple[int, str, int]], seconds: int) -> None:
    deadline: Deadline[int] = Deadline(seconds)
    expected: dict[int, int] = {}
    now = 0
    for member, action, later in steps:
        now += later
        due = {each for each, since in expected.items() if since + seconds <= now}
        expired = deadline.take_expired(now)
        assert set(expired) == due
        assert [expected[each] for each in expired] == sorted(expected[each] for each in expired)
        for each in expired:
            del expected[each]
        if action == "start":
            deadline.start(member, now)
            expected.setdefault(member, now)
        elif action == "restart":
            deadline.restart(member, now)
            expected[member] = now
        else:
            deadline.stop(member)
            expected.pop(member, None)
        assert len(deadline) == len(expected)
        earliest = min(expected.values(), default=None)
        oldest = deadline.oldest()
        assert (None if oldest is None else expected[oldest]) == earliest
