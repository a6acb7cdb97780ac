"""What the benchmarks of the engine by itself measured, as it is saved. Memory in bytes; times as each field says."""

import msgspec


class EventsCase(msgspec.Struct, frozen=True):
    """(e) One mix of workflows."""

    workflows: int
    """Active ones."""
    listening: int
    """How many of them listen for the event that comes."""
    events: int
    """Of a round."""
    seconds: list[float]
    """Of an event, in each round."""
    cpu_seconds: list[float]
    """Of an event, in each round."""
    applied: int
    """Events in the log after all rounds."""
    started: int
    """Runs in the database after all rounds."""


class Events(msgspec.Struct, frozen=True):
    """(e) Events through the engine."""

    cases: list[EventsCase]
    raw: list[float]
    """Seconds that SQLite alone takes to move a row from one table to another, in each round."""


class Tenth(msgspec.Struct, frozen=True):
    """(f) When another tenth of the runs had ended."""

    seconds: float
    """After the instant."""
    memory: int
    """Resident."""


class Fired(msgspec.Struct, frozen=True):
    """(f) Runs that were due at one instant, ending with one kind of step."""

    step: str
    """The kind of the last step."""
    runs: int
    seconds: float
    """From the instant to the last commit."""
    cpu_seconds: float
    tenths: list[Tenth]
    ended: int
    """How often a commit ended a run."""
    completed: int
    """Completed runs in the database afterwards."""
    waiting: int
    """Runs that still wait."""
    before: int
    """Memory before the instant, resident."""
    most: int
    """Memory at most, resident."""
    raw_seconds: float
    """What SQLite takes to update as many rows of a copy, in transactions of the same size."""


class Sleepers(msgspec.Struct, frozen=True):
    """(g) An engine with so many sleeping runs. Latencies in milliseconds, from due to committed."""

    sleeping: int
    database: int
    """Bytes of the database file."""
    planted_seconds: float
    idle_cores: float
    timers: int
    fired: int
    """How often a commit ended a run that was due."""
    completed: int
    """Completed runs in the database afterwards."""
    p50: float
    p99: float
    most: float
    memory: int
    """Resident, afterwards."""


class Sleep(msgspec.Struct, frozen=True):
    """(g) Few and many sleeping runs."""

    idle_seconds: float
    rate: int
    few: Sleepers
    many: Sleepers


class Profiled(msgspec.Struct, frozen=True):
    """Where the engine's time goes in one case."""

    name: str
    unit: str
    """What `micros` are per: event, timer."""
    micros: float
    """Microseconds per unit while it was watched."""
    samples: int
    stages: dict[str, float]
    """Share of the time by stage."""
    places: list[tuple[str, float]]
    """The functions with the largest shares."""


class Profile(msgspec.Struct, frozen=True):
    """Where the engine's time goes."""

    cases: list[Profiled]
