"""Dynamic segments: who is in one follows from its condition, at once and when time passes; workflows hear of it."""

from datetime import UTC, datetime
from typing import Any

from tests.e2e.conftest import Start
from tests.e2e.server import Api, Server, eventually, unique
from tests.e2e.shop import device
from tests.e2e.test_people import change


async def tag(api: Api, person: str, **attributes: object) -> None:
    """Set attributes, which are there when this returns."""
    await change(api, "PATCH", f"/profiles/{person}/attributes", attributes)
    await api.profile_when(person, lambda seen: attributes.items() <= seen["attributes"].items())


async def members(api: Api, segment: str) -> set[str]:
    """Who is in a segment."""
    return {row["profile_id"] for row in (await api.get(f"/segments/{segment}/members?limit=1000"))["profiles"]}


async def define(api: Api, segment: str, condition: object, **more: object) -> None:
    """Define a dynamic segment."""
    await change(api, "POST", "/segments", {"segment": segment, "condition": condition, **more})


def listening(slug: str, event: str, segment: str, **attributes: Any) -> dict[str, Any]:
    """A workflow that notes on the profile that it came into a segment, or out of it."""
    where = {"field": "event.segment", "op": "eq", "value": segment}
    steps = [{"id": "note", "update": {"set": attributes}}]
    return {"workflow": slug, "start": {"on": [{"event": f"PushEngage.Subscriber.{event}", "where": where}]}, "steps": steps}


async def test_who_is_in_follows_the_profile_and_workflows_hear_of_it(start: Start) -> None:
    server = start()
    vip, mark = unique("vip"), unique("mark")
    ann, old, new = unique("ann"), unique("old"), unique("new")
    await server.apply(listening("in", "AddSegment", vip, came=mark))
    await server.apply(listening("out", "RemoveSegment", vip, went=mark))
    async with server.api() as api:
        await tag(api, old, points=100)
        await tag(api, ann, points=99)
        await define(api, vip, {"field": "profile.points", "op": "gte", "value": 100})
        await eventually(lambda: members(api, vip), lambda seen: seen == {old})

        await tag(api, ann, points=100)
        await api.profile_when(ann, lambda seen: seen["segments"] == [vip] and seen["attributes"].get("came") == mark)
        await tag(api, ann, points=5)
        await api.profile_when(ann, lambda seen: seen["segments"] == [] and seen["attributes"].get("went") == mark)
        await api.profile_when(old, lambda seen: seen["attributes"] == {"points": 100}), "a backfill starts nothing"

        # another condition; this time those who come in are offered
        await tag(api, new, points=50)
        later = {"condition": {"field": "profile.points", "op": "eq", "value": 50}, "name": "Fifty", "backfill_events": True}
        await change(api, "PATCH", f"/segments/{vip}", later)
        await api.profile_when(new, lambda seen: seen["segments"] == [vip] and seen["attributes"].get("came") == mark)
        await api.profile_when(old, lambda seen: seen["segments"] == [] and seen["attributes"].get("went") == mark)
        shown = await api.get(f"/segments/{vip}")
        assert (shown["name"], shown["members"], shown["members_complete"]) == ("Fifty", 1, True)

        # nobody is put in by hand
        for given in ({"add": [vip]}, {"remove": [vip]}):
            answer = await api.ask("POST", f"/profiles/{ann}/segments", given)
            assert answer.status == 409, answer
        # given up, everybody is out; the name is free for a static one
        await change(api, "DELETE", f"/segments/{vip}")
        await eventually(lambda: members(api, vip), lambda seen: not seen)
        await change(api, "POST", f"/profiles/{ann}/segments", {"add": [vip]})
        await eventually(lambda: members(api, vip), lambda seen: seen == {ann})


async def test_time_alone_takes_a_profile_out(server: Server, api: Api) -> None:
    recent, ann = unique("recent"), unique("ann")
    await define(api, recent, {"field": "profile.visited", "op": "within_last", "value": "1s"})
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    await change(api, "PATCH", f"/profiles/{ann}/attributes", {"visited": now})
    await api.profile_when(ann, lambda seen: seen["segments"] == [recent])
    await api.profile_when(ann, lambda seen: seen["segments"] == [])


async def test_a_condition_sees_the_subscriber(server: Server, api: Api) -> None:
    germans, ann = unique("germans"), unique("ann")
    await define(api, germans, {"field": "subscriber.country", "op": "eq", "value": "DE"})
    async with device() as phone:
        hashed = await phone.register(api, ann, country="AT")
        await change(api, "PATCH", f"/subscribers/{hashed}", {"country": "DE"})
        await api.profile_when(ann, lambda seen: seen["segments"] == [germans])
        await change(api, "DELETE", f"/subscribers/{hashed}")
        await api.profile_when(ann, lambda seen: seen["segments"] == [])


async def test_workflows_that_chase_a_segment_come_to_an_end(start: Start) -> None:
    server, flip, ann = start(), unique("flip"), unique("ann")
    await server.apply(listening("in", "AddSegment", flip, on=False))
    await server.apply(listening("out", "RemoveSegment", flip, on=True))
    async with server.api() as api:
        await define(api, flip, {"field": "profile.on", "op": "eq", "value": True})
        await change(api, "PATCH", f"/profiles/{ann}/attributes", {"on": True})

        def refused(seen: Any) -> set[str]:
            told = [verdict for line in seen["explanations"] for verdict in line["explanation"].get("verdicts", [])]
            return {verdict["verdict"] for verdict in told}

        seen = await api.profile_when(ann, lambda seen: "hop_limit" in refused(seen))
        assert refused(seen) == {"started", "hop_limit"}
        assert 2 <= len(seen["runs"]) <= 8
