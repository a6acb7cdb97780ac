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


class BroadcastPlan(msgspec.Struct, frozen=True):
    """(n)"""

    subscribers: int = 1_000_000
    alone: int = 30_000
    """Pushes of the client alone."""
    pywebpush: int = 1_000


class PostgresPlan(msgspec.Struct, frozen=True):
    """(h) to (l). Durations are in seconds."""

    settings: tuple[str, ...] = ("shared_buffers=4GB", "max_wal_size=8GB", "checkpoint_timeout=15min", "maintenance_work_mem=1GB")
    """Of the server, as the how-to advises for this machine; the others are the server's own."""
    partitions: int = 64
    many_partitions: int = 256
    """Of (j), beside those."""
    rounds: int = 2
    """Times that each server of (h) and each case of (i) is measured in turn; the median counts."""
    seconds: float = 4
    """Of one round of (h), and of one measurement at the store's port."""
    copied: int = 500_000
    """Rows that COPY writes at a time at most."""
    events: int = 20_000
    """Of one measurement of (i) and (k)."""
    workflows: int = 20
    runs: int = 50_000
    """Timers of (i) that are due at one instant."""
    rates: tuple[int, ...] = (250, 500, 1000, 1500, 2000, 3000, 4000)
    """Events a second of (j), rising."""
    step_seconds: float = 4
    """Of one rate of (j)."""
    warm_up_seconds: float = 3
    """Of (j), before the first rate."""
    rest_seconds: float = 5
    """For which the processes of (j) have nothing to do."""
    logs: tuple[int, ...] = (100_000, 1_000_000, 10_000_000)
    """Events in the log, of (k)."""
    sleepers: tuple[int, ...] = (10_000, 1_000_000, 10_000_000)
    """Sleeping runs, of (k)."""
    backlog: int = 30_000
    """Events that wait as the engines of (l) begin."""
    beside: int = 200
    """Events a second that come in meanwhile."""


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
    broadcast: BroadcastPlan = BroadcastPlan()
    postgres: PostgresPlan = PostgresPlan()


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
    broadcast=BroadcastPlan(subscribers=2_000, alone=2_000, pywebpush=100),
    postgres=PostgresPlan(
        settings=("shared_buffers=256MB",),
        partitions=16,
        many_partitions=64,
        rounds=1,
        seconds=2,
        copied=20_000,
        events=1_000,
        runs=2_000,
        rates=(100, 400),
        step_seconds=2,
        rest_seconds=1,
        logs=(1_000, 10_000),
        sleepers=(1_000, 10_000),
        backlog=2_000,
        beside=50,
    ),
)
