"""What the benchmarks on PostgreSQL measured, as it is saved. Latencies in milliseconds, sizes in bytes, times as each field says."""

import msgspec

from bench.server_results import Batch, EndToEnd


class Ingested(msgspec.Struct, frozen=True):
    """(h) One server under wrk, once."""

    rate: float
    """Events a second."""
    p50: float
    p99: float
    errors: int
    cpu: dict[str, float]
    """Seconds of 1,000 events, by process."""
    acknowledged: int
    stored: int
    """Events in the database afterwards; at least as many as were acknowledged."""


class AtPort(msgspec.Struct, frozen=True):
    """(h) Rows a second into the inbox, without a server around the store; CPU in seconds of 1,000 rows."""

    rate: float
    cpu: float
    """Of the process that calls the store."""
    database_cpu: float
    """Of PostgreSQL; 0 where there is none."""


class Ingest(msgspec.Struct, frozen=True):
    """(h) The way in. By server: `sqlite`, `postgres`, and `api`, the process on PostgreSQL that only takes requests."""

    single: dict[str, list[Ingested]]
    batch: dict[str, Batch]
    port: dict[str, AtPort]
    """By `sqlite single`, `sqlite batch`, `postgres single`, `postgres batch`, `copy pieces` and `copy whole`."""
    size: int
    """Rows of a batch at the port, and of a piece that COPY writes in one transaction."""
    callers: dict[str, int]
    """Calls under way at a time at the port, by `single` and `batch`."""


class Applied(msgspec.Struct, frozen=True):
    """(i) Events, or timers, through an engine, in each round. Seconds of one."""

    count: int
    """Of a round."""
    seconds: list[float]
    cpu: list[float]
    """Of the engine's process."""
    database_cpu: list[float]
    """Of PostgreSQL; 0 where there is none."""
    per_batch: float
    """Inputs of a commit."""
    done: int
    """Events in the log, or runs completed, after all rounds."""
    started: int
    """Runs in the database after all rounds."""


class Engines(msgspec.Struct, frozen=True):
    """(i) By store: `sqlite`, `postgres 1` and `postgres N`, with so many partitions."""

    heard: dict[str, Applied]
    """One of the workflows listens for the events."""
    unheard: dict[str, Applied]
    """None does."""
    timers: dict[str, Applied]
    """Runs that were due at one instant."""


class Size(msgspec.Struct, frozen=True):
    """(j) What a table takes on the disk."""

    rows: int
    heap: int
    """With what is kept beside long rows."""
    indexes: int


class Burst(msgspec.Struct, frozen=True):
    """(j) Events that wait all at once, as after an outage, through the three processes; `api` only looks on."""

    events: int
    seconds: float
    cpu: dict[str, float]
    """Seconds, by process, until all had arrived and the engine had heard so."""
    counts: dict[str, float]


class Split(msgspec.Struct, frozen=True):
    """(j) On PostgreSQL with three processes: api, engine, delivery."""

    course: EndToEnd
    """Its steps count entries and commits of ingest, inputs and commits of the engine, and bytes of WAL."""
    burst: Burst
    rest: dict[str, float]
    """Cores that each of the three, and PostgreSQL, take while nothing happens."""
    events: int
    """Of `course` and `burst` together: what `sizes` are of."""
    sizes: dict[str, Size]
    body: float
    """Bytes of an event as it stands in the log, on average."""
    commits: int
    """Transactions of the server in `course`."""
    connections: dict[str, int]
    """To the server, by process."""
    memory: dict[str, int]
    """Resident afterwards, by process."""


class Through(msgspec.Struct, frozen=True):
    """(j) From event to request: on SQLite, on PostgreSQL in one process, with many partitions too, and in three."""

    sqlite: EndToEnd
    together: EndToEnd
    many: EndToEnd
    split: Split


class Grown(msgspec.Struct, frozen=True):
    """(k) What an event, or a timer, costs with so much in the database. Seconds of one."""

    rows: int
    database: int
    """Its size."""
    loaded_seconds: float
    kind: str
    """What is applied: `event` or `timer`."""
    applied: Applied
    wal_bytes: float
    """Of one."""


class Growth(msgspec.Struct, frozen=True):
    """(k) By what there is more and more of."""

    log: list[Grown]
    sleepers: list[Grown]


class Spread(msgspec.Struct, frozen=True):
    """(l) So many engine processes on one database."""

    engines: int
    seconds: float
    """In which they applied the events that waited."""
    applied: int
    """Entries that they logged meanwhile: those, and what came in beside them."""
    came: int
    """Events that were acknowledged meanwhile."""
    cpu: dict[str, float]
    """Seconds of CPU meanwhile, by process: `api`, `generator`, `postgres`, and `engine 1`, ...."""
    owned: list[int]
    """Partitions of each engine."""
    memory: list[int]
    """Of each engine before the first event, resident."""
    lost: int
    """Events that were not in the log afterwards."""


class PostgresResults(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured on PostgreSQL; what was not run is None."""

    version: str
    """Of the server."""
    syncs: float
    """Times a second that the disk writes 8 KiB for good, one after the other."""
    ingest: Ingest | None = None
    engines: Engines | None = None
    through: Through | None = None
    growth: Growth | None = None
    spread: list[Spread] | None = None
