"""API keys that another process makes and revokes while the server runs, and what each scope opens."""

import time
from typing import Any

import pytest
from tests.e2e.server import Api, Server, eventually, unique

NOT_ALLOWED = b'{"error":{"message":"This API key is not allowed to do that.","code":403000}}'
UNKNOWN = b'{"error":{"message":"Invalid API key. The provided API key was not found or is incorrect.","code":401000}}'

DOCUMENT = {"workflow": "scoped", "start": {"on": [{"event": "never-sent"}]}, "steps": []}
REQUESTS: dict[tuple[str, str], tuple[str, object]] = {
    ("POST", "/events"): ("events", {"event_name": "x", "profile_id": "p"}),
    ("POST", "/events/batch"): ("events", {"events": [{"event_name": "x", "profile_id": "p"}]}),
    ("POST", "/subscribers"): ("events", {}),
    ("GET", "/log"): ("read", None),
    ("GET", "/profiles/nobody"): ("read", None),
    ("GET", "/subscribers/nobody"): ("read", None),
    ("GET", "/workflows"): ("read", None),
    ("GET", "/workflows/nothing"): ("read", None),
    ("POST", "/workflows/validate"): ("read", DOCUMENT),
    ("PUT", "/workflows/scoped"): ("write", DOCUMENT),
    ("POST", "/workflows/nothing/pause"): ("write", None),
    ("POST", "/workflows/nothing/resume"): ("write", None),
    ("POST", "/workflows/plan"): ("read", DOCUMENT),
    ("POST", "/workflows/nothing/drain"): ("write", None),
    ("POST", "/workflows/nothing/activate"): ("write", None),
    ("POST", "/workflows/nothing/archive"): ("write", None),
    ("GET", "/workflows/nothing/draft"): ("read", None),
    ("PUT", "/workflows/scoped/draft"): ("write", DOCUMENT),
    ("DELETE", "/workflows/nothing/draft"): ("write", None),
    ("POST", "/workflows/nothing/publish"): ("write", {}),
    ("POST", "/workflows/nothing/duplicate"): ("write", {"workflow": "other"}),
    ("GET", "/workflows/nothing/counters"): ("read", None),
    ("GET", "/runs"): ("read", None),
    ("GET", "/runs/nothing"): ("read", None),
    ("POST", "/runs/nothing/stop"): ("write", {}),
    ("POST", "/runs/nothing/retry"): ("write", {}),
    ("POST", "/runs/nothing/move"): ("write", {}),
    ("GET", "/poisoned"): ("read", None),
    ("POST", "/poisoned/nothing/retry"): ("write", {}),
    ("DELETE", "/poisoned/nothing"): ("write", None),
    ("POST", "/deliveries/nothing/receipts"): ("events", {"event": "viewed"}),
    ("GET", "/site"): ("read", None),
    ("PATCH", "/site"): ("admin", {}),
    ("GET", "/secrets"): ("admin", None),
    ("PUT", "/secrets/SCOPED"): ("admin", {"value": "x"}),
    ("DELETE", "/secrets/NOTHING"): ("admin", None),
}


async def make(server: Server, scopes: str) -> Any:
    return await server.run("keys", "create", "--name", unique("key"), "--scopes", scopes)


async def works(key: Api) -> bool:
    return (await key.track("x")).status == 200


async def test_a_key_works_and_stops_working_within_a_second(server: Server) -> None:
    made = await make(server, "events")
    began = time.monotonic()
    async with server.api(made["key"]) as key:
        await eventually(lambda: works(key), bool)
        assert time.monotonic() - began < 1

        await server.run("keys", "revoke", made["key_id"])
        began = time.monotonic()
        await eventually(lambda: works(key), lambda it_does: not it_does)
        assert time.monotonic() - began < 1
        answer = await key.track("x")
        assert (answer.status, answer.body) == (401, UNKNOWN)


@pytest.mark.parametrize("scope", ["events", "read", "write", "admin"])
async def test_a_scope_opens_its_own_routes_only(server: Server, scope: str) -> None:
    made = await make(server, scope)
    async with server.api(made["key"]) as key:
        await eventually(lambda: key.ask("GET", "/log"), lambda answer: answer.status != 401)
        for (method, path), (needed, body) in REQUESTS.items():
            answer = await key.ask(method, path, body)
            if scope in {needed, "admin"}:
                assert answer.status in {200, 400, 404}, (method, path)
            else:
                assert (answer.status, answer.body) == (403, NOT_ALLOWED), (method, path)


async def test_the_key_is_judged_before_anything_else(server: Server) -> None:
    async with server.api("clk_nobody") as key:
        for (method, path), (_, body) in REQUESTS.items():
            answer = await key.ask(method, path, body, content_type="text/plain")
            assert (answer.status, answer.body) == (401, UNKNOWN), (method, path)
