"""A subscription that vanished, or whose key is the site's no more, is made again in the same subscriber's place."""

import pytest
from playwright.async_api import BrowserContext
from tests.sdk.conftest import Begin
from tests.sdk.fake import KEY, OTHER_KEY, Fake
from tests.sdk.shop import FORGET, Shop, Visit

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_while_nothing_has_changed_nothing_is_registered(fake: Fake, subscribed: Visit) -> None:
    await subscribed.go()
    assert await subscribed.call("init", {"appId": "app-1"}) is None
    assert len(fake.at("subscriber/add")) == 1


async def test_another_key_of_the_site_makes_another_subscription(fake: Fake, subscribed: Visit) -> None:
    fake.key = OTHER_KEY
    await subscribed.go()
    before, after = await fake.asked("subscriber/add"), await fake.asked("subscriber/add", 2)
    assert (before.body["vapid_public_key"], after.body["vapid_public_key"]) == (KEY, OTHER_KEY)
    assert after.body["previous"] == "hash-1"
    assert after.body["subscription"]["endpoint"] != before.body["subscription"]["endpoint"]
    assert await subscribed.call("getSubscriberId") == "hash-1"


async def test_a_subscription_that_vanished_is_made_again(fake: Fake, subscribed: Visit) -> None:
    await subscribed.page.evaluate(FORGET)
    await subscribed.go()
    assert (await fake.asked("subscriber/add", 2)).body["previous"] == "hash-1"


async def test_two_tabs_repair_once(fake: Fake, begin: Begin, subscribed: Visit) -> None:
    other = await begin()
    await subscribed.page.evaluate(FORGET)
    await subscribed.go()
    await other.go()
    for tab in (subscribed, other):
        await tab.call("init", {"appId": "app-1"})
    assert len(fake.at("subscriber/add")) == 2


async def test_it_is_left_where_the_site_says_so(fake: Fake, shop: Shop, subscribed: Visit) -> None:
    shop.page("/left", shop.snippet(", autoResubscribe: false"))
    await subscribed.page.evaluate(FORGET)
    await subscribed.go("/left")
    await subscribed.call("init", {"appId": "app-1"})
    assert len(fake.at("subscriber/add")) == 1


async def test_it_is_left_where_the_person_allows_nothing_any_more(fake: Fake, context: BrowserContext, subscribed: Visit) -> None:
    await subscribed.page.evaluate(FORGET)
    await context.clear_permissions()
    await subscribed.go()
    await subscribed.call("init", {"appId": "app-1"})
    assert len(fake.at("subscriber/add")) == 1


async def test_a_subscription_that_was_never_ours_is_left(fake: Fake, visit: Visit) -> None:
    await visit.page.evaluate(
        """async () => {
            const registration = await navigator.serviceWorker.register('/service-worker.js');
            await registration.pushManager.subscribe({applicationServerKey: new Uint8Array([4, 1, 2])});
        }"""
    )
    await visit.go()
    await visit.call("init", {"appId": "app-1"})
    assert await visit.page.evaluate("JSON.parse(localStorage.getItem('test.subscription')).key") == [4, 1, 2]
    # asked to, the site takes it over
    assert await visit.call("subscribe") == "hash-1"
    assert (await fake.asked("subscriber/add")).body["vapid_public_key"] == KEY


async def test_where_it_fails_the_page_goes_on(fake: Fake, subscribed: Visit) -> None:
    await subscribed.page.evaluate(FORGET)
    fake.tell("subscriber/add", 500)
    await subscribed.go()
    assert await subscribed.call("init", {"appId": "app-1"}) is None
    assert any("could not be subscribed again" in warning for warning in subscribed.warnings)
    await subscribed.go()
    assert (await fake.asked("subscriber/add", 3)).body["previous"] == "hash-1"
