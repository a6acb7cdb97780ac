"""From a page to a click and on: Firefox ESR subscribes, gets the encrypted push from a push service, shows it, and is clicked."""

import hmac
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.browsers.firefox import firefox, push_preferences
from tests.browsers.marionette import Marionette
from tests.browsers.notifications import Shown, click, close, shown
from tests.browsers.pages import File, Site, site
from tests.e2e.server import Api, Server, eventually, serving, unique
from tests.installed import installed
from tests.push_service.service import PushService, pushing
from tests.sdk.built import built_sdk

SDK_PAGE: Final = """
    <!doctype html><html lang=en><meta charset=utf-8><title>A shop</title>
    <script>
      window.PushEngage = window.PushEngage || [];
      PushEngage.push(["init", {{appId: "{app_id}", serviceWorker: {{url: "/service-worker.js"}}}}]);
      PushEngage.push(["trackEvent", "{early}", {{page: "shop"}}]);
    </script>
    <script src="{server}/sdk/clarion.js" async></script>
    <button onclick="window.subscribed = PushEngage.subscribe()">Tell me</button></html>
"""
SDK_WORKER: Final = 'importScripts("{server}/sdk/service-worker.js");'

PAGE: Final = File("text/html", "<!doctype html><html lang=en><meta charset=utf-8><title>A shop</title><h1>A shop</h1></html>")
WORKER: Final = File(
    "text/javascript",
    """
    self.addEventListener("push", event => {
      const {title, message, tag, ...data} = event.data.json();
      event.waitUntil(self.registration.showNotification(title, {body: message, tag, data}));
    });
    self.addEventListener("notificationclick", event => {
      event.notification.close();
      const {id, url} = event.notification.data;
      event.waitUntil(Promise.all([fetch("/clicked", {method: "POST", body: id}), self.clients.openWindow(url)]));
    });
    """,
)
SUBSCRIBE: Final = """
    await navigator.serviceWorker.register("/worker.js");
    const {pushManager} = await navigator.serviceWorker.ready;
    return (await pushManager.subscribe({userVisibleOnly: true, applicationServerKey: arguments[0]})).toJSON();
"""

UNSUBSCRIBE: Final = """
    const {pushManager} = await navigator.serviceWorker.ready;
    return (await pushManager.getSubscription()).unsubscribe();
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One process, on SQLite: which engine it is makes no difference to a browser."""
    built_sdk()
    with serving(tmp_path_factory.mktemp("firefox") / "data") as running:
        yield running


@pytest.fixture
async def api(server: Server) -> AsyncIterator[Api]:
    """The shop's backend."""
    async with server.api() as api:
        yield api


@pytest.fixture
async def push_service() -> AsyncIterator[PushService]:
    """Where Firefox gets its pushes from."""
    async with pushing() as service:
        yield service


@pytest.fixture
async def browser(push_service: PushService, tmp_path: Path) -> AsyncIterator[Marionette]:
    """A Firefox of the test's own."""
    program = installed("firefox-esr", "a push that reaches a real browser")
    async with firefox(program, tmp_path / "firefox", push_preferences(push_service.browser_url)) as browser:
        yield browser


@pytest.fixture
async def shop() -> AsyncIterator[Site]:
    """The pages of a site, which brings its own worker."""
    async with site({"/": PAGE, "/worker.js": WORKER, "/cart/c7": PAGE}) as shop:
        yield shop


async def subscribe(server: Server, api: Api, browser: Marionette, shop: Site, person: str) -> None:
    """A page of the shop subscribes, and its backend registers the subscription for a person."""
    key = (await server.run("sites", "show"))["vapid_public_key"]
    await browser.go(shop.origin)
    subscription = await browser.run(SUBSCRIBE, key)
    answer = await api.ask("POST", "/subscribers", {"subscription": subscription, "profile_id": person})
    assert answer.status == 200, answer
    await api.profile_when(person, lambda seen: [row["active"] for row in seen["subscribers"]] == [True])


def cart(slug: str, event: str, shop: Site) -> dict[str, Any]:
    """A reminder, and thanks once it was clicked."""
    reminder = {
        "title": "Still thinking about {{ product }}?",
        "message": "It is yours for {{ price }}.",
        "url": f"{shop.origin}/cart/{{{{ cart_id }}}}",
        "require_interaction": True,
    }
    thanks = {"title": "Welcome back", "message": "to {{ product }}", "url": f"{shop.origin}/"}
    clicked = [{"event": "PushEngage.Notification.Clicked", "of": "remind"}]
    react = {"on": clicked, "timeout": "1d", "then": [{"id": "thank", "push": thanks}], "otherwise": []}
    return {
        "workflow": slug,
        "start": {"on": [{"event": event}]},
        "steps": [{"id": "remind", "push": reminder}, {"id": "react", "wait_for": react}],
    }


def timeline(profile: Any) -> list[str]:
    """What the profile's history says, oldest first; runs go by the name of their workflow, and times are left out."""
    names = {run["run_id"]: run["workflow"] for run in profile["runs"]}
    lines = [sentence for line in reversed(profile["explanations"]) for sentence in line["sentences"]]
    return [re.sub(r"[0-9a-f]{32}", lambda id: names[id[0]], line).partition(", until")[0] for line in lines]


def went_on(slug: str) -> list[str]:
    """The timeline of who was reminded, clicked and was thanked."""
    return [
        f"{slug}: started run {slug}",
        f"run {slug}, step remind: sends a push",
        f"run {slug}, step react: waits for PushEngage.Notification.Clicked",
        f"{slug}: resumed run {slug}",
        f"run {slug}, step react: went on, for PushEngage.Notification.Clicked came",
        f"run {slug}, step thank: sends a push",
        f"run {slug}, step thank: came to its end",
    ]


async def counts(api: Api, slug: str) -> dict[tuple[str, str], int]:
    """What was counted at each step."""
    return {(row["step"], row["name"]): row["count"] for row in (await api.get(f"/workflows/{slug}/counters"))["counters"]}


async def test_the_sdk_subscribes_tracks_and_reports_what_was_done(
    server: Server, api: Api, push_service: PushService, browser: Marionette, shop: Site
) -> None:
    slug, event, early, person = unique("cart"), unique("add-to-cart"), unique("early"), unique("cid")
    await server.apply(cart(slug, event, shop))
    app_id = (await server.run("sites", "show"))["app_id"]
    assert (await api.ask("PATCH", "/site", {"origins": [shop.origin]})).status == 200
    secret = (await api.ask("POST", "/site/identity/rotate", {})).json["data"]["identity_secret"]
    shop.files["/"] = File("text/html", SDK_PAGE.format(server=server.url, app_id=app_id, early=early))
    shop.files["/service-worker.js"] = File("text/javascript", SDK_WORKER.format(server=server.url))
    before = await api.place(person)

    await browser.go(shop.origin)
    await browser.press("button")
    hashed = await browser.run("return await window.subscribed")
    signature = hmac.digest(secret.encode(), person.encode(), "sha256").hex()
    await browser.run("return await PushEngage.identify(...arguments)", person, signature)
    await api.profile_when(person, lambda seen: [row["device_token_hash"] for row in seen["subscribers"]] == [hashed])
    data = {"product": "Běžky & co", "price": 99.99, "cart_id": "c7"}
    await browser.run("return await PushEngage.trackEvent(...arguments)", event, data)

    # the service worker shows it, opens its address, and tells the server
    seen = await click(browser, "Still thinking about Běžky & co?")
    assert seen == Shown("Still thinking about Běžky & co?", "It is yours for 99.99.", f"via localhost:{shop.port}")
    await shop.visit(lambda visit: (visit.method, visit.path) == ("GET", "/cart/c7"))
    await close(browser, "Welcome back")
    counted = {("remind", "viewed"): 1, ("remind", "clicked"): 1, ("thank", "viewed"): 1, ("thank", "closed"): 1}
    seen_counts = await eventually(lambda: counts(api, slug), lambda counts: counted.items() <= counts.items())
    # Firefox tells of a click's closing too; its worker's receipts go out in order, so this one would be here before that of the thanks
    assert ("remind", "closed") not in seen_counts

    profile = await api.profile_when(person, lambda seen: [row["status"] for row in seen["deliveries"]] == ["sent", "sent"])
    assert timeline(profile) == went_on(slug)
    tracked = [(one["event_name"], one["device_token_hash"], one["data"]) for one in await api.events_since(before, person)]
    assert tracked == [(early, hashed, {"page": "shop"}), (event, hashed, data)]
    await push_service.journal.until(lambda journal: [ack.code for ack in journal.acknowledged] == [100, 100])
    assert not push_service.journal.refused


async def test_a_worker_of_the_sites_own_shows_pushes_as_well(
    server: Server, api: Api, push_service: PushService, browser: Marionette, shop: Site
) -> None:
    slug, event, person = unique("cart"), unique("add-to-cart"), unique("ann")
    await server.apply(cart(slug, event, shop))
    await subscribe(server, api, browser, shop, person)
    await api.accept(event, profile_id=person, data={"product": "Běžky & co", "price": 99.99, "cart_id": "c7"})

    seen = await click(browser, "Still thinking about Běžky & co?")
    assert seen == Shown("Still thinking about Běžky & co?", "It is yours for 99.99.", f"via localhost:{shop.port}")
    await shop.visit(lambda visit: (visit.method, visit.path) == ("GET", "/cart/c7"))
    clicked = await shop.visit(lambda visit: visit.path == "/clicked")
    profile = await api.profile_when(person, lambda seen: [row["status"] for row in seen["deliveries"]] == ["sent"])
    assert [(run["workflow"], run["status"], run["step"]) for run in profile["runs"]] == [(slug, "waiting", "react")]
    reasons = [reason for line in profile["explanations"] for _, run in line["explanation"]["runs"] for reason in run]
    effects = [reason["detail"]["effect"] for reason in reasons if reason["what"] == "push"]
    assert [clicked.body] == effects, "the worker knows the effect that it shows"

    # the shop's backend hands the click on
    [delivery] = profile["deliveries"]
    counted = await api.ask("POST", f"/deliveries/{delivery['delivery_id']}/receipts", {"event": "clicked"})
    assert counted.json["data"] == {"counted": True}
    await shown(browser, "Welcome back")
    profile = await api.profile_when(person, lambda seen: [row["status"] for row in seen["deliveries"]] == ["sent", "sent"])
    assert [(run["workflow"], run["status"]) for run in profile["runs"]] == [(slug, "completed")]
    assert timeline(profile) == went_on(slug)
    await push_service.journal.until(lambda journal: [ack.code for ack in journal.acknowledged] == [100, 100])
    assert [message.wishes.ttl for message in push_service.journal.accepted] == [2419200, 2419200]
    assert not push_service.journal.refused


async def test_a_push_waits_for_a_firefox_that_is_away(
    server: Server, api: Api, push_service: PushService, browser: Marionette, shop: Site
) -> None:
    event, person = unique("go"), unique("bob")
    push = {"title": "Hi, {{ name }}", "message": "there", "url": shop.origin}
    await server.apply({"workflow": unique("away"), "start": {"on": [{"event": event}]}, "steps": [{"id": "hi", "push": push}]})
    await subscribe(server, api, browser, shop, person)
    async with push_service.cut_off():
        await api.accept(event, profile_id=person, data={"name": "Bob"})
        await push_service.journal.until(lambda journal: journal.accepted)
        [endpoint] = push_service.journal.registered
        assert len(push_service.stored(endpoint)) == 1
    assert (await shown(browser, "Hi, Bob")).text == "there"
    await push_service.journal.until(lambda journal: journal.acknowledged)
    assert push_service.stored(endpoint) == []


async def test_a_firefox_that_unsubscribed_is_removed(
    server: Server, api: Api, push_service: PushService, browser: Marionette, shop: Site
) -> None:
    event, person = unique("go"), unique("eve")
    push = {"title": "Hi", "message": "there", "url": shop.origin}
    await server.apply({"workflow": unique("gone"), "start": {"on": [{"event": event}]}, "steps": [{"id": "hi", "push": push}]})
    await subscribe(server, api, browser, shop, person)
    assert await browser.run(UNSUBSCRIBE) is True
    await push_service.journal.until(lambda journal: journal.unregistered)
    await api.accept(event, profile_id=person)
    await api.profile_when(person, lambda seen: [row["status"] for row in seen["deliveries"]] == ["gone"])
    await api.profile_when(person, lambda seen: [row["active"] for row in seen["subscribers"]] == [False])
    assert [refused.status for refused in push_service.journal.refused] == [410]
