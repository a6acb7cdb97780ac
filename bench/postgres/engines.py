"""(i) The engine on PostgreSQL, with one partition and with many, beside the engine on SQLite: events, and timers that are due at once.

Each case has a fresh process and database; the stores take turns, round by round.
"""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from bench import due_at_once, engine_events
from bench.asleep import sleeping
from bench.engine import only_row
from bench.plan import Plan, PostgresPlan
from bench.postgres import apply
from bench.postgres.loading import load_sleepers
from bench.postgres.results import Applied, Engines
from bench.postgres.server import Postgres, only
from bench.progress import say

_EVENTS: Final = "SELECT (SELECT count(*) FROM log WHERE kind = 'event'), (SELECT count(*) FROM runs WHERE status = 'completed')"
_RUNS: Final = "SELECT count(*) FILTER (WHERE status = 'completed'), count(*) FROM runs"
_STEP: Final = "http"
"""What the runs of the timers end with."""


class Once(NamedTuple):
    """One case, once. Seconds of one input."""

    seconds: float
    cpu: float
    database_cpu: float
    per_commit: float
    done: int
    started: int


class Cases:
    """The kinds of measurement, by store."""

    def __init__(self, plan: PostgresPlan, directory: Path, postgres: Postgres) -> None:
        self._plan, self._directory, self._postgres = plan, directory, postgres
        self._prepared = apply.Prepared(postgres)

    def stores(self) -> dict[str, int]:
        """By name: how many partitions; 0: SQLite."""
        return {"sqlite": 0, "postgres 1": 1, f"postgres {self._plan.partitions}": self._plan.partitions}

    def events(self, partitions: int, listening: int) -> Once:
        plan = self._plan
        if not partitions:
            answer = engine_events.measure(self._directory / "engines-sqlite", plan.workflows, listening, plan.events)
            shutil.rmtree(self._directory / "engines-sqlite")
            return Once(answer.seconds, answer.cpu_seconds, 0.0, answer.per_commit, answer.applied, answer.started)
        url, site = self._prepared.copy(partitions, engine_events.documents(plan.workflows, listening))
        measured = apply.measure(apply.Question(url, self._postgres.pid, site, "event", plan.events), self._directory)
        applied, started = only(url, _EVENTS, tuple[int, int])
        self._postgres.drop(url)
        warm = 2 * partitions
        return Once(
            measured.seconds, measured.cpu, measured.database_cpu, measured.per_commit, applied - warm, started - warm * min(1, listening)
        )

    def timers(self, partitions: int) -> Once:
        runs = self._plan.runs
        if not partitions:
            place = self._directory / "timers-sqlite"
            fired, _ = due_at_once.measure(place, _STEP, runs)
            completed, _ = only_row(place, due_at_once.COUNT, tuple[int, int])
            shutil.rmtree(place)
            return Once(fired.seconds / runs, fired.cpu_seconds / runs, 0.0, fired.per_commit, completed, runs)
        url, site = self._prepared.copy(partitions, [sleeping(_STEP)])
        loaded = asyncio.run(load_sleepers(url, 0, runs, site))
        question = apply.Question(url, self._postgres.pid, site, "timer", runs, instant=loaded.instant)
        measured = apply.measure(question, self._directory)
        completed, known = only(url, _RUNS, tuple[int, int])
        self._postgres.drop(url)
        return Once(measured.seconds, measured.cpu, measured.database_cpu, measured.per_commit, completed, known)


def run(plan: Plan, directory: Path, postgres: Postgres) -> Engines:
    """Measure. Raises ChildFailed."""
    cases = Cases(plan.postgres, directory, postgres)
    stores, rounds = cases.stores(), plan.postgres.rounds

    def in_turn(what: str, count: int, measure: Callable[[int], Once]) -> dict[str, Applied]:
        given: dict[str, list[Once]] = {name: [] for name in stores}
        for _ in range(rounds):
            for name, partitions in stores.items():
                given[name].append(measure(partitions))
                _report(what, name, given[name][-1])
                postgres.settle()
        return {name: _gathered(count, answers) for name, answers in given.items()}

    return Engines(
        heard=in_turn("events, one workflow listens", plan.postgres.events, lambda partitions: cases.events(partitions, 1)),
        unheard=in_turn("events, nobody listens", plan.postgres.events, lambda partitions: cases.events(partitions, 0)),
        timers=in_turn("timers due at once", plan.postgres.runs, cases.timers),
    )


def _gathered(count: int, answers: list[Once]) -> Applied:
    return Applied(
        count=count,
        seconds=[one.seconds for one in answers],
        cpu=[one.cpu for one in answers],
        database_cpu=[one.database_cpu for one in answers],
        per_batch=sum(one.per_commit for one in answers) / len(answers),
        done=sum(one.done for one in answers),
        started=sum(one.started for one in answers),
    )


def _report(what: str, name: str, once: Once) -> None:
    taken = f"CPU of one: engine {once.cpu * 1e6:.0f} µs, PostgreSQL {once.database_cpu * 1e6:.0f} µs"
    say(f"(i) {what}, {name}: {1 / once.seconds:,.0f}/s; {taken}; {once.per_commit:.1f} a commit")
