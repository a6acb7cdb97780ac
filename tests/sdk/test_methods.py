"""The SDK's methods: what each asks the server for, and what it gives the page."""

from typing import Any

import pytest
from playwright.async_api import BrowserContext
from tests.sdk.fake import KEY, SITE, Asked, Fake
from tests.sdk.shop import Shop, Visit

pytestmark = pytest.mark.asyncio(loop_scope="session")

WHO = {"site_id": SITE, "device_token_hash": "hash-1"}


async def test_subscribing_registers_the_browser(fake: Fake, visit: Visit) -> None:
    assert await visit.call("getSubscriberId") is None
    assert await visit.call("subscribe") == "hash-1"
    assert await visit.call("getSubscriberId") == "hash-1"
    body = (await fake.asked("subscriber/add")).body
    assert body["site_id"] == SITE
    assert body["app_id"] == "app-1"
    assert body["vapid_public_key"] == KEY
    assert body["subscription"]["endpoint"].startswith("https://fcm.googleapis.com/")
    assert set(body["subscription"]["keys"]) == {"p256dh", "auth"}
    assert (body["device"], body["browser"], body["os"]) == ("desktop", "chrome", "linux")
    assert body["language"] == "en-US"
    assert body["timezone"]
    assert "Chrome" in body["user_agent"]
    assert not {"previous", "profile_id", "signature"} & set(body)


ASKING: list[tuple[str, list[Any], tuple[str, str, Any]]] = [
    ("addSegment", ["news"], ("POST", "subscriber/segments/add", {**WHO, "segment": ["news"]})),
    ("addSegment", [["news", "sale"]], ("POST", "subscriber/segments/add", {**WHO, "segment": ["news", "sale"]})),
    ("removeSegment", ["news"], ("POST", "subscriber/segments/remove", {**WHO, "segment": ["news"]})),
    ("addAttributes", [{"plan": "gold", "age": 7}], ("PUT", "subscriber/hash-1/attributes", {"plan": "gold", "age": 7})),
    ("setAttributes", [{"vip": True}], ("POST", "subscriber/hash-1/attributes", {"vip": True})),
    ("deleteAttributes", [["plan", "age"]], ("DELETE", "subscriber/hash-1/attributes", ["plan", "age"])),
    ("deleteAttributes", ["plan"], ("DELETE", "subscriber/hash-1/attributes", ["plan"])),
    ("sendGoal", [{"name": "revenue", "count": 2, "value": 9.5}], ("POST", "goals", {**WHO, "name": "revenue", "count": 2, "value": 9.5})),
    ("identify", ["user-1", "5ec7"], ("POST", "subscriber/profile-id/add", {**WHO, "profile_id": "user-1", "signature": "5ec7"})),
    ("addProfileId", ["user-1"], ("POST", "subscriber/profile-id/add", {**WHO, "profile_id": "user-1"})),
    ("logout", [], ("POST", "subscriber/logout", WHO)),
]


async def test_methods_ask_the_server(fake: Fake, subscribed: Visit) -> None:
    for method, given, asked in ASKING:
        assert await subscribed.call(method, *given) is None
        request = fake.requests[-1]
        assert (request.method, request.path, request.body) == asked


async def test_a_trigger_gives_its_place(fake: Fake, subscribed: Visit) -> None:
    given = {"campaign_name": "cart", "event_name": "add", "data": {"price": 5}}
    assert await subscribed.call("sendTriggerEvent", given) == {"SequenceNumber": "1", "ShardId": "shardId-000000000000"}
    request = fake.requests[-1]
    assert (request.method, request.path, request.body) == ("PUT", "trigger", {**given, **WHO})


async def test_what_the_server_knows_can_be_read(fake: Fake, subscribed: Visit) -> None:
    assert await subscribed.call("getSubscriber") == {"device": "desktop", "segments": ["news"]}
    assert fake.requests[-1].query == {"site_id": str(SITE)}
    await subscribed.call("getSubscriber", ["device", "segments"])
    assert fake.requests[-1].query == {"site_id": str(SITE), "fields": "device,segments"}
    assert await subscribed.call("getAttributes") == {"plan": "gold"}
    assert "x-profile-signature" not in fake.requests[-1].headers


async def test_the_signature_opens_the_profile_until_logout_and_no_longer_than_the_page(fake: Fake, subscribed: Visit) -> None:
    await subscribed.call("identify", "user-1", "5ec7")
    await subscribed.call("getAttributes")
    assert fake.requests[-1].headers["x-profile-signature"] == "5ec7"
    await subscribed.call("logout")
    await subscribed.call("getAttributes")
    assert "x-profile-signature" not in fake.requests[-1].headers
    await subscribed.call("identify", "user-1", "5ec7")
    await subscribed.go()
    await subscribed.call("getAttributes")
    assert "x-profile-signature" not in fake.requests[-1].headers


async def test_who_the_person_is_may_be_said_before_there_is_a_subscriber(fake: Fake, visit: Visit) -> None:
    assert await visit.call("identify", "user-1", "5ec7") is None
    await visit.call("subscribe")
    body = (await fake.asked("subscriber/add")).body
    assert (body["profile_id"], body["signature"]) == ("user-1", "5ec7")
    assert fake.at("subscriber/profile-id/add") == []


async def test_after_logout_nobody_is_named(fake: Fake, visit: Visit) -> None:
    await visit.call("identify", "user-1", "5ec7")
    assert await visit.call("logout") is None
    await visit.call("subscribe")
    assert "profile_id" not in (await fake.asked("subscriber/add")).body


async def test_unsubscribing_ends_the_subscription_and_subscribing_takes_it_up(fake: Fake, subscribed: Visit) -> None:
    await subscribed.call("unsubscribe")
    assert fake.requests[-1].path == "updatesubscriberstatus"
    assert fake.requests[-1].body == {**WHO, "IsUnSubscribed": 1}
    assert await subscribed.page.evaluate("localStorage.getItem('test.subscription')") is None
    assert await subscribed.call("subscribe") == "hash-1"
    assert fake.at("subscriber/add")[-1].body["previous"] == "hash-1"
    assert fake.requests[-1].body == {**WHO, "IsUnSubscribed": 0}


async def test_who_has_unsubscribed_is_not_subscribed_unasked(fake: Fake, subscribed: Visit) -> None:
    await subscribed.call("unsubscribe")
    await subscribed.go()
    assert await subscribed.call("getSubscriberId") == "hash-1"
    assert len(fake.at("subscriber/add")) == 1


async def test_changes_are_told_to_listeners_and_on_the_window(visit: Visit) -> None:
    await visit.page.evaluate(
        """() => {
            window.told = [];
            window.addEventListener('PushEngage.onSubscriptionChange', ({detail}) => told.push(['window', detail]));
            window.ended = PushEngage.onSubscriptionChange((detail) => told.push(['listener', detail]));
        }"""
    )
    await visit.call("subscribe")
    await visit.page.evaluate("ended()")
    await visit.call("unsubscribe")
    there = {"subscribed": True, "subscriber_hash": "hash-1"}
    gone = {"subscribed": False, "subscriber_hash": "hash-1"}
    assert await visit.page.evaluate("told") == [["window", there], ["listener", there], ["window", gone]]


WRONG: list[tuple[str, list[Any], str, list[str]]] = [
    ("identify", [""], "profile_id must not be empty", ["profile_id"]),
    ("identify", ["x" * 256], "profile_id must be at most 255 characters", ["profile_id"]),
    ("identify", [7], "profile_id must be a string", ["profile_id"]),
    ("identify", ["user-1", 7], "signature must be a string", ["signature"]),
    ("init", [], "options must be an object", ["options"]),
    ("init", [None], "options must be an object", ["options"]),
    ("init", [{}], "appId must be a string", ["appId"]),
    ("addSegment", [[]], "segment must not be empty", ["segment"]),
    ("addSegment", [[1]], "segment must be a string", ["segment"]),
    ("addAttributes", [["plan"]], "attributes must be an object", ["attributes"]),
    ("sendGoal", [{}], "name must be a string", ["name"]),
    ("sendTriggerEvent", [{"event_name": "x"}], "campaign_name must be a string", ["campaign_name"]),
    ("sendTriggerEvent", [{"campaign_name": "x"}], "event_name must be a string", ["event_name"]),
]


BARE = "<script src={api}/sdk/clarion.js></script>"
"""A page that has not called init."""


async def test_init_can_be_said_again_where_it_was_wrong_or_failed(fake: Fake, shop: Shop, visit: Visit) -> None:
    shop.page("/bare", BARE.format(api=shop.api))
    await visit.go("/bare")
    path = "sites/app-1/sync/web"
    asked = len(fake.at(path))
    for host in ("", "ftp://clarion.example", "https://", "nonsense"):
        refused = await visit.call("init", {"appId": "app-1", "apiHost": host})
        message = "apiHost must be the http or https address of the server"
        assert refused["rejected"]["details"] == [{"message": message, "path": ["apiHost"]}]
    fake.tell(path, 403)
    assert (await visit.call("init", {"appId": "app-1"}))["rejected"]["message"] == "told 403"
    assert (await visit.call("init", {"appId": "app-2"}))["rejected"]["message"] == "init was called before, for another app"
    for _ in range(2):
        assert await visit.call("init", {"appId": "app-1"}) is None
    assert len(fake.at(path)) == asked + 2
    assert await visit.call("subscribe") == "hash-1"


async def test_who_the_server_does_not_believe_to_be_somebody_is_nobody(fake: Fake, visit: Visit) -> None:
    await visit.call("identify", "user-1", "forged")
    fake.tell("subscriber/add", 403)
    assert (await visit.call("subscribe"))["rejected"]["message"] == "told 403"
    assert await visit.call("subscribe") == "hash-1"
    assert "profile_id" not in fake.at("subscriber/add")[-1].body
    fake.tell("subscriber/profile-id/add", 403)
    assert (await visit.call("identify", "user-1", "forged"))["rejected"]["message"] == "told 403"
    await visit.call("getAttributes")
    assert "x-profile-signature" not in fake.requests[-1].headers


@pytest.mark.parametrize("answer", [200, 404])
async def test_an_unsubscribe_that_the_server_did_not_hear_of_is_told_once_later(fake: Fake, subscribed: Visit, answer: int) -> None:
    fake.reachable = False
    assert (await subscribed.call("unsubscribe"))["rejected"]["message"].startswith("The server cannot be reached")
    assert await subscribed.page.evaluate("localStorage.getItem('test.subscription')") is None
    fake.reachable = True
    fake.tell("updatesubscriberstatus", 503)
    fake.tell("updatesubscriberstatus", answer, {"error_code": 0, "data": {}})
    for told in (1, 2, 2):
        await subscribed.go()
        assert await subscribed.call("init", {"appId": "app-1"}) is None
        assert [asked.body for asked in fake.at("updatesubscriberstatus")] == [{**WHO, "IsUnSubscribed": 1}] * told
    assert len(fake.at("subscriber/add")) == 1


async def test_what_cannot_be_right_is_refused_here(fake: Fake, visit: Visit) -> None:
    for method, given, message, path in WRONG:
        expected = {"rejected": {"message": "Invalid data", "details": [{"message": message, "path": path}]}}
        assert await visit.call(method, *given) == expected
    assert all(asked.path.startswith("sites/") for asked in fake.requests)


async def test_a_refusal_of_the_server_is_passed_on(fake: Fake, subscribed: Visit) -> None:
    details = [{"message": "plan is too long", "path": ["plan"]}]
    fake.tell("subscriber/hash-1/attributes", 400, {"error": {"message": "Invalid data", "code": 1003, "details": details}})
    assert await subscribed.call("addAttributes", {"plan": "x"}) == {"rejected": {"message": "Invalid data", "details": details}}


async def test_a_failure_in_the_vendors_form_is_one_too(fake: Fake, subscribed: Visit) -> None:
    fake.tell("goals", 200, {"error_code": 1003, "error_message": "Invalid data"})
    assert await subscribed.call("sendGoal", {"name": "x"}) == {"rejected": {"message": "Invalid data", "details": []}}


async def test_without_a_network_methods_say_so(fake: Fake, subscribed: Visit) -> None:
    fake.reachable = False
    answer = await subscribed.call("addSegment", "news")
    assert answer["rejected"]["message"].startswith("The server cannot be reached")


async def test_methods_about_a_subscriber_need_one(visit: Visit) -> None:
    assert await visit.call("addSegment", "news") == {"rejected": {"message": "This browser is not subscribed yet", "details": []}}


async def test_where_notifications_are_not_allowed_subscribing_rejects(context: BrowserContext, fake: Fake, visit: Visit) -> None:
    await context.clear_permissions()
    answer = await visit.call("subscribe")
    assert answer["rejected"]["message"] == "Notifications are not allowed"
    assert answer["rejected"]["details"] == [{"message": "The permission is denied", "path": []}]
    assert fake.at("subscriber/add") == []


async def test_a_server_that_has_forgotten_the_subscriber_gets_it_again(fake: Fake, subscribed: Visit) -> None:
    await subscribed.call("identify", "user-1", "5ec7")
    fake.tell("subscriber/segments/add", 404)
    assert await subscribed.call("addSegment", "news") is None
    again: Asked = fake.at("subscriber/add")[-1]
    assert "previous" not in again.body
    assert (again.body["profile_id"], again.body["signature"]) == ("user-1", "5ec7")
    assert fake.at("subscriber/segments/add")[-1].body["device_token_hash"] == "hash-2"
    assert await subscribed.call("getSubscriberId") == "hash-2"


async def test_it_is_asked_again_only_once(fake: Fake, subscribed: Visit) -> None:
    fake.tell("subscriber/segments/add", 404)
    fake.tell("subscriber/segments/add", 404)
    assert (await subscribed.call("addSegment", "news"))["rejected"]["message"] == "told 404"
    assert len(fake.at("subscriber/segments/add")) == 2
