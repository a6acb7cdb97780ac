"""Runs that wait for an hour while operators change things around them, and what the database says of them."""

import shutil
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from clarion.config import DATABASE_FILE

DOZE: Final = "doze"
"""The event that runs start on."""
SLEEPER: Final = "sleeper"
CALLER: Final = "caller"


def sleeper(hours: int) -> dict[str, Any]:
    """A workflow that does nothing but wait."""
    return {
        "workflow": SLEEPER,
        "start": {"on": [{"event": DOZE}], "key": "event.n"},
        "steps": [{"id": "sleep", "wait": {"for": f"{hours}h"}}],
    }


def caller(url: str) -> dict[str, Any]:
    """A workflow that calls, and waits."""
    return {
        "workflow": CALLER,
        "start": {"on": [{"event": DOZE}], "key": "event.n"},
        "steps": [{"id": "call", "http": {"url": url}}, {"id": "sleep", "wait": {"for": "1h"}}],
    }


@dataclass(frozen=True)
class Night:
    """All that the runs of the two workflows came to."""

    runs: Counter[tuple[int, str, str | None, int | None, str | None]]
    """How many have this version, status, step, microseconds from start to timer, and reason of their end."""
    histories: Counter[tuple[tuple[str, str], ...]]
    """How many have these lines, (what, step), in the order in which they were booked."""
    counters: dict[tuple[int, str, str, str], tuple[int, int]]
    """By version, step, name and branch: summed over the hours, and over the days. Those that are zero are left out."""
    deliveries: Counter[tuple[str, str]]
    """How many of a step have ended so."""
    changes: Counter[tuple[str, str]]
    """Inputs of operators in the log: (kind, change)."""
    left: int
    """What is in the inbox or the outbox, was set aside, has not been heard of by all, or has a timer that is due."""


def read(connection: apsw.Connection) -> Night:
    """What a database says."""
    lines: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for (body,) in connection.execute("SELECT body FROM explanations ORDER BY sequence"):
        for run, reasons in msgspec.json.decode(body).get("runs", ()):
            lines[run] += [(reason["what"], reason.get("step", "")) for reason in reasons]
    return Night(
        Counter(connection.execute("SELECT version, status, step, due - started, reason FROM runs")),
        Counter(tuple(told) for told in lines.values()),
        {row[:4]: row[4:] for row in connection.execute(_COUNTERS)},
        Counter(connection.execute("SELECT step, status FROM deliveries")),
        Counter(connection.execute(_CHANGES, (SLEEPER, CALLER))),
        int(connection.execute(_LEFT).get),
    )


def left(connection: apsw.Connection) -> int:
    """`Night.left` of a database that a server works on."""
    return int(connection.execute(_LEFT).get)


def glimpse(data: Path, beside: Path) -> Night:
    """What a directory says whose server has ended. A copy is read: the next server has to recover the directory by itself."""
    connection = apsw.Connection(str(shutil.copytree(data, beside) / DATABASE_FILE))
    try:
        return read(connection)
    finally:
        connection.close()
        shutil.rmtree(beside)


_COUNTERS: Final = """
SELECT version, step, name, branch, sum(iif(period = 'hour', count, 0)) AS hours, sum(iif(period = 'day', count, 0)) AS days
FROM counters GROUP BY 1, 2, 3, 4 HAVING hours <> 0 OR days <> 0
"""
_CHANGES: Final = "SELECT kind, body ->> 'change' FROM log WHERE kind IN ('run', 'workflow') AND body ->> 'workflow' IN (?, ?)"
_LEFT: Final = """
SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM outbox) + (SELECT count(*) FROM poisoned)
     + (SELECT count(*) FROM workflow_states WHERE directives <> '[]')
     + (SELECT count(*) FROM runs WHERE status = 'waiting' AND due - started < 60000000)
"""
