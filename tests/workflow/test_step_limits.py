"""How much each key of a step may hold: what just fits and what no longer does, by the reader and by the published schema."""

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from clarion.workflow.document import json_schema, read_value

Body = dict[str, Any]

URL = "https://a.example/"
PUSH: Body = {"title": "t", "message": "m", "url": URL}


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema())


def whole(kind: str, body: object) -> Body:
    return {"workflow": "w", "start": {"on": [{"event": "e"}]}, "steps": [{"id": "s", kind: body}]}


def problems(kind: str, body: object) -> list[tuple[str, str]]:
    """Place below the step, and message."""
    return [(".".join(map(str, one.path[2:])), one.message) for one in read_value(whole(kind, body))[1].found]


def key(name: str, base: Body) -> Callable[[int], Body]:
    """Text of some length under one key of a body."""
    return lambda length: base | {name: "x" * length}


def share(name: str) -> Body:
    return {"paths": [{"percent": 100, "steps": [], "name": name}]}


def pushes_with(count: int) -> Body:
    return PUSH | {"actions": [{"title": "t", "url": URL}] * count}


@pytest.mark.parametrize(
    ("kind", "body", "most", "place"),
    [
        ("push", key("title", PUSH), 500, "push.title"),
        ("push", key("message", PUSH), 2000, "push.message"),
        ("push", key("tag", PUSH), 200, "push.tag"),
        ("push", lambda length: PUSH | {"actions": [{"title": "x" * length, "url": URL}]}, 200, "push.actions.0.title"),
        ("http", lambda length: {"url": URL, "headers": {"A": "x" * length}}, 2000, "http.headers.A"),
        ("segment", key("add", {}), 200, "segment.add"),
        ("segment", key("remove", {}), 200, "segment.remove"),
        ("segment", lambda length: {"add": ["x" * length]}, 200, "segment.add.0"),
        ("update", lambda length: {"remove": ["x" * length]}, 255, "update.remove.0"),
        ("send_event", key("event", {}), 64, "send_event.event"),
        ("send_event", key("profile_id", {"event": "e"}), 1000, "send_event.profile_id"),
        ("start_workflow", key("workflow", {}), 64, "start_workflow.workflow"),
        ("stop_workflow", key("workflow", {}), 64, "stop_workflow.workflow"),
        ("wait_for", lambda length: {"on": [{"event": "x" * length}], "timeout": "1h"}, 64, "wait_for.on.0.event"),
        ("split", lambda length: share("x" * length), 64, "split.paths.0.name"),
        ("exit", key("reason", {}), 200, "exit.reason"),
    ],
)
def test_a_text_has_at_least_one_character_and_not_too_many(kind: str, body: Callable[[int], Body], most: int, place: str) -> None:
    for length in (1, most):
        assert problems(kind, body(length)) == []
        assert validator().is_valid(whole(kind, body(length)))
    assert problems(kind, body(0)) == [(place, "must not be empty")]
    assert problems(kind, body(most + 1)) == [(place, f"must be at most {most} characters")]
    for length in (0, most + 1):
        assert not validator().is_valid(whole(kind, body(length)))


@pytest.mark.parametrize(
    ("kind", "body", "most", "place"),
    [
        ("push", pushes_with, 2, "push.actions"),
        ("segment", lambda count: {"add": ["a"] * count}, 20, "segment.add"),
        ("segment", lambda count: {"remove": ["a"] * count}, 20, "segment.remove"),
        ("update", lambda count: {"remove": ["a"] * count}, 200, "update.remove"),
        ("wait_for", lambda count: {"on": [{"event": "a"}] * count, "timeout": "1h"}, 20, "wait_for.on"),
    ],
)
def test_a_list_has_not_too_many_members(kind: str, body: Callable[[int], Body], most: int, place: str) -> None:
    assert problems(kind, body(most)) == []
    assert validator().is_valid(whole(kind, body(most)))
    assert problems(kind, body(most + 1)) == [(place, f"must have at most {most} members")]
    assert not validator().is_valid(whole(kind, body(most + 1)))


@pytest.mark.parametrize(
    ("kind", "body", "place"),
    [
        ("segment", {"add": []}, "segment.add"),
        ("update", {"remove": []}, "update.remove"),
        ("wait_for", {"on": [], "timeout": "1h"}, "wait_for.on"),
        ("decide", {"cases": []}, "decide.cases"),
        ("split", {"paths": []}, "split.paths"),
    ],
)
def test_a_list_that_a_step_lives_on_has_a_member(kind: str, body: Body, place: str) -> None:
    assert problems(kind, body) == [(place, "must have at least 1 member")]
    assert not validator().is_valid(whole(kind, body))


def test_a_push_needs_no_actions() -> None:
    assert problems("push", pushes_with(0)) == []
    assert validator().is_valid(whole("push", pushes_with(0)))


def headers(count: int) -> Body:
    return {"url": URL, "headers": {f"h{number}": "v" for number in range(count)}}


def test_a_request_has_at_most_30_headers_of_its_own() -> None:
    assert problems("http", headers(30)) == []
    assert validator().is_valid(whole("http", headers(30)))
    assert problems("http", headers(31)) == [("http.headers", "must have at most 30 keys")]
    assert not validator().is_valid(whole("http", headers(31)))


@pytest.mark.parametrize("name", ["x" * 100, "!#$%&'*+.^_`|~-", "0"])
def test_names_of_headers(name: str) -> None:
    body = {"url": URL, "headers": {name: "v"}}
    assert problems("http", body) == []
    assert validator().is_valid(whole("http", body))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x" * 101, "must be at most 100 characters"),
        ("", "must not be empty"),
        ("a b", "is no HTTP header name"),
        ("a:", "is no HTTP header name"),
        ("a\nb", "is no HTTP header name"),
        ("ä", "is no HTTP header name"),
    ],
)
def test_what_is_no_name_of_a_header(name: str, message: str) -> None:
    body = {"url": URL, "headers": {name: "v"}}
    assert [said for _, said in problems("http", body)] == [message]
    assert not validator().is_valid(whole("http", body))


TOO_LONG = "must be at most 28d"
NO_TIMEOUT = "must be longer than 0s and at most 365d"


@pytest.mark.parametrize(
    ("kind", "body", "place", "message"),
    [
        ("push", PUSH | {"ttl": "0s"}, "", None),
        ("push", PUSH | {"ttl": "28d"}, "", None),
        ("push", PUSH | {"ttl": "28d1ms"}, "push.ttl", TOO_LONG),
        ("wait_for", {"on": [{"event": "e"}], "timeout": "1ms"}, "", None),
        ("wait_for", {"on": [{"event": "e"}], "timeout": "365d"}, "", None),
        ("wait_for", {"on": [{"event": "e"}], "timeout": "365d1ms"}, "wait_for.timeout", NO_TIMEOUT),
        ("wait_for", {"on": [{"event": "e"}], "timeout": "0s"}, "wait_for.timeout", NO_TIMEOUT),
    ],
)
def test_how_long_things_may_last(kind: str, body: Body, place: str, message: str | None) -> None:
    assert problems(kind, body) == ([] if message is None else [(place, message)])


@pytest.mark.parametrize(
    ("kind", "base", "name", "words"),
    [
        ("push", PUSH, "urgency", ["very-low", "low", "normal", "high"]),
        ("http", {"url": URL}, "method", ["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ("http", {"url": URL, "await": True}, "on_error", ["continue", "exit", "fail"]),
        ("split", share("a"), "by", ["profile", "run"]),
    ],
)
def test_words_that_can_be_chosen(kind: str, base: Body, name: str, words: list[str]) -> None:
    for word in words:
        assert problems(kind, base | {name: word}) == []
        assert validator().is_valid(whole(kind, base | {name: word}))
    for word in ("", words[0].swapcase(), "other"):
        [(place, message)] = problems(kind, base | {name: word})
        assert (place, message.partition(" (")[0]) == (f"{kind}.{name}", f"must be one of {', '.join(words)}")
        assert not validator().is_valid(whole(kind, base | {name: word}))


@pytest.mark.parametrize(("kind", "whole_url", "names"), [("push", True, ["url", "icon", "image", "badge"]), ("http", False, ["url"])])
def test_where_one_output_may_be_the_whole_url(kind: str, whole_url: bool, names: list[str]) -> None:
    base = PUSH if kind == "push" else {"url": URL}
    for name in names:
        assert (problems(kind, base | {name: "{{ event.link }}"}) == []) is whole_url
        assert validator().is_valid(whole(kind, base | {name: "{{ event.link }}"})) is whole_url
        assert problems(kind, base | {name: "{{ event.host }}/x"}) != []


def test_a_button_may_lead_to_one_output_too() -> None:
    body = PUSH | {"actions": [{"title": "t", "url": "{{ event.link }}"}]}
    assert problems("push", body) == []
    assert validator().is_valid(whole("push", body))


@pytest.mark.parametrize("percent", [0.01, 0.1, 1, 33.33, 99.99, 100, 100.0])
def test_shares(percent: float) -> None:
    rest = [] if percent == 100 else [{"percent": round(100 - percent, 2), "steps": []}]
    body = {"paths": [{"percent": percent, "steps": []}, *rest]}
    assert problems("split", body) == []
    assert validator().is_valid(whole("split", body))


@pytest.mark.parametrize("percent", [0, 0.009, -1, 100.01, 101, "50", True, None, [50]])
def test_what_is_no_share(percent: object) -> None:
    body = {"paths": [{"percent": percent, "steps": []}]}
    assert problems("split", body) == [("split.paths.0.percent", "must be a number from 0.01 to 100 with at most two decimals")]
    assert not validator().is_valid(whole("split", body))


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("bought", None),
        ("PushEngageX", None),
        ("my PushEngage.x", None),
        ("pushengage.x", None),
        ("PushEngage.", 'names that start with "PushEngage." are Clarion\'s own'),
        ("PushEngage.Anything", 'names that start with "PushEngage." are Clarion\'s own'),
        (" \t", "must not be empty"),
        (5, "must be a string"),
    ],
)
def test_events_that_a_workflow_may_send(event: object, message: str | None) -> None:
    body = {"event": event}
    assert problems("send_event", body) == ([] if message is None else [("send_event.event", message)])
    assert validator().is_valid(whole("send_event", body)) is (message is None)


@pytest.mark.parametrize(
    ("names", "message"),
    [("a", None), (["a", "b"], None), (5, "must be a string"), ({"a": 1}, "must be a string"), (None, "must be a string")],
)
def test_segments_are_one_name_or_several(names: object, message: str | None) -> None:
    for name in ("add", "remove"):
        assert problems("segment", {name: names}) == ([] if message is None else [(f"segment.{name}", message)])
        assert validator().is_valid(whole("segment", {name: names})) is (message is None)
