"""A whole run on a product of a few lines."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tests.mutation.results import Results
from tests.mutation.run import Order

HERE = Path(__file__).parent

MODULE = '''
"""Prices."""

from functools import lru_cache

LIMIT = 10
UNTESTED = 5


@lru_cache
def is_dear(price: int) -> bool:
    """Whether a price is above the limit."""
    return price > LIMIT


def told(price: int) -> str:
    if price < 0:
        raise ValueError("a price must not be negative")
    return "dear" if is_dear(price) else "fair"


def never() -> int:
    return UNTESTED
'''

TESTS = """
import pytest
from clarion.domain.prices import told

@pytest.mark.parametrize(("price", "text"), [(0, "fair"), (9, "fair"), (11, "dear")])
def test_prices(price, text):
    assert told(price) == text
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Source, tests and the machinery."""
    for package in ("clarion", "clarion/domain", "clarion/workflow"):
        (tmp_path / "src" / package).mkdir(parents=True)
        (tmp_path / "src" / package / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "src/clarion/domain/prices.py").write_text(MODULE, encoding="utf-8")
    for name in ("domain", "workflow", "engine"):
        (tmp_path / "tests" / name).mkdir(parents=True)
    shutil.copytree(HERE, tmp_path / "tests" / "mutation", ignore=shutil.ignore_patterns("__pycache__", "test_*"))
    shutil.copy2(HERE.parents[1] / "pyproject.toml", tmp_path)
    return tmp_path


def run(tree: Path, tests: str, order: Order) -> subprocess.CompletedProcess[bytes]:
    (tree / "tests/domain/test_prices.py").write_text(tests, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "tests.mutation.run"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree / "src")},
        input=msgspec.json.encode(order),
        capture_output=True,
        check=False,
    )


def test_what_tests_notice_is_killed_and_what_they_do_not_is_told(tree: Path) -> None:
    done = run(tree, TESTS, Order(jobs=2))
    assert done.returncode == 0, done.stderr.decode()
    results = msgspec.json.decode(done.stdout, type=Results)
    alive = {(one.where, one.change, one.outcome) for one in results.alive}
    assert alive == {
        # no test asks for a price of exactly 10 or below 0
        ("is_dear", "price > LIMIT → price >= LIMIT", "survived"),
        ("", "10 → 9", "survived"),
        ("told", "0 → -1", "survived"),
        ("told", "raise ValueError('a price must not be negative') → pass", "unreached"),
        # nothing calls this
        ("", "5 → 6", "survived"),
        ("", "5 → 4", "survived"),
        ("never", "return UNTESTED → return None", "unreached"),
    }
    # below a cache, at the module's level, in both branches
    assert results.mutants == results.judged == 16
    assert results.outcomes == {"killed": 9, "survived": 5, "unreached": 2}
    assert b"survived: clarion.domain.prices:13 price > LIMIT" in done.stderr


def test_a_sample_is_always_the_same(tree: Path) -> None:
    first, second = (msgspec.json.decode(run(tree, TESTS, Order(sample=8)).stdout, type=Results) for _ in range(2))
    assert (first.mutants, first.judged) == (16, 8)
    assert [(one.line, one.change) for one in first.alive] == [(one.line, one.change) for one in second.alive]
    assert first.alive


def test_only_some_modules(tree: Path) -> None:
    results = msgspec.json.decode(run(tree, TESTS, Order(("workflow", "domain.dates"))).stdout, type=Results)
    assert (results.mutants, results.score) == (0, 0.0)


def test_tests_that_fail_without_any_mutant_are_an_error(tree: Path) -> None:
    done = run(tree, TESTS.replace("(9,", "(19,"), Order())
    assert done.returncode == 2
    assert b"do not pass: tests/domain/test_prices.py::test_prices[19-fair]" in done.stderr
