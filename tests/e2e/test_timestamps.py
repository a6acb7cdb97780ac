"""When an event says that it happened: both sides of how far ahead and how long ago."""

from datetime import UTC, datetime, timedelta

from tests.e2e.server import Api, Server, unique

AHEAD = timedelta(minutes=5)
OLDEST = timedelta(hours=72)
ALIKE = timedelta(milliseconds=100)
"""By how much the server's clock, which may be its database's, may differ from this one."""


def moved(by: timedelta) -> str:
    return (datetime.now(UTC) + by).isoformat()


async def test_five_minutes_ahead_are_taken(api: Api) -> None:
    assert (await api.track(unique("ahead"), timestamp=moved(AHEAD - ALIKE))).status == 200


async def test_a_second_more_is_refused(api: Api) -> None:
    answer = await api.track(unique("ahead"), timestamp=moved(AHEAD + timedelta(seconds=1)))
    assert answer.status == 400
    assert answer.json["error"]["details"] == [{"message": "timestamp must be at most 5 minutes ahead", "path": ["timestamp"]}]


async def test_an_event_that_is_too_old_is_recorded_and_starts_nothing(server: Server, api: Api) -> None:
    name, slug = unique("order"), unique("aged")
    await server.apply({"workflow": slug, "start": {"on": [{"event": name}]}, "steps": []})
    before = await api.place()
    old, young = unique("old"), unique("young")
    await api.accept(name, profile_id=old, timestamp=moved(-OLDEST - timedelta(seconds=1)))
    await api.accept(name, profile_id=young, timestamp=moved(-OLDEST + timedelta(minutes=1)))
    assert {event["profile_id"] for event in await api.events_since(before, old, young)} == {old, young}

    assert (await api.verdict(old, slug, name))["verdict"] == "too_old"
    assert (await api.profile(old))["runs"] == []
    assert (await api.verdict(young, slug, name))["verdict"] == "started"
    assert [run["status"] for run in (await api.profile(young))["runs"]] == ["completed"]
