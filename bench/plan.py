"""How long and how often each benchmark measures."""

import msgspec


class EventsPlan(msgspec.Struct, frozen=True):
    """(e)"""

    workflows: tuple[int, ...] = (1, 20, 200)
    events: int = 20_000
    """Of one measurement; where many workflows listen, so many starts instead."""
    rounds: int = 3
    """Times that each case is measured in turn; the median counts."""


class DuePlan(msgspec.Struct, frozen=True):
    """(f)"""

    runs: int = 1_000_000


class SleepPlan(msgspec.Struct, frozen=True):
    """(g). Durations are in seconds."""

    few: int = 10_000
    """Sleeping runs that the others are compared with."""
    many: int = 10_000_000
    idle_seconds: float = 60
    settle_seconds: float = 2
    """What an engine has after its start, and again between its rest and the first timer."""
    rate: int = 200
    """Timers that come due a second."""
    seconds: int = 30


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Durations are in seconds."""

    name: str
    rounds: int
    """Times that each server is measured in turn; the median counts."""
    seconds: float
    """Of one round of (a) and of (b)."""
    rates: tuple[int, ...]
    """Events a second of (c), rising."""
    step_seconds: float
    """Of one rate of (c)."""
    starts: int
    """Cold starts of (d)."""
    idle_seconds: float
    events: EventsPlan = EventsPlan()
    due: DuePlan = DuePlan()
    sleep: SleepPlan = SleepPlan()


FULL = Plan(
    name="full",
    rounds=3,
    seconds=8,
    rates=(250, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500, 5000),
    step_seconds=8,
    starts=5,
    idle_seconds=10,
)
QUICK = Plan(
    name="quick",
    rounds=1,
    seconds=3,
    rates=(250, 1000, 2000, 3000),
    step_seconds=3,
    starts=2,
    idle_seconds=3,
    events=EventsPlan(events=2_000, rounds=1),
    due=DuePlan(runs=5_000),
    sleep=SleepPlan(few=1_000, many=20_000, idle_seconds=3, seconds=3),
)
