"""(h) The way in on PostgreSQL: single events and batches over HTTP and at the store's port, beside SQLite and beside raw COPY.

The servers take turns in the same run under the same load, each with a fresh database.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench import batch
from bench.instance import Instance, Server
from bench.plan import Plan, PostgresPlan
from bench.postgres import port
from bench.postgres.place import Meter, PostgresInstance
from bench.postgres.results import Ingest, Ingested
from bench.postgres.server import Postgres
from bench.progress import say
from bench.server_results import Batch
from bench.wrk import drive, write_script

ROLES: Final = {"sqlite": "", "postgres": "", "api": "api"}
"""By server: what its process does; nothing said: all."""


def run(plan: Plan, directory: Path, postgres: Postgres) -> Ingest:
    """Measure. Raises FileNotFoundError where wrk is missing, and whatever starting the servers raises."""
    rounds: dict[str, list[Ingested]] = {name: [] for name in ROLES}
    batches: dict[str, Batch] = {}
    for number in range(plan.postgres.rounds):
        for name, taken in rounds.items():
            place = directory / f"ingest-{number}-{name}"
            place.mkdir()
            taken.append(single(name, place, postgres, plan.postgres))
    for name in ROLES:
        place = directory / f"ingest-batch-{name}"
        place.mkdir()
        with _instance(name, place, postgres, plan.postgres) as instance:
            batches[name] = batch.measure(instance, plan.postgres.seconds, f"(h) {name}:", ROLES[name])
    return Ingest(rounds, batches, port.measure(plan.postgres, directory, postgres, plan.postgres.seconds), port.SIZE, port.CALLERS)


def single(name: str, place: Path, postgres: Postgres, plan: PostgresPlan) -> Ingested:
    """One server under wrk, once."""
    with _instance(name, place, postgres, plan) as instance:
        with instance.serve(ROLES[name]) as server:
            meter = Meter(_processes(name, server, postgres))
            warming, load = drive(server.port, write_script(place, instance.key), plan.seconds)
            used = meter.used()
        counted = instance.count()
    acknowledged = warming.requests + load.requests
    cpu = {process: spent / acknowledged * 1_000 for process, spent in used.items()}
    taken = ", ".join(f"{process} {spent * 1e3:.0f} µs" for process, spent in cpu.items())
    say(f"(h) {name}: {load.rate:,.0f} events/s, p50 {load.p50 / 1000:.2f} ms, p99 {load.p99 / 1000:.2f} ms; CPU of one: {taken}")
    errors = load.not_2xx + load.socket_errors
    return Ingested(load.rate, load.p50 / 1000, load.p99 / 1000, errors, cpu, acknowledged, counted.stored)


@contextmanager
def _instance(name: str, place: Path, postgres: Postgres, plan: PostgresPlan) -> Iterator[Instance]:
    """A fresh one, whose database is gone afterwards."""
    if name == "sqlite":
        yield Instance(place)
        return
    instance = PostgresInstance(place, postgres, plan.partitions)
    yield instance
    postgres.drop(instance.url)
    postgres.settle()


def _processes(name: str, server: Server, postgres: Postgres) -> dict[str, int]:
    return {"server": server.pid} if name == "sqlite" else {"server": server.pid, "postgres": postgres.pid}
