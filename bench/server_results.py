"""What the benchmarks of a whole server measured, as it is saved. Latencies in milliseconds, memory in bytes."""

import msgspec

from bench.usage import Memory


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
    cpu: dict[str, float] = {}
    """CPU seconds by process, from the first event until everything had arrived; where several take part."""
    counts: dict[str, float] = {}
    """What was counted meanwhile, by name, where somebody did."""


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
