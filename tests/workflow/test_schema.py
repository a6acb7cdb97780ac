"""The published JSON Schema and the reader agree, as far as a schema can say what is valid."""

import copy
import re
from functools import lru_cache
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.workflow.documents import Value, at, documents, places

from clarion.domain.system_events import LISTENABLE
from clarion.workflow.document import json_schema, read_value
from clarion.workflow.steps import KINDS


@lru_cache(maxsize=1)
def validator() -> jsonschema.Draft202012Validator:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def problems(document: object) -> list[str]:
    """What the reader says."""
    return [problem.message for problem in read_value(document)[1].found]


@settings(max_examples=100, deadline=None)
@given(documents())
def test_what_is_valid_is_valid_by_the_schema(document: Value) -> None:
    assert problems(document) == []
    validator().validate(document)


UNSAYABLE = re.compile(
    r"comes later|is this one|is on another branch|has timed out where|leaves no |does not wait for its outcome|no step has run"
    r"|another step has the id|is never reached|steps nest more|there is no step|not a push"
    r"|the percentages total|another path is called|at most two decimals"
    r"|is no IANA|must be subscriber, site or|must be an ISO 8601 date|must not begin and end at the same time|names .* a second time"
    r"|is no duration|is empty: write|has '.*' after|names the unit|must be at least 1m|must be longer than|must be at most 28d"
    r"|unknown field|is no key|names no key|has no parts|'secrets' |secrets can be used|must be a field such as"
    r"|holds several values|is a step: name|'_' is no name"
    r"|compares one value|compares numbers|compares text|can never hold|must be in quotes|is longer than 3660d"
    r"|must be an? .*or \{from|must be a number, or|must be a string, a number, true or false|must have at most 4096"
    r"|nothing can be looked up"
    r"|host|URL|is set by Clarion|a GET request has no body|needs await: true|is set by the same step|goes with what becomes"
    r"|the body|is never closed|unknown tag|filter|expected|unexpected|names nothing|NUL|half of a character|lone surrogates"
)
"""What the reader says where a schema has no words: about several places at once, about templates, about what the world knows."""


JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(None, True, False, 0, 1, 3.0, -1, 0.5, 10**20, "", " ", "x", "1h", "0s", "00m", "mon", "event.x", "event.", "event.a b", "event"),
        *([], {}, [{}], ["x"], {"x": 1}, {"from": "x"}, "09:00", "9:00", "https://a.example/", "ftp://a/", "{{ x }}", "{% echo x %}"),
        *("PushEngage.Subscriber.Add", "PushEngage.No", "PushEngageX", "validate", "y" * 65, "z" * 5000, "{{ x", "UTC", "-a", 100),
    ]
)
NAMES = st.sampled_from(["x", "id", "event", "where", "steps", "wait", "for", "at", "on", "of", "percent", "add", "value", "", "a" * 300])


@st.composite
def broken(draw: st.DrawFn) -> object:
    """A valid document with one to three changes."""
    document: Any = copy.deepcopy(draw(documents(most_steps=8)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([place for place in places(document) if place]))
        parent, key = at(document, path[:-1]), path[-1]
        change = draw(st.sampled_from(["put", "put", "remove", "name", "add", "repeat"]))
        if change == "remove":
            del parent[key]
        elif change == "name" and isinstance(parent, dict):
            parent[draw(NAMES)] = parent.pop(key)
        elif change == "add" and isinstance(parent[key], dict):
            parent[key][draw(NAMES)] = draw(JUNK)
        elif change == "repeat" and isinstance(parent, list):
            parent.append(copy.deepcopy(parent[key]))
        else:
            parent[key] = draw(JUNK)
    return document


@settings(max_examples=250, deadline=None)
@given(broken())
def test_what_is_broken_is_refused_by_both(document: object) -> None:
    found, valid = problems(document), validator().is_valid(document)
    if not found:
        assert valid, [error.message for error in validator().iter_errors(document)]
    elif valid:
        assert all(UNSAYABLE.search(message) for message in found), found


def whole(step: object, **more: Any) -> Value:
    return {"workflow": "w", "start": {"on": [{"event": "e"}]}, "steps": [step], **more}


@pytest.mark.parametrize(
    "step",
    [
        {"id": "a", "exit": None},
        {"id": "a", "exit": {}},
        {"id": "a", "wait": {"for": "0s"}},
        {"id": "a", "push": {"title": "t", "message": "m", "url": "{% echo x %}"}},
        {"id": "a", "push": {"title": "t", "message": "m", "url": "{% comment %}x{% endcomment %}{{ x }}"}},
        {"id": "a", "push": {"title": "t", "message": "m", "url": "HTTP://a.example"}},
        {"id": "a", "update": {"set": {"x": ""}}},
        {"id": "a", "update": {"set": {"x": "y" * 4096}}},
        {"id": "a", "send_event": {"event": "PushEngageX"}},
        {"id": "a", "split": {"paths": [{"percent": 100.0, "steps": []}]}},
        {"id": "a", "wait_for": {"on": [{"event": "e"}], "timeout": "010m"}},
    ],
    ids=str,
)
def test_both_take(step: object) -> None:
    assert problems(whole(step)) == []
    validator().validate(whole(step))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "exit"])
def test_nothing_is_no_step_but_an_exit(kind: str) -> None:
    step = {"id": "a", kind: None}
    assert problems(whole(step))
    assert not validator().is_valid(whole(step))


@pytest.mark.parametrize(
    "step",
    [
        {"id": "a", "segment": {}},
        {"id": "a", "update": {}},
        {"id": "a", "update": {"set": {}}},
        {"id": "a", "update": {"set": {"x": "y" * 4097}}},
        {"id": "a", "send_event": {"event": " "}},
        {"id": "a", "send_event": {"event": "PushEngage.Subscriber.Add"}},
        {"id": "a", "wait_for": {"on": [{"event": "e"}], "timeout": "0s"}},
        {"id": "a", "wait_for": {"on": [{"event": "e"}], "timeout": "0h0m"}},
        {"id": "a", "wait_for": {"on": [{"event": "PushEngage.No"}], "timeout": "1s"}},
        {"id": "a", "wait_for": {"on": [{"event": "\t"}], "timeout": "1s"}},
        {"id": "a", "http": {"url": "https:///x"}},
        {"id": "a", "http": {"url": "{{ x }}"}},
        {"id": "run", "exit": {}},
        {"id": "a", "split": {"paths": [{"percent": 100, "steps": [], "name": "a/b"}]}},
        {"id": "a", "push": {"title": "t", "message": "m", "url": "https://a.example/", "require_interaction": 1}},
    ],
    ids=str,
)
def test_both_refuse(step: object) -> None:
    assert problems(whole(step))
    assert not validator().is_valid(whole(step))


@pytest.mark.parametrize(
    ("pushes", "valid"), [(1, True), (3.0, True), (100, True), (0, False), (101, False), (2.5, False), (True, False), ("3", False)]
)
def test_numbers(pushes: Any, valid: bool) -> None:
    document = {**whole({"id": "a", "exit": {}}), "settings": {"frequency_cap": {"pushes": pushes, "per": "1d"}}}
    assert (problems(document) == []) is valid
    assert validator().is_valid(document) is valid
    read = read_value(document)[0]
    if read is not None and read.settings.frequency_cap is not None:
        assert (read.settings.frequency_cap.pushes, type(read.settings.frequency_cap.pushes)) == (pushes, int)


@pytest.mark.parametrize("key", ["event.x", "event.1a", "event.a-b_c"])
def test_keys(key: str) -> None:
    document = {**whole({"id": "a", "exit": {}}), "start": {"on": [{"event": "e"}], "key": key}}
    assert problems(document) == []
    validator().validate(document)
    for wrong in (f"{key} x", f"{key}.y", "event.", "profile.x"):
        document["start"] = {"on": [{"event": "e"}], "key": wrong}
        assert problems(document)
        assert not validator().is_valid(document)


def test_editors_are_offered_the_system_events() -> None:
    events = json_schema()["properties"]["start"]["properties"]["on"]["items"]["properties"]["event"]
    assert {"enum": sorted(LISTENABLE)} in events["anyOf"]
