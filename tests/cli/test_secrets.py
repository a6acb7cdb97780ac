"""`clarion secrets`, on a local data directory and against a server."""

import io
import json
import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Cli, FakeServer, Result
from tests.e2e.engines import ENGINES
from tests.e2e.server import CLARION, environment

KEY = "clk_" + "x" * 38
Feed = Callable[[bytes], None]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Feed:
    """Puts bytes on standard input."""
    return lambda given: monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given), encoding="utf-8"))


@pytest.fixture
def remote(cli: Cli, server: FakeServer) -> Cli:
    def call(*arguments: object) -> Result:
        return cli(*arguments, "--server", server.url, "--key", KEY)

    return call


def test_sets_lists_and_removes(cli: Cli, data: Path, feed: Feed) -> None:
    assert cli("secrets", "list", "--data", data) == (0, "", f"there is no secret — run: clarion secrets set --data {data} NAME\n")
    feed(b"hidden-value\n")
    assert cli("secrets", "set", "KEY", "--data", data) == (0, "KEY: is set\n", "")
    feed(b"hidden-other")
    made = cli("secrets", "set", "B", "--data", data, "--site", "default", "--json").json
    assert set(made) == {"name", "changed"}
    assert cli("secrets", "list", "--data", data, "--json").json[0] == made
    header, row, _ = cli("secrets", "list", "--data", data).out.splitlines()
    assert header == "name\tchanged"
    assert row.split("\t")[0] == "B"
    assert cli("secrets", "remove", "B", "--data", data) == (0, "B: is removed\n", "")
    assert cli("secrets", "remove", "KEY", "--data", data, "--json").json == {}
    failed = cli("secrets", "remove", "B", "--data", data)
    assert (failed.code, failed.err) == (1, f"error: there is no secret B — see: clarion secrets list --data {data}\n")
    for file in data.glob("clarion.db*"):
        assert b"hidden" not in file.read_bytes()


def test_the_value_is_no_argument(cli: Cli, data: Path, feed: Feed) -> None:
    feed(b"x")
    assert cli("secrets", "set", "KEY", "hidden", "--data", data).code == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (b"", "the value is empty — give one, or run: clarion secrets remove --data "),
        (b"\n", "the value is empty"),
        (b"hidden\0", "the value holds a NUL character"),
        (b"hidden\xff", "the value is not UTF-8"),
        (b"h" * 8193 + b"\n", "the value has 8193 bytes — use at most 8192"),
        (b"h" * 1_000_000, "use at most 8192"),
    ],
)
def test_what_is_no_value(cli: Cli, data: Path, feed: Feed, given: bytes, message: str) -> None:
    feed(given)
    failed = cli("secrets", "set", "KEY", "--data", data)
    assert (failed.code, failed.out) == (1, "")
    assert message in failed.err
    assert "hidden" not in failed.err


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (b"a\n", "a"),
        (b"a\r\n", "a"),
        (b"a\n\n", "a\n"),
        (b"a\r", "a\r"),
        (b" a\nb ", " a\nb "),
        ("é".encode(), "é"),
        (b"x" * 8192 + b"\r\n", "x" * 8192),
    ],
)
def test_one_line_break_at_the_end_is_not_the_values(remote: Cli, server: FakeServer, feed: Feed, given: bytes, value: str) -> None:
    server.say("PUT", "/api/v1/secrets/KEY", {"name": "KEY", "changed": 0})
    feed(given)
    assert remote("secrets", "set", "KEY") == (0, "KEY: is set\n", "")
    assert json.loads(server.asked[0].body) == {"value": value}


def test_lists_and_removes_on_a_server(remote: Cli, server: FakeServer) -> None:
    server.say("GET", "/api/v1/secrets", {"secrets": [{"name": "KEY", "changed": 1_790_000_000_000_000}]})
    server.say("DELETE", "/api/v1/secrets/KEY", {})
    assert remote("secrets", "list").out == "name\tchanged\nKEY\t2026-09-21T14:13:20.000Z\n"
    assert remote("secrets", "remove", "KEY") == (0, "KEY: is removed\n", "")
    missing = server.error(404, "Not found.", 1004, ("there is no secret KEY — see: clarion secrets list", []))
    server.say("DELETE", "/api/v1/secrets/KEY", missing, 404)
    assert f"(HTTP 404) — see: clarion secrets list --server {server.url}\n" in remote("secrets", "remove", "KEY").err


def test_on_a_terminal_the_value_is_asked_for_and_not_shown(data: Path) -> None:
    ours, theirs = pty.openpty()
    asked = subprocess.Popen(
        [CLARION, "secrets", "set", "KEY", "--data", data],
        env=environment({name: value for name, value in os.environ.items() if name.startswith("CLARION_")}),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    while not shown.endswith(b"Value: "):  # the space comes when nothing is echoed any more
        shown += os.read(ours, 1024)
    os.write(ours, b"hidden-value\n")
    out, _ = asked.communicate(timeout=30)
    try:
        while more := os.read(ours, 1024):
            shown += more
    except OSError:
        pass  # the other end is closed
    os.close(ours)
    assert (asked.returncode, out) == (0, b"KEY: is set\n")
    assert b"hidden" not in shown
