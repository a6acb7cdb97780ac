"""How long and how often each benchmark measures."""

import msgspec


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


FULL = Plan(
    name="full",
    rounds=3,
    seconds=8,
    rates=(250, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500, 5000),
    step_seconds=8,
    starts=5,
    idle_seconds=10,
)
QUICK = Plan(name="quick", rounds=1, seconds=3, rates=(250, 1000, 2000, 3000), step_seconds=3, starts=2, idle_seconds=3)
