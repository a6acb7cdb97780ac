"""`advance()` alone: one input in, the run after it out."""

from typing import Any

import msgspec
import pytest
from tests.workflow.builders import ProgramOf, event, new_run
from tests.workflow.journey import Journey

from clarion.domain.ids import effect_id
from clarion.domain.records import Profile
from clarion.workflow.advance import Begin, Due, Leaving, Person, Stop, advance
from clarion.workflow.document import KINDS
from clarion.workflow.effects import HttpEffect, PushEffect
from clarion.workflow.run import COMPLETED, EXITED, FAILED, WAITING
from clarion.workflow.source import DocumentInvalid

HOUR = 3_600_000_000

PUSH = """
steps:
  - id: hello
    push: {title: "Hi {{ first_name }}", message: "{{ product || it }} for {{ price }}", url: "https://shop.example/?q={{ product }}"}
"""


def test_a_push_is_rendered_and_the_run_completes(program: ProgramOf, person: Person) -> None:
    done = advance(program(PUSH), new_run(event(product="a&b", price=9.5)), Begin(), 5, person)
    [push] = done.effects
    assert isinstance(push, PushEffect)
    assert (push.title, push.message, push.url) == ("Hi Ann", "a&b for 9.5", "https://shop.example/?q=a%26b")
    assert push.id == effect_id("r1", "hello", 1)
    assert (done.run.status, done.run.ended, done.run.step, done.run.due) == (COMPLETED, 5, None, None)
    assert [reason.what for reason in done.reasons] == ["push", COMPLETED]


def test_missing_values_are_recorded(program: ProgramOf, person: Person) -> None:
    done = advance(program(PUSH), new_run(event()), Begin(), 5, person)
    assert done.reasons[0].detail["missing"] == ["price", "product"]


def test_http_renders_url_headers_and_body_with_types_kept(program: ProgramOf, person: Person) -> None:
    text = """
steps:
  - id: call
    http:
      url: "https://api.example/carts/{{ cart }}"
      method: PUT
      headers: {X-Who: "{{ profile.id }}"}
      body: {price: "{{ price }}", text: "costs {{ price }}", vip: "{{ profile.vip }}", list: ["{{ name || x }}"]}
"""
    done = advance(program(text), new_run(event(cart="a/b", price=18446744073709551616)), Begin(), 5, person)
    [call] = done.effects
    assert isinstance(call, HttpEffect)
    assert (call.method, call.url, call.headers) == ("PUT", "https://api.example/carts/a%2Fb", {"X-Who": "p"})
    assert msgspec.json.decode(call.body or "") == {
        "price": 18446744073709551616,
        "text": "costs 18446744073709551616",
        "vip": True,
        "list": ["x"],
    }


def test_header_values_cannot_break_their_line(program: ProgramOf, person: Person) -> None:
    text = 'steps: [{id: call, http: {url: "https://a.example/", headers: {X-A: "{{ a }}"}}}]'
    [call] = advance(program(text), new_run(event(a="x\r\nEvil: 1")), Begin(), 0, person).effects
    assert isinstance(call, HttpEffect)
    assert call.headers == {"X-A": "x Evil: 1"}


@pytest.mark.parametrize(
    "site",
    [
        "[::1",
        "h.example:99999",
        "h.example:0",
        "user:pw@h.example",
        "0x7f.1",
        "127.1",
        "h..example",
        "-h.example",
        "h example",
        "a" * 64 + ".example",
    ],
)
def test_a_literal_host_that_is_none_is_refused_at_once(program: ProgramOf, site: str) -> None:
    with pytest.raises(DocumentInvalid):
        program(f'steps: [{{id: call, http: {{url: "https://{site}/x"}}}}]')


OPEN = 'steps: [{id: show, push: {title: t, message: m, url: "{{ url }}", image: "{{ image }}"}}]'


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("ftp://x.example/", "must start with http"),
        ("javascript:alert(1)", "must start with http"),
        ("https://user:secret@x.example/", "holds user information"),
        ("https:///path", "host is empty"),
        ("https://a b/", "space"),
        (5, "must start with http"),
    ],
)
def test_a_url_from_data_that_is_none_fails_the_run(program: ProgramOf, person: Person, value: object, reason: str) -> None:
    done = advance(program(OPEN), new_run(event(url=value)), Begin(), 0, person)
    assert done.run.status == FAILED
    assert not done.effects
    assert reason in (done.run.reason or "")
    assert (done.run.reason or "").startswith("step show: ")


def test_a_whole_url_from_data_is_used_as_it_is_and_a_missing_picture_is_left_out(program: ProgramOf, person: Person) -> None:
    url = "https://x.example/a?b=1&c=%20#d"
    done = advance(program(OPEN), new_run(event(url=url)), Begin(), 0, person)
    [push] = done.effects
    assert isinstance(push, PushEffect)
    assert (push.url, push.image) == (url, None)
    assert done.reasons[0].detail["missing"] == ["image"]


@pytest.mark.parametrize(
    ("url", "valid"),
    [
        ("https://a.example", True),
        ("https://a.example/{{ x }}", True),
        ("https://a.example?q={{ x }}", True),
        ("https://a.example:8443/#{{ x }}", True),
        ("https://{{ host }}/x", False),
        ("https://a.example{{ path }}", False),
        ("https://a.example:{{ port }}/", False),
        ("{{ url }}", False),
        ("//a.example/", False),
    ],
)
def test_data_cannot_choose_the_host_of_a_request(program: ProgramOf, url: str, valid: bool) -> None:
    text = f'steps: [{{id: call, http: {{url: "{url}"}}}}]'
    if valid:
        program(text)
    else:
        with pytest.raises(DocumentInvalid, match="a host without outputs"):
            program(text)


WAITS = """
steps:
  - {id: one, wait: {for: 1h}}
  - {id: two, wait: {for: 30m}}
  - {id: end, exit: {reason: done}}
  - {id: never, wait: {for: 1h}}
"""


def test_waits_count_from_when_they_are_entered_and_fire_once(program: ProgramOf, person: Person) -> None:
    document = program(WAITS.replace("  - {id: never, wait: {for: 1h}}\n", ""))
    run = advance(document, new_run(event()), Begin(), 100, person).run
    assert (run.status, run.step, run.since, run.due) == (WAITING, "one", 100, 100 + HOUR)
    early = advance(document, run, Due(), 99 + HOUR, person)
    assert early.run is run
    run = advance(document, run, Due(), 100 + HOUR, person).run
    assert (run.step, run.due) == ("two", 100 + HOUR + HOUR // 2)
    run = advance(document, run, Due(), run.due or 0, person).run
    assert (run.status, run.reason, run.due) == (EXITED, "done", None)
    assert advance(document, run, Due(), 10 * HOUR, person).run is run


def test_no_steps_complete_at_once(program: ProgramOf, person: Person) -> None:
    assert advance(program("steps: []"), new_run(event()), Begin(), 3, person).run.status == COMPLETED


EXITS = """
exit:
  - event: purchase
    where: {all: [{field: event.cart, op: eq, value: {from: entry.cart}}]}
  - event: stop
steps: [{id: one, wait: {for: 1h}}]
"""


def test_exit_rules_compare_with_the_starting_event(program: ProgramOf, person: Person) -> None:
    document = program(EXITS)
    run = advance(document, new_run(event(cart="c1")), Begin(), 0, person).run
    other = advance(document, run, Leaving(event("purchase", "e2"), {"cart": "c2"}), 5, person)
    assert other.run == run
    [reason] = other.reasons
    assert reason.what == "not_exited"
    assert (reason.detail["rows"][0]["saw"], reason.detail["rows"][0]["expected"]) == ("c2", "c1")
    same = advance(document, run, Leaving(event("purchase", "e3"), {"cart": "c1"}), 6, person)
    assert (same.run.status, same.run.reason, same.run.ended, same.run.due) == (EXITED, "event purchase", 6, None)
    plain = advance(document, run, Leaving(event("stop", "e4"), {}), 7, person)
    assert plain.run.status == EXITED
    unheard = advance(document, run, Leaving(event("go", "e5"), {}), 7, person)
    assert (unheard.run, unheard.reasons) == (run, ())


def test_stop_ends_wherever_it_stands(program: ProgramOf, person: Person) -> None:
    document = program(EXITS)
    run = advance(document, new_run(event()), Begin(), 0, person).run
    assert advance(document, run, Stop("restarted"), 9, person).run.reason == "restarted"


def test_a_step_that_is_gone_ends_the_run(program: ProgramOf, person: Person) -> None:
    run = advance(program(EXITS), new_run(event()), Begin(), 0, person).run
    done = advance(program("steps: []"), run, Due(), 2 * HOUR, person)
    assert (done.run.status, done.run.reason) == (EXITED, "step_removed")


def test_the_same_input_gives_the_same_outcome(program: ProgramOf, person: Person) -> None:
    document, run = program(PUSH), new_run(event(price=1))
    assert advance(document, run, Begin(), 5, person) == advance(document, run, Begin(), 5, person)


def test_what_a_failed_step_wanted_is_not_done_but_earlier_effects_stand(program: ProgramOf, person: Person) -> None:
    text = """
steps:
  - {id: good, http: {url: "https://a.example/"}}
  - {id: bad, push: {title: "{{ 'x' | divided_by: 0 }}", message: m, url: "https://a.example/"}}
  - {id: after, http: {url: "https://b.example/"}}
"""
    done = advance(program(text), new_run(event()), Begin(), 5, person)
    assert [effect.step for effect in done.effects] == ["good"]
    assert done.run.status == FAILED
    assert (done.run.reason or "").startswith("step bad: ")


def test_of_whom_nothing_is_known_but_the_profile_can_be_pushed_to_by_the_clocks_of_utc(program: ProgramOf) -> None:
    text = "steps: [{id: a, wait: {at: '13:00'}}, {id: b, push: {title: t, message: m, url: 'https://a.example/'}}]"
    unknown = Person(Profile("n:p"))
    run = advance(program(text), new_run(event()), Begin(), 0, unknown).run
    assert run.due == 13 * HOUR
    done = advance(program(text), run, Due(), 13 * HOUR, unknown)
    assert (done.run.status, [effect.step for effect in done.effects]) == (COMPLETED, ["b"]), "no pause has held it"


def test_the_history_says_which_event_did_not_end_a_wait_and_what_it_saw(program: ProgramOf) -> None:
    where = "where: {all: [{field: event.x, op: gt, value: 5}]}"
    journey = Journey(program(f"steps: [{{id: w, wait_for: {{on: [{{event: buy, {where}}}], timeout: 1d}}}}]")).begin()
    journey.hear("buy", x=5)
    [row] = journey.details["not_resumed"].pop("rows")
    assert (row["field"], row["saw"], journey.details["not_resumed"]) == ("event.x", 5, {"event": "e2"})
    journey.hear("call", x=5)
    assert journey.happened.count("not_resumed") == 1, "what the step does not wait for is not told"


@pytest.mark.parametrize(
    ("status", "told"),
    [({}, {"outcome": "expired"}), ({"status": 502}, {"outcome": "expired", "status": 502}), ({"other": 1}, {"outcome": "expired"})],
)
def test_the_history_says_what_became_of_a_request_but_not_what_was_answered(
    program: ProgramOf, status: dict[str, Any], told: dict[str, object]
) -> None:
    journey = Journey(program("steps: [{id: call, http: {url: 'https://a.example/', await: true}}]")).begin()
    journey.answer("expired", **status)
    assert journey.details["result"] == told


def test_every_step_counts_that_a_run_came_and_went(program: ProgramOf) -> None:
    journey = Journey(program("steps: [{id: a, segment: {add: x}}, {id: b, wait: {for: 1h}}]")).begin()
    counted = [(journey.counted("entered", step), journey.counted("left", step)) for step in "ab"]
    assert (journey.counted("started"), counted) == (1, [(1, 1), (1, 0)])
    journey.due()
    assert (journey.counted("left", "b"), journey.counted("completed"), journey.details["completed"]) == (1, 1, {})


def test_a_branch_is_taken_from_its_first_step_to_its_last_and_leads_back(program: ProgramOf) -> None:
    inner = ", ".join(f"{{id: in{number}, send_event: {{event: e}}}}" for number in range(3))
    text = f"steps: [{{id: w, wait_for: {{on: [{{event: buy}}], timeout: 1d, then: [{inner}]}}}}, {{id: behind, send_event: {{event: e}}}}]"
    journey = Journey(program(text)).begin()
    journey.hear("buy")
    assert [effect.step for effect in journey.effects] == ["in0", "in1", "in2", "behind"]


EVERY_KIND = """
steps:
  - {id: push, push: {title: t, message: m, url: "https://a.example/"}}
  - {id: http, http: {url: "https://a.example/"}}
  - {id: segment, segment: {add: x}}
  - {id: update, update: {set: {x: 1}}}
  - {id: send, send_event: {event: e}}
  - {id: start, start_workflow: {workflow: other}}
  - {id: stop, stop_workflow: {workflow: other}}
  - {id: wait, wait: {for: 1h}}
  - {id: wait_for, wait_for: {on: [{event: e}], timeout: 1h}}
  - {id: decide, decide: {cases: [{when: {all: [{field: event.x, op: exists}]}, steps: []}]}}
  - {id: split, split: {paths: [{percent: 50, steps: []}, {percent: 50, steps: []}]}}
  - {id: exit, exit: {}}
"""


def test_every_branch_has_a_name_for_its_counter(program: ProgramOf) -> None:
    places = program(EVERY_KIND).places
    assert {place.step.kind for place in places.values()} == set(KINDS)
    assert [id for id, place in places.items() if len(place.labels) != len(place.branches)] == []
    assert [id for id, place in places.items() if place.labels] == ["wait_for", "decide", "split"]


@pytest.mark.parametrize(("asked", "kept"), [("Sent", ["Sent", "Clicked"]), ("Failed", ["Failed", "Clicked"]), ("Clicked", ["Clicked"])])
def test_whether_a_push_was_sent_is_remembered_only_where_a_step_asks(program: ProgramOf, asked: str, kept: list[str]) -> None:
    push = "{id: hi, push: {title: t, message: m, url: 'https://a.example/'}}"
    later = f"{{id: later, wait_for: {{on: [{{event: PushEngage.Notification.{asked}, of: hi}}, {{event: buy}}], timeout: 1d}}}}"
    journey = Journey(program(f"steps: [{push}, {{id: nap, wait: {{for: 1d}}}}, {later}]")).begin()
    for name in ("Sent", "Failed", "Clicked"):
        journey.hear(f"PushEngage.Notification.{name}", run="r1", step="hi")
    assert [name.rpartition(".")[2] for name in journey.run.receipts["hi"]] == kept
