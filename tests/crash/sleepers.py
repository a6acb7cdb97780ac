"""Runs that wait for an hour while operators change things around them, and what the database says of them."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from tests.crash.places import Look, Place

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


async def read(look: Look) -> Night:
    """What a database says."""
    lines: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for (body,) in await look("SELECT body FROM explanations ORDER BY sequence"):
        for run, reasons in msgspec.json.decode(body).get("runs", ()):
            lines[run] += [(reason["what"], reason.get("step", "")) for reason in reasons]
    changes = [(kind, msgspec.json.decode(body)) for kind, body in await look(_CHANGES)]
    return Night(
        Counter(await look("SELECT version, status, step, due - started, reason FROM runs")),
        Counter(tuple(told) for told in lines.values()),
        {row[:4]: (int(row[4]), int(row[5])) for row in await look(_COUNTERS) if row[4:] != (0, 0)},
        Counter(await look("SELECT step, status FROM deliveries")),
        Counter((kind, change["change"]) for kind, change in changes if change["workflow"] in (SLEEPER, CALLER)),
        await left(look),
    )


async def left(look: Look) -> int:
    """`Night.left` of a database that a server works on."""
    ((count,),) = await look(_LEFT)
    return int(count)


async def glimpse(place: Place) -> Night:
    """What there is when the server has ended."""
    async with place.glimpsing() as look:
        return await read(look)


_COUNTERS: Final = """
SELECT version, step, name, branch, sum(CASE period WHEN 'hour' THEN count ELSE 0 END), sum(CASE period WHEN 'day' THEN count ELSE 0 END)
FROM counters GROUP BY version, step, name, branch
"""
_CHANGES: Final = "SELECT kind, body FROM log WHERE kind IN ('run', 'workflow')"
_LEFT: Final = """
SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM outbox) + (SELECT count(*) FROM poisoned)
     + (SELECT count(*) FROM workflow_states WHERE directives <> '[]')
     + (SELECT count(*) FROM runs WHERE status = 'waiting' AND due - started < 60000000)
"""
