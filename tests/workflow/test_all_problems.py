"""Whatever is wrong with a document is said in one go: no problem hides another."""

import copy
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.workflow.documents import Value, at
from tests.workflow.problems import problems, step_problems

from clarion.workflow.document import read_value
from clarion.workflow.source import spell

URL: Final = "https://a.example/"


def has(field: str) -> Value:
    return {"field": field, "op": "exists"}


SOUND: Final[Value] = {
    "workflow": "w",
    "name": "W",
    "start": {
        "on": [{"event": "go", "where": {"all": [has("event.a"), has("event.b"), {"field": "event.n", "op": "gt", "value": 5}]}}],
        "audience": {"any": [has("profile.a"), has("profile.b")]},
        "key": "event.a",
    },
    "exit": [{"audience": {"all": [has("profile.gone")]}}],
    "settings": {"quiet_hours": {"from": "22:00", "to": "07:00"}, "goal": {"event": "buy", "within": "7d", "where": has("event.total")}},
    "steps": [
        {"id": "hi", "push": {"title": "t", "message": "m", "url": URL, "actions": [{"title": "t", "url": URL}]}},
        {"id": "call", "http": {"url": URL, "headers": {}, "body": {"a": "x", "b": ["y", {"c": "z"}]}}},
        {"id": "put", "update": {"set": {"a": 1, "b": "x"}, "remove": ["c"]}},
        {"id": "into", "segment": {"add": ["x", "y"]}},
        {"id": "nap", "wait": {"for": "1h", "days": ["mon", "tue"], "window": {"from": "09:00", "to": "18:00"}}},
        {
            "id": "listen",
            "wait_for": {
                "on": [{"event": "PushEngage.Notification.Clicked", "of": "hi", "where": has("event.x")}],
                "timeout": "1d",
                "then": [{"id": "in-then", "wait": {"for": "1s"}}],
                "otherwise": [{"id": "end", "exit": {}}],
            },
        },
        {
            "id": "ask",
            "decide": {
                "cases": [
                    {"when": has("event.a"), "steps": []},
                    {"when": has("event.b"), "steps": [{"id": "in-two", "exit": {}}]},
                    {"when": has("event.c"), "steps": []},
                ],
                "else": [{"id": "in-else", "exit": {}}],
            },
        },
        {
            "id": "share",
            "split": {
                "paths": [
                    {"percent": 50, "name": "A", "steps": [{"id": "in-a", "wait": {"for": "1s"}}]},
                    {"percent": 50, "steps": [{"id": "in-b", "wait": {"for": "1s"}}]},
                ]
            },
        },
    ],
}

Plant = Callable[[Value], None]


def put(where: str, value: object) -> Plant:
    """Writes one value; a list of keys and positions in words."""
    *above, last = [int(part) if part.isdigit() else part for part in where.split()]

    def plant(document: Value) -> None:
        held = at(document, tuple(above))
        if isinstance(held, list) and last == len(held):
            held.append(value)
        else:
            held[last] = value

    return plant


def several(*plants: Plant) -> Plant:
    def plant(document: Value) -> None:
        for one in plants:
            one(document)

    return plant


def remove(where: str) -> Plant:
    *above, last = [int(part) if part.isdigit() else part for part in where.split()]

    def plant(document: Value) -> None:
        del at(document, tuple(above))[last]

    return plant


PLANTS: Final[dict[str, Plant]] = {
    "slug": put("workflow", "Bad Name"),
    "key of the document": put("stesp", []),
    "rows that exclude each other": put("start on 0 where all 0", {"field": "event.n", "op": "lt", "value": 5}),
    "row beside them": put("start on 0 where all 1", {"field": "evnt.x", "op": "exists"}),
    "value of a row": put("start audience any 0", {"field": "profile.a", "op": "gt", "value": "x"}),
    "op and the field compared with": put("start audience any 1", {"field": "profile.a", "op": "gtee", "value": {"from": "evnt.x"}}),
    "key": put("start key", "profile.x"),
    "rule about an event too": put("exit 0 event", "PushEngage.No"),
    "condition of a rule": put("exit 0 audience all 0", {"field": "segments", "op": "gt", "value": 5}),
    "quiet hours of no length": put("settings quiet_hours to", "22:00"),
    "key of quiet hours": put("settings quiet_hours zone", "UTC"),
    "goal": put("settings goal within", "0s"),
    "condition of a goal": put("settings goal where", {"field": "hi.status", "op": "eq", "value": "sent"}),
    "name and scheme of a URL": put("steps 0 push url", "ftp://a.example/{{ evnt.x }}"),
    "several names": put("steps 0 push title", "{{ evnt.x }} {{ nap.status }} {{ b.c | upcase }}"),
    "too many actions": several(put("steps 0 push actions 1", {"title": "t", "url": URL}), put("steps 0 push actions 2", {})),
    "action": put("steps 0 push actions 0", {"title": "{{ x", "url": URL}),
    "header that is ours": put("steps 1 http headers Host", "x"),
    "header": put("steps 1 http headers X-A", "{{ x"),
    "body of a GET": put("steps 1 http method", "GET"),
    "on_error": put("steps 1 http on_error", "exit"),
    "a string of a body": put("steps 1 http body a", "{{ evnt.x }}{{ y.z }}"),
    "another string of a body": put("steps 1 http body b 0", "{% nosuch %}"),
    "a step without a status in a body": put("steps 1 http body b 1 c", "{{ put.status }}"),
    "a key of a body": put("steps 1 http body {{", "x"),
    "set and removed": put("steps 2 update remove 1", "b"),
    "value to set": put("steps 2 update set a", [1]),
    "key of an update": put("steps 2 update sett", {}),
    "name of a segment": put("steps 3 segment add 0", ""),
    "kind beside a kind": put("steps 3 wait", {"for": "x"}),
    "unknown kind": put("steps 4 nap", {}),
    "until beside for": put("steps 4 wait until", "tomorrow"),
    "time of day": put("steps 4 wait at", "9:00"),
    "day twice": put("steps 4 wait days 1", "mon"),
    "day": put("steps 4 wait days 2", "wednes"),
    "window": put("steps 4 wait window to", "09:00"),
    "key of a window": put("steps 4 wait window till", "10:00"),
    "id": put("steps 5 id", "run"),
    "of": put("steps 5 wait_for on 0 of", "nap"),
    "key beside of": put("steps 5 wait_for on 0 when", {}),
    "condition beside of": put("steps 5 wait_for on 0 where", {"all": [has("evnt.x"), {"field": "event.step", "op": "eq", "value": "x"}]}),
    "timeout": remove("steps 5 wait_for timeout"),
    "reason of the last": put("steps 5 wait_for otherwise 0 exit", {"reason": 5}),
    "behind the last": put("steps 5 wait_for otherwise 1", {"id": "never", "exit": {}}),
    "same case": put("steps 6 decide cases 3", {"when": has("event.b"), "steps": []}),
    "condition of a case": put("steps 6 decide cases 2 when", {"all": []}),
    "step of a case": put("steps 6 decide cases 0 steps 0", {"id": "in-one", "wait": {}}),
    "key of a case": put("steps 6 decide cases 1 name", "x"),
    "the same id": put("steps 6 decide else 0 id", "hi"),
    "total": put("steps 7 split paths 1 percent", 49),
    "step of a path": put("steps 7 split paths 0 steps 0 wait for", "1x"),
    "name of a path": put("steps 7 split paths 1 name", "A"),
    "key of a split": put("steps 7 split whom", "run"),
    "path without steps": remove("steps 7 split paths 1 steps"),
}


def found(*names: str) -> list[tuple[str, str]]:
    """What is said of the sound document with these things planted in it."""
    document = copy.deepcopy(SOUND)
    for name in sorted(names, key=list(PLANTS).index):
        PLANTS[name](document)
    read, reading = read_value(document)
    assert (read is None) == bool(reading.found)
    return [(spell(one.path), one.message) for one in reading.found]


def test_nothing_is_wrong_without_them() -> None:
    assert found() == []


ALONE: Final = {name: found(name) for name in PLANTS}


def test_each_is_a_problem_of_its_own() -> None:
    assert [name for name, said in ALONE.items() if not said] == []
    assert len({tuple(said) for said in ALONE.values()}) == len(PLANTS)
    assert len(ALONE["several names"]) == 3
    assert len(ALONE["name and scheme of a URL"]) == len(ALONE["a string of a body"]) == 2
    assert len(ALONE["condition beside of"]) == len(ALONE["op and the field compared with"]) == 2


@settings(max_examples=200, deadline=None)
@given(st.sets(st.sampled_from(list(PLANTS)), min_size=2))
def test_problems_do_not_hide_one_another(names: set[str]) -> None:
    assert sorted(set(found(*names))) == sorted({one for name in names for one in ALONE[name]})


def test_all_at_once() -> None:
    assert sorted(set(found(*PLANTS))) == sorted({one for said in ALONE.values() for one in said})


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (
            "{id: s, split: {paths: [{percent: 40, steps: [{id: in, wait: {}}]}, {percent: 50, steps: [], also: 1}]}}",
            {"split.paths", "split.paths[0].steps[0].wait", "split.paths[1].also"},
        ),
        ("{id: s, split: {paths: [{percent: 40, steps: []}, {percent: x, steps: []}]}}", {"split.paths[1].percent"}),
        ("{id: s, split: {paths: [{percent: 40, steps: []}, 5]}}", {"split.paths[1]"}),
        (
            "{id: s, split: {paths: [{percent: 40, name: 2, steps: []}, {percent: 30, steps: []}, {percent: 30, name: '2', steps: []}]}}",
            {"split.paths[0].name", "split.paths[2]"},
        ),
        (
            "{id: s, http: {url: 'https://a.example/', on_error: never, also: 1}}",
            {"http.on_error", "http.also"},
        ),
        ("{id: s, http: {url: 'https://a.example/', on_error: exit, await: 5}}", {"http.await"}),
        ("{id: s, http: {url: 5, on_error: exit, await: true}}", {"http.url"}),
        ("{id: s, update: {set: {a: [], b: 1}, remove: [a, '', b, 5]}}", {"update.set.a", *(f"update.remove[{one}]" for one in range(4))}),
        ("{id: s, segment: {ad: x}}", {"segment", "segment.ad"}),
        ("{id: s, segment: {ad: x, add: 5}}", {"segment.add", "segment.ad"}),
        ("{id: s, wait: {days: [mon, x, mon, x]}}", {"wait.days[1]", "wait.days[2]", "wait.days[3]"}),
    ],
)
def test_what_a_step_says_with_itself_although_a_part_is_wrong(step: str, expected: set[str]) -> None:
    assert {path for path, _ in step_problems(step)} == expected


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("[{id: a, exit: {reason: 5}}, {id: b, wait: {for: 1s}}]", {"steps[0].exit.reason", "steps[1]"}),
        ("[{exit: {}}, {id: b, wait: {for: 1s}}]", {"steps[0].id", "steps[1]"}),
        ("[{id: a, exit: {}, wait: {for: 1s}}, {id: b, wait: {for: 1s}}]", {"steps[0]"}),
        ("[{id: a, decide: {cases: [], else: [{id: c, exit: {}}]}}, {id: b, wait: {for: 1s}}]", {"steps[0].decide.cases"}),
        ("[{id: a, decide: {cases: [5], else: [{id: c, exit: {}}]}}, {id: b, wait: {for: 1s}}]", {"steps[0].decide.cases[0]"}),
        (
            "[{id: a, split: {paths: [{percent: 100, steps: [{id: c, exit: 5}]}]}}, {}]",
            {"steps[0].split.paths[0].steps[0].exit", "steps[1]", "steps[1].id"},
        ),
    ],
)
def test_what_is_never_reached_behind_what_is_wrong(steps: str, expected: set[str]) -> None:
    assert {path for path, _ in problems(f"steps: {steps}")} == expected


def test_steps_in_two_kinds_at_once_are_read() -> None:
    split = "split: {paths: [{percent: 100, steps: [{id: a, wait: {}}]}]}"
    step = f"{{id: s, {split}, wait_for: {{on: [{{event: e}}], timeout: 1h, then: [{{id: b, wait: {{}}}}]}}}}"
    assert {path for path, _ in step_problems(step)} == {"", "split.paths[0].steps[0].wait", "wait_for.then[0].wait"}
