"""A process that a benchmark starts, and ends by its own pid whatever happens."""

import os
import select
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

READY_SECONDS: Final = 30.0
STOP_SECONDS: Final = 30.0


class ChildFailed(Exception):
    """A process ended, or kept silent, when it should have been ready."""


class Child:
    """A running process. Its standard output is read line by line; its standard error goes to a file."""

    def __init__(self, command: Sequence[str], errors: Path, environment: Mapping[str, str] | None = None) -> None:
        self._errors = errors
        with errors.open("ab") as stream:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stream,
                env={**os.environ, **(environment or {})},
                start_new_session=True,  # an interrupt of the benchmark ends it through `stop`, in order
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def read_line(self, seconds: float = READY_SECONDS) -> str:
        """The next line of standard output. Raises ChildFailed if none comes in time."""
        output = self._process.stdout
        assert output is not None
        line, end = b"", time.monotonic() + seconds
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([output], [], [], max(0.0, end - time.monotonic()))
            byte = os.read(output.fileno(), 1) if readable else b""
            if not byte:
                raise ChildFailed(f"process said nothing; its errors: {self.errors()}")
            line += byte
        return line.decode().strip()

    def errors(self) -> str:
        """The end of what it wrote to standard error."""
        return self._errors.read_text(errors="replace")[-2000:]

    def stop(self) -> None:
        """End it: SIGTERM, and SIGKILL for one that does not obey."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def free_port() -> int:
    """A loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_listening(port: int, seconds: float = READY_SECONDS) -> None:
    """Return once a loopback port takes connections. Raises ChildFailed after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise ChildFailed(f"nothing listens on port {port}") from None
            time.sleep(0.01)
        else:
            return
