"""Scenarios: what they may say, every problem with its line, and what is told when something else comes."""

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.domain.dates import instant
from clarion.domain.records import FrequencyCap, Scalar
from clarion.engine.expectations import Expected, differences
from clarion.engine.scenario import read_scenario, read_scenario_value, unknown_names
from clarion.engine.scenario_shapes import scenario_schema
from clarion.engine.simulate import simulate
from clarion.engine.world import SITE, Answer, Happened, Known, Reacted, Subscribed
from clarion.store.records.states import SiteState
from clarion.workflow.shapes import Reading
from clarion.workflow.source import DocumentInvalid, read_document
from clarion.workflow.text import read_text

DAY = 86_400_000_000
HOUR = DAY // 24
STARTS = 1_774_627_200_000_000
"""2026-03-27T17:00 in Berlin."""

WHOLE = """
name: All of it
starts: "2026-03-27T17:00"
site: {timezone: Europe/Berlin, frequency_cap: {pushes: 2, per: 1d}}
profile: {id: ann, attributes: {age: 7, vip: true, name: Ann}, segments: [b, a]}
subscribers:
  - {timezone: Europe/Paris, language: fr, created: "2025-01-01", last_click: "2026-01-01T10:00:00Z", click_count: 3}
  - {}
answers:
  pay: {status: 402, response: {paid: false}, after: 2m}
  shop/pay: {outcome: expired}
  ask: {outcome: gone, status: 410}
  fine: {}
events:
  - {at: 0s, event: add, data: {n: 1.5}, profile_id: bob, timestamp: "2026-03-27"}
  - {at: "2026-03-29T10:00", click: shop/ask, action: 1}
  - {at: 1h, view: ask}
  - {at: 1h, close: ask}
  - {at: 2h, subscribe: {city: Rome}, attributes: {x: 1}}
until: 4d
expect:
  - {at: 1d, push: ask, title: Hi, actions: [{title: a, url: "https://a.example"}]}
  - {at: 1d, http: pay, body: {a: [1, null]}}
  - {at: 1d, event: told, data: {}, workflow: other}
ends: {shop: completed, other: [exited, "failed: x"]}
becomes: {attributes: {}, segments: [x]}
goals: {shop: {count: 1, value: 2.5}, other: {}}
"""


def test_all_that_it_can_say() -> None:
    scenario = read_scenario(WHOLE)
    world = scenario.world
    assert (scenario.name, world.starts, world.profile_id, scenario.until) == ("All of it", STARTS, "ann", STARTS + 4 * DAY)
    assert world.site == SiteState(SITE, "Europe/Berlin", FrequencyCap(2, DAY))
    assert (world.attributes, world.segments) == ({"age": 7, "vip": True, "name": "Ann"}, ("b", "a"))
    clicked = instant("2026-01-01T10:00:00Z") or 0
    facts: dict[str, Scalar] = {"timezone": "Europe/Paris", "language": "fr", "last_click": clicked, "click_count": 3}
    assert world.subscribers == (Known(facts, instant("2025-01-01", "Europe/Berlin")), Known())
    assert world.answers == {
        "pay": Answer("failed", 402, {"paid": False}, 120_000_000),
        "shop/pay": Answer("expired"),
        "ask": Answer("gone", 410),
        "fine": Answer(),
    }
    assert scenario.given == (
        Happened(STARTS, "add", {"n": 1.5}, "bob", instant("2026-03-27", "Europe/Berlin")),
        Reacted(STARTS + 40 * HOUR, "clicked", "shop/ask", 1),  # 41 hours on the clock, which goes forward in between
        Reacted(STARTS + HOUR, "viewed", "ask"),
        Reacted(STARTS + HOUR, "closed", "ask"),
        Subscribed(STARTS + 2 * HOUR, {"city": "Rome"}, {"x": 1}),
    )
    expected = scenario.expected
    assert expected.messages == (
        Expected(STARTS + DAY, "push", "ask", {"title": "Hi", "actions": [{"title": "a", "url": "https://a.example"}]}),
        Expected(STARTS + DAY, "http", "pay", {"body": {"a": [1, None]}}),
        Expected(STARTS + DAY, "event", "told", {"data": {}, "workflow": "other"}),
    )
    assert expected.ends == {"shop": "completed", "other": ("exited", "failed: x")}
    assert (expected.attributes, expected.segments) == ({}, ("x",))
    assert {name: (worth.count, worth.value) for name, worth in expected.goals.items()} == {"shop": (1, 2.5), "other": (None, None)}


def test_the_same_as_json() -> None:
    value, _ = read_text(WHOLE)
    texts = [read_scenario(WHOLE), read_scenario(msgspec.json.encode(value).decode())]
    assert [msgspec.structs.replace(one, places={}) for one in texts] == [read_scenario_value(value)] * 2


def test_the_least_that_it_can_say() -> None:
    scenario = read_scenario('starts: "2026-03-27"\nevents: []')
    assert (scenario.name, scenario.until, scenario.expected.messages, scenario.world.subscribers) == ("", None, None, (Known(),))


def test_the_schema_takes_what_is_taken() -> None:
    schema = scenario_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(read_text(WHOLE)[0], schema)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('starts: "2026-03-27T17:00"', "starts: tomorrow", 3, 'starts: must be an ISO 8601 date such as "2026-03-02T10:00"'),
        ('starts: "2026-03-27T17:00"', 'starts: "1969-12-31"', 3, "starts: must lie between the years 1970 and 9989"),
        ('starts: "2026-03-27T17:00"', 'starts: "9999-12-31"', 3, "starts: must lie between the years 1970 and 9989"),
        ("starts:", "start:", 3, "start: unknown key (did you mean 'starts'?)"),
        ("Europe/Berlin,", "Berlin,", 4, "site.timezone: must be an IANA time zone such as Europe/Berlin"),
        ("Europe/Berlin,", "subscriber,", 4, "site.timezone: must be an IANA time zone such as Europe/Berlin"),
        ("pushes: 2", "pushes: 0", 4, "site.frequency_cap.pushes: must be a whole number from 1 to 100"),
        ("age: 7", "age: [7]", 5, "profile.attributes.age: must be a string, a number, true or false"),
        ("age: 7", "_age: 7", 5, "profile.attributes._age: is no key"),
        ("name: Ann}", 'name: "A\\0"}', 5, "profile.attributes.name: must not contain NUL characters"),
        ("name: Ann}", f"name: {'x' * 4096}" + "}", 5, "profile.attributes: must be at most 4096 bytes as JSON"),
        ("Europe/Paris", "Paris", 7, "subscribers[0].timezone: must be an IANA time zone"),
        ("language: fr", "lang: fr", 7, "subscribers[0].lang: unknown key (did you mean 'language'?)"),
        ('"2025-01-01"', "yesterday", 7, "subscribers[0].created: must be an ISO 8601 date"),
        ("status: 402", "status: 99", 10, "answers.pay.status: must be a whole number from 100 to 599"),
        ("after: 2m", "after: soon", 10, "answers.pay.after: is no duration"),
        ("shop/pay:", "Shop/pay:", 11, "answers.Shop/pay: must be the id of a step, or workflow/step"),
        ("expired}", "lost}", 11, "answers.shop/pay.outcome: must be one of sent, failed, expired, gone"),
        ("at: 0s, event: add", "event: add", 15, "events[0].at: is required"),
        ("at: 0s, event", 'at: "2026-03-27T16:59", event', 15, "events[0].at: is before the scenario starts"),
        ("at: 0s, event", "at: 1831d, event", 15, "events[0].at: is more than 1830 days after the start"),
        ("at: 0s, event", "at: later, event", 15, 'events[0].at: must be a duration from the start such as "1h", or an ISO 8601 date'),
        ("at: 0s, event", "at: 10, event", 15, 'events[0].at: must be a duration from the start such as "1h", or an ISO 8601 date'),
        ("event: add,", "event: add, view: ask,", 15, "events[0]: must have exactly one of event, subscribe, view, click, close"),
        ("event: add,", "", 15, "events[0]: must have exactly one of event, subscribe, view, click, close"),
        ("event: add,", "event: add, action: 1,", 15, "events[0].action: does not go with event"),
        ("action: 1", "action: 2", 16, "events[1].action: must be a whole number from 0 to 1"),
        ("view: ask}", "view: ask, data: {}}", 17, "events[2].data: does not go with view"),
        ("city: Rome", "town: Rome", 19, "events[4].subscribe.town: unknown key"),
        ("until: 4d", 'until: "2026-03-27"', 20, "until: is before the scenario starts"),
        ("until: 4d", "until: 1830d1s", 20, "until: is more than 1830 days after the start"),
        ("push: ask, title", "push: ask, http: ask, title", 22, "expect[0]: must have exactly one of push, http, event"),
        ("push: ask, title", "push: ask, method: GET, title", 22, "expect[0].method: does not go with push"),
        ("at: 1d, http: pay", 'at: "2026-03-26", http: pay', 23, "expect[1].at: is before the scenario starts"),
        ("workflow: other}", "flow: other}", 24, "expect[2].flow: unknown key (did you mean 'workflow'?)"),
        ("ends: {shop: completed", "ends: {Shop: completed", 25, "ends.Shop: must be lower-case letters"),
        ("ends: {shop: completed", "ends: {shop: 1", 25, "ends.shop: must be a string"),
        ("segments: [x]", "segments: x", 26, "becomes.segments: must be a list"),
        ("count: 1,", "count: -1,", 27, "goals.shop.count: must be a whole number"),
        ("value: 2.5", "value: much", 27, "goals.shop.value: must be a number"),
    ],
)
def test_every_problem_with_its_line(old: str, new: str, line: int, said: str) -> None:
    assert WHOLE.count(old) == 1
    with pytest.raises(DocumentInvalid) as refused:
        read_scenario(WHOLE.replace(old, new))
    assert [said in str(one) for one in refused.value.problems if one.line == line].count(True) == 1, refused.value.problems


def test_all_problems_at_once() -> None:
    text = WHOLE.replace("at: 0s, event", "at: later, event").replace("until: 4d", "until: never").replace("action: 1", "action: 7")
    with pytest.raises(DocumentInvalid) as refused:
        read_scenario(text)
    assert [one.line for one in refused.value.problems] == [15, 16, 20]


@pytest.mark.parametrize("text", ["", "[]", "a: [", "a: &x 1", "7", "events: []\nevents: []", "#" * (256 * 1024 + 1)])
def test_what_is_no_scenario_is_refused(text: str) -> None:
    with pytest.raises(DocumentInvalid):
        read_scenario(text)


TIMES = ["1h", "2026-03-27", "9999-12-31", "0001-01-01"]
values: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.sampled_from(TIMES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(scenario_schema()["properties"], values)))
def test_anything_is_read_or_refused_with_reasons(value: dict[str, object]) -> None:
    problems = None
    try:
        read_scenario_value({"starts": "2026-03-27", "events": [], **value})
    except DocumentInvalid as refused:
        problems = refused.problems
    assert problems is None or len(problems) > 0


# -- what it is compared with ------------------------------------------------------------------------------------------

AT = "2026-03-27T16:00:00.000Z"
ADDED = "PushEngage.Subscriber.AddSegment"
SHOP = """
workflow: shop
start: {on: [{event: add, where: {field: event.n, op: gt, value: 0}}], while_running: parallel}
settings: {goal: {event: buy, value: event.total, within: 1d, count: every}}
steps:
  - {id: ask, push: {title: "{{ n }}", message: m, url: "https://shop.example/"}}
  - {id: pay, http: {url: "https://shop.example/", body: {n: "{{ n }}"}}}
  - {id: told, send_event: {event: told, data: {n: "{{ n }}"}}}
  - {id: mark, segment: {add: "n{{ n }}"}}
  - {id: hour, wait: {for: 1h}}
"""


def compare(expect: str, events: str = "[{at: 0s, event: add, data: {n: 1}}]") -> list[str]:
    """What is told of a scenario that expects this of one run of the workflow."""
    scenario = read_scenario(f'starts: "2026-03-27T17:00"\nsite: {{timezone: Europe/Berlin}}\nevents: {events}\n{expect}')
    documents = [read_document(SHOP)]
    assert unknown_names(scenario, documents) == []
    return differences(scenario.expected, simulate(documents, scenario.world, scenario.given, scenario.until))


@pytest.mark.parametrize(
    "expect",
    [
        "",
        "expect: [{at: 0s, push: ask}, {at: 0s, http: pay}]",
        "expect: [{at: 0s, http: shop/pay}, {at: 0s, push: shop/ask}]",
        "expect: [{at: 0s, push: ask, title: '1', message: m}, {at: 0s, http: pay, method: POST, body: {n: 1.0}}]",
        "expect: [{at: 0s, push: ask}, {at: 0s, http: pay}, {at: 0s, event: told}, {at: 0s, event: " + ADDED + "}]",
        "ends: {shop: completed}",
        "ends: {shop: [completed]}",
        "becomes: {segments: [n1], attributes: {}}",
        "goals: {shop: {count: 0}}",
        "goals: {shop: {value: 0}}",
    ],
)  # fmt: skip
def test_nothing_is_told_where_all_is_as_expected(expect: str) -> None:
    assert compare(expect) == []


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ("expect: []", [f"push shop/ask at {AT} was not expected", f"http shop/pay at {AT} was not expected"]),
        ("expect: [{at: 0s, push: ask}, {at: 0s, http: pay}, {at: 0s, push: ask}]", [f"push ask at {AT} did not come"]),
        ("expect: [{at: 3d, push: ask}, {at: 0s, http: pay}]", [f"push ask at 2026-03-30T16:00:00.000Z came at {AT}"]),
        ("expect: [{at: 0s, push: ask, title: '2', url: x}, {at: 0s, http: pay}]", [
            f'push shop/ask at {AT}: title is "1", not "2"',
            f'push shop/ask at {AT}: url is "https://shop.example/", not "x"',
        ]),
        ("expect: [{at: 0s, push: ask, image: x}, {at: 0s, http: pay}]", [f'push shop/ask at {AT}: image is null, not "x"']),
        ("expect: [{at: 0s, push: ask}, {at: 0s, http: pay, body: {n: true}}]", [
            f'http shop/pay at {AT}: body is {{"n":1}}, not {{"n":true}}'
        ]),
        ("expect: [{at: 0s, push: ask}, {at: 0s, http: pay}, {at: 0s, event: told}]", [
            f"event PushEngage.Subscriber.AddSegment at {AT} was not expected"
        ]),
        ("ends: {shop: exited}", ["shop should end exited, but: completed"]),
        ("ends: {shop: 'completed: late'}", ["shop should end completed: late, but: completed"]),
        ("ends: {shop: [completed, completed]}", ['the runs of shop should end ["completed","completed"], but: ["completed"]']),
        ("becomes: {segments: []}", ["the profile's segments are [\"n1\"], not []"]),
        ("becomes: {attributes: {a: 1}}", ["the profile's attributes are {}, not {\"a\":1}"]),
        ("goals: {shop: {count: 1, value: 5}}", [
            "the goal of shop should be met 1 times, but: 0",
            "the goals of shop should be worth 5, but: 0",
        ]),
    ],
)  # fmt: skip
def test_what_came_otherwise_is_told(expect: str, said: list[str]) -> None:
    assert compare(expect) == said


def test_of_several_alike_the_one_that_is_most_like_it_is_compared() -> None:
    events = "[{at: 0s, event: add, data: {n: 1}}, {at: 0s, event: add, data: {n: 2}}]"
    expect = "expect: [{at: 0s, push: ask, title: '2'}, {at: 0s, push: ask, title: '1'}, {at: 0s, http: pay}, {at: 0s, http: pay}]"
    assert compare(expect, events) == []


@pytest.mark.parametrize(
    ("events", "end"),
    [
        ("[]", "never started"),
        ("[{at: 0s, event: other}]", "never started"),
        ("[{at: 0s, event: add, data: {n: 0}}]", "never started: where"),
        ("[{at: 0s, event: add, data: {n: 1}}, {at: 1m, event: add, data: {n: 0}}]", "completed"),
    ],
)
def test_why_nothing_started(events: str, end: str) -> None:
    assert compare(f'ends: {{shop: "{end}"}}', events) == []
    assert compare(f'ends: {{shop: "{end.partition(":")[0]}"}}', events) == []
    assert compare('ends: {shop: "exited: x"}', events) == [f"shop should end exited: x, but: {end}"]


def test_goals_are_summed() -> None:
    events = "[{at: 0s, event: add, data: {n: 1}}, {at: 2h, event: buy, data: {total: 1.5}}, {at: 3h, event: buy, data: {total: 2}}]"
    assert compare("goals: {shop: {count: 2, value: 3.5}}", events) == []


def test_a_reaction_to_what_was_not_sent_is_told() -> None:
    events = "[{at: 0s, view: ask}, {at: 0s, event: add, data: {n: 1}}]"
    assert compare("", events) == ["nobody can have viewed ask at 2026-03-27T16:00:00.000Z: it was not sent by then"]


def test_names_that_no_document_has_are_told() -> None:
    text = """
        starts: "2026-03-27"
        answers: {pay: {}, ask: {outcome: gone}, shop/pay: {outcome: gone}, pya: {}}
        events: [{at: 0s, click: pay}, {at: 0s, view: other/ask}, {at: 0s, view: ask}]
        expect: [{at: 0s, push: aks}, {at: 0s, http: ask}, {at: 0s, event: anything}, {at: 0s, push: shop/ask}]
        ends: {shop: completed, ship: completed}
        goals: {shup: {}}
        """
    told = [
        "answers.shop/pay: there is no push step 'shop/pay' (did you mean 'shop/ask'?)",
        "answers.pya: there is no http or push step 'pya' (did you mean 'pay'?)",
        "events[0].click: there is no push step 'pay'",
        "events[1].view: there is no push step 'other/ask'",
        "expect[0].push: there is no push step 'aks' (did you mean 'ask'?)",
        "expect[1].http: there is no http step 'ask'",
        "ends.ship: there is no workflow 'ship' (did you mean 'shop'?)",
        "goals.shup: there is no workflow 'shup' (did you mean 'shop'?)",
    ]
    value, _ = read_text(text)
    assert list(map(str, unknown_names(read_scenario_value(value), [read_document(SHOP)]))) == told
    found = unknown_names(read_scenario(text), [read_document(SHOP)])
    assert [str(one).partition(": ")[2] for one in found] == told
    assert [one.line for one in found] == [3, 3, 4, 4, 5, 5, 6, 7]


def test_so_many_names_that_no_document_has_are_told() -> None:
    scenario = read_scenario_value({"starts": "2026-03-27", "events": [{"at": "0s", "click": "nosuch"}] * (Reading.LIMIT + 1)})
    assert len(unknown_names(scenario, [read_document(SHOP)])) == Reading.LIMIT
