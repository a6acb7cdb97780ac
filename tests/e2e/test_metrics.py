"""`/metrics`: counts agree with what was sent, nothing that a client chose becomes a label, and not everybody may read."""

import asyncio
import re
from pathlib import Path

from tests.delivery.receiver import Received, receiving, status
from tests.e2e.conftest import Start
from tests.e2e.engines import living_in, partitions
from tests.e2e.exposition import samples, scrape, value, values
from tests.e2e.server import Server, eventually, unique
from tests.e2e.shop import device
from tests.server.client import request

from clarion import __version__


async def test_events_and_requests_are_counted_by_what_became_of_them(start: Start) -> None:
    server = start()
    async with server.api() as api, server.api("nobody's") as stranger, server.connect() as client:
        for _ in range(3):
            await api.accept("x")
        for _ in range(3):
            await api.accept("x", event_id="same")
        assert (await api.track("y", event_id="same")).status == 409
        assert (await api.track("")).status == 400
        async with server.api() as large:  # its connection ends with that
            assert (await large.ask("POST", "/events", b"{" + b" " * 70_000 + b"}")).status == 413
        assert (await stranger.track("x")).status == 401
        weak = (await server.run("keys", "create", "--name", "reader", "--scopes", "read"))["key"]
        async with server.api(weak) as reader:
            assert (await eventually(lambda: reader.track("x"), lambda answer: answer.status != 401)).status == 403
        events = [{"event_name": "x", "profile_id": "p"}] * 4 + [{"event_name": "", "profile_id": "p"}]
        events += [{"event_name": "x", "profile_id": "p", "event_id": "same"}, {"event_name": "z", "profile_id": "p", "event_id": "same"}]
        assert (await api.ask("POST", "/events/batch", {"events": events})).json["data"]["accepted"] == 5
        assert (await api.ask("POST", "/events/batch", {"events": []})).status == 400
        assert (await api.ask("GET", "/profiles/nobody")).status == 404
        assert (await api.ask("GET", "/no-such-thing")).status == 404
        assert (await api.ask("DELETE", "/log")).status == 405
        assert (await api.ask("GET", "/events")).status == 405
        await api.place()
        await client.send(b"NONSENSE\r\n\r\n")
        assert (await client.response()).status == 400
        seen = await samples(server)
    assert values(seen, "clarion_events_accepted_total") == {("stored",): 3 + 1 + 4 + 1, ("duplicate",): 2 + 1}
    refused = values(seen, "clarion_events_refused_total")
    unknown = refused.pop(("key",))
    assert unknown >= 1  # a new key is known everywhere within a second: until then it is nobody's
    assert refused == {("conflict",): 2, ("invalid",): 3, ("scope",): 1, ("too_large",): 1}
    requests = values(seen, "clarion_http_requests_total")
    assert {key: count for key, count in requests.items() if key[0].startswith("ingest")} == {
        ("ingest", "200"): 7,
        ("ingest", "400"): 1,
        ("ingest", "401"): unknown,
        ("ingest", "403"): 1,
        ("ingest", "409"): 1,
        ("ingest", "413"): 1,
        ("ingest_batch", "200"): 1,
        ("ingest_batch", "400"): 1,
    }
    assert (requests["profiles", "404"], requests["log", "405"], requests["none", "404"]) == (1, 1, 1)
    assert (requests["none", "405"], requests["none", "400"]) == (1, 1)
    assert {group for group, _ in requests} <= {"ingest", "ingest_batch", "profiles", "log", "none"}
    assert value(seen, "clarion_ingest_entries_total") == 9 + 3 + 2  # duplicates and conflicts are judged in the commit, too
    commits = value(seen, "clarion_ingest_commit_seconds_count")
    assert commits is not None
    assert 1 <= commits <= 14
    assert value(seen, "clarion_ingest_commit_seconds_bucket", le="+Inf") == commits


async def test_engine_and_deliveries_are_counted(start: Start, engine: str) -> None:
    server = start()
    event, person = unique("go"), unique("ann")
    answers = iter([503, 200])
    async with receiving(status(200)) as shop, device(status(410)) as phone:
        push = {"title": "Hi", "message": "there", "url": "https://shop.example/"}
        steps = [{"id": "tell", "http": {"url": shop.url, "body": {}}}, {"id": "hi", "push": push}]
        await server.apply({"workflow": "w", "start": {"on": [{"event": event}]}, "steps": steps})

        async def answer(received: Received, writer: asyncio.StreamWriter) -> None:
            await status(next(answers))(received, writer)

        shop.answer = answer
        async with server.api() as api:
            await phone.register(api, profile_id=person)
            await api.accept(event, profile_id=person)
            # what waits is known as of a second ago
            waiting = await eventually(lambda: samples(server), lambda seen: value(seen, "clarion_outbox_deliveries") == 1)
            assert values(waiting, "clarion_partition_outbox_deliveries") == {(str(living_in(engine, person)),): 1}
            waiting = await eventually(lambda: samples(server), lambda seen: value(seen, "clarion_inbox_entries") == 0)
            assert values(waiting, "clarion_partition_inbox_entries") == {}

            def is_over(row: dict[str, object]) -> bool:
                return row["status"] in {"sent", "gone"}

            await api.profile_when(person, lambda seen: len(seen["deliveries"]) == 2 and all(map(is_over, seen["deliveries"])))
        waits = ("clarion_outbox_deliveries", "clarion_inbox_entries", "clarion_deliveries_taken_on")
        seen = await eventually(lambda: samples(server), lambda seen: not any(value(seen, name) for name in waits))
    assert values(seen, "clarion_deliveries_ended_total") == {("http", "sent"): 1, ("push", "gone"): 1}
    assert values(seen, "clarion_delivery_retries_total") == {("http",): 1}
    assert (value(seen, "clarion_deliveries_under_way"), value(seen, "clarion_deliveries_taken_on")) == (0, 0)
    assert (value(seen, "clarion_inbox_entries"), value(seen, "clarion_lag_seconds")) == (0, 0)
    inputs, batches = value(seen, "clarion_engine_inputs_total"), value(seen, "clarion_engine_batch_seconds_count")
    assert inputs is not None
    assert batches is not None
    assert inputs >= 5  # the publish, the registration, the event, two outcomes
    assert 1 <= batches <= inputs
    assert value(seen, "clarion_partitions_owned") == partitions(engine)


async def test_the_process_is_described(start: Start, engine: str) -> None:
    server = start()
    seen = await eventually(lambda: samples(server), lambda seen: not value(seen, "clarion_inbox_entries"))
    [(build, one)] = [(dict(labels), number) for (name, labels), number in seen.items() if name == "clarion_build_info"]
    assert (build["version"], one) == (__version__, 1)
    assert 10_000_000 < (value(seen, "process_resident_memory_bytes") or 0) < 1_000_000_000
    assert (value(seen, "process_cpu_seconds_total") or 0) > 0
    assert 0 < (value(seen, "clarion_uptime_seconds") or 0) < 60
    assert (value(seen, "clarion_store_available"), value(seen, "clarion_ingest_open")) == (1, 1)
    # the others are at 0; the disk of a database server is not ours to look at
    assert set(values(seen, "clarion_limit_used_ratio")) == ({("min_free_disk",)} if engine == "sqlite" else set())
    assert value(seen, "clarion_limit_used_ratio", limit="max_lag") == 0
    assert value(seen, "clarion_http_connections") == 1


async def test_who_comes_through_a_proxy_needs_a_key_of_scope_admin(server: Server) -> None:
    weak = (await server.run("keys", "create", "--name", "all but admin", "--scopes", "events,read,write"))["key"]
    for header in ("X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1", "X-Real-IP: 192.0.2.1", "Via: 1.1 proxy"):
        assert (await scrape(server, header)).status == 401
        assert (await eventually(lambda: scrape(server, header, f"Api-Key: {weak}"), lambda answer: answer.status != 401)).status == 403  # noqa: B023  # awaited here
        assert (await scrape(server, header, f"Api-Key: {server.key}")).status == 200
    assert (await scrape(server)).status == 200


async def test_a_setting_opens_it_to_everybody(start: Start) -> None:
    server = start(metrics_public="true")
    assert (await scrape(server, "X-Forwarded-For: 192.0.2.1")).status == 200
    async with server.connect() as client:
        answer = await client.ask(request("POST", "/metrics"))
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
        assert answer.headers["content-type"] == "application/json"
    assert (await scrape(server)).headers["content-type"].startswith("text/plain; version=")


async def test_every_metric_has_its_line_in_the_docs(server: Server) -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "watch-a-server.md").read_text(encoding="utf-8")
    told = (await scrape(server)).body.decode()
    names = {line.split()[2] for line in told.splitlines() if line.startswith("# TYPE clarion_")}
    assert len(names) > 20
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []
    assert [name for name in set(re.findall(r"`(clarion_\w+)`", page)) if name not in names] == []


async def test_many_may_ask_at_once(server: Server) -> None:
    before = values(await samples(server), "clarion_http_requests_total").get(("metrics", "200"), 0)
    seen = await asyncio.gather(*(samples(server) for _ in range(20)))
    counts = sorted(values(one, "clarion_http_requests_total").get(("metrics", "200"), 0) for one in seen)
    assert counts == [before + 1 + number for number in range(20)]
