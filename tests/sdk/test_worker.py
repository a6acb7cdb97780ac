"""The service worker: what it shows, where a click leads, what it reports, and that it leaves the site's own worker alone."""

from typing import Any

import pytest
from playwright.async_api import BrowserContext, expect
from tests.sdk.conftest import Begin
from tests.sdk.fake import KEY, OTHER_KEY, Fake
from tests.sdk.shop import ServiceWorker, Shop, Visit, push_manager

pytestmark = pytest.mark.asyncio(loop_scope="session")

PUSH = {"id": "e1", "title": "Still thinking?", "message": "Yours for 9.50", "url": "https://shop.example/cart", "tag": "e1", "token": "t1"}


async def test_all_of_a_push_is_shown(fake: Fake, subscribed: Visit) -> None:
    worker = await ServiceWorker.of(subscribed)
    await worker.push(
        {
            **PUSH,
            "tag": "cart",
            "icon": "https://shop.example/icon.png",
            "image": "http://shop.example/image.png",
            "badge": "/badge.png",
            "actions": [{"title": "Buy", "url": "https://shop.example/buy"}, {"title": "Later", "url": "https://shop.example/later"}],
            "require_interaction": True,
        }
    )
    assert (await fake.asked("notification/view")).body == {"token": "t1"}
    assert await worker.shown() == [
        {
            "title": "Still thinking?",
            "body": "Yours for 9.50",
            "icon": "https://shop.example/icon.png",
            "image": "http://shop.example/image.png",
            "badge": f"{subscribed.shop.origin}/badge.png",
            "tag": "cart",
            "requireInteraction": True,
            "actions": [{"action": "0", "title": "Buy"}, {"action": "1", "title": "Later"}],
        }
    ]


async def test_a_repeat_replaces_by_the_effects_id(fake: Fake, subscribed: Visit) -> None:
    worker = await ServiceWorker.of(subscribed)
    push = {"id": "e1", "title": "One", "message": "m", "token": "t1"}
    await worker.push(push)
    await fake.asked("notification/view")
    await worker.push({**push, "title": "Two"})
    await fake.asked("notification/view", 2)
    assert [(shown["title"], shown["tag"]) for shown in await worker.shown()] == [("Two", "e1")]


async def test_markup_is_text_and_other_schemes_are_nothing(fake: Fake, subscribed: Visit) -> None:
    worker = await ServiceWorker.of(subscribed)
    hostile = "<img src=x onerror=alert(1)>"
    await worker.push(
        {
            **PUSH,
            "title": hostile,
            "message": hostile,
            "url": "javascript:alert(1)",
            "icon": "data:image/png;base64,AAAA",
            "image": "javascript:alert(1)",
            "badge": "file:///etc/passwd",
            "actions": [{"title": hostile, "url": "data:text/html,x"}, {"url": "https://shop.example/"}, "wrong", None],
        }
    )
    await fake.asked("notification/view")
    [shown] = await worker.shown()
    assert (shown["title"], shown["body"]) == (hostile, hostile)
    assert (shown["icon"], shown["image"], shown["badge"]) == ("", "", "")
    assert shown["actions"] == [{"action": "0", "title": hostile}]
    assert await worker.happen("notificationclick") == []
    await worker.push({**PUSH, "url": "javascript:alert(1)", "actions": [{"title": "x", "url": "blob:https://x/1"}]})
    await fake.asked("notification/view", 2)
    assert await worker.happen("notificationclick", action="0") == []
    assert [asked.body for asked in fake.at("notification/click")] == [{"token": "t1"}, {"token": "t1", "action": 0}]


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "not JSON",
        "[1]",
        "null",
        {"title": "of another", "body": "b"},
        {**PUSH, "token": ""},
        {**PUSH, "title": 5},
        {**PUSH, "id": None},
    ],
    ids=["empty", "no JSON", "list", "null", "another's", "no token", "title no text", "no id"],
)
async def test_what_is_not_clarions_is_left(fake: Fake, subscribed: Visit, payload: Any) -> None:
    worker = await ServiceWorker.of(subscribed)
    await worker.worker.evaluate("self.others = []; self.addEventListener('push', (event) => others.push(1));")
    await worker.push(payload)
    # pushes come one after the other: behind this one the first has been dealt with
    await worker.push({**PUSH, "title": "ours"})
    await fake.asked("notification/view")
    assert "ours" in [shown["title"] for shown in await worker.shown()]
    assert len(fake.at("notification/view")) == 1
    assert await worker.worker.evaluate("others.length") == 2


async def test_a_click_opens_the_address_and_is_reported(fake: Fake, subscribed: Visit) -> None:
    worker = await ServiceWorker.of(subscribed)
    actions = [{"title": "Buy", "url": "https://shop.example/buy"}, {"title": "Later", "url": "https://shop.example/later"}]
    for number, (action, address) in enumerate([("", "cart"), ("0", "buy"), ("1", "later")], 1):
        await worker.push({**PUSH, "actions": actions, "token": f"t{number}"})
        await fake.asked("notification/view", number)
        assert await worker.happen("notificationclick", action=action) == [["opened", f"https://shop.example/{address}"]]
        assert await worker.shown() == []
    assert [asked.body for asked in fake.at("notification/click")] == [
        {"token": "t1"},
        {"token": "t2", "action": 0},
        {"token": "t3", "action": 1},
    ]


async def test_a_click_focuses_the_tab_that_shows_the_address(fake: Fake, shop: Shop, begin: Begin, subscribed: Visit) -> None:
    shop.page("/cart", shop.snippet())
    await begin("/cart")
    worker = await ServiceWorker.of(subscribed)
    for number, (path, went) in enumerate([("/cart", "focused"), ("/cart?other", "opened"), ("/elsewhere", "opened")], 1):
        await worker.push({**PUSH, "url": path})
        await fake.asked("notification/view", number)
        assert await worker.happen("notificationclick") == [[went, shop.origin + path]]


async def test_closing_is_reported(fake: Fake, subscribed: Visit) -> None:
    worker = await ServiceWorker.of(subscribed)
    await worker.push(PUSH)
    await fake.asked("notification/view")
    await worker.happen("notificationclose")
    assert (await fake.asked("notification/close")).body == {"token": "t1"}


async def test_a_click_closes_and_is_no_closing(fake: Fake, subscribed: Visit) -> None:
    worker = await ServiceWorker.of(subscribed)
    await worker.push(PUSH)
    await fake.asked("notification/view")
    # as Firefox tells it
    await worker.happen("notificationclick", "notificationclose")
    assert await subscribed.waiting("receipts") == []
    assert fake.at("notification/close") == []
    # another one that is closed is another
    await worker.push({**PUSH, "token": "t2"})
    await fake.asked("notification/view", 2)
    await worker.happen("notificationclose")
    assert [asked.body for asked in fake.at("notification/close")] == [{"token": "t2"}]
    assert [asked.body for asked in fake.at("notification/click")] == [{"token": "t1"}]


async def test_receipts_that_cannot_be_sent_are_sent_later_in_order(fake: Fake, subscribed: Visit) -> None:
    worker = await ServiceWorker.of(subscribed)
    fake.tell("notification/view", 503)
    await worker.push(PUSH)
    await fake.asked("notification/view")
    fake.tell("notification/view", 503)
    await worker.happen("notificationclick")
    assert len(await subscribed.waiting("receipts")) == 2
    await subscribed.go()
    assert (await fake.asked("notification/click")).body == {"token": "t1"}
    assert [asked.path for asked in fake.requests if asked.path.startswith("notification/")][-2:] == [
        "notification/view",
        "notification/click",
    ]


async def test_receipts_go_out_at_a_background_sync(fake: Fake, subscribed: Visit) -> None:
    worker = await ServiceWorker.of(subscribed)
    fake.tell("notification/view", 503)
    await worker.push(PUSH)
    await fake.asked("notification/view")
    await worker.worker.evaluate("self.dispatchEvent(new SyncEvent('sync', {tag: 'of-the-site'}))")
    await worker.worker.evaluate("self.dispatchEvent(new SyncEvent('sync', {tag: 'clarion-receipts'}))")
    await fake.asked("notification/view", 2)


async def test_a_receipt_that_is_refused_is_given_up(fake: Fake, subscribed: Visit) -> None:
    worker = await ServiceWorker.of(subscribed)
    fake.tell("notification/view", 404)
    await worker.push(PUSH)
    await fake.asked("notification/view")
    await worker.happen("notificationclick")
    assert await subscribed.waiting("receipts") == []


async def test_the_browser_takes_the_subscription_away(fake: Fake, subscribed: Visit) -> None:
    worker = await ServiceWorker.of(subscribed)
    await subscribed.page.evaluate("() => { PushEngage.onSubscriptionChange((change) => { window.change = change; }); }")
    # the worker has no localStorage; a Map of its own stands in for it
    store = """
        const kept = new Map();
        self.localStorage = {
            getItem: (name) => kept.get(name) ?? null,
            setItem: (name, value) => kept.set(name, String(value)),
            removeItem: (name) => kept.delete(name),
        };
    """
    await worker.worker.evaluate(store + push_manager())
    fake.key = OTHER_KEY
    await worker.worker.evaluate("self.dispatchEvent(new ExtendableEvent('pushsubscriptionchange'))")
    before, after = await fake.asked("subscriber/add"), await fake.asked("subscriber/add", 2)
    assert (before.body["vapid_public_key"], after.body["vapid_public_key"]) == (KEY, OTHER_KEY)
    assert after.body["previous"] == "hash-1"
    await subscribed.page.wait_for_function("window.change")
    assert await subscribed.page.evaluate("change") == {"subscribed": True, "subscriber_hash": "hash-1"}


async def test_beside_the_sites_own_worker(fake: Fake, shop: Shop, begin: Begin) -> None:
    own = """
        self.seen = [];
        for (const type of ['push', 'notificationclick', 'message', 'fetch']) self.addEventListener(type, () => seen.push(type));
    """
    shop.script(
        "/own.js", f"{own} importScripts('{shop.api}/sdk/service-worker.js'); importScripts('{shop.api}/sdk/service-worker.js?again');"
    )
    shop.page("/", "<script>navigator.serviceWorker.register('/own.js')</script>" + shop.snippet(", serviceWorker: {url: '/own.js'}"))
    visit = await begin()
    await visit.call("subscribe")
    worker = await ServiceWorker.of(visit)
    assert await visit.page.evaluate(
        "navigator.serviceWorker.getRegistrations().then((all) => all.map(({active}) => active.scriptURL))"
    ) == [f"{shop.origin}/own.js"]
    await worker.push(PUSH)
    await fake.asked("notification/view")
    await worker.happen("notificationclick")
    # once each, though the script was imported twice, and theirs as well as ours
    assert len(fake.at("notification/view")) == 1
    assert [event for event in await worker.worker.evaluate("seen") if event != "fetch"] == ["push", "notificationclick"]


async def test_with_a_scope_of_its_own(fake: Fake, shop: Shop, begin: Begin) -> None:
    shop.script("/own.js", "self.addEventListener('fetch', () => {})")
    shop.script("/push/worker.js", f"importScripts('{shop.api}/sdk/service-worker.js');")
    options = ", serviceWorker: {url: '/push/worker.js', scope: '/push/'}"
    shop.page("/", "<script>navigator.serviceWorker.register('/own.js')</script>" + shop.snippet(options))
    visit = await begin()
    await visit.call("subscribe")
    scopes = await visit.page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.map(({scope}) => scope).sort())")
    assert scopes == [f"{shop.origin}/", f"{shop.origin}/push/"]


async def test_where_the_server_has_the_pages_origin_its_own_worker_serves(fake: Fake, context: BrowserContext, shop: Shop) -> None:
    page = await context.new_page()
    await page.goto(f"{shop.api}/sdk/manifest.json")
    await context.grant_permissions(["notifications"], origin=shop.api)
    await page.add_script_tag(url=f"{shop.api}/sdk/clarion.js")
    await page.evaluate("PushEngage.init({appId: 'app-1'})")
    assert await page.evaluate("PushEngage.subscribe()") == "hash-1"
    registration = "navigator.serviceWorker.getRegistrations().then(([{active, scope}]) => [active.scriptURL, scope])"
    assert await page.evaluate(registration) == [f"{shop.api}/sdk/service-worker.js", f"{shop.api}/"]
    await expect(page).to_have_url(f"{shop.api}/sdk/manifest.json")


async def test_a_worker_that_cannot_be_installed_is_said(shop: Shop, begin: Begin) -> None:
    shop.script("/service-worker.js", "self.addEventListener('install', (event) => event.waitUntil(Promise.reject(new Error('no'))))")
    visit = await begin()
    assert await visit.call("subscribe") == {"rejected": {"message": "The service worker could not be installed", "details": []}}


async def test_the_scripts_address_may_say_which_server_and_site(fake: Fake, context: BrowserContext, shop: Shop) -> None:
    shop.page("/bare", "")
    page = await context.new_page()
    await page.goto(f"{shop.origin}/bare")
    await page.evaluate("(host) => navigator.serviceWorker.register(`/service-worker.js?app_id=app-1&api_host=${host}`)", shop.api)
    worker = await ServiceWorker.of(Visit(page, shop))
    await worker.push(PUSH)
    assert (await fake.asked("notification/view")).body == {"token": "t1"}
