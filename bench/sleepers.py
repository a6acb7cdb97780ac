"""(g) Very many sleeping runs: what they cost while they sleep, and whether those that wake among them are late."""

import asyncio
import os
import shutil
from math import gcd
from pathlib import Path
from time import monotonic, process_time
from typing import Final

import msgspec

from bench import apart
from bench.engine import only_row, opened, owned
from bench.engine_results import Sleep, Sleepers
from bench.percentiles import percentile
from bench.plan import Plan
from bench.planting import plant
from bench.progress import say
from bench.usage import resident
from clarion.clock import DAY, SECOND, wall_clock
from clarion.store.records.commits import Outcome

_STEP: Final = "exit"
_SECONDS: Final = 300.0
_DUE: Final = "SELECT json_group_object(id, due) FROM runs WHERE status = 'waiting' AND due < ?"
_COUNT: Final = "SELECT count(*) FROM runs WHERE ended IS NOT NULL"


class Question(msgspec.Struct, frozen=True):
    """One measurement; `instant` is when the first timer is due, in UTC microseconds."""

    directory: str
    instant: int
    timers: int
    idle_seconds: float
    settle_seconds: float


class Answer(msgspec.Struct, frozen=True):
    """See `Sleepers`."""

    idle_cores: float
    fired: int
    p50: float
    p99: float
    most: float
    memory: int


def run(plan: Plan, directory: Path) -> Sleep:
    """Measure with few and with many. Raises ChildFailed."""
    few, many = (_measured(plan, count, directory / f"sleepers-{count}") for count in (plan.sleep.few, plan.sleep.many))
    return Sleep(plan.sleep.idle_seconds, plan.sleep.rate, few, many)


def _measured(plan: Plan, sleeping: int, place: Path) -> Sleepers:
    place.mkdir()
    timers = plan.sleep.rate * plan.sleep.seconds
    planted = asyncio.run(plant(place, _STEP, sleeping + timers, _due(sleeping, timers, plan.sleep.rate)))
    question = Question(str(place), planted.instant, timers, plan.sleep.idle_seconds, plan.sleep.settle_seconds)
    answer = apart.ask("bench.sleepers", question, Answer, place / "sleepers.err", plan.sleep.idle_seconds + plan.sleep.seconds + _SECONDS)
    [completed] = only_row(place, _COUNT, tuple[int])
    shutil.rmtree(place)
    say(
        f"(g) {sleeping:,} sleeping runs: idle {answer.idle_cores:.2%} of a core; a timer fires after p50 {answer.p50:.1f} ms, "
        f"p99 {answer.p99:.1f} ms"
    )
    return Sleepers(
        sleeping=sleeping,
        database=planted.size,
        planted_seconds=planted.seconds,
        idle_cores=answer.idle_cores,
        timers=timers,
        fired=answer.fired,
        completed=completed,
        p50=answer.p50,
        p99=answer.p99,
        most=answer.most,
        memory=answer.memory,
    )


def _due(sleeping: int, timers: int, rate: int) -> str:
    """When a run is due: `timers` of them, spread evenly, at `rate` a second in mixed order; the others from a day later, over a month."""
    total, interval = sleeping + timers, SECOND // rate
    step = next(step for step in range(timers * 5 // 8 | 1, timers * 2, 2) if gcd(step, timers) == 1)
    number = f"(n * {timers} / {total})"
    wakes = f"(n + 1) * {timers} / {total} > {number}"
    return f"iif({wakes}, :instant + {number} * {step} % {timers} * {interval}, :instant + {DAY} + n * 2654435761 % {30 * DAY})"


# -- in the process that measures ----------------------------------------------------------------------------------------


async def _measure(asked: Question) -> Answer:
    place = Path(asked.directory)
    [listed] = only_row(place, _DUE, tuple[str], (asked.instant + DAY,))
    due = msgspec.json.decode(listed, type=dict[str, int])
    late: list[float] = []
    shift = asked.instant - round((2 * asked.settle_seconds + asked.idle_seconds) * SECOND) - wall_clock()

    def clock() -> int:
        return wall_clock() + shift

    def watch(outcome: Outcome) -> None:
        now = clock()
        late.extend((now - due[row.id]) / 1000 for row in outcome.runs if row.ended is not None)

    async with opened(place, watch) as store, owned(store, clock):
        await asyncio.sleep(asked.settle_seconds)
        began, used = monotonic(), process_time()
        await asyncio.sleep(asked.idle_seconds)
        idle = (process_time() - used) / (monotonic() - began)
        await store.seen.until(lambda: store.seen.ended >= asked.timers, asked.idle_seconds + _SECONDS)
    ordered = sorted(late)
    return Answer(idle, store.seen.ended, percentile(ordered, 50), percentile(ordered, 99), ordered[-1], resident(os.getpid()))


if __name__ == "__main__":
    apart.answer(Question, _measure)
