"""Events that are told in other words: goals, and triggers of campaigns. What they become keeps the rules of Track Event."""

from collections.abc import Mapping
from typing import Any, Final

from clarion.contract.errors import Detail, Refusal, invalid, not_json
from clarion.contract.limits import FLAT_BYTES
from clarion.contract.reading import NotJson, read_json
from clarion.contract.track_event import TrackEvent, read_event_value

CAMPAIGN: Final = "campaign_name"
"""Key of the data of a trigger's event: what workflows can filter on."""
_WHOM: Final = ("device_token_hash", "profile_id", "event_id", "timestamp")


def read_goal(body: bytes, *, now: int, idempotency_key: str | None = None) -> TrackEvent:
    """The event that a goal is: called `name`, with `count` and `value`, numbers, as its data. Raises Refusal (400)."""
    given = _object(body)
    numbers = {name: given[name] for name in ("count", "value") if given.get(name) is not None}
    wrong = [Detail(f"{name} must be a number", (name,)) for name, one in numbers.items() if isinstance(one, bool | str | dict | list)]
    event = {name: given.get(name) for name in _WHOM} | {"event_name": given.get("name"), "data": {} if wrong else numbers}
    try:
        read = read_event_value(event, now=now, idempotency_key=idempotency_key)
    except Refusal as refusal:
        raise invalid(*(_renamed(detail) for detail in refusal.details), *wrong) from None
    if wrong:
        raise invalid(*wrong)
    return read


def read_trigger(body: bytes, *, now: int, idempotency_key: str | None = None) -> TrackEvent:
    """The event that a campaign's trigger is: `event_name` with `data`, in which `campaign_name` stands too. Raises Refusal (400)."""
    given = _object(body)
    campaign, data = given.get(CAMPAIGN), given.get("data")
    wrong = []
    if not isinstance(campaign, str) or not campaign or campaign.isspace() or "\0" in campaign or len(campaign) > FLAT_BYTES:
        said = "is required" if campaign is None else "must be a text that is not blank"
        wrong.append(Detail(f"{CAMPAIGN} {said}", (CAMPAIGN,)))
    elif data is None or isinstance(data, dict):
        data = {**(data or {}), CAMPAIGN: campaign}
    event = {name: given.get(name) for name in _WHOM} | {"event_name": given.get("event_name"), "data": data}
    try:
        read = read_event_value(event, now=now, idempotency_key=idempotency_key)
    except Refusal as refusal:
        raise invalid(*wrong, *refusal.details) from None
    if wrong:
        raise invalid(*wrong)
    return read


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value = read_json(body)
    except NotJson:
        raise not_json() from None
    if not isinstance(value, dict):
        raise invalid(Detail("Request body must be a JSON object"))
    return value


def _renamed(detail: Detail) -> Detail:
    """A problem of the event in the words of the goal."""
    if detail.path[:1] == ("event_name",):
        return Detail(detail.message.replace("event_name", "name", 1), ("name", *detail.path[1:]))
    if detail.path[:1] == ("data",) and len(detail.path) > 1:
        return Detail(f"{detail.path[1]} must be a finite number", detail.path[1:])
    return detail
