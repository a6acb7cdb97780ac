"""What is aimed at and required of the engine by itself."""

from typing import Final

from bench.engine_results import Events, EventsCase, Fired, Sleep
from bench.percentiles import median
from bench.verdict import Verdict

_FLAT: Final = 1.2
"""How much more than with one workflow an event may cost: about what two measurements of the same thing differ by."""


def alone(events: Events, compared: EventsCase) -> EventsCase:
    """What a case is compared with: as few workflows as were measured, with as many of them listening, or with one where all do."""
    same = [each for each in events.cases if each.listening == min(compared.listening, 1)]
    return min(same, key=lambda each: each.workflows)


def growth(events: Events, compared: EventsCase) -> float:
    """CPU time of an event beside that with the fewest workflows; the disk's moods are not in it."""
    return median(compared.cpu_seconds) / median(alone(events, compared).cpu_seconds)


def judge_events(events: Events) -> list[Verdict]:
    """(e)"""
    verdicts = []
    for listening, what in ((1, "one listens"), (0, "nobody listens")):
        most = max((each for each in events.cases if each.listening == listening), key=lambda each: each.workflows)
        ratio = growth(events, most)
        said = f"(e) cost of an event, {most.workflows} workflows beside {alone(events, most).workflows}, {what}"
        verdicts.append(Verdict(said, f"{ratio:.2f}", f"≤ {_FLAT}", ratio <= _FLAT))
    rounds = len(events.raw)
    applied, expected = sum(each.applied for each in events.cases), sum(each.events for each in events.cases) * rounds
    started, wanted = sum(each.started for each in events.cases), sum(each.events * each.listening for each in events.cases) * rounds
    return [
        *verdicts,
        Verdict("(e) events applied", f"{applied:,} of {expected:,}", "all", applied == expected, required=True),
        Verdict("(e) runs started", f"{started:,} of {wanted:,}", "all", started == wanted, required=True),
    ]


def judge_due(fired: Fired) -> list[Verdict]:
    """(f)"""
    part, rate = f"(f) to `{fired.step}`:", fired.runs / fired.seconds
    once = fired.ended == fired.completed == fired.runs and not fired.waiting
    half, end = fired.tenths[len(fired.tenths) // 2 - 1].memory, fired.tenths[-1].memory
    return [
        Verdict(f"{part} runs that ended, each once", f"{fired.completed:,} of {fired.runs:,}", "all", once, required=True),
        Verdict(f"{part} steps a second", f"{rate:,.0f}", "≥ 20,000", rate >= 20_000),
        Verdict(f"{part} memory at the end beside half-way", f"{end / half:.2f}", "≤ 1.1", end <= 1.1 * half),
        Verdict(f"{part} memory at most", f"{fired.most / 1e6:.0f} MB", "< 150 MB", fired.most < 150_000_000),
    ]


def judge_sleep(sleep: Sleep) -> list[Verdict]:
    """(g)"""
    few, many = sleep.few, sleep.many
    ratio = many.p99 / few.p99
    what = f"(g) p99 from due to committed, {many.sleeping:,} sleeping runs beside {few.sleeping:,}"
    fired, timers = few.fired + many.fired, few.timers + many.timers
    once = fired == timers == few.completed + many.completed
    return [
        Verdict(f"(g) idle with {many.sleeping:,} sleeping runs", f"{many.idle_cores:.2%} of a core", "< 2 %", many.idle_cores < 0.02),
        Verdict(what, f"{ratio:.2f}", "≤ 2", ratio <= 2),
        Verdict("(g) timers that fired, each once", f"{fired:,} of {timers:,}", "all", once, required=True),
    ]
