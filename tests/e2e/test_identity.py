"""Whose a subscriber is (semantics §1): anonymous, joined, moved on, logged out, replaced; and nothing is lost on the way."""

import asyncio
from collections import Counter
from typing import Any

from tests.delivery.receiver import receiving
from tests.e2e.conftest import Start
from tests.e2e.pages import Page, Signer, page
from tests.e2e.server import Api, Server, eventually, unique
from tests.e2e.shop import CREATED, Device
from tests.e2e.test_people import PUSH, change, push_on


async def anonymous(api: Api, device: Device, **fields: object) -> str:
    """Register a subscription without a profile_id; returns its hash once it is there."""
    keys = {"p256dh": device.browser.p256dh, "auth": device.browser.auth}
    said = await change(api, "POST", "/subscribers", {"subscription": {"endpoint": device.endpoint, "keys": keys}, **fields})
    hashed: str = said["device_token_hash"]
    await eventually(lambda: api.get(f"/subscribers/{hashed}"), lambda seen: seen is not None)
    return hashed


async def of(api: Api, hashed: str) -> Any:
    """The profile of a subscriber."""
    return await api.get(f"/subscribers/{hashed}")


def waiting(slug: str, event: str, **start: Any) -> dict[str, Any]:
    """A workflow whose runs wait for long."""
    return {"workflow": slug, "start": {"on": [{"event": event}], **start}, "steps": [{"id": "week", "wait": {"for": "7d"}}]}


def runs(profile: Any, slug: str) -> list[tuple[str, str | None]]:
    """Status and reason of a workflow's runs, oldest first."""
    found = sorted((run for run in profile["runs"] if run["workflow"] == slug), key=lambda run: run["started"])
    return [(run["status"], run["reason"]) for run in found]


async def test_an_anonymous_profile_becomes_part_of_the_named_one(server: Server, api: Api) -> None:
    both, alone, once = unique("both"), unique("alone"), unique("once")
    for slug in (both, alone):
        await server.apply(waiting(slug, slug))
    await server.apply({"workflow": once, "start": {"on": [{"event": once}], "again": "never"}, "steps": []})
    person = unique("ann")
    async with receiving(CREATED) as service:
        hashed = await anonymous(api, Device(service), attributes={"plan": "free", "seen": "shoes"}, segments=["guests"])
        for event in (both, alone, once):
            await api.accept(event, device_token_hash=hashed)
        await eventually(lambda: of(api, hashed), lambda seen: len(seen["runs"]) == 3)
        await change(api, "PATCH", f"/profiles/{person}/attributes", {"plan": "gold"})
        await change(api, "POST", f"/profiles/{person}/segments", {"add": ["customers"]})
        await api.accept(both, profile_id=person)
        await api.profile_when(person, lambda seen: runs(seen, both) == [("waiting", None)])

        await change(api, "POST", f"/profiles/{person}/merge", {"device_token_hash": hashed})
        seen = await api.profile_when(person, lambda seen: [row["device_token_hash"] for row in seen["subscribers"]] == [hashed])
        assert seen["attributes"] == {"plan": "gold", "seen": "shoes"}, "the named profile wins"
        assert sorted(seen["segments"]) == ["customers", "guests"]
        seen = await api.profile_when(person, lambda seen: len(seen["runs"]) == 3)
        assert runs(seen, both) == [("waiting", None), ("exited", "merged")], "the older one stays"
        assert runs(seen, alone) == [("waiting", None)]
        assert (await of(api, hashed))["profile_id"] == person

        # it goes by one memory from now on
        await api.accept(once, profile_id=person)
        assert (await api.verdict(person, once, once))["verdict"] == "not_again"
        await api.accept(alone, profile_id=person)
        assert (await api.verdict(person, alone, alone))["verdict"] == "already_running"


async def test_from_one_named_profile_to_another_only_the_subscriber_goes(server: Server, api: Api) -> None:
    slug, event = unique("hi"), unique("go")
    await server.apply(push_on(slug, event))
    long = unique("long")
    await server.apply(waiting(long, long))
    ann, bob = unique("ann"), unique("bob")
    async with receiving(CREATED) as service:
        phone = Device(service)
        hashed = await phone.register(api, ann, attributes={"plan": "gold"})
        await api.accept(long, device_token_hash=hashed)
        await api.profile_when(ann, lambda seen: runs(seen, long) == [("waiting", None)])
        await change(api, "POST", f"/subscribers/{hashed}/identify", {"profile_id": bob})
        seen = await api.profile_when(bob, lambda seen: [row["device_token_hash"] for row in seen["subscribers"]] == [hashed])
        assert (seen["attributes"], seen["runs"]) == ({}, [])
        seen = await api.profile_when(ann, lambda seen: seen["subscribers"] == [])
        assert (seen["attributes"], runs(seen, long)) == ({"plan": "gold"}, [("waiting", None)])
        await api.accept(event, profile_id=ann)
        assert (await api.verdict(ann, slug, event))["verdict"] == "started"
        await api.accept(event, profile_id=bob)
        await service.wait_for(1)
        await api.profile_when(bob, lambda seen: [row["status"] for row in seen["deliveries"]] == ["sent"])
        assert (await api.profile(ann))["deliveries"] == []


async def test_who_logs_out_leaves_nothing_to_the_next_one(server: Server, api: Api) -> None:
    once = unique("once")
    await server.apply({"workflow": once, "start": {"on": [{"event": once}], "again": "never"}, "steps": []})
    ann = unique("ann")
    async with receiving(CREATED) as service:
        hashed = await anonymous(api, Device(service), attributes={"first": "guest"})
        await api.accept(once, device_token_hash=hashed)
        await change(api, "POST", f"/subscribers/{hashed}/identify", {"profile_id": ann})
        await api.profile_when(ann, lambda seen: seen["subscribers"])
        for time in range(2):
            await change(api, "POST", f"/subscribers/{hashed}/logout", {})
            seen = await eventually(lambda: of(api, hashed), lambda seen: seen["profile_id"] is None and not seen["runs"])
            assert (seen["attributes"], seen["segments"]) == ({}, []), time
            assert once not in {line["explanation"]["name"] for line in seen["explanations"]}, time
            await api.accept(once, device_token_hash=hashed)
            await eventually(lambda: of(api, hashed), lambda seen: runs(seen, once) == [("completed", None)])
        kept = await api.profile(ann)
        assert (kept["subscribers"], kept["attributes"]) == ([], {"first": "guest"})
        await api.accept(once, profile_id=ann)
        assert (await api.verdict(ann, once, once))["verdict"] == "not_again", "what the guest had counts for the person"


async def test_a_subscription_takes_the_place_of_another(server: Server, api: Api) -> None:
    slug, event = unique("hi"), unique("go")
    await server.apply(push_on(slug, event))
    async with receiving(CREATED) as service:
        old, new = Device(service), Device(service)
        before = await anonymous(api, old, attributes={"seen": "shoes"})
        after = await anonymous(api, new, previous=before)
        assert after != before
        both = {before: False, after: True}
        seen = await eventually(
            lambda: of(api, before), lambda seen: {row["device_token_hash"]: row["active"] for row in seen["subscribers"]} == both
        )
        assert seen["attributes"] == {"seen": "shoes"}
        for hashed in (before, after):
            await api.accept(event, device_token_hash=hashed)
        await service.wait_for(2)
        await eventually(lambda: of(api, after), lambda seen: [row["status"] for row in seen["deliveries"]] == ["sent", "sent"])
        assert {request.path for request in service.requests} == {new.path}
        # both become the same person's
        ann = unique("ann")
        await change(api, "POST", f"/subscribers/{after}/identify", {"profile_id": ann})
        await api.profile_when(ann, lambda seen: seen["attributes"] == {"seen": "shoes"})
        for hashed in (before, after):
            await api.accept(event, device_token_hash=hashed)
        await service.wait_for(4)
        for hashed in (before, after):
            await eventually(lambda: of(api, hashed), lambda seen: seen["profile_id"] == ann)  # noqa: B023 - it is awaited at once
        assert {request.path for request in service.requests} == {new.path}


async def test_events_that_come_while_profiles_merge_count_once_each(server: Server, api: Api) -> None:
    slug, event = unique("each"), unique("go")
    start = {"on": [{"event": event}], "key": "event.n"}
    push = {"id": "hi", "push": {**PUSH, "title": "{{ n }}", "transactional": True}}
    await server.apply({"workflow": slug, "start": start, "steps": [push]})
    people = [unique("p") for _ in range(4)]
    async with receiving(CREATED) as service:
        phones = [Device(service) for _ in people]
        hashes = [await anonymous(api, phone) for phone in phones]

        async def shop(hashed: str) -> None:
            async with server.api() as own:
                for n in range(15):
                    await own.accept(event, device_token_hash=hashed, data={"n": f"{hashed[:8]}-{n}"})

        async def login(hashed: str, person: str) -> None:
            async with server.api() as own:
                for name in (person, person + "-2", person):
                    await change(own, "POST", f"/subscribers/{hashed}/identify", {"profile_id": name})
                    await own.place()

        await asyncio.gather(*map(shop, hashes), *map(login, hashes, people))
        await service.wait_for(60)
        await api.place(*people)
        for phone, hashed in zip(phones, hashes, strict=True):
            titles = Counter(phone.read(one)["title"] for one in phone.received)
            assert titles == {f"{hashed[:8]}-{n}": 1 for n in range(15)}


async def test_who_is_not_known(server: Server, api: Api) -> None:
    slug, event = unique("w"), unique("go")
    await server.apply(waiting(slug, event))
    nobody, person = unique("nobody"), unique("new")
    await api.accept(event, profile_id=person)
    await api.profile_when(person, lambda seen: runs(seen, slug) == [("waiting", None)] and seen["subscribers"] == [])
    for path in (f"/subscribers/{nobody}/identify", f"/profiles/{person}/merge"):
        answer = await api.ask("POST", path, {"profile_id": person} if "identify" in path else {"device_token_hash": nobody})
        assert answer.status == 404, answer


async def test_nothing_is_sent_as_a_profile_that_was_left(start: Start) -> None:
    """At once, whoever said that it was left: what the page may send is judged by what is accepted, not by what is applied."""
    ann, bob = unique("ann"), unique("bob")

    async def tracked(shop: Page, hashed: str, person: str) -> int:
        fields = {"device_token_hash": hashed, "event_name": "seen", "provider": "PushEngage", "data": {}, "profile_id": person}
        return (await shop.ask("POST", "events/track", {"app_id": shop.app_id, "event_type": "PushEngage.CustomEvent", **fields})).status

    server = start()
    async with server.api() as api, receiving(CREATED) as service, page(server, api) as shop:
        signer = await Signer.new(api)
        hashed = await shop.subscribe(Device(service), profile_id=ann, signature=signer.sign(ann))
        ways: list[tuple[Api | Page, str, str, object]] = [
            (api, "POST", f"/subscribers/{hashed}/logout", {}),
            (shop, "POST", "subscriber/logout", {"app_id": shop.app_id, "device_token_hash": hashed}),
            (shop, "DELETE", f"subscriber/{hashed}/fields?app_id={shop.app_id}", []),
            (api, "POST", f"/subscribers/{hashed}/identify", {"profile_id": bob}),
            (api, "POST", f"/profiles/{bob}/merge", {"device_token_hash": hashed}),
        ]
        for asked, method, path, fields in ways:
            await shop.say("subscriber/profile-id/add", device_token_hash=hashed, profile_id=ann, signature=signer.sign(ann))
            assert await tracked(shop, hashed, ann) == 200
            answer = await asked.ask(method, path, fields)
            assert answer.status == 200, answer
            assert await tracked(shop, hashed, ann) == 403, path
            assert await tracked(shop, hashed, bob) == (200 if bob in f"{path} {fields}" else 403)
