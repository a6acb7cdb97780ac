"""`events/track`: the rules of the contract, and whose event it may be."""

from typing import Any

import pytest
from tests.api.sdk.world import HASH, NAMED, OTHER, SHOP, SUBSCRIPTION, World

from clarion.clock import SECOND
from clarion.store.port import StoreError, StoreUnavailable, Unresolved
from clarion.store.records.entries import EntryKind

NOBODY = "f" * 64


async def test_an_event_is_stored_as_it_was_sent_and_answered_as_the_sdks_expect(world: World) -> None:
    answer = await world.track("add_to_cart", data={"price": 12.5, "gift": True})
    assert (answer.status, answer.body) == (200, b'{"data":true}')
    [(kind, body)] = world.bodies
    assert (kind, body["name"], body["device_token_hash"], body["data"]) == (
        EntryKind.EVENT,
        "add_to_cart",
        HASH,
        {"price": 12.5, "gift": True},
    )
    assert "profile_id" not in body


async def test_the_ios_sdk_gets_an_answer_that_it_can_read(world: World) -> None:
    assert (await world.track("a", "X-Pe-Client: iOS")).json == {"error_code": 0, "data": {"success": True}}
    failed = await world.track("", "X-Pe-Client: iOS")
    assert failed.json["error"]["details"] == {"message": "event_name must not be empty", "path": "event_name"}
    assert (failed.json["error_code"], failed.json["error_message"]) == (1003, "Invalid data")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"event_name": None}, "event_name is required"),
        ({"event_name": "PushEngage.X"}, 'event_name must not start with "PushEngage."'),
        ({"event_name": "x" * 65}, "event_name must be at most 64 characters"),
        ({"device_token_hash": None}, "device_token_hash or profile_id is required"),
        ({"device_token_hash": None, "profile_id": "ann"}, "device_token_hash is required"),
        ({"data": {"a": None}}, "data values must be a string, number, boolean or ISO 8601 date"),
        ({"data": {"a": "x" * 4096}}, "data must be at most 4096 bytes"),
        ({"site_id": "one"}, "site_id must be a number"),
        ({"timestamp": "2099-01-01T00:00:00Z"}, "timestamp must be at most 5 minutes ahead"),
    ],
)
async def test_the_server_enforces_the_rules_that_the_sdks_do_not(world: World, fields: dict[str, Any], message: str) -> None:
    answer = await world.track(**{"name": "ok", "event_name": "ok", **fields})
    assert answer.status == 400
    assert message in [detail["message"] for detail in answer.json["error"]["details"]]
    assert not world.store.entries


async def test_sizes_on_both_sides(world: World) -> None:
    assert (await world.track("x" * 64)).status == 200
    assert (await world.ask("POST", "events/track", b" " * 65_537)).status == 413
    assert (await world.ask("POST", "events/track", b" " * 65_536)).status == 400
    assert (await world.track("a", "Content-Type: text/plain")).status == 400


async def test_an_unknown_hash_is_404_and_one_registered_just_now_is_none(world: World) -> None:
    assert (await world.track(device_token_hash=NOBODY)).status == 404
    added = await world.data("POST", "subscriber/add", {"site_id": 1, "subscription": SUBSCRIPTION})
    reads = world.store.reads
    assert (await world.track(device_token_hash=added["subscriber_hash"])).status == 200
    assert world.store.reads == reads, "memory knows it"


async def test_a_subscriber_is_read_once_in_a_while(world: World) -> None:
    for _ in range(3):
        assert (await world.track()).status == 200
    assert world.store.reads == 1
    world.time += 10 * SECOND + 1
    assert (await world.track()).status == 200
    assert world.store.reads == 2
    del world.store.subscribers[1, HASH]
    world.time += 10 * SECOND + 1
    assert (await world.track()).status == 404


async def test_a_profile_id_has_to_be_the_subscribers_own(world: World) -> None:
    assert (await world.track(device_token_hash=NAMED, profile_id="ann")).status == 200
    [(_, body)] = world.bodies
    assert (body["device_token_hash"], body["profile_id"]) == (NAMED, "ann")
    for hashed, profile_id in ((NAMED, "bob"), (HASH, "ann")):
        refused = await world.track(device_token_hash=hashed, profile_id=profile_id)
        assert (refused.status, refused.json["error_code"]) == (403, 403003)
    assert not world.store.entries


async def test_the_same_id_is_the_same_event_and_other_content_a_conflict(world: World) -> None:
    assert [(await world.track("a", event_id="1")).status for _ in range(2)] == [200, 200]
    assert len(world.store.entries) == 1
    assert (await world.track("b", event_id="1")).status == 409
    assert (await world.track("a", "Idempotency-Key: 2")).status == 200
    assert (await world.track("b", "Idempotency-Key: 2")).status == 409


async def test_the_site_is_named_by_number_app_id_or_header_or_found_by_the_hash(world: World) -> None:
    for fields, headers in (
        ({"site_id": 1}, ()),
        ({"site_id": "1"}, ()),
        ({"site_id": None, "app_id": SHOP}, ()),
        ({"site_id": None}, (f"X-Pe-App-Id: {SHOP}",)),
        ({"site_id": None}, ()),
    ):
        assert (await world.track("a", *headers, **fields)).status == 200
    assert {entry.site for entry in world.store.entries} == {1}
    assert (await world.track(site_id=9)).status == 404
    assert (await world.track(site_id=1, app_id=OTHER)).status == 400
    assert (await world.track("a", f"X-Pe-App-Id: {OTHER}")).status == 400
    assert (await world.track(site_id=None, device_token_hash=NOBODY)).status == 404
    world.store.add(2, HASH)
    assert (await world.track(site_id=None)).status == 400


@pytest.mark.parametrize(("error", "status"), [(StoreUnavailable("away"), 503), (Unresolved("gone"), 503), (StoreError("broken"), 500)])
async def test_nothing_is_acknowledged_that_is_not_stored(world: World, error: StoreError, status: int) -> None:
    assert (await world.track()).status == 200
    world.store.error = error
    for hashed in (HASH, NAMED):  # known, and to be read first
        answer = await world.track(device_token_hash=hashed)
        assert answer.status == status
        assert ("retry-after" in answer.headers) == (status == 503)
    assert len(world.store.entries) == 1


async def test_while_ingest_is_closed_or_the_configuration_stale_events_are_503(world: World) -> None:
    world.context.metrics.pressure.closed = ("max_lag",)
    closed = await world.track()
    assert (closed.status, closed.headers["retry-after"]) == (503, "10")
    assert await world.status("POST", "goals", {"site_id": 1, "device_token_hash": HASH, "name": "g"}) == 503
    assert await world.status("GET", f"subscriber/{HASH}?site_id=1") == 200
    world.context.metrics.pressure.closed = ()
    world.ready = False
    assert (await world.track()).status == 503
    assert await world.status("GET", f"subscriber/{HASH}?site_id=1") == 503


async def test_what_is_taken_and_refused_is_counted(world: World) -> None:
    await world.track()
    await world.track("")
    taking = world.context.metrics.taking
    assert (taking.from_sdks, taking.requests["sdk_events", 200], taking.requests["sdk_events", 400], taking.refused["invalid"]) == (
        1,
        1,
        1,
        1,
    )
