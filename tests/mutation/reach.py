"""Which tests run which lines, and how long they take: from a run of them all, and another one under coverage."""

import importlib
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Set
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Any, Final

import coverage
import msgspec
from tests.mutation import session

_LONGEST: Final = 1.0
"""Seconds that a test may take of a processor; longer ones are left out, which can only lower the score."""
_MOST_FAR: Final = 200
"""Tests of other packages that are run for one mutant: more would take long, and leaving them out can only lower the score."""
_OWN: Final = ("clarion", "tests", "conftest", "test_", "__")


class Reach(msgspec.Struct, frozen=True):
    """What runs of all tests without any mutant showed."""

    seconds: dict[str, float]
    """By test's id."""
    failed: list[str]
    lines: dict[str, dict[int, list[str]]]
    """By file and line: the tests that run it, with an empty name among them for a line that runs outside of any test."""
    imported: list[str]
    """Modules of others that the tests need."""

    def choose(self, own: str, file: Path, lines: Iterable[int]) -> tuple[list[str], list[str]]:
        """The tests to run for a change of some lines, and those to run after them if the change may reach any test, quickest first.

        Those that run the lines come first: all of them that stand below `own`, and the quickest of the others. A line that runs while
        modules are imported or tests are collected has its effect anywhere, so that all that stand below `own` come after them.
        """
        by_line = self.lines.get(str(file), {})
        names = {name for line in lines for name in by_line.get(line, ())}
        near, far = self._quick(names - {""}, own)
        chosen = sorted([*near, *far[:_MOST_FAR]], key=self._rank)
        if not chosen and "" in names:
            chosen, _ = self._quick({name for held in by_line.values() for name in held}, own)
        others = self._quick(self.seconds.keys() - set(chosen), own)[0] if "" in names else []
        return chosen, others

    def _quick(self, names: Set[str], own: str) -> tuple[list[str], list[str]]:
        """Those that take not too long, quickest first: below `own`, and elsewhere."""
        quick = sorted((name for name in names if self.seconds.get(name, inf) <= _LONGEST), key=self._rank)
        return [name for name in quick if name.startswith(own)], [name for name in quick if not name.startswith(own)]

    def _rank(self, name: str) -> tuple[float, str]:
        return self.seconds[name], name


def measure(packages: Iterable[Path], scratch: Path) -> Reach:
    """Run the tests twice, each time in a process of its own: nothing of the product is imported into this one."""
    kept = scratch / "reach.json"
    watched = _in_child(_time, kept)
    quick = {name for name, seconds in watched["seconds"].items() if seconds <= _LONGEST}
    covered = _in_child(lambda: _cover([str(path) for path in packages], quick), kept)
    return msgspec.convert(watched | covered, Reach, strict=False)


def preload(reach: Reach) -> None:
    """Import what the tests need of others, so that a child need not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in reach.imported:
            with suppress(Exception):
                importlib.import_module(name)


def _in_child(made: Callable[[], dict[str, Any]], kept: Path) -> dict[str, Any]:
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            kept.write_bytes(msgspec.json.encode(made()))
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    if status:
        msg = "the tests could not be run without any mutant"
        raise RuntimeError(msg)
    held: dict[str, Any] = msgspec.json.decode(kept.read_bytes())
    return held


def _time() -> dict[str, Any]:
    watch = session.Stopwatch()
    session.run(("--maxfail=0", *session.TESTS), watch)
    return {"seconds": watch.seconds, "failed": watch.failed, "imported": [name for name in sys.modules if not name.startswith(_OWN)]}


def _cover(packages: list[str], chosen: Set[str]) -> dict[str, Any]:
    measured = coverage.Coverage(data_file=None, source=packages, config_file=False, messages=False)
    measured.start()
    session.run(("--maxfail=0", *session.TESTS), session.Contexts(measured, chosen))
    measured.stop()
    data = measured.get_data()
    return {"lines": {file: dict(data.contexts_by_lineno(file)) for file in data.measured_files()}}
