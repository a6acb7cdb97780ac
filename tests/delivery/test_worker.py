"""The delivery worker from claim to report, with a receiver on this machine and an outbox in memory."""

import asyncio
import json
from datetime import UTC, datetime
from email.utils import format_datetime

import msgspec
import pytest
from standardwebhooks import Webhook

from clarion.clock import DAY, HOUR, SECOND
from clarion.delivery.retry import DELAYS, MAX_ATTEMPTS
from clarion.delivery.webpush import MAX_PLAINTEXT
from clarion.store.records.deliveries import Attempt, Delivery

from .browser import Browser
from .conftest import Post
from .outbox import PAUSED, START, change, http, push
from .receiver import raw, receiving, status


async def test_an_http_delivery_is_sent_signed_and_reported(post: Post) -> None:
    async with receiving() as receiver:
        post.outbox.put(http(1, receiver.url, headers={"X-Shop": "1"}))
        await post.start()
        (report,) = await post.outbox.until_reported()
    (request,) = receiver.requests
    assert (request.method, request.path, request.body) == ("POST", "/hook", b'{"n":1}')
    assert request.header("content-type") == "application/json"
    assert str(request.header("user-agent")).startswith("Clarion/")
    assert request.header("x-shop") == "1"
    assert request.header("webhook-id") == "effect-1"
    assert request.header("webhook-timestamp") == str(START // SECOND)
    sent_at = datetime.fromtimestamp(START // SECOND, UTC)
    assert request.header("webhook-signature") == Webhook(post.secret).sign("effect-1", sent_at, '{"n":1}')
    assert (report.outcome, report.status, report.reason, report.retry_at) == ("sent", 200, None, None)
    assert report.delivery.attempts == (Attempt(START, 0, 200),)
    assert not post.outbox.waiting


async def test_a_request_without_a_body_signs_the_empty_one(post: Post) -> None:
    async with receiving() as receiver:
        post.outbox.put(http(1, receiver.url, method="get", body=None))
        await post.start()
        await post.outbox.until_reported()
    (request,) = receiver.requests
    assert (request.method, request.header("content-type"), request.header("content-length")) == ("GET", None, None)
    sent_at = datetime.fromtimestamp(START // SECOND, UTC)
    assert request.header("webhook-signature") == Webhook(post.secret).sign("effect-1", sent_at, "")


async def test_a_steps_headers_override_ours_only_where_they_may(post: Post) -> None:
    theirs = {"Webhook-Id": "x", "webhook-signature": "x", "HOST": "evil", "Content-Length": "1", "Transfer-Encoding": "chunked"}
    theirs |= {"Connection": "close", "Content-Type": "text/plain", "User-Agent": "Shop", "X-Umlaut": "ä"}
    async with receiving() as receiver:
        post.outbox.put(http(1, receiver.url, headers=theirs))
        await post.start()
        await post.outbox.until_reported()
    (request,) = receiver.requests
    assert request.header("webhook-id") == "effect-1"
    assert request.header("host") == f"127.0.0.1:{receiver.port}"
    assert request.header("content-length") == "7"
    assert request.header("transfer-encoding") is request.header("connection") is None
    assert request.header("content-type") == "text/plain"
    assert request.header("user-agent") == "Shop"
    assert str(request.header("x-umlaut")).encode("latin-1") == "ä".encode()


@pytest.mark.parametrize("headers", [{"x": "a\r\nevil: 1"}, {"x\r\nevil": "1"}, {"ä": "1"}, {"x": "\ud800"}, {"": "1"}])
async def test_a_header_that_is_none_fails_for_good(post: Post, headers: dict[str, str]) -> None:
    async with receiving() as receiver:
        job = {"method": "POST", "url": receiver.url, "headers": headers}
        post.outbox.put(change(http(1, receiver.url), job=msgspec.Raw(json.dumps(job).encode())))
        await post.start()
        (report,) = await post.outbox.until_reported()
    # a lone surrogate is no JSON for msgspec: that is a broken job, tried again like any bug
    assert (report.outcome, report.reason) in {
        ("failed", "a header holds a line break or another control character"),
        ("failed", "the method or a header's name is not allowed"),
        ("failed", "a header is not valid text"),
        (None, "internal error: DecodeError"),
    }
    assert not receiver.requests


async def test_a_push_arrives_as_the_browser_expects_it(post: Post) -> None:
    browser = Browser.new()
    async with receiving(status(201)) as receiver:
        post.outbox.put(push(1, receiver.url, browser, ttl=60, urgency="high", topic="cart", payload={"id": "effect-1", "title": "Hä?"}))
        await post.start()
        (report,) = await post.outbox.until_reported()
    (request,) = receiver.requests
    token = post.keys.receipt_token(1, "push-000001", 0)
    assert json.loads(browser.read(request.body)) == {"id": "effect-1", "title": "Hä?", "token": token}
    assert request.method == "POST"
    sent = {name: request.header(name) for name in ("ttl", "urgency", "topic", "content-encoding")}
    assert sent == {"ttl": "60", "urgency": "high", "topic": "cart", "content-encoding": "aes128gcm"}
    assert str(request.header("authorization")).startswith("vapid t=")
    assert str(request.header("authorization")).endswith(post.keys.key.public)
    assert (report.outcome, report.status) == ("sent", 201)


@pytest.mark.parametrize(
    ("code", "outcome", "why"),
    [
        (404, "gone", "subscription has ended"),
        (410, "gone", "subscription has ended"),
        (413, "failed", "too large"),
        (400, "failed", "answered 400"),
        (401, "failed", "VAPID key"),
        (403, "failed", "VAPID key"),
        (503, None, "answered 503"),
    ],
)
async def test_a_push_services_refusal_ends_as_it_should(post: Post, code: int, outcome: str | None, why: str) -> None:
    async with receiving(status(code, body="the reason " + "k" * 50 + "\n")) as receiver:
        post.outbox.put(push(1, receiver.url, Browser.new()))
        await post.start()
        (report,) = await post.outbox.until_reported()
    assert (report.outcome, report.status) == (outcome, code)
    assert why in str(report.reason)
    (attempt,) = report.delivery.attempts
    assert str(attempt.error).endswith(": the reason …")


async def test_a_push_that_is_too_large_or_to_no_browser_is_never_sent(post: Post) -> None:
    browser = Browser.new()
    async with receiving() as receiver:
        room = MAX_PLAINTEXT - len('{"id":"","token":""}' + post.keys.receipt_token(1, "push-000001", 0))
        large = push(1, receiver.url, browser, payload={"id": "x" * (room + 1)})
        broken = push(2, receiver.url, browser, p256dh="AAAA")
        elsewhere = push(3, "https://evil.example/x", browser)
        fits = push(4, receiver.url, browser, payload={"id": "x" * room})
        no_object = push(5, receiver.url, browser, payload=["x"])
        post.outbox.put(large, broken, elsewhere, fits, no_object)
        await post.start()
        reports = {report.delivery.id: report for report in await post.outbox.until_reported(5)}
    outcomes = [reports[f"push-{number:06}"].outcome for number in (1, 2, 3, 4, 5)]
    assert outcomes == ["failed", "failed", "failed", "sent", "failed"]
    assert "3994 bytes" in str(reports["push-000001"].reason)
    assert "no allowed push service" in str(reports["push-000003"].reason)
    assert len(receiver.requests) == 1


async def test_a_failed_attempt_is_retried_with_the_same_id_when_its_time_has_come(post: Post) -> None:
    async with receiving(status(500)) as receiver:
        post.outbox.put(http(1, receiver.url))
        await post.start()
        (report,) = await post.outbox.until_reported()
        assert report.outcome is None
        assert report.reason == "answered 500"
        assert report.retry_at is not None
        assert DELAYS[0] // 2 <= report.retry_at - START <= DELAYS[0]
        receiver.answer = status(200)
        post.move_to(report.retry_at - 1)
        await post.idle()
        assert len(receiver.requests) == 1
        post.move_to(report.retry_at)
        reports = await post.outbox.until_reported(2)
    assert [request.header("webhook-id") for request in receiver.requests] == ["effect-1"] * 2
    assert reports[1].outcome == "sent"
    assert [(attempt.at, attempt.status) for attempt in reports[1].delivery.attempts] == [(START, 500), (report.retry_at, 200)]


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_is_honoured(post: Post, form: str) -> None:
    date = format_datetime(datetime.fromtimestamp(START // SECOND + 3600, UTC), usegmt=True)
    async with receiving(status(429, f"Retry-After: {'3600' if form == 'seconds' else date}")) as receiver:
        post.outbox.put(http(1, receiver.url))
        await post.start()
        (report,) = await post.outbox.until_reported()
    assert (report.outcome, report.status, report.retry_at) == (None, 429, START + HOUR)


async def test_without_a_retry_left_a_delivery_has_failed_for_its_last_reason(post: Post) -> None:
    past = tuple(Attempt(START - 1, 1, 500, "answered 500") for _ in range(MAX_ATTEMPTS - 1))
    async with receiving(status(503)) as receiver:
        post.outbox.put(change(http(1, receiver.url), attempts=past), change(http(2, receiver.url), expires=START + 1))
        await post.start()
        reports = await post.outbox.until_reported(2)
    assert {(report.outcome, report.reason, report.retry_at) for report in reports} == {("failed", "answered 503", None)}


async def test_past_its_time_a_delivery_expires_unsent(post: Post) -> None:
    tried = (Attempt(START - HOUR, 1, 500, "answered 500"),)
    async with receiving() as receiver:
        post.outbox.put(
            change(http(1, receiver.url), expires=START - 1),
            change(http(2, receiver.url), expires=START - 1, attempts=tried),
            change(http(3, receiver.url), expires=START),
        )
        await post.start()
        reports = {report.delivery.effect: report for report in await post.outbox.until_reported(3)}
    first, second, third = (reports[f"effect-{number}"] for number in (1, 2, 3))
    assert (first.outcome, first.status, first.reason, first.delivery.attempts) == ("expired", None, "expired before it was sent", ())
    assert (second.outcome, second.status, second.reason) == ("expired", 500, "expired; last: answered 500")
    assert second.delivery.attempts == tried
    assert third.outcome == "sent"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://2130706433/",
        "ftp://a.example/",
        "nonsense",
    ],
)
async def test_what_the_guard_blocks_fails_for_good(guarded: Post, url: str) -> None:
    guarded.outbox.put(http(1, url))
    await guarded.start()
    (report,) = await guarded.outbox.until_reported()
    assert report.outcome == "failed"
    assert report.status is None
    assert len(report.delivery.attempts) == 1


async def test_errors_hold_no_secrets_of_the_url_or_the_answer(post: Post) -> None:
    async with receiving(status(500, body="echo: topsecret")) as receiver:
        post.outbox.put(http(1, receiver.url + "?token=topsecret", headers={"authorization": "topsecret"}))
        post.outbox.put(http(2, "http://127.0.0.1:1/?token=topsecret"), http(3, "ftp://topsecret/"))
        await post.start()
        reports = await post.outbox.until_reported(3)
    for report in reports:
        assert report.reason
        assert "topsecret" not in str(report.reason) + str(report.delivery.attempts)


async def test_a_bug_in_one_delivery_is_an_attempt_that_failed(post: Post) -> None:
    async with receiving() as receiver:
        unreadable = change(http(1, receiver.url), job=msgspec.Raw(b'{"method":1}'))
        stranger = change(http(2, receiver.url), site=2)
        odd = change(http(3, receiver.url), kind="pigeon", job=msgspec.Raw(b"[]"))
        post.outbox.put(unreadable, stranger, odd, http(4, receiver.url))
        await post.start()
        reports = {report.delivery.effect: report for report in await post.outbox.until_reported(4)}
    for effect, name in (("effect-1", "ValidationError"), ("effect-2", "KeyError"), ("effect-3", "ValidationError")):
        assert (reports[effect].outcome, reports[effect].reason) == (None, f"internal error: {name}")
        assert len(reports[effect].delivery.attempts) == 1
    assert reports["effect-4"].outcome == "sent"


async def test_a_paused_workflows_deliveries_go_back_unsent(post: Post) -> None:
    async with receiving() as receiver:
        held = change(http(1, receiver.url), workflow=PAUSED)
        post.outbox.put(held, http(2, receiver.url))
        await post.start()
        (report,) = await post.outbox.until_reported()
        assert report.delivery.effect == "effect-2"
        assert post.outbox.claimed == {held.id}
        del post.outbox.waiting[held.id]  # the engine's hold reaches the store
        post.move_to(START + SECOND)
        await post.outbox.until(lambda: not post.outbox.claimed)
    assert [request.header("webhook-id") for request in receiver.requests] == ["effect-2"]


async def test_a_delivery_that_comes_due_is_sent_without_a_wake(live: Post) -> None:
    async with receiving() as receiver:
        live.outbox.put(change(http(1, receiver.url), due=live.now() + SECOND // 50, expires=live.now() + DAY))
        await live.start()
        (report,) = await live.outbox.until_reported()
    assert report.outcome == "sent"
    assert live.outbox.claims == 2


async def test_reports_that_come_together_are_written_together(post: Post) -> None:
    async with receiving() as receiver:
        post.outbox.put(*(http(number, receiver.url) for number in range(100)))
        await post.start()
        await post.outbox.until_reported(100)
    assert len(post.outbox.commits) < 50


async def test_one_host_in_trouble_leaves_the_others_alone(live: Post) -> None:
    never = asyncio.Event()

    async def silent(*_: object) -> None:
        await never.wait()

    def lasting(number: int, url: str, due: int) -> Delivery:
        return change(http(number, url), due=due, expires=live.now() + DAY)

    async with receiving(silent) as dead, receiving() as alive:
        # far more for the dead one than it is allowed, and all of it earlier
        live.outbox.put(*(lasting(number, dead.url, START) for number in range(2000)))
        live.outbox.put(*(lasting(number, alive.url, START + 1) for number in range(5000, 5200)))
        began = live.now()
        await live.start()
        await live.outbox.until(lambda: sum(report.outcome == "sent" for report in live.outbox.reports) == 200)
        assert 0 < len(dead.requests) <= 32
        put_off = [report for report in live.outbox.reports if report.outcome is None]
        assert len(put_off) > 1000
        assert all(report.delivery.attempts == () and report.retry_at is not None and report.retry_at > began for report in put_off)


async def test_redirects_and_half_answers(post: Post) -> None:
    half = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", close=True)
    async with receiving(status(302, "location: http://169.254.169.254/")) as redirecting, receiving(half) as halving:
        post.outbox.put(http(1, redirecting.url), http(2, halving.url))
        await post.start()
        reports = {report.delivery.effect: report for report in await post.outbox.until_reported(2)}
    assert (reports["effect-1"].outcome, reports["effect-1"].status) == ("failed", 302)
    assert (reports["effect-2"].outcome, reports["effect-2"].status) == (None, None)
    assert "middle of the answer" in str(reports["effect-2"].reason)
