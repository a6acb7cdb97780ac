"""A site's VAPID key is rotated: old subscriptions go on with the key that they were made with, new ones have the new one."""

import json
import os
import subprocess
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.delivery.browser import Browser
from tests.e2e.conftest import Start
from tests.e2e.engines import dump
from tests.e2e.pages import Page, page
from tests.e2e.server import CLARION, Api, Server, eventually, unique
from tests.e2e.test_people import PUSH, change, push_on
from tests.push_service.firefox_like import FirefoxLike, connected
from tests.push_service.service import PushService, pushing

from clarion.config import load_settings
from clarion.control.site_keys import VAPID, purpose_of
from clarion.stores import opened_store
from clarion.vault import MASTER_KEY_FILE, open_vault

CONTACT = {"vapid_subject": "mailto:ops@shop.example"}
CROWD = 16


class Subscribed(NamedTuple):
    """A subscription of a browser."""

    hash: str
    channel: str
    token: str
    """What its endpoint ends with."""
    keys: Browser


@asynccontextmanager
async def firefox() -> AsyncIterator[tuple[PushService, FirefoxLike]]:
    """A push service that takes messages by the key of a subscription only, and a browser of it."""
    async with pushing() as service, connected(service) as (browser, _):
        yield service, browser


async def subscribe(site: Page, browser: FirefoxLike, key: str, **fields: object) -> Subscribed:
    """A page subscribes with a key and registers that."""
    channel, endpoint = await browser.register(key)
    mine = Browser.new()
    given = {"endpoint": endpoint, "expirationTime": None, "keys": {"p256dh": mine.p256dh, "auth": mine.auth}}
    said = await site.say("subscriber/add", "POST", subscription=given, vapid_public_key=key, **fields)
    return Subscribed(said["subscriber_hash"], channel, endpoint.rpartition("/")[2], mine)


async def register(api: Api, browser: FirefoxLike, key: str) -> Subscribed:
    """A backend registers what its page has subscribed with the newest key."""
    channel, endpoint = await browser.register(key)
    mine = Browser.new()
    given = {"endpoint": endpoint, "keys": {"p256dh": mine.p256dh, "auth": mine.auth}}
    hashed = (await change(api, "POST", "/subscribers", {"subscription": given}))["device_token_hash"]
    await eventually(lambda: api.get(f"/subscribers/{hashed}"), lambda seen: seen is not None)
    return Subscribed(hashed, channel, endpoint.rpartition("/")[2], mine)


async def key_of(site: Page) -> str:
    """The key that a page is told to subscribe with."""
    key: str = (await site.ask("GET", f"sites/{site.app_id}/sync/web")).json["data"]["vapid_public_key"]
    return key


async def rotate(api: Api) -> str:
    """A new key, which every page is told from now on."""
    key: str = (await change(api, "POST", "/site/vapid/rotate", CONTACT))["vapid_public_key"]
    return key


async def check_pushed(api: Api, service: PushService, browser: FirefoxLike, event: str, *people: Subscribed) -> None:
    """Each gets one push by an event, which its browser can read."""
    known = len(service.journal.accepted) + len(service.journal.refused)
    for one in people:
        await api.accept(event, device_token_hash=one.hash)
    await service.journal.until(lambda journal: len(journal.accepted) + len(journal.refused) == known + len(people))
    assert not service.journal.refused, "a key that was not the subscription's"
    got = [await browser.message() for _ in people]
    for frame, _ in got:
        await browser.acknowledge(frame)
    bodies = {frame["channelID"]: body for frame, body in got}
    assert bodies.keys() == {one.channel for one in people}
    for one in people:
        assert json.loads(one.keys.read(bodies[one.channel]))["title"] == PUSH["title"]


async def test_rotations_lose_nobody(start: Start) -> None:
    server, event = start(), unique("go")
    await server.apply(push_on(unique("hi"), event))
    async with firefox() as (service, browser):
        async with server.api() as api, page(server, api) as site:
            keys = [await key_of(site)]
            people = [await subscribe(site, browser, keys[0])]
            keys.append(await rotate(api))
            assert await key_of(site) == keys[1], "who has the answer of a rotation can go by it"
            # a page that was open meanwhile still has the old key
            people += [await subscribe(site, browser, keys[0]), await subscribe(site, browser, keys[1])]
            await check_pushed(api, service, browser, event, *people)
            # two in a row, one of them by another process: nobody subscribes with the key between
            keys.append(await rotate(api))
            keys.append((await server.run("sites", "rotate-vapid"))["vapid_public_key"])
            assert await eventually(lambda: key_of(site), lambda key: key not in keys[:3]) == keys[3]
            people += [await subscribe(site, browser, key) for key in (keys[3], keys[1])]
            # a backend that names no key means the current one: at once, by the answer of a rotation
            keys.append(await rotate(api))
            people.append(await register(api, browser, keys[4]))
            await check_pushed(api, service, browser, event, *people)
            listed = [key for key in (await api.get("/site/keys"))["keys"] if key["kind"] == "vapid"]
            assert [(key["number"], key["public"]) for key in listed] == list(enumerate(keys[:4]))
            foreign = Browser.new().p256dh
            given = {"endpoint": f"{service.origin}/wpush/v2/x", "keys": {"p256dh": foreign, "auth": "A" * 22}}
            assert await site.refused("subscriber/add", subscription=given, vapid_public_key=foreign) == (400, ["vapid_public_key"])
        server.stop()
        server.start()
        async with server.api() as api:
            await check_pushed(api, service, browser, event, *people)


async def test_who_subscribes_again_with_the_new_key_is_the_same_person_and_gets_one_push(start: Start) -> None:
    server, event = start(), unique("go")
    await server.apply(push_on(unique("hi"), event))
    async with firefox() as (service, browser), server.api() as api, page(server, api) as site:
        old = await subscribe(site, browser, await key_of(site), attributes={"plan": "gold"})
        await eventually(lambda: api.get(f"/subscribers/{old.hash}"), lambda seen: seen is not None)
        new = await subscribe(site, browser, await rotate(api), previous=old.hash)
        await eventually(
            lambda: api.get(f"/subscribers/{new.hash}"), lambda seen: seen is not None and seen["attributes"] == {"plan": "gold"}
        )
        await check_pushed(api, service, browser, event, new)
        await api.accept(event, device_token_hash=old.hash)
        await service.journal.until(lambda journal: len(journal.accepted) == 2)
        assert [message.token for message in service.journal.accepted] == [new.token] * 2, "its old hash still means the person"


async def test_a_rotation_while_a_broadcast_is_sent(start: Start) -> None:
    server = start(delivery_concurrency="4", delivery_per_host="4")
    async with firefox() as (service, browser), server.api() as api, page(server, api) as site:
        key = await key_of(site)
        there = [await subscribe(site, browser, key) for _ in range(CROWD)]
        for one in there:
            await eventually(lambda one=one: api.get(f"/subscribers/{one.hash}"), lambda seen: seen is not None)  # type: ignore[misc]  # mypy cannot see what it binds
        # the service wants a pause, in which the key is rotated
        service.throttle.next(4, 1)
        id = (await change(api, "POST", "/broadcasts", {"push": PUSH, "to": "everybody"}))["broadcast_id"]
        await service.journal.until(lambda journal: journal.refused)
        second = await rotate(api)
        async with connected(service) as (other, _):
            late = await subscribe(site, other, second)
        assert len(service.journal.accepted) < CROWD, "it was over before the rotation"
        await service.journal.until(lambda journal: len(journal.accepted) == CROWD)
        await eventually(lambda: api.get(f"/broadcasts/{id}"), lambda seen: seen["status"] == "sent")
        assert {refused.status for refused in service.journal.refused} == {429}
        assert sorted(message.token for message in service.journal.accepted) == sorted(one.token for one in there)
        assert late.token not in {message.token for message in service.journal.accepted}, "who comes later is not of those who were there"


async def test_a_contact_is_needed(start: Start) -> None:
    server = start()
    async with server.api() as api:
        before = await api.get("/site")
        for body in ({}, {"vapid_subject": None}, {"vapid_subject": "nobody"}, {"vapid_subject": "http://shop.example"}):
            answer = await api.ask("POST", "/site/vapid/rotate", body)
            assert (answer.status, [one["path"] for one in answer.json["error"]["details"]]) == (400, [["vapid_subject"]]), body
        for subject in ("nobody", "mailto:", ""):
            answer = await api.ask("PATCH", "/site", {"vapid_subject": subject})
            assert (answer.status, [one["path"] for one in answer.json["error"]["details"]]) == (400, [["vapid_subject"]]), subject
        assert await api.get("/site") == before
    assert fails(server, "sites", "rotate-vapid").startswith("error: vapid_subject is required: a mailto: or https: URI")
    for command in ("rotate-vapid", "create --name other", "set 1"):
        said = fails(server, "sites", *command.split(), "--vapid-subject", "nobody")
        assert said.startswith("error: vapid_subject cannot be used — give a mailto: address"), command
    assert (await server.run("sites", "show"))["vapid_public_key"] == before["vapid_public_key"]


async def test_keys_lie_sealed_under_a_key_that_is_not_in_the_database(start: Start) -> None:
    server, event = start(), unique("go")
    await server.apply(push_on(unique("hi"), event))
    async with firefox() as (service, browser):
        async with server.api() as api, page(server, api) as site:
            public = [await key_of(site)]
            old = await subscribe(site, browser, public[0])
            public.append(await rotate(api))
            identity = (await change(api, "POST", "/site/identity/rotate", {}))["identity_secret"]
        server.stop()
        content = await dump(server) + server.log().encode()
        assert all(key.encode() in content for key in public), "the grep finds what is there"
        private = await private_keys(server)
        assert len(private) == 2
        # what follows from a private key's number is its public key: these are the pairs that pages subscribe with
        for number, key in zip(private, public, strict=True):
            pair = ec.derive_private_key(int.from_bytes(number, "big"), ec.SECP256R1())
            raw = pair.public_key().public_numbers()
            point = b"\x04" + raw.x.to_bytes(32, "big") + raw.y.to_bytes(32, "big")
            assert urlsafe_b64encode(point).rstrip(b"=").decode() == key
            for form, spelt in spellings(number, pair).items():
                assert spelt not in content, form
        assert identity.encode() not in content
        refuses_other_master_keys(server)
        server.start()
        async with server.api() as api:
            await check_pushed(api, service, browser, event, old)


def spellings(number: bytes, pair: ec.EllipticCurvePrivateKey) -> dict[str, bytes]:
    """A private key in the forms in which it could lie around; PostgreSQL shows bytes in hexadecimal."""
    found = {
        "raw": number,
        "hex": number.hex().encode(),
        "HEX": number.hex().upper().encode(),
        "base64": b64encode(number).rstrip(b"="),
        "base64url": urlsafe_b64encode(number).rstrip(b"="),
    }
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        der = pair.private_bytes(Encoding.DER, form, NoEncryption())
        found |= {f"{form} base64": b64encode(der), f"{form} base64url": urlsafe_b64encode(der)}
        lines = pair.private_bytes(Encoding.PEM, form, NoEncryption()).splitlines()[1:-1]
        found |= {f"{form} PEM {number}": line for number, line in enumerate(lines)}
    return found


async def private_keys(server: Server) -> list[bytes]:
    """The VAPID keys of the site, the oldest first, opened with the master key."""
    vault = open_vault(server.data, {})
    async with opened_store(load_settings(server.data, server.environment)) as store:
        kept = await store.configuration()
    [site] = kept.sites
    earlier = sorted((key for key in kept.site_keys if key.kind == VAPID), key=lambda key: key.number)
    return [vault.open(sealed, purpose_of(VAPID, site.id)) for sealed in (*(key.sealed for key in earlier), site.vapid_private_sealed)]


def refuses_other_master_keys(server: Server) -> None:
    """The server does not start with another master key, with none, or with one that all can read."""
    file = server.data / MASTER_KEY_FILE
    key = file.read_bytes()
    put(file, b64encode(os.urandom(32)))
    said = fails(server, "serve", "--port", 0)
    assert "the master key" in said
    assert "does not open the secrets of site 1" in said
    put(file, b"short")
    assert "base64" in fails(server, "serve", "--port", 0)
    put(file, key)
    file.chmod(0o644)
    assert f"run: chmod 600 {file}" in fails(server, "serve", "--port", 0)
    file.unlink()
    assert "master key" in fails(server, "serve", "--port", 0)
    put(file, key)


def put(file: Path, content: bytes) -> None:
    """A file for its owner only."""
    file.write_bytes(content)
    file.chmod(0o600)


def fails(server: Server, *arguments: object) -> str:
    """A command that has to fail and say why in a line, without what is secret."""
    given = [] if "--data" in arguments else ["--data", server.data]
    done = subprocess.run([CLARION, *map(str, (*arguments, *given))], env=server.environment, capture_output=True, timeout=60, text=True)
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr
