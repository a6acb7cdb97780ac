"""Named points at which a crash test kills the process, in the real code.

`CLARION_FAULT=name` or `CLARION_FAULT=name:N` ends the process with SIGKILL the first (the Nth) time it reaches that point.
Without the variable a point costs one comparison.
"""

import os
import signal
from typing import Final

POINTS: Final = (
    "ingest.before_commit",
    "ingest.after_commit",
    "engine.before_commit",
    "engine.after_commit",
    "delivery.before_send",
    "delivery.after_send",
    "report.before_commit",
    "report.after_commit",
)

_name, _, _count = os.environ.get("CLARION_FAULT", "").partition(":")
_remaining = int(_count or 1)


def reach(point: str) -> None:
    """Die here if this is the point that the environment names."""
    global _remaining  # noqa: PLW0603
    if point != _name:
        return
    _remaining -= 1
    if _remaining <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
