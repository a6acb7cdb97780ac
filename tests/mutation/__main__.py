"""`python -m tests.mutation`: mutation testing of `clarion.domain` and `clarion.workflow`."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec
from tests.mutation.report import render, summarise
from tests.mutation.results import Results, together
from tests.mutation.run import Order

FLOOR: Final = 85.0
"""Percent of mutants that the tests have to kill, in each package."""

QUICK: Final = 900
"""Mutants that give the score to two points, with 95 % confidence."""

_ROOT: Final = Path(__file__).parents[2]
_COPIED: Final = ("src", "tests", "examples", "docs", "pyproject.toml")


def main() -> int:
    """Exit code 1 if too few mutants are killed, 2 if the tests do not pass without any."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument(
        "--module", action="append", default=[], metavar="NAME", help="only modules of that name below clarion, and below it"
    )
    parser.add_argument("--sample", type=int, metavar="N", help="only N mutants, always the same ones")
    parser.add_argument("--quick", action="store_const", const=QUICK, dest="sample", help=f"the same as --sample {QUICK}")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes at a time")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the results as a page")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results as JSON")
    parser.add_argument("--add", type=Path, metavar="FILE", help="results of other modules, written as JSON by a run on the same tree")
    chosen = parser.parse_args()
    added = None if chosen.add is None else msgspec.json.decode(chosen.add.read_bytes(), type=Results)
    results = _measure(Order(tuple(chosen.module), chosen.sample, chosen.jobs))
    if results is None:
        return 2
    if added is not None:
        results = together(results, added)
    sys.stdout.write(f"{summarise(results)}\n")
    if chosen.json is not None:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    if chosen.page is not None:
        chosen.page.write_text(render(results, FLOOR), encoding="utf-8")
    return 0 if all(one.score >= FLOOR for one in results.packages()) else 1


def _measure(order: Order) -> Results | None:
    """Work in a copy, which nobody edits meanwhile."""
    with tempfile.TemporaryDirectory(prefix="clarion-mutation-") as made:
        copy = Path(made).resolve()
        for name in _COPIED:
            source = _ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, copy / name)
        environment = {**os.environ, "PYTHONPATH": str(copy / "src")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # each mutant would compile everything
        command = [sys.executable, "-m", "tests.mutation.run"]
        done = subprocess.run(command, cwd=copy, env=environment, input=msgspec.json.encode(order), stdout=subprocess.PIPE, check=False)
        return msgspec.json.decode(done.stdout, type=Results) if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())
