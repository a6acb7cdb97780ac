"""A server with nothing to do does next to nothing."""

import os
import select
from pathlib import Path

from tests.e2e.conftest import Start
from tests.e2e.server import unique

SECONDS = 5
MOST = 0.01
"""Of one core."""


def cpu_seconds(pid: int) -> float:
    """User and system time of a process (proc_pid_stat(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def test_an_idle_server_uses_less_than_a_hundredth_of_a_core(start: Start) -> None:
    server = start()
    event, person = unique("go"), unique("ann")
    steps = [{"id": "pause", "wait": {"for": "1h"}}]
    await server.apply({"workflow": "w", "start": {"on": [{"event": event}]}, "steps": steps})
    async with server.api() as api:
        await api.accept(event, profile_id=person)
        await api.profile_when(person, lambda seen: [run["status"] for run in seen["runs"]] == ["waiting"])
        # a run waits, a connection is open, and time passes: that is what is measured here
        process = os.pidfd_open(server.pid)
        try:
            before = cpu_seconds(server.pid)
            ended, _, _ = select.select([process], [], [], SECONDS)
            used = cpu_seconds(server.pid) - before
        finally:
            os.close(process)
    assert ended == []
    assert used / SECONDS < MOST
