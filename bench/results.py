"""What the benchmarks measured, as it is saved. Latencies in milliseconds, memory in bytes."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from bench.engine_results import Events, Fired, Profile, Sleep
from bench.machine import Machine, describe
from bench.plan import Plan
from bench.usage import Memory

DIRECTORY: Final = Path(__file__).parent / "results"


class Round(msgspec.Struct, frozen=True):
    """One server under wrk, once."""

    rate: float
    """Requests a second."""
    p50: float
    p99: float
    errors: int
    """Answers other than 2xx, and failures of sockets."""


class Accept(msgspec.Struct, frozen=True):
    """(a) One event a request."""

    nginx: list[Round]
    bare: list[Round]
    clarion: list[Round]
    acknowledged: int
    stored: int
    """Events in the database afterwards; at least as many as were acknowledged."""
    memory: Memory


class Batch(msgspec.Struct, frozen=True):
    """(b) Batches of events."""

    size: int
    connections: int
    rate: float
    """Events acknowledged a second."""
    p50: float
    p99: float
    """Of a whole batch."""
    errors: int
    acknowledged: int
    stored: int
    memory: Memory


class Step(msgspec.Struct, frozen=True):
    """One rate of (c). Latency runs from when an event was due to when its request reached the receiver."""

    rate: int
    scheduled: int
    acknowledged: int
    arrived: int
    """Events whose request arrived within the step and 5 s."""
    p50: float
    p99: float
    most: float
    acknowledged_p50: float
    acknowledged_p99: float
    server_cores: float
    """CPU seconds a second."""
    generator_cores: float
    sustained: bool


class EndToEnd(msgspec.Struct, frozen=True):
    """(c) Event in, request out."""

    workflows: int
    profiles: int
    connections: int
    steps: list[Step]
    highest: int
    """The highest rate that was sustained, every lower one too; 0 if none was."""
    half: Step | None
    """Measured at half of the highest rate."""
    acknowledged: int
    never_arrived: int
    """Acknowledged events whose request had not arrived at the end."""
    repeated: int
    """Requests that arrived more than once."""
    memory: Memory


class ColdStart(msgspec.Struct, frozen=True):
    """(d) A server that has nothing to do."""

    seconds: list[float]
    memory: Memory
    idle_cores: float


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the benchmarks; what was not run is None."""

    date: str
    """UTC, ISO 8601."""
    machine: Machine
    plan: Plan
    other_cores: float = 0.0
    other_parts: dict[str, float] = {}
    """The same of parts that were measured by themselves, by letter."""
    """Cores that other work on the machine took meanwhile, on average."""
    accept: Accept | None = None
    batch: Batch | None = None
    end_to_end: EndToEnd | None = None
    cold_start: ColdStart | None = None
    events: Events | None = None
    due: list[Fired] | None = None
    """One for each kind of last step."""
    sleep: Sleep | None = None
    profile: Profile | None = None


def begin(plan: Plan) -> Results:
    """Results without measurements."""
    return Results(date=datetime.now(UTC).date().isoformat(), machine=describe(), plan=plan)


def save(results: Results, name: str) -> Path:
    """Write results where `load` finds them."""
    DIRECTORY.mkdir(exist_ok=True)
    file = DIRECTORY / f"{name}.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    return file


def load(name: str) -> Results:
    """Results that were saved. Raises FileNotFoundError, msgspec.ValidationError."""
    return msgspec.json.decode((DIRECTORY / f"{name}.json").read_bytes(), type=Results)
