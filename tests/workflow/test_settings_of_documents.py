"""What a document says of its start, its exits and its settings: what holds when it says nothing, and how far each value goes."""

from typing import Any, Final

import pytest

from clarion.domain.calendar import Window
from clarion.domain.conditions import Condition
from clarion.domain.records import FrequencyCap
from clarion.workflow.document import Again, AgainShape, Document, ExitShape, read_value
from clarion.workflow.listener import Listener
from clarion.workflow.settings import FrequencyCapShape, Goal, Settings, SettingsShape
from clarion.workflow.shapes import INVALID, Reading, Shape, tried
from clarion.workflow.source import spell

Value = dict[str, Any]

HOUR: Final = 3_600_000_000
DAY: Final = 24 * HOUR
START: Final[Value] = {"on": [{"event": "e"}]}
WITH_KEY: Final[Value] = {"all": [{"field": "run.key", "op": "exists"}]}
NO_RUN = "no run has started yet, so there is no run.key"


def document(**more: Any) -> Document:
    read, reading = read_value({"workflow": "w", "start": START, "steps": []} | more)
    assert read is not None, reading.found
    return read


def problems(value: object) -> list[tuple[str, str]]:
    return [(spell(one.path), one.message) for one in read_value(value)[1].found]


def problems_with(**more: Any) -> list[tuple[str, str]]:
    return problems({"workflow": "w", "start": START, "steps": []} | more)


def test_what_holds_when_nothing_is_said() -> None:
    read = document()
    assert (read.workflow, read.name, read.exit, read.exit_audience, read.steps) == ("w", "w", (), (), ())
    start = read.start
    assert (start.on, start.audience, start.key) == ((Listener("e"),), None, None)
    assert (start.while_running, start.again, start.max_age) == ("ignore", Again(0), 72 * HOUR)
    assert read.settings == Settings(timezone="subscriber", quiet_hours=None, frequency_cap=None, goal=None)


def test_what_is_said() -> None:
    started = START | {"key": "event.cart", "while_running": "parallel", "again": "never", "max_age": "1h", "audience": {"not": WITH_FIELD}}
    read = document(
        name="A workflow",
        start=started,
        exit=[{"event": "bought"}, {"audience": WITH_FIELD}, {"event": "left", "where": WITH_FIELD}],
        settings={
            "timezone": "Europe/Berlin",
            "quiet_hours": {"from": "22:00", "to": "07:00"},
            "frequency_cap": {"pushes": 3, "per": "1d"},
            "goal": {"event": "paid", "within": "7d", "value": "event.total", "attribution": "click", "count": "every"},
        },
    )
    assert read.name == "A workflow"
    assert (read.start.key, read.start.while_running, read.start.again, read.start.max_age) == ("event.cart", "parallel", Again(None), HOUR)
    assert isinstance(read.start.audience, Condition)
    assert [(one.event, one.where is None) for one in read.exit] == [("bought", True), ("left", False)]
    assert len(read.exit_audience) == 1
    assert read.settings == Settings(
        timezone="Europe/Berlin",
        quiet_hours=Window(22 * HOUR, 7 * HOUR),
        frequency_cap=FrequencyCap(3, DAY),
        goal=Goal(event="paid", within=7 * DAY, where=None, value="event.total", attribution="click", count="every"),
    )


WITH_FIELD: Final[Value] = {"field": "event.x", "op": "exists"}


@pytest.mark.parametrize(("given", "again"), [("always", Again(0)), ("never", Again(None)), ({"after": "1ms"}, Again(1000))])
def test_whether_a_workflow_starts_again(given: object, again: Again) -> None:
    assert tried(AgainShape(), given) == again


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("often", [("", "must be one of always, never")]),
        (None, [("", "must be one of always, never")]),
        ({}, [("after", "is required")]),
        ({"after": "0s"}, [("after", "must be longer than 0s")]),
    ],
)
def test_what_is_no_again(given: object, expected: list[tuple[str, str]]) -> None:
    assert problems_with(start=START | {"again": given}) == [(f"start.again.{path}".rstrip("."), message) for path, message in expected]


def test_a_goal_counts_the_first_event_after_entry_unless_it_says_otherwise() -> None:
    goal = document(settings={"goal": {"event": "paid", "within": "1ms"}}).settings.goal
    assert goal == Goal(event="paid", within=1000, where=None, value=None, attribution="entry", count="first")


@pytest.mark.parametrize(
    ("attribution", "event"), [("entry", None), ("click", "PushEngage.Notification.Clicked"), ("view", "PushEngage.Notification.Viewed")]
)
def test_the_event_that_has_to_come_before_a_goal(attribution: str, event: str | None) -> None:
    assert Goal(event="paid", within=1, attribution=attribution).receipt == event


GOAL: Final[Value] = {"event": "paid", "within": "1d"}
CAP: Final[Value] = {"pushes": 1, "per": "1d"}


@pytest.mark.parametrize(
    ("more", "place", "message"),
    [
        ({"name": ""}, "name", "must not be empty"),
        ({"name": "n" * 201}, "name", "must be at most 200 characters"),
        ({"start": {"on": []}}, "start.on", "must have at least 1 member"),
        ({"start": {"on": [{"event": "e"}] * 21}}, "start.on", "must have at most 20 members"),
        ({"exit": [{"event": "e"}] * 21}, "exit", "must have at most 20 members"),
        ({"start": START | {"while_running": "wait"}}, "start.while_running", "must be one of ignore, restart, parallel"),
        ({"start": START | {"max_age": "0s"}}, "start.max_age", "must be longer than 0s"),
        ({"settings": {"frequency_cap": CAP | {"pushes": 0}}}, "settings.frequency_cap.pushes", "must be a whole number from 1 to 100"),
        ({"settings": {"frequency_cap": CAP | {"pushes": 101}}}, "settings.frequency_cap.pushes", "must be a whole number from 1 to 100"),
        ({"settings": {"frequency_cap": CAP | {"per": "59s999ms"}}}, "settings.frequency_cap.per", "must be at least 1m and at most 90d"),
        ({"settings": {"frequency_cap": CAP | {"per": "90d1ms"}}}, "settings.frequency_cap.per", "must be at least 1m and at most 90d"),
        ({"settings": {"goal": GOAL | {"within": "0s"}}}, "settings.goal.within", "must be longer than 0s and at most 365d"),
        ({"settings": {"goal": GOAL | {"within": "365d1ms"}}}, "settings.goal.within", "must be longer than 0s and at most 365d"),
        ({"settings": {"goal": GOAL | {"attribution": "push"}}}, "settings.goal.attribution", "must be one of entry, click, view"),
        ({"settings": {"goal": GOAL | {"count": "all"}}}, "settings.goal.count", "must be one of first, every"),
        (
            {"settings": {"goal": GOAL | {"value": "profile.x"}}},
            "settings.goal.value",
            "must be a field of the event, such as event.cart_id",
        ),
    ],
)
def test_what_goes_too_far(more: Value, place: str, message: str) -> None:
    assert problems_with(**more) == [(place, message)]


@pytest.mark.parametrize(
    "more",
    [
        {"name": "n"},
        {"name": "n" * 200},
        {"start": {"on": [{"event": "e"}] * 20}},
        {"exit": [{"event": "e"}] * 20},
        {"exit": []},
        {"start": START | {"max_age": "1ms"}},
        {"settings": {}},
        {"settings": {"frequency_cap": {"pushes": 1, "per": "1m"}}},
        {"settings": {"frequency_cap": {"pushes": 100, "per": "90d"}}},
        {"settings": {"goal": GOAL | {"within": "365d"}}},
    ],
)
def test_what_just_fits(more: Value) -> None:
    assert problems_with(**more) == []


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (5, [("exit[0]", "must be an object")]),
        ({}, [("exit[0].event", "is required")]),
        ({"where": WITH_FIELD}, [("exit[0].event", "is required")]),
        ({"audience": WITH_FIELD, "also": 1}, [("exit[0].also", "unknown key")]),
        *(
            (
                {"audience": WITH_FIELD, other: value},
                [(f"exit[0].{other}", "a rule is about an event or about the audience: write two rules")],
            )
            for other, value in (("event", "e"), ("where", WITH_FIELD))
        ),
        (
            {"where": WITH_FIELD, "event": "e", "audience": WITH_FIELD},
            [("exit[0].where", "a rule is about an event or about the audience: write two rules")],
        ),
    ],
)
def test_what_is_no_rule_for_an_exit(rule: object, expected: list[tuple[str, str]]) -> None:
    assert problems_with(exit=[rule]) == expected


@pytest.mark.parametrize("rule", [{"event": "e", "where": WITH_KEY}, {"audience": WITH_KEY}])
def test_a_run_under_way_has_a_key_which_its_start_does_not(rule: Value) -> None:
    """In whatever order a document says it."""
    assert problems_with(exit=[rule], settings={"goal": GOAL | {"where": WITH_KEY}}) == []
    start = {"on": [{"event": "e", "where": WITH_KEY}]}
    for before in ({"exit": [rule]}, {"settings": {"goal": GOAL}}, {"exit": [5]}, {"settings": {"goal": 5}}):
        found = problems(before | {"start": start, "workflow": "w", "steps": []})
        assert ("start.on[0].where.all[0].field", NO_RUN) in found


@pytest.mark.parametrize("shape", [AgainShape(), ExitShape(), FrequencyCapShape(), SettingsShape()], ids=lambda shape: type(shape).__name__)
def test_a_part_that_is_refused_has_no_value(shape: Shape) -> None:
    rules: list[Value] = [{"x": 1}, {"audience": 5}, {"after": 5}, {"goal": {}}, {"audience": WITH_FIELD, "event": "e"}]
    for value in (None, 5, "x", *rules):
        reading = Reading()
        assert shape.read(value, (), reading) is INVALID
        assert reading.found


@pytest.mark.parametrize("length", [80, 81])
def test_a_repeated_id_is_said_at_the_second_step(length: int) -> None:
    id = "s" * length
    named = id if length == 80 else "s" * 77 + "…"
    steps = [{"id": id, "wait": {"for": "1s"}}, {"id": "t", "wait": {"for": "1s"}}, {"id": id, "wait": {"for": "1s"}}]
    assert ("steps[2].id", f'another step has the id "{named}" already') in problems_with(steps=steps)
    assert not [path for path, message in problems_with(steps=steps) if "another" in message and path != "steps[2].id"]


def test_steps_without_an_id_do_not_share_one() -> None:
    steps = [{"id": "", "wait": {"for": "1s"}}, {"id": "", "wait": {"for": "1s"}}, {"wait": {"for": "1s"}}, {"wait": {"for": "1s"}}]
    assert [message for _, message in problems_with(steps=steps)] == ["must not be empty"] * 2 + ["is required"] * 2


def test_too_many_steps_are_the_only_problem() -> None:
    steps = [{"id": "s", "wait": {}}] * 501
    assert problems_with(steps=steps, name=5) == [("steps", "a workflow has at most 500 steps")]


@pytest.mark.parametrize("value", [None, [], 5, "x"])
def test_what_is_no_document(value: object) -> None:
    assert problems(value) == [("", "must be an object")]


def test_the_form_of_a_document_that_is_kept_is_the_one_that_was_given() -> None:
    given = {"steps": [], "start": START, "workflow": "w"}
    assert read_value(given)[0] is not None
    assert document(**given).value == given
