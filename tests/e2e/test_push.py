"""From an event to a notification: event, wait, push and HTTP request, seen from the browser and from the shop."""

import asyncio
import re
import time
from typing import Any

from tests.delivery.receiver import receiving, status
from tests.e2e.server import Api, Server, unique
from tests.e2e.shop import check_signature, check_vapid, device

SECOND = 1_000_000
WORKFLOW = """
workflow: {slug}
name: Cart
start:
  on:
    - event: {event}
steps:
  - id: pause
    wait: {{for: 1s}}
  - id: remind
    push:
      title: "Still thinking about {{{{ product_name || it }}}}?"
      message: "{{{{ product_name }}}} is yours for {{{{ price }}}}, {{{{ first_name || friend }}}}."
      url: "https://shop.example/cart/{{{{ cart_id }}}}"
      ttl: 1h
      urgency: high
  - id: tell
    http:
      url: "{hook}"
      headers: {{X-Shop: "{{{{ first_name }}}}"}}
      body: {{cart: "{{{{ cart_id }}}}", total: "{{{{ price }}}}", nested: ["{{{{ product_name }}}}"]}}
"""
EVERY_FIELD = """
workflow: {slug}
start:
  on:
    - event: {event}
steps:
  - id: all
    push:
      title: "Title of {{{{ cart }}}}"
      message: "Message of {{{{ cart }}}}"
      url: "https://shop.example/url/{{{{ cart }}}}"
      icon: "https://shop.example/icon/{{{{ cart }}}}"
      image: "https://shop.example/image/{{{{ cart }}}}"
      badge: "https://shop.example/badge/{{{{ cart }}}}"
      actions:
        - {{title: "First of {{{{ cart }}}}", url: "https://shop.example/first/{{{{ cart }}}}"}}
        - {{title: "Second of {{{{ cart }}}}", url: "https://shop.example/second/{{{{ cart }}}}"}}
      tag: "tag-{{{{ cart }}}}"
      ttl: 90m
      urgency: very-low
      require_interaction: true
"""


def reasons(profile: Any) -> list[Any]:
    """Everything that the profile's history says of its runs, newest first."""
    return [reason for line in profile["explanations"] for _, told in line["explanation"].get("runs", []) for reason in told]


def effects(profile: Any) -> dict[str, str]:
    """Step → id of its effect, as the profile's history has it."""
    return {reason["step"]: reason["detail"]["effect"] for reason in reasons(profile) if "effect" in reason.get("detail", {})}


async def test_an_event_becomes_a_push_and_a_signed_request(server: Server, api: Api) -> None:
    slug, event, person = unique("cart"), unique("add-to-cart"), unique("ann")
    site = await server.run("sites", "show")
    async with device() as phone, receiving() as shop:
        await server.apply(WORKFLOW.format(slug=slug, event=event, hook=shop.url))
        hashed = await phone.register(api, profile_id=person, attributes={"first_name": "Ann"})
        began = time.monotonic()
        await api.accept(event, device_token_hash=hashed, data={"product_name": "Běžky & co", "price": 99.99, "cart_id": "c/1"})
        await asyncio.gather(phone.service.wait_for(1), shop.wait_for(1))
        assert time.monotonic() - began >= 1

        profile = await api.profile_when(person, lambda seen: [row["status"] for row in seen["deliveries"]] == ["sent", "sent"])
        [push], [request] = phone.received, shop.requests

    # the run
    [run] = profile["runs"]
    assert (run["workflow"], run["status"], run["step"]) == (slug, "completed", None)
    assert run["ended"] - run["started"] >= SECOND
    effect = effects(profile)
    deliveries = {row["step"]: row for row in profile["deliveries"]}
    assert {row["run_id"] for row in profile["deliveries"]} == {run["run_id"]}
    assert [len(row["attempts"]) for row in profile["deliveries"]] == [1, 1]

    # the push (RFC 8030 §5, RFC 8291, RFC 8292)
    assert phone.read(push) == {
        "id": effect["remind"],
        "title": "Still thinking about Běžky & co?",
        "message": "Běžky & co is yours for 99.99, Ann.",
        "url": "https://shop.example/cart/c%2F1",
        "tag": effect["remind"],
    }
    assert push.method == "POST"
    expected = {"content-encoding": "aes128gcm", "ttl": "3600", "urgency": "high", "topic": effect["remind"]}
    assert {name: push.header(name) for name in expected} == expected
    vapid = check_vapid(push.header("authorization"))
    assert vapid.key == site["vapid_public_key"]
    assert vapid.claims["aud"] == phone.endpoint.removesuffix(phone.path)
    assert vapid.claims["sub"] == site["vapid_subject"]
    assert 0 < vapid.claims["exp"] - time.time() <= 24 * 3600

    # the request (Standard Webhooks)
    body = {"cart": "c/1", "total": 99.99, "nested": ["Běžky & co"]}
    assert check_signature(site["webhook_secret"], request) == body
    assert request.method == "POST"
    assert request.header("webhook-id") == effect["tell"] == deliveries["tell"]["delivery_id"]
    assert request.header("x-shop") == "Ann"
    assert request.header("content-type") == "application/json"


async def test_every_field_of_a_push_reaches_the_browser(server: Server, api: Api) -> None:
    slug, event, person = unique("all"), unique("go"), unique("cid")
    await server.apply(EVERY_FIELD.format(slug=slug, event=event))
    async with device() as phone:
        await phone.register(api, profile_id=person)
        await api.accept(event, profile_id=person, data={"cart": "c7"})
        await phone.service.wait_for(1)
        profile = await api.profile_when(person, lambda seen: [row["status"] for row in seen["deliveries"]] == ["sent"])
        [push] = phone.received
    effect = effects(profile)["all"]
    assert phone.read(push) == {
        "id": effect,
        "title": "Title of c7",
        "message": "Message of c7",
        "url": "https://shop.example/url/c7",
        "icon": "https://shop.example/icon/c7",
        "image": "https://shop.example/image/c7",
        "badge": "https://shop.example/badge/c7",
        "actions": [
            {"title": "First of c7", "url": "https://shop.example/first/c7"},
            {"title": "Second of c7", "url": "https://shop.example/second/c7"},
        ],
        "tag": "tag-c7",
        "require_interaction": True,
    }
    assert (push.header("ttl"), push.header("urgency"), push.header("topic")) == ("5400", "very-low", effect)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,32}", effect), "a topic is at most 32 characters of base64url (RFC 8030 §5.4)"


async def test_each_browser_of_a_person_gets_the_push(server: Server, api: Api) -> None:
    slug, event, person = unique("both"), unique("go"), unique("bob")
    push = {"title": "Hi", "message": "to {{ subscriber.browser || you }}", "url": "https://shop.example/"}
    await server.apply({"workflow": slug, "start": {"on": [{"event": event}]}, "steps": [{"id": "hi", "push": push}]})
    async with device() as phone, device() as laptop:
        hashes = {await phone.register(api, profile_id=person), await laptop.register(api, profile_id=person)}
        assert await phone.register(api, profile_id=person) in hashes
        await api.accept(event, profile_id=person)
        await asyncio.gather(phone.service.wait_for(1), laptop.service.wait_for(1))
        profile = await api.profile_when(person, lambda seen: [row["status"] for row in seen["deliveries"]] == ["sent", "sent"])
        [one], [other] = phone.received, laptop.received
        effect = effects(profile)["hi"]
        bare = {"id": effect, "title": "Hi", "message": "to you", "url": "https://shop.example/", "tag": effect}
        assert phone.read(one) == laptop.read(other) == bare, "what a push does not have is left out"
        headers = [(sent.header("ttl"), sent.header("urgency"), sent.header("topic")) for sent in (one, other)]
        assert headers == [("2419200", "normal", effect)] * 2
        assert {row["device_token_hash"] for row in profile["subscribers"]} == hashes


async def test_a_browser_that_is_gone_is_removed(server: Server, api: Api) -> None:
    slug, event, person = unique("gone"), unique("go"), unique("eve")
    push = {"title": "Hi", "message": "there", "url": "https://shop.example/"}
    await server.apply({"workflow": slug, "start": {"on": [{"event": event}]}, "steps": [{"id": "hi", "push": push}]})
    async with device(status(410)) as phone:
        await phone.register(api, profile_id=person)
        await api.accept(event, profile_id=person)
        profile = await api.profile_when(person, lambda seen: not all(row["active"] for row in seen["subscribers"]))
        assert [row["status"] for row in profile["deliveries"]] == ["gone"]

        # the next push has nobody to go to
        await api.accept(event, profile_id=person)
        profile = await api.profile_when(person, lambda seen: [run["status"] for run in seen["runs"]] == ["completed"] * 2)
        assert [reason["step"] for reason in reasons(profile) if reason["what"] == "no_subscriber"] == ["hi"]
        assert len(phone.received) == 1

        # it subscribes again
        phone.service.answer = status(201)
        await phone.register(api, profile_id=person)
        await api.accept(event, profile_id=person)
        await phone.service.wait_for(2)
        await api.profile_when(person, lambda seen: [row["status"] for row in seen["deliveries"]] == ["sent", "gone"])


async def test_an_unknown_device_starts_nothing_and_is_recorded(server: Server, api: Api) -> None:
    slug, event, nobody = unique("lost"), unique("go"), unique("nobody")
    await server.apply({"workflow": slug, "start": {"on": [{"event": event}]}, "steps": []})
    before = await api.place()
    await api.accept(event, device_token_hash=nobody)
    assert [row["device_token_hash"] for row in await api.events_since(before, device=nobody)] == [nobody]
    assert await api.get(f"/subscribers/{nobody}") is None
