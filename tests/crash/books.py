"""What the database says, read from it by itself: not through the code under test."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from tests.crash.places import Look


@dataclass(frozen=True)
class Logged:
    """An event of the log."""

    id: str
    partition: int
    sequence: int
    profile: str
    """Key of the profile that it was applied to."""
    data: dict[str, Any]


@dataclass(frozen=True)
class Books:
    """Everything that has to add up."""

    sequences: dict[int, list[tuple[int, int]]]
    """By partition: (sequence, log_time) of every log entry, in order."""
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


async def read(look: Look, event: str) -> Books:
    """All of it; of the events those of one name."""
    transitions: dict[str, list[tuple[str, str]]] = defaultdict(list)
    started: Counter[str] = Counter()
    paused: set[tuple[str, str]] = set()
    for cause, body in await look("SELECT event, body FROM explanations ORDER BY sequence"):
        history = msgspec.json.decode(body)
        for run, reasons in history.get("runs", ()):
            # that another order's event did not resume a run depends on who was waiting when it came
            told = [reason for reason in reasons if reason["what"] != "not_resumed"]
            transitions[run] += [(reason["what"], reason.get("step", "")) for reason in told]
        verdicts = history.get("verdicts", ())
        started.update(verdict["run"] for verdict in verdicts if verdict["verdict"] == "started")
        paused.update((cause, verdict["workflow"]) for verdict in verdicts if verdict["verdict"] == "paused")
    sequences: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for partition, sequence, log_time in await look("SELECT partition, sequence, log_time FROM log ORDER BY partition, sequence"):
        sequences[partition].append((sequence, log_time))
    logged = "SELECT id, partition, sequence, profile, body FROM log WHERE kind = 'event' ORDER BY partition, sequence"
    receipts = [msgspec.json.decode(body) for (body,) in await look("SELECT body FROM log WHERE kind = 'receipt'")]
    return Books(
        sequences,
        [
            Logged(id, partition, sequence, profile, given["data"])
            for id, partition, sequence, profile, body in await look(logged)
            if (given := msgspec.json.decode(body))["name"] == event
        ],
        {id: (workflow, status) for id, workflow, status in await look("SELECT id, workflow, status FROM runs")},
        transitions,
        started,
        paused,
        {row[0]: row[1:] for row in await look("SELECT id, effect, run, step, status FROM deliveries")},
        {row[:4]: (int(row[4]), int(row[5])) for row in await look(_COUNTERS)},
        Counter((receipt["delivery"], receipt["event"]) for receipt in receipts),
        await look("SELECT kind, error FROM poisoned"),
        await pending(look),
    )


async def pending(look: Look) -> tuple[int, int, int]:
    """How many inbox entries, deliveries and waiting runs are left."""
    ((inbox, outbox, waiting),) = await look(_PENDING)
    return (inbox, outbox, waiting)


_COUNTERS: Final = """
SELECT workflow, step, name, branch, sum(CASE period WHEN 'hour' THEN count ELSE 0 END), sum(CASE period WHEN 'day' THEN count ELSE 0 END)
FROM counters GROUP BY workflow, step, name, branch
"""
_PENDING: Final = """
SELECT (SELECT count(*) FROM inbox), (SELECT count(*) FROM outbox), (SELECT count(*) FROM runs WHERE status = 'waiting')
"""
