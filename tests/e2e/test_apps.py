"""Apps on phones, whose hosts point here: what the vendor's SDKs send from registration to the click, and the pushes that they get."""

import json
import ssl
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import pytest
from tests.delivery.apple import DEVICE, Apple, p8
from tests.delivery.authority import Authority
from tests.delivery.google import Google, pem, private_key
from tests.delivery.http2_server import serving_http2
from tests.delivery.receiver import receiving
from tests.e2e.conftest import Start
from tests.e2e.server import Api, Server, eventually, unique
from tests.e2e.test_people import change
from tests.server.client import Client, Response, request

from clarion.clock import wall_clock

TOKEN: Final = "fcm-token:APA91b_x-"
ACCOUNT: Final = {
    "type": "service_account",
    "project_id": "shop-1",
    "client_email": "push@shop-1.iam.gserviceaccount.com",
    "private_key_id": "abc123",
}
TEAM: Final = {"key_id": "ABCDE12345", "team_id": "TEAM123456", "topic": "com.shop.app"}
LAUNCHER: Final = """#!{python}
import msgspec
from clarion import cli, keyring

def nearby(read, **urls):
    return lambda *given, **named: msgspec.structs.replace(read(*given, **named), **urls)

keyring.read_fcm_key = nearby(keyring.read_fcm_key, token_url="{google}/token", base_url="{google}")
keyring.read_apns_key = nearby(keyring.read_apns_key, base_url="{apple}")
cli.main()
"""
"""The command, for which Google and Apple are on this machine: no setting says so, for nobody else has a use for it."""
DEVICES: Final = {"device": "mobile", "language": "de", "total_screen_width_height": "1080*2400", "host": "com.shop.app"}
"""What both SDKs tell of their devices."""


class Gateways(NamedTuple):
    """The push services of both makers."""

    google: Google
    apple: Apple


class Phone:
    """An app that was built with the vendor's SDK; it knows one address of the server, and the others from sync."""

    def __init__(self, client: Client, server: Server, app_id: str, system: str, version: str) -> None:
        self._client, self._server, self.app_id, self.system = client, server, app_id, system.lower()
        self._headers = (
            f"X-Pe-Client: {system}",
            f"X-Pe-Client-Version: {version}",
            "X-Pe-Sdk-Version: 1.0.0",
            f"X-Pe-App-Id: {app_id}",
            "Content-Type: application/json",
        )
        self.hosts: dict[str, str] = {}
        self.site_id = 0
        self.hash = ""

    async def sync(self, host: str) -> Any:
        """Ask where everything is, at an address that ends with a slash."""
        said = (await self._ask("GET", f"{host}sites/{self.app_id}/sync/{self.system}")).json["data"]
        self.hosts, self.site_id = said["api"], said["site_id"]
        return said

    async def ask(self, host: str, method: str, path: str, body: object = None, status: int = 200) -> Any:
        """Send a request to one of the hosts; returns the answer's body."""
        answer = await self._ask(method, self.hosts[host] + path, body)
        assert answer.status == status, answer
        return answer.json

    async def change(self, path: str, method: str = "POST", host: str = "backend", **fields: object) -> None:
        """Ask for a change of the subscriber, which the SDKs take for done by this very answer."""
        body = {"device_token_hash": self.hash, "site_id": self.site_id, **fields}
        assert await self.ask(host, method, path, body) == {"error_code": 0, "data": {}}

    async def _ask(self, method: str, url: str, body: object = None) -> Response:
        assert url.startswith(self._server.url + "/"), "it would leave the server"
        raw = b"" if body is None else json.dumps(body).encode()
        path, host = url.removeprefix(self._server.url), self._server.url.removeprefix("http://")
        return await self._client.ask(request(method, path, raw, *self._headers, host=host))


@asynccontextmanager
async def gateways(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gateways]:
    """Google's and Apple's services; servers that are started in the block send there, and trust who signed their certificate."""
    authority, google, apple = Authority(folder), Google(wall_clock), Apple(wall_clock)
    [trusted] = authority.client().get_ca_certs(binary_form=True)
    (folder / "authority.pem").write_text(ssl.DER_cert_to_PEM_cert(trusted))
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "authority.pem"))
    async with receiving(google) as fcm, serving_http2(authority.server("localhost"), apple) as apns:
        google.receiver, apple.server = fcm, apns
        launcher = folder / "clarion"
        launcher.write_text(LAUNCHER.format(python=sys.executable, google=f"http://127.0.0.1:{fcm.port}", apple=apns.url))
        launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr("tests.e2e.server.CLARION", launcher)
        yield Gateways(google, apple)


@asynccontextmanager
async def phone(server: Server, system: str, version: str) -> AsyncIterator[Phone]:
    """An app that has just been started for the first time."""
    app_id = (await server.run("sites", "show"))["app_id"]
    async with server.connect() as client:
        one = Phone(client, server, app_id, system, version)
        said = await one.sync(f"{server.url}/p/v1/")
        assert set(said["api"]) == {"backend", "backend_cdn", "analytics", "trigger", "optin", "log"}
        assert all(url.startswith(f"{server.url}/p/v1/") and url.endswith("/") for url in said["api"].values())
        assert (await one.sync(one.hosts["backend_cdn"]))["site_status"] == "active"
        yield one


async def register(one: Phone, **fields: object) -> None:
    """The first registration, and that it is known afterwards."""
    query = "swv=1.0.0&is_eu=0&geo_fetch=true"
    body = {"site_id": one.site_id, **DEVICES, "device_type": one.system, **fields}
    one.hash = (await one.ask("backend", "POST", f"subscriber/add?{query}", body))["data"]["subscriber_hash"]
    assert (await one.ask("backend", "POST", f"subscriber/add?{query}", body))["data"]["subscriber_hash"] == one.hash
    assert (await known(one))["subscribed"] is True


async def known(one: Phone) -> Any:
    """As the SDKs look whether they have to register again."""
    return (await one.ask("backend", "GET", f"subscriber/check/{one.hash}"))["data"]


async def use(one: Phone, person: str, tag: str) -> None:
    """All that the SDK's methods send. What an SDK has no value for, Android leaves out, and iOS says to be null."""
    none: dict[str, object] = {} if one.system == "android" else {"ref_id": None, "profile_id": None}
    timezone = "+02:00" if one.system == "android" else "Europe/Berlin"
    await one.change("subscriber/profile-id/add", profile_id=person, device_type=one.system)
    for method, body in (("PUT", {"size": 42, f"old-{tag}": 1}), ("DELETE", [f"old-{tag}"]), ("PUT", {f"app-{tag}": True})):
        done = await one.ask("backend", method, f"subscriber/{one.hash}/attributes", body)
        assert done == {"error_code": 0, "data": {}}
    assert (await one.ask("backend", "PUT", f"subscriber/{one.hash}", {"first_name": "Ann", "country": "DE"}))["error_code"] == 0
    await one.change("subscriber/segments/add", segment=["sports", f"in-{tag}", f"out-{tag}"], device_type=one.system)
    await one.change("subscriber/segments/remove", segment=[f"out-{tag}"], device_type=one.system)
    await one.change("subscriber/dynamicSegments/add", segments=[{"name": f"sale-{tag}", "duration": 10}], segment=None, device_token=None)
    await one.change("subscriber/dynamicSegments/add", segments=[{"name": f"gone-{tag}", "duration": 10}])
    await one.change("subscriber/dynamicSegments/remove", segment=[f"gone-{tag}"])
    await one.change("subscriber/updatetriggerstatus?swv=1.0.0&bv=34", triggerStatus=1)
    await one.change("goals?swv=1.0.0&bv=34", host="analytics", name=f"goal-{tag}", count=1, value=10.5)
    await one.change("alerts?swv=1.0.0&bv=34", type="price_drop", product_id="p1", link="https://shop.example/p1", price=20.0)
    data = {"site_id": one.site_id, "device_token_hash": one.hash, "campaign_name": "cart", "event_name": f"trigger-{tag}", **none}
    told = {"PartitionKey": one.hash, "Data": {**data, "timezone": timezone, "data": {"size": "XL"}}}
    answer = await one.ask("trigger", "PUT", "", told)
    assert answer.keys() == {"SequenceNumber", "ShardId"}
    logged = {"app": one.system, "name": "viewCountTrackingFailed", "data": {"tag": None, "device_token_hash": one.hash}}
    await one.ask("log", "POST", "logs", logged, status=201)


async def track(one: Phone, event: str, **fields: object) -> None:
    """`trackEvent`, with the answer that the SDK takes for a success."""
    body = {
        "site_id": one.site_id,
        "device_token_hash": one.hash,
        "event_name": event,
        "provider": "PushEngage",
        "event_type": "PushEngage.CustomEvent",
        "data": {"product": "Běžky", "price": 12.5, "gift": True},
        **fields,
    }
    done = await one.ask("backend", "POST", "events/track?swv=1.0.0&bv=34", body)
    assert done == ({"data": True} if one.system == "android" else {"error_code": 0, "data": {"success": True}})


async def receipt(one: Phone, word: str, tag: str, **more: object) -> Any:
    """A notification was seen or clicked."""
    query = {
        "device_token_hash": one.hash,
        "tag": tag,
        "device_type": "14",
        "device": "mobile",
        "swv": "1.0.0",
        "timezone": "+02:00",
        **more,
    }
    asked = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in query.items())
    return (await one.ask("analytics", "GET", f"notification/{word}?{asked}"))["data"]


def workflow(slug: str, event: str) -> dict[str, Any]:
    """A push, and what a click on it leads to."""
    clicked = [{"event": "PushEngage.Notification.Clicked", "of": "remind"}]
    actions = [{"title": "Buy", "url": "https://shop.example/buy"}, {"title": "Later", "url": "https://shop.example/later"}]
    push = {"title": "Still thinking about {{ product }}?", "message": "{{ price }}", "url": "https://shop.example/p1", "actions": actions}
    note = [{"id": "note", "update": {"set": {"pressed": "{{ react.event.action }}"}}}]
    react = {"id": "react", "wait_for": {"on": clicked, "timeout": "1d", "then": note, "otherwise": []}}
    return {"workflow": slug, "start": {"on": [{"event": event}]}, "steps": [{"id": "remind", "push": push}, react]}


async def noting(server: Server, event: str) -> str:
    """A workflow that puts people into a segment by an event; returns the segment."""
    segment = f"had-{event}"
    steps = [{"id": "note", "segment": {"add": [segment]}}]
    await server.apply({"workflow": unique("note"), "start": {"on": [{"event": event}]}, "steps": steps})
    return segment


async def prepare(server: Server, api: Api, both: Gateways) -> None:
    """What an operator does for apps: credentials of both services, and profiles without signatures, for the SDKs sign nothing."""
    account = {**ACCOUNT, "private_key": pem(private_key())}
    await change(api, "PUT", "/site/fcm", {"service_account": account})
    await change(api, "PUT", "/site/apns", {"key": p8(both.apple.private), **TEAM})
    await change(api, "PATCH", "/site", {"dangerous_unsigned_profiles": True})


async def test_apps_of_both_makers_from_the_first_start_to_the_click(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    person, slug, event = unique("ann"), unique("cart"), unique("add-to-cart")
    async with gateways(tmp_path, monkeypatch) as both:
        server = start()
        await server.apply(workflow(slug, event))
        async with server.api() as api, phone(server, "Android", "14") as android, phone(server, "iOS", "17.4.0") as iphone:
            await prepare(server, api, both)
            segments = {"sports"}
            for one in (android, iphone):
                await server.apply(workflow_of_goal(unique("goal"), f"goal-{one.system}", f"paid-{one.system}"))
                segments |= {await noting(server, f"trigger-{one.system}"), f"paid-{one.system}"}
                segments |= {f"in-{one.system}", f"sale-{one.system}"}
            facts = {"device_manufacturer": "Google", "device_model": "Pixel 8", "user_agent": "Google Pixel 8", "notification_disabled": 0}
            await register(android, subscription={"endpoint": TOKEN, "project_id": "4711"}, timezone="+02:00", **facts)
            facts = {"device_manufacturer": "Apple", "user_agent": "Apple iPhone", "env": None, "attributes": None, "profile_id": None}
            await register(
                iphone, subscription={"endpoint": DEVICE.upper(), "project_id": "com.shop.app"}, timezone="Europe/Berlin", **facts
            )
            for one in (android, iphone):
                await use(one, person, one.system)
            seen = await api.profile_when(person, lambda seen: segments <= set(seen["segments"]) and len(seen["subscribers"]) == 2)
            assert set(seen["segments"]) == segments, "what was removed is gone"
            expected = {"size": 42, "first_name": "Ann", "app-android": True, "app-ios": True, "triggers_enabled": True}
            assert seen["attributes"] == expected
            assert {row["device_token_hash"]: row["provider"] for row in seen["subscribers"]} == {android.hash: "fcm", iphone.hash: "apns"}
            assert {row["facts"]["country"] for row in seen["subscribers"]} == {"DE"}

            # one of them tells of something, and both are pushed to
            await track(android, event, profile_id=person)
            seen = await api.profile_when(person, lambda seen: [row["status"] for row in seen["deliveries"]] == ["sent", "sent"])
            [message] = both.google.messages
            [(_, payload)] = both.apple.taken
            assert (message["token"], message["data"]["t"]) == (TOKEN, "Still thinking about Běžky?")  # type: ignore[index]  # JSON
            assert payload["aps"]["alert"] == {"title": "Still thinking about Běžky?", "body": "12.5"}  # type: ignore[index]
            tags = {android: message["data"]["tag"], iphone: payload["pe"]["tag"]}  # type: ignore[index]
            for one, tag in tags.items():
                assert await receipt(one, "view", tag) == {"counted": True}
            assert await receipt(iphone, "click", tags[iphone], action=1) == {"counted": True}
            assert await receipt(iphone, "click", tags[iphone], action=1) == {"counted": False}
            asked = f"notification/click?device_token_hash={android.hash}&tag={tags[android][:-1]}"
            await android.ask("analytics", "GET", asked, status=404)
            seen = await api.profile_when(person, lambda seen: "pressed" in seen["attributes"])
            assert seen["attributes"]["pressed"] == 1
            [run] = [run for run in seen["runs"] if run["workflow"] == slug]
            assert run["status"] == "completed"
            counted = await eventually(lambda: counts(api, slug), lambda counted: counted.get("clicked") == 1)
            assert counted == {"sent": 2, "viewed": 2, "clicked": 1}

            # the Android gets another token, and the iPhone wants no pushes for a while
            renewed = {"endpoint": f"{TOKEN}2", "project_id": "4711"}
            await android.change("subscriber/upgrade", "PUT", subscription=renewed)
            await iphone.change("subscriber/updatesubscriberstatus", IsUnSubscribed=1, delete_on_notification_disable=False)
            await eventually(lambda: known(android), lambda seen: seen == {"subscribed": True, "gateway_endpoint": f"{TOKEN}2"})
            await eventually(lambda: known(iphone), lambda seen: seen["subscribed"] is False)
            await track(android, event)
            await api.profile_when(person, lambda seen: [row["status"] for row in seen["deliveries"]] == ["sent"] * 3)
            assert [message["token"] for message in both.google.messages] == [TOKEN, f"{TOKEN}2"]
            assert await receipt(android, "click", both.google.messages[1]["data"]["tag"]) == {"counted": True}  # type: ignore[index]
            await api.profile_when(
                person, lambda seen: [run["status"] for run in seen["runs"] if run["workflow"] == slug] == ["completed"] * 2
            )
            await iphone.change("subscriber/updatesubscriberstatus", IsUnSubscribed=0, delete_on_notification_disable=None)
            await eventually(lambda: known(iphone), lambda seen: seen["subscribed"] is True)

            # the services say that the apps were removed
            both.google.answers.append((404, json.dumps(GONE)))
            both.apple.answers.append((410, "Unregistered"))
            await track(iphone, event)
            await api.profile_when(person, lambda seen: not [row for row in seen["subscribers"] if row["active"]])


GONE: Final = {"error": {"status": "NOT_FOUND", "details": [{"errorCode": "UNREGISTERED"}]}}


def workflow_of_goal(slug: str, goal: str, segment: str) -> dict[str, Any]:
    """Who reaches a goal of some value comes into a segment."""
    start = {"on": [{"event": goal, "where": {"field": "event.value", "op": "eq", "value": 10.5}}]}
    return {"workflow": slug, "start": start, "steps": [{"id": "note", "segment": {"add": [segment]}}]}


async def counts(api: Api, slug: str) -> dict[str, int]:
    """How many pushes of the first step were sent, seen and clicked."""
    rows = (await api.get(f"/workflows/{slug}/counters"))["counters"]
    return {row["name"]: row["count"] for row in rows if row["step"] == "remind" and row["name"] in ("sent", "viewed", "clicked")}
