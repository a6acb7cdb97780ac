"""(d) How long a server takes to answer, and what it costs while nothing happens."""

import time
from pathlib import Path

from bench.instance import Instance
from bench.percentiles import median
from bench.plan import Plan
from bench.progress import say
from bench.server_results import ColdStart
from bench.usage import cpu_seconds, memory

_SETTLE_SECONDS = 2


def run(plan: Plan, directory: Path) -> ColdStart:
    """Measure. Raises whatever starting the server raises."""
    place = directory / "cold"
    place.mkdir()
    instance = Instance(place)
    seconds = []
    for _ in range(plan.starts):
        with instance.serve() as server:
            seconds.append(server.started_in)
    with instance.serve() as server:
        time.sleep(_SETTLE_SECONDS)
        held, used, began = memory(server.pid), cpu_seconds(server.pid), time.monotonic()
        time.sleep(plan.idle_seconds)
        idle = (cpu_seconds(server.pid) - used) / (time.monotonic() - began)
    say(f"(d) answers after {median(seconds):.2f} s; {held.resident / 1e6:.0f} MB resident; idle {idle:.2%} of a core")
    return ColdStart(seconds, held, idle)
