"""What is aimed at and required on PostgreSQL."""

from typing import Final

from bench.percentiles import median
from bench.postgres.results import Applied, Engines, Grown, Growth, Ingest, Ingested, PostgresResults, Spread, Through
from bench.postgres.spread import ENGINES, engine_seconds
from bench.server_results import Batch
from bench.verdict import Verdict

_FLAT: Final = 1.2
"""How much more than with the fewest an event may cost: about what two measurements of the same thing differ by."""


def judge_postgres(results: PostgresResults) -> list[Verdict]:
    """Every requirement and aim that this run says something about."""
    verdicts: list[Verdict] = []
    if results.ingest is not None:
        verdicts += _ingest(results.ingest)
    if results.engines is not None:
        verdicts += _engines(results.engines)
    if results.through is not None:
        verdicts += _through(results.through)
    if results.growth is not None:
        verdicts += _growth(results.growth)
    if results.spread is not None:
        verdicts += _spread(results.spread)
    return verdicts


def single_rate(ingest: Ingest, server: str) -> float:
    """The median of the rounds, events a second."""
    return median([one.rate for one in ingest.single[server]])


def cost(applied: Applied) -> float:
    """Seconds of CPU of one input, the engine's and the database's, in the median of the rounds."""
    return median([engine + database for engine, database in zip(applied.cpu, applied.database_cpu, strict=True)])


def _ingest(ingest: Ingest) -> list[Verdict]:
    share = single_rate(ingest, "postgres") / single_rate(ingest, "sqlite")
    batches = ingest.batch["postgres"].rate / ingest.batch["sqlite"].rate
    copied = ingest.port["postgres batch"].rate / ingest.port["copy pieces"].rate
    measured: list[Ingested | Batch] = [one for server in ingest.single.values() for one in server]
    measured += ingest.batch.values()
    errors = sum(one.errors for one in measured)
    acknowledged, stored = sum(one.acknowledged for one in measured), sum(one.stored for one in measured)
    whole = all(one.stored >= one.acknowledged for one in measured)
    return [
        Verdict("(h) single events, share of SQLite's rate", f"{share:.2f}", "≥ 0.5", share >= 0.5),
        Verdict("(h) batches, share of SQLite's rate", f"{batches:.2f}", "≥ 0.5", batches >= 0.5),
        Verdict("(h) batches at the port, share of COPY in pieces", f"{copied:.2f}", "≥ 0.5", copied >= 0.5),
        Verdict("(h) errors", f"{errors:,}", "0", not errors, required=True),
        Verdict("(h) acknowledged events in the database", f"{stored:,} of {acknowledged:,}", "all", whole, required=True),
    ]


def _engines(engines: Engines) -> list[Verdict]:
    many = list(engines.heard)[-1]
    share = median(engines.heard["sqlite"].seconds) / median(engines.heard[many].seconds)
    expected = applied = started = wanted = 0
    for cases, starts in ((engines.heard, True), (engines.unheard, False)):
        for one in cases.values():
            expected, applied = expected + one.count * len(one.seconds), applied + one.done
            wanted, started = wanted + (one.count * len(one.seconds) if starts else 0), started + one.started
    timers = sum(one.count * len(one.seconds) for one in engines.timers.values())
    fired = sum(one.done for one in engines.timers.values())
    return [
        Verdict(f"(i) events that start a run, {many}: share of SQLite's rate", f"{share:.2f}", "≥ 0.5", share >= 0.5),
        Verdict("(i) events applied", f"{applied:,} of {expected:,}", "all", applied == expected, required=True),
        Verdict("(i) runs started", f"{started:,} of {wanted:,}", "all", started == wanted, required=True),
        Verdict("(i) timers that fired", f"{fired:,} of {timers:,}", "all", fired == timers, required=True),
    ]


def _through(through: Through) -> list[Verdict]:
    verdicts = []
    courses = (("one process", through.together), ("one process, many partitions", through.many), ("three processes", through.split.course))
    for what, measured in courses:
        share = measured.highest / through.sqlite.highest if through.sqlite.highest else 0.0
        unanswered = sum(step.scheduled - step.acknowledged for step in measured.steps)
        verdicts += [
            Verdict(
                f"(j) {what}: highest sustained rate, share of SQLite's", f"{measured.highest:,}/s, {share:.2f}", "≥ 0.5", share >= 0.5
            ),
            Verdict(f"(j) {what}: events refused", f"{unanswered:,}", "0", not unanswered, required=True),
            Verdict(
                f"(j) {what}: acknowledged, never arrived", f"{measured.never_arrived:,}", "0", not measured.never_arrived, required=True
            ),
            Verdict(f"(j) {what}: arrived twice", f"{measured.repeated:,}", "0", not measured.repeated, required=True),
        ]
    return verdicts


def growing(growth: Growth) -> list[tuple[str, list[Grown]]]:
    """What is measured at several sizes, with what it is called."""
    return [
        ("an event, events in the log", growth.log),
        ("an event, sleeping runs", [one for one in growth.sleepers if one.kind == "event"]),
        ("a timer, sleeping runs", [one for one in growth.sleepers if one.kind == "timer"]),
    ]


def _growth(growth: Growth) -> list[Verdict]:
    verdicts, done, wanted = [], 0, 0
    for what, sizes in growing(growth):
        ratio = _ratio(cost(sizes[-1].applied), cost(sizes[0].applied))
        said = f"(k) CPU of {what}: {sizes[-1].rows:,} beside {sizes[0].rows:,}"
        verdicts.append(Verdict(said, f"{ratio:.2f}", f"≤ {_FLAT}", ratio <= _FLAT))
        done, wanted = done + sum(one.applied.done for one in sizes), wanted + sum(one.applied.count for one in sizes)
    return [*verdicts, Verdict("(k) inputs applied", f"{done:,} of {wanted:,}", "all", done == wanted, required=True)]


def _spread(spread: list[Spread]) -> list[Verdict]:
    one, two = (spread[ENGINES.index(count)] for count in (1, 2))
    lost = sum(each.lost for each in spread)
    engines = _ratio(engine_seconds(two) / two.applied, engine_seconds(one) / one.applied)
    database = _ratio(two.cpu["postgres"] / two.applied, one.cpu["postgres"] / one.applied)
    return [
        Verdict("(l) CPU of an event in two engines beside one", f"{engines:.2f}", f"≤ {_FLAT}", engines <= _FLAT),
        Verdict("(l) CPU of an event in PostgreSQL, two engines beside one", f"{database:.2f}", f"≤ {_FLAT}", database <= _FLAT),
        Verdict("(l) events lost", f"{lost:,}", "0", not lost, required=True),
    ]


def _ratio(one: float, other: float) -> float:
    """Short runs may use no CPU that the kernel counts."""
    return one / other if other else float("inf") if one else 1.0
