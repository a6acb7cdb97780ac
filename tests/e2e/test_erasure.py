"""A person is exported and erased in one call each; afterwards nothing that is kept here holds a word of them."""

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

from tests.delivery.receiver import receiving, status
from tests.e2e.conftest import Start
from tests.e2e.engines import change as change_by_sql
from tests.e2e.engines import column, dump, living_in
from tests.e2e.server import Api, Server, eventually, unique
from tests.e2e.shop import Device
from tests.e2e.test_imports import begin, feed
from tests.e2e.test_people import PUSH, change
from tests.e2e.test_retention import age_all, exported, logged

from clarion.clock import DAY, HOUR

PATIENCE = 40
"""Seconds that an erasure may take: who works it off looks every ten."""
OTHERS = 300
"""People around the person in the same pages of the database."""


def found(content: bytes, words: dict[str, str]) -> set[str]:
    """Which words, by what they are, stand somewhere."""
    return {what for what, word in words.items() if word.encode() in content}


def files(directory: Path) -> bytes:
    """All files below a directory, unpacked; not those that the test has put there."""
    paths = [path for path in directory.rglob("*") if path.is_file() and path.suffix != ".yaml"]
    return b"".join(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes() for path in paths)


async def everything(server: Server) -> bytes:
    """The database of a server that is stopped, its files as they are on disk, what is in its snapshots, and its other files."""
    snapshots = [zlib.decompress(body) for body in await column(server, "SELECT body FROM snapshots")]
    return await dump(server) + b"".join(snapshots) + files(server.data)


async def erased(api: Api, profile_id: str) -> None:
    """Erase a person, and wait until the job is done."""
    job = await change(api, "DELETE", f"/profiles/{profile_id}")
    await eventually(lambda: api.profile(profile_id), lambda seen: seen is None)
    await is_done(api, job["job_id"])


async def is_done(api: Api, job: str) -> Any:
    return await eventually(lambda: api.get(f"/jobs/{job}"), lambda seen: seen["status"] == "done", PATIENCE)


async def test_nothing_is_left_of_who_is_erased_and_nobody_else_loses_anything(start: Start, engine: str) -> None:
    server = start(keep_events="1h", export_events="ndjson")
    event, later, ended = unique("go"), unique("later"), unique("short")
    steps = [{"id": "hi", "push": {**PUSH, "title": "{{ cart }}"}}, {"id": "week", "wait": {"for": "7d"}}]
    await server.apply({"workflow": unique("w"), "start": {"on": [{"event": event}], "key": "event.cart"}, "steps": steps})
    await server.apply({"workflow": ended, "start": {"on": [{"event": event}]}, "steps": [{"id": "out", "exit": {}}]})
    ann, bob = unique("ann"), unique("bob")
    names = ("attribute", "data", "later data", "segment", "event_id", "imported", "aside")
    words = {"profile_id": ann, **{name: unique(name.replace(" ", "")) for name in names}}
    others = {"profile_id": bob, "data": unique("bobs"), "attribute": unique("bobs")}
    async with receiving(status(503, "retry-after: 3600")) as service:
        async with server.api() as api:
            phone, laptop = Device(service), Device(service)
            words["endpoint"], words["p256dh"] = phone.path, phone.browser.p256dh
            words["hash"] = await phone.register(api, ann, attributes={"plan": words["attribute"]})
            others["endpoint"], others["hash"] = laptop.path, await laptop.register(api, bob, attributes={"plan": others["attribute"]})
            await change(api, "POST", f"/profiles/{ann}/segments", {"add": [words["segment"]]})
            rows = [{"profile_id": unique("x"), "attributes": {"n": "x" * 200}} for _ in range(OTHERS)]
            rows[OTHERS // 2] = {"profile_id": ann, "attributes": {"more": words["imported"]}}
            rows[OTHERS // 3] = {"profile_id": ann, "attributes": {"wrong": [words["imported"]]}}
            job = await begin(api)
            assert (await feed(api, job, 0, json.dumps(rows).encode(), "application/json"))["refused"] == 1
            for _ in range(20):
                await api.accept(unique("browse"), profile_id=ann, data={"cart": words["data"]})
                await api.accept(unique("browse"), profile_id=bob, data={"cart": others["data"]})
            await api.accept(event, profile_id=ann, data={"cart": words["data"]}, event_id=words["event_id"])
            await api.accept(event, profile_id=bob, data={"cart": others["data"]})
            await service.wait_for(2)
            for person in (ann, bob):
                await api.profile_when(person, lambda seen: [row["status"] for row in seen["deliveries"]] == ["pending"])
        server.stop()
        await age_all(server, HOUR + 8 * DAY)
        poison = json.dumps({"name": "x", "profile_id": ann, "data": {"cart": words["aside"]}})
        at = living_in(engine, ann)
        await change_by_sql(
            server,
            "INSERT INTO poisoned (partition, id, site, kind, body, at, error) "
            f"VALUES ({at}, '{unique('id')}', 1, 'event', '{poison}', 1, 'broken')",
        )
        server.start()
        async with server.api() as api:
            await eventually(lambda: logged(api), lambda names: event not in names, PATIENCE)
            assert {one["name"] for one in exported(server)} >= {event}, "what was said before is in files by now"
            await api.accept(later, profile_id=ann, data={"cart": words["later data"]})
            await api.accept(later, profile_id=bob, data={"cart": others["data"]})
            await api.place(ann, bob)

            person = await api.get(f"/profiles/{ann}/export")
            assert await server.run("profiles", "export-person", ann) == person
            told = json.dumps(person).encode()
            assert found(told, words) == words.keys() - {"p256dh", "event_id", "aside"}, "what somebody has a right to get"
            assert (len(person["runs"]), len(person["deliveries"]), person["complete"]) == (2, 1, True)
            assert found(told, others | {"key": phone.browser.p256dh}) == set()
        server.stop()
        assert found(await everything(server), words) == words.keys(), "it would be found"
        server.start()
        async with server.api() as api:
            await erased(api, ann)
            assert await api.get(f"/subscribers/{words['hash']}") is None
            assert await api.get(f"/profiles/{ann}/export") is None
            again = await api.ask("DELETE", f"/profiles/{ann}")
            assert again.status == 404, again
            assert found(json.dumps(await api.get("/jobs")).encode(), words) == set()
            kept = await api.profile(bob)
            assert (len(kept["runs"]), len(kept["subscribers"]), len(kept["deliveries"])) == (2, 1, 1)
        assert found(await dump(server) + files(server.data), words) == set(), "also while it runs"
        server.stop()
        left = await everything(server)
        assert found(left, words) == set()
        assert found(left, others) == others.keys()
        server.start()
        async with server.api() as api:
            assert await api.profile(ann) is None
            assert (await api.profile(bob))["runs"] == kept["runs"]
            # who comes later by that name is somebody new
            await api.accept(event, profile_id=ann, data={"cart": "new"}, event_id=words["event_id"])
            seen = await api.profile_when(ann, lambda seen: seen["runs"])
            assert (seen["attributes"], seen["segments"], seen["subscribers"]) == ({}, [], [])


async def test_nothing_is_left_of_what_was_under_way(start: Start) -> None:
    """On their way to the profile, from the partitions where its subscribers are at home, are registrations and events."""
    server, event, words, jobs = start(), unique("go"), dict[str, str](), dict[str, str]()
    async with receiving(status(201)) as service:
        async with server.api() as api:
            for turn in range(3):
                person, secret = unique("ann"), unique("secret")
                words |= {f"profile_id {turn}": person, f"secret {turn}": secret}
                await Device(service).register(api, person, attributes={"a": secret})
                for phone in [Device(service) for _ in range(4)]:
                    keys = {"p256dh": phone.browser.p256dh, "auth": phone.browser.auth}
                    body = {"subscription": {"endpoint": phone.endpoint, "keys": keys}, "profile_id": person, "attributes": {"a": secret}}
                    hashed = (await change(api, "POST", "/subscribers", body))["device_token_hash"]
                    await api.accept(event, device_token_hash=hashed, data={"a": secret})
                jobs[person] = (await change(api, "DELETE", f"/profiles/{person}"))["job_id"]
            for person, job in jobs.items():
                await is_done(api, job)
                assert await api.profile(person) is None
                assert await api.get(f"/subscribers?profile_id={person}") == {"subscribers": [], "cursor": None}
        server.stop()
        assert found(await everything(server), words) == set()


async def test_an_erasure_whose_entries_were_never_put_is_done_all_the_same(start: Start) -> None:
    server, person = start(), unique("ann")
    async with server.api() as api:
        await change(api, "PATCH", f"/profiles/{person}/attributes", {"plan": "gold"})
        await api.profile_when(person, lambda seen: seen["attributes"])
    server.stop()
    job = unique("job")
    body = json.dumps({"profiles": [f"n:{person}"], "subscribers": []})
    await change_by_sql(
        server,
        "INSERT INTO jobs (site, id, kind, status, body, created, changed) "
        f"VALUES (1, '{job}', 'erasure', 'running', '{body}', 2000000000000000, 2000000000000000)",
    )
    server.start()
    async with server.api() as api:
        await is_done(api, job)
        assert await api.profile(person) is None
    server.stop()
    assert person.encode() not in await everything(server)


async def test_an_erasure_goes_on_behind_crashes(start: Start) -> None:
    server, person = start(), unique("ann")
    async with server.api() as api:
        for number in range(50):
            await api.accept(unique("browse"), profile_id=person, data={"secret": f"{person} {number}"})
        await api.profile_when(person, lambda seen: seen)
        job = await change(api, "DELETE", f"/profiles/{person}")
    for _ in range(3):
        server.kill()
        server.start()
    async with server.api() as api:
        await is_done(api, job["job_id"])
        assert await api.profile(person) is None
    server.stop()
    assert person.encode() not in await everything(server)
