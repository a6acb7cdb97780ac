"""Named points at which a crash test kills the process, in the real code.

`CLARION_FAULT=name` or `CLARION_FAULT=name:N` ends the process with SIGKILL the first (the Nth) time it reaches that point.
Without the variable a point costs one comparison.
"""

import os
import re
import signal
from typing import Final

VARIABLE: Final = "CLARION_FAULT"

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

_COUNT: Final = re.compile(r"[1-9][0-9]{0,8}")


def read_fault(text: str) -> tuple[str, int]:
    """The point that the variable names and which time it is reached; an empty text names none.

    Raises ValueError, with a message for the operator that goes on after the variable's name.
    """
    name, colon, count = text.partition(":")
    if text and name not in POINTS:
        raise ValueError(f"names an unknown point {name[:64]} — the points are {', '.join(POINTS)}")
    if colon and not _COUNT.fullmatch(count):
        raise ValueError(f"has a count that is no whole number from 1 on — write it as {name}:2, or {name} for the first time")
    return name, int(count or 1)


def _armed() -> tuple[str, int]:
    # Importing a module is no place to fail: what cannot be read is refused with the settings, and kills nothing.
    try:
        return read_fault(os.environ.get(VARIABLE, ""))
    except ValueError:
        return "", 1


_name, _remaining = _armed()


def reach(point: str) -> None:
    """Die here if this is the point that the environment names."""
    global _remaining  # noqa: PLW0603
    if point != _name:
        return
    _remaining -= 1
    if _remaining <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
