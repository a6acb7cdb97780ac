"""The capacity model of docs/scaling.md: how many processes and servers, and how much disk, a rate of events takes.

It is computed from what was measured. A commit of the engine has a price of its own, and each input in it another. Two measurements tell
them apart: events as they come, of which a commit has few, and many at once. For any number of inputs a commit the price of an event is
then `each + commit / inputs`.
"""

from math import ceil
from pathlib import Path
from typing import Final, NamedTuple

from bench.percentiles import median
from bench.postgres.results import Applied, Burst, Engines, Ingest, PostgresResults, Size, Split
from bench.server_results import Step
from clarion.clock import DAY
from clarion.config import Settings
from clarion.store.postgres.migrations import DEFAULT_PARTITIONS

RATES: Final = (1_000, 10_000, 100_000, 1_000_000)
SHARES: Final = (1.0, 0.05)
"""Of the events: how many start a run that sends one request."""
BUSY: Final = 0.6
"""How much of a core is in use at most: the rest is for peaks, and for the work of a node that has ended."""
CORES: Final = 32
"""Of one PostgreSQL server."""
WAL: Final = 500e6
"""Bytes a second that one server can write for good, and a standby can take."""
LEAST_WAIT: Final = 0.01
"""Seconds that inputs gather in a partition at least, while its engine is at others: about what a batch takes."""
ROOM: Final = 4
"""Partitions for each engine process at least, so that they can be shared evenly."""
FEWEST_PARTITIONS, MOST_PARTITIONS = DEFAULT_PARTITIONS, 4_096
SECONDS_A_DAY: Final = 86_400

_DEFAULTS: Final = Settings(data=Path())
KEPT: Final = {"log": "events", "explanations": "explanations", "runs": "runs", "deliveries": "deliveries"}
"""Tables that grow with each event: what the setting is called that says how long, `keep_…`."""


class Price(NamedTuple):
    """Of one event."""

    each: float
    commit: float

    def at(self, inputs: float) -> float:
        """What it is where a commit of the engine has so many inputs."""
        return self.each + self.commit / max(1.0, inputs)


class Model(NamedTuple):
    """What an event costs that starts a run which sends one request: seconds of CPU, and bytes."""

    rate: int
    """Events a second at which commits were smallest."""
    few: float
    """Inputs of a commit then."""
    many: float
    """And with many events at once."""
    inputs: float
    """Of the engine, for one event: the event itself, and how its delivery went."""
    usual: int
    """Half of the highest rate that was sustained."""
    wait: float
    """Seconds that inputs gather in a partition then: what comes meanwhile shares a commit with what waits."""
    api: float
    """Where many events come at a time."""
    taken: float
    """By PostgreSQL, to take it in."""
    engine: Price
    delivery: Price
    postgres: Price
    """All else that PostgreSQL does."""
    wal: Price
    idle_engine: float
    """Share of the engine's price that an event has which nobody listens for."""
    idle_postgres: float
    idle_wal: float


class Needs(NamedTuple):
    """What a rate takes."""

    rate: int
    partitions: int
    inputs: float
    """Of a commit of the engine."""
    commits: float
    """Of the engine, a second."""
    api: int
    engine: int
    delivery: int
    """Processes."""
    cores: float
    """Of PostgreSQL, in use."""
    wal: float
    """Bytes a second."""
    servers: int
    """Of PostgreSQL; more than one: a Citus cluster with so many workers."""
    connections: int
    """Of all processes, at most."""


class Disk(NamedTuple):
    """What a rate leaves behind, in bytes."""

    day: float
    kept: float
    """Once the oldest are removed as fast as new ones come."""


# -- prices --------------------------------------------------------------------------------------------------------------


def model(results: PostgresResults, partitions: int) -> Model | None:
    """From what was measured with so many partitions; None where one of (h), (i) and (j) is missing, or no rate was sustained."""
    if results.through is None or results.ingest is None or results.engines is None:
        return None
    least, usual = smallest(results.through.split), results.through.split.course.half
    if least is None or usual is None:
        return None
    return _model(least, usual, results.through.split.burst, results.through.split.sizes, results.ingest, results.engines, partitions)


def _model(least: Step, usual: Step, burst: Burst, sizes: dict[str, Size], ingest: Ingest, engines: Engines, partitions: int) -> Model:
    few, many, taken = inputs_per_commit(least.counts), inputs_per_commit(burst.counts), taking(ingest)

    def price(name: str, less: float = 0.0) -> Price:
        return between(few, spent(least, name) - less, many, burst.cpu[name] / burst.events)

    inputs = least.counts["engine inputs"] / least.acknowledged
    kept = rows_of_event(inputs, 1.0)
    each = bytes_of_row(sizes)
    heard, unheard = most(engines.heard), most(engines.unheard)
    return Model(
        rate=least.rate,
        few=few,
        many=many,
        inputs=inputs,
        usual=usual.rate,
        wait=max(LEAST_WAIT, (inputs_per_commit(usual.counts) - 1) * partitions / (usual.rate * inputs)),
        api=median([one.cpu["server"] for one in ingest.single["api"]]) / 1_000,
        taken=taken,
        engine=price("engine"),
        delivery=price("delivery"),
        postgres=price("postgres", taken),
        wal=between(few, least.counts["WAL bytes"] / least.acknowledged, many, burst.counts["WAL bytes"] / burst.events),
        idle_engine=_share(median(unheard.cpu), median(heard.cpu)),
        idle_postgres=_share(median(unheard.database_cpu), median(heard.database_cpu)),
        idle_wal=_share(sum(each["log"]), sum(count * sum(each[table]) for table, count in kept.items() if table in each)),
    )


def smallest(split: Split) -> Step | None:
    """Of the steps that the three processes sustained, the one whose commits were smallest: what differs most from many at once."""
    return min((step for step in split.course.steps if step.sustained), key=lambda step: inputs_per_commit(step.counts), default=None)


def spent(step: Step, name: str) -> float:
    """Seconds of a process's CPU for one event of a step."""
    return step.cpu[name] / step.acknowledged


def taking(ingest: Ingest) -> float:
    """Seconds of PostgreSQL's CPU to take one event in, as many clients send one each."""
    return median([one.cpu["postgres"] for one in ingest.single["api"]]) / 1_000


def inputs_per_commit(counts: dict[str, float]) -> float:
    """Of the engine."""
    return max(1.0, counts["engine inputs"] / max(1.0, counts["engine commits"]))


def most(cases: dict[str, Applied]) -> Applied:
    """The one with the most partitions: the last."""
    return list(cases.values())[-1]


def between(few: float, at_few: float, many: float, at_many: float) -> Price:
    """The price of which two points are known. Where large commits were no cheaper, a commit has none: the higher point counts."""
    if many <= few or at_many >= at_few:
        return Price(max(at_few, at_many), 0.0)
    commit = (at_few - at_many) / (1 / few - 1 / many)
    each = at_many - commit / many
    return Price(each, commit) if each >= 0 else Price(0.0, at_few * few)


def _share(part: float, whole: float) -> float:
    return min(1.0, part / whole) if whole > 0 else 1.0


# -- what a rate takes ---------------------------------------------------------------------------------------------------


def needs(of: Model, rate: int, share: float = 1.0) -> Needs:
    """What so many events a second take, of which `share` start a run that sends one request."""
    given = rate * (1 + share * (of.inputs - 1))
    partitions = FEWEST_PARTITIONS
    while True:
        inputs = min(of.many, 1 + given * of.wait / partitions)  # what was not measured is not assumed to be cheaper still
        engine = processes(rate * mixed(of.engine.at(inputs), of.idle_engine, share))
        if engine * ROOM <= partitions or partitions == MOST_PARTITIONS:
            break
        partitions *= 2
    api, delivery = processes(rate * of.api), processes(rate * share * of.delivery.at(inputs))
    cores = rate * (of.taken + mixed(of.postgres.at(inputs), of.idle_postgres, share))
    wal = rate * mixed(of.wal.at(inputs), of.idle_wal, share)
    return Needs(
        rate=rate,
        partitions=partitions,
        inputs=inputs,
        commits=given / inputs,
        api=api,
        engine=engine,
        delivery=delivery,
        cores=cores,
        wal=wal,
        servers=max(1, ceil(cores / BUSY / CORES), ceil(wal / WAL)),
        connections=(api + engine + delivery) * _DEFAULTS.database_connections,
    )


def processes(cores: float) -> int:
    """So many, each with a core of its own, of which BUSY is used."""
    return max(1, ceil(cores / BUSY))


def mixed(price: float, idle: float, share: float) -> float:
    """The price of an event where only a share of them has the whole one, and the others that part of it."""
    return price * (share + (1 - share) * idle)


# -- storage -------------------------------------------------------------------------------------------------------------


def bytes_of_row(sizes: dict[str, Size]) -> dict[str, tuple[float, float]]:
    """By table that has rows: bytes of one, in the table and in its indexes."""
    return {name: (size.heap / size.rows, size.indexes / size.rows) for name, size in sizes.items() if size.rows}


def rows_of_event(inputs: float, share: float) -> dict[str, float]:
    """By table: rows that stay of an event."""
    return {"log": 1 + share * (inputs - 1), "explanations": share, "runs": share, "deliveries": share}


def days_kept() -> dict[str, float]:
    """By table: how long its rows are kept if nothing else is said; infinite: for ever."""
    kept = {table: _DEFAULTS.kept(kind) for table, kind in KEPT.items()}
    return {table: float("inf") if how_long is None else how_long / DAY for table, how_long in kept.items()}


def disk(of: Model, sizes: dict[str, Size], rate: int, share: float = 1.0) -> Disk:
    """With the default `keep_…` settings."""
    each, kept = bytes_of_row(sizes), days_kept()
    one = {table: sum(each[table]) * count for table, count in rows_of_event(of.inputs, share).items() if table in each}
    day = {table: size * rate * SECONDS_A_DAY for table, size in one.items()}
    return Disk(sum(day.values()), sum(size * kept[table] for table, size in day.items()))
