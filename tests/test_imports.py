"""The import linter can fail: each rule is broken once, in a copy, and noticed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINTER = Path(sys.executable).parent / "lint-imports"

BREACHES = [
    ("workflow/advance.py", "import os"),
    ("workflow/advance.py", "from clarion.fresh_ids import fresh_id"),
    ("domain/ids.py", "import random"),
    ("contract/errors.py", "from clarion.clock import wall_clock"),
    ("domain/ids.py", "from clarion.workflow.run import Run"),
    ("store/records/runs.py", "from clarion.engine.ledger import Ledger"),
    ("engine/batch.py", "from clarion.store.sqlite.store import SqliteStore"),
    ("delivery/retry.py", "import apsw"),
    ("engine/batch.py", "from clarion.api.access import Access"),
]


def lint(source: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(source)}
    return subprocess.run(
        [LINTER, "--no-cache", "--config", ROOT / "pyproject.toml"],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("module", "line"), BREACHES)
def test_a_breach_is_noticed(tmp_path: Path, module: str, line: str) -> None:
    shutil.copytree(ROOT / "src" / "clarion", tmp_path / "clarion", ignore=shutil.ignore_patterns("__pycache__"))
    broken = tmp_path / "clarion" / module
    broken.write_text(f"{broken.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    done = lint(tmp_path)
    assert done.returncode == 1, done.stdout
    assert "BROKEN" in done.stdout


def test_the_code_keeps_the_rules() -> None:
    done = lint(ROOT / "src")
    assert done.returncode == 0, done.stdout
