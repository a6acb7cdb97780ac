"""(j) From an event to the request that its workflow sends, at rising rates: on SQLite, on PostgreSQL in one process, and in three.
In one process with many partitions too: whatever they are for, each has commits of its own.

With three processes it shows what each costs, and PostgreSQL: at each rate, and with many events at once. That, and what is in the database
afterwards, is what the capacity model computes from.
"""

import asyncio
import http.client
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import uvloop

from bench.end_to_end import DATABASE, Count, ascend
from bench.engine_events import entry
from bench.generator import PROFILES
from bench.instance import Instance, Server
from bench.plan import Plan, PostgresPlan
from bench.postgres.apply import put, tell
from bench.postgres.place import Meter, PostgresInstance
from bench.postgres.results import Burst, Size, Split, Through
from bench.postgres.server import FLUSH_SECONDS, Postgres, only, rows
from bench.progress import say
from bench.server_results import EndToEnd
from bench.sink import Arrivals, listen
from bench.usage import resident
from bench.workflows import write_workflows
from clarion.domain.ids import partition_of

ROLES: Final = ("api", "engine", "delivery")
TABLES: Final = (
    "log",
    "runs",
    "explanations",
    "deliveries",
    "profiles",
    "entry_memory",
    "counters",
    "event_ids",
    "inbox",
    "outbox",
    "ingest_batches",
)
"""What grows with events, and the queues that they pass."""

_SETTLE_SECONDS: Final = 2.0
_LONGEST_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.1
_WAITING: Final = "SELECT EXISTS (SELECT FROM inbox) OR EXISTS (SELECT FROM partitions WHERE owner IS NULL)"
# Of a table that has periods: of them all. A run of this benchmark is short; what is dead is not vacuumed away, and counts.
_SIZE: Final = """
SELECT sum(pg_table_size(t.relid))::bigint, sum(pg_indexes_size(t.relid))::bigint
FROM (
    SELECT relid FROM pg_partition_tree($1::text::regclass) WHERE isleaf
    UNION
    SELECT $1::text::regclass WHERE NOT EXISTS (SELECT FROM pg_partition_tree($1::text::regclass))
) AS t
"""
_UNSENT: Final = "SELECT EXISTS (SELECT FROM outbox) OR EXISTS (SELECT FROM inbox)"
SITE: Final = "SELECT id FROM sites WHERE name = 'bench'"
_ROWS: Final = "SELECT count(*) FROM {}"
_BODY: Final = "SELECT coalesce(avg(octet_length(body)), 0)::float8 FROM log WHERE kind = 'event'"
_CONNECTIONS: Final = "SELECT client_port FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'clarion'"
_COUNTED: Final = {
    "api": {"ingest entries": "clarion_ingest_entries_total", "ingest commits": "clarion_ingest_commit_seconds_count"},
    "engine": {"engine inputs": "clarion_engine_inputs_total", "engine commits": "clarion_engine_batch_seconds_count"},
}
"""By process: the name of what is counted, and its metric."""


def run(plan: Plan, directory: Path, postgres: Postgres) -> Through:
    """Measure. Raises whatever starting the servers raises, and TimeoutError or ConnectionError when one stops answering."""
    place = directory / "through-sqlite"
    place.mkdir()
    sqlite = uvloop.run(_whole(plan.postgres, Instance(place), place, "(j) sqlite:"))
    together, many = (
        _together(plan, directory, postgres, partitions) for partitions in (plan.postgres.partitions, plan.postgres.many_partitions)
    )
    return Through(sqlite, together, many, split(plan, directory, postgres))


def _together(plan: Plan, directory: Path, postgres: Postgres, partitions: int) -> EndToEnd:
    place = directory / f"through-{partitions}"
    place.mkdir()
    instance = PostgresInstance(place, postgres, partitions)
    measured = uvloop.run(_whole(plan.postgres, instance, place, f"(j) postgres, {partitions} partitions:"))
    postgres.drop(instance.url)
    postgres.settle()
    return measured


def split(plan: Plan, directory: Path, postgres: Postgres) -> Split:
    """Measure with three processes. Raises as `run`."""
    place = directory / "through-split"
    place.mkdir()
    return uvloop.run(_split(plan.postgres, place, postgres))


async def _whole(plan: PostgresPlan, instance: Instance, place: Path, part: str) -> EndToEnd:
    arrivals = Arrivals()
    sink = await listen(arrivals)
    instance.apply(write_workflows(place, sink.sockets[0].getsockname()[1]))
    with instance.serve() as server:
        if isinstance(instance, PostgresInstance):
            settled(instance.url)
        measured = await ascend(
            {"server": server.pid}, server, instance.key, arrivals, plan.rates, plan.step_seconds, part, warm_up=plan.warm_up_seconds
        )
    sink.close()
    return measured


async def _split(plan: PostgresPlan, place: Path, postgres: Postgres) -> Split:
    arrivals = Arrivals()
    sink = await listen(arrivals)
    instance = PostgresInstance(place, postgres, plan.partitions)
    instance.apply(write_workflows(place, sink.sockets[0].getsockname()[1]))
    with ExitStack() as stack:
        servers = {role: stack.enter_context(instance.serve(role)) for role in ROLES}
        processes = {role: server.pid for role, server in servers.items()} | {DATABASE: postgres.pid}
        settled(instance.url)
        rest = _rest(processes, plan.rest_seconds)
        counting = partial(_counted, servers, postgres)
        before = postgres.counters().commits
        course = await ascend(
            processes,
            servers["api"],
            instance.key,
            arrivals,
            plan.rates,
            plan.step_seconds,
            "(j) three processes:",
            counting,
            plan.warm_up_seconds,
        )
        await asyncio.sleep(FLUSH_SECONDS)
        commits = postgres.counters().commits - before
        connections = _connections(instance.url, servers)
        held = {role: resident(server.pid) for role, server in servers.items()}
        burst = await _burst(plan, instance.url, processes, arrivals, counting)
    sink.close()
    found = Split(
        course=course,
        burst=burst,
        rest=rest,
        events=course.acknowledged + burst.events,
        sizes=_sizes(instance.url, TABLES),
        body=only(instance.url, _BODY, tuple[float])[0],
        commits=commits,
        connections=connections,
        memory=held,
    )
    postgres.drop(instance.url)
    return found


async def _burst(plan: PostgresPlan, url: str, processes: Mapping[str, int], arrivals: Arrivals, count: Count) -> Burst:
    """Put events into the inboxes all at once, and wait for what comes of them. Raises TimeoutError."""
    await asyncio.to_thread(settled, url, sent=True)
    site, first, events = only(url, SITE, tuple[int])[0], arrivals.next, plan.events
    people = [(profile := f"buyer-{number % PROFILES}", partition_of(site, profile, plan.partitions)) for number in range(events)]
    given = [entry(first + number, site, *person) for number, person in enumerate(people)]
    arrivals.begin(first, events)
    connection = await asyncpg.connect(url)
    try:
        await put(connection, given)
        counted, meter, began, goal = count(), Meter(dict(processes)), time.monotonic(), arrivals.count + events
        await tell(connection)
        if not await arrivals.wait_for(goal, _LONGEST_SECONDS):
            raise TimeoutError(f"of {events:,} events {goal - arrivals.count:,} have not arrived")
        took = time.monotonic() - began
        await asyncio.to_thread(settled, url, sent=True)
        used = meter.used()
    finally:
        await connection.close()
    each = ", ".join(f"{name} {seconds / events * 1e6:.0f} µs" for name, seconds in used.items())
    say(f"(j) {events:,} events at once, through three processes: {events / took:,.0f}/s; CPU of one: {each}")
    return Burst(events, took, used, {name: now - counted[name] for name, now in count().items()})


def _counted(servers: Mapping[str, Server], postgres: Postgres) -> dict[str, float]:
    """What the processes say of themselves, and how much WAL there is."""
    found = {"WAL bytes": float(postgres.counters().wal_bytes)}
    for role, names in _COUNTED.items():
        text = _metrics(servers[role])
        for name, metric in names.items():
            number = re.search(rf"^{metric} (\S+)$", text, re.MULTILINE)
            found[name] = 0.0 if number is None else float(number[1])
    return found


def _metrics(server: Server) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def _rest(processes: Mapping[str, int], seconds: float) -> dict[str, float]:
    """Cores that each takes while nothing happens."""
    time.sleep(_SETTLE_SECONDS)
    meter, began = Meter(dict(processes)), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    rest = {name: used / took for name, used in meter.used().items()}
    say(f"(j) at rest, of a core: {', '.join(f'{name} {cores:.2%}' for name, cores in rest.items())}")
    return rest


def settled(url: str, *, sent: bool = False) -> None:
    """Wait until the engines have applied all that waits; with `sent`, until all is sent and they have heard of it. Raises TimeoutError."""
    end = time.monotonic() + _LONGEST_SECONDS
    while only(url, _UNSENT if sent else _WAITING, tuple[bool])[0]:
        if time.monotonic() > end:
            raise TimeoutError("the engines do not come to rest")
        time.sleep(_LOOK_SECONDS)


def _sizes(url: str, tables: Sequence[str]) -> dict[str, Size]:
    found = {}
    for table in tables:
        heap, indexes = only(url, _SIZE, tuple[int, int], table)
        [count] = only(url, _ROWS.format(table), tuple[int])
        found[table] = Size(count, heap, indexes)
    return found


def _connections(url: str, servers: Mapping[str, Server]) -> dict[str, int]:
    """How many each process has: by the ports of its sockets."""
    ports = {port for (port,) in rows(url, _CONNECTIONS, tuple[int])}
    return {role: len(ports & _ports(server.pid)) for role, server in servers.items()}


def _ports(pid: int) -> set[int]:
    """Local ports of a process's TCP sockets (proc(5))."""
    inodes = {link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    found = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if f"socket:[{fields[9]}]" in inodes:
            found.add(int(fields[1].rpartition(":")[2], 16))
    return found
