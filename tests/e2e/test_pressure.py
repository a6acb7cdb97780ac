"""Back-pressure of a real server: past a limit what is new is answered 503, everything else goes on, and nothing is lost."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from tests.e2e.conftest import Start
from tests.e2e.engines import living_in, without_commits
from tests.e2e.exposition import samples, value, values
from tests.e2e.server import Server, eventually, unique
from tests.e2e.shop import device
from tests.server.client import Response, request

from clarion.clock import HOUR
from clarion.config import load_settings
from clarion.contract.track_event import read_event
from clarion.fresh_ids import fresh_id
from clarion.intake import entry_from
from clarion.stores import open_store

ROOM = {"sqlite": ("min_free_disk", "1048576TiB"), "postgres": ("max_database_size", "1MiB")}
"""A limit that is reached from the beginning. The disk of a database server is not ours to look at."""
BEHIND = "What was accepted before has to be worked off first."
FULL = "The server is short of room to store it."
FILLED = 50


@asynccontextmanager
async def held_up(server: Server, engine: str, event: str, age: int) -> AsyncIterator[None]:
    """Put events into the inbox from another process, as if they had been received a while ago; during the block none is applied."""
    store = open_store(load_settings(server.data, server.environment))
    await store.open()
    received = store.now() - age
    body = b'{"event_name":"%b","profile_id":"p"}' % event.encode()
    entries = [entry_from(read_event(body, now=received), 1, received, fresh_id(), store.partitions) for _ in range(FILLED)]
    async with AsyncExitStack() as stack:
        if engine == "postgres":
            await stack.enter_async_context(without_commits(server))
        await store.append(entries)
        if engine == "sqlite":  # nor could these be committed
            await stack.enter_async_context(without_commits(server))
        waiting = len(await store.waiting_events(1, 1_000))
        await store.close()
        assert waiting == FILLED, "the engine was faster than the test"
        yield


async def is_open(server: Server) -> bool:
    return value(await samples(server), "clarion_ingest_open") == 1


def check_closed(answer: Response, why: str) -> None:
    assert answer.status == 503, answer
    assert answer.headers["retry-after"] == "10"
    message = "Service temporarily unavailable. Please retry."
    assert answer.json == {"error": {"message": message, "code": 1053, "details": [{"message": why, "path": []}]}}


async def test_events_are_refused_while_the_engine_is_behind_and_taken_when_it_has_caught_up(start: Start, engine: str) -> None:
    server = start(max_lag="1s")
    before, during, after = unique("before"), unique("during"), unique("after")
    async with server.api() as api:
        place = await api.place()
        await api.accept(before)
        async with held_up(server, engine, before, HOUR):
            await eventually(lambda: is_open(server), lambda opened: not opened)
            check_closed(await api.track(during), BEHIND)
            check_closed(await api.ask("POST", "/events/batch", {"events": [{"event_name": during, "profile_id": "p"}]}), BEHIND)
            seen = await samples(server)
            assert (await api.ask("GET", "/log")).status == 200
        assert value(seen, "clarion_inbox_entries") == FILLED
        assert values(seen, "clarion_partition_inbox_entries") == {(str(living_in(engine, "p")),): FILLED}
        assert HOUR / 1e6 < (value(seen, "clarion_lag_seconds") or 0) < HOUR / 1e6 + 60
        assert (value(seen, "clarion_limit_used_ratio", limit="max_lag") or 0) > 3600
        answered = await eventually(lambda: api.track(after), lambda answer: answer.status == 200)
        assert answered.body == b'{"error_code":0,"data":{}}'
        names = [one["event_name"] for one in await api.events_since(place)]
        assert (names.count(before), names.count(during), names.count(after)) == (1 + FILLED, 0, 1)
        now = await samples(server)
    refused = values(now, "clarion_events_refused_total")[("closed",)]
    assert refused >= 2
    assert values(now, "clarion_http_requests_total")["ingest_batch", "503"] == 1
    assert values(now, "clarion_http_requests_total")["ingest", "503"] == refused - 1
    told = server.log()
    assert told.count("events are answered 503 until this is over") == told.count("events are taken again") == 1


async def test_only_what_is_new_is_refused(start: Start, engine: str) -> None:
    server = start(**dict([ROOM[engine]]))
    async with server.api() as api, device() as phone:
        for answer in (
            await api.track("x"),
            await api.ask("POST", "/events/batch", b'{"event_name":"x","profile_id":"p"}\n', content_type="application/x-ndjson"),
            await api.ask("POST", "/subscribers", {"subscription": {"endpoint": phone.endpoint, "keys": {}}}),
            await api.ask("POST", "/deliveries/d/receipts", {"event": "clicked"}),
        ):
            check_closed(answer, FULL)
        # a wrong key and a wrong content type are said first, as always
        async with server.api("nobody's") as stranger:
            assert (await stranger.track("x")).status == 401
        assert (await api.ask("POST", "/events", b"x", content_type="text/plain")).status == 400
        document = {"workflow": "w", "start": {"on": [{"event": "e"}]}, "steps": [{"id": "pause", "wait": {"for": "1h"}}]}
        assert (await api.ask("PUT", "/workflows/w", document)).status == 200
        assert (await api.ask("PUT", "/secrets/s", {"value": "v"})).status == 200
        assert (await api.ask("PATCH", "/site", {"name": "shop"})).status == 200
        assert (await api.ask("GET", "/runs")).status == 200
    async with server.connect() as client:
        for path in ("/healthz", "/readyz"):
            assert (await client.ask(request("GET", path))).status == 200


async def test_what_the_engine_makes_itself_is_never_refused(start: Start, engine: str) -> None:
    server = start()
    event, own = unique("go"), unique("own")
    steps = [{"id": "pause", "wait": {"for": "2s"}}, {"id": "tell", "send_event": {"event": own}}]
    await server.apply({"workflow": "w", "start": {"on": [{"event": event}]}, "steps": steps})
    async with server.api() as api:
        await api.accept(event, profile_id="p")
        await api.profile_when("p", lambda seen: [run["status"] for run in seen["runs"]] == ["waiting"])
    server.stop()
    (server.data / "clarion.toml").write_text("{} = '{}'".format(*ROOM[engine]))
    server.start()
    async with server.api() as api:
        began = time.monotonic()
        check_closed(await api.track("x"), FULL)

        async def names() -> list[str]:
            return [one["event_name"] for one in (await api.get("/log?limit=10"))["events"]]

        assert own in await eventually(names, lambda seen: own in seen)
        assert time.monotonic() - began < 15
        check_closed(await api.track("x"), FULL)
