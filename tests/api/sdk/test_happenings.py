"""Goals, triggers and alerts become events; logs are only written."""

from typing import Any

import pytest
import structlog
from tests.api.sdk.world import HASH, NAMED, World

WHOM = {"site_id": 1, "device_token_hash": HASH}


def said(world: World) -> Any:
    """Name and data of the only event."""
    [(kind, body)] = world.bodies
    assert kind == "event"
    return body["name"], body["data"]


@pytest.mark.parametrize(
    ("fields", "data"),
    [
        ({"count": 1, "value": 10.5}, {"count": 1, "value": 10.5}),
        ({"count": None, "value": None}, {}),
        ({}, {}),
        ({"value": 3, "other": "x"}, {"value": 3}),
    ],
)
async def test_a_goal_is_an_event_of_its_name(world: World, fields: dict[str, object], data: dict[str, object]) -> None:
    assert (await world.ask("POST", "goals?swv=1.0.0&bv=34", {**WHOM, "name": "revenue", **fields})).json == {"error_code": 0, "data": {}}
    assert said(world) == ("revenue", data)
    assert world.context.metrics.taking.from_sdks == 1


TRIGGER = {**WHOM, "campaign_name": "cart", "event_name": "add", "timezone": "+02:00", "ref_id": "r1", "profile_id": None}


@pytest.mark.parametrize("path", ["trigger", "trigger/"])
async def test_a_trigger_of_a_mobile_sdk_is_an_event_with_its_campaign(world: World, path: str) -> None:
    answer = await world.ask("PUT", path, {"PartitionKey": HASH, "Data": {**TRIGGER, "data": {"size": "XL"}}})
    assert answer.json == {"SequenceNumber": f"{1:032x}", "ShardId": "shardId-000000000000"}
    assert said(world) == ("add", {"size": "XL", "campaign_name": "cart", "ref_id": "r1"})


async def test_a_trigger_of_a_browser_has_its_data_beside(world: World) -> None:
    assert await world.status("PUT", "trigger", {**TRIGGER, "data": None, "size": "XL", "price": 2}) == 200
    assert said(world) == ("add", {"campaign_name": "cart", "ref_id": "r1", "size": "XL", "price": 2})


async def test_an_alert_is_an_event_that_says_all_of_it(world: World) -> None:
    alert = {"type": "price_drop", "product_id": "p", "link": "https://shop.example/p", "price": 9.5, "mrp": 12, "size": "XL"}
    assert (await world.ask("POST", "alerts?swv=1.0.0&bv=34", {**WHOM, **alert})).json == {"error_code": 0, "data": {}}
    assert said(world) == ("alert", alert)


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "goals", {}, ["name"]),
        ("POST", "goals", {"name": "PushEngage.X"}, ["name"]),
        ("POST", "goals", {"name": "g", "count": "1"}, ["count"]),
        ("POST", "goals", {"name": "g", "value": True}, ["value"]),
        ("POST", "goals", {"name": "x" * 65}, ["name"]),
        ("PUT", "trigger", {"event_name": "a"}, ["campaign_name"]),
        ("PUT", "trigger", {"campaign_name": "c"}, ["event_name"]),
        ("PUT", "trigger", {"campaign_name": "c", "event_name": "a", "data": []}, ["data"]),
        ("PUT", "trigger", {"campaign_name": "c", "event_name": "a", "data": {"x": {}}}, ["data", "x"]),
        ("PUT", "trigger", {"campaign_name": "c", "event_name": "a", "data": {"x": "y" * 4096}}, ["data"]),
        ("POST", "alerts", {"product_id": "p"}, ["type"]),
        ("POST", "alerts", {"type": "x", "a b": 1}, ["data", "a b"]),
    ],
)
async def test_what_is_no_event_is_refused(world: World, method: str, path: str, body: dict[str, object], field: list[str]) -> None:
    refused = await world.ask(method, path, {**WHOM, **body})
    assert refused.status == 400
    assert field in [detail["path"] for detail in refused.json["error"]["details"]]
    assert not world.store.entries


async def test_whose_events_they_may_be(world: World) -> None:
    goal = {"site_id": 1, "name": "g"}
    assert await world.status("POST", "goals", {**goal, "device_token_hash": "nobody"}) == 404
    assert await world.status("POST", "goals", goal) == 400
    assert await world.status("PUT", "trigger", {**TRIGGER, "profile_id": "ann"}) == 403
    assert await world.status("PUT", "trigger", {**TRIGGER, "device_token_hash": NAMED, "profile_id": "ann"}) == 200


async def test_logs_are_written_short_and_on_one_line_and_kept_nowhere(world: World) -> None:
    report = {"app": "android-sdk", "name": "viewCountTrackingFailed", "data": {"tag": None, "error": "a\nb\x1b[31m" + "x" * 3000}}
    with structlog.testing.capture_logs() as lines:
        assert await world.status("POST", "logs", report) == 201
    [line] = [line for line in lines if "report" in line]
    assert line["log_level"] == "debug"
    assert len(line["report"]) == 2_000
    assert not {"\n", "\x1b"} & set(line["report"])
    assert not world.store.entries
    assert await world.status("POST", "logs", b"[]") == 400
    assert await world.status("POST", "logs", b"{" + b" " * 65_536) == 413
