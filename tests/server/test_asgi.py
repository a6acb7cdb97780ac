"""The app's requests, and what becomes of an app that fails."""

import asyncio
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs
from tests.server.client import PATIENCE, Client, request
from tests.server.conftest import Serve
from tests.server.routes import Gate, app

FAILED = {"error": {"message": "Something went wrong.", "code": 1001}}
START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]}


async def test_an_app_sees_the_request(client: Client) -> None:
    answer = await client.ask(request("POST", "/show/a?b=c", b"body"))
    assert answer.json == {
        "method": "POST",
        "path": "/show/a",
        "query": "b=c",
        "body": "body",
        "client": "127.0.0.1",
        "version": "1.1",
        "request_id": answer.headers["x-request-id"],
    }


async def test_a_stream_goes_in_chunks_or_until_the_end_of_a_1_0_connection(serve: Serve) -> None:
    served = await serve()
    client = await served.connect()
    for _ in range(2):
        answer = await client.ask(request("GET", "/stream"))
        assert (answer.headers["transfer-encoding"], answer.body) == ("chunked", b"one,two")
    answer = await client.ask(b"GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert "transfer-encoding" not in answer.headers
    assert (answer.headers["connection"], answer.body) == ("close", b"one,two")


async def test_head_of_the_app(client: Client) -> None:
    await client.send(request("HEAD", "/stream") + request("POST", "/direct", b"next"))
    assert (await client.response(to_head=True)).status == 200
    assert (await client.response()).body == b"next"


async def fails_at_once(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Raises before its response."""
    raise LookupError("a secret detail")


async def returns_nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Never answers."""


async def breaks_out(_scope: Scope, _receive: Receive, send: Send) -> None:
    """A header that would be two."""
    await send({**START, "headers": [(b"a", b"b\r\nc: d")]})


async def fails_half_way(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Raises within its response."""
    await send(START)
    await send({"type": "http.response.body", "body": b"ab", "more_body": True})
    raise LookupError("a secret detail")


async def stops_half_way(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Never ends its response."""
    await send(START)


async def fails_after(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Raises when its response is out."""
    await send(START)
    await send({"type": "http.response.body", "body": b"abcd"})
    raise LookupError("a secret detail")


@pytest.mark.parametrize("faulty", [fails_at_once, returns_nothing])
async def test_a_failing_app_is_a_500_without_detail_and_the_connection_goes_on(serve: Serve, faulty: Any) -> None:
    client = await (await serve(asgi=faulty)).connect()
    with capture_logs() as logs:
        for path in ("/x", "/y"):
            answer = await client.ask(request("GET", path))
            assert (answer.status, answer.json, answer.headers["content-type"]) == (500, FAILED, "application/json")
        assert (await client.ask(request("POST", "/direct", b"x"))).body == b"x"
    assert [(each["event"], each["path"]) for each in logs] == (
        [("request_failed", "/x"), ("request_failed", "/y")] if faulty is fails_at_once else []
    )


async def test_a_header_that_would_be_two_is_not_sent(serve: Serve) -> None:
    client = await (await serve(asgi=breaks_out)).connect()
    with capture_logs():
        await client.send(request("GET", "/x"))
        await client.gone()


@pytest.mark.parametrize("faulty", [fails_half_way, stops_half_way])
async def test_a_broken_response_does_not_look_whole(serve: Serve, faulty: Any) -> None:
    client = await (await serve(asgi=faulty)).connect()
    with capture_logs():
        await client.send(request("GET", "/x"))
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await client.response()


async def test_a_fault_after_the_response_harms_nobody(serve: Serve) -> None:
    client = await (await serve(asgi=fails_after)).connect()
    with capture_logs():
        for _ in range(2):
            assert (await client.ask(request("GET", "/x"))).body == b"abcd"


@pytest.mark.parametrize("leave", [Client.close, Client.reset])
async def test_an_app_is_told_that_its_client_has_gone(serve: Serve, leave: Any) -> None:
    gate = Gate()
    client = await (await serve(asgi=app(gate))).connect()
    await client.send(request("GET", "/until-disconnect"))
    async with asyncio.timeout(PATIENCE):
        await gate.entered.wait()
        leave(client)
        await gate.disconnected.wait()


async def test_an_app_waits_for_a_client_that_does_not_read(serve: Serve) -> None:
    sent = 0
    stalled = asyncio.Event()

    async def endless(_scope: Scope, _receive: Receive, send: Send) -> None:
        nonlocal sent
        await send({**START, "headers": []})
        while True:
            waiting = asyncio.ensure_future(send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True}))
            done, _ = await asyncio.wait({waiting}, timeout=0.2)
            if not done:
                stalled.set()
            await waiting
            sent += 1

    served = await serve(asgi=endless)
    client = await served.connect()
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # streams have a read transport, too
    await client.send(request("GET", "/x"))
    async with asyncio.timeout(PATIENCE):
        await stalled.wait()
    assert sent < 2000
    client.reset()
