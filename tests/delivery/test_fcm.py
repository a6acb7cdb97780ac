"""Pushes by FCM, from the worker to a server that checks what Google's check."""

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from clarion.clock import HOUR, MINUTE, SECOND
from clarion.delivery.google_tokens import FAILED_FOR
from clarion.store.records.deliveries import Delivery, Report

from .browser import Browser
from .conftest import Post
from .google import Google, error
from .outbox import START, change, push
from .receiver import receiving

SHOWN = {"id": "effect-1", "title": "Hä?", "message": "Back in stock", "url": "https://shop.example/1"}


def fcm(number: int, *, payload: object = SHOWN, **job: object) -> Delivery:
    return push(number, f"device:{number}", Browser.new(), p256dh="", auth="", provider="fcm", payload=payload, **job)


@pytest.fixture
async def google(post: Post) -> AsyncIterator[Google]:
    """Google, with the site's service account set."""
    google = Google(post.now)
    async with receiving(google) as receiver:
        google.receiver = receiver
        post.keys.fcm_key = google.key
        yield google


async def sent(post: Post, *deliveries: Delivery) -> list[Report]:
    """Put into the outbox and reported once each."""
    before = len(post.outbox.reports)
    post.outbox.put(*deliveries)
    if before:
        post.worker.wake()
    else:
        await post.start()
    return sorted((await post.outbox.until_reported(before + len(deliveries)))[before:], key=lambda report: report.delivery.id)


async def one(post: Post, delivery: Delivery | None = None) -> Report:
    (report,) = await sent(post, delivery or fcm(1))
    return report


async def test_a_push_arrives_with_the_names_that_the_apps_sdk_reads(post: Post, google: Google) -> None:
    actions = [{"title": "Buy", "url": "https://shop.example/buy"}, {"title": "No", "url": "https://shop.example/no"}]
    payload = SHOWN | {"tag": "cart", "image": "https://shop.example/i.png", "icon": "https://shop.example/x.png", "actions": actions}
    report = await one(post, fcm(1, payload=payload, ttl=60, urgency="high", topic="cart"))
    assert (report.outcome, report.status) == ("sent", 200)
    (message,) = google.messages
    data: dict[str, Any] = message["data"]  # type: ignore[assignment]  # the server has looked at it
    assert message["token"] == "device:1"
    assert message["android"] == {"ttl": "60s", "priority": "HIGH", "collapse_key": "cart"}
    assert {name: data[name] for name in ("t", "b", "u", "bp", "li", "p")} == {
        "t": "Hä?",
        "b": "Back in stock",
        "u": "https://shop.example/1",
        "bp": "https://shop.example/i.png",
        "li": "https://shop.example/x.png",
        "p": "high",
    }
    assert data["tag"] == post.keys.receipt_token(1, "push-000001", 0)
    assert 0 <= int(data["id"]) < 2**31
    assert json.loads(data["ab"]) == [{"l": "Buy", "u": "https://shop.example/buy"}, {"l": "No", "u": "https://shop.example/no"}]
    assert json.loads(data["ad"]) == {"id": "effect-1"}


async def test_the_same_tag_is_the_same_notification_on_the_device(post: Post, google: Google) -> None:
    tags = ("cart", "cart", "other")
    await sent(post, *(fcm(number, payload=SHOWN | {"tag": tag}) for number, tag in enumerate(tags)))
    ids = {str(message["token"]): message["data"]["id"] for message in google.messages}  # type: ignore[index]  # the server has looked at it
    assert ids["device:0"] == ids["device:1"] != ids["device:2"]


async def test_an_effects_own_topic_is_no_collapse_key(post: Post, google: Google) -> None:
    await one(post, fcm(1, topic="effect-1", ttl=99_999_999))
    assert google.messages[0]["android"] == {"ttl": "2419200s", "priority": "NORMAL"}


async def test_one_access_token_serves_many_pushes_that_start_together(post: Post, google: Google) -> None:
    reports = await sent(post, *(fcm(number) for number in range(20)))
    assert [report.outcome for report in reports] == ["sent"] * 20
    assert len(google.granted) == 1


async def test_it_is_renewed_shortly_before_it_ends(post: Post, google: Google) -> None:
    await one(post)
    post.move_to(START + 3599 * SECOND - 5 * MINUTE - 1)
    await one(post, fcm(2))
    assert len(google.granted) == 1
    post.move_to(START + 3599 * SECOND - 5 * MINUTE)
    await one(post, fcm(3))
    assert len(google.granted) == 2


async def test_a_token_that_is_refused_is_replaced_and_the_push_sent_again_at_once(post: Post, google: Google) -> None:
    await one(post)
    google.valid.clear()
    post.move_to(START + 10 * MINUTE)
    reports = await sent(post, *(fcm(number) for number in range(2, 12)))
    assert [report.outcome for report in reports] == ["sent"] * 10
    assert len(google.granted) == 2


async def test_a_new_token_that_is_refused_is_not_asked_for_again_and_again(post: Post, google: Google) -> None:
    google.answers = [error(401, "UNAUTHENTICATED")] * 100
    reports = await sent(post, *(fcm(number) for number in range(5)))
    assert {(report.outcome, report.reason) for report in reports} == {(None, "the service refuses a new access token")}
    assert len(google.granted) == 1


@pytest.mark.parametrize(
    ("answer", "outcome", "why"),
    [
        (error(404, "NOT_FOUND", "UNREGISTERED"), "gone", "removed from the device"),
        (error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"), "failed", "another project"),
        (error(404, "NOT_FOUND"), "failed", "answered 404 NOT_FOUND"),
        (error(403, "PERMISSION_DENIED"), "failed", "may not send"),
        (error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"), "failed", "INVALID_ARGUMENT"),
        (error(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"), "failed", "lacks credentials"),
        (error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), None, "QUOTA_EXCEEDED"),
        (error(503, "UNAVAILABLE", "UNAVAILABLE"), None, "UNAVAILABLE"),
        (error(500, "INTERNAL", "INTERNAL"), None, "INTERNAL"),
        ((502, "<html>"), None, "answered 502"),
        ((400, '{"error": {"status": "<script>"}}'), "failed", "answered 400"),
    ],
)
async def test_a_refusal_ends_as_it_should(post: Post, google: Google, answer: tuple[int, str], outcome: str | None, why: str) -> None:
    google.answers = [answer]
    report = await one(post)
    assert (report.outcome, report.status) == (outcome, answer[0])
    assert why in str(report.reason)
    assert "<" not in str(report.reason)


@pytest.mark.parametrize("code", [429, 503])
async def test_retry_after_is_honoured(post: Post, google: Google, code: int) -> None:
    google.answers, google.retry_after = [error(code, "X")], 7200
    report = await one(post)
    assert report.retry_at == START + 2 * HOUR


@pytest.mark.parametrize(("code", "waits"), [(429, True), (503, False)])
async def test_where_a_quota_is_used_up_google_asks_for_a_minute_without_saying_so(
    post: Post, google: Google, code: int, waits: bool
) -> None:
    google.answers = [error(code, "X")] * 2
    reports = await sent(post, fcm(1), fcm(2))
    assert [report.retry_at == START + MINUTE for report in reports] == [waits] * 2
    late = await one(post, change(fcm(3), due=START))
    assert (late.outcome is None) == waits, "the site's quota, not the devices'"


@pytest.mark.parametrize(
    ("grant", "outcome", "why"),
    [
        ((400, '{"error":"invalid_grant"}'), "failed", "refuses the service account's key (400)"),
        ((500, ""), None, "no access token: answered 500"),
        ((429, ""), None, "no access token: answered 429"),
        ((200, "{}"), None, "cannot be read"),
        ((200, '{"access_token": "a b\\r\\nc", "expires_in": 3600}'), None, "makes no sense"),
        ((200, '{"access_token": "x", "expires_in": 0}'), None, "makes no sense"),
    ],
)
async def test_without_an_access_token_nothing_is_sent_and_it_is_not_asked_for_by_each(
    post: Post, google: Google, grant: tuple[int, str], outcome: str | None, why: str
) -> None:
    google.grants = [grant]
    reports = await sent(post, *(fcm(number) for number in range(3)))
    assert {report.outcome for report in reports} == {outcome}
    assert all(why in str(report.reason) for report in reports)
    post.outbox.waiting.clear()
    post.move_to(START + FAILED_FOR - 1)
    assert why in str((await one(post, fcm(8))).reason)
    assert not google.granted
    post.outbox.waiting.clear()
    post.move_to(START + FAILED_FOR)
    assert (await one(post, fcm(9))).outcome == "sent"


async def test_without_a_service_account_a_push_fails_with_the_reason(post: Post) -> None:
    report = await one(post)
    assert (report.outcome, report.reason) == ("failed", "the site has no FCM service account")


async def test_a_service_account_that_names_another_host_is_not_used(post: Post, google: Google) -> None:
    for number, hosts in enumerate(({"base_url": "https://evil.example"}, {"token_url": "https://evil.example/token"})):
        post.keys.fcm_key = msgspec.structs.replace(google.key, **hosts)
        assert (await one(post, fcm(number))).reason == "the service account names a host that is not Google's"
    assert not google.granted


@pytest.mark.parametrize("device", ["", "a b", "ä", "x" * 4097])
async def test_a_device_token_that_is_none_fails(post: Post, google: Google, device: str) -> None:
    assert (await one(post, push(1, device, Browser.new(), provider="fcm", payload=SHOWN))).outcome == "failed"


@pytest.mark.parametrize(("extra", "outcome"), [(0, "sent"), (1, "failed")])
async def test_the_limit_is_4096_bytes_of_data(post: Post, google: Google, extra: int, outcome: str) -> None:
    await one(post, fcm(1, payload=SHOWN | {"message": ""}))
    used = len(json.dumps(google.messages[0]["data"], separators=(",", ":"), ensure_ascii=False).encode())
    report = await one(post, fcm(2, payload=SHOWN | {"id": "effect-2", "message": "x" * (4096 - used + extra)}))
    assert report.outcome == outcome
    if outcome == "failed":
        assert report.reason == "data of 4097 bytes is over 4096"


async def test_a_payload_that_is_no_notification_fails(post: Post, google: Google) -> None:
    assert (await one(post, fcm(1, payload={"id": "x"}))).reason == "the payload is not a notification"


async def test_an_unknown_provider_fails(post: Post) -> None:
    assert (await one(post, push(1, "x", Browser.new(), provider="pigeon"))).reason == "the job names no provider that there is"


async def test_a_quota_that_is_used_up_holds_back_what_is_left(post: Post, google: Google) -> None:
    google.answers, google.retry_after = [error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED")] * 2, 30
    reports = await sent(post, fcm(1), fcm(2))
    assert [report.outcome for report in reports] == [None, None]
    late = change(fcm(3), due=START)
    report = await one(post, late)
    assert (report.outcome, report.delivery.attempts) == (None, ())
    assert report.retry_at is not None
    assert report.retry_at >= START + 30 * SECOND
    assert not google.messages
