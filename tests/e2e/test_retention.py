"""A server forgets explanations that are older than `keep_explanations` by itself, and nothing else."""

import sqlite3
from contextlib import closing

import pytest
from tests.e2e.conftest import Start
from tests.e2e.server import Api, Server, eventually, unique

from clarion.clock import DAY, HOUR, MINUTE


def age(server: Server, event_id: str, by: int) -> None:
    """Make what is told of an event older by so many microseconds; the server is stopped meanwhile."""
    with closing(sqlite3.connect(server.data / "clarion.db")) as database, database:
        changed = database.execute("UPDATE explanations SET at = at - ? WHERE event = ?", (by, event_id))
        assert changed.rowcount == 1


async def told(api: Api, person: str) -> list[str]:
    """Ids of the events that the profile's history tells of, newest first."""
    return [line["event_id"] for line in (await api.profile(person))["explanations"]]


@pytest.mark.parametrize(("setting", "kept"), [({"keep_explanations": "1h"}, HOUR), ({}, 30 * DAY)], ids=["1h", "by default"])
async def test_what_is_older_goes_and_the_rest_stays(start: Start, setting: dict[str, str], kept: int) -> None:
    server, event, person = start(**setting), unique("go"), unique("ann")
    await server.apply({"workflow": "w", "start": {"on": [{"event": event}]}, "steps": [{"id": "hour", "wait": {"for": "1h"}}]})
    async with server.api() as api:
        before = await api.sequence()
        for _ in range(3):
            await api.accept(event, profile_id=person)
        old, young, new = [one["event_id"] for one in await api.events_since(before)]
        assert await told(api, person) == [new, young, old]
        runs = (await api.profile(person))["runs"]
    server.stop()
    age(server, old, kept + HOUR)
    age(server, young, kept - 10 * MINUTE)
    server.start()
    async with server.api() as api:
        await eventually(lambda: told(api, person), lambda seen: seen == [new, young])
        assert (await api.profile(person))["runs"] == runs
        assert old in [one["event_id"] for one in (await api.get("/log?limit=100"))["events"]]
