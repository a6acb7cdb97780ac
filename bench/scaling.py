"""The tables of docs/scaling.md: what the capacity model makes of a run, written between the page's markers."""

import re
from collections.abc import Callable
from typing import Final

from bench.capacity import (
    BUSY,
    CORES,
    KEPT,
    RATES,
    SHARES,
    WAL,
    Model,
    Needs,
    bytes_of_row,
    days_kept,
    disk,
    model,
    needs,
)
from bench.plan import PostgresPlan
from bench.postgres.results import PostgresResults, Split
from bench.results import Results
from bench.table import table
from clarion.store.postgres.signals import PACE

_BLOCK: Final = re.compile(r"(<!-- bench: (\w+) -->\n).*?(<!-- /bench -->)", re.DOTALL)
_NOTHING: Final = "Nothing is measured yet: `python -m bench postgres --save NAME`, then `python -m bench report NAME`."
_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_PRICES: Final = (
    "Measured with {partitions} partitions, at {of.rate:,} events/s, where commits were smallest, and with {events:,} "
    "events at once; the api process, and what PostgreSQL does for it, in (h), where it is busy. `commit = (at {of.few:.1f} - at "
    "{of.many:.1f}) / (1/{of.few:.1f} - 1/{of.many:.1f})`; `each = at {of.many:.1f} - commit/{of.many:.1f}`. WAL: {of.wal.each:,.0f} "
    "bytes each and {of.wal.commit:,.0f} a commit. An event is {of.inputs:.1f} inputs of the engine. One that nobody listens for costs "
    "{of.idle_engine:.0%} of the engine's price and {of.idle_postgres:.0%} of PostgreSQL's behind the inbox (both from (i)), and "
    "{of.idle_wal:.0%} of the WAL (by what it leaves behind)."
)
_NEEDS: Final = (
    "Assumed: a process uses {busy:.0%} of a core of its own; what comes to a partition within {of.wait:.3f} s shares a commit, as it did"
    " at {of.usual:,} events/s, half of what was sustained, so a commit has `1 + inputs/s * {of.wait:.3f} / partitions` inputs, but no "
    "more than the {of.many:.1f} that were measured; one PostgreSQL server has {cores} cores, {busy:.0%} of them used, and writes "
    "{wal:,.0f} MB of WAL a second. Servers above 1 are workers of Citus. "
    "`cores = rate * price`; `processes = cores / {busy:g}`, rounded up."
)
_ROWS: Final = (
    "`pg_table_size` and `pg_indexes_size` behind {events:,} events of (j), divided by the rows; nothing was vacuumed for it. The body of"
    " an event has {body:.0f} bytes there. An event that starts a run leaves {inputs:.1f} rows in the log and one in each of "
    "explanations, runs and deliveries."
)
NOTICES: Final = 1 / PACE
"""Notifications a second that one process sends at most."""


def fill(page: str, results: Results) -> str:
    """The page with its tables as these results have them. Raises KeyError for a marker that names no table."""

    def block(found: re.Match[str]) -> str:
        return f"{found[1]}{_BLOCKS[found[2]](results)}\n{found[3]}"

    return _BLOCK.sub(block, page)


def _computed(show: Callable[[Model, Split, PostgresPlan], str]) -> Callable[[Results], str]:
    def shown(results: Results) -> str:
        postgres: PostgresResults | None = results.postgres
        of = None if postgres is None else model(postgres, results.plan.postgres.partitions)
        if postgres is None or of is None or postgres.through is None:
            return _NOTHING
        return show(of, postgres.through.split, results.plan.postgres)

    return shown


def show_prices(of: Model, split: Split, plan: PostgresPlan) -> str:
    """What an event costs, and how that was computed."""
    rows = [
        ("api process", _micros(of.api), "—", _micros(of.api), _micros(of.api)),
        *(
            (name, _micros(price.each), _micros(price.commit), _micros(price.at(of.few)), _micros(price.at(of.many)))
            for name, price in (
                ("engine process", of.engine),
                ("delivery process", of.delivery),
                ("PostgreSQL, behind the inbox", of.postgres),
            )
        ),
        ("PostgreSQL, to take it in", _micros(of.taken), "—", _micros(of.taken), _micros(of.taken)),
    ]
    head = ("CPU µs of an event", "each", "a commit", f"{of.few:.1f} inputs a commit", f"{of.many:.1f} inputs a commit")
    connections = ", ".join(f"{role} {count}" for role, count in split.connections.items())
    memory = ", ".join(f"{role} {size / 1e6:.0f} MB" for role, size in split.memory.items())
    return "\n\n".join(
        [
            table(head, rows),
            _PRICES.format(of=of, partitions=plan.partitions, events=split.burst.events),
            f"Connections to the server that each process came to hold: {connections}. Memory: {memory}. Transactions of an event, polls "
            f"included: {split.commits / max(1, split.course.acknowledged):.1f}.",
        ]
    )


def _micros(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f}"


def show_needs(of: Model, _split: Split, _plan: PostgresPlan) -> str:
    """Processes and servers by rate."""
    shown = [f"{_said(share)}\n\n{table(_HEAD, [_needs(needs(of, rate, share)) for rate in RATES])}" for share in SHARES]
    return "\n\n".join([*shown, _NEEDS.format(of=of, busy=BUSY, cores=CORES, wal=WAL / 1e6)])


_HEAD: Final = (
    "events/s",
    "partitions",
    "inputs a commit",
    "engine commits/s",
    "api",
    "engine",
    "delivery",
    "PostgreSQL cores in use",
    "WAL a second",
    "PostgreSQL servers",
    "connections at most",
)


def _said(share: float) -> str:
    return (
        "Every event starts a run that sends one request:"
        if share == 1
        else f"One event in {1 / share:.0f} does, nobody listens for the others:"
    )


def _needs(one: Needs) -> tuple[str, ...]:
    return (
        f"{one.rate:,}",
        f"{one.partitions:,}",
        f"{one.inputs:.1f}",
        f"{one.commits:,.0f}",
        f"{one.api:,}",
        f"{one.engine:,}",
        f"{one.delivery:,}",
        f"{one.cores:,.1f}",
        size(one.wal),
        f"{one.servers:,}",
        f"{one.connections:,}",
    )


def show_rows(of: Model, split: Split, _plan: PostgresPlan) -> str:
    """Bytes of a row by table."""
    each, kept = bytes_of_row(split.sizes), days_kept()
    rows = [
        (
            f"`{name}`",
            f"{split.sizes[name].rows:,}",
            f"{heap:,.0f}",
            f"{indexes:,.0f}",
            f"{heap + indexes:,.0f}",
            f"`keep_{KEPT[name]}`, {kept[name]:g} days" if name in KEPT else "—",
        )
        for name, (heap, indexes) in each.items()
    ]
    return "\n\n".join(
        [
            table(("table", "rows", "bytes of a row", "in its indexes", "together", "kept for"), rows),
            _ROWS.format(events=split.events, body=split.body, inputs=of.inputs),
        ]
    )


def show_disk(of: Model, split: Split, _plan: PostgresPlan) -> str:
    """Storage by rate."""
    shares = [[disk(of, split.sizes, rate, share) for rate in RATES] for share in SHARES]
    rows = [
        (f"{rate:,}", *(text for one in (column[place] for column in shares) for text in (size(one.day), size(one.kept))))
        for place, rate in enumerate(RATES)
    ]
    named = [("every event" if share == 1 else f"one in {1 / share:.0f}") for share in SHARES]
    head = ("events/s", *(text for name in named for text in (f"{name}: a day", "kept in all")))
    return table(head, rows)


def show_notices(of: Model, _split: Split, _plan: PostgresPlan) -> str:
    """Notifications by rate."""
    rows = []
    for rate in RATES:
        one = needs(of, rate)
        processes = one.api + one.engine + one.delivery
        sent = min(processes * NOTICES, rate * (1 + of.inputs))
        rows.append((f"{rate:,}", f"{processes:,}", f"{sent:,.0f}", f"{sent * processes:,.0f}"))
    return table(("events/s", "processes", "notifications a second at most", "delivered to all"), rows)


def show_owners(results: Results) -> str:
    """Memory of an owner, from (l)."""
    spread = None if results.postgres is None else results.postgres.spread
    if spread is None:
        return _NOTHING
    few, many = sorted(((sum(one.owned) / one.engines, sum(one.memory) / one.engines) for one in spread), key=lambda point: point[0])[:2]
    each = max(0.0, (many[1] - few[1]) / max(1.0, many[0] - few[0]))
    return (
        f"An engine process at rest has {many[1] / 1e6:.0f} MB with {many[0]:,.0f} partitions and {few[1] / 1e6:.0f} MB with {few[0]:,.0f} "
        f"(l): {each / 1e3:,.0f} kB for each, and so about {(many[1] + each * (4_096 - many[0])) / 1e6:,.0f} MB with all of 4,096."
    )


_BLOCKS: Final[dict[str, Callable[[Results], str]]] = {
    "prices": _computed(show_prices),
    "needs": _computed(show_needs),
    "rows": _computed(show_rows),
    "disk": _computed(show_disk),
    "notices": _computed(show_notices),
    "owners": show_owners,
}
"""Tables by the name that stands in the page's marker."""


def size(count: float) -> str:
    """Bytes, in the unit in which they read best."""
    unit = 0
    while count >= 999.5 and unit < len(_UNITS) - 1:
        count, unit = count / 1_000, unit + 1
    return f"{count:,.0f} {_UNITS[unit]}" if count >= 100 or not unit else f"{count:.1f} {_UNITS[unit]}"
