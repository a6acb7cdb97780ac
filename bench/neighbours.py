"""How much of the machine other work takes during a run: where that is not near nothing, the numbers say little."""

import os
import resource
import time
from pathlib import Path
from typing import Final

QUIET: Final = 0.1
"""Cores of other work that do not matter."""


class Neighbours:
    """Counts from when it was made. Processes that the benchmark started are not neighbours once they have ended."""

    def __init__(self) -> None:
        self._began, self._used = time.monotonic(), _others()

    def cores(self) -> float:
        """Cores that others kept busy up to now, on average."""
        return max(0.0, (_others() - self._used) / (time.monotonic() - self._began))


def _others() -> float:
    """Seconds of CPU since the machine's start that were not this process's or its ended children's."""
    # proc(5): user, nice, system, idle, iowait, irq, softirq, steal; what another guest took is lost to us too
    ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    busy = (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
    ours = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return busy - sum(each.ru_utime + each.ru_stime for each in ours)
