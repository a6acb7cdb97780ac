"""The `clarion` command as a process of its own."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

CLARION = [sys.executable, "-m", "clarion.cli"]


def clarion(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CLARION, *map(str, arguments)], capture_output=True, text=True, timeout=60)


def test_help_needs_nothing_heavy() -> None:
    code = (
        "import sys; from clarion.cli.app import run; run(['--help']); "
        "print(sorted({'cryptography', 'apsw', 'asyncio', 'ruamel', 'uvloop', 'starlette', 'liquid'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert told.stdout.splitlines()[-1] == "[]"


def test_starting_does_not_import_rich() -> None:
    code = "import sys; import clarion.cli.app; print('rich.console' in sys.modules, 'clarion.store.port' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60).stdout == "False False\n"


def test_a_closed_pipe_is_no_traceback(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run([*CLARION, "workflows", "schema"], stdout=writing, stderr=subprocess.PIPE, timeout=60)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_exit_codes_reach_the_shell(tmp_path: Path) -> None:
    assert clarion("init", "--data", tmp_path / "data").returncode == 0
    assert clarion("workflows", "show", "missing", "--data", tmp_path / "data").returncode == 1
    assert clarion("frobnicate").returncode == 2


@pytest.mark.parametrize("fault", ["nope.nope", "engine.after_commit:never"])
def test_a_fault_that_is_none_keeps_the_server_from_starting(tmp_path: Path, fault: str) -> None:
    ended = subprocess.run(
        [*CLARION, "serve", "--data", str(tmp_path / "data"), "--init"],
        env=os.environ | {"CLARION_FAULT": fault},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("error: environment: CLARION_FAULT ")
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "data").exists()


class Serving:
    """A server process and what it said until it listened."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.process = subprocess.Popen(
            [*CLARION, "serve", "--data", str(data), "--port", "0", "--init"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if "clarion explain" in line:
                break

    def stop(self) -> tuple[int, str, str]:
        """SIGTERM; the exit code and what else was said."""
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    server = Serving(tmp_path / "data")
    yield server
    server.stop()


def test_the_first_minute(serving: Serving) -> None:
    """What is printed on the first start works when it is pasted; other processes work on the same directory meanwhile."""
    found = re.search(r"curl -X POST (\S+) .*?'Api-Key: (\w+)'.*?-d '(.*?)'", serving.said.replace("\\\n", " "), re.DOTALL)
    assert found, serving.said
    url, key, body = found.groups()
    request = urllib.request.Request(url, body.encode(), {"Api-Key": key, "Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as response:
        assert json.load(response) == {"error_code": 0, "data": {}}

    why = [shlex.split(line)[1:] for line in serving.said.split("See what it did")[1].splitlines() if line.startswith("  ")]
    assert [command[0] for command in why] == ["profiles", "explain"]
    while clarion(*why[0]).returncode != 0:
        pass  # the engine may not have taken the event yet; each look is a process, so nothing sleeps
    for command in why:
        assert "started run" in clarion(*command).stdout

    base = url.removesuffix("/api/v1/events")
    sent = clarion("events", "send", "purchase", "--data", serving.data, "--profile", "user-1").stdout
    assert re.fullmatch(r"accepted as (\w+) — see: .*clarion explain --data .* \1\n", sent)
    remote = ("--server", base, "--key", key, "--json")
    assert json.loads(clarion("workflows", "list", *remote).stdout) == json.loads(
        clarion("workflows", "list", "--data", serving.data, "--json").stdout
    )
    made = json.loads(clarion("keys", "create", "--data", serving.data, "--name", "reader", "--scopes", "read", "--json").stdout)
    assert made["key"].startswith("clk_")

    code, out, err = serving.stop()
    assert (code, out) == (0, ""), err
    assert key not in err

    again = Serving(serving.data)
    try:
        assert "API keys are shown once" in again.said
        assert "Api-Key: YOUR_API_KEY" in again.said
        assert "clk_" not in again.said
    finally:
        assert again.stop()[0] == 0
