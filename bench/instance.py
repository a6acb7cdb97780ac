"""A Clarion of a benchmark's own: a fresh data directory, and `clarion serve` on it."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from bench.child import Child, ChildFailed
from bench.usage import cpu_seconds

_CLARION: Final = str(Path(sys.executable).parent / "clarion")
_SITE: Final = "bench"
_ENVIRONMENT: Final = {"CLARION_DANGEROUS_ALLOW_PRIVATE_TARGETS": "true", "CLARION_DATABASE_URL": "sqlite:///clarion.db"}
_COMMAND_SECONDS: Final = 60

# One statement, so one moment: an entry is in the inbox or in the log, never in both or neither.
_COUNT: Final = """
SELECT (SELECT count(*) FROM inbox WHERE kind = 'event'), (SELECT count(*) FROM log WHERE kind = 'event')
"""


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """Events in the database: not yet taken by the engine, and taken."""

    inbox: int
    log: int

    @property
    def stored(self) -> int:
        return self.inbox + self.log


class Instance:
    """An initialised data directory with a site that has no workflow yet."""

    def __init__(self, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        """`settings` as the variables that name them. Raises ChildFailed if a command fails."""
        self.data = directory / "data"
        self._errors = directory / "clarion.err"
        self._environment = _ENVIRONMENT | dict(settings or {})
        self._run("init")
        self._run("sites", "create", "--name", _SITE, "--vapid-subject", "mailto:bench@example.com")
        self.key: str = self._run("keys", "create", "--name", _SITE, "--site", _SITE)["key"]

    def admin_key(self) -> str:
        """A key that may do everything. Raises ChildFailed."""
        key: str = self._run("keys", "create", "--name", "admin", "--site", _SITE, "--scopes", "admin")["key"]
        return key

    def apply(self, files: Sequence[Path]) -> None:
        """Publish workflows. Raises ChildFailed."""
        self._run("workflows", "apply", *map(str, files), "--site", _SITE)

    @contextmanager
    def serve(self, roles: str = "") -> Iterator["Server"]:
        """Run a process that does everything, or only the `roles`, with commas between. Raises ChildFailed if it does not come up."""
        began = time.perf_counter()
        command = [_CLARION, "serve", "--data", str(self.data), "--port", "0", *(("--roles", roles) if roles else ())]
        with Child(command, self._errors, self._environment) as child:
            said = child.read_line()
            port = said.rpartition(":")[2]
            if not port.isdecimal():
                raise ChildFailed(f"clarion serve said: {said}")
            _require_health(int(port))
            yield Server(child, int(port), time.perf_counter() - began)

    def count(self) -> Counted:
        """Count the events in the database, whether the server runs or not."""
        database = apsw.Connection(str(self.data / "clarion.db"), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            return msgspec.convert(database.execute(_COUNT).fetchall()[0], Counted)
        finally:
            database.close()

    def _run(self, *arguments: str) -> Any:
        command = [_CLARION, *arguments, "--data", str(self.data), "--json"]
        environment = {**os.environ, **self._environment}
        done = subprocess.run(command, capture_output=True, text=True, timeout=_COMMAND_SECONDS, env=environment)
        if done.returncode:
            raise ChildFailed(f"clarion {' '.join(arguments[:2])}: {done.stderr.strip()}")
        return msgspec.json.decode(done.stdout)


class Server:
    """A server that answers."""

    def __init__(self, child: Child, port: int, started_in: float) -> None:
        self._child = child
        self.port = port
        self.started_in = started_in
        """Seconds from the start of the process to its first answer."""

    @property
    def pid(self) -> int:
        return self._child.pid

    def cpu(self) -> float:
        """Seconds of CPU that it has used up to now."""
        return cpu_seconds(self.pid)


def _require_health(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    finally:
        connection.close()
    if status != 200:
        raise ChildFailed(f"/healthz answered {status}")
