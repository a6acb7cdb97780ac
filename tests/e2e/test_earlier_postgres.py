"""A server on each PostgreSQL version before the newest: from an event to a push and a request, over a restart."""

from pathlib import Path
from typing import Any

import pytest
from tests.delivery.receiver import receiving
from tests.e2e.engines import database
from tests.e2e.server import serving, unique
from tests.e2e.shop import device
from tests.postgres import EARLIER

PUSH = {"title": "Hi", "message": "there", "url": "https://shop.example/"}


def is_told(profile: Any) -> bool:
    """Whether both deliveries are sent, and the push is counted at the subscriber."""
    return [row["status"] for row in profile["deliveries"]] == ["sent", "sent"] and "sent_count" in profile["subscribers"][0]["facts"]


@pytest.mark.parametrize("version", EARLIER)
async def test_an_event_becomes_a_push_and_a_request(version: str, tmp_path: Path) -> None:
    event, person = unique("go"), unique("ann")
    async with receiving() as shop, device() as phone:
        steps = [
            {"id": "pause", "wait": {"for": "1s"}},
            {"id": "hi", "push": PUSH},
            {"id": "tell", "http": {"url": shop.url, "body": {"n": "{{ n }}"}}},
        ]
        with database("postgres", None, version=version) as where, serving(tmp_path / "data", **where) as server:
            await server.apply({"workflow": "w", "start": {"on": [{"event": event}]}, "steps": steps})
            async with server.api() as api:
                hashed = await phone.register(api, profile_id=person)
                await api.accept(event, device_token_hash=hashed, data={"n": 1})
                await api.profile_when(person, lambda seen: [run["status"] for run in seen["runs"]] == ["waiting"])
            server.stop()
            server.start()
            async with server.api() as api:
                profile = await api.profile_when(person, is_told)
            assert (len(phone.received), [request.body for request in shop.requests]) == (1, [b'{"n":1}'])
            assert await server.run("profiles", "show", person) == profile
            assert event in [one["event_name"] for one in await server.run("events", "tail")]
            assert {one["status"] for one in await server.run("doctor")} <= {"ok", "warning"}
