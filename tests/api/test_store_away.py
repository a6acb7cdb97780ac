"""What is answered when the store does not answer, or cannot say what it did."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.requests import Request
from starlette.responses import Response

from clarion.api.access import Access
from clarion.api.context import guarded
from clarion.api.ingest import BatchRoute, EventsRoute
from clarion.api.protocol_direct import DirectRequest
from clarion.api.routes import health
from clarion.metrics.exposition import Metrics
from clarion.store.port import Store, StoreError, StoreUnavailable, Unresolved

UNKNOWN = b"is not known"


def asked(**shared: Any) -> Request:
    """A request to an app whose context has these."""
    app = SimpleNamespace(state=SimpleNamespace(context=SimpleNamespace(clock=lambda: 0, is_ready=lambda: True, **shared)))
    return Request({"type": "http", "method": "GET", "path": "/readyz", "headers": [], "query_string": b"", "app": app})


async def test_a_probe_is_answered_in_time_also_while_the_store_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.01)
    begun, broken_off = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            broken_off.set()

    async with asyncio.timeout(10):
        answer = await guarded(health.readyz)(asked(store=SimpleNamespace(probe=hang)))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert begun.is_set()
    assert broken_off.is_set()


async def test_a_resource_of_which_nobody_can_say_whether_it_was_kept_is_503_and_says_so() -> None:
    async def endpoint(_: Request) -> Response:
        raise Unresolved("gone")

    answer = await guarded(endpoint)(asked())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert UNKNOWN in bytes(answer.body)


class Asking:
    """A request with an event, and its answer."""

    api_key, content_type, idempotency_key = b"key", b"application/json", None

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.answer: tuple[int, bytes, tuple[tuple[bytes, bytes], ...]] | None = None

    def respond(self, status: int, body: bytes, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        self.answer = (status, body, headers)


@pytest.mark.parametrize("route", [EventsRoute, BatchRoute])
@pytest.mark.parametrize(
    ("error", "status", "says"),
    [(StoreUnavailable("away"), 503, False), (Unresolved("gone"), 503, True), (StoreError("broken"), 500, False)],
)
def test_an_event_of_which_nobody_can_say_whether_it_was_kept_is_503_and_says_so(
    route: type[EventsRoute | BatchRoute], error: StoreError, status: int, says: bool
) -> None:
    access = SimpleNamespace(identify=lambda *_: SimpleNamespace(site=1), meter=lambda *_: None)
    store = SimpleNamespace(partitions=1, append_nowait=lambda _, done: done(error))
    event = b'{"event_name": "x", "profile_id": "p"}'
    asking = Asking(event if route is EventsRoute else b'{"events": [' + event + b"]}")
    route(cast("Access", access), cast("Store", store), lambda: 1_800_000_000_000_000, Metrics()).handle(cast("DirectRequest", asking))
    assert asking.answer is not None
    got, body, headers = asking.answer
    assert (got, dict(headers).get(b"retry-after"), UNKNOWN in body) == (status, b"1" if status == 503 else None, says)
