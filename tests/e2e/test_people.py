"""Subscribers, profiles and static segments over the API and the command: what is said of people, and what workflows hear of it."""

import asyncio
from typing import Any

from tests.delivery.receiver import receiving
from tests.e2e.conftest import Start
from tests.e2e.server import Api, Server, eventually, unique
from tests.e2e.shop import CREATED, Device, device

PUSH = {"title": "Hi", "message": "there", "url": "https://shop.example/"}
CHANGES = ("Add", "Remove", "Update", "AddSegment", "RemoveSegment", "Identify")


def push_on(slug: str, event: str, **start: Any) -> dict[str, Any]:
    """A workflow that pushes."""
    return {"workflow": slug, "start": {"on": [{"event": event}], **start}, "steps": [{"id": "hi", "push": PUSH}]}


async def change(api: Api, method: str, path: str, body: object = None) -> Any:
    """Ask for a change, which has to be accepted."""
    answer = await api.ask(method, path, body)
    assert answer.status in {200, 202}, answer
    return answer.json["data"]


async def listed(api: Api, what: str, query: str, limit: int = 2) -> list[Any]:
    """All of a list, read on by its cursor in small pages."""
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await api.get(f"/{what}?{query}&limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
        assert len(page[what]) <= limit
        found.extend(page[what])
        cursor = page["cursor"]
    return found


async def test_a_subscriber_of_each_kind_is_registered_listed_changed_and_forgotten(server: Server, api: Api) -> None:
    person = unique("ann")
    async with device() as phone:
        web = await phone.register(api, person, country="DE", browser="Firefox")
        android = await change(
            api, "POST", "/subscribers", {"provider": "fcm", "token": unique("t"), "profile_id": person, "country": "AT"}
        )
        token = "ab" * 32
        ios = await change(api, "POST", "/subscribers", {"provider": "apns", "token": token, "profile_id": person, "country": "DE"})
        hashes = {"webpush": web, "fcm": android["device_token_hash"], "apns": ios["device_token_hash"]}
        await api.profile_when(person, lambda seen: {row["device_token_hash"] for row in seen["subscribers"]} == set(hashes.values()))
        again = await change(api, "POST", "/subscribers", {"provider": "apns", "token": token.upper(), "profile_id": person})
        assert again == ios, "a token is the same however it is spelt"

        async def found(query: str) -> set[str]:
            return {row["provider"] for row in await listed(api, "subscribers", f"profile_id={person}&{query}")}

        assert await found("") == {"webpush", "fcm", "apns"}
        assert await found("country=DE") == {"webpush", "apns"}
        assert await found("provider=fcm") == {"fcm"}
        assert await found("active=false") == set()

        await change(api, "POST", f"/subscribers/{android['device_token_hash']}/unsubscribe", {})
        await change(api, "PATCH", f"/subscribers/{web}", {"country": "CZ"})
        await change(api, "DELETE", f"/subscribers/{ios['device_token_hash']}")
        await eventually(lambda: found("active=false"), lambda seen: seen == {"fcm"})
        await eventually(lambda: found("country=CZ"), lambda seen: seen == {"webpush"})
        await api.profile_when(person, lambda seen: {row["provider"] for row in seen["subscribers"]} == {"webpush", "fcm"})
        assert await api.get(f"/subscribers/{ios['device_token_hash']}") is None
        [row] = (await server.run("subscribers", "list", "--profile-id", person, "--fact", "country=CZ"))["subscribers"]
        assert (row["device_token_hash"], row["facts"]["browser"]) == (web, "Firefox")


async def test_who_has_unsubscribed_gets_nothing_until_they_subscribe_again(server: Server, api: Api) -> None:
    slug, event, person = unique("hi"), unique("go"), unique("bob")
    await server.apply(push_on(slug, event))
    async with receiving(CREATED) as service:
        phone, laptop = Device(service), Device(service)
        one, other = [await each.register(api, person) for each in (phone, laptop)]
        await change(api, "POST", f"/subscribers/{one}/unsubscribe", {})
        await api.profile_when(person, lambda seen: {row["device_token_hash"]: row["active"] for row in seen["subscribers"]}[one] is False)
        await api.accept(event, profile_id=person)
        await service.wait_for(1)
        await change(api, "POST", f"/subscribers/{one}/subscribe", {})
        await change(api, "DELETE", f"/subscribers/{other}")
        await api.profile_when(
            person, lambda seen: [(row["device_token_hash"], row["active"]) for row in seen["subscribers"]] == [(one, True)]
        )
        await api.accept(event, profile_id=person)
        await service.wait_for(2)
        await api.profile_when(person, lambda seen: [row["status"] for row in seen["deliveries"]] == ["sent", "sent"])
        assert [request.path for request in service.requests] == [laptop.path, phone.path]


async def test_a_profile_is_changed_found_and_told_of(server: Server, api: Api) -> None:
    plan, vip = unique("plan"), unique("vip")
    ann, bob = unique("ann"), unique("bob")
    await change(api, "PUT", f"/profiles/{ann}/attributes", {"plan": plan, "age": 41, "old": "x"})
    await change(api, "PATCH", f"/profiles/{ann}/attributes", {"age": 42})
    await change(api, "DELETE", f"/profiles/{ann}/attributes", ["old", "never-there"])
    await change(api, "PATCH", f"/profiles/{bob}/attributes", {"plan": plan, "age": 9})
    await change(api, "POST", f"/profiles/{ann}/segments", {"add": [vip, "gone"]})
    await change(api, "POST", f"/profiles/{ann}/segments", {"remove": ["gone"]})
    await server.run("profiles", "segments", bob, "--add", vip)
    seen = await api.profile_when(ann, lambda seen: seen["segments"] == [vip])
    assert seen["attributes"] == {"plan": plan, "age": 42}
    await api.profile_when(bob, lambda seen: seen["segments"] == [vip])

    members = (await api.get(f"/segments/{vip}/members?limit=1000"))["profiles"]
    assert {row["profile_id"] for row in members} == {ann, bob}
    assert {row["profile_id"] for row in await listed(api, "profiles", f"segment={vip}", 1)} == {ann, bob}
    assert [row["profile_id"] for row in await listed(api, "profiles", f"prefix={ann[:-2]}")] == [ann]
    condition = {"all": [{"field": "profile.plan", "op": "eq", "value": plan}, {"field": "profile.age", "op": "gt", "value": 18}]}
    found: list[Any] = []
    cursor = None
    while True:
        page = await change(api, "POST", "/profiles/search", {"condition": condition, "cursor": cursor})
        found.extend(page["profiles"])
        if (cursor := page["cursor"]) is None:
            break
    assert [row["profile_id"] for row in found] == [ann], "a string is no number, and a child no adult"
    await change(api, "PUT", f"/profiles/{ann}/attributes", {"only": True})
    await api.profile_when(ann, lambda seen: seen["attributes"] == {"only": True})


async def test_every_change_of_a_person_is_heard_by_workflows(start: Start) -> None:
    server = start()
    async with server.api() as api:
        await hear_changes(server, api)


async def hear_changes(server: Server, api: Api) -> None:
    """Change a person in each way, and wait for the workflow that listens for it."""
    person, vip, later = unique("ann"), unique("vip"), unique("later")
    note = "heard-" + unique("x")
    for name in CHANGES:
        audience = {"field": "profile.tag", "op": "eq", "value": note}
        steps = [{"id": "note", "segment": {"add": [f"{note}-{name}"]}}]
        start = {"on": [{"event": f"PushEngage.Subscriber.{name}"}], "audience": audience}
        await server.apply({"workflow": unique(name.lower()), "start": start, "steps": steps})
    heard = [f"{note}-{name}" for name in CHANGES]

    async def until(count: int, segments: tuple[str, ...] = ()) -> None:
        await api.profile_when(person, lambda seen: {*heard[:count], *segments} <= set(seen["segments"]))

    await change(api, "PATCH", f"/profiles/{person}/attributes", {"tag": note})
    async with device() as phone:
        hashed = await phone.register(api, person)
        await until(1)
        await change(api, "POST", f"/subscribers/{hashed}/unsubscribe", {})
        await until(2)
        await change(api, "PATCH", f"/profiles/{person}/attributes", {"first_name": "Ann"})
        await until(3)
        await change(api, "POST", f"/profiles/{person}/segments", {"add": [vip]})
        await until(4, (vip,))
        await change(api, "POST", f"/profiles/{person}/segments", {"remove": [vip]})
        await until(5)
        await change(api, "PATCH", f"/profiles/{later}/attributes", {"tag": note})
        await change(api, "POST", f"/subscribers/{hashed}/identify", {"profile_id": later})
        await api.profile_when(later, lambda seen: heard[5] in seen["segments"])


async def test_goals_and_triggers_are_events_that_workflows_can_filter_on(server: Server, api: Api) -> None:
    person, event, goal = unique("ann"), unique("back-in-stock"), unique("order")
    where = {"field": "event.campaign_name", "op": "eq", "value": "spring"}
    steps = [{"id": "note", "update": {"set": {"campaign": "{{ size }}"}}}]
    await server.apply({"workflow": unique("spring"), "start": {"on": [{"event": event, "where": where}]}, "steps": steps})
    total = {"field": "event.value", "op": "gte", "value": 10}
    steps = [{"id": "note", "update": {"set": {"ordered": "{{ count }}"}}}]
    await server.apply({"workflow": unique("orders"), "start": {"on": [{"event": goal, "where": total}]}, "steps": steps})
    before = await api.place(person)
    for campaign, size in (("autumn", "S"), ("spring", "M")):
        body = {"campaign_name": campaign, "event_name": event, "profile_id": person, "data": {"size": size}, "event_id": campaign}
        for _ in range(2):
            assert await change(api, "POST", "/triggers/events", body) == {}
    for value, count in ((9.99, 1), (10, 2)):
        await change(api, "POST", "/goals", {"name": goal, "profile_id": person, "count": count, "value": value})
    await api.profile_when(person, lambda seen: seen["attributes"] == {"campaign": "M", "ordered": 2})
    told = [(one["event_name"], one["data"]) for one in await api.events_since(before, person) if one["event_name"] in (event, goal)]
    assert told == [
        (event, {"size": "S", "campaign_name": "autumn"}),
        (event, {"size": "M", "campaign_name": "spring"}),
        (goal, {"count": 1, "value": 9.99}),
        (goal, {"count": 2, "value": 10}),
    ], "the same trigger with the same id is one event"
    refused = await asyncio.gather(api.ask("POST", "/triggers/events", {"event_name": event, "profile_id": person}))
    assert refused[0].status == 400
    assert refused[0].json["error"]["details"][0]["path"] == ["campaign_name"]
