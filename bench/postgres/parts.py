"""What there is to run on PostgreSQL, each part with a server of its own."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

import msgspec

from bench.plan import Plan
from bench.postgres import disk, engines, growth, ingest, spread, through
from bench.postgres.results import PostgresResults
from bench.postgres.server import Postgres, started

PARTS: Final[dict[str, tuple[str, Callable[[Plan, Path, Postgres], object]]]] = {
    "h": ("ingest", ingest.run),
    "i": ("engines", engines.run),
    "j": ("through", through.run),
    "k": ("growth", growth.run),
    "l": ("spread", spread.run),
}
"""By letter: the field of the results that it fills."""

_SYNCS_SECONDS: Final = 1.0


def measure(letters: Collection[str], plan: Plan, directory: Path) -> PostgresResults:
    """Run some parts."""
    results = PostgresResults(version="", syncs=disk.syncs(directory, _SYNCS_SECONDS))
    for letter, (field, run) in PARTS.items():
        if letter in letters:
            with started(plan.postgres) as postgres:
                results = msgspec.structs.replace(results, version=postgres.version(), **{field: run(plan, directory, postgres)})
    return results
