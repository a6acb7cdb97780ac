"""The server as a process that can be killed at any moment and started again on the same directory."""

import asyncio
import os
import signal
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.e2e.server import CLARION, LISTENING, environment

PATIENCE: Final = 30.0
"""Seconds after which a test has failed; none waits for them to pass."""


class Process:
    """One `clarion serve`."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self.port = 0

    @classmethod
    async def start(
        cls,
        data: Path,
        fault: str | None = None,
        log: Path | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        roles: str | None = None,
        within: Sequence[str] = (),
    ) -> "Process":
        """Start it on a port of its own. `fault` is the point at which it is to die, and may keep it from ever listening: see `listens`.

        `within`: the words of a command that becomes another one somewhere else, put before it.
        """
        variables = {**(settings or {}), **({} if fault is None else {"CLARION_FAULT": fault})}
        log = log or data / "server.log"
        arguments: list[str | Path] = ["serve", "--data", data, "--port", "0", *([] if roles is None else ["--roles", roles])]
        with log.open("a") as file:
            process = await asyncio.create_subprocess_exec(
                *within, CLARION, *arguments, env=environment(variables), stdout=asyncio.subprocess.PIPE, stderr=file
            )
        return cls(process, log)

    async def listens(self) -> bool:
        """Wait until it listens; False if it ended before."""
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = (await self._process.stdout.readline()).decode()
        if not line:
            return False
        assert line.startswith(LISTENING), (line, self.log())
        self.port = int(line.rpartition(":")[2])
        return True

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.returncode is not None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; one that has ended already gets none."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def end(self) -> int:
        """Wait until it has ended, by itself or by a signal; the exit code, negative for a signal."""
        async with asyncio.timeout(PATIENCE):
            return await self._process.wait()

    async def until(self, event: Coroutine[None, None, None]) -> None:
        """Wait for something that needs it alive; should it end by itself, the test fails at once and shows its log."""
        waiting, ending = asyncio.ensure_future(event), asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait({waiting, ending}, return_when=asyncio.FIRST_COMPLETED)
            assert waiting.done(), self.log()
        finally:
            waiting.cancel()
            ending.cancel()

    async def kill(self) -> None:
        """End it as a power cut of the process would; it must not have ended before."""
        assert not self.ended, self.log()
        self.signal(signal.SIGKILL)
        assert await self.end() == -signal.SIGKILL, self.log()

    async def stop(self) -> None:
        """End it as a supervisor does; it has to end well."""
        self.signal(signal.SIGTERM)
        assert await self.end() == os.EX_OK, self.log()

    def log(self) -> str:
        """What it wrote to standard error, and those before it."""
        return self._log.read_text()
