"""One pytest session in this process: of the whole selection under coverage, or of some tests on a mutant."""

import functools
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import time
import types
from collections.abc import Callable, Generator, Iterable, Sequence, Set
from pathlib import Path
from typing import Final

import coverage
import hypothesis
import pytest

TESTS: Final = ("tests/domain", "tests/workflow", "tests/engine")
"""Where the tests of the pure core are."""

_PROFILE: Final = "mutation"
_OPTIONS: Final = (
    *("-q", "-x", "--assert=plain", "--tb=native", "-o", "timeout=0"),
    *("-p", "no:cacheprovider", "-p", "no:unraisableexception", "-p", "no:threadexception"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)
_NO_FAILURES: Final = (pytest.skip.Exception, pytest.xfail.Exception)


class Selection:
    """Runs some tests, in an order; those too whose ids a mutant changed."""

    def __init__(self, chosen: Sequence[str], known: Iterable[str]) -> None:
        self._order = {id: position for position, id in enumerate(chosen)}
        self._functions = {_function(id) for id in chosen}
        self._known = frozenset(known)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        last = len(self._order)
        items[:] = sorted(filter(self._is_chosen, items), key=lambda item: self._order.get(item.nodeid, last))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """End this process at the first failure: nobody reads a report or misses a tear-down."""
        if call.excinfo is not None and not call.excinfo.errisinstance(_NO_FAILURES) and item.get_closest_marker("xfail") is None:
            os._exit(1)

    def _is_chosen(self, item: pytest.Item) -> bool:
        return item.nodeid in self._order or (item.nodeid not in self._known and _function(item.nodeid) in self._functions)


class Stopwatch:
    """Notes how much time each test takes of a processor, and which do not pass."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        began = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.process_time() - began

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


class Contexts:
    """Runs some tests, and tells coverage which one is running."""

    def __init__(self, measured: coverage.Coverage, chosen: Set[str]) -> None:
        self._measured, self._chosen = measured, chosen

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self._chosen]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        _forget()
        self._measured.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self._measured.switch_context("")


class Replaced(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from code that was changed."""

    def __init__(self, module: str, file: Path, code: types.CodeType) -> None:
        self._module, self._file, self._code = module, file, code

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._module:
            return None
        is_package = self._file.name == "__init__.py"
        return importlib.util.spec_from_file_location(
            fullname, self._file, loader=self, submodule_search_locations=[str(self._file.parent)] if is_package else None
        )

    def exec_module(self, module: types.ModuleType) -> None:
        exec(self._code, module.__dict__)


def run(places: Iterable[str], *plugins: object) -> int:
    """Run the tests that stand at some places; gives pytest's exit code. What they print goes nowhere."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(quiet, stream)
    hypothesis.settings.register_profile(
        _PROFILE,
        derandomize=True,
        max_examples=40,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.settings.load_profile(_PROFILE)
    return int(pytest.main([*_OPTIONS, *places], plugins=plugins))


def _function(id: str) -> str:
    return id.partition("[")[0]


def _forget() -> None:
    """Empty our caches, so that a test is seen to run every line that it needs."""
    for name, module in list(sys.modules.items()):
        if name.startswith("clarion."):
            for held in list(vars(module).values()):
                clear: Callable[[], None] | None = getattr(held, "cache_clear", None)
                if isinstance(held, functools._lru_cache_wrapper) and clear is not None:
                    clear()
