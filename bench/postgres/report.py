"""The report's sections on PostgreSQL."""

from collections.abc import Sequence

from bench.capacity import inputs_per_commit
from bench.percentiles import median
from bench.plan import PostgresPlan
from bench.postgres.method import ENGINES, GROWTH, INGEST, INTRODUCTION, SPREAD, THROUGH
from bench.postgres.results import Applied, Burst, Engines, Growth, Ingest, PostgresResults, Spread, Through
from bench.postgres.spread import engine_seconds
from bench.postgres.verdicts import cost, growing, single_rate
from bench.server_results import EndToEnd, Step
from bench.table import table

_SERVERS = {"sqlite": "SQLite", "postgres": "PostgreSQL", "api": "PostgreSQL, api only"}
_PORT = {
    "sqlite single": "SQLite, one at a time",
    "postgres single": "PostgreSQL, one at a time",
    "sqlite batch": "SQLite, batches",
    "postgres batch": "PostgreSQL, batches",
    "copy pieces": "COPY, in pieces",
    "copy whole": "COPY, whole",
}
_PROCESSES = ("api", "engine", "delivery", "postgres")


def show_postgres(results: PostgresResults, plan: PostgresPlan, cores: int) -> list[str]:
    """The parts of the page."""
    settings = ", ".join(f"`{setting}`" for setting in plan.settings)
    parts = [
        INTRODUCTION,
        f"PostgreSQL {results.version} with {settings}; else its own defaults. The disk alone: {results.syncs:,.0f} synced writes of 8 KiB "
        "a second, one after the other.",
    ]
    if results.through is not None or results.growth is not None:
        parts.append("![What an event costs each process, and as the database grows](benchmarks-postgres.svg)")
    if results.ingest is not None:
        ingest = results.ingest
        parts += [INGEST.format(**ingest.callers, size=ingest.size), show_ingest(ingest)]
    if results.engines is not None:
        parts += [ENGINES, show_engines(results.engines)]
    if results.through is not None:
        parts += [THROUGH, show_through(results.through, plan.many_partitions)]
    if results.growth is not None:
        parts += [GROWTH.format(events=plan.events), show_growth(results.growth)]
    if results.spread is not None:
        parts += [SPREAD.format(backlog=plan.backlog, beside=plan.beside, cores=cores), show_spread(results.spread)]
    return parts


def show_ingest(ingest: Ingest) -> str:
    """(h)"""
    rates = {server: single_rate(ingest, server) for server in ingest.single}
    single = [
        (
            _SERVERS[server],
            f"{rates[server]:,.0f}",
            ", ".join(f"{one.rate:,.0f}" for one in rounds),
            f"{rates[server] / rates['sqlite']:.2f}",
            f"{median([one.p50 for one in rounds]):.2f}",
            f"{median([one.p99 for one in rounds]):.2f}",
            *(_micros([one.cpu.get(name) for one in rounds]) for name in ("server", "postgres")),
            f"{sum(one.errors for one in rounds):,}",
        )
        for server, rounds in ingest.single.items()
    ]
    batch = [
        (_SERVERS[server], f"{one.rate:,.0f}", f"{one.rate / ingest.batch['sqlite'].rate:.2f}", f"{one.p50:.1f}", f"{one.p99:.1f}")
        for server, one in ingest.batch.items()
    ]
    pieces, whole = ingest.port["copy pieces"].rate, ingest.port["copy whole"].rate
    port = [
        (
            _PORT[name],
            f"{one.rate:,.0f}",
            f"{one.rate / pieces:.2f}",
            f"{one.rate / whole:.2f}",
            f"{one.cpu * 1e3:.1f}",
            f"{one.database_cpu * 1e3:.1f}" if one.database_cpu else "—",
        )
        for name, one in ingest.port.items()
    ]
    return "\n\n".join(
        [
            table(("single events", "events/s", "each round", "to SQLite", "p50 ms", "p99 ms", "CPU µs", "PostgreSQL's", "errors"), single),
            table((f"batches of {ingest.size:,}", "events/s", "to SQLite", "p50 ms", "p99 ms"), batch),
            table(("at the store's port", "rows/s", "to COPY in pieces", "to COPY whole", "CPU µs a row", "PostgreSQL's"), port),
        ]
    )


def _micros(per_thousand: Sequence[float | None]) -> str:
    known = [seconds * 1e3 for seconds in per_thousand if seconds is not None]
    return f"{median(known):.0f}" if known else "—"


def show_engines(engines: Engines) -> str:
    """(i)"""

    def rows(what: str, cases: dict[str, Applied]) -> list[tuple[str, ...]]:
        alone = median(cases["sqlite"].seconds)
        return [
            (
                what,
                _store(name),
                f"{1 / median(one.seconds):,.0f}",
                f"{alone / median(one.seconds):.2f}",
                f"{median(one.cpu) * 1e6:.1f}",
                f"{median(one.database_cpu) * 1e6:.1f}" if any(one.database_cpu) else "—",
                f"{one.per_batch:,.0f}",
            )
            for name, one in cases.items()
        ]

    head = ("inputs", "store", "a second", "to SQLite", "CPU µs of one", "PostgreSQL's", "in a commit")
    heard, unheard = rows("events that start a run", engines.heard), rows("events that nobody listens for", engines.unheard)
    return table(head, [*heard, *unheard, *rows("timers due at once", engines.timers)])


def _store(name: str) -> str:
    what, _, partitions = name.partition(" ")
    return "SQLite" if what == "sqlite" else f"PostgreSQL, {partitions} partition{'' if partitions == '1' else 's'}"


def show_through(through: Through, many: int) -> str:
    """(j)"""
    head = ("server", "highest sustained, events/s", "to SQLite", "half of it", "p50 ms", "p99 ms", "acknowledged p50 ms", "p99 ms")
    servers = [
        ("SQLite", through.sqlite),
        ("PostgreSQL, one process", through.together),
        (f"PostgreSQL, one process, {many} partitions", through.many),
        ("PostgreSQL, three processes", through.split.course),
    ]
    course = through.split.course
    steps = [*course.steps, *([] if course.half is None else [course.half])]
    steps = sorted((step for step in steps if step.acknowledged), key=lambda step: step.rate)
    costs = [_step(step) for step in steps] + [_burst(through.split.burst)]
    rest = ", ".join(f"{'PostgreSQL' if name == 'postgres' else name} {cores:.1%}" for name, cores in through.split.rest.items())
    arrived = sum(one.acknowledged for _, one in servers)
    never, repeated = sum(one.never_arrived for _, one in servers), sum(one.repeated for _, one in servers)
    return "\n\n".join(
        [
            table(head, [_course(name, one, through.sqlite.highest) for name, one in servers]),
            table(("events/s", "api", "engine", "delivery", "PostgreSQL", "all", "inputs a commit", "WAL bytes", "sustained"), costs),
            f"Of {arrived:,} acknowledged events {never:,} never arrived and {repeated:,} arrived twice. While nothing happens the three "
            f"processes and PostgreSQL take, of a core: {rest}.",
        ]
    )


def _course(name: str, one: EndToEnd, alone: int) -> tuple[str, ...]:
    half = one.half
    ratio = f"{one.highest / alone:.2f}" if alone else "—"
    if half is None:
        return name, f"{one.highest:,}", ratio, "—", "—", "—", "—", "—"
    latencies = (half.p50, half.p99, half.acknowledged_p50, half.acknowledged_p99)
    return (name, f"{one.highest:,}", ratio, f"{half.rate:,}", *(f"{latency:.1f}" for latency in latencies))


def _step(step: Step) -> tuple[str, ...]:
    each = [step.cpu[name] / step.acknowledged * 1e6 for name in _PROCESSES]
    return (
        f"{step.rate:,}",
        *(f"{micros:.0f}" for micros in (*each, sum(each))),
        f"{inputs_per_commit(step.counts):.1f}",
        f"{step.counts['WAL bytes'] / step.acknowledged:,.0f}",
        "yes" if step.sustained else "no",
    )


def _burst(burst: Burst) -> tuple[str, ...]:
    each = [burst.cpu[name] / burst.events * 1e6 for name in _PROCESSES]
    return (
        f"{burst.events:,} at once: {burst.events / burst.seconds:,.0f}",
        "—",
        *(f"{micros:.0f}" for micros in (*each[1:], sum(each[1:]))),
        f"{inputs_per_commit(burst.counts):.1f}",
        f"{burst.counts['WAL bytes'] / burst.events:,.0f}",
        "—",
    )


def show_growth(growth: Growth) -> str:
    """(k)"""
    rows = [
        (
            what,
            f"{one.rows:,}",
            f"{one.database / 1e6:,.0f}",
            f"{median(one.applied.seconds) * 1e6:.0f}",
            f"{median(one.applied.cpu) * 1e6:.0f}",
            f"{median(one.applied.database_cpu) * 1e6:.0f}",
            f"{cost(one.applied) / cost(sizes[0].applied):.2f}",
            f"{one.wal_bytes:,.0f}",
            f"{one.loaded_seconds:.0f}",
        )
        for what, sizes in growing(growth)
        for one in sizes
    ]
    head = ("cost of", "rows", "database MB", "µs", "CPU µs", "PostgreSQL's", "CPU to fewest", "WAL bytes", "loaded in s")
    return table(head, rows)


def show_spread(spread: list[Spread]) -> str:
    """(l)"""
    rows = [
        (
            f"{one.engines}",
            " + ".join(str(count) for count in one.owned),
            f"{one.applied / one.seconds:,.0f}",
            f"{engine_seconds(one) / one.applied * 1e6:.0f}",
            f"{one.cpu['postgres'] / one.applied * 1e6:.0f}",
            f"{one.cpu['api'] / max(1, one.came) * 1e6:.0f}",
            f"{sum(one.cpu.values()) / one.seconds:.2f}",
            ", ".join(f"{size / 1e6:.0f}" for size in one.memory),
            f"{one.lost:,}",
        )
        for one in spread
    ]
    head = (
        "engines",
        "partitions",
        "events/s",
        "engines' CPU µs",
        "PostgreSQL's",
        "api's, of one that came in",
        "cores in use",
        "memory MB",
        "lost",
    )
    return table(head, rows)
