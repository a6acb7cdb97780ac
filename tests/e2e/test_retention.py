"""A server forgets what is older than its settings say by itself, and nothing else; events only once they are in files."""

import gzip
import json
from typing import Any

import pytest
from tests.e2e.conftest import Start
from tests.e2e.engines import change
from tests.e2e.server import Api, Server, eventually, unique

from clarion.clock import DAY, HOUR, MINUTE

OLDER = 8 * DAY
"""By how much what has to go is past its time: on PostgreSQL it may be kept for a week longer."""


async def age(server: Server, engine: str, event_id: str, by: int) -> None:
    """Make what is told of an event older by so many microseconds; the server is stopped meanwhile."""
    times = ("at",) if engine == "sqlite" else ("at", "log_time")
    older = ", ".join(f"{time} = {time} - {by}" for time in times)
    assert await change(server, f"UPDATE explanations SET {older} WHERE event = '{event_id}'") == 1


async def age_all(server: Server, by: int) -> None:
    """Make everything that has happened older; the server is stopped meanwhile."""
    await change(
        server,
        f"UPDATE log SET log_time = log_time - {by}",
        f"UPDATE upkeep SET exported = exported - {by}",
        f"UPDATE runs SET started = started - {by}, ended = ended - {by}",
        f"UPDATE deliveries SET created = created - {by}, finished = finished - {by}",
    )


async def told(api: Api, person: str) -> list[str]:
    """Ids of the events that the profile's history tells of, newest first."""
    return [line["event_id"] for line in (await api.profile(person))["explanations"]]


async def logged(api: Api) -> list[str]:
    """Names of the events in the log."""
    return [one["event_name"] for one in (await api.get("/log?limit=1000"))["events"]]


@pytest.mark.parametrize(("setting", "kept"), [({"keep_explanations": "1h"}, HOUR), ({}, 30 * DAY)], ids=["1h", "by default"])
async def test_what_is_older_goes_and_the_rest_stays(start: Start, engine: str, setting: dict[str, str], kept: int) -> None:
    server, event, person = start(**setting), unique("go"), unique("ann")
    await server.apply({"workflow": "w", "start": {"on": [{"event": event}]}, "steps": [{"id": "hour", "wait": {"for": "1h"}}]})
    async with server.api() as api:
        before = await api.place(person)
        for _ in range(3):
            await api.accept(event, profile_id=person)
        old, young, new = [one["event_id"] for one in await api.events_since(before, person)]
        assert await told(api, person) == [new, young, old]
        runs = (await api.profile(person))["runs"]
    server.stop()
    await age(server, engine, old, kept + OLDER)
    await age(server, engine, young, kept - 10 * MINUTE)
    server.start()
    async with server.api() as api:
        await eventually(lambda: told(api, person), lambda seen: seen == [new, young])
        assert (await api.profile(person))["runs"] == runs
        assert old in [one["event_id"] for one in (await api.get("/log?limit=100"))["events"]]


async def test_old_events_runs_and_deliveries_go_once_they_are_in_files(start: Start) -> None:
    hour = {"keep_events": "1h", "keep_runs": "1h", "keep_deliveries": "1h", "export_events": "ndjson"}
    server, go, stay, person = start(**hour), unique("go"), unique("stay"), unique("ann")
    await server.apply({"workflow": "ends", "start": {"on": [{"event": go}]}, "steps": [{"id": "out", "exit": {}}]})
    await server.apply({"workflow": "waits", "start": {"on": [{"event": go}]}, "steps": [{"id": "day", "wait": {"for": "1d"}}]})
    async with server.api() as api:
        await api.accept(go, profile_id=person)
        await api.place(person)
        ended = next(run for run in (await api.profile(person))["runs"] if run["workflow"] == "ends")
        assert ended["ended"] is not None
    server.stop()
    await age_all(server, HOUR + OLDER)
    server.start()
    async with server.api() as api:
        await api.accept(stay, profile_id=person)
        await eventually(lambda: logged(api), lambda names: go not in names and stay in names)
        assert [run["workflow"] for run in (await api.profile(person))["runs"]] == ["waits"]
        assert (await api.ask("GET", f"/runs/{ended['run_id']}")).status == 404
        # What is told does without what is gone.
        assert (await api.ask("GET", f"/runs/{ended['run_id']}/history")).status == 404
        [event] = [one for one in exported(server) if one["name"] == go]
        assert (await api.get(f"/events/{event['id']}/explanation"))["status"] == "explained"
        assert await api.get(f"/profiles/{person}/timeline") is not None
        assert await api.get(f"/profiles/{person}/workflows/ends/explanation") is not None


def exported(server: Server) -> list[Any]:
    """All events in the files that the server has written."""
    found = (server.data / "export").glob("events_*.ndjson.gz")
    return [json.loads(line) for path in found for line in gzip.decompress(path.read_bytes()).splitlines()]
