"""What a change of a profile's attributes and segments comes to, within the limits that the steps `update` and `segment` have."""

from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from clarion.domain.records import Profile, Scalar
from clarion.store.records.bodies import ProfileChange
from clarion.workflow.steps.segment import LONGEST_NAME, MOST_SEGMENTS
from clarion.workflow.steps.update import LARGEST_PROFILE

LARGEST_FACTS: Final = 16_384
"""Bytes of what a subscriber says of itself, as JSON."""


class Made(msgspec.Struct, frozen=True):
    """What has become of a profile."""

    profile: Profile
    set: dict[str, Scalar] = {}
    """Attributes that are other than before."""
    removed: tuple[str, ...] = ()
    """Names of attributes that are gone."""
    entered: tuple[str, ...] = ()
    """Segments, in the order in which they were named; also of `left`."""
    left: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What was not done, and why."""


def made(profile: Profile, change: ProfileChange, dynamic: Collection[str] = ()) -> Made:
    """The change of a profile; all of it or, past a limit, nothing.

    What is to be set and removed, or entered and left, goes. Segments that are `dynamic` are left alone, for their conditions say who is
    in them.
    """
    named = tuple(dict.fromkeys((*change.enter, *change.leave)))
    ignored = tuple(name for name in named if name in dynamic)
    before = profile.attributes
    set_ = {name: value for name, value in change.set.items() if name not in change.remove and not is_same(before.get(name), value)}
    removed = tuple(name for name in before if name in change.remove or (change.replace and name not in change.set))
    attributes = {name: value for name, value in {**before, **set_}.items() if name not in removed}
    left = tuple(name for name in dict.fromkeys(change.leave) if name in profile.segments and name not in ignored)
    entered = tuple(
        name for name in dict.fromkeys(change.enter) if name not in profile.segments and name not in change.leave and name not in ignored
    )
    segments = tuple(sorted({*profile.segments, *entered} - {*left}))
    if set_ and len(msgspec.json.encode(attributes)) > LARGEST_PROFILE:
        return Made(profile, notes=(f"refused: the profile's attributes would be larger than {LARGEST_PROFILE // 1024} KiB",))
    if any(not name or len(name) > LONGEST_NAME for name in named):
        return Made(profile, notes=(f"refused: the name of a segment is empty, or longer than {LONGEST_NAME} characters",))
    if len(segments) > max(MOST_SEGMENTS, len(profile.segments)):
        return Made(profile, notes=(f"refused: the profile would be in more than {MOST_SEGMENTS} segments",))
    notes = tuple(f"ignored: who is in the segment {name} is decided by its condition" for name in ignored)
    if set_ or removed:
        profile = msgspec.structs.replace(profile, attributes=attributes)
    if entered or left:
        profile = msgspec.structs.replace(profile, segments=segments)
    return Made(profile, set_, removed, entered, left, notes)


def new_facts(before: Mapping[str, Scalar], facts: Mapping[str, Scalar]) -> tuple[dict[str, Scalar], tuple[str, ...]]:
    """What is new in what a subscriber says of itself, and notes: nothing is, if it would be too much in all."""
    found = {name: value for name, value in facts.items() if not is_same(before.get(name), value)}
    if found and len(msgspec.json.encode({**before, **found})) > LARGEST_FACTS:
        return {}, (f"refused: what the subscriber says of itself would be larger than {LARGEST_FACTS // 1024} KiB",)
    return found, ()


def is_same(one: object, other: object) -> bool:
    """Strict: 1, 1.0 and True are three values."""
    return type(one) is type(other) and one == other
