"""What browsers say, and what they are told."""

from uuid import uuid4

import pytest
from aiohttp import ClientSession
from tests.push_service.firefox_like import Frame, connected, connecting
from tests.push_service.journal import Acknowledged
from tests.push_service.limits import BROWSERS, CHANNELS, FRAME_BYTES
from tests.push_service.sender_like import Sender
from tests.push_service.service import PushService

POLICY = 1008
TOO_BIG = 1009
GOING_AWAY = 1001


async def test_a_browser_keeps_its_id_if_it_is_known(service: PushService) -> None:
    async with connected(service) as (browser, first):
        assert browser.protocol == "push-notification"
    async with connected(service, first) as (_, again):
        assert again == first
    async with connected(service, "made-up") as (_, other):
        assert other not in {first, "made-up"}
    async with connected(service, "") as (_, empty):
        assert empty not in {first, other, ""}
    assert list(service.journal.hellos) == [first, first, other, empty]


async def test_a_subscription_has_an_endpoint_of_its_own(service: PushService, sender: Sender) -> None:
    async with connected(service) as (browser, id):
        channel, endpoint = await browser.register(sender.public)
        _, other = await browser.register()
    assert endpoint.startswith(f"{service.origin}/wpush/v2/")
    assert len(endpoint.rpartition("/")[2]) >= 43, "32 random bytes"
    assert other != endpoint
    async with connected(service, id) as (browser, _):
        assert await browser.register(sender.public, channel) == (channel, endpoint)
    assert list(service.journal.registered) == [endpoint, other, endpoint]


@pytest.mark.parametrize("key", ["", "AAAA", "B" + "A" * 86, "not base64url!", 7, ["x"]])
async def test_a_key_that_is_none_is_refused(service: PushService, key: object) -> None:
    async with connected(service) as (browser, _):
        channel = str(uuid4())
        refused = await browser.ask({"messageType": "register", "channelID": channel, "key": key})
        assert refused == {"messageType": "register", "channelID": channel, "status": 400}
        await browser.register()
    assert len(service.journal.registered) == 1


async def test_a_channel_keeps_its_key(service: PushService, sender: Sender) -> None:
    async with connected(service) as (browser, _):
        channel, endpoint = await browser.register(sender.public)
        for other in ({}, {"key": Sender(sender.now).public}):
            refused = await browser.ask({"messageType": "register", "channelID": channel, **other})
            assert refused == {"messageType": "register", "channelID": channel, "status": 409}
        assert await browser.register(sender.public, channel) == (channel, endpoint)


async def test_a_message_goes_to_its_browser_until_it_is_acknowledged(service: PushService, sender: Sender) -> None:
    async with connected(service) as (browser, id):
        channel, endpoint = await browser.register(sender.public)
        await browser.register(sender.public)
        answer = await sender.push(endpoint, b"\x00\xffsealed")
        frame, body = await browser.message()
        assert frame.pop("data")
        version = frame.pop("version")
        assert frame == {"messageType": "notification", "channelID": channel, "ttl": 60, "headers": {"encoding": "aes128gcm"}}
        assert body == b"\x00\xffsealed"
        assert answer.headers["Location"] == f"{service.origin}/m/{version}"
    # the connection ended before it was acknowledged
    async with connected(service, id) as (browser, _):
        again, body = await browser.message()
        assert (again["version"], body) == (version, b"\x00\xffsealed")
        await browser.acknowledge(again)
    assert list(service.journal.acknowledged) == [Acknowledged(version, 100)]
    async with connected(service, id) as (browser, _):
        assert await browser.ask({"messageType": "ping"}) == {}, "nothing waits"


async def test_a_message_may_be_empty(service: PushService, sender: Sender) -> None:
    async with connected(service) as (browser, _):
        _, endpoint = await browser.register(sender.public)
        assert (await sender.push(endpoint, b"", Content_Encoding=None)).status == 201
        frame, _ = await browser.message()
        assert not {"data", "headers"} & frame.keys()


async def test_what_a_browser_could_not_do_with_a_message_is_noted(service: PushService, sender: Sender) -> None:
    async with connected(service) as (browser, _):
        _, endpoint = await browser.register(sender.public)
        await sender.push(endpoint)
        frame, _ = await browser.message()
        await browser.say({"messageType": "nack", "version": frame["version"], "code": 301})
        assert len(service.stored(endpoint)) == 1
        await browser.acknowledge(frame, 101)
        assert service.stored(endpoint) == []
    assert list(service.journal.acknowledged) == [Acknowledged(frame["version"], 301), Acknowledged(frame["version"], 101)]


async def test_a_browser_cannot_acknowledge_what_is_another_ones(service: PushService, sender: Sender) -> None:
    async with connected(service) as (browser, _), connected(service) as (other, _):
        _, endpoint = await browser.register(sender.public)
        await other.register(sender.public)
        await sender.push(endpoint)
        frame, _ = await browser.message()
        await other.acknowledge(frame)
        assert len(service.stored(endpoint)) == 1
        await browser.acknowledge(frame)
        assert service.stored(endpoint) == []


async def test_an_unsubscribed_channel_is_over(service: PushService, sender: Sender) -> None:
    async with connected(service) as (browser, _):
        channel, endpoint = await browser.register(sender.public)
        for _ in range(2):
            answer = await browser.ask({"messageType": "unregister", "channelID": channel, "code": 200})
            assert answer == {"messageType": "unregister", "channelID": channel, "status": 200}
        assert (await sender.push(endpoint)).status == 410
        _, again = await browser.register(sender.public, channel)
        assert again != endpoint
        assert (await sender.push(again)).status == 201
    assert list(service.journal.unregistered) == [endpoint]


async def test_a_browser_that_connects_again_gets_its_messages_there(service: PushService, sender: Sender) -> None:
    async with connected(service) as (_, id), connected(service, id) as (later, _):
        _, endpoint = await later.register(sender.public)
        await sender.push(endpoint, b"one")
        assert (await later.message())[1] == b"one"
    async with connected(service, id) as (latest, _):
        assert (await latest.message())[1] == b"one"


async def test_pings_and_broadcasts_do_no_harm(service: PushService) -> None:
    async with connected(service) as (browser, _):
        assert await browser.ask("{}") == {}
        await browser.say({"messageType": "broadcast_subscribe", "broadcasts": {"remote-settings/monitor_changes": "v1"}})
        assert await browser.ask({"messageType": "ping"}) == {}


@pytest.mark.parametrize(
    "first",
    [
        "",
        "{",
        "[]",
        "[" * 10_000,
        b"{}",
        {},
        {"messageType": "register", "channelID": "5b1f7d0a-0000-4000-8000-000000000000"},
        {"messageType": "hello"},
        {"messageType": "hello", "use_webpush": True, "uaid": 7},
    ],
)
async def test_who_does_not_say_hello_is_disconnected(service: PushService, first: Frame | str | bytes) -> None:
    async with connecting(service) as browser:
        await browser.say(first)
        assert await browser.ended() == POLICY
    assert not service.journal.hellos


@pytest.mark.parametrize(
    "frame",
    [
        {"messageType": "hello", "use_webpush": True},
        {"messageType": "purge"},
        {"messageType": ["register"]},
        {"messageType": "register"},
        {"messageType": "register", "channelID": "no-uuid"},
        {"messageType": "unregister", "channelID": None},
        {"messageType": "ack"},
        {"messageType": "ack", "updates": [7]},
        {"messageType": "ack", "updates": [{"channelID": "5b1f7d0a-0000-4000-8000-000000000000"}]},
        {"messageType": "nack", "version": "v", "code": "301"},
        "nonsense",
        b"{}",
    ],
)
async def test_who_talks_nonsense_is_disconnected(service: PushService, frame: Frame | str | bytes) -> None:
    async with connected(service) as (browser, _):
        await browser.say(frame)
        assert await browser.ended() == POLICY


async def test_a_frame_has_a_limit(service: PushService) -> None:
    async with connected(service) as (browser, _):
        ping = '{"messageType": "ping"}'
        assert await browser.ask(ping.ljust(FRAME_BYTES)) == {}
        await browser.say(ping.ljust(FRAME_BYTES + 1))
        assert await browser.ended() == TOO_BIG


async def test_a_browser_has_so_many_subscriptions_and_no_more(service: PushService) -> None:
    async with connected(service) as (browser, _):
        channels = [(await browser.register())[0] for _ in range(CHANNELS)]
        one_more: Frame = {"messageType": "register", "channelID": str(uuid4())}
        assert (await browser.ask(one_more))["status"] == 500
        await browser.ask({"messageType": "unregister", "channelID": channels[0]})
        assert (await browser.ask(one_more))["status"] == 200


async def test_so_many_browsers_are_known_and_no_more(service: PushService) -> None:
    ids = []
    for _ in range(BROWSERS):
        async with connected(service) as (_, id):
            ids.append(id)
    async with connecting(service) as browser:
        await browser.say({"messageType": "hello", "use_webpush": True})
        assert await browser.ended() == POLICY
    async with connected(service, ids[0]) as (_, again):
        assert again == ids[0]


async def test_nobody_is_connected_while_the_service_is_cut_off(service: PushService, sender: Sender) -> None:
    async with connected(service) as (browser, id):
        _, endpoint = await browser.register(sender.public)
        async with service.cut_off():
            assert await browser.ended() == GOING_AWAY
            async with ClientSession() as session, session.get(service.origin) as answer:
                assert answer.status == 503
            assert (await sender.push(endpoint)).status == 201
    async with connected(service, id) as (browser, _):
        await browser.message()
