"""Goals and triggers are events with the rules of Track Event."""

import pytest
from tests.api.people.world import World


async def test_they_become_events(world: World) -> None:
    assert (await world.post("/goals", {"name": "sale", "count": 2, "value": 9.5, "profile_id": "ann"}, scope="events")).data == {}
    trigger = {"campaign_name": "cart", "event_name": "add", "profile_id": "ann", "data": {"price": 3, "campaign_name": "other"}}
    assert (await world.post("/triggers/events", trigger, scope="events")).data == {}
    await world.apply()
    events = {one["event_name"]: one["data"] for one in (await world.get("/log?after=0")).data["events"]}
    assert events == {"sale": {"count": 2, "value": 9.5}, "add": {"price": 3, "campaign_name": "cart"}}


async def test_the_same_id_is_one_event(world: World) -> None:
    goal = {"name": "sale", "profile_id": "ann", "event_id": "1"}
    for body, status in ((goal, 200), (goal, 200), ({**goal, "value": 1}, 409)):
        assert (await world.post("/goals", body)).status == status
    await world.apply()
    assert len((await world.get("/log?after=0")).data["events"]) == 1


@pytest.mark.parametrize(
    ("path", "body", "problems"),
    [
        ("/goals", {"profile_id": "a"}, [("name is required", ["name"])]),
        ("/goals", {"name": "x" * 65, "profile_id": "a"}, [("name must be at most 64 characters", ["name"])]),
        ("/goals", {"name": "PushEngage.x", "profile_id": "a"}, [('name must not start with "PushEngage."', ["name"])]),
        ("/goals", {"name": "x"}, [("device_token_hash or profile_id is required", [])]),
        ("/goals", {"name": "x", "profile_id": "a", "value": "9"}, [("value must be a number", ["value"])]),
        ("/goals", {"name": "x", "profile_id": "a", "count": True}, [("count must be a number", ["count"])]),
        ("/triggers/events", {"event_name": "x", "profile_id": "a"}, [("campaign_name is required", ["campaign_name"])]),
        (
            "/triggers/events",
            {"campaign_name": "c", "event_name": "x", "profile_id": "a", "data": {"a": None}},
            [("data values must be a string, number, boolean or ISO 8601 date", ["data", "a"])],
        ),
        (
            "/triggers/events",
            {"campaign_name": "c", "event_name": "x", "profile_id": "a", "data": {"a": "x" * 4072}},
            [("data must be at most 4096 bytes", ["data"])],
        ),
    ],
)
async def test_what_they_may_not_say(world: World, path: str, body: object, problems: list[tuple[str, list[str]]]) -> None:
    answer = await world.post(path, body)
    assert (answer.status, answer.problems) == (400, problems)


async def test_a_trigger_as_large_as_may_be(world: World) -> None:
    body = {"campaign_name": "c", "event_name": "x", "profile_id": "a", "data": {"a": "x" * 4067}}
    assert (await world.post("/triggers/events", body)).status == 200
