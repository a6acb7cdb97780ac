"""What SDKs change about a subscriber and its profile."""

from typing import Any, Final

import msgspec

from clarion.contract.errors import Detail, invalid
from clarion.contract.flat import is_key, read_flat
from clarion.contract.limits import KEY_CHARACTERS
from clarion.contract.problems import Problems
from clarion.contract.sdk.limits import LONGEST_DURATION, MOST_NAMES, SEGMENT_CHARACTERS
from clarion.contract.sdk.reading import (
    Members,
    SiteName,
    read_facts,
    read_hash,
    read_list,
    read_object,
    read_profile_id,
    read_site,
    read_switch,
)
from clarion.contract.sdk.registration import Address, read_address, read_token
from clarion.contract.text import text_problem
from clarion.domain.records import FCM, Scalar

PERSONAL: Final = ("first_name", "last_name", "email", "phone", "gender", "dob", "zip")
"""Fields of the SDKs' `identify` that are attributes of the profile here; the others are facts of the subscriber, or `profile_id`."""


class Whom(msgspec.Struct, frozen=True):
    """The subscriber that a body is about."""

    site: SiteName
    device_token_hash: str


class Update(msgspec.Struct, frozen=True):
    """A body of `PUT subscriber/{hash}`: the SDKs' weekly update, or `identify`."""

    site: SiteName
    facts: dict[str, str]
    attributes: dict[str, Scalar]
    profile_id: str | None
    signature: str | None
    muted: bool | None
    """The device shows no notifications, or does again; None: nothing is said of it."""
    address: Address | None
    """Where pushes go from now on."""


def read_update(body: bytes) -> Update:
    """Raises Refusal (400) with every problem. Null counts as absent, other fields are ignored."""
    given = read_object(body)
    problems = Problems()
    site = read_site(problems, given)
    facts = read_facts(problems, given)
    personal = {name: given[name] for name in PERSONAL if given.get(name) is not None}
    attributes = Problems()
    read_flat(attributes, personal, "attributes", "attribute")
    for detail in attributes.details:  # they stand at the top of this body
        problems.add(detail.message, *detail.path[1:])
    profile_id, signature = read_profile_id(problems, given)
    muted = read_switch(problems, given, "notification_disabled")
    address = None if given.get("subscription") is None else read_address(problems, given)
    problems.refuse()
    return Update(site, facts, personal, profile_id, signature, muted, address)


def read_attributes(body: bytes) -> dict[str, Any]:
    """Attributes to add or to set: the whole body is the object. Raises Refusal (400) with every problem."""
    given = read_object(body)
    problems = Problems()
    read_flat(problems, given, "attributes", "attribute")
    if problems.details:
        raise invalid(*(Detail(detail.message, detail.path[1:]) for detail in problems.details))
    return dict(given)


def read_names(body: bytes) -> tuple[str, ...]:
    """Names of attributes, a JSON array. Raises Refusal (400) with every problem."""
    given = read_list(body)
    problems = Problems()
    if len(given) > MOST_NAMES:
        problems.add(f"There may be at most {MOST_NAMES} names")
        problems.refuse()
    for place, name in enumerate(given):
        problem = text_problem("name", name, KEY_CHARACTERS)
        if problem is None and not is_key(name):
            problem = "name is no attribute's"
        if problem is not None:
            problems.add(problem, str(place))
    problems.refuse()
    return tuple(dict.fromkeys(given))


class Identify(msgspec.Struct, frozen=True):
    """A body of `subscriber/profile-id/add`."""

    whom: Whom
    profile_id: str
    signature: str | None


def read_identify(body: bytes) -> Identify:
    """Raises Refusal (400) with every problem."""
    given = read_object(body)
    problems = Problems()
    whom = _whom(problems, given)
    if given.get("profile_id") is None:
        problems.add("profile_id is required", "profile_id")
    profile_id, signature = read_profile_id(problems, given)
    problems.refuse()
    return Identify(whom, profile_id or "", signature)


def read_whom(body: bytes) -> Whom:
    """A body that says nothing but whom it is about. Raises Refusal (400)."""
    given = read_object(body)
    problems = Problems()
    whom = _whom(problems, given)
    problems.refuse()
    return whom


def read_status(body: bytes, name: str) -> tuple[Whom, bool]:
    """A body with a switch of this name, which is 0 or 1. Raises Refusal (400)."""
    given = read_object(body)
    problems = Problems()
    whom = _whom(problems, given)
    if given.get(name) is None:
        problems.add(f"{name} is required", name)
    value = read_switch(problems, given, name)
    problems.refuse()
    return whom, bool(value)


def read_timezone(body: bytes) -> tuple[Whom, dict[str, str]]:
    """A body of `subscriber/timezone/add`. Raises Refusal (400)."""
    given = read_object(body)
    problems = Problems()
    whom = _whom(problems, given)
    facts = read_facts(problems, {"timezone": given.get("timezone")})
    problems.refuse()
    return whom, facts


def read_upgrade(body: bytes) -> tuple[Whom, Address]:
    """A body of `subscriber/upgrade`: pushes to the subscriber go elsewhere from now on. Raises Refusal (400).

    The Android SDK leaves `device_type` out.
    """
    given = dict(read_object(body))
    problems = Problems()
    whom = _whom(problems, given)
    value = given.get("subscription")
    if given.get("device_type") is None and isinstance(value, dict) and value.get("keys") is None:
        given["device_type"] = "android"
    address = read_address(problems, given)
    problems.refuse()
    return whom, address


class Segments(msgspec.Struct, frozen=True):
    """A body of `subscriber/segments/…` or `subscriber/dynamicSegments/…`."""

    site: SiteName
    device_token_hash: str | None
    token: Address | None
    """The device, by which older Android SDKs name the subscriber; None where the hash is there."""
    names: tuple[str, ...]


def read_segments(body: bytes) -> Segments:
    """The names under `segment`. Raises Refusal (400) with every problem."""
    return _segments(body, "segment")


def read_segments_with_durations(body: bytes) -> Segments:
    """The names under `segments`, each with a duration in days. Raises Refusal (400) with every problem."""
    return _segments(body, "segments")


def _segments(body: bytes, field: str) -> Segments:
    given = read_object(body)
    problems = Problems()
    site = read_site(problems, given)
    hashed, token = given.get("device_token_hash"), None
    if hashed is None and given.get("device_token") is not None:
        token = Address(FCM, read_token(problems, FCM, given.get("device_token"), "device_token"))
    else:
        hashed = read_hash(problems, given)
    names = _names(problems, field, given.get(field))
    problems.refuse()
    return Segments(site, hashed, token, tuple(dict.fromkeys(names)))


def _names(problems: Problems, field: str, value: object) -> list[str]:
    if value is None:
        problems.add(f"{field} is required", field)
        return []
    if not isinstance(value, list) or not 0 < len(value) <= MOST_NAMES:
        problems.add(f"{field} must be an array of 1 to {MOST_NAMES}", field)
        return []
    names = []
    for place, item in enumerate(value):
        name, path = item, [field, str(place)]
        if field == "segments":
            if not isinstance(item, dict):
                problems.add("a segment must be an object", *path)
                continue
            name = item.get("name")
            _check_duration(problems, item.get("duration"), *path, "duration")
            path.append("name")
        problem = text_problem("segment", name, SEGMENT_CHARACTERS)
        if problem is None:
            names.append(str(name))
        else:
            problems.add(problem, *path)
    return names


def _check_duration(problems: Problems, value: object, *path: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LONGEST_DURATION:
        problems.add(f"duration must be a whole number of days up to {LONGEST_DURATION}", *path)


def _whom(problems: Problems, given: Members) -> Whom:
    return Whom(read_site(problems, given), read_hash(problems, given))
