"""Memory and CPU of a process and its descendants, from /proc (proc(5))."""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_KIB: Final = 1024


class Memory(msgspec.Struct, frozen=True):
    """Bytes; shared pages count whole in `resident`, by their share in `proportional`."""

    resident: int
    proportional: int


def memory(pid: int) -> Memory:
    """What a process tree holds in memory now."""
    tree = _tree(pid)
    return Memory(
        sum(_field(process, "status", "VmRSS") for process in tree),
        sum(_field(process, "smaps_rollup", "Pss") for process in tree),
    )


def resident(pid: int) -> int:
    """Bytes that one process holds in memory now."""
    return _field(pid, "status", "VmRSS")


def most_resident(pid: int) -> int:
    """Bytes that one process has held in memory at most, since it began to run its program."""
    return _field(pid, "status", "VmHWM")


def cpu_seconds(pid: int) -> float:
    """User and system time that a process tree has used up to now; ended descendants count once they were waited for."""
    total = 0
    for process in _tree(pid):
        try:
            stat = Path(f"/proc/{process}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # after the name in parentheses, which may hold anything: utime, stime, cutime, cstime are fields 14 to 17
        total += sum(int(field) for field in stat.rpartition(")")[2].split()[11:15])
    return total / _TICKS


def _tree(pid: int) -> list[int]:
    found = [pid]
    for process in found:
        for task in Path(f"/proc/{process}/task").glob("*/children"):
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended in between
                found.extend(int(child) for child in task.read_text().split())
    return found


def _field(pid: int, file: str, name: str) -> int:
    try:
        text = Path(f"/proc/{pid}/{file}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    match = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) * _KIB if match else 0
