"""`python -m bench`: run benchmarks, or write the report of a run that was saved."""

import argparse
import re
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from bench import (
    accept,
    batch,
    broadcast,
    cold_start,
    due_at_once,
    encryption,
    end_to_end,
    engine_events,
    profiling,
    report,
    sdk_size,
    sleepers,
)
from bench.neighbours import QUIET, Neighbours
from bench.plan import FULL, QUICK, Plan
from bench.postgres import parts as postgres
from bench.progress import say
from bench.results import Results, begin, load, merge, save
from bench.verdicts import judge

PARTS: Final[dict[str, tuple[str, Callable[[Plan, Path], object]]]] = {
    "a": ("accept", accept.run),
    "b": ("batch", batch.run),
    "c": ("end_to_end", end_to_end.run),
    "d": ("cold_start", cold_start.run),
    "e": ("events", engine_events.run),
    "f": ("due", due_at_once.run),
    "g": ("sleep", sleepers.run),
    "profile": ("profile", profiling.run),
    "m": ("encryption", encryption.run),
    "n": ("broadcast", broadcast.run),
    "o": ("sdk", sdk_size.run),
}
"""What there is to run on SQLite, and the field of the results that it fills."""

POSTGRES: Final = "postgres"
"""Names all parts on PostgreSQL."""

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


def main() -> int:
    """Exit code 1 if something required is not met."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "part",
        nargs="?",
        default="all",
        choices=(*PARTS, *postgres.PARTS, POSTGRES, "all", "report"),
        help="a: accept, b: batches, c: end to end, d: cold start, e: events through the engine, f: a million runs due at once, "
        "g: ten million sleeping runs, profile: where the engine's time goes, m: encryption of pushes, "
        "n: a broadcast, o: the size of the browser SDK; "
        "on PostgreSQL, h: ingest, i: the engine, j: end to end, k: growth, l: two engines, postgres: all of these; "
        "report: write docs/benchmarks and docs/scaling from saved results",
    )
    parser.add_argument(
        "names", nargs="*", type=_name, help="of the saved results, for report; of what several have, the last one's counts"
    )
    parser.add_argument("--quick", action="store_true", help="short runs: to see that all works, not for numbers")
    parser.add_argument("--save", metavar="NAME", type=_name, help="keep the numbers in bench/results/NAME.json")
    chosen = parser.parse_args()
    if chosen.part == "report":
        if not chosen.names:
            parser.error("report needs the name of saved results")
        for file in report.write(merge([load(name) for name in chosen.names])):
            print(file)
        return 0
    if chosen.names:
        parser.error("a name goes with report; to save results, use --save")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything started is ended
    results = measure(chosen.part, QUICK if chosen.quick else FULL)
    if chosen.save is not None:
        save(results, chosen.save)
    return _conclude(results)


def measure(part: str, plan: Plan) -> Results:
    """Run one part, or all, in a directory that is gone afterwards."""
    results, neighbours = begin(plan), Neighbours()
    with tempfile.TemporaryDirectory(prefix="clarion-bench-") as made:
        directory = Path(made)
        for letter, (field, run) in PARTS.items():
            if part in (letter, "all"):
                results = msgspec.structs.replace(results, **{field: run(plan, directory)})
        letters = [letter for letter in postgres.PARTS if part in (letter, POSTGRES, "all")]
        if letters:
            results = msgspec.structs.replace(results, postgres=postgres.measure(letters, plan, directory))
    return msgspec.structs.replace(results, other_cores=neighbours.cores())


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError("a name has small letters, digits, dots and hyphens")
    return text


def _conclude(results: Results) -> int:
    if results.other_cores > QUIET:
        say(f"other work took {results.other_cores:.2f} cores meanwhile: do not trust the numbers")
    failed = False
    for verdict in judge(results):
        failed |= verdict.required and not verdict.met
        mark = "ok  " if verdict.met else "FAIL" if verdict.required else "miss"
        print(f"{mark} {verdict.what}: {verdict.measured} (wanted: {verdict.wanted})")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
