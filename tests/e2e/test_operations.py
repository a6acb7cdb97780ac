"""Operating a running server: runs stopped, retried, moved; receipts and counters; inputs set aside; the site's settings."""

from typing import Any

import msgspec
import pytest
from tests.delivery.receiver import status
from tests.e2e.conftest import Start
from tests.e2e.server import Api, Server, eventually, unique
from tests.e2e.shop import check_vapid, device
from tests.store.builders import Owner

from clarion.config import load_settings
from clarion.domain.ids import partition_of
from clarion.store.records.poisoned import Poisoned
from clarion.stores import open_store

PUSH = {"title": "Hi", "message": "there", "url": "https://shop.example/"}


async def ok(api: Api, method: str, path: str, body: object = None) -> Any:
    answer = await api.ask(method, path, body)
    assert answer.status == 200, answer
    return answer.json["data"]


async def conflict(api: Api, path: str, body: object = None) -> str:
    answer = await api.ask("POST", path, body)
    assert answer.status == 409, answer
    message = answer.json["error"]["details"][0]["message"]
    assert isinstance(message, str)
    return message


async def put(api: Api, slug: str, event: str, *steps: dict[str, Any], **settings: Any) -> None:
    document = {"workflow": slug, "start": {"on": [{"event": event}]}, "steps": steps, **settings}
    await ok(api, "PUT", f"/workflows/{slug}", document)


async def only_run(api: Api, person: str, **fields: object) -> Any:
    """The person's only run as soon as it is as wanted."""

    def holds(seen: Any) -> bool:
        return bool(seen["runs"]) and all(seen["runs"][0][name] == value for name, value in fields.items())

    return (await api.profile_when(person, holds))["runs"][0]


def counted(view: Any) -> dict[tuple[str, str], float]:
    """Counters by step and name, of all versions."""
    found: dict[tuple[str, str], float] = {}
    for row in view["counters"]:
        key = (row["step"], row["name"])
        found[key] = found.get(key, 0) + row["count"]
    return found


async def test_a_run_is_found_moved_and_stopped(api: Api) -> None:
    slug, event, person = unique("runs"), unique("go"), unique("ann")
    await put(api, slug, event, {"id": "hour", "wait": {"for": "1h"}}, {"id": "day", "wait": {"for": "1d"}})
    await api.accept(event, profile_id=person, data={"price": 5})
    run = (await only_run(api, person, step="hour"))["run_id"]
    [listed] = (await api.get(f"/runs?workflow={slug}&status=waiting"))["runs"]
    assert (listed["run_id"], listed["profile_id"]) == (run, person)
    shown = await api.get(f"/runs/{run}")
    assert (shown["entry"]["event_name"], shown["entry"]["data"], shown["deliveries"]) == (event, {"price": 5}, [])
    assert await api.get("/runs/missing") is None
    for query in ("status=running", "limit=0", "limit=1001"):
        assert (await api.ask("GET", f"/runs?{query}")).status == 400

    assert "is on version 1, the current one" in await conflict(api, f"/runs/{run}/move")
    assert "is in flight" in await conflict(api, f"/runs/{run}/retry", {})
    assert (await api.ask("POST", f"/runs/{run}/move", {"step": "nowhere"})).status == 400
    assert (await api.ask("POST", f"/runs/{run}/stop", {"step": "day"})).status == 400
    assert (await ok(api, "POST", f"/runs/{run}/move", {"step": "day"}))["change"] == "move"
    await only_run(api, person, step="day")
    await ok(api, "POST", f"/runs/{run}/stop", {"reason": "asked for"})
    await only_run(api, person, status="exited", reason="asked for")
    assert "has exited (asked for): only a run in flight can be stopped" in await conflict(api, f"/runs/{run}/stop")


async def test_a_failed_run_is_retried_at_its_step(api: Api) -> None:
    slug, event, person = unique("retry"), unique("go"), unique("ann")
    await put(api, slug, event, {"id": "until", "wait": {"until": "{{ profile.ends }}"}})
    await api.accept(event, profile_id=person)
    run = await only_run(api, person, status="failed", step="until")
    assert (await ok(api, "POST", f"/runs/{run['run_id']}/retry"))["status"] == "failed"
    again = await api.profile_when(person, lambda seen: seen["runs"][0]["ended"] not in (None, run["ended"]))
    assert again["runs"][0]["status"] == "failed"
    told = [reason["what"] for line in again["explanations"] for _, runs in line["explanation"].get("runs", []) for reason in runs]
    assert "retried" in told


async def test_a_receipt_counts_once(api: Api) -> None:
    slug, event, person = unique("receipt"), unique("go"), unique("ann")
    await put(api, slug, event, {"id": "hi", "push": PUSH})
    async with device() as phone:
        await phone.register(api, profile_id=person)
        await api.accept(event, profile_id=person)
        profile = await api.profile_when(person, lambda seen: [row["status"] for row in seen["deliveries"]] == ["sent"])
    path = f"/deliveries/{profile['deliveries'][0]['delivery_id']}/receipts"
    for body in ({"event": "viewed"}, {"event": "clicked"}, {"event": "clicked", "action": 1}, {"event": "closed"}):
        assert await ok(api, "POST", path, body) == {"counted": True}
        assert await ok(api, "POST", path, body) == {"counted": False}
    for body in ({}, {"event": "opened"}, {"event": "viewed", "action": 0}, {"event": "clicked", "action": 2}, {"event": "viewed", "x": 1}):
        assert (await api.ask("POST", path, body)).status == 400
    assert (await api.ask("POST", "/deliveries/missing/receipts", {"event": "viewed"})).status == 404

    async def look() -> Any:
        return counted(await api.get(f"/workflows/{slug}/counters"))

    seen = await eventually(look, lambda seen: seen.get(("hi", "closed")))
    assert {name: count for (step, name), count in seen.items() if step == "hi" and name in ("sent", "viewed", "clicked", "closed")} == {
        "sent": 1,
        "viewed": 1,
        "clicked": 2,
        "closed": 1,
    }
    today = counted(await api.get(f"/workflows/{slug}/counters?period=day"))
    assert today == counted(await api.get(f"/workflows/{slug}/counters?period=hour")) == seen
    for query in ("period=week", "since=2026-01-01", "period=hour&since=2020-01-01", "period=day&since=soon"):
        assert (await api.ask("GET", f"/workflows/{slug}/counters?{query}")).status == 400
    assert await api.get("/workflows/missing/counters") is None


async def test_a_push_that_never_arrived_has_no_receipt(api: Api) -> None:
    slug, event, person = unique("gone"), unique("go"), unique("eve")
    await put(api, slug, event, {"id": "hi", "push": PUSH})
    async with device(status(410)) as phone:
        await phone.register(api, profile_id=person)
        await api.accept(event, profile_id=person)
        profile = await api.profile_when(person, lambda seen: [row["status"] for row in seen["deliveries"]] == ["gone"])
    path = f"/deliveries/{profile['deliveries'][0]['delivery_id']}/receipts"
    assert (await api.ask("POST", path, {"event": "viewed"})).status == 404


async def test_the_value_of_goals_is_in_units(api: Api) -> None:
    slug, event, purchase, person = unique("goal"), unique("go"), unique("purchase"), unique("ann")
    goal = {"event": purchase, "within": "7d", "value": "event.total", "count": "every"}
    await put(api, slug, event, {"id": "hour", "wait": {"for": "1h"}}, settings={"goal": goal})
    await api.accept(event, profile_id=person)
    await api.accept(purchase, profile_id=person, data={"total": 19.99})
    await api.accept(purchase, profile_id=person, data={"total": 5})
    await api.place(person)
    seen = counted(await api.get(f"/workflows/{slug}/counters"))
    assert (seen["", "goals"], seen["", "value"]) == (2, 24.99)


async def aside(server: Server, *inputs: Poisoned) -> None:
    """Put inputs about ann aside, as an engine would; the server must not run."""
    store = open_store(load_settings(server.data, server.environment))
    await store.open()
    try:
        await (await Owner.of(store, partition_of(1, "ann", store.partitions))).commit(poisoned=list(inputs))
    finally:
        await store.close()


async def test_an_input_that_was_set_aside_is_applied_later(start: Start) -> None:
    server = start()
    server.stop()
    body = {"id": "0" * 32, "name": "go", "profile_id": "ann", "received": 1}
    first = Poisoned("0" * 32, 1, "event", msgspec.Raw(msgspec.json.encode(body)), 1, "ValueError: no")
    await aside(server, first, msgspec.structs.replace(first, id="1" * 32, body=msgspec.Raw(b'{"name":1}')))
    server.start()
    async with server.api() as api:
        assert {one["id"] for one in (await api.get("/poisoned"))["poisoned"]} == {"0" * 32, "1" * 32}
        assert (await ok(api, "POST", f"/poisoned/{'0' * 32}/retry"))["error"] == "ValueError: no"
        await api.profile_when("ann", bool)

        # what cannot be applied comes back, with the error of this time, until it is given up
        await ok(api, "POST", f"/poisoned/{'1' * 32}/retry", {})

        async def look() -> Any:
            return (await api.get("/poisoned"))["poisoned"]

        [again] = await eventually(look, lambda seen: len(seen) == 1 and seen[0]["error"] != "ValueError: no")
        assert again["id"] == "1" * 32
        assert (await ok(api, "DELETE", f"/poisoned/{'1' * 32}"))["id"] == "1" * 32
        assert await look() == []
        for method, path in (("DELETE", f"/poisoned/{'1' * 32}"), ("POST", f"/poisoned/{'1' * 32}/retry")):
            assert (await api.ask(method, path)).status == 404


async def test_the_sites_settings_hold_for_the_next_push(start: Start) -> None:
    server = start()
    async with server.api() as api, device() as phone:
        await put(api, "capped", "go", {"id": "hi", "push": PUSH}, {"id": "again", "push": PUSH})
        wanted = {"frequency_cap": {"pushes": 1, "per": "1d"}, "timezone": "Europe/Berlin", "vapid_subject": "https://shop.example/ops"}
        site = await ok(api, "PATCH", "/site", wanted)
        assert {name: site[name] for name in wanted} == wanted
        assert await api.get("/site") == site
        await phone.register(api, profile_id="ann")
        await api.accept("go", profile_id="ann")
        await phone.service.wait_for(1)
        seen = counted(await api.get("/workflows/capped/counters"))
        assert seen["again", "capped"] == 1
        assert ("hi", "capped") not in seen
        [push] = phone.received
        assert check_vapid(push.header("authorization")).claims["sub"] == "https://shop.example/ops"


@pytest.mark.parametrize(
    "body",
    [
        {"frequency_cap": {"pushes": 0, "per": "1d"}},
        {"frequency_cap": 3},
        {"timezone": "Mars"},
        {"timezone": 1},
        {"vapid_subject": "me"},
        {"zone": "UTC"},
        [],
    ],
)
async def test_settings_that_cannot_be_are_refused(api: Api, body: object) -> None:
    before = await api.get("/site")
    answer = await api.ask("PATCH", "/site", body)
    assert answer.status == 400
    assert answer.json["error"]["details"]
    assert await api.get("/site") == before
