"""Where the engine's time goes: the cases of (e) and (f) once more, with a sampler that looks on."""

import shutil
from pathlib import Path
from typing import Final

from bench import asleep, due_at_once, engine_events
from bench.engine_results import Profile, Profiled
from bench.plan import Plan
from bench.progress import say
from bench.sampler import Sampled

_WORKFLOWS: Final = 20
_MOST_RUNS: Final = 100_000
"""Timers are watched for a few seconds; more would say the same."""


def run(plan: Plan, directory: Path) -> Profile:
    """Measure. Raises ChildFailed."""
    place = directory / "profile"
    place.mkdir()
    cases = []
    # an event that nobody listens for is soon done: more of them, for as many samples
    for listening, events, name in (
        (0, 5 * plan.events.events, "event, nobody listens"),
        (1, plan.events.events, "event that starts a run"),
    ):
        answer = engine_events.measure(place / f"listening-{listening}", _WORKFLOWS, listening, events, sampled=True)
        assert answer.sampled is not None
        cases.append(_profiled(name, "event", answer.seconds * 1e6, answer.sampled))
    runs = min(plan.due.runs, _MOST_RUNS)
    for step in asleep.STEPS:
        fired, _ = due_at_once.measure(place / step, step, runs, sampled=True)
        shutil.rmtree(place / step)
        assert fired.sampled is not None
        cases.append(_profiled(f"timer, then `{step}`", "timer", fired.seconds / runs * 1e6, fired.sampled))
    return Profile(cases)


def _profiled(name: str, unit: str, micros: float, sampled: Sampled) -> Profiled:
    say(f"(profile) {name}: {micros:.1f} µs")
    for stage, share in sampled.stages.items():
        say(f"    {share:6.1%} {share * micros:7.1f} µs  {stage}")
    for place, share in sampled.places:
        say(f"        {share:6.1%} {share * micros:7.1f} µs  {place}")
    return Profiled(name, unit, micros, sampled.samples, sampled.stages, sampled.places)
