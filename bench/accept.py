"""(a) How many events a second are accepted, one a request, each answered only after its commit.

The servers take turns in the same run under the same load, each fresh and alone on the machine.
"""

from pathlib import Path

from bench.bare import bare
from bench.instance import Instance
from bench.nginx import nginx
from bench.plan import Plan
from bench.progress import say
from bench.server_results import Accept, Round
from bench.usage import Memory, memory
from bench.wrk import Load, drive, write_script


def run(plan: Plan, directory: Path) -> Accept:
    """Measure. Raises FileNotFoundError where wrk or nginx is missing, and whatever starting the servers raises."""
    floors: dict[str, list[Round]] = {"nginx": [], "bare": []}
    clarion: list[Round] = []
    acknowledged = stored = 0
    held = Memory(0, 0)
    for number in range(plan.rounds):
        place = directory / f"accept-{number}"
        place.mkdir()
        for name, start in (("nginx", nginx), ("bare", bare)):
            with start(place) as port:
                _, load = drive(port, write_script(place, "none"), plan.seconds)
            floors[name].append(_round(name, load))
        instance = Instance(place)
        with instance.serve() as server:
            warming, load = drive(server.port, write_script(place, instance.key), plan.seconds)
            held = memory(server.pid)
        clarion.append(_round("clarion", load))
        acknowledged += warming.requests + load.requests
        stored += instance.count().stored
    return Accept(floors["nginx"], floors["bare"], clarion, acknowledged, stored, held)


def _round(name: str, load: Load) -> Round:
    say(f"(a) {name}: {load.rate:,.0f} requests/s, p50 {load.p50 / 1000:.2f} ms, p99 {load.p99 / 1000:.2f} ms")
    return Round(load.rate, load.p50 / 1000, load.p99 / 1000, load.not_2xx + load.socket_errors)
