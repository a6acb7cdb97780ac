"""(c) From an event to the request that its workflow sends, at rising rates.

Generator and receiver share one lean process, this one; the server has its own.
"""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import uvloop

from bench import generator
from bench.generator import Generator
from bench.instance import Instance, Server
from bench.percentiles import percentile
from bench.plan import Plan
from bench.progress import say
from bench.schedule import SECOND, Schedule
from bench.server_results import EndToEnd, Step
from bench.sink import Arrivals, listen
from bench.usage import Memory, cpu_seconds, memory
from bench.workflows import COUNT, write_workflows

GRACE_SECONDS: Final = 5
"""After the end of a step an event may still arrive for so long."""
MUST_ARRIVE: Final = 0.98
MOST_P99: Final = 2_000.0
"""Milliseconds."""
DATABASE: Final = "postgres"
"""Name of the process whose memory is not counted: how much it has is a setting."""
TRIES: Final = 2
"""A rate that fails is tried once more: on a shared machine anything can happen once."""
_DRAIN_SECONDS: Final = 120
_WARM_UP: Final = 200
"""Events a second before the first step."""
WARM_UP_SECONDS: Final = 3.0


Count = Callable[[], dict[str, float]]
"""What has been counted up to now, by name; it only grows."""


def _nothing() -> dict[str, float]:
    return {}


class _Course:
    """Steps against one server, of one or several processes."""

    def __init__(self, processes: Mapping[str, int], key: str, arrivals: Arrivals, part: str, count: Count) -> None:
        self._processes, self._arrivals, self.part, self._count = processes, arrivals, part, count
        self.generator = Generator(key)

    def _used(self) -> dict[str, float]:
        return {name: cpu_seconds(pid) for name, pid in self._processes.items()}

    async def step(self, rate: int, seconds: float) -> Step:
        """Send at a rate, then wait until everything that was acknowledged has arrived, so that steps do not disturb each other."""
        schedule = Schedule(time.monotonic_ns() + SECOND // 10, rate, round(rate * seconds))
        before = self.generator.acknowledged
        self._arrivals.begin(self.generator.next, schedule.count)
        counted = self._count()
        used, generated = self._used(), time.process_time()
        await self.generator.send(schedule)
        server, generated = sum(self._used().values()) - sum(used.values()), time.process_time() - generated
        took = (time.monotonic_ns() - schedule.start) / SECOND
        end = schedule.at(schedule.count)
        await self._arrivals.wait_for(self.generator.acknowledged, (end - time.monotonic_ns()) / SECOND + GRACE_SECONDS)
        deadline = end + GRACE_SECONDS * SECOND
        latencies = sorted((at - schedule.at(index)) / 1e6 for index, at in enumerate(self._arrivals.times) if 0 < at <= deadline)
        answers = sorted(latency / 1e6 for latency in self.generator.latencies)
        p99 = percentile(latencies, 99) if latencies else 0.0
        await self._arrivals.wait_for(self.generator.acknowledged, _DRAIN_SECONDS)
        return Step(
            rate=rate,
            scheduled=schedule.count,
            acknowledged=self.generator.acknowledged - before,
            arrived=len(latencies),
            p50=percentile(latencies, 50) if latencies else 0.0,
            p99=p99,
            most=latencies[-1] if latencies else 0.0,
            acknowledged_p50=percentile(answers, 50) if answers else 0.0,
            acknowledged_p99=percentile(answers, 99) if answers else 0.0,
            server_cores=server / took,
            generator_cores=generated / took,
            sustained=len(latencies) >= MUST_ARRIVE * schedule.count and p99 < MOST_P99,
            cpu={name: now - used[name] for name, now in self._used().items()} if len(used) > 1 else {},
            counts={name: now - counted[name] for name, now in self._count().items()},
        )

    @property
    def never_arrived(self) -> int:
        """Acknowledged events whose request has not arrived."""
        return max(0, self.generator.acknowledged - self._arrivals.count)


def run(plan: Plan, directory: Path) -> EndToEnd:
    """Measure. Raises whatever starting the server raises, and TimeoutError or ConnectionError when it stops answering."""
    place = directory / "end-to-end"
    place.mkdir()
    return uvloop.run(_measure(plan, place))


async def _measure(plan: Plan, place: Path) -> EndToEnd:
    arrivals = Arrivals()
    sink = await listen(arrivals)
    instance = Instance(place)
    instance.apply(write_workflows(place, sink.sockets[0].getsockname()[1]))
    with instance.serve() as server:
        measured = await ascend({"server": server.pid}, server, instance.key, arrivals, plan.rates, plan.step_seconds)
    sink.close()
    return measured


async def ascend(
    processes: Mapping[str, int],
    server: Server,
    key: str,
    arrivals: Arrivals,
    rates: Sequence[int],
    seconds: float,
    part: str = "(c)",
    count: Count = _nothing,
    warm_up: float = WARM_UP_SECONDS,
) -> EndToEnd:
    """Rise through the rates, then measure at half of the highest.

    `server` takes the events; `processes`, by name, are all that work on them; `count` is asked before and after each step.
    Raises TimeoutError or ConnectionError when it stops answering.
    """
    course = _Course(processes, key, arrivals, part, count)
    await course.generator.connect(server.port)
    gc.freeze()
    gc.disable()  # a collection would look like the server's latency
    try:
        await course.step(_WARM_UP, warm_up)
        steps, highest = await _rise(course, rates, seconds)
        half = await course.step(max(1, highest // 2), seconds) if highest else None
    finally:
        gc.enable()
        course.generator.close()
    if half is not None:
        _report(f"{part} half of it: ", half)
    held = [memory(pid) for name, pid in processes.items() if name != DATABASE]
    return EndToEnd(
        COUNT,
        generator.PROFILES,
        generator.CONNECTIONS,
        steps,
        highest,
        half,
        course.generator.acknowledged,
        course.never_arrived,
        arrivals.repeated,
        Memory(sum(one.resident for one in held), sum(one.proportional for one in held)),
    )


async def _rise(course: _Course, rates: Sequence[int], seconds: float) -> tuple[list[Step], int]:
    """The last try of each rate up to the first that is not sustained, and the highest that is."""
    steps: list[Step] = []
    highest = 0
    for rate in rates:
        for _ in range(TRIES):
            step = await course.step(rate, seconds)
            _report(f"{course.part} ", step)
            gc.collect()
            if step.sustained:
                break
        steps.append(step)
        if not step.sustained:
            break
        highest = rate
    return steps, highest


def _report(what: str, step: Step) -> None:
    say(
        f"{what}{step.rate:,}/s: {step.arrived / step.scheduled:.1%} arrived, p50 {step.p50:.1f} ms, "
        f"p99 {step.p99:.1f} ms, {'sustained' if step.sustained else 'not sustained'}"
    )
