"""Events are kept until the server has them: offline, before there is a subscriber, over pages and tabs, each once and in order."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import BrowserContext
from tests.sdk.conftest import Begin
from tests.sdk.fake import SITE, Fake
from tests.sdk.shop import PATIENCE, Shop, Visit

pytestmark = pytest.mark.asyncio(loop_scope="session")

TRACK = "events/track"


def tracked(fake: Fake) -> list[str]:
    return [asked.body["event_name"] for asked in fake.at(TRACK)]


async def start(visit: Visit, *names: str) -> None:
    """Track events without waiting for what comes of them."""
    await visit.page.evaluate("(names) => { window.tracked = names.map((name) => PushEngage.trackEvent(name)); }", list(names))


async def kept(visit: Visit, count: int) -> list[Any]:
    """Wait until so many events are kept."""
    async with asyncio.timeout(PATIENCE):
        while len(rows := await visit.waiting()) != count:
            pass
    return rows


async def test_an_event_is_sent_with_an_id_and_a_time(fake: Fake, subscribed: Visit) -> None:
    assert await subscribed.call("trackEvent", {"event_name": "add_to_cart", "data": {"price": 9.5}, "profile_id": "user-1"}) is None
    body = (await fake.asked(TRACK)).body
    assert len(body.pop("event_id")) == 36
    assert body.pop("timestamp").endswith("Z")
    assert body == {
        "site_id": SITE,
        "device_token_hash": "hash-1",
        "event_name": "add_to_cart",
        "data": {"price": 9.5},
        "profile_id": "user-1",
        "provider": "PushEngage",
        "event_type": "custom",
    }
    assert await subscribed.waiting() == []


async def test_events_before_the_subscriber_are_sent_when_there_is_one(fake: Fake, visit: Visit) -> None:
    assert await visit.call("trackEvent", "first") is None
    assert await visit.call("trackEvent", "second", {"n": 2}) is None
    await visit.go()
    ids = [row["event_id"] for row in await visit.waiting()]
    assert fake.at(TRACK) == []
    await visit.call("subscribe")
    await fake.asked(TRACK, 2)
    assert tracked(fake) == ["first", "second"]
    assert [asked.body["event_id"] for asked in fake.at(TRACK)] == ids
    await kept(visit, 0)


async def test_events_before_init_are_kept(fake: Fake, shop: Shop, subscribed: Visit) -> None:
    shop.page("/bare", f'<script async src="{shop.api}/sdk/clarion.js"></script>')
    await subscribed.go("/bare")
    assert await subscribed.call("trackEvent", "early") is None
    assert fake.at(TRACK) == []
    await subscribed.go("/")
    assert (await fake.asked(TRACK)).body["event_name"] == "early"


async def test_events_offline_are_sent_in_order_when_the_network_is_back(fake: Fake, context: BrowserContext, subscribed: Visit) -> None:
    await context.set_offline(True)
    for name in ("first", "second", "third"):
        assert await subscribed.call("trackEvent", name) is None
    assert len(await subscribed.waiting()) == 3
    await context.set_offline(False)
    await fake.asked(TRACK, 3)
    assert tracked(fake) == ["first", "second", "third"]
    await kept(subscribed, 0)


async def test_events_for_which_the_browser_has_no_room_are_sent_all_the_same(
    fake: Fake, context: BrowserContext, subscribed: Visit
) -> None:
    await context.set_offline(True)
    await subscribed.call("trackEvent", "first")
    await subscribed.page.evaluate(
        """() => {
            const add = IDBObjectStore.prototype.add;
            IDBObjectStore.prototype.add = function (value) {
                const adding = add.call(this, value);
                this.transaction.abort();
                return adding;
            };
        }"""
    )
    for name in ("second", "third"):
        assert await subscribed.call("trackEvent", name) is None
    assert [row["event_name"] for row in await subscribed.waiting()] == ["first"]
    assert sum("no room here" in warning for warning in subscribed.warnings) == 2
    await context.set_offline(False)
    await fake.asked(TRACK, 3)
    assert tracked(fake) == ["first", "second", "third"]
    await kept(subscribed, 0)
    assert await subscribed.call("trackEvent", "fourth") is None
    assert tracked(fake) == ["first", "second", "third", "fourth"]


async def test_events_while_the_server_cannot_be_reached_outlive_the_page(fake: Fake, subscribed: Visit) -> None:
    fake.reachable = False
    assert await subscribed.call("trackEvent", "first") is None
    assert len(await subscribed.waiting()) == 1
    fake.reachable = True
    await subscribed.go()
    assert (await fake.asked(TRACK)).body["event_name"] == "first"


async def test_a_page_that_is_left_mid_way_loses_nothing_and_repeats_the_id(fake: Fake, subscribed: Visit) -> None:
    answer = fake.hold(TRACK)
    await start(subscribed, "first", "second")
    lost = await fake.asked(TRACK)
    await subscribed.page.goto("about:blank")
    answer.set()
    await subscribed.go()
    again = await fake.asked(TRACK, 2)
    assert again.body["event_id"] == lost.body["event_id"]
    await fake.asked(TRACK, 3)
    assert tracked(fake) == ["first", "first", "second"]
    await kept(subscribed, 0)


@pytest.mark.parametrize("status", [400, 403, 409, 413])
async def test_an_event_that_is_refused_is_given_up_and_the_next_goes_out(fake: Fake, subscribed: Visit, status: int) -> None:
    details = [{"message": "no", "path": ["event_name"]}]
    fake.tell(TRACK, status, {"error": {"message": "refused", "code": 1003, "details": details}})
    assert await subscribed.call("trackEvent", "wrong") == {"rejected": {"message": "refused", "details": details}}
    assert await subscribed.call("trackEvent", "right") is None
    assert tracked(fake) == ["wrong", "right"]
    assert await subscribed.waiting() == []
    assert any('the event "wrong" was refused' in warning for warning in subscribed.warnings)


@pytest.mark.parametrize("status", [500, 503])
async def test_an_event_that_cannot_be_taken_now_is_tried_again(fake: Fake, subscribed: Visit, status: int) -> None:
    fake.tell(TRACK, status)
    assert await subscribed.call("trackEvent", "first") is None
    assert len(await subscribed.waiting()) == 1
    # the pause lasts: nothing overtakes
    assert await subscribed.call("trackEvent", "second") is None
    await fake.asked(TRACK, 3)
    assert tracked(fake) == ["first", "first", "second"]
    one, two, _ = fake.at(TRACK)
    assert one.body == two.body
    assert two.at - one.at >= 0.45


async def test_retry_after_is_honoured_by_all_pages(fake: Fake, begin: Begin, subscribed: Visit) -> None:
    fake.tell(TRACK, 429, Retry_After="2")
    await subscribed.call("trackEvent", "first")
    other = await begin()
    assert await other.call("trackEvent", "second") is None
    one, two = await fake.asked(TRACK), await fake.asked(TRACK, 2)
    assert two.at - one.at >= 1.9


async def test_a_subscriber_that_is_unknown_is_registered_again(fake: Fake, subscribed: Visit) -> None:
    fake.tell(TRACK, 404)
    assert await subscribed.call("trackEvent", "first") is None
    assert [asked.body["device_token_hash"] for asked in fake.at(TRACK)] == ["hash-1", "hash-2"]
    assert "previous" not in fake.at("subscriber/add")[-1].body
    assert await subscribed.waiting() == []


async def test_without_a_subscription_an_unknown_subscriber_is_none_and_its_events_wait(fake: Fake, subscribed: Visit) -> None:
    await subscribed.page.evaluate("localStorage.removeItem('test.subscription')")
    fake.tell(TRACK, 404)
    assert await subscribed.call("trackEvent", "first") is None
    assert await subscribed.call("getSubscriberId") is None
    assert len(await subscribed.waiting()) == 1
    await subscribed.call("subscribe")
    await fake.asked(TRACK, 2)
    assert fake.at(TRACK)[-1].body["device_token_hash"] == "hash-2"


async def test_of_more_than_a_thousand_the_oldest_are_given_up_and_told(visit: Visit) -> None:
    told = await visit.page.evaluate(
        """async () => {
            const told = [];
            PushEngage.onEventsDropped(({count}) => told.push(count));
            for (let n = 0; n < 1000; n++) await PushEngage.trackEvent('e', {n});
            const before = told.length;
            await PushEngage.trackEvent('e', {n: 1000});
            await PushEngage.trackEvent('e', {n: 1001});
            return [before, told];
        }"""
    )
    assert told == [0, [1, 1]]
    rows = await visit.waiting()
    assert len(rows) == 1000
    assert [rows[0]["data"], rows[-1]["data"]] == [{"n": 2}, {"n": 1001}]
    assert sum("the oldest are given up" in warning for warning in visit.warnings) == 2


async def test_two_tabs_send_each_event_once(fake: Fake, begin: Begin, visit: Visit) -> None:
    other = await begin()
    for number in range(5):
        await visit.call("trackEvent", f"a{number}")
        await other.call("trackEvent", f"b{number}")
    await asyncio.gather(visit.call("subscribe"), other.call("subscribe"))
    await asyncio.gather(*(tab.call("trackEvent", name) for tab, name in ((visit, "last-a"), (other, "last-b"))))
    await kept(visit, 0)
    names = tracked(fake)
    assert sorted(names) == sorted(["a0", "b0", "a1", "b1", "a2", "b2", "a3", "b3", "a4", "b4", "last-a", "last-b"])
    assert names[:10] == ["a0", "b0", "a1", "b1", "a2", "b2", "a3", "b3", "a4", "b4"]
    # and both are one subscriber
    assert {asked.body["device_token_hash"] for asked in fake.at(TRACK)} == {"hash-1"}


async def test_without_locks_what_two_tabs_send_has_one_id(fake: Fake, context: BrowserContext, begin: Begin) -> None:
    await context.add_init_script("Object.defineProperty(Navigator.prototype, 'locks', {value: undefined})")
    visit, other = await begin(), await begin()
    await visit.call("subscribe")
    answer = fake.hold(TRACK)
    await start(visit, "once")
    await fake.asked(TRACK)
    await start(other, "then")
    await fake.asked(TRACK, 2)
    answer.set()
    await kept(visit, 0)
    assert len({asked.body["event_id"] for asked in fake.at(TRACK)}) == 2


async def test_what_was_said_first_is_done_first(fake: Fake, subscribed: Visit) -> None:
    await subscribed.page.evaluate(
        """() => Promise.all([
            PushEngage.trackEvent('before'),
            PushEngage.identify('user-1'),
            PushEngage.trackEvent({event_name: 'after', profile_id: 'user-1'}),
            PushEngage.logout(),
        ])"""
    )
    asked = [request.path for request in fake.requests if request.path.startswith(("subscriber/profile", "events", "subscriber/logout"))]
    assert asked == [TRACK, "subscriber/profile-id/add", TRACK, "subscriber/logout"]


async def test_events_of_another_app_are_not_sent_to_this_one(fake: Fake, shop: Shop, visit: Visit) -> None:
    await visit.call("trackEvent", "theirs")
    shop.page("/other", shop.snippet().replace("app-1", "app-2"))
    await visit.go("/other")
    await visit.call("subscribe")
    await visit.call("trackEvent", "ours")
    assert tracked(fake) == ["ours"]
    assert await visit.waiting() == []


async def test_where_the_browser_stores_nothing_the_page_remembers(fake: Fake, context: BrowserContext, begin: Begin) -> None:
    await context.add_init_script("IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError') }")
    visit = await begin()
    assert await visit.call("trackEvent", "first") is None
    assert await visit.call("subscribe") == "hash-1"
    await visit.call("trackEvent", "second")
    assert tracked(fake) == ["first", "second"]
    assert any("the browser keeps nothing here" in warning for warning in visit.warnings)
