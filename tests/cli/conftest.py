"""The command line, run inside the test's process, and a server to talk to."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.e2e.engines import database

from clarion.cli.app import run


class Result(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which has to be JSON and nothing else."""
        return json.loads(self.out)


Cli = Callable[..., Result]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting and no proxy of whoever runs the tests; `./data` is the test's own."""
    for name in list(os.environ):
        if name.startswith("CLARION_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command: `cli("keys", "list")`."""

    def call(*arguments: object) -> Result:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return call


@pytest.fixture
def engine() -> str:
    """Which engine the store has. Where the commands do the same on any, a module has a fixture of this name that gives all of them."""
    return "sqlite"


@pytest.fixture
def data(cli: Cli, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An initialised data directory; on PostgreSQL, the environment says where its database is."""
    directory = tmp_path / "ready"
    with database(engine, 1) as where:
        for name, value in where.items():
            monkeypatch.setenv(f"CLARION_{name.upper()}", value)
        made = cli("init", "--data", directory, "--json")
        assert made.code == 0, made.err
        yield directory


class Asked(NamedTuple):
    """A request that the fake server got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class FakeServer:
    """Answers with what it was told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: dict[tuple[str, str], tuple[int, bytes, dict[str, str]]] = {}
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fake.asked.append(Asked(self.command, self.path, dict(self.headers), body))
                status, said, headers = fake.answers.get((self.command, self.path), (404, fake.error(404, "Not found.", 1004), {}))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - the names are the base class's

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def say(self, method: str, path: str, data: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Answer a request with the success envelope around `data`, or with the bytes that it is."""
        body = data if isinstance(data, bytes) else json.dumps({"error_code": 0, "data": data}).encode()
        self.answers[method, path] = (status, body, headers or {})

    @staticmethod
    def error(status: int, message: str, code: int, *details: tuple[str, list[str]]) -> bytes:
        """An error envelope."""
        error: dict[str, object] = {"message": message, "code": code}
        if details:
            error["details"] = [{"message": said, "path": path} for said, path in details]
        return json.dumps({"error": error}).encode()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server on loopback."""
    fake = FakeServer()
    yield fake
    fake.close()
