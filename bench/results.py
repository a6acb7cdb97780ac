"""What the benchmarks measured, as it is saved. Latencies in milliseconds, memory in bytes."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from bench.encryption import Encryption
from bench.engine_results import Events, Fired, Profile, Sleep
from bench.machine import Machine, describe
from bench.plan import Plan
from bench.postgres.results import PostgresResults
from bench.push_results import Broadcast, SdkSize
from bench.server_results import Accept, Batch, ColdStart, EndToEnd

DIRECTORY: Final = Path(__file__).parent / "results"


PARTS: Final = {
    "accept": "(a)",
    "batch": "(b)",
    "end_to_end": "(c)",
    "cold_start": "(d)",
    "events": "(e)",
    "due": "(f)",
    "sleep": "(g)",
    "profile": "profile",
    "encryption": "(m)",
    "broadcast": "(n)",
    "sdk": "(o)",
    "postgres": "",
}
"""Fields of the results that a part fills, and its name."""

POSTGRES_PARTS: Final = {"ingest": "(h)", "engines": "(i)", "through": "(j)", "growth": "(k)", "spread": "(l)"}


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the benchmarks; what was not run is None."""

    date: str
    """UTC, ISO 8601."""
    machine: Machine
    plan: Plan
    other_cores: float = 0.0
    """Cores that other work on the machine took meanwhile, on average."""
    other_parts: dict[str, float] = {}
    """The same of parts that were measured by themselves, by letter."""
    other_dates: dict[str, str] = {}
    """And when that was."""
    accept: Accept | None = None
    batch: Batch | None = None
    end_to_end: EndToEnd | None = None
    cold_start: ColdStart | None = None
    events: Events | None = None
    due: list[Fired] | None = None
    """One for each kind of last step."""
    sleep: Sleep | None = None
    profile: Profile | None = None
    encryption: Encryption | None = None
    broadcast: Broadcast | None = None
    sdk: SdkSize | None = None
    postgres: PostgresResults | None = None


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


def merge(several: Sequence[Results]) -> Results:
    """Results as one; of what several have, the last one's counts. Raises ValueError where they are of different machines."""
    merged = several[0]
    for other in several[1:]:
        if (merged.machine.cpu, merged.machine.cores) != (other.machine.cpu, other.machine.cores):
            raise ValueError("these results were measured on different machines")
        fields = {name: value for name in PARTS if (value := getattr(other, name)) is not None}
        if merged.postgres is not None and other.postgres is not None:
            fields["postgres"] = _merged(merged.postgres, other.postgres)
        named = ", ".join(sorted(parts_of(other)))
        merged = msgspec.structs.replace(
            merged,
            machine=other.machine,
            plan=_planned(merged, other, fields),
            other_parts=merged.other_parts | other.other_parts | {named: other.other_cores},
            other_dates=merged.other_dates | other.other_dates | {named: other.date},
            **fields,
        )
    return merged


def parts_of(results: Results) -> list[str]:
    """Which parts were run, in order, as `(a)`; those on PostgreSQL by their letters too."""
    found = [letter for name, letter in PARTS.items() if name != "postgres" and getattr(results, name) is not None]
    if results.postgres is not None:
        found += [letter for name, letter in POSTGRES_PARTS.items() if getattr(results.postgres, name) is not None]
    return found


def _merged(one: PostgresResults, other: PostgresResults) -> PostgresResults:
    return msgspec.structs.replace(one, **{name: value for name, value in msgspec.structs.asdict(other).items() if value is not None})


def _planned(one: Results, other: Results, fields: Collection[str]) -> Plan:
    """The plan that each part was measured by."""
    return msgspec.structs.replace(one.plan, postgres=other.plan.postgres) if "postgres" in fields else one.plan
