"""The SDK refuses what the contract refuses, in the contract's words: every golden case that a page can utter."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.sdk.shop import Visit

pytestmark = pytest.mark.asyncio(loop_scope="session")

GOLDEN = Path(__file__).parents[1] / "contract"
BESIDE = ("device_token_hash", "event_id", "timestamp", "Idempotency-Key")
"""Fields that pages do not name: the SDK puts them in."""


def utterable(case: dict[str, Any]) -> Any:
    """What a page would give trackEvent; None where it cannot."""
    try:
        body = json.loads(case["body"])
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or case["status"] not in {200, 400}:
        return None
    if any(word in case["body"] for word in ("NaN", "Infinity", "1e999", "\\ud800", "\\udc00", "99999999999999999999")):
        return None
    details = case["response"].get("error", {}).get("details", [])
    if any((detail["path"][:1] and detail["path"][0] in BESIDE) or "Content-Type" in detail["message"] for detail in details):
        return None
    if any("Request body" in detail["message"] for detail in details):
        return None
    return body


def cases() -> list[tuple[str, Any, Any]]:
    lines = [line for name in ("track-event.jsonl", "more-cases.jsonl") for line in (GOLDEN / name).read_text("utf-8").splitlines()]
    found = []
    for case in map(json.loads, lines):
        body = utterable(case)
        if body is not None:
            told = [detail for detail in case["response"].get("error", {}).get("details", []) if "is required" not in detail["message"]]
            missing = [detail for detail in case["response"].get("error", {}).get("details", []) if detail["path"] == ["event_name"]]
            found.append((case["name"], body, missing[:1] + [detail for detail in told if detail["path"] != ["event_name"]]))
    return found


async def test_golden_cases(visit: Visit) -> None:
    wanted = cases()
    assert len(wanted) > 60
    assert sum(1 for _, _, details in wanted if details) > 30
    for name, body, details in wanted:
        answer = await visit.call("trackEvent", body)
        said = [] if answer is None else answer["rejected"]["details"]
        assert said == details, name


async def test_what_json_cannot_say(visit: Visit) -> None:
    refused = "data values must be a string, number, boolean or ISO 8601 date"
    said = await visit.page.evaluate(
        """async () => {
            const said = [];
            for (const value of [NaN, Infinity, 1n, () => 1, Symbol('s'), new Date(NaN), undefined, new Date(0), '\\ud800']) {
                said.push(await PushEngage.trackEvent('x', {k: value}).then(() => 'taken', ({details}) => details[0].message));
            }
            const circle = {};
            circle.circle = circle;
            said.push(await PushEngage.trackEvent('x', circle).then(() => 'taken', ({details}) => details[0].message));
            return said;
        }"""
    )
    assert said == [*[refused] * 6, "taken", "taken", "Request body must be valid JSON", refused]
    assert [row["data"] for row in await visit.waiting()] == [{}, {"k": "1970-01-01T00:00:00.000Z"}]


async def test_a_name_alone_and_nothing_at_all(visit: Visit) -> None:
    assert await visit.call("trackEvent", "x") is None
    assert await visit.call("trackEvent", {"event_name": "y", "data": None, "profile_id": None}) is None
    required = {"message": "Invalid data", "details": [{"message": "event_name is required", "path": ["event_name"]}]}
    assert await visit.call("trackEvent") == {"rejected": required}
    assert [(row["event_name"], row["data"], row["profile_id"]) for row in await visit.waiting()] == [("x", {}, None), ("y", {}, None)]
