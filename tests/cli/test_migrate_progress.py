"""Whoever looks on sees how far a move is, and that it goes on where it was broken off."""

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.cli.test_migrate import filled, server, url  # noqa: F401 - fixtures
from tests.e2e.server import CLARION, environment

from clarion.store.moving.target import Target


def looked_on(*arguments: object) -> tuple[int, str]:
    """Run a command whose standard error is a terminal; how it ended, and what stood there."""
    leader, follower = pty.openpty()
    command = subprocess.Popen(
        [CLARION, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=follower, env=environment({"TERM": "xterm", "COLUMNS": "120"})
    )
    os.close(follower)
    seen = b""
    try:
        while piece := os.read(leader, 65_536):
            seen += piece
    except OSError:  # nobody has the other end any more
        pass
    os.close(leader)
    return command.wait(60), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())


def test_how_far_a_move_is_is_shown_to_who_looks_on(
    cli: Cli,
    filled: Path,  # noqa: F811
    url: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(*_: object) -> None:
        raise ConnectionError("the line was cut")

    with monkeypatch.context() as patched:
        patched.setattr(Target, "finish", broken)
        assert cli("migrate", "--data", filled, "--from", "sqlite:///clarion.db", "--to", url).code == 1
    code, seen = looked_on("migrate", "--data", filled, "--from", "sqlite:///clarion.db", "--to", url)
    assert code == 0, seen
    [(there, total)] = {
        (moved, all_) for what, moved, all_ in re.findall(r"(moving|comparing)[^\r\n]*?(\d+)/(\d+)", seen)[-2:] for _ in [what]
    }
    assert there == total != "0"
    assert f"Going on with a move that was broken off: {int(total):,} rows are there." in seen
