"""`http` with `await: true`: the run goes on with what the receiver answered, also after a crash."""

import asyncio
import json

import pytest
from tests.delivery.receiver import raw, receiving, silence, status
from tests.e2e.conftest import Start
from tests.e2e.engines import forget_nodes
from tests.e2e.server import Api, Server, unique


async def test_later_steps_use_the_answer(server: Server, api: Api) -> None:
    event, person = unique("go"), unique("ann")
    async with receiving(status(201, body='{"order": "A/7", "total": 9.5, "paid": true, "lines": [1]}')) as orders, receiving() as shop:
        steps = [
            {"id": "order", "http": {"url": orders.url, "await": True}},
            {
                "id": "choose",
                "decide": {
                    "cases": [
                        {
                            "when": {"all": [{"field": "order.response.total", "op": "gt", "value": 9}]},
                            "steps": [
                                {
                                    "id": "tell",
                                    "http": {
                                        "url": f"{shop.url}/{{{{ order.response.order }}}}",
                                        "body": ["{{ order.status }}", "{{ order.response.paid }}", "{{ order.response.lines || none }}"],
                                    },
                                }
                            ],
                        }
                    ]
                },
            },
        ]
        await server.apply({"workflow": unique("w"), "start": {"on": [{"event": event}]}, "steps": steps})
        await api.accept(event, profile_id=person)
        await asyncio.wait_for(shop.wait_for(1), 15)
    [request] = shop.requests
    assert request.path == "/hook/A%2F7"
    assert json.loads(request.body) == [201, True, "none"]


@pytest.mark.parametrize(
    ("on_error", "ended", "reason"),
    [
        ("continue", "completed", None),
        ("exit", "exited", "http failed"),
        ("fail", "failed", "step call: the request failed with status 422"),
    ],
)
async def test_a_refusal_is_dealt_with_as_the_step_says(server: Server, api: Api, on_error: str, ended: str, reason: str | None) -> None:
    event, person = unique("go"), unique("ann")
    async with receiving(status(422, body='{"why": "no stock"}')) as shop:
        step = {"id": "call", "http": {"url": shop.url, "await": True, "on_error": on_error}}
        await server.apply({"workflow": unique("w"), "start": {"on": [{"event": event}]}, "steps": [step]})
        await api.accept(event, profile_id=person)
        profile = await api.profile_when(person, lambda seen: [run["status"] for run in seen["runs"]] not in ([], ["waiting"]))
    [run] = profile["runs"]
    assert (run["status"], run["reason"]) == (ended, reason)


async def test_an_answer_is_waited_for_over_a_crash(start: Start) -> None:
    server = start()
    event, person = unique("go"), unique("ann")
    async with receiving(silence(asyncio.Event())) as orders, receiving() as shop:
        steps = [
            {"id": "order", "http": {"url": orders.url, "await": True}},
            {"id": "tell", "http": {"url": shop.url, "body": {"id": "{{ order.response.id }}"}}},
        ]
        await server.apply({"workflow": "w", "start": {"on": [{"event": event}]}, "steps": steps})
        async with server.api() as api:
            await api.accept(event, profile_id=person)
        await asyncio.wait_for(orders.wait_for(1), 15)
        server.kill()
        await forget_nodes(server)
        orders.answer = raw(b'HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{"id":7}')
        server.start()
        await asyncio.wait_for(shop.wait_for(1), 15)
    assert json.loads(shop.requests[0].body) == {"id": 7}
    assert len({request.header("webhook-id") for request in orders.requests}) == 1
