"""What the data directory says, read from the database by itself: not through the code under test."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import msgspec

from clarion.config import DATABASE_FILE


@dataclass(frozen=True)
class Logged:
    """An event of the log."""

    id: str
    sequence: int
    profile: str
    """Key of the profile that it was applied to."""
    data: dict[str, Any]


@dataclass(frozen=True)
class Books:
    """Everything that has to add up."""

    sequences: list[tuple[int, int]]
    """(sequence, log_time) of every log entry, in order."""
    events: list[Logged]
    runs: dict[str, tuple[str, str]]
    """By id: workflow, status."""
    transitions: dict[str, list[tuple[str, str]]]
    """By run: (what, step) of every line of its history, in the order in which they were booked."""
    started: Counter[str]
    """By run: how many verdicts say that it was started."""
    paused: set[tuple[str, str]]
    """(event, workflow) of every start that was refused because the workflow was paused."""
    deliveries: dict[str, tuple[str, str, str, str]]
    """By id: effect, run, step, status."""
    counters: dict[tuple[str, str, str, str], tuple[int, int]]
    """By workflow, step, name and branch: summed over the hours, and over the days."""
    receipts: Counter[tuple[str, str]]
    """(delivery, event) of every receipt in the log."""
    poisoned: list[tuple[str, str]]
    pending: tuple[int, int, int]


def read(data: Path, event: str) -> Books:
    """All of it; of the events those of one name."""
    connection = _connect(data)
    try:
        transitions: dict[str, list[tuple[str, str]]] = defaultdict(list)
        started: Counter[str] = Counter()
        paused: set[tuple[str, str]] = set()
        for cause, body in connection.execute("SELECT event, body FROM explanations ORDER BY sequence"):
            history = msgspec.json.decode(body)
            for run, reasons in history.get("runs", ()):
                # that another order's event did not resume a run depends on who was waiting when it came
                told = [reason for reason in reasons if reason["what"] != "not_resumed"]
                transitions[run] += [(reason["what"], reason.get("step", "")) for reason in told]
            verdicts = history.get("verdicts", ())
            started.update(verdict["run"] for verdict in verdicts if verdict["verdict"] == "started")
            paused.update((cause, verdict["workflow"]) for verdict in verdicts if verdict["verdict"] == "paused")
        return Books(
            list(connection.execute("SELECT sequence, log_time FROM log ORDER BY sequence")),
            [
                Logged(id, sequence, profile, given["data"])
                for id, sequence, profile, body in connection.execute(
                    "SELECT id, sequence, profile, body FROM log WHERE kind = 'event' ORDER BY sequence"
                )
                if (given := msgspec.json.decode(body))["name"] == event
            ],
            {id: (workflow, status) for id, workflow, status in connection.execute("SELECT id, workflow, status FROM runs")},
            transitions,
            started,
            paused,
            {row[0]: row[1:] for row in connection.execute("SELECT id, effect, run, step, status FROM deliveries")},
            _counters(connection),
            Counter(connection.execute("SELECT body ->> 'delivery', body ->> 'event' FROM log WHERE kind = 'receipt'")),
            list(connection.execute("SELECT kind, error FROM poisoned")),
            _pending(connection),
        )
    finally:
        connection.close()


def _counters(connection: apsw.Connection) -> dict[tuple[str, str, str, str], tuple[int, int]]:
    rows = connection.execute(
        "SELECT workflow, step, name, branch, sum(iif(period = 'hour', count, 0)), sum(iif(period = 'day', count, 0)) "
        "FROM counters GROUP BY workflow, step, name, branch"
    )
    return {(workflow, step, name, branch): (hours, days) for workflow, step, name, branch, hours, days in rows}


class Glance:
    """Looks at a database that a server is working on; to be closed before the server is killed, or its recovery would be another one."""

    def __init__(self, data: Path) -> None:
        self._connection = _connect(data)

    def pending(self) -> tuple[int, int, int]:
        """How many inbox entries, deliveries and waiting runs are left."""
        return _pending(self._connection)

    def close(self) -> None:
        self._connection.close()


def _connect(data: Path) -> apsw.Connection:
    connection = apsw.Connection(str(data / DATABASE_FILE))
    connection.set_busy_timeout(5_000)
    connection.pragma("query_only", True)
    return connection


def _pending(connection: apsw.Connection) -> tuple[int, int, int]:
    counts: tuple[int, int, int] = connection.execute(
        "SELECT (SELECT count(*) FROM inbox), (SELECT count(*) FROM outbox), (SELECT count(*) FROM runs WHERE status = 'waiting')"
    ).get
    return counts
