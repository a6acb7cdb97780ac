"""Starting and stopping."""

import asyncio
import contextlib

import pytest
from starlette.types import Receive, Scope, Send
from tests.server.client import PATIENCE, request
from tests.server.conftest import Serve
from tests.server.routes import Echo, Gate, Held, app

from clarion.api.server import HttpServer

WHOLE = request("POST", "/direct", b"abc")
LONG = 3600.0


async def test_requests_in_progress_are_answered_and_all_connections_closed(serve: Serve) -> None:
    held, gate = Held(), Gate()
    served = await serve({"/direct": held}, app(gate))
    direct, through_app, idle, half = [await served.connect() for _ in range(4)]
    await direct.send(WHOLE * 2)
    await through_app.send(request("GET", "/gate"))
    await half.send(WHOLE[:-1])
    first, second = await held.arrived(2)
    async with asyncio.timeout(PATIENCE):
        await gate.entered.wait()
    stopping = asyncio.create_task(served.server.stop(LONG))
    assert await idle.rest() == b""
    with pytest.raises(OSError, match=r"."):
        await served.connect()
    await half.send(WHOLE[-1:])
    third = (await held.arrived(3))[2]
    assert not stopping.done()
    for each in (second, first, third):
        each.respond(200, each.body)
    gate.open.set()
    answers = [await direct.response() for _ in range(2)]
    assert [answer.headers.get("connection") for answer in answers] == [None, "close"]
    for client in (through_app, half):
        assert (await client.response()).headers["connection"] == "close"
    for client in (direct, through_app, half):
        assert await client.rest() == b""
    async with asyncio.timeout(PATIENCE):
        await stopping
    assert served.server.connections == 0


async def test_what_is_not_answered_within_the_grace_is_cut_off(serve: Serve) -> None:
    held, gate = Held(), Gate()
    served = await serve({"/direct": held}, app(gate))
    direct, through_app, half = [await served.connect() for _ in range(3)]
    await direct.send(WHOLE)
    await through_app.send(request("GET", "/gate"))
    await half.send(WHOLE[:-1])
    await held.arrived(1)
    async with asyncio.timeout(PATIENCE):
        await gate.entered.wait()
        await served.server.stop(0.01)
    for client in (direct, through_app, half):
        with contextlib.suppress(ConnectionError):
            assert await client.rest() == b""
    held.requests[0].respond(200, b"{}")
    await served.server.stop(0)


async def test_requests_sent_after_the_stop_are_not_taken(serve: Serve) -> None:
    held = Held()
    served = await serve({"/direct": held})
    client, idle = await served.connect(), await served.connect()
    await client.send(WHOLE)
    (asked,) = await held.arrived(1)
    stopping = asyncio.create_task(served.server.stop(LONG))
    assert await idle.rest() == b""
    await client.send(WHOLE)
    asked.respond(200, b"{}")
    assert (await client.response()).headers["connection"] == "close"
    await client.gone()
    await stopping
    assert len(held.requests) == 1


async def test_a_refused_request_that_is_still_arriving_is_the_last(serve: Serve) -> None:
    served = await serve()
    client, idle = await served.connect(), await served.connect()
    refused = request("PUT", "/direct", b"abc")
    assert (await client.ask(refused[:-1])).status == 405
    stopping = asyncio.create_task(served.server.stop(LONG))
    assert await idle.rest() == b""
    await client.send(refused[-1:])
    assert await client.rest() == b""
    async with asyncio.timeout(PATIENCE):
        await stopping


async def test_an_apps_work_after_its_response_has_the_grace_too(serve: Serve) -> None:
    working, finish = asyncio.Event(), asyncio.Event()
    done: list[bool] = []

    async def works_on(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0"), (b"connection", b"close")]})
        await send({"type": "http.response.body"})
        working.set()
        await finish.wait()
        done.append(True)

    served = await serve(asgi=works_on)
    client = await served.connect()
    await client.send(request("GET", "/x"))
    assert (await client.response()).status == 200
    assert await client.rest() == b""
    async with asyncio.timeout(PATIENCE):
        await working.wait()
        stopping = asyncio.create_task(served.server.stop(LONG))
        idle_turn = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(idle_turn.set_result, None)
        await idle_turn
        assert not stopping.done()
        finish.set()
        await stopping
    assert done == [True]


async def test_both_families_and_names() -> None:
    for host in ("127.0.0.1", "::1", "localhost"):
        server = HttpServer(app(), {b"/direct": {b"POST": Echo()}}, host, 0)
        address, port = await server.start()
        assert address in {"127.0.0.1", "::1"}
        reader, writer = await asyncio.open_connection(address, port)
        writer.write(WHOLE)
        assert (await reader.readuntil(b"\r\n")) == b"HTTP/1.1 200 OK\r\n"
        writer.close()
        with pytest.raises(RuntimeError, match="started"):
            await server.start()
        await server.stop(1)


async def test_an_address_in_use_is_an_oserror(serve: Serve) -> None:
    served = await serve()
    server = HttpServer(app(), {}, served.host, served.port)
    with pytest.raises(OSError, match="in use"):
        await server.start()
    await server.stop(1)
