"""What a receiver cannot take from the delivery client: time, memory, connections."""

import asyncio

import pytest

from clarion.delivery.errors import BadResponse, TimedOut
from clarion.delivery.http1 import HttpClient

from .conftest import Build
from .receiver import OK, Received, raw, receiving, silence, status


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_a_body_is_cut_at_the_limit_and_the_rest_not_read(build: Build, framing: str) -> None:
    client = build(max_response=1000)
    size = 0

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        heads = {"length": f"content-length: {size}\r\n", "chunked": "transfer-encoding: chunked\r\n", "close": ""}
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (size, b"x" * size) if framing == "chunked" else b"x" * size
        writer.write(f"HTTP/1.1 200 OK\r\n{heads[framing]}\r\n".encode() + body)
        await writer.drain()
        writer.close()

    async with receiving(answer) as receiver:
        for length, truncated in ((1000, False), (1001, True), (5_000_000, True)):
            size = length
            response = await client.request("GET", receiver.url)
            assert response.body == b"x" * 1000
            assert response.truncated is truncated


async def test_both_sides_of_the_heads_limit(build: Build) -> None:
    client = build(max_head=1000)
    async with receiving() as receiver:
        receiver.answer = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: " + b"y" * 900 + b"\r\n\r\n")
        assert (await client.request("GET", receiver.url)).status == 200
        for name in (b"x: " + b"y" * 1000, b"\r\n".join(b"x: y" for _ in range(300)), b"y" * 500_000):
            receiver.answer = raw(b"HTTP/1.1 200 OK\r\n" + name + b"\r\n\r\n")
            with pytest.raises(BadResponse, match=r"head is too large|not HTTP"):
                await client.request("GET", receiver.url)
        receiver.answer = raw(b"HTTP/1.1 103 Early\r\nx: y\r\n\r\n" * 1000)
        with pytest.raises(BadResponse, match="head is too large"):
            await client.request("GET", receiver.url)


async def test_endless_trailers_end_the_exchange(build: Build) -> None:
    client = build(max_head=1000, max_response=1000)
    async with receiving(raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + b"t: v\r\n" * 5000)) as receiver:
        with pytest.raises(BadResponse, match="trailers"):
            await client.request("GET", receiver.url)


async def test_a_receiver_that_says_nothing_costs_the_timeout(build: Build) -> None:
    client = build(timeout=0.05)
    async with receiving(silence(asyncio.Event())) as receiver:
        with pytest.raises(TimedOut, match="no complete answer"):
            await client.request("GET", receiver.url)


async def test_a_receiver_that_drips_costs_no_more_than_the_timeout(build: Build) -> None:
    client = build(timeout=0.05)
    gone = asyncio.Event()

    async def drip(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        try:
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.001)  # the drip itself, not a wait for the client
        finally:
            gone.set()

    async with receiving(drip) as receiver:
        with pytest.raises(TimedOut):
            await client.request("GET", receiver.url)
        await gone.wait()


async def test_a_cancelled_request_leaves_no_connection_that_another_could_get(client: HttpClient) -> None:
    release = asyncio.Event()
    async with receiving(silence(release)) as receiver:
        task = asyncio.create_task(client.request("GET", receiver.url))
        await receiver.wait_for(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        release.set()
        receiver.answer = status(204)
        assert (await client.request("GET", receiver.url)).status == 204
    assert receiver.connections == 2


async def test_idle_connections_are_bounded_for_each_origin(build: Build) -> None:
    client = build(idle_per_origin=2)
    release = asyncio.Event()
    async with receiving(silence(release)) as receiver:
        tasks = [asyncio.create_task(client.request("GET", receiver.url)) for _ in range(5)]
        await receiver.wait_for(5)
        release.set()
        await asyncio.gather(*tasks)
        assert receiver.connections == 5
        await asyncio.gather(*(client.request("GET", receiver.url) for _ in range(5)))
        assert receiver.connections == 8


async def test_idle_connections_are_bounded_in_all(build: Build) -> None:
    client = build(idle_total=1)
    async with receiving() as one, receiving() as other:
        for receiver in (one, other, other, one):
            await client.request("GET", receiver.url)
    assert (one.connections, other.connections) == (2, 1)


async def test_an_idle_connection_is_closed_after_a_while(build: Build) -> None:
    client = build(idle_timeout=0.02)
    ended = asyncio.Event()

    async def watch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await reader.read()
        ended.set()
        writer.close()

    server = await asyncio.start_server(watch, "127.0.0.1", 0)
    await client.request("GET", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    await ended.wait()
    server.close()
    await server.wait_closed()


async def test_closing_the_client_fails_what_is_under_way(client: HttpClient) -> None:
    async with receiving(silence(asyncio.Event())) as receiver:
        task = asyncio.create_task(client.request("GET", receiver.url))
        await receiver.wait_for(1)
        await client.close()
        with pytest.raises(BadResponse):
            await task
