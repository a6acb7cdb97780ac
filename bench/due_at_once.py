"""(f) Very many runs that are due at one instant: how fast they fire, and in how much memory."""

import asyncio
import os
import shutil
from contextlib import nullcontext
from pathlib import Path
from time import perf_counter, process_time
from typing import Final

import msgspec

from bench import apart, raw
from bench.asleep import STEPS
from bench.engine import DATABASE, Watched, only_row, opened, owned
from bench.engine_results import Fired, Tenth
from bench.plan import Plan
from bench.planting import plant
from bench.progress import say
from bench.sampler import Sampled, Sampler
from bench.usage import most_resident, resident
from clarion.clock import SECOND, wall_clock

BATCH: Final = 1_000
"""Timers in a commit, as the engine takes them: for the floor."""
_AHEAD: Final = 1.0
"""Seconds that an engine is up before the instant."""
_SECONDS: Final = 300.0
_LONG: Final = 100_000
"""With so many runs it says how far it is."""
COUNT: Final = "SELECT count(*) FILTER (WHERE ended IS NOT NULL), count(*) FILTER (WHERE status = 'waiting') FROM runs"


class Question(msgspec.Struct, frozen=True):
    """One measurement."""

    directory: str
    runs: int
    instant: int
    sampled: bool = False


class Answer(msgspec.Struct, frozen=True):
    """See `Fired`."""

    seconds: float
    cpu_seconds: float
    tenths: list[Tenth]
    ended: int
    before: int
    most: int
    sampled: Sampled | None = None
    per_commit: float = 0.0
    """Timers."""


def run(plan: Plan, directory: Path) -> list[Fired]:
    """Measure with each kind of last step. Raises ChildFailed."""
    return [_fire(step, plan.due.runs, directory / f"due-{step}") for step in STEPS]


def _fire(step: str, runs: int, place: Path) -> Fired:
    answer, floor = measure(place, step, runs)
    completed, waiting = only_row(place, COUNT, tuple[int, int])
    shutil.rmtree(place)
    say(
        f"(f) {runs:,} runs to {step}: {runs / answer.seconds:,.0f} steps/s, {answer.most / 1e6:.0f} MB at most; "
        f"SQLite alone: {runs / floor:,.0f} rows/s"
    )
    return Fired(
        step=step,
        runs=runs,
        seconds=answer.seconds,
        cpu_seconds=answer.cpu_seconds,
        tenths=answer.tenths,
        ended=answer.ended,
        completed=completed,
        waiting=waiting,
        before=answer.before,
        most=answer.most,
        raw_seconds=floor,
    )


def measure(place: Path, step: str, runs: int, *, sampled: bool = False) -> tuple[Answer, float]:
    """Fire once, in a process of its own; and the seconds of the floor. The database stays. Raises ChildFailed."""
    place.mkdir()
    planted = asyncio.run(plant(place, step, runs, ":instant"))
    copy = place / "raw.db"
    shutil.copyfile(place / DATABASE, copy)
    floor = raw.end_runs(copy, planted.instant, BATCH)
    copy.unlink()
    question = Question(str(place), runs, planted.instant, sampled)
    return apart.ask("bench.due_at_once", question, Answer, place / "due.err", _SECONDS), floor


# -- in the process that measures ----------------------------------------------------------------------------------------


async def _measure(asked: Question) -> Answer:
    own = os.getpid()
    async with opened(Path(asked.directory)) as store:
        shift = asked.instant - round(_AHEAD * SECOND) - wall_clock()
        instant = perf_counter() + _AHEAD
        async with owned(store, lambda: wall_clock() + shift):
            await asyncio.sleep(instant - perf_counter())
            used, before, commits = process_time(), resident(own), store.seen.commits
            with Sampler() if asked.sampled else nullcontext() as sampler:
                tenths = [await _tenth(store, asked.runs, number, instant) for number in range(1, 11)]
                used = process_time() - used
    seen = sampler.sampled() if sampler else None
    per_commit = store.seen.ended / max(1, store.seen.commits - commits)
    return Answer(tenths[-1].seconds, used, tenths, store.seen.ended, before, most_resident(own), seen, per_commit)


async def _tenth(store: Watched, runs: int, number: int, instant: float) -> Tenth:
    """Wait for so many tenths of the runs."""
    goal = runs * number // 10
    await store.seen.until(lambda: store.seen.ended >= goal, _SECONDS)
    tenth = Tenth(store.seen.last - instant, resident(os.getpid()))
    if runs >= _LONG:
        print(f"    {store.seen.ended:,} of {runs:,} after {tenth.seconds:.1f} s, {tenth.memory / 1e6:.0f} MB", flush=True)
    return tenth


if __name__ == "__main__":
    apart.answer(Question, _measure)
