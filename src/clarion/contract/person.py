"""Reading what is to become of a person: attributes, segments, whom a subscriber belongs to."""

from collections.abc import Mapping
from typing import Any

import msgspec

from clarion.contract.facts import read_facts
from clarion.contract.flat import is_key, read_flat
from clarion.contract.limits import ATTRIBUTES_AT_ONCE, FACTS, IDENTITY_CHARACTERS, KEY_CHARACTERS
from clarion.contract.problems import Problems
from clarion.contract.segment_names import read_segments
from clarion.contract.text import text_problem
from clarion.domain.records import Scalar


class SegmentsRequest(msgspec.Struct, frozen=True):
    """Segments that a profile gets into, and those that it gets out of."""

    add: tuple[str, ...]
    remove: tuple[str, ...]


class ProfileRow(msgspec.Struct, frozen=True):
    """A profile as an import brings it."""

    profile_id: str
    attributes: dict[str, Scalar]
    segments: tuple[str, ...]


def read_attributes(value: object) -> dict[str, Scalar]:
    """Attributes, with the rules of an event's `data`, at least one. Raises Refusal (400) with every problem."""
    problems = Problems()
    read_flat(problems, value, "attributes", "attribute")
    if value is None:
        problems.add("attributes is required", "attributes")
    elif value == {}:
        problems.add("attributes must not be empty", "attributes")
    problems.refuse()
    return dict(value) if isinstance(value, dict) else {}


def read_all_attributes(value: object) -> dict[str, Scalar]:
    """Attributes that take the place of all there are; none is none. Raises Refusal (400) with every problem."""
    return {} if value == {} else read_attributes(value)


def read_attribute_names(value: object) -> tuple[str, ...]:
    """Names of attributes, 1 to `ATTRIBUTES_AT_ONCE`, each once. Raises Refusal (400) with every problem."""
    problems = Problems()
    if not isinstance(value, list) or not 1 <= len(value) <= ATTRIBUTES_AT_ONCE:
        problems.add(f"attributes must be an array of 1 to {ATTRIBUTES_AT_ONCE} names", "attributes")
        problems.refuse()
        return ()
    for index, name in enumerate(value):
        if not isinstance(name, str) or len(name) > KEY_CHARACTERS or not is_key(name):
            problems.add("that is no name of an attribute", "attributes", str(index))
    problems.refuse()
    return tuple(dict.fromkeys(value))


def read_segments_change(given: Mapping[str, Any]) -> SegmentsRequest:
    """`add` and `remove`, of which one has to say something; one that is in both is removed. Raises Refusal (400) with every problem."""
    problems = Problems()
    add, remove = (read_segments(problems, given.get(name), name) for name in ("add", "remove"))
    problems.refuse()
    if not add and not remove:
        problems.add("add or remove is required")
        problems.refuse()
    return SegmentsRequest(tuple(name for name in add if name not in remove), remove)


def read_facts_change(given: Mapping[str, Any]) -> dict[str, str]:
    """New facts of a subscriber, at least one. Raises Refusal (400) with every problem."""
    problems = Problems()
    facts = read_facts(problems, given)
    if not problems.details and not facts:
        problems.add(f"at least one of {', '.join(FACTS)} is required")
    problems.refuse()
    return facts


def read_identity(given: Mapping[str, Any], name: str) -> str:
    """A `profile_id` or `device_token_hash` that has to be there. Raises Refusal (400)."""
    problems = Problems()
    value = given.get(name)
    problem = f"{name} is required" if value is None else text_problem(name, value, IDENTITY_CHARACTERS)
    if problem is not None:
        problems.add(problem, name)
    problems.refuse()
    return str(value)


def read_profile_row(value: Mapping[str, Any]) -> ProfileRow:
    """A profile as an import brings it: `profile_id`, and `attributes` and `segments` that are added. Raises Refusal (400)."""
    problems = Problems()
    found = value.get("profile_id")
    problem = "profile_id is required" if found is None else text_problem("profile_id", found, IDENTITY_CHARACTERS)
    if problem is not None:
        problems.add(problem, "profile_id")
    read_flat(problems, value.get("attributes"), "attributes", "attribute")
    segments = read_segments(problems, value.get("segments"), "segments")
    problems.refuse()
    return ProfileRow(str(found), value.get("attributes") or {}, segments)
