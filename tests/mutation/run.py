"""Makes the mutants, judges them and keeps the results; started by `python -m tests.mutation` in a copy of the tree."""

import random
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from tests.mutation.judge import Verdict, judge
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.reach import measure, preload
from tests.mutation.results import Results, conclude, is_killed

PACKAGES: Final = ("domain", "workflow")
_SEED: Final = 20_260_301


class Order(msgspec.Struct, frozen=True):
    """What is wanted."""

    modules: tuple[str, ...] = ()
    """Beginnings of names of modules below `clarion.`; empty for all."""
    sample: int | None = None
    jobs: int = 2


def carry_out(order: Order, root: Path) -> Results:
    """Raises RuntimeError if the tests do not pass as they are."""
    began = time.monotonic()
    source = root / "src" / "clarion"
    packages = [source / name for name in PACKAGES]
    reach = measure(packages, root)
    if reach.failed:
        msg = f"without any mutant, these do not pass: {', '.join(reach.failed[:10])}"
        raise RuntimeError(msg)
    every = [mutant for package in packages for mutant in _of_package(package, source.parent, order.modules)]
    chosen = every if order.sample is None else sorted(random.Random(_SEED).sample(range(len(every)), min(order.sample, len(every))))
    picked = [each if isinstance(each, Mutant) else every[each] for each in chosen]
    preload(reach)
    verdicts: list[Verdict] = []
    for verdict in judge(picked, reach, order.jobs):
        verdicts.append(verdict)
        if not is_killed(verdict):
            sys.stderr.write(f"{verdict.outcome}: {verdict.module}:{verdict.line} {verdict.change}   in: {verdict.source}\n")
        if len(verdicts) % 100 == 0 or len(verdicts) == len(picked):
            _say(verdicts, len(picked), time.monotonic() - began)
    return conclude(verdicts, len(every), datetime.now(UTC).date().isoformat(), time.monotonic() - began)


def _of_package(package: Path, source: Path, wanted: Sequence[str]) -> list[Mutant]:
    found: list[Mutant] = []
    for file in sorted(package.rglob("*.py")):
        name = ".".join(file.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
        if not wanted or name.removeprefix("clarion.").startswith(tuple(wanted)):
            found += mutants(name, file)
    return found


def _say(verdicts: Sequence[Verdict], total: int, seconds: float) -> None:
    killed = sum(map(is_killed, verdicts))
    sys.stderr.write(f"{len(verdicts)}/{total} mutants, {killed} killed, {seconds:.0f} s\n")


def main() -> int:
    """Reads the order from standard input, writes the results to standard output."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    try:
        results = carry_out(order, Path.cwd())
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.buffer.write(msgspec.json.encode(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
