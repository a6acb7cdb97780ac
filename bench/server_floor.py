"""What the server costs: requests a second of a direct route that answers at once, beside the least that uvloop and httptools allow.

Run from the checkout with `python -m bench.server_floor`; needs `wrk` and /proc. Rounds alternate, so that the machine's moods meet both;
the server's own CPU time per request says more than the rate where the machine is shared.
"""

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, cast

import httptools
import uvloop
from starlette.applications import Starlette

from clarion.api.protocol_direct import DirectRequest, DirectRoute
from clarion.api.server import HttpServer

_SCRIPT = Path(__file__).with_name("post_event.lua")
_BODY = b'{"error_code":0,"data":{}}'
_ANSWER = (
    b"HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\ncontent-type: application/json\r\ncontent-length: 26\r\n"
    b"x-request-id: 0123456789ab-1\r\n\r\n" + _BODY
)


class Floor(asyncio.Protocol):
    """Parses, collects the body, answers a constant."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._body = b""

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self._transport.write(_ANSWER)


class AtOnce(DirectRoute):
    """A direct route without work."""

    limit = 65_536

    def handle(self, request: DirectRequest) -> None:
        request.respond(200, _BODY)

    def oversized(self, request: DirectRequest) -> None:
        request.respond(413, b"{}")


async def serve(kind: str) -> None:
    """Serve until killed; the port goes to standard output."""
    if kind == "floor":
        server = await asyncio.get_running_loop().create_server(Floor, "127.0.0.1", 0)
        port = int(server.sockets[0].getsockname()[1])
    else:
        _, port = await HttpServer(Starlette(), {b"/api/v1/events": {b"POST": AtOnce()}}, "127.0.0.1", 0).start()
    print(port, flush=True)
    await asyncio.Event().wait()


class Measured(NamedTuple):
    """One run."""

    rate: float
    """Requests a second."""
    cost: float
    """Microseconds of CPU time per request, in the server's process."""


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(kind: str, seconds: int, connections: int, *, vary: bool) -> Measured:
    """Load a server of this kind, in a process of its own."""
    command = [sys.executable, "-m", "bench.server_floor", "--serve", kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = server.stdout.readline().strip() if server.stdout else ""
            url = f"http://127.0.0.1:{port}/api/v1/events"
            load = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(_SCRIPT), url, "--", "vary" if vary else "same"]
            before = cpu_seconds(server.pid)
            report = subprocess.run(load, check=True, capture_output=True, text=True).stdout
            used = cpu_seconds(server.pid) - before
        finally:
            server.kill()
    rate = re.search(r"Requests/sec:\s+([\d.]+)", report)
    count = re.search(r"(\d+) requests in", report)
    if rate is None or count is None or "Non-2xx" in report or "Socket errors" in report:
        raise SystemExit(report)
    return Measured(float(rate[1]), used / int(count[1]) * 1e6)


def main() -> None:
    """Print medians and their ratio, for repeated heads and for heads that all differ."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--serve", choices=["floor", "clarion"], help=argparse.SUPPRESS)
    options.add_argument("--seconds", type=int, default=4)
    options.add_argument("--connections", type=int, default=64)
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    if chosen.serve:
        uvloop.run(serve(chosen.serve))
        return
    for vary in (False, True):
        runs: dict[str, list[Measured]] = {"floor": [], "clarion": []}
        for _ in range(chosen.rounds):
            for kind, measured in runs.items():
                measured.append(measure(kind, chosen.seconds, chosen.connections, vary=vary))
        floor, clarion = (Measured(*map(statistics.median, zip(*measured, strict=True))) for measured in runs.values())
        print("every head differs" if vary else "heads repeat")
        for name, medians in (("floor", floor), ("clarion", clarion)):
            print(f"  {name:8} {medians.rate:10,.0f} requests/s {medians.cost:8.1f} us CPU a request")
        print(f"  ratio    {clarion.rate / floor.rate:10.2f} by rate {floor.cost / clarion.cost:15.2f} by CPU time")


if __name__ == "__main__":
    main()
