"""(b) How many events a second are accepted in batches, each answered only after the commit that holds it."""

import asyncio
import time
from pathlib import Path
from typing import Final

import msgspec
import uvloop

from bench.event import PROFILES, encode, example, request
from bench.instance import Instance
from bench.link import Link, connect
from bench.percentiles import percentile
from bench.plan import Plan
from bench.progress import say
from bench.server_results import Batch
from bench.usage import memory

SIZE: Final = 1_000
CONNECTIONS: Final = 4
_WARM_UP_SECONDS: Final = 1.0


class _Data(msgspec.Struct):
    accepted: int


class _Answer(msgspec.Struct):
    data: _Data


_decode = msgspec.json.Decoder(_Answer).decode


class _Load:
    """Each connection sends its next batch when the one before was answered, until `until`."""

    def __init__(self, body: bytes) -> None:
        self._request = body
        self._sent: dict[Link, float] = {}
        self._idle = asyncio.Event()
        self.acknowledged = self.errors = 0
        self.latencies: list[float] = []

    async def drive(self, links: list[Link], seconds: float) -> float:
        """Send for `seconds`; returns how long it took until the last answer."""
        began = time.perf_counter()
        self._until = began + seconds
        self._idle.clear()
        for link in links:
            self._send(link)
        await asyncio.wait_for(self._idle.wait(), seconds + 60)
        return time.perf_counter() - began

    def answered(self, link: Link, status: int, body: bytes) -> None:
        now = time.perf_counter()
        self.latencies.append(now - self._sent.pop(link))
        accepted = _decode(body).data.accepted if status == 200 else 0
        self.acknowledged += accepted
        self.errors += accepted != SIZE
        if now < self._until:
            self._send(link)
        elif not self._sent:
            self._idle.set()

    def lost(self, link: Link) -> None:
        self.errors += 1
        if self._sent.pop(link, None) is not None and not self._sent:
            self._idle.set()

    def _send(self, link: Link) -> None:
        self._sent[link] = time.perf_counter()
        link.send(self._request)


def run(plan: Plan, directory: Path) -> Batch:
    """Measure. Raises whatever starting the server raises."""
    place = directory / "batch"
    place.mkdir()
    return measure(Instance(place), plan.seconds)


def measure(instance: Instance, seconds: float, part: str = "(b)", roles: str = "") -> Batch:
    """Measure one server. Raises whatever starting it raises."""
    with instance.serve(roles) as server:
        events = [example(f"PROFILE_ID_{number % PROFILES}") for number in range(SIZE)]
        load = _Load(request("/api/v1/events/batch", instance.key, encode({"events": events})))
        before, seconds = uvloop.run(_measure(load, server.port, seconds))
        held = memory(server.pid)
    rate = (load.acknowledged - before) / seconds
    ordered = sorted(load.latencies)
    p50, p99 = percentile(ordered, 50) * 1000, percentile(ordered, 99) * 1000
    say(f"{part} {rate:,.0f} events/s in batches of {SIZE:,}, p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    return Batch(SIZE, CONNECTIONS, rate, p50, p99, load.errors, load.acknowledged, instance.count().stored, held)


async def _measure(load: _Load, port: int, seconds: float) -> tuple[int, float]:
    """Events acknowledged while warming up, and the seconds that the measurement took."""
    links = await connect(port, CONNECTIONS, load.answered, load.lost)
    await load.drive(links, _WARM_UP_SECONDS)
    before = load.acknowledged
    load.latencies.clear()
    took = await load.drive(links, seconds)
    for link in links:
        link.close()
    return before, took
