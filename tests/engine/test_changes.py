"""What a change of a profile comes to: set, removed, replaced, entered, left, and both sides of every limit."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.domain.records import Profile
from clarion.engine.changes import LARGEST_FACTS, is_same, made, new_facts
from clarion.store.records.bodies import ProfileChange
from clarion.workflow.steps.segment import LONGEST_NAME, MOST_SEGMENTS
from clarion.workflow.steps.update import LARGEST_PROFILE

NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.sampled_from([1, 1.0, True, "1", 0, False, ""])
ATTRIBUTES = st.dictionaries(NAMES, VALUES)
SEGMENTS = st.lists(st.sampled_from(["s", "t", "u", "v"]), max_size=4).map(tuple)
PROFILES = st.builds(
    lambda attributes, segments: Profile("n:p", attributes, tuple(sorted(set(segments)))),
    ATTRIBUTES,
    SEGMENTS,
)
CHANGES = st.builds(
    ProfileChange,
    set=ATTRIBUTES,
    remove=st.lists(NAMES, max_size=2).map(tuple),
    replace=st.booleans(),
    enter=SEGMENTS,
    leave=SEGMENTS,
)


@settings(max_examples=200)
@given(PROFILES, CHANGES, st.sets(st.sampled_from(["s", "t"])))
def test_what_is_told_is_what_has_changed(profile: Profile, change: ProfileChange, dynamic: set[str]) -> None:
    done = made(profile, change, dynamic)
    before, after = profile.attributes, done.profile.attributes
    assert done.set == {name: value for name, value in after.items() if not is_same(before.get(name), value)}
    assert {*done.removed} == before.keys() - after.keys()
    assert {*done.entered} == {*done.profile.segments} - {*profile.segments}
    assert {*done.left} == {*profile.segments} - {*done.profile.segments}
    assert done.profile.segments == tuple(sorted({*done.profile.segments}))
    assert not dynamic & {*done.entered, *done.left}
    assert len(done.notes) == len(dynamic & {*change.enter, *change.leave})


@settings(max_examples=100)
@given(PROFILES, CHANGES)
def test_twice_is_once(profile: Profile, change: ProfileChange) -> None:
    once = made(profile, change)
    again = made(once.profile, change)
    assert again.profile is once.profile
    assert (again.set, again.removed, again.entered, again.left) == ({}, (), (), ())


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (ProfileChange(set={"b": 2}), {"a": 1, "b": 2}),
        (ProfileChange(remove=("a",)), {}),
        (ProfileChange(set={"b": 2}, replace=True), {"b": 2}),
        (ProfileChange(set={"a": 1, "b": 2}, replace=True), {"a": 1, "b": 2}),
        (ProfileChange(replace=True), {}),
        (ProfileChange(set={"a": 2}, remove=("a",)), {}),
        (ProfileChange(set={"a": True}), {"a": True}),
    ],
)
def test_attributes(change: ProfileChange, after: dict[str, Any]) -> None:
    assert repr(made(Profile("n:p", {"a": 1}), change).profile.attributes) == repr(after)


def test_a_name_that_is_to_be_entered_and_left_is_left() -> None:
    done = made(Profile("n:p", segments=("s",)), ProfileChange(enter=("s", "t"), leave=("s", "t")))
    assert (done.profile.segments, done.entered, done.left) == ((), (), ("s",))


def test_attributes_have_a_limit() -> None:
    room = LARGEST_PROFILE - len(msgspec.json.encode({"a": ""}))
    profile = Profile("n:p", segments=("s",))
    fits = made(profile, ProfileChange(set={"a": "x" * room}, leave=("s",)))
    assert (len(fits.profile.attributes["a"]), fits.profile.segments, fits.notes) == (room, (), ())  # type: ignore[arg-type]  # a text
    refused = made(profile, ProfileChange(set={"a": "x" * (room + 1)}, leave=("s",)))
    assert refused.profile is profile
    assert refused.notes == ("refused: the profile's attributes would be larger than 64 KiB",)


def test_one_that_is_past_the_limit_already_can_become_smaller() -> None:
    profile = Profile("n:p", {"a": "x" * LARGEST_PROFILE, "b": 1})
    assert made(profile, ProfileChange(remove=("b",))).profile.attributes == {"a": "x" * LARGEST_PROFILE}
    assert made(profile, ProfileChange(set={"a": ""})).profile.attributes == {"a": "", "b": 1}
    assert made(profile, ProfileChange(set={"b": 2})).profile is profile


def test_a_profile_is_in_so_many_segments_at_most() -> None:
    profile = Profile("n:p", segments=tuple(sorted(str(number) for number in range(MOST_SEGMENTS - 1))))
    full = made(profile, ProfileChange(enter=("s",)))
    assert len(full.profile.segments) == MOST_SEGMENTS
    refused = made(full.profile, ProfileChange(set={"a": 1}, enter=("t",)))
    assert refused.profile is full.profile
    assert refused.notes == ("refused: the profile would be in more than 1000 segments",)
    assert len(made(full.profile, ProfileChange(enter=("t",), leave=("s",))).profile.segments) == MOST_SEGMENTS


@pytest.mark.parametrize(("name", "fits"), [("x" * LONGEST_NAME, True), ("x" * (LONGEST_NAME + 1), False), ("", False)])
def test_names_of_segments_have_a_length(name: str, fits: bool) -> None:
    done = made(Profile("n:p"), ProfileChange(enter=(name,)))
    assert (done.entered == (name,), not done.notes) == (fits, fits)


def test_what_a_subscriber_says_of_itself_has_a_limit() -> None:
    room = LARGEST_FACTS - len(msgspec.json.encode({"a": 1, "b": ""}))
    assert new_facts({"a": 1}, {"a": 1, "b": "x" * room}) == ({"b": "x" * room}, ())
    facts, notes = new_facts({"a": 1}, {"b": "x" * (room + 1)})
    assert (facts, notes) == ({}, ("refused: what the subscriber says of itself would be larger than 16 KiB",))
    assert new_facts({"a": 1}, {"a": 1}) == ({}, ())
    assert repr(new_facts({"a": 1}, {"a": True})[0]) == "{'a': True}"
