"""The condition of a dynamic segment: about people alone, and not about itself."""

from typing import Any

import pytest

from clarion.domain.problems import Problem
from clarion.workflow.segments import read_segment_condition, segments_named


def row(field: str, op: str = "exists", **value: Any) -> dict[str, Any]:
    return {"field": field, "op": op} | value


PEOPLE = [
    row("profile.total", "gte", value=3),
    row("profile.id"),
    row("segments", "in", value=["vip"]),
    row("subscriber.country", "eq", value={"from": "profile.country"}),
    {"not": {"any": [row("subscriber.last_click", "within_last", value="7d"), row("segments")]}},
]


@pytest.mark.parametrize("value", PEOPLE)
def test_what_it_may_look_at(value: dict[str, Any]) -> None:
    condition, problems = read_segment_condition("gold", value)
    assert problems == []
    assert condition is not None
    assert condition.is_timed is ("not" in value)


ABOUT = "a segment is about people, not about events or runs: use profile, segments or subscriber"


@pytest.mark.parametrize("field", ["event.x", "entry.x", "run.key"])
@pytest.mark.parametrize("compared", [False, True])
def test_what_it_may_not_look_at(field: str, compared: bool) -> None:
    value = row("profile.x", "eq", value={"from": field}) if compared else row(field)
    place = ("condition", "all", 0, "value", "from") if compared else ("condition", "all", 0, "field")
    assert read_segment_condition("gold", {"all": [value]}) == (None, [Problem(place, ABOUT)])


@pytest.mark.parametrize("field", ["step.status", "secrets.x", "profile", "subscriber.colour"])
def test_fields_that_are_none(field: str) -> None:
    condition, [problem] = read_segment_condition("gold", row(field))
    assert (condition, problem.path) == (None, ("condition", "field"))


@pytest.mark.parametrize(
    "value",
    [row("segments", "in", value=["vip", "gold"]), row("segments", "nin", value=["gold"]), row("segments", "contains", value="gold")],
)
def test_it_does_not_depend_on_itself(value: dict[str, Any]) -> None:
    assert read_segment_condition("gold", {"not": {"any": [row("profile.x"), value]}}) == (
        None,
        [Problem(("condition", "not", "any", 1, "value"), "a segment cannot depend on itself")],
    )
    assert read_segment_condition("silver", value)[1] == []


def test_what_can_never_hold_is_a_problem() -> None:
    value = {"all": [row("profile.x", "eq", value=1), row("profile.x", "eq", value=2)]}
    condition, [problem] = read_segment_condition("gold", value, ())
    assert (condition, problem.path) == (None, ("all", 1))
    assert "can never hold" in problem.message


@pytest.mark.parametrize("value", [None, 3, [], {}, {"all": []}, "profile.x", {"all": [{"any": [None]}]}])
def test_what_is_no_condition(value: object) -> None:
    condition, problems = read_segment_condition("gold", value)
    assert condition is None
    assert problems


def test_the_segments_that_it_looks_for() -> None:
    value = {"any": [PEOPLE[0], {"not": PEOPLE[2]}, row("segments", "contains", value="x")]}
    assert segments_named(value) == frozenset({"vip", "x"})
    assert segments_named(PEOPLE[0]) == frozenset()


@pytest.mark.parametrize("value", [row("segments"), row("segments", "not_exists"), row("segments", "in", value={"from": "profile.x"})])
def test_rows_that_look_for_any_segment(value: dict[str, Any]) -> None:
    assert segments_named({"all": [value, PEOPLE[2]]}) is None
