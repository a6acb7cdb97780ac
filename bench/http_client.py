"""Measures the delivery client against aiohttp's: requests per second and CPU per request, concurrency 64, against a bare local sink.

Run `.venv/bin/python bench/http_client.py [--requests N] [--concurrency N]`. The sink is a process of its own; the client's CPU is this
process's.
"""

import argparse
import asyncio
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection as Pipe

import aiohttp
import uvloop

from clarion.delivery.guard import Guard
from clarion.delivery.http1 import HttpClient

BODY = b'{"product_name":"Shoes","price":20,"cart_id":"c-1","effect":"0123456789abcdef"}' * 3
HEADERS = [
    (b"content-type", b"application/json"),
    (b"user-agent", b"Clarion"),
    (b"webhook-id", b"0123456789abcdef0123456789abcdef"),
    (b"webhook-timestamp", b"1700000000"),
    (b"webhook-signature", b"v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
]
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


class Sink(asyncio.Protocol):
    """Answers each request as soon as its body is whole; looks at nothing else."""

    def __init__(self) -> None:
        self._missing = 0
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # a stream socket's

    def data_received(self, data: bytes) -> None:
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return
        at = self._head.lower().find(b"content-length: ") + 16
        if len(self._head) - end - 4 >= int(self._head[at : self._head.find(b"\r", at)]):
            self._head = b""
            self._transport.write(ANSWER)


def sink(pipe: Pipe) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    uvloop.run(serve())


async def measure(name: str, send: Callable[[], Awaitable[int]], requests: int, concurrency: int) -> float:
    async def sender(count: int) -> None:
        for _ in range(count):
            if await send() != 200:
                raise RuntimeError("the sink answered something else")

    await asyncio.gather(*(sender(50) for _ in range(concurrency)))
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(sender(requests // concurrency) for _ in range(concurrency)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    rates = f"{requests / wall:9,.0f} requests/s   {requests / cpu:9,.0f} requests/s of one core"
    print(f"{name:8} {rates}   {cpu / requests * 1e6:6.1f} µs of CPU a request")
    return cpu / requests


async def compare(url: str, requests: int, concurrency: int) -> None:
    client = HttpClient(Guard(dangerous_allow_private_targets=True))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)) as session:
        named = {name.decode(): value.decode() for name, value in HEADERS}

        async def ours() -> int:
            return (await client.request("POST", url, HEADERS, BODY)).status

        async def theirs() -> int:
            async with session.post(url, headers=named, data=BODY, allow_redirects=False, timeout=aiohttp.ClientTimeout(15)) as response:
                await response.read()
                return response.status

        clarion = await measure("clarion", ours, requests, concurrency)
        other = await measure("aiohttp", theirs, requests, concurrency)
    await client.close()
    print(f"clarion's client needs 1/{other / clarion:.2f} of aiohttp's CPU")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requests", type=int, default=64_000)
    options.add_argument("--concurrency", type=int, default=64)
    chosen = options.parse_args()
    receiving, sending = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=sink, args=(sending,), daemon=True)
    process.start()
    try:
        uvloop.run(compare(f"http://127.0.0.1:{receiving.recv()}/hook", chosen.requests, chosen.concurrency))
    finally:
        process.terminate()
        process.join()


if __name__ == "__main__":
    main()
