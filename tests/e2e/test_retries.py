"""A message that did not get through is sent again, under the same id: after an error, and after a crash."""

import asyncio
import time

from tests.delivery.receiver import raw, receiving, silence, status
from tests.e2e.conftest import Start
from tests.e2e.engines import forget_nodes
from tests.e2e.server import unique
from tests.e2e.shop import check_signature, device


async def test_the_id_stays_the_same_over_a_crash_an_error_and_a_success(start: Start) -> None:
    server = start()
    site = await server.run("sites", "show")
    event, person = unique("go"), unique("ann")
    never = asyncio.Event()
    async with receiving(silence(never)) as shop:
        step = {"id": "tell", "http": {"url": shop.url, "body": {"n": "{{ n }}"}}}
        await server.apply({"workflow": "w", "start": {"on": [{"event": event}]}, "steps": [step]})
        async with server.api() as api:
            await api.accept(event, profile_id=person, data={"n": 1})
        # the request is on its way and has no answer yet
        await shop.wait_for(1)
        server.kill()
        await forget_nodes(server)
        shop.answer = status(500)
        server.start()
        await shop.wait_for(2)
        failed = time.monotonic()
        shop.answer = status(200)
        await shop.wait_for(3)
        # first retry: half of 5 s at least
        assert time.monotonic() - failed >= 2.4
        async with server.api() as api:
            profile = await api.profile_when(person, lambda seen: [row["status"] for row in seen["deliveries"]] == ["sent"])
        [delivery] = profile["deliveries"]
        # the attempt that the crash cut off was never reported
        assert [attempt.get("status") for attempt in delivery["attempts"]] == [500, 200]
        assert {request.header("webhook-id") for request in shop.requests} == {delivery["delivery_id"]}
        assert [check_signature(site["webhook_secret"], request) for request in shop.requests] == [{"n": 1}] * 3
        assert len(profile["runs"]) == 1


async def test_a_push_that_was_cut_off_comes_again_with_its_id(start: Start) -> None:
    server = start()
    event, person = unique("go"), unique("bob")
    async with device(silence(asyncio.Event())) as phone:
        push = {"title": "Hi", "message": "there", "url": "https://shop.example/"}
        await server.apply({"workflow": "w", "start": {"on": [{"event": event}]}, "steps": [{"id": "hi", "push": push}]})
        async with server.api() as api:
            await phone.register(api, profile_id=person)
            await api.accept(event, profile_id=person)
        await phone.service.wait_for(1)
        server.kill()
        await forget_nodes(server)
        phone.service.answer = raw(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n")
        server.start()
        await phone.service.wait_for(2)
        first, second = phone.received
        # the same message to the browser, whose service worker shows it once: encrypted anew, so not the same bytes
        assert phone.read(first) == phone.read(second)
        assert first.body != second.body
        assert first.header("topic") == second.header("topic") == phone.read(first)["id"]
