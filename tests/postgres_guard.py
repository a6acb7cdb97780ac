"""Runs one PostgreSQL server; ends it, and its data with it, when whoever asked for it has ended, in whatever way.

Reads commands from standard input, a line each, and answers each with a line: `start`, `stop` (clean, fast), `kill` (at once, as a crash of
the machine's). At the end of the input the server is stopped and its directory removed.
"""

import contextlib
import ctypes
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

READY = b"ready"
PR_SET_PDEATHSIG = 1


def die_with_the_guard() -> None:
    """For the case that the guard itself is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


class Guarded:
    """A server that runs, or does not."""

    def __init__(self, directory: Path, owner: int | None, command: list[str]) -> None:
        self._directory, self._owner, self._command = directory, owner, command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        pidfile = self._directory / "data" / "postmaster.pid"
        pidfile.unlink(missing_ok=True)
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._owner,
                group=self._owner,
                extra_groups=None if self._owner is None else [],
                preexec_fn=die_with_the_guard,  # noqa: PLW1509 - there are no threads here
                start_new_session=True,  # Ctrl-C in the terminal is not for it
            )
        while READY not in self._status(pidfile):  # the server tells nobody else
            if self._process.poll() is not None:
                raise SystemExit((self._directory / "log").read_text())
            time.sleep(0.005)

    def end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    @staticmethod
    def _status(pidfile: Path) -> bytes:
        with contextlib.suppress(OSError):
            return pidfile.read_bytes()
        return b""


def main() -> None:
    directory, owner, *command = sys.argv[1:]
    guarded = Guarded(Path(directory), int(owner) if owner else None, command)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the end of the input is what ends this
    try:
        for line in sys.stdin:
            match line.strip():
                case "start":
                    guarded.start()
                case "stop":
                    guarded.end(signal.SIGINT)
                case "kill":
                    guarded.end(signal.SIGQUIT)
            print("done", flush=True)  # noqa: T201 - that is the answer
    finally:
        guarded.end(signal.SIGQUIT)
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
