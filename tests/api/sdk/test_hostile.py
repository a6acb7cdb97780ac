"""Whatever is sent, there is an answer, it is JSON, and markup in it stays text."""

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.sdk.world import HASH, World

from clarion.domain.records import Profile

MARKUP = "<img src=x onerror=alert(1)>\"'</script>"
PATHS = [
    "events/track",
    "goals",
    "trigger",
    "alerts",
    "logs",
    "subscriber/add",
    "subscriber/upgrade",
    "subscriber/logout",
    "subscriber/profile-id/add",
    "subscriber/segments/add",
    "subscriber/dynamicSegments/add",
    "subscriber/timezone/add",
    "updatesubscriberstatus",
    "updatetriggerstatus",
    "notification/click",
    f"subscriber/{HASH}",
    f"subscriber/{HASH}/attributes",
    f"subscriber/{HASH}/fields",
]
FIELDS = [
    "site_id", "app_id", "device_token_hash", "event_name", "profile_id", "data", "Data", "name", "count", "value", "segment", "segments",
    "subscription", "device_type", "token", "action", "signature", "timezone", "IsUnSubscribed", "triggerStatus", "attributes", "previous",
    "campaign_name", "type", "notification_disabled", "endpoint", "keys", "duration",
]  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from([HASH, "1", "android", "ios"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), inner, max_size=5),
    max_leaves=12,
)


async def test_markup_in_names_and_fields_stays_text(world: World) -> None:
    world.store.profiles[1, f"a:{HASH}"] = Profile(f"a:{HASH}", {"name": MARKUP}, (MARKUP,))
    world.store.add(1, HASH, facts={"device": MARKUP})
    answer = await world.ask("GET", f"subscriber/{HASH}?site_id=1")
    assert (answer.headers["content-type"], answer.headers["x-content-type-options"]) == ("application/json", "nosniff")
    data = answer.json["data"]
    assert (data["device"], data["segments"], data["attributes"]) == (MARKUP, [MARKUP], {"name": MARKUP})
    for name, body in (("events/track", {"event_name": "a", "data": {MARKUP: 1}}), ("goals", {"name": "PushEngage." + MARKUP})):
        refused = await world.ask("POST", name, {"site_id": 1, "device_token_hash": HASH, **body})
        assert (refused.status, refused.headers["content-type"]) == (400, "application/json")
    assert await world.status("POST", "events/track", {"site_id": 1, "device_token_hash": HASH, "event_name": MARKUP}) == 200


async def test_a_header_cannot_be_broken_out_of(world: World) -> None:
    answer = await world.ask("GET", f"subscriber/{HASH}?site_id=1", None, "Origin: https://a.example\tx")
    assert answer.headers["access-control-allow-origin"] == "https://a.example\tx"
    assert answer.status == 200


async def bombard(method: str, path: str, body: bytes) -> None:
    world = World()
    await world.start()
    try:
        answer = await world.ask(method, path, body)
        assert answer.status in {200, 201, 400, 403, 404, 405, 413}, (answer, body)
        assert isinstance(answer.json, dict)
    finally:
        await world.stop()


@given(st.sampled_from(["POST", "PUT", "DELETE"]), st.sampled_from(PATHS), VALUES)
@settings(max_examples=150)
def test_any_json_gets_an_answer(method: str, path: str, value: Any) -> None:
    asyncio.run(bombard(method, path, json.dumps(value).encode()))


@given(st.sampled_from(PATHS), st.binary(max_size=60))
@settings(max_examples=60)
def test_any_bytes_get_an_answer(path: str, body: bytes) -> None:
    asyncio.run(bombard("POST", path, body))
