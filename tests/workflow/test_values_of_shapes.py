"""What each shape takes for a value, what it reads in it, and what it says of anything else: both sides of every limit."""

import math
from typing import Any

import pytest
from tests.workflow.documents import Value

from clarion.domain.durations import NO_DURATION
from clarion.domain.problems import Path
from clarion.domain.templates import Template
from clarion.workflow.document import DocumentShape
from clarion.workflow.fields import (
    SLUG,
    ConditionTree,
    Duration,
    EventField,
    EventName,
    FlatData,
    JsonBody,
    StepId,
    TemplateText,
    Url,
)
from clarion.workflow.nesting import Steps
from clarion.workflow.shapes import INVALID, Choice, Flag, ListOf, MapOf, Object, Reading, Shape, Text, Whole, printable, tried
from clarion.workflow.steps import KINDS

AB = Text(most=3, pattern="[ab]+", says="is no word of a and b")
BOUNDED = Duration(1_000_000, 60_000_000, "must be from 1s to 1m")
EMPTY: Value = {}
NO_SCALARS: list[object] = [None, [], {}, 2**63, -(2**63) - 1, math.inf, -math.inf, math.nan]
NUMBERED: Value = {f"k{number}": number for number in range(200)}
PAIR = Object({"a": Flag()}, {"b": Whole(1, 9)})

NO_EVENT_FIELD = "must be a field of the event, such as event.cart_id"
NO_SITE = "must start with http:// or https:// and a host without outputs"
OR_WHOLE = ", or be one {{ output }} that holds the whole URL"
NO_URL = "the URL holds a space, a control character or a backslash"
OPEN = "'{{' in line 1 is never closed with '}}'"
NO_SCALAR = "must be a string, a number, true or false"


def said(shape: Shape, value: object, reading: Reading | None = None) -> list[tuple[Path, str]]:
    """What a shape says of a value at `x`."""
    reading = reading or Reading()
    read = shape.read(value, ("x",), reading)
    assert (read is INVALID) is bool(reading.found)
    return [(problem.path[1:], problem.message) for problem in reading.found]


@pytest.mark.parametrize(
    ("shape", "value", "read"),
    [
        (Text(most=3), "a", "a"),
        (Text(most=3), "abc", "abc"),
        (Text(most=3), "\ud7ff\ue000🙂", "\ud7ff\ue000🙂"),
        (Text(least=0, most=3), "", ""),
        (Text(least=0, most=0), "", ""),
        (AB, "aba", "aba"),
        (SLUG, "a", "a"),
        (SLUG, "0_b-c", "0_b-c"),
        (SLUG, "plans", "plans"),
        (SLUG, "a" * 64, "a" * 64),
        (StepId(), "A_b-0", "A_b-0"),
        (StepId(), "Event", "Event"),
        (StepId(), "a" * 64, "a" * 64),
        (EventName(), "Add to cart", "Add to cart"),
        (EventName(), "a" * 64, "a" * 64),
        (EventName(), "PushEngage.Notification.Clicked", "PushEngage.Notification.Clicked"),
        (EventName(), "PushEngageX", "PushEngageX"),
        (Choice("one", "two"), "two", "two"),
        (Whole(2, 5), 2, 2),
        (Whole(2, 5), 5, 5),
        (Whole(2, 5), 3.0, 3),
        (Whole(0, 1), 0, 0),
        (Flag(), False, False),
        (Duration(), "0s", 0),
        (Duration(), "1ms", 1_000),
        (Duration(), "3660d", 3660 * 86_400_000_000),
        (BOUNDED, "1s", 1_000_000),
        (BOUNDED, "60s", 60_000_000),
        (ListOf(Flag(), most=2), [], ()),
        (ListOf(Flag(), most=2), [True, False], (True, False)),
        (ListOf(Flag(), least=1, most=2), [True], (True,)),
        (MapOf(AB, Flag(), most=2), EMPTY, EMPTY),
        (MapOf(AB, Flag(), least=1, most=2), {"a": True}, {"a": True}),
        (MapOf(AB, Flag(), most=2), {"a": True, "b": False}, {"a": True, "b": False}),
        (PAIR, {"a": True}, {"a": True}),
        (PAIR, {"b": 9, "a": False}, {"b": 9, "a": False}),
        (Object(optional={"a": Flag(), "b": Flag()}, least=1), {"b": True}, {"b": True}),
        (Object(), EMPTY, EMPTY),
        (FlatData(), EMPTY, EMPTY),
        (EventField(), "event.cart_id", "event.cart_id"),
        (FlatData(), {"k" * 255: 1}, {"k" * 255: 1}),
        (FlatData(), NUMBERED, NUMBERED),
        (FlatData(), {"a": 2**63 - 1, "b": -(2**63), "c": 1.5, "d": True}, {"a": 2**63 - 1, "b": -(2**63), "c": 1.5, "d": True}),
    ],
)
def test_what_is_taken(shape: Shape, value: object, read: object) -> None:
    reading = Reading()
    given = shape.read(value, ("x",), reading)
    assert (given, type(given), reading.found) == (read, type(read), [])


@pytest.mark.parametrize(
    ("shape", "value", "message"),
    [
        (Text(most=3), 5, "must be a string"),
        (Text(most=3), None, "must be a string"),
        (Text(most=3), "", "must not be empty"),
        (Text(most=3), "abcd", "must be at most 3 characters"),
        (Text(most=3), "a\0", "must not contain NUL characters"),
        *((Text(most=3), f"a{half}", "must not contain half of a character") for half in "\ud800\udbff\udc00\udfff"),
        (AB, "abc", "is no word of a and b"),
        (AB, "ca", "is no word of a and b"),
        (SLUG, "a" * 65, "must be at most 64 characters"),
        *((SLUG, word, SLUG.says) for word in ("validate", "plan", "-a", "_a", "A", "a.b", "a\n")),
        (StepId(), "a" * 65, "must be at most 64 characters"),
        (StepId(), "-a", "must be letters, digits, hyphens and underscores, starting with a letter or digit"),
        *(
            (StepId(), root, f'"{root}" is reserved and cannot be the id of a step')
            for root in ("event", "entry", "profile", "segments", "subscriber", "run", "secrets")
        ),
        (EventName(), 5, "must be a string"),
        (EventName(), " \t", "must not be empty"),
        (EventName(), "a" * 65, "must be at most 64 characters"),
        (
            EventName(),
            "PushEngage.Notification.Click",
            "never happens: 'PushEngage.Notification.Click' is no event that Clarion makes"
            " (did you mean 'PushEngage.Notification.Clicked'?)",
        ),
        (Choice("one", "two"), "three", "must be one of one, two"),
        (Choice("first", "second"), "frist", "must be one of first, second (did you mean 'first'?)"),
        (Choice("one", "two"), ["one"], "must be one of one, two"),
        *((Whole(2, 5), value, "must be a whole number from 2 to 5") for value in (1, 6, 2.5, math.inf, "3", None)),
        (Whole(0, 1), True, "must be a whole number from 0 to 1"),
        (Flag(), 1, "must be true or false"),
        *((Duration(), value, NO_DURATION) for value in (60, None, "-1h")),
        (Duration(), "1x", NO_DURATION),
        (BOUNDED, "999ms", "must be from 1s to 1m"),
        (BOUNDED, "60s1ms", "must be from 1s to 1m"),
        (ListOf(Flag(), most=2), "ab", "must be a list"),
        (ListOf(Flag(), most=2), [True] * 3, "must have at most 2 members"),
        (ListOf(Flag(), least=1, most=2), [], "must have at least 1 member"),
        (ListOf(Flag(), least=2, most=2), [True], "must have at least 2 members"),
        (MapOf(AB, Flag(), most=2), [], "must be an object"),
        (MapOf(AB, Flag(), least=1, most=2), {}, "must not be empty"),
        (MapOf(AB, Flag(), most=2), {"a": True, "b": True, "ab": True}, "must have at most 2 keys"),
        (PAIR, [], "must be an object"),
        (Object(optional={"a": Flag(), "b": Flag()}, least=1), {}, "must have at least one of a, b"),
        (ConditionTree(), 5, "must be a row {field, op, value} or one of {all: […]}, {any: […]}, {not: {…}}"),
        *((EventField(), value, NO_EVENT_FIELD) for value in (5, "profile.x", "run.key")),
        (EventField(), "event.", "names no key: write event.<key>"),
        (EventField(), "evnt.x", "unknown field 'evnt.x' (did you mean 'event.x'?)"),
        (EventField(), "x", "unknown field 'x': a field of the event is written 'event.x'"),
        (Choice("GET", "PATCH"), "FETCH", "must be one of GET, PATCH"),
        (FlatData(least=1), {}, "must not be empty"),
        (FlatData(), {f"k{number}": 1 for number in range(201)}, "must have at most 200 keys"),
        (TemplateText(most=9), "", "must not be empty"),
        (TemplateText(most=9), "x" * 10, "must be at most 9 characters"),
        (Steps(), None, "must be a list of steps"),
    ],
)
def test_what_is_refused(shape: Shape, value: object, message: str) -> None:
    assert said(shape, value) == [((), message)]


@pytest.mark.parametrize(
    ("shape", "value", "expected"),
    [
        (ListOf(Flag(), most=3), [True, 1, 2], [((1,), "must be true or false"), ((2,), "must be true or false")]),
        # beyond the most that there may be, nothing is looked at
        (ListOf(Flag(), most=1), [1, 1], [((), "must have at most 1 members"), ((0,), "must be true or false")]),
        (ListOf(Flag(), least=2, most=3), [1], [((), "must have at least 2 members"), ((0,), "must be true or false")]),
        (MapOf(AB, Flag(), most=1), {"a": 1, "b": 1}, [((), "must have at most 1 keys"), (("a",), "must be true or false")]),
        (MapOf(AB, Flag(), most=1), {"c": True}, [(("c",), "is no word of a and b")]),
        (MapOf(AB, Flag(), most=2), {"c": True, "a": True}, [(("c",), "is no word of a and b")]),
        (MapOf(AB, Flag(), most=2), {"a": 1, "b": True}, [(("a",), "must be true or false")]),
        (PAIR, {}, [(("a",), "is required")]),
        (PAIR, {"a": True, "c": 1, "d": 1}, [(("c",), "unknown key"), (("d",), "unknown key")]),
        (PAIR, {"a": True, "c": 1, "b": 0}, [(("c",), "unknown key"), (("b",), "must be a whole number from 1 to 9")]),
        (PAIR, {"a": 1, "b": 1}, [(("a",), "must be true or false")]),
        (
            Object(optional={"add": Flag()}, least=1),
            {"ad": True},
            [(("ad",), "unknown key (did you mean 'add'?)"), ((), "must have at least one of add")],
        ),
        (FlatData(), {"k" * 256: 1}, [(("k" * 77 + "…",), "must be at most 255 characters")]),
        *((FlatData(), {"k": value}, [(("k",), NO_SCALAR)]) for value in NO_SCALARS),
        (FlatData(), {"k": "x" * 4097}, [(("k",), "must be at most 4096 characters")]),
        (FlatData(), {"k": "{{ x"}, [(("k",), OPEN)]),
        (JsonBody(), {"a": ["", {"b": "{{ x"}]}, [(("a", 1, "b"), OPEN)]),
        (
            ConditionTree(),
            {"all": [{"field": "event.x", "op": "exists"}, {"field": "evnt.x", "op": "exists"}]},
            [(("all", 1, "field"), "unknown field 'evnt.x' (did you mean 'event.x'?)")],
        ),
    ],
)
def test_where_it_is_wrong(shape: Shape, value: object, expected: list[tuple[Path, str]]) -> None:
    assert said(shape, value) == expected


def test_a_check_sees_the_object_as_it_was_given_whatever_else_is_wrong() -> None:
    shape = Object({"a": Flag()}, check=lambda value, _: [(("a", 0), f"{value['a']} is odd"), ((), "is odd")])
    assert said(shape, {"a": 5}) == [(("a",), "must be true or false"), (("a", 0), "5 is odd"), ((), "is odd")]
    assert said(shape, {"a": True}) == [(("a", 0), "True is odd"), ((), "is odd")]


@pytest.mark.parametrize(("length", "shown"), [(80, "k" * 80), (81, "k" * 77 + "…"), (70_000, "k" * 77 + "…")])
def test_a_key_is_cut_short_where_problems_name_it(length: int, shown: str) -> None:
    assert printable("k" * length) == shown
    assert said(PAIR, {"a": True, "k" * length: 1}) == [((shown,), "unknown key")]
    assert said(MapOf(Text(most=10**6), Flag(), most=1), {"k" * length: 1}) == [((shown,), "must be true or false")]


@pytest.mark.parametrize(("wrong", "told"), [(199, 199), (200, 200), (201, 200)])
def test_a_document_is_told_two_hundred_problems_and_no_more(wrong: int, told: int) -> None:
    assert len(said(ListOf(Flag(), most=1000), [None] * wrong)) == told


# -- templates and URLs


@pytest.mark.parametrize("shape", [TemplateText(most=40), Url(whole=False), JsonBody()])
def test_secrets_are_for_http_steps(shape: Shape) -> None:
    assert said(shape, "https://a.example/{{ secrets.KEY }}") == [((), "secrets can be used in http steps only")]


@pytest.mark.parametrize("shape", [TemplateText(most=40, secrets=True), Url(whole=False, secrets=True), JsonBody(secrets=True)])
def test_secrets_where_they_may_be(shape: Shape) -> None:
    assert said(shape, "https://a.example/{{ secrets.KEY }}") == []


HOSTS = [
    "https://a.example",
    "HTTP://A.example",
    "http://a.example:8080/{{ x }}",
    "https://a.example?q={{ x }}",
    "https://a.example#{{ x }}",
    "https://a.example/{% if x %}y{% endif %}",
    "https://a.example/ {{- x -}} ",
    "https://a.example/\n{%- if x %} {% endif -%}\n",
    "https://a.example/{{ 'a b' }}/{{ \"c\\d\" }}",
    "https://a.example/ä",
    "https://a.example/" + "x" * 2030,
]
NO_HOSTS = [
    "a.example",
    "ftp://a.example/",
    "xhttps://a.example/",
    "https:///x",
    "https://",
    "https://{{ x }}/",
    "https://{{ x }}.example/",
    "https://a.example{{ x }}",
    "https://a.example:{{ x }}/",
    "https://a.example{% if x %}.evil{% endif %}/",
    "https://a .example/",
    "{{ x }}/y",
    " {{ x }}",
    "{{ x }}{{ y }}",
]


@pytest.mark.parametrize("url", HOSTS)
@pytest.mark.parametrize("whole", [True, False])
def test_a_url_has_a_host_of_its_own(url: str, whole: bool) -> None:
    read = tried(Url(whole=whole), url)
    assert isinstance(read, Template)
    assert read.source == url


@pytest.mark.parametrize("url", NO_HOSTS)
def test_no_data_chooses_a_host(url: str) -> None:
    assert said(Url(whole=False), url) == [((), NO_SITE)]
    assert said(Url(whole=True), url) == [((), NO_SITE + OR_WHOLE)]


def test_one_output_may_be_a_whole_url_where_that_is_allowed() -> None:
    assert said(Url(whole=True), "{{ x || 'https://a.example/' }}") == []
    assert said(Url(whole=False), "{{ x }}") == [((), NO_SITE)]


@pytest.mark.parametrize(
    ("url", "whole", "expected"),
    [
        (5, False, ["must be a string"]),
        ("https://a.example/" + "x" * 2031, False, ["must be at most 2048 characters"]),
        ("https://a.example/{{ x", False, [OPEN]),
        ("https://a.example:0/{{ x", False, [OPEN, "the URL's port is out of range"]),
        ("{{ x", True, [OPEN]),
        ("{% x", True, ["'{%' in line 1 is never closed with '%}'"]),
        ("{{ x", False, [OPEN, NO_SITE]),
        ("ftp://a.example/{{ x", True, [OPEN, NO_SITE + OR_WHOLE]),
        ("https://a.example:99999/", False, ["the URL's port is out of range"]),
        ("https://a.example:99999/{{ x }}", True, ["the URL's port is out of range"]),
        ("https://a.example\n", True, [NO_SITE + OR_WHOLE]),
        *((f"https://a.example/{wrong}", False, [NO_URL]) for wrong in ("a b", "\n", "\\", "a b{{ x }}", "{{ x }}\n", "{{ x }}/a b")),
        *((f"https://a.example/{wrong}", False, [NO_URL]) for wrong in (" {{ x -}}", "{{- x }} ", "{% if x %}y{% endif %} ")),
    ],
)
def test_what_is_said_of_a_url(url: object, whole: bool, expected: list[str]) -> None:
    assert [message for _, message in said(Url(whole=whole), url)] == expected


@pytest.mark.parametrize("length", [0, 4096])
def test_a_text_of_flat_data(length: int) -> None:
    read = tried(FlatData(), {"k": "x" * length})
    assert read["k"].source == "x" * length


# -- all of them

EVERY: list[Shape] = [
    Text(most=9),
    Choice("a"),
    Whole(0, 1),
    Flag(),
    ListOf(Flag(), most=1),
    MapOf(AB, Flag(), most=1),
    PAIR,
    SLUG,
    StepId(),
    EventName(),
    Duration(),
    ConditionTree(),
    EventField(),
    TemplateText(most=9),
    Url(whole=True),
    FlatData(),
    JsonBody(),
    Steps(),
    DocumentShape(),
    *(kind.shape for kind in KINDS.values()),
]
JUNK: list[object] = [None, True, 5, 1.5, "", "x", "{{ x", "\0", [], [None], {}, {"x": None}, {"field": "x"}, math.nan]


@pytest.mark.parametrize("shape", EVERY, ids=lambda shape: type(shape).__name__)
def test_a_shape_reads_a_value_or_says_why_it_does_not(shape: Shape) -> None:
    for value in JUNK:
        reading = Reading()
        read: Any = shape.read(value, (), reading)
        assert (read is INVALID) is bool(reading.found), value
        assert read is not None


def test_a_value_that_is_only_tried_leaves_nothing_behind() -> None:
    value: Value = {"a": 5}
    assert tried(PAIR, value) is INVALID
    assert tried(PAIR, {"a": True}) == {"a": True}
