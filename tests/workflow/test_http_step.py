"""`http` alone: secrets in it are marks, and a run may wait for what becomes of a request."""

import re
from typing import Any

import jsonschema
import msgspec
import pytest
from tests.workflow.builders import START, ProgramOf, event, new_run

from clarion.domain.secret_marks import CLOSING, OPENING, mark
from clarion.workflow.advance import Begin, Due, Person, Resulted, Stop, Switch, Transition, advance
from clarion.workflow.effects import HttpEffect
from clarion.workflow.program import Program
from clarion.workflow.run import COMPLETED, EXITED, FAILED, WAITING
from clarion.workflow.source import DocumentInvalid, json_schema, read_document

URL = "https://api.example/"
ANSWERED = 's: "{{ call.status }}", o: "{{ call.response.o || none }}"'
AFTER = f'{{id: after, http: {{url: "https://b.example/{{{{ call.response.id }}}}", body: {{{ANSWERED}}}}}}}'


def waiting(program: ProgramOf, more: str = "") -> Program:
    return program(f'steps: [{{id: call, http: {{url: "{URL}", await: true{more}}}}}, {AFTER}]')


def problems(text: str) -> list[tuple[str, str]]:
    """Place and message of everything that is wrong with a document's steps."""
    with pytest.raises(DocumentInvalid) as refused:
        read_document(START + text)
    return [(".".join(map(str, one.path)), one.message) for one in refused.value.problems]


def begin(program: Program, person: Person, **data: Any) -> Transition:
    return advance(program, new_run(event(**data)), Begin(), 5, person)


def only(transition: Transition) -> HttpEffect:
    [effect] = transition.effects
    assert isinstance(effect, HttpEffect)
    return effect


def end(program: Program, person: Person, output: dict[str, Any]) -> Transition:
    """The run after the outcome has come."""
    began = begin(program, person)
    return advance(program, began.run, Resulted(only(began).id, output), 9, person)


def test_secrets_are_marks_in_url_headers_and_body(program: ProgramOf, person: Person) -> None:
    text = """
steps:
  - id: call
    http:
      url: "https://api.example/{{ path }}?key={{ secrets.URL_KEY }}"
      headers: {Authorization: "Bearer {{ secrets.TOKEN }}", X-Path: "{{ path }}"}
      body: {key: "{{ secrets.TOKEN }}", text: "{{ path }}{{ secrets.TOKEN }}"}
"""
    forged = f"{OPENING}TOKEN{CLOSING}"
    call = only(begin(program(text), person, path=forged))
    assert call.url == f"https://api.example/TOKEN?key={mark('URL_KEY')}"
    assert call.headers == {"Authorization": f"Bearer {mark('TOKEN')}", "X-Path": "TOKEN"}
    assert msgspec.json.decode(call.body or "") == {"key": mark("TOKEN"), "text": f"TOKEN{mark('TOKEN')}"}


def test_what_the_run_keeps_of_secrets_is_nothing(program: ProgramOf, person: Person) -> None:
    done = begin(program(f'steps: [{{id: call, http: {{url: "{URL}", headers: {{A: "{{{{ secrets.KEY }}}}"}}}}}}]'), person)
    assert done.run.status == COMPLETED
    assert b"KEY" not in msgspec.json.encode(done.run) + msgspec.json.encode(done.reasons)


@pytest.mark.parametrize(
    ("step", "place"),
    [
        ("{id: a, push: {title: '{{ secrets.K }}', message: m, url: 'https://a.example/'}}", "steps.0.push.title"),
        ("{id: a, push: {title: t, message: m, url: 'https://a.example/{{ secrets.K }}'}}", "steps.0.push.url"),
        ("{id: a, push: {title: t, message: m, url: '{{ secrets.K }}'}}", "steps.0.push.url"),
        ("{id: a, update: {set: {x: '{{ secrets.K }}'}}}", "steps.0.update.set.x"),
        ("{id: a, send_event: {event: e, data: {x: '{{ secrets.K }}'}}}", "steps.0.send_event.data.x"),
        ("{id: a, start_workflow: {workflow: other, data: {x: '{{ secrets.K }}'}}}", "steps.0.start_workflow.data.x"),
        ("{id: a, wait: {until: '{{ secrets.K }}'}}", "steps.0.wait.until"),
        (
            "{id: a, decide: {cases: [{when: {all: [{field: secrets.K, op: exists}]}, steps: []}]}}",
            "steps.0.decide.cases.0.when.all.0.field",
        ),
    ],
)
def test_elsewhere_secrets_are_refused(step: str, place: str) -> None:
    assert problems(f"steps: [{step}]") == [(place, "secrets can be used in http steps only")]


def test_in_an_exit_rule_too() -> None:
    text = "exit: [{event: e, where: {all: [{field: event.x, op: eq, value: {from: secrets.K}}]}}]\nsteps: []"
    assert [message for _, message in problems(text)] == ["secrets can be used in http steps only"]


@pytest.mark.parametrize(
    ("http", "place", "message"),
    [
        ("{url: 'https://{{ secrets.K }}.example/'}", "url", "a host without outputs"),
        ("{url: 'https://a.example{{ secrets.K }}/'}", "url", "a host without outputs"),
        ("{url: '{{ secrets.K }}'}", "url", "a host without outputs"),
        ("{url: 'https://a.example/', headers: {A: '{{ secrets.K | upcase }}'}}", "headers.A", "a secret stands alone"),
        ("{url: 'https://a.example/', body: {a: ['{{ secrets.K || none }}']}}", "body.a.0", "a secret stands alone"),
        ("{url: 'https://a.example/', body: {a: '\\uFDD0K\\uFDD1'}}", "body.a", "noncharacters"),
        ("{url: 'https://a.example/\\uFDD0'}", "url", "noncharacters"),
        ("{url: 'https://a.example/', on_error: exit}", "on_error", "needs await: true"),
        ("{url: 'https://a.example/', await: false, on_error: fail}", "on_error", "needs await: true"),
        ("{url: 'https://a.example/', await: true, on_error: retry}", "on_error", "must be one of continue, exit, fail"),
        ("{url: 'https://a.example/', await: 'yes'}", "await", "must be true or false"),
    ],
)
def test_what_an_http_step_cannot_say(http: str, place: str, message: str) -> None:
    written = re.sub(r"\\u(FDD\d)", lambda found: chr(int(found[1], 16)), http)
    [(at, said)] = problems(f"steps: [{{id: a, http: {written}}}]")
    assert at == f"steps.0.http.{place}"
    assert message in said


def test_the_schema_knows_await_and_on_error() -> None:
    document: dict[str, Any] = {
        "workflow": "w",
        "start": {"on": [{"event": "e"}]},
        "steps": [{"id": "a", "http": {"url": URL, "await": True}}],
    }
    for on_error in ("continue", "exit", "fail"):
        document["steps"][0]["http"]["on_error"] = on_error
        jsonschema.validate(document, json_schema())
    document["steps"][0]["http"]["on_error"] = "retry"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json_schema())


def test_without_await_the_run_goes_on_at_once(program: ProgramOf, person: Person) -> None:
    done = begin(program(f'steps: [{{id: call, http: {{url: "{URL}", await: false}}}}]'), person)
    assert (done.run.status, only(done).awaits) == (COMPLETED, False)


def test_a_run_waits_for_its_request_whatever_time_passes(program: ProgramOf, person: Person) -> None:
    steps = waiting(program)
    began = begin(steps, person)
    assert (began.run.status, began.run.step, began.run.due) == (WAITING, "call", None)
    assert only(began).awaits
    assert [(reason.what, reason.detail) for reason in began.reasons] == [("awaiting", {"effect": only(began).id})]
    assert advance(steps, began.run, Due(), 10**15, person).run == began.run


def test_later_steps_see_what_was_answered(program: ProgramOf, person: Person) -> None:
    done = end(waiting(program), person, {"outcome": "sent", "status": 201, "response": {"id": "a/b", "o": True}})
    assert done.run.status == COMPLETED
    assert only(done).url == "https://b.example/a%2Fb"
    assert msgspec.json.decode(only(done).body or "") == {"s": 201, "o": True}


@pytest.mark.parametrize("more", ["", ", on_error: continue"])
def test_a_failure_is_passed_over_unless_told_otherwise(program: ProgramOf, person: Person, more: str) -> None:
    done = end(waiting(program, more), person, {"outcome": "failed", "status": 422, "response": {"id": 7}})
    assert done.run.status == COMPLETED
    assert only(done).url == "https://b.example/7"
    assert msgspec.json.decode(only(done).body or "") == {"s": 422, "o": "none"}


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ({"outcome": "failed", "status": 422, "response": {}}, "step call: the request failed with status 422"),
        ({"outcome": "failed", "response": {}}, "step call: the request failed"),
        ({"outcome": "expired", "status": 503, "response": {}}, "step call: the request expired"),
    ],
)
def test_a_failure_may_fail_or_end_the_run(program: ProgramOf, person: Person, output: dict[str, Any], reason: str) -> None:
    failed = end(waiting(program, ", on_error: fail"), person, output)
    assert (failed.run.status, failed.run.reason, failed.effects) == (FAILED, reason, ())
    exited = end(waiting(program, ", on_error: exit"), person, output)
    assert (exited.run.status, exited.run.reason, exited.effects) == (EXITED, "http failed", ())


def test_only_the_outcome_of_its_own_request_counts(program: ProgramOf, person: Person) -> None:
    steps = waiting(program)
    began = begin(steps, person)
    other = advance(steps, began.run, Resulted("0" * 32, {"outcome": "sent", "response": {}}), 9, person)
    assert other.run == began.run
    stopped = advance(steps, began.run, Stop("operator"), 9, person)
    late = advance(steps, stopped.run, Resulted(only(began).id, {"outcome": "sent", "response": {}}), 10, person)
    assert (late.run.status, late.effects) == (EXITED, ())


def test_a_run_that_is_moved_does_not_ask_twice(program: ProgramOf, person: Person) -> None:
    began = begin(waiting(program), person)
    newer = msgspec.structs.replace(waiting(program, ", on_error: fail"), version=2)
    moved = advance(newer, began.run, Switch(), 7, person)
    assert (moved.run.status, moved.run.step, moved.run.due, moved.effects) == (WAITING, "call", None, ())
    failed = advance(newer, moved.run, Resulted(only(began).id, {"outcome": "failed", "response": {}}), 9, person)
    assert failed.run.status == FAILED


def test_a_run_that_is_moved_to_a_version_that_does_not_wait_goes_on(program: ProgramOf, person: Person) -> None:
    began = begin(waiting(program), person)
    newer = msgspec.structs.replace(program(f'steps: [{{id: call, http: {{url: "{URL}"}}}}]'), version=2)
    moved = advance(newer, began.run, Switch(), 7, person)
    assert (moved.run.due, moved.effects) == (7, ())
    done = advance(newer, moved.run, Due(), 7, person)
    assert (done.run.status, done.effects) == (COMPLETED, ())


def test_a_wait_that_became_a_request_asks(program: ProgramOf, person: Person) -> None:
    began = begin(program("steps: [{id: call, wait: {for: 1h}}]"), person)
    newer = msgspec.structs.replace(waiting(program), version=2)
    moved = advance(newer, began.run, Switch(), 7, person)
    assert moved.run.due == 7
    asked = advance(newer, moved.run, Due(), 7, person)
    assert (only(asked).awaits, asked.run.due) == (True, None)


@pytest.mark.parametrize(
    "name",
    [
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection"),
        *("te", "trailer", "upgrade", "expect", "webhook-id", "webhook-", "webhook-anything"),
    ],
)
def test_headers_of_the_connection_and_the_signature_are_no_matter_of_an_author(name: str) -> None:
    for spelled in (name, name.upper(), name.title()):
        found = problems(f"steps: [{{id: a, http: {{url: '{URL}', headers: {{{spelled}: x}}}}}}]")
        assert found == [(f"steps.0.http.headers.{spelled}", "is set by Clarion and cannot be given")]


@pytest.mark.parametrize("name", ["Content-Type", "User-Agent", "Authorization", "X-Host", "webhooks", "my-webhook-id", "teapot"])
def test_any_other_header_can_be_given(program: ProgramOf, person: Person, name: str) -> None:
    call = only(begin(program(f"steps: [{{id: a, http: {{url: '{URL}', headers: {{{name}: x}}}}}}]"), person))
    assert call.headers == {name: "x"}


def test_a_header_that_cannot_be_given_is_named_shortly() -> None:
    name = "webhook-" + "x" * 80
    [(place, _)] = problems(f"steps: [{{id: a, http: {{url: '{URL}', headers: {{{name}: x}}}}}}]")
    assert place == f"steps.0.http.headers.{name[:77]}…"


def test_headers_are_an_object() -> None:
    assert problems(f"steps: [{{id: a, http: {{url: '{URL}', headers: [host]}}}}]") == [("steps.0.http.headers", "must be an object")]


@pytest.mark.parametrize("given", ["a\nb", "a\r\nb", "a\tb", "a\r\n\t\n b"])
def test_a_header_is_one_line(program: ProgramOf, person: Person, given: str) -> None:
    """Else data could add headers of its own, or end them."""
    call = only(begin(program(f"steps: [{{id: a, http: {{url: '{URL}', headers: {{A: 'x{{{{ v }}}}'}}}}}}]"), person, v=given))
    assert re.fullmatch("xa {1,2}b", call.headers["A"])


@pytest.mark.parametrize("method", ["", "POST", "PUT", "PATCH", "DELETE"])
def test_all_but_get_may_have_a_body(program: ProgramOf, person: Person, method: str) -> None:
    more = f", method: {method}" if method else ""
    call = only(begin(program(f"steps: [{{id: a, http: {{url: '{URL}', body: [1]{more}}}}}]"), person))
    assert (call.method, call.body) == (method or "POST", "[1]")


def test_a_get_has_none(program: ProgramOf, person: Person) -> None:
    call = only(begin(program(f"steps: [{{id: a, http: {{url: '{URL}', method: GET}}}}]"), person))
    assert (call.method, call.body, call.headers) == ("GET", None, {})
    assert problems(f"steps: [{{id: a, http: {{url: '{URL}', method: GET, body: 1}}}}]") == [
        ("steps.0.http.body", "a GET request has no body")
    ]


def test_the_history_names_the_request_and_what_was_missing_in_any_part_of_it(program: ProgramOf, person: Person) -> None:
    parts = "url: 'https://a.example/{{ z }}{{ b }}', headers: {A: '{{ b }}{{ h }}'}, body: ['{{ a }}', '{{ z }}']"
    for more, what in (("", "http"), (", await: true", "awaiting")):
        steps = program(f"steps: [{{id: call, http: {{{parts}{more}}}}}]")
        done = begin(steps, person)
        assert (done.reasons[0].what, done.reasons[0].detail) == (what, {"effect": only(done).id, "missing": ["a", "b", "h", "z"]})
        whole = begin(steps, person, a=1, b=2, h=3, z=4)
        assert whole.reasons[0].detail == {"effect": only(whole).id}


@pytest.mark.parametrize("on_error", ["continue", "exit", "fail"])
def test_a_success_goes_on_whatever_a_failure_would_do(program: ProgramOf, person: Person, on_error: str) -> None:
    done = end(waiting(program, f", on_error: {on_error}"), person, {"outcome": "sent", "status": 204, "response": {}})
    assert (done.run.status, [effect.step for effect in done.effects]) == (COMPLETED, ["after"])


def test_an_answer_that_came_in_a_pause_is_not_asked_for_again_after_a_move(program: ProgramOf, person: Person) -> None:
    steps = waiting(program)
    began = begin(steps, person)
    answered = advance(steps, began.run, Resulted(only(began).id, {"outcome": "sent", "response": {}}), 7, person, paused=True)
    assert (answered.run.status, answered.run.due, answered.effects) == (WAITING, 7, ())
    newer = msgspec.structs.replace(steps, version=2)
    moved = advance(newer, answered.run, Switch(), 8, person)
    assert (moved.run.step, moved.run.due, moved.run.entering) == ("call", 8, False)
    done = advance(newer, moved.run, Due(), 8, person)
    assert (done.run.status, [effect.step for effect in done.effects]) == (COMPLETED, ["after"])
