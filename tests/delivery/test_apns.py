"""Pushes by APNs, from the worker to a server that checks what Apple's checks."""

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from clarion.clock import DAY, MINUTE, SECOND
from clarion.store.records.deliveries import Delivery, Report

from .apple import DEVICE, Apple, p8
from .authority import Authority
from .browser import Browser
from .conftest import Post
from .http2_server import serving_http2
from .outbox import START, change, push

SHOWN = {"id": "effect-1", "title": "Hä?", "message": "Back in stock", "url": "https://shop.example/1"}


def apns(number: int, *, payload: object = SHOWN, **job: object) -> Delivery:
    made = push(number, DEVICE, Browser.new(), p256dh="", auth="", provider="apns", payload=payload, **job)
    return change(made, expires=START + 30 * DAY)


@pytest.fixture
async def apple(post_http2: Post, authority: Authority) -> AsyncIterator[Apple]:
    """Apple, with the site's key set."""
    apple = Apple(post_http2.now)
    async with serving_http2(authority.server("localhost"), apple) as server:
        apple.server = server
        post_http2.keys.apns_key = apple.key
        yield apple


@pytest.fixture
def post(post_http2: Post) -> Post:
    return post_http2


async def sent(post: Post, *deliveries: Delivery) -> list[Report]:
    """Put into the outbox and reported once each."""
    before = len(post.outbox.reports)
    post.outbox.put(*deliveries)
    if before:
        post.worker.wake()
    else:
        await post.start()
    return (await post.outbox.until_reported(before + len(deliveries)))[before:]


async def one(post: Post, delivery: Delivery | None = None) -> Report:
    (report,) = await sent(post, delivery or apns(1))
    return report


async def test_a_notification_arrives_with_what_the_system_and_the_apps_sdk_read(post: Post, apple: Apple) -> None:
    actions = [{"title": "Buy", "url": "https://shop.example/buy"}]
    payload = SHOWN | {"image": "https://shop.example/i.png", "actions": actions}
    report = await one(post, apns(1, payload=payload, ttl=60, topic="cart"))
    assert (report.outcome, report.status) == ("sent", 200)
    ((asked, taken),) = apple.taken
    assert taken == {
        "aps": {"alert": {"title": "Hä?", "body": "Back in stock"}, "mutable-content": 1, "sound": "default"},
        "pe": {
            "tag": post.keys.receipt_token(1, "push-000001", 0),
            "u": "https://shop.example/1",
            "att": "https://shop.example/i.png",
            "ab": [{"a": "action1", "b": "Buy", "u": "https://shop.example/buy"}],
        },
        "id": "effect-1",
    }
    names = ("apns-topic", "apns-push-type", "apns-expiration", "apns-priority", "apns-collapse-id", "content-type")
    assert [asked.header(name) for name in names] == [
        "com.shop.app",
        "alert",
        str(START // SECOND + 60),
        "10",
        "cart",
        "application/json",
    ]


@pytest.mark.parametrize(
    ("urgency", "priority", "sound"), [("very-low", "1", False), ("low", "5", False), ("normal", "10", True), ("high", "10", True)]
)
async def test_urgency_becomes_priority_and_sound(post: Post, apple: Apple, urgency: str, priority: str, sound: bool) -> None:
    await one(post, apns(1, urgency=urgency, ttl=0))
    ((asked, taken),) = apple.taken
    aps: dict[str, Any] = taken["aps"]  # type: ignore[assignment]  # the server has looked at it
    assert (asked.header("apns-priority"), asked.header("apns-expiration"), "sound" in aps) == (priority, "0", sound)


@pytest.mark.parametrize(("topic", "kept"), [("x" * 64, True), ("x" * 65, False), ("ä", False)])
async def test_a_long_topic_becomes_a_collapse_id_that_fits(post: Post, apple: Apple, topic: str, kept: bool) -> None:
    await one(post, apns(1, topic=topic))
    shown = apple.taken[0][0].header("apns-collapse-id")
    assert (shown == topic) == kept
    assert len(str(shown)) == 64


async def test_every_attempt_at_a_delivery_has_the_same_id_and_no_two_deliveries_share_one(post: Post, apple: Apple) -> None:
    apple.answers = [(500, "InternalServerError")]
    first = await one(post)
    assert first.retry_at is not None
    post.move_to(first.retry_at)
    assert [report.outcome for report in await sent(post)] == []
    await post.outbox.until_reported(2)
    await one(post, apns(2))
    ids = [asked.header("apns-id") for asked in apple.server.requests] if apple.server else []
    assert ids[0] == ids[1] != ids[2]


async def test_one_provider_token_and_one_connection_serve_many(post: Post, apple: Apple) -> None:
    reports = await sent(post, *(apns(number) for number in range(40)))
    assert [report.outcome for report in reports] == ["sent"] * 40
    assert len(apple.tokens) == 1
    assert apple.server is not None
    assert len(apple.server.peers) == 1


@pytest.mark.parametrize(("age", "tokens"), [(45 * MINUTE - 1, 1), (45 * MINUTE, 2), (3 * DAY, 2)])
async def test_a_provider_token_is_renewed_within_the_hour(post: Post, apple: Apple, age: int, tokens: int) -> None:
    await one(post)
    post.move_to(START + age)
    assert (await one(post, apns(2))).outcome == "sent"
    assert len(apple.tokens) == tokens


async def test_a_clock_set_back_makes_a_new_one(post: Post, apple: Apple) -> None:
    await one(post)
    apple.issued.clear()
    post.move_to(START - DAY)
    assert (await one(post, change(apns(2), due=START - DAY))).outcome == "sent"
    assert len(apple.tokens) == 2


@pytest.mark.parametrize(("age", "outcome", "tokens"), [(20 * MINUTE - 1, None, 1), (20 * MINUTE, "sent", 2)])
async def test_a_token_that_has_expired_is_renewed_but_not_too_often(
    post: Post, apple: Apple, age: int, outcome: str | None, tokens: int
) -> None:
    await one(post)
    apple.expired.update(apple.tokens)
    post.move_to(START + age)
    report = await one(post, apns(2))
    assert report.outcome == outcome
    assert len(apple.tokens) == tokens
    if outcome is None:
        assert report.reason == "answered 403 ExpiredProviderToken"


@pytest.mark.parametrize(
    ("answer", "outcome", "why"),
    [
        ((410, "Unregistered"), "gone", "removed from the device"),
        ((410, "ExpiredToken"), "gone", "expired"),
        ((400, "BadDeviceToken"), "failed", "not one of this environment"),
        ((400, "DeviceTokenNotForTopic"), "failed", "another app"),
        ((400, "BadTopic"), "failed", "BadTopic"),
        ((403, "InvalidProviderToken"), "failed", "refuses the key"),
        ((413, "PayloadTooLarge"), "failed", "PayloadTooLarge"),
        ((429, "TooManyRequests"), None, "TooManyRequests"),
        ((429, "TooManyProviderTokenUpdates"), None, "TooManyProviderTokenUpdates"),
        ((500, "InternalServerError"), None, "InternalServerError"),
        ((503, "Shutdown"), None, "Shutdown"),
        ((400, "<b>"), "failed", "answered 400"),
    ],
)
async def test_a_refusal_ends_as_it_should(post: Post, apple: Apple, answer: tuple[int, str], outcome: str | None, why: str) -> None:
    apple.answers = [answer]
    report = await one(post)
    assert (report.outcome, report.status) == (outcome, answer[0])
    assert why in str(report.reason)
    assert "<" not in str(report.reason)


async def test_retry_after_is_honoured(post: Post, apple: Apple) -> None:
    apple.answers, apple.retry_after = [(503, "ServiceUnavailable")], 600
    assert (await one(post)).retry_at == START + 10 * MINUTE


@pytest.mark.parametrize(("reason", "held"), [("TooManyRequests", False), ("TooManyProviderTokenUpdates", True)])
async def test_too_much_for_one_device_does_not_hold_up_the_others(post: Post, apple: Apple, reason: str, held: bool) -> None:
    apple.answers, apple.retry_after = [(429, reason)] * 3, 30
    await sent(post, apns(1), apns(2), apns(3))
    report = await one(post, apns(4))
    assert (report.outcome is None) == held
    assert (report.delivery.attempts == ()) == held


async def test_without_a_key_a_push_fails_with_the_reason(post: Post) -> None:
    report = await one(post)
    assert (report.outcome, report.reason) == ("failed", "the site has no APNs key")


async def test_a_key_that_cannot_be_read_fails(post: Post, apple: Apple) -> None:
    post.keys.apns_key = msgspec.structs.replace(apple.key, private="nothing")
    report = await one(post)
    assert (report.outcome, report.reason) == ("failed", "the APNs key cannot be used: the private key is not PEM without a passphrase")


async def test_a_key_of_another_team_is_refused_by_apple(post: Post, apple: Apple) -> None:
    post.keys.apns_key = msgspec.structs.replace(apple.key, private=p8(ec.generate_private_key(ec.SECP256R1())))
    assert (await one(post)).reason == "answered 403 InvalidProviderToken: Apple refuses the key"


async def test_a_key_that_names_another_host_is_not_used(post: Post, apple: Apple) -> None:
    post.keys.apns_key = msgspec.structs.replace(apple.key, base_url="https://evil.example")
    assert (await one(post)).reason == "the APNs key names a host that is not Apple's"


@pytest.mark.parametrize("device", ["", "xyz", "ab/../..", "ab" * 257])
async def test_a_device_token_that_is_none_fails(post: Post, apple: Apple, device: str) -> None:
    report = await one(post, push(1, device, Browser.new(), provider="apns", payload=SHOWN))
    assert (report.outcome, report.reason) == ("failed", "the device's token is not one of APNs")


@pytest.mark.parametrize(("extra", "outcome"), [(0, "sent"), (1, "failed")])
async def test_the_limit_is_4096_bytes(post: Post, apple: Apple, extra: int, outcome: str) -> None:
    await one(post, apns(1, payload=SHOWN | {"message": ""}))
    used = len(apple.taken[0][0].body)
    report = await one(post, apns(2, payload=SHOWN | {"message": "x" * (4096 - used + extra)}))
    assert report.outcome == outcome
    if outcome == "failed":
        assert report.reason == "payload of 4097 bytes is over 4096"
    else:
        assert len(json.dumps(apple.taken[1][1])) > 4000
