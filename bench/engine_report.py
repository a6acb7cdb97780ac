"""The report's sections on the engine by itself."""

from bench.engine_results import Events, EventsCase, Fired, Profile, Profiled, Sleep, Sleepers
from bench.engine_verdicts import growth
from bench.percentiles import median
from bench.sampler import STAGES
from bench.table import table


def show_events(events: Events) -> str:
    """(e)"""
    floor = median(events.raw)

    def row(case: EventsCase) -> tuple[str, ...]:
        micros = median(case.seconds) * 1e6
        ratio = growth(events, case) / max(1, case.listening)
        return (
            f"{case.workflows:,}",
            f"{case.listening:,}",
            f"{1e6 / micros:,.0f}",
            f"{micros:.1f}",
            f"{median(case.cpu_seconds) * 1e6:.1f}",
            f"{micros / case.listening:.1f}" if case.listening else "—",
            f"{ratio:.2f}",
            f"{median(case.seconds) / floor:.1f}",
        )

    head = ("workflows", "listening", "events/s", "µs an event", "CPU µs an event", "µs a start", "to fewest", "to SQLite alone")
    return f"{table(head, [row(case) for case in events.cases])}\n\nSQLite alone takes {floor * 1e6:.1f} µs a row."


def show_due(due: list[Fired]) -> str:
    """(f)"""

    def row(fired: Fired) -> tuple[str, ...]:
        first, last = fired.tenths[0].seconds, fired.tenths[-1].seconds - fired.tenths[-2].seconds
        return (
            f"`{fired.step}`",
            f"{fired.runs:,}",
            f"{fired.runs / fired.seconds:,.0f}",
            f"{fired.runs / 10 / first:,.0f}",
            f"{fired.runs / 10 / last:,.0f}" if last > 0 else "—",
            f"{fired.cpu_seconds / fired.runs * 1e6:.1f}",
            f"{fired.runs / fired.raw_seconds:,.0f}",
            f"{fired.raw_seconds / fired.seconds:.2f}",
            f"{fired.before / 1e6:.0f}",
            f"{fired.tenths[len(fired.tenths) // 2 - 1].memory / 1e6:.0f}",
            f"{fired.tenths[-1].memory / 1e6:.0f}",
            f"{fired.most / 1e6:.0f}",
        )

    head = (
        "last step",
        "runs",
        "steps/s",
        "first tenth",
        "last tenth",
        "CPU µs a step",
        "SQLite alone, rows/s",
        "share of it",
        "MB before",
        "half-way",
        "at the end",
        "at most",
    )
    return table(head, [row(fired) for fired in due])


def show_sleep(sleep: Sleep) -> str:
    """(g)"""

    def row(one: Sleepers) -> tuple[str, ...]:
        return (
            f"{one.sleeping:,}",
            f"{one.database / 1e6:,.0f}",
            f"{one.idle_cores:.2%}",
            f"{one.fired:,} of {one.timers:,}",
            f"{one.p50:.1f}",
            f"{one.p99:.1f}",
            f"{one.most:.1f}",
            f"{one.memory / 1e6:.0f}",
        )

    head = ("sleeping runs", "database MB", "idle, of a core", "fired", "p50 ms", "p99 ms", "most ms", "memory MB")
    return "\n\n".join(
        [
            table(head, [row(sleep.few), row(sleep.many)]),
            f"Idle for {sleep.idle_seconds:g} s, then {sleep.rate:,} timers a second. The p99 is {sleep.many.p99 / sleep.few.p99:.2f} "
            f"times that with {sleep.few.sleeping:,}; to plant {sleep.many.sleeping:,} took {sleep.many.planted_seconds:.0f} s.",
        ]
    )


def show_profile(profile: Profile) -> str:
    """Stages by case, then the places of each case."""
    head = ("stage", *(case.name for case in profile.cases))
    rows = [(stage, *(_part(case, case.stages.get(stage, 0.0)) for case in profile.cases)) for stage in STAGES]
    rows.append(("all", *(f"{case.micros:.1f}" for case in profile.cases)))
    places = [(case.name, ", ".join(f"{place.replace('<', '&lt;')} {share:.1%}" for place, share in case.places)) for case in profile.cases]
    return f"{table(head, rows)}\n\n{table(('case', 'most of it at'), places)}"


def _part(case: Profiled, share: float) -> str:
    return f"{share * case.micros:.1f} ({share:.0%})"
