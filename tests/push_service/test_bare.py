"""The service that only counts, in a process of its own."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.push_service.sender_like import Sender
from tests.server.client import Client, request

from clarion.clock import wall_clock

PUSH = request("POST", "/wpush/v2/x", b"sealed", "TTL: 60", "Content-Encoding: aes128gcm")


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The command and the port on which it says that it listens."""
    with subprocess.Popen([sys.executable, "-m", "tests.push_service", *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("listening on http://127.0.0.1:"), line
            yield process, int(line.rpartition(":")[2])
        finally:
            process.kill()


async def test_it_counts_what_it_is_sent() -> None:
    with running("--bare") as (process, port):
        client = await Client.connect("127.0.0.1", port)
        # requests that come together, and one in pieces
        await client.send(PUSH * 3 + PUSH[:20])
        assert [(await client.response()).status for _ in range(3)] == [201] * 3
        await client.send(PUSH[20:])
        assert (await client.response()).status == 201
        counted = (await client.ask(request("GET", "/count"))).json
        assert (counted["messages"], counted["bytes"], counted["connections"]) == (4, 24, 1)
        assert 0 < counted["first"] <= counted["last"]
        assert (await client.ask(request("GET", "/other"))).status == 404
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == counted
        assert process.wait(10) == 0
        client.close()


@pytest.mark.parametrize("garbage", [b"nonsense\r\n\r\n", b"POST /" + b"x" * 65_536])
async def test_garbage_ends_a_connection(garbage: bytes) -> None:
    with running("--bare") as (_, port):
        client = await Client.connect("127.0.0.1", port)
        await client.send(garbage)
        assert await client.reader.read() == b""
        client.close()


async def test_the_whole_service_can_be_run_by_hand() -> None:
    with running() as (process, port):
        assert (await Sender(wall_clock()).push(f"http://127.0.0.1:{port}/wpush/v2/x")).status == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
