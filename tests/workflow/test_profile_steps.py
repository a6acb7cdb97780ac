"""`segment` and `update`: the profile is changed at once, and each change is an event."""

import msgspec
import pytest
from tests.workflow.builders import ProgramOf
from tests.workflow.journey import Journey, somebody
from tests.workflow.problems import step_problems

from clarion.domain import system_events
from clarion.domain.ids import caused_event_id
from clarion.domain.records import Scalar
from clarion.workflow.effects import EventEffect, HttpEffect
from clarion.workflow.run import COMPLETED, FAILED

TELL = 'id: tell, http: {url: "https://a.example/", body: ["{{ profile.x }}", "{{ segments }}"]}'


def events(journey: Journey) -> list[tuple[str, dict[str, Scalar]]]:
    """Name and data of the events that the run made."""
    return [(effect.name, effect.data) for effect in journey.effects if isinstance(effect, EventEffect)]


def told(journey: Journey) -> object:
    """What the last request said."""
    assert isinstance(journey.effects[-1], HttpEffect)
    return msgspec.json.decode(journey.effects[-1].body or "")


@pytest.mark.parametrize(
    ("step", "before", "after", "added", "removed"),
    [
        ("add: vip", (), ("vip",), ["vip"], []),
        ("add: vip", ("vip",), ("vip",), [], []),
        ("add: [b, a, b]", ("c",), ("a", "b", "c"), ["b", "a"], []),
        ("remove: vip", ("a", "vip"), ("a",), [], ["vip"]),
        ("remove: [vip, x]", ("a",), ("a",), [], []),
        ("add: a, remove: b", ("b",), ("a",), ["a"], ["b"]),
        ("add: a, remove: a", (), (), [], []),
        ("add: a, remove: a", ("a",), (), [], ["a"]),
        ("add: ' likes {{ thing }} '", (), ("likes tea",), ["likes tea"], []),
        ("remove: 'likes {{ thing }}'", ("likes tea",), (), [], ["likes tea"]),
    ],
)
def test_segment(
    program: ProgramOf, step: str, before: tuple[str, ...], after: tuple[str, ...], added: list[str], removed: list[str]
) -> None:
    journey = Journey(program(f"steps: [{{id: s, segment: {{{step}}}}}, {{{TELL}}}]"), somebody(segments=before), thing="tea").begin()
    assert journey.person.profile.segments == after
    assert told(journey) == ["", list(after)], "later steps see it"
    assert journey.details["segment"] == {"added": added, "removed": removed}
    changes = [(system_events.SEGMENT_ADDED, {"segment": name}) for name in added]
    changes += [(system_events.SEGMENT_REMOVED, {"segment": name}) for name in removed]
    assert events(journey) == changes
    assert len({effect.id for effect in journey.effects}) == len(changes) + 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("{{ missing }}", "the name of a segment is empty"),
        (" {{ blank }}", "the name of a segment is empty"),
        ("{{ long }}", "the name of a segment is longer than 200 characters"),
    ],
)
def test_a_segment_without_a_name_fails_its_step(program: ProgramOf, name: str, reason: str) -> None:
    journey = Journey(program(f"steps: [{{id: s, segment: {{add: [fine, '{name}']}}}}]"), blank="  ", long="x" * 201).begin()
    assert (journey.ended, journey.effects, journey.person.profile.segments) == ((FAILED, f"step s: {reason}"), [], ())
    assert Journey(program("steps: [{id: s, segment: {add: '{{ long }}'}}]"), long="x" * 200).begin().run.status == COMPLETED


@pytest.mark.parametrize(("has", "fits"), [(999, True), (1000, False)])
def test_a_profile_is_in_at_most_1000_segments(program: ProgramOf, has: int, fits: bool) -> None:
    names = tuple(sorted(f"s{number}" for number in range(has)))
    journey = Journey(program("steps: [{id: s, segment: {add: new}}]"), somebody(segments=names)).begin()
    assert (journey.run.status == COMPLETED) is fits
    assert len(journey.person.profile.segments) == 1000
    leaving = Journey(program("steps: [{id: s, segment: {remove: s1}}]"), somebody(segments=names)).begin()
    assert leaving.run.status == COMPLETED


def test_a_profile_that_is_in_too_many_can_still_leave_some(program: ProgramOf) -> None:
    names = tuple(sorted(f"s{number}" for number in range(1002)))
    journey = Journey(program("steps: [{id: s, segment: {remove: s1}}]"), somebody(segments=names)).begin()
    assert len(journey.person.profile.segments) == 1001


@pytest.mark.parametrize(
    ("step", "before", "after", "changed"),
    [
        ("set: {x: 1}", {}, {"x": 1}, {"x": 1}),
        ("set: {x: 1}", {"x": 1}, {"x": 1}, None),
        ("set: {x: 1}", {"x": True}, {"x": 1}, {"x": 1}),
        ("set: {x: 1}", {"x": 1.0}, {"x": 1}, {"x": 1}),
        ("set: {x: '1'}", {"x": 1}, {"x": "1"}, {"x": "1"}),
        ("set: {x: ''}", {"x": 1}, {"x": ""}, {"x": ""}),
        ("set: {x: true}", {"x": 1}, {"x": True}, {"x": True}),
        ("set: {x: 2.50}", {}, {"x": 2.5}, {"x": 2.5}),
        ("set: {x: '{{ number }}'}", {}, {"x": 9.5}, {"x": 9.5}),
        ("set: {x: '{{ yes }}'}", {}, {"x": True}, {"x": True}),
        ("set: {x: 'n{{ number }}'}", {}, {"x": "n9.5"}, {"x": "n9.5"}),
        ("set: {x: '{{ number | plus: 1 }}'}", {}, {"x": 10.5}, {"x": 10.5}),
        ("set: {x: '{{ none }}', y: 1}", {}, {"y": 1}, {"y": 1}),
        ("set: {x: '{{ none }}'}", {"x": "kept"}, {"x": "kept"}, None),
        ("set: {x: '{{ none || 5 }}'}", {}, {"x": "5"}, {"x": "5"}),
        ("set: {x: '{{ profile.x }}'}", {"x": 7}, {"x": 7}, None),
        ("remove: [x, y]", {"x": 1, "z": 2}, {"z": 2}, {}),
        ("remove: [x]", {"z": 2}, {"z": 2}, None),
        ("remove: [x, x]", {"x": 2}, {}, {}),
        ("set: {y: 1}, remove: [x]", {"x": 1}, {"y": 1}, {"y": 1}),
    ],
)
def test_update(
    program: ProgramOf, step: str, before: dict[str, Scalar], after: dict[str, Scalar], changed: dict[str, Scalar] | None
) -> None:
    journey = Journey(program(f"steps: [{{id: s, update: {{{step}}}}}, {{{TELL}}}]"), somebody(before), number=9.5, yes=True).begin()
    found = journey.person.profile.attributes
    assert [(name, type(value), value) for name, value in found.items()] == [(name, type(value), value) for name, value in after.items()]
    assert events(journey) == ([] if changed is None else [(system_events.SUBSCRIBER_UPDATED, changed)])
    assert told(journey) == [after.get("x", ""), []], "later steps see it"


def test_what_was_missing_is_said(program: ProgramOf) -> None:
    journey = Journey(program("steps: [{id: s, update: {set: {x: '{{ none }}', y: 'a{{ nothing }}'}}}]")).begin()
    assert journey.details["update"] == {"set": ["y"], "removed": [], "missing": ["none", "nothing"]}


def test_an_update_takes_scalars_only(program: ProgramOf) -> None:
    journey = Journey(program("steps: [{id: s, update: {set: {x: '{{ segments }}'}}}]"), somebody(segments=("a",))).begin()
    assert journey.ended == (FAILED, "step s: x would be neither a text, a number nor a boolean")
    assert (journey.effects, journey.person.profile.attributes) == ([], {})


@pytest.mark.parametrize(("size", "fits"), [(4096 - 8, True), (4096 - 7, False)])
def test_what_one_step_sets_is_as_small_as_an_event(program: ProgramOf, size: int, fits: bool) -> None:
    journey = Journey(program("steps: [{id: s, update: {set: {x: '{{ long }}'}}}]"), long="x" * size).begin()
    assert journey.ended == ((COMPLETED, None) if fits else (FAILED, "step s: the data is larger than 4096 bytes"))


@pytest.mark.parametrize(("rest", "fits"), [(0, True), (1, False)])
def test_a_profile_has_a_size(program: ProgramOf, rest: int, fits: bool) -> None:
    # {"big":"…","x":"12"} is 65,536 bytes with a text of so many characters
    person = somebody({"big": "b" * (65_536 - len('{"big":"","x":"12"}') + rest)})
    journey = Journey(program("steps: [{id: s, update: {set: {x: '12'}}}]"), person).begin()
    assert journey.ended == ((COMPLETED, None) if fits else (FAILED, "step s: the profile's attributes would be larger than 64 KiB"))
    smaller = Journey(program("steps: [{id: s, update: {remove: [big]}}]"), person).begin()
    assert smaller.person.profile.attributes == {}


@pytest.mark.parametrize(
    ("step", "path", "message"),
    [
        ("segment: {}", "segment", "must have at least one of add, remove"),
        ("segment: ", "segment", "must have at least one of add, remove"),
        ("segment: {add: []}", "segment.add", "must have at least 1 member"),
        ("segment: {add: ''}", "segment.add", "must not be empty"),
        ("segment: {add: 5}", "segment.add", "must be a string"),
        (f"segment: {{add: [{', '.join('a' * 21)}]}}", "segment.add", "must have at most 20 members"),
        ("segment: {add: y, ad: x}", "segment.ad", "unknown key (did you mean 'add'?)"),
        ("update: {}", "update", "must have at least one of set, remove"),
        ("update: {set: {}}", "update.set", "must not be empty"),
        ("update: {set: {a b: 1}}", "update.set.a b", "is no key: letters, digits, '-' and '_', starting with a letter or a digit"),
        ("update: {set: {a: [1]}}", "update.set.a", "must be a string, a number, true or false"),
        ("update: {set: {a: }}", "update.set.a", "must be a string, a number, true or false"),
        ("update: {set: {a: 9223372036854775808}}", "update.set.a", "must be a string, a number, true or false"),
        ("update: {remove: [a b]}", "update.remove[0]", "is no name of an attribute"),
        ("update: {set: {a: 1}, remove: [b, a]}", "update.remove[1]", "is set by the same step"),
    ],
)
def test_what_cannot_be_said(step: str, path: str, message: str) -> None:
    assert step_problems(f"{{id: s, {step}}}") == [(path, message)]


def test_an_update_is_the_same_event_however_often_its_run_is_replayed(program: ProgramOf) -> None:
    journey = Journey(program("steps: [{id: s, update: {set: {x: 1}}}]")).begin()
    assert [effect.id for effect in journey.effects] == [caused_event_id(journey.effect("s"), system_events.SUBSCRIBER_UPDATED, 0)]


def test_what_changed_is_said(program: ProgramOf) -> None:
    steps = program("steps: [{id: s, update: {set: {b: 1, a: 2, same: 3}, remove: [gone, none]}}]")
    journey = Journey(steps, somebody({"same": 3, "gone": 4})).begin()
    assert journey.details["update"] == {"set": ["a", "b"], "removed": ["gone"]}


def test_a_profile_that_is_too_large_can_still_lose_what_it_has(program: ProgramOf) -> None:
    person = somebody({"big": "b" * 65_536, "x": 1})
    journey = Journey(program("steps: [{id: s, update: {set: {y: '{{ none }}'}, remove: [x]}}]"), person).begin()
    assert (journey.run.status, list(journey.person.profile.attributes)) == (COMPLETED, ["big"])


def test_a_profile_that_nothing_changes_is_not_written(program: ProgramOf) -> None:
    person = somebody({"x": 1}, ("fans",))
    journey = Journey(program("steps: [{id: s, update: {set: {x: 1}, remove: [y]}}, {id: t, segment: {add: fans, remove: x}}]"), person)
    assert journey.begin().person.profile is person.profile


@pytest.mark.parametrize(
    "step",
    ["set: 5, remove: [a]", "set: {a: 1}, remove: a", "set: {a: 1}, remove: [5]", "set: {a: 1}, remove: [[a]]"],
)
def test_what_is_wrong_with_one_key_is_said_once(step: str) -> None:
    assert len(step_problems(f"{{id: s, update: {{{step}}}}}")) == 1
