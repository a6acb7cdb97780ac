"""(k) What an event costs as the log grows, and an event and a timer as more and more runs sleep.

Each size has a fresh database, which is filled by SQL; then an engine applies as many inputs as with every other size.
"""

import asyncio
from pathlib import Path

from bench.asleep import sleeping
from bench.engine_events import documents
from bench.plan import Plan
from bench.postgres import apply
from bench.postgres.loading import Loaded, load_log, load_sleepers
from bench.postgres.results import Applied, Grown, Growth
from bench.postgres.server import Postgres, only
from bench.progress import say

_EVENTS = "SELECT (SELECT count(*) FROM log WHERE kind = 'event'), (SELECT count(*) FROM runs WHERE workflow LIKE 'bench-%')"
_TIMERS = "SELECT count(*) FILTER (WHERE status = 'completed'), count(*) FROM runs WHERE workflow = 'sleepers'"


def run(plan: Plan, directory: Path, postgres: Postgres) -> Growth:
    """Measure. Raises ChildFailed."""
    growth = _Growing(plan, directory, postgres)
    return Growth(
        log=[growth.log(rows) for rows in plan.postgres.logs],
        sleepers=[grown for rows in plan.postgres.sleepers for grown in growth.sleepers(rows)],
    )


class _Growing:
    def __init__(self, plan: Plan, directory: Path, postgres: Postgres) -> None:
        self._plan, self._directory, self._postgres = plan.postgres, directory, postgres
        self._prepared = apply.Prepared(postgres)

    def log(self, rows: int) -> Grown:
        """Events, of which each starts a run."""
        plan = self._plan
        url, site = self._prepared.copy(plan.partitions, documents(plan.workflows, 1))
        loaded = asyncio.run(load_log(url, rows, site))
        answer = apply.measure(apply.Question(url, self._postgres.pid, site, "event", plan.events), self._directory)
        logged, started = only(url, _EVENTS, tuple[int, int])
        self._postgres.drop(url)
        warm = 2 * plan.partitions
        return self._grown("events in the log", rows, loaded, "event", answer, logged - rows - warm, started - warm)

    def sleepers(self, rows: int) -> list[Grown]:
        """The same events about profiles of which each has a sleeping run; then timers of just these runs."""
        plan = self._plan
        url, site = self._prepared.copy(plan.partitions, [*documents(plan.workflows, 1), sleeping("http")])
        loaded = asyncio.run(load_sleepers(url, rows, plan.events, site))
        question = apply.Question(url, self._postgres.pid, site, "event", plan.events, profiles=loaded.profiles)
        answer = apply.measure(question, self._directory)
        logged, started = only(url, _EVENTS, tuple[int, int])
        warm = 2 * plan.partitions
        events = self._grown("sleeping runs", rows, loaded, "event", answer, logged - warm - 1, started - warm)
        self._postgres.settle()
        question = apply.Question(url, self._postgres.pid, site, "timer", plan.events, instant=loaded.instant)
        answer = apply.measure(question, self._directory)
        completed, known = only(url, _TIMERS, tuple[int, int])
        self._postgres.drop(url)
        return [events, self._grown("sleeping runs", rows, loaded, "timer", answer, completed, known)]

    def _grown(self, what: str, rows: int, loaded: Loaded, kind: str, answer: apply.Answer, done: int, started: int) -> Grown:
        say(
            f"(k) {rows:,} {what}: {answer.seconds * 1e6:.0f} µs {'an event' if kind == 'event' else 'a timer'}; CPU: engine "
            f"{answer.cpu * 1e6:.0f} µs, PostgreSQL {answer.database_cpu * 1e6:.0f} µs; {answer.wal_bytes:,.0f} bytes of WAL"
        )
        applied = Applied(
            self._plan.events, [answer.seconds], [answer.cpu], [answer.database_cpu], answer.per_commit, done=done, started=started
        )
        return Grown(rows, loaded.size, loaded.seconds, kind, applied, answer.wal_bytes)
