"""What application servers post, and what they are told (RFC 8030)."""

import pytest
from multidict import CIMultiDict
from tests.push_service.conftest import Clock
from tests.push_service.firefox_like import connected
from tests.push_service.journal import Refused
from tests.push_service.limits import MESSAGE_BYTES, STORED, TTL_SECONDS
from tests.push_service.sender_like import Sender, post
from tests.push_service.service import PushService
from tests.push_service.vapid import decode

from clarion.clock import SECOND


async def subscribed(service: PushService, sender: Sender) -> tuple[str, str]:
    """A browser that has subscribed and gone; returns its id and the endpoint."""
    async with connected(service) as (browser, id):
        _, endpoint = await browser.register(sender.public)
    return id, endpoint


async def waiting(service: PushService, id: str) -> list[bytes]:
    """What the browser gets when it is back, none of which it acknowledges."""
    async with connected(service, id) as (browser, _):
        bodies = []
        await browser.say("{}")
        while (frame := await browser.hear()) != {}:
            bodies.append(decode(frame["data"]))
    return bodies


async def test_a_message_is_created(service: PushService, sender: Sender) -> None:
    _, endpoint = await subscribed(service, sender)
    answer = await sender.push(endpoint, b"sealed", Urgency="very-low", Topic="cart")
    assert (answer.status, answer.headers["TTL"]) == (201, "60")
    [message] = service.journal.accepted
    assert (message.body, message.wishes.urgency, message.wishes.topic) == (b"sealed", "very-low", "cart")
    assert answer.headers["Location"] == f"{service.origin}/m/{message.version}"


@pytest.mark.parametrize(("ttl", "granted"), [("0", 0), ("00", 0), (str(TTL_SECONDS), TTL_SECONDS), (str(TTL_SECONDS + 1), TTL_SECONDS)])
async def test_the_time_to_live_that_is_granted_is_told(service: PushService, sender: Sender, ttl: str, granted: int) -> None:
    _, endpoint = await subscribed(service, sender)
    answer = await sender.push(endpoint, TTL=ttl)
    assert (answer.status, answer.headers["TTL"]) == (201, str(granted))


@pytest.mark.parametrize("ttl", [None, "", "-1", "1.5", "1h", "٣", "9" * 19])
async def test_a_message_without_time_to_live_is_refused(service: PushService, sender: Sender, ttl: str | None) -> None:
    _, endpoint = await subscribed(service, sender)
    answer = await sender.push(endpoint, TTL=ttl)
    assert answer.status == 400
    assert list(service.journal.refused) == [Refused(400, answer.text)]
    assert not service.journal.accepted


async def test_a_body_has_a_limit(service: PushService, sender: Sender) -> None:
    id, endpoint = await subscribed(service, sender)
    largest = bytes(MESSAGE_BYTES)
    assert (await sender.push(endpoint, largest)).status == 201
    assert (await sender.push(endpoint, largest + b"x")).status == 413
    assert (await sender.push(endpoint, largest * 64)).status == 413
    assert await waiting(service, id) == [largest]


@pytest.mark.parametrize("coding", [None, "aesgcm", "gzip", "aes128gcm, gzip"])
async def test_a_body_is_coded_in_the_one_way_that_browsers_read(service: PushService, sender: Sender, coding: str | None) -> None:
    _, endpoint = await subscribed(service, sender)
    assert (await sender.push(endpoint, Content_Encoding=coding)).status == 400
    assert (await sender.push(endpoint, b"", Content_Encoding=None)).status == 201


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("Urgency", "high", 201),
        ("Urgency", "HIGH", 400),
        ("Urgency", "low,high", 400),
        ("Topic", "a" * 32, 201),
        ("Topic", "a" * 33, 400),
        ("Topic", "", 400),
        ("Topic", "a b", 400),
        ("Topic", "a+b", 400),
    ],
)
async def test_urgency_and_topic_have_their_form(service: PushService, sender: Sender, name: str, value: str, status: int) -> None:
    _, endpoint = await subscribed(service, sender)
    assert (await sender.push(endpoint, b"sealed", **{name: value})).status == status


@pytest.mark.parametrize("name", ["TTL", "Urgency", "Topic", "Authorization", "Content-Encoding"])
async def test_a_header_is_there_once(service: PushService, sender: Sender, name: str) -> None:
    _, endpoint = await subscribed(service, sender)
    good = {
        "TTL": "60",
        "Urgency": "low",
        "Topic": "t",
        "Content-Encoding": "aes128gcm",
        "Authorization": sender.authorization(service.origin),
    }
    twice = CIMultiDict(good)
    assert (await post(endpoint, b"sealed", twice)).status == 201
    twice.add(name, good[name])
    assert (await post(endpoint, b"sealed", twice)).status == 400


async def test_nobody_lives_at_an_address_that_was_made_up(service: PushService, sender: Sender) -> None:
    _, endpoint = await subscribed(service, sender)
    assert (await sender.push(endpoint[:-1])).status == 404
    assert (await sender.push(f"{endpoint}/x")).status == 404
    assert (await sender.push(f"{service.origin}/wpush/v2/%00")).status == 404


async def test_a_subscription_that_has_expired_is_gone(service: PushService, sender: Sender) -> None:
    id, endpoint = await subscribed(service, sender)
    await sender.push(endpoint)
    service.expire(endpoint)
    assert (await sender.push(endpoint)).status == 410
    assert await waiting(service, id) == []


async def test_senders_are_slowed_down_on_demand(service: PushService, sender: Sender) -> None:
    _, endpoint = await subscribed(service, sender)
    service.throttle.next(2, retry_after=7)
    answers = [await sender.push(endpoint) for _ in range(3)]
    assert [answer.status for answer in answers] == [429, 429, 201]
    assert [answer.headers.get("Retry-After") for answer in answers] == ["7", "7", None]


async def test_what_a_browser_missed_comes_in_order(service: PushService, sender: Sender) -> None:
    id, endpoint = await subscribed(service, sender)
    for body in (b"one", b"two", b"three"):
        assert (await sender.push(endpoint, body)).status == 201
    assert await waiting(service, id) == [b"one", b"two", b"three"]


async def test_a_message_of_now_or_never_is_not_kept(service: PushService, sender: Sender) -> None:
    id, endpoint = await subscribed(service, sender)
    assert (await sender.push(endpoint, b"never", TTL="0")).status == 201
    assert await waiting(service, id) == []
    async with connected(service, id) as (browser, _):
        await sender.push(endpoint, b"now", TTL="0")
        assert (await browser.message())[1] == b"now"
    assert await waiting(service, id) == []


async def test_a_message_is_kept_as_long_as_it_lives(service: PushService, sender: Sender, clock: Clock) -> None:
    id, endpoint = await subscribed(service, sender)
    await sender.push(endpoint, b"short", TTL="60")
    await sender.push(endpoint, b"long", TTL="61")
    clock.now += 60 * SECOND - 1
    assert await waiting(service, id) == [b"short", b"long"]
    clock.now += 1
    assert [message.body for message in service.stored(endpoint)] == [b"long"]
    assert await waiting(service, id) == [b"long"]
    clock.now += SECOND
    assert await waiting(service, id) == []


async def test_the_newest_of_a_topic_takes_the_place_of_the_one_before(service: PushService, sender: Sender) -> None:
    id, endpoint = await subscribed(service, sender)
    _, other = await subscribed(service, sender)
    for body, topic in ((b"a1", "a"), (b"plain", None), (b"b1", "b"), (b"a2", "a"), (b"also plain", None)):
        assert (await sender.push(endpoint, body, Topic=topic)).status == 201
    await sender.push(other, b"not this browser's", Topic="a")
    assert await waiting(service, id) == [b"plain", b"b1", b"a2", b"also plain"]


async def test_so_many_messages_are_kept_and_no_more(service: PushService, sender: Sender, clock: Clock) -> None:
    id, endpoint = await subscribed(service, sender)
    for _ in range(STORED - 1):
        assert (await sender.push(endpoint)).status == 201
    assert (await sender.push(endpoint, b"last", Topic="t")).status == 201
    refused = await sender.push(endpoint)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "60")
    assert (await sender.push(endpoint, b"newer", Topic="t")).status == 201, "it takes another one's place"
    assert len(await waiting(service, id)) == STORED
    clock.now += 60 * SECOND
    assert (await sender.push(endpoint)).status == 201, "those have expired"
