"""What SDKs report in forms of their own, and what becomes an event: goals, triggers, alerts."""

from typing import Any, Final

import msgspec

from clarion.contract.flat import EMPTY, encode_flat, read_flat
from clarion.contract.limits import EVENT_NAME_CHARACTERS, IDENTITY_CHARACTERS, RESERVED_PREFIX
from clarion.contract.problems import Problems
from clarion.contract.sdk.reading import Members, SiteName, read_hash, read_object, read_site
from clarion.contract.text import read_text, text_problem
from clarion.contract.track_event import TrackEvent

ALERT: Final = "alert"
"""Name of the event that an alert becomes; its data says of what type."""

_NAMED: Final = frozenset({"site_id", "app_id", "device_token_hash", "event_name", "timezone", "profile_id", "data"})
"""Members of a trigger that are no data of its event."""
_ALERT_NAMED: Final = frozenset({"site_id", "app_id", "device_token_hash", "profile_id"})


class Happening(msgspec.Struct, frozen=True):
    """An event in another form."""

    site: SiteName
    device_token_hash: str
    event: TrackEvent


def read_goal(body: bytes) -> Happening:
    """`name` with `count` and `value`, numbers: an event of that name with these as data. Raises Refusal (400) with every problem."""
    given = read_object(body)
    return _happening(given, "name", {name: given.get(name) for name in ("count", "value")}, numbers=("count", "value"))


def read_trigger(body: bytes) -> Happening:
    """A trigger: the event `event_name`, whose data has `campaign_name`, `ref_id` where there is one, and what stands in `data` or beside.

    The mobile SDKs put it all under `Data`, beside a `PartitionKey`. Raises Refusal (400) with every problem.
    """
    given = read_object(body)
    inner = given.get("Data")
    if isinstance(inner, dict):
        given = inner
    nested = {} if given.get("data") is None else given["data"]
    beside = {name: value for name, value in given.items() if name not in _NAMED}
    return _happening(given, "event_name", {**nested, **beside} if isinstance(nested, dict) else nested, text="campaign_name")


def read_alert(body: bytes) -> Happening:
    """An alert: an event called `alert` whose data has all that it says. Raises Refusal (400) with every problem."""
    given = read_object(body)
    data = {name: value for name, value in given.items() if name not in _ALERT_NAMED}
    return _happening(given, None, data, text="type")


def _happening(given: Members, field: str | None, data: object, *, text: str | None = None, numbers: tuple[str, ...] = ()) -> Happening:
    """The event named by a field, or an alert; `text` names a member of the data that has to be there, `numbers` those that are numbers."""
    problems = Problems()
    site = read_site(problems, given)
    name = ALERT if field is None else _name(problems, field, given.get(field))
    hashed = read_hash(problems, given)
    profile_id = read_text(problems, given.get("profile_id"), IDENTITY_CHARACTERS, "profile_id")
    encoded = EMPTY
    if isinstance(data, dict):
        present = {key: value for key, value in data.items() if value is not None}
        if text is not None:
            _check_text(problems, text, present.get(text))
        for number in numbers:
            if number in present and (isinstance(present[number], bool | str)):
                problems.add(f"{number} must be a number", number)
        encoded = read_flat(problems, present, "data", "data") if present else EMPTY
    else:
        problems.add("data must be an object", "data")
    problems.refuse()
    return Happening(site, hashed, TrackEvent(name, hashed, profile_id, encoded, None, None))


def _name(problems: Problems, field: str, value: object) -> str:
    problem = f"{field} is required"
    if value is not None:
        problem = text_problem(field, value, EVENT_NAME_CHARACTERS, reserved=RESERVED_PREFIX) or ""
    if problem:
        problems.add(problem, field)
    return str(value)


def _check_text(problems: Problems, name: str, value: object) -> None:
    if value is None:
        problems.add(f"{name} is required", name)
    else:
        read_text(problems, value, IDENTITY_CHARACTERS, name)


def describe(value: Any) -> str:
    """What an SDK logs, as compact JSON: on one line, whatever is in it."""
    return encode_flat(value).decode()
