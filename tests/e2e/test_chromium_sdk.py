"""The browser SDK in Chromium, loaded from a real server and talking to it; what comes of each call is read by the shop's backend."""

import base64
import hmac
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.async_api import Browser, BrowserContext, expect
from tests.browsers.chromium import chromium
from tests.delivery.browser import Browser as Subscription
from tests.delivery.receiver import Receiver, receiving
from tests.e2e.server import Api, Server, eventually, serving, unique
from tests.e2e.shop import CREATED
from tests.installed import installed
from tests.sdk.built import built_sdk
from tests.sdk.shop import FORGET, ServiceWorker, Shop, Visit, hosting, person

pytestmark = pytest.mark.asyncio(loop_scope="module")

MARKUP: Final = '<img src=x onerror="window.hurt = 1"><script>window.hurt = 1</script>\'"&{{7|times:7}}'
SUBSCRIBER: Final = "PushEngage.Subscriber."
SIGNATURE_NEEDED: Final = {
    "rejected": {
        "message": "This needs a signature of profile_id.",
        "details": [{"message": "signature is missing or wrong", "path": ["signature"]}],
    }
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One process, on SQLite: which engine it is makes no difference to a browser."""
    built_sdk()
    with serving(tmp_path_factory.mktemp("chromium") / "data") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def api(server: Server) -> AsyncIterator[Api]:
    """The shop's backend."""
    async with server.api() as api:
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    async with chromium(installed("chromium", "the browser SDK with a real server")) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def push_service() -> AsyncIterator[Receiver]:
    """Takes the pushes for the browser, which Chromium as Debian has it cannot get from one."""
    async with receiving(CREATED) as receiver:
        yield receiver


@pytest_asyncio.fixture(loop_scope="module")
async def shop(server: Server, api: Api) -> AsyncIterator[Shop]:
    """The site, whose pages alone may use the SDK's addresses."""
    shop = Shop(server.url, (await api.get("/site"))["app_id"])
    async with hosting(shop.app) as shop.origin:
        await set_origins(api, shop.origin)
        yield shop


@pytest_asyncio.fixture(loop_scope="module")
async def context(browser: Browser, push_service: Receiver, shop: Shop) -> AsyncIterator[BrowserContext]:
    """A person's browser, where the site may show notifications."""
    async with person(browser, f"http://127.0.0.1:{push_service.port}") as context:
        await context.grant_permissions(["notifications"], origin=shop.origin)
        yield context


@pytest_asyncio.fixture(loop_scope="module")
async def visit(context: BrowserContext, shop: Shop) -> AsyncIterator[Visit]:
    """A tab on the site's first page, none of whose scripts fails."""
    visit = await Visit.begin(context, shop)
    yield visit
    assert visit.errors == []


@pytest_asyncio.fixture(loop_scope="module")
async def hashed(visit: Visit) -> str:
    """The tab is subscribed now: its device_token_hash."""
    return str(await visit.call("subscribe"))


async def set_origins(api: Api, *origins: str) -> None:
    assert (await api.ask("PATCH", "/site", {"origins": origins})).status == 200


async def signed(api: Api, profile_id: str) -> str:
    """What the shop's backend gives its page for a person."""
    answer = await api.ask("POST", "/site/identity/rotate", {})
    return hmac.digest(answer.json["data"]["identity_secret"].encode(), profile_id.encode(), "sha256").hex()


async def listed(api: Api, hashed: str) -> Any:
    """The subscriber as the backend lists it."""
    rows = (await api.get("/subscribers?limit=1000"))["subscribers"]
    return next((row for row in rows if row["device_token_hash"] == hashed), None)


async def listed_when(api: Api, hashed: str, **wanted: object) -> Any:
    return await eventually(lambda: listed(api, hashed), lambda row: row is not None and wanted.items() <= row.items())


async def owner(api: Api, hashed: str, **wanted: object) -> Any:
    """The profile that the subscriber belongs to, as soon as it is as wanted."""
    return await eventually(lambda: api.get(f"/subscribers/{hashed}"), lambda seen: seen is not None and wanted.items() <= seen.items())


async def events(api: Api, before: str, hashed: str, *people: str) -> list[tuple[str, Any]]:
    """Names and data of the events about the subscriber since."""
    return [(one["event_name"], one["data"]) for one in await api.events_since(before, *people, device=hashed)]


async def test_subscribing_registers_a_real_subscriber_with_its_facts(api: Api, visit: Visit) -> None:
    assert await visit.call("getSubscriberId") is None
    hashed = await visit.call("subscribe")
    assert await visit.call("getSubscriberId") == hashed
    row = await listed_when(api, hashed, active=True)
    assert (row["provider"], row["profile_id"], row["vapid"]) == ("webpush", None, (await api.get("/site"))["vapid"])
    facts = {"device": "desktop", "browser": "chrome", "language": "en-US"}
    assert facts.items() <= row["facts"].items()
    known = await visit.call("getSubscriber")
    assert {**facts, "device_token_hash": hashed, "subscribed": True, "segments": [], "attributes": {}}.items() <= known.items()
    assert await visit.call("getSubscriber", ["browser", "subscribed"]) == {"browser": "chrome", "subscribed": True}
    # the same browser is the same subscriber
    assert await visit.call("subscribe") == hashed


async def test_what_is_tracked_is_in_the_log(api: Api, visit: Visit, hashed: str) -> None:
    before = await api.place(device=hashed)
    assert await visit.call("trackEvent", "add_to_cart", {"product": "Běžky & co", "price": 99.99, "new": True}) is None
    assert await visit.call("trackEvent", {"event_name": "viewed", "data": {"page": "shop"}, "profile_id": None}) is None
    assert await visit.call("sendGoal", {"name": "revenue", "count": 2, "value": 9.5}) is None
    placed = await visit.call("sendTriggerEvent", {"campaign_name": "cart", "event_name": "left", "data": {"price": 5}})
    assert set(placed) == {"SequenceNumber", "ShardId"}
    assert await events(api, before, hashed) == [
        ("add_to_cart", {"product": "Běžky & co", "price": 99.99, "new": True}),
        ("viewed", {"page": "shop"}),
        ("revenue", {"count": 2, "value": 9.5}),
        ("left", {"campaign_name": "cart", "price": 5}),
    ]


async def test_an_event_that_the_server_refuses_is_refused_in_its_words(api: Api, visit: Visit, hashed: str) -> None:
    before = await api.place(device=hashed)
    somebody = unique("somebody")
    assert await visit.call("trackEvent", {"event_name": "bought", "profile_id": somebody}) == {
        "rejected": {
            "message": "profile_id is not the subscriber's.",
            "details": [{"message": "profile_id must be the subscriber's own", "path": ["profile_id"]}],
        }
    }
    assert await visit.waiting() == []
    assert await events(api, before, hashed) == []
    assert await api.profile(somebody) is None


async def test_segments_and_attributes_are_the_profiles(api: Api, visit: Visit, hashed: str) -> None:
    news, sale = unique("news"), unique("sale")
    await visit.call("addSegment", [news, sale])
    await owner(api, hashed, segments=sorted([news, sale]))
    assert [row["device_token_hash"] for row in (await api.get(f"/segments/{news}/members"))["profiles"]] == [hashed]
    await visit.call("removeSegment", sale)
    await owner(api, hashed, segments=[news])

    await visit.call("addAttributes", {"plan": "gold", "age": 7, "vip": True})
    await owner(api, hashed, attributes={"plan": "gold", "age": 7, "vip": True})
    await visit.call("deleteAttributes", ["age"])
    await owner(api, hashed, attributes={"plan": "gold", "vip": True})
    await visit.call("setAttributes", {"city": "Brno"})
    await owner(api, hashed, attributes={"city": "Brno"})
    assert await visit.call("getAttributes") == {"city": "Brno"}


async def test_who_a_person_is_has_to_be_signed(api: Api, visit: Visit, hashed: str) -> None:
    ann, other = unique("ann"), unique("other")
    signature = await signed(api, ann)
    await visit.call("addAttributes", {"plan": "gold"})
    for forged in (["0" * 64], [signature[:-1] + ("0" if signature[-1] != "0" else "1")], []):
        assert await visit.call("identify", ann, *forged) == SIGNATURE_NEEDED
    assert await visit.call("addProfileId", other, signature) == SIGNATURE_NEEDED
    assert (await listed_when(api, hashed))["profile_id"] is None
    assert await api.profile(ann) is None

    before = await api.place(ann, device=hashed)
    assert await visit.call("identify", ann, signature) is None
    await owner(api, hashed, profile_id=ann, attributes={"plan": "gold"})
    assert await visit.call("trackEvent", {"event_name": "bought", "profile_id": ann}) is None
    assert ("bought", {}) in await events(api, before, hashed, ann)
    assert await visit.call("getAttributes") == {"plan": "gold"}
    # a page that has not been told the signature cannot read what belongs to a name
    await visit.go()
    assert await visit.call("getAttributes") == SIGNATURE_NEEDED
    assert not {"attributes", "profile_id"} & (await visit.call("getSubscriber")).keys()

    assert await visit.call("logout") is None
    await owner(api, hashed, profile_id=None, attributes={})
    assert (await api.profile(ann))["attributes"] == {"plan": "gold"}


async def test_unsubscribing_and_subscribing_again(api: Api, visit: Visit, hashed: str) -> None:
    assert await visit.call("unsubscribe") is None
    await listed_when(api, hashed, active=False)
    again = await visit.call("subscribe")
    await listed_when(api, again, active=True)
    # the browser has a new address for pushes, and none goes to the old one
    assert (await listed(api, hashed))["active"] is False


async def test_the_prompt_subscribes_under_a_strict_policy(api: Api, shop: Shop, visit: Visit) -> None:
    policy = (
        f"default-src 'none'; script-src {shop.api} 'self'; connect-src {shop.api}; worker-src 'self'; base-uri 'none'; form-action 'none';"
        " require-trusted-types-for 'script'; trusted-types clarion"
    )
    shop.script(
        "/page.js",
        "window.broken = []; document.addEventListener('securitypolicyviolation', (event) => broken.push(event.violatedDirective));"
        f"window.PushEngage = [['init', {{appId: '{shop.app_id}'}}], ['trackEvent', 'early']];",
    )
    head = f'<script src="/page.js"></script><script async src="{shop.api}/sdk/clarion.js"></script>'
    shop.page("/strict", head, Content_Security_Policy=policy)
    await visit.go("/strict")
    await visit.page.evaluate("(title) => { window.answer = PushEngage.showPrompt({title}); }", MARKUP)
    dialog = visit.page.get_by_role("dialog")
    await expect(dialog.get_by_role("heading")).to_have_text(MARKUP)
    await dialog.get_by_role("button", name="Yes, notify me").click()
    hashed = await visit.page.evaluate("answer")
    await listed_when(api, hashed, active=True)
    assert await visit.call("addSegment", "strict") is None
    await owner(api, hashed, segments=["strict"])
    assert await visit.page.evaluate("[window.hurt ?? null, broken]") == [None, []]


async def test_what_is_tracked_while_the_server_is_away_comes_once(api: Api, server: Server, visit: Visit, hashed: str) -> None:
    before = await api.place(device=hashed)
    server.stop()
    for name in ("first", "second"):
        assert await visit.call("trackEvent", name) is None
    # what could not be sent outlives the page: the script comes from the browser's cache
    await visit.go()
    assert await visit.call("trackEvent", "third") is None
    assert [row["event_name"] for row in await visit.waiting()] == ["first", "second", "third"]
    server.start(server.port)
    await eventually(visit.waiting, lambda rows: rows == [])
    async with server.api() as backend:
        assert await events(backend, before, hashed) == [("first", {}), ("second", {}), ("third", {})]


async def test_what_is_on_its_way_when_the_server_dies_comes_once(api: Api, server: Server, visit: Visit, hashed: str) -> None:
    before = await api.place(device=hashed)
    many = 40
    await visit.page.evaluate("(many) => { for (let n = 0; n < many; n++) PushEngage.trackEvent('n', {n}).catch(() => 0); }", many)
    await eventually(visit.waiting, lambda rows: len(rows) < many - 5)
    server.kill()
    assert await visit.waiting() != [], "it died before all was sent"
    server.start(server.port)
    await eventually(visit.waiting, lambda rows: rows == [])
    async with server.api() as backend:
        assert await events(backend, before, hashed) == [("n", {"n": n}) for n in range(many)]


async def test_a_push_reaches_the_worker_beside_the_sites_own_and_its_click_comes_back(
    api: Api, server: Server, push_service: Receiver, shop: Shop, visit: Visit
) -> None:
    slug, event = unique("cart"), unique("add-to-cart")
    push = {
        "title": "Still thinking, {{ name }}?",
        "message": "{{ product }}",
        "url": f"{shop.origin}/cart",
        "actions": [{"title": "Buy {{ product }}", "url": f"{shop.origin}/buy"}],
    }
    clicked = {"on": [{"event": "PushEngage.Notification.Clicked", "of": "remind"}], "timeout": "1d", "then": [], "otherwise": []}
    steps = [{"id": "remind", "push": push}, {"id": "react", "wait_for": clicked}]
    await server.apply({"workflow": slug, "start": {"on": [{"event": event}]}, "steps": steps})
    own = "self.seen = []; for (const type of ['push', 'notificationclick']) self.addEventListener(type, () => seen.push(type));"
    shop.script("/own.js", f"{own} importScripts('{shop.api}/sdk/service-worker.js');")
    registered = "<script>navigator.serviceWorker.register('/own.js')</script>"
    shop.page("/", registered + shop.snippet(", serviceWorker: {url: '/own.js'}"))
    await visit.go()
    hashed = await visit.call("subscribe")
    await visit.call("addAttributes", {"name": MARKUP})
    await visit.call("trackEvent", event, {"product": MARKUP})
    await push_service.wait_for(1)
    payload = opened(push_service, await visit.page.evaluate("JSON.parse(localStorage.getItem('test.subscription'))"))

    worker = await ServiceWorker.of(visit)
    assert worker.worker.url == f"{shop.origin}/own.js"
    await worker.push(json.loads(payload))
    await counted(api, slug, viewed=1)
    [shown] = await worker.shown()
    assert (shown["title"], shown["body"]) == (f"Still thinking, {MARKUP}?", MARKUP)
    assert shown["actions"] == [{"action": "0", "title": f"Buy {MARKUP}"}]
    # as Firefox has it: a notification that was clicked closes
    assert await worker.happen("notificationclick", "notificationclose", action="0") == [["opened", f"{shop.origin}/buy"]]
    assert await worker.worker.evaluate("seen") == ["push", "notificationclick"]
    await counted(api, slug, viewed=1, clicked=1)
    profile = await eventually(
        lambda: api.get(f"/subscribers/{hashed}"), lambda seen: [run["status"] for run in seen["runs"]] == ["completed"]
    )
    assert [row["status"] for row in profile["deliveries"]] == ["sent"]
    assert await visit.page.evaluate("window.hurt ?? null") is None


def opened(push_service: Receiver, kept: Any) -> bytes:
    """The payload of the push that came, opened with the browser's key."""
    number = int.from_bytes(base64.urlsafe_b64decode(kept["d"] + "="), "big")
    secret = base64.urlsafe_b64decode(kept["keys"]["auth"] + "==")
    [message] = push_service.requests
    return Subscription(ec.derive_private_key(number, ec.SECP256R1()), secret).read(message.body)


async def counted(api: Api, slug: str, **wanted: int) -> None:
    """Wait until this, and nothing else, has been done with the pushes of a workflow's first step."""

    async def receipts() -> dict[str, int]:
        rows = (await api.get(f"/workflows/{slug}/counters"))["counters"]
        return {row["name"]: row["count"] for row in rows if row["name"] in {"viewed", "clicked", "closed"}}

    await eventually(receipts, lambda seen: seen == wanted)


async def test_hostile_names_and_values_are_kept_as_they_are_and_do_nothing(api: Api, visit: Visit, hashed: str) -> None:
    before = await api.place(device=hashed)
    await visit.call("trackEvent", MARKUP[:64], {"product": MARKUP})
    await visit.call("addSegment", MARKUP)
    await visit.call("addAttributes", {"name": MARKUP})
    assert (MARKUP[:64], {"product": MARKUP}) in await events(api, before, hashed)
    await owner(api, hashed, segments=[MARKUP], attributes={"name": MARKUP})
    assert await visit.call("getAttributes") == {"name": MARKUP}
    assert (await visit.call("getSubscriber"))["segments"] == [MARKUP]
    # no attribute can be an object, whatever its name does to objects
    add = '(name) => PushEngage.addAttributes(JSON.parse(`{${JSON.stringify(name)}: {"polluted": 1}}`)).then(() => null, String)'
    for name in ("__proto__", "constructor", MARKUP):
        assert await visit.page.evaluate(add, name) == "ClarionError: Invalid data"
    assert await visit.page.evaluate("[window.hurt ?? null, ({}).polluted ?? null]") == [None, None]


async def test_pages_of_another_origin_get_nothing(api: Api, visit: Visit, hashed: str, shop: Shop) -> None:
    before = await api.place(device=hashed)
    await set_origins(api, "https://elsewhere.example")
    for method, given in (("addSegment", ["news"]), ("getAttributes", []), ("addAttributes", [{"a": 1}]), ("logout", [])):
        # the page may not even read why
        assert (await visit.call(method, *given))["rejected"]["message"].startswith("The server cannot be reached")
    answer = await visit.page.request.get(f"{shop.api}/p/v1/sites/{shop.app_id}/sync/web", headers={"Origin": shop.origin})
    assert answer.status == 403
    assert (await answer.json())["error"]["message"] == "This origin is not allowed."
    assert "access-control-allow-origin" not in answer.headers
    # an event waits until the page's origin is among the site's
    assert await visit.call("trackEvent", "kept") is None
    assert await events(api, before, hashed) == []
    await set_origins(api, shop.origin)
    before = await api.place(device=hashed)
    await visit.go()
    await eventually(visit.waiting, lambda rows: rows == [])
    assert await events(api, before, hashed) == [("kept", {})]
    assert (await owner(api, hashed))["segments"] == []


async def test_after_a_rotation_of_the_key_the_browser_subscribes_again_in_its_place(api: Api, visit: Visit, hashed: str) -> None:
    await visit.call("addAttributes", {"plan": "gold"})
    await owner(api, hashed, attributes={"plan": "gold"})
    number = (await api.get("/site"))["vapid"]
    rotated = await api.ask("POST", "/site/vapid/rotate", {"vapid_subject": "mailto:push@shop.example"})
    key = rotated.json["data"]["vapid_public_key"]
    await visit.go()
    await visit.call("init", {"appId": visit.shop.app_id})
    again = await visit.call("getSubscriberId")
    assert again != hashed
    used = "JSON.parse(localStorage.getItem('test.subscription')).key"
    assert bytes(await visit.page.evaluate(used)) == base64.urlsafe_b64decode(key + "=")
    assert (await listed_when(api, again, active=True))["vapid"] == number + 1
    await listed_when(api, hashed, active=False)
    await owner(api, again, attributes={"plan": "gold"})
    before = await api.place(device=again)
    assert await visit.call("trackEvent", "after") is None
    assert await events(api, before, again) == [("after", {})]


async def test_a_subscription_that_vanished_is_made_again(api: Api, visit: Visit, hashed: str) -> None:
    await visit.page.evaluate(FORGET)
    await visit.go()
    await visit.call("init", {"appId": visit.shop.app_id})
    again = await visit.call("getSubscriberId")
    await listed_when(api, again, active=True)
    await listed_when(api, hashed, active=False)


async def test_a_browser_that_the_backend_has_forgotten_registers_again(api: Api, server: Server, visit: Visit, hashed: str) -> None:
    await visit.call("addAttributes", {"plan": "gold"})
    await owner(api, hashed, attributes={"plan": "gold"})
    assert (await api.ask("DELETE", f"/subscribers/{hashed}")).status == 200
    await eventually(lambda: listed(api, hashed), lambda row: row is None)
    # for some seconds a process believes what it has seen of a subscriber; another has seen nothing
    server.stop()
    server.start(server.port)
    assert await visit.call("addSegment", "back") is None
    assert await visit.call("getSubscriberId") == hashed
    async with server.api() as backend:
        await owner(backend, hashed, segments=["back"])
