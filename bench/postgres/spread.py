"""(l) One engine process and two, on one database, with an api process and a generator beside them.

Events wait in all partitions; the engines, at rest until then, are told of them at one moment, and while they apply them events come in
over HTTP. With two cores for everything, two engines can hardly be faster than one: what shows whether more machines would be is whether an
event costs as much CPU time with two engines as with one, their own and PostgreSQL's.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import uvloop

from bench.engine_events import entries
from bench.generator import Generator
from bench.plan import Plan, PostgresPlan
from bench.postgres.apply import put, tell
from bench.postgres.place import Meter, PostgresInstance
from bench.postgres.results import Spread
from bench.postgres.server import Postgres, only, rows
from bench.postgres.through import SITE, settled
from bench.progress import say
from bench.schedule import Schedule
from bench.usage import resident
from bench.workflows import write_workflows

ENGINES: Final = (1, 2)
_SINK: Final = 9
"""Nothing is sent: no delivery worker runs."""
_LOGGED: Final = "SELECT sum(sequence)::bigint FROM partitions"
_EVENTS: Final = "SELECT count(*) FROM log WHERE kind = 'event'"
_OWNED: Final = "SELECT count(*) FROM partitions WHERE owner IS NOT NULL GROUP BY owner ORDER BY 1"
_LOOK_SECONDS: Final = 0.05
_WARM: Final = 4
"""Events that each partition applies before."""
_LONGEST_SECONDS: Final = 180.0
_SPREAD_SECONDS: Final = 30.0


def run(plan: Plan, directory: Path, postgres: Postgres) -> list[Spread]:
    """Measure with one engine, then with two. Raises ChildFailed, TimeoutError."""
    found = []
    for engines in ENGINES:
        place = directory / f"spread-{engines}"
        place.mkdir()
        found.append(uvloop.run(_measure(plan.postgres, place, postgres, engines)))
    return found


async def _measure(plan: PostgresPlan, place: Path, postgres: Postgres, engines: int) -> Spread:
    instance = PostgresInstance(place, postgres, plan.partitions)
    instance.apply(write_workflows(place, _SINK))
    with ExitStack() as stack:
        api = stack.enter_context(instance.serve("api"))
        servers = [stack.enter_context(instance.serve("engine")) for _ in range(engines)]
        owned = await _spread_evenly(instance.url, engines, plan.partitions)
        settled(instance.url)
        held = [resident(server.pid) for server in servers]
        processes = {"api": api.pid, "postgres": postgres.pid} | {f"engine {place}": one.pid for place, one in enumerate(servers, 1)}
        connection = await asyncpg.connect(instance.url)
        site = only(instance.url, SITE, tuple[int])[0]
        warm, waiting = (entries(count, site, plan.partitions) for count in (_WARM * plan.partitions, plan.backlog))
        await put(connection, warm)
        await tell(connection)
        await asyncio.to_thread(settled, instance.url)
        generator = Generator(instance.key)
        await generator.connect(api.port)
        before = await connection.fetchval(_LOGGED)
        await put(connection, waiting)
        meter, generated, began = Meter(processes), time.process_time(), time.monotonic()
        await tell(connection)
        sending = asyncio.create_task(_send_on(generator, plan.beside))
        end = began + _LONGEST_SECONDS
        while (logged := await connection.fetchval(_LOGGED) - before) < plan.backlog + generator.acknowledged:
            if time.monotonic() > end:
                raise TimeoutError("the engines do not keep up with what comes in beside")
            await asyncio.sleep(_LOOK_SECONDS)
        took, used, came = time.monotonic() - began, meter.used(), generator.acknowledged
        used["generator"] = time.process_time() - generated
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        generator.close()
        await connection.close()
        await asyncio.to_thread(settled, instance.url)
    lost = len(warm) + plan.backlog + generator.acknowledged - only(instance.url, _EVENTS, tuple[int])[0]
    postgres.drop(instance.url)
    postgres.settle()
    _report(engines, took, logged, used)
    return Spread(engines, took, logged, came, used, owned, held, max(0, lost))


async def _spread_evenly(url: str, engines: int, partitions: int) -> list[int]:
    """Partitions of each engine, once all have their share. Raises TimeoutError."""
    end = time.monotonic() + _SPREAD_SECONDS
    while True:
        owned = [count for (count,) in rows(url, _OWNED, tuple[int])]
        if len(owned) == engines and owned[-1] - owned[0] <= 1 and sum(owned) == partitions:
            return owned
        if time.monotonic() > end:
            raise TimeoutError(f"the engines have {owned} partitions")
        await asyncio.sleep(_LOOK_SECONDS)


async def _send_on(generator: Generator, rate: int) -> None:
    """Send at a rate until cancelled."""
    while True:
        await generator.send(Schedule(time.monotonic_ns(), rate, rate))


def _report(engines: int, took: float, logged: int, used: dict[str, float]) -> None:
    each = ", ".join(f"{name} {seconds / logged * 1e6:.0f} µs" for name, seconds in used.items())
    say(f"(l) {engines} engine{'s' if engines > 1 else ''}: {logged / took:,.0f} events/s; CPU of one: {each}")


def engine_seconds(spread: Spread) -> float:
    """CPU time of all engines."""
    return sum(seconds for name, seconds in spread.cpu.items() if name.startswith("engine"))


def micros(spread: Spread, names: Sequence[str]) -> float:
    """Microseconds of CPU that an applied event cost these processes."""
    return sum(spread.cpu[name] for name in names) / spread.applied * 1e6
