"""What a document may say of its steps: where they stand, what kind they are, what they can have left by then."""

import pytest
from tests.workflow.builders import ProgramOf
from tests.workflow.problems import problems

CLICKED = "PushEngage.Notification.Clicked"
PUSH = "push: {title: t, message: m, url: 'https://a.example/'}"
STEPS = """
steps:
  - {{id: hi, {push}}}
  - {{id: call, http: {{url: 'https://a.example/', await: true}}}}
  - {{id: fire, http: {{url: 'https://a.example/'}}}}
  - {{id: nap, wait: {{for: 1h}}}}
  - id: w
    wait_for:
      on: [{{event: buy{own}}}]
      timeout: 1d
      then: [{{id: in-then, {push}}}, {then}]
      otherwise: [{{id: in-otherwise, {push}}}, {otherwise}]
  - id: d
    decide:
      cases:
        - {{when: {{all: [{{field: event.x, op: exists}}]}}, steps: [{{id: in-one, {push}}}, {one}]}}
        - {{when: {{all: [{{field: {when}, op: exists}}]}}, steps: [{{id: in-two, {push}}}, {two}]}}
      else: [{els}]
  - {here}
  - {{id: late, {push}}}
"""
FILLER = {"then": 1, "otherwise": 2, "one": 3, "two": 4, "els": 5, "here": 6}


def document(**parts: str) -> str:
    """The document above with some of its parts written."""
    given = {name: f"{{id: filler{number}, wait: {{for: 1s}}}}" for name, number in FILLER.items()}
    return STEPS.format(**{"push": PUSH, "own": "", "when": "event.y", **given, **parts})


def asking(field: str) -> str:
    return f"{{id: t, decide: {{cases: [{{when: {{all: [{{field: {field}, op: exists}}]}}, steps: []}}]}}}}"


def saying(name: str) -> str:
    return f"{{id: t, send_event: {{event: e, data: {{x: '{{{{ {name} }}}}'}}}}}}"


def after_click(step: str) -> str:
    return f"{{id: t, wait_for: {{on: [{{event: {CLICKED}, of: {step}}}], timeout: 1d}}}}"


HELD = [
    ("here", "hi.status"),
    ("here", "call.status"),
    ("here", "call.response.a.b"),
    ("here", "w.event.x"),
    ("here", "in-then.status"),
    ("here", "in-otherwise.status"),
    ("here", "in-one.status"),
    ("then", "w.event.x"),
    ("then", "in-then.status"),
    ("one", "in-one.status"),
    ("one", "in-otherwise.status"),
    ("els", "w.event.x"),
    ("when", "w.event.x"),
    ("when", "in-then.status"),
]


@pytest.mark.parametrize(("place", "field"), HELD)
def test_what_can_have_a_value(program: ProgramOf, place: str, field: str) -> None:
    program(document(**{place: field if place == "when" else asking(field)}))
    if place != "when":
        program(document(**{place: saying(field)}))


EMPTY = [
    ("here", "late.status", "step 'late' comes later"),
    ("here", "t.status", "'t' is a {kind} step, which leaves no status: only http and push steps do"),
    ("here", "nap.status", "'nap' is a wait step, which leaves no status: only http and push steps do"),
    ("here", "hi.response.x", "'hi' is a push step, which leaves no response: only http steps do"),
    ("here", "hi.event.x", "'hi' is a push step, which leaves no event: only wait_for steps do"),
    ("here", "call.event.x", "'call' is a http step, which leaves no event: only wait_for steps do"),
    ("here", "w.status", "'w' is a wait_for step, which leaves no status: only http and push steps do"),
    ("here", "fire.status", "'fire' does not wait for its outcome: give it await: true"),
    ("here", "fire.response.x", "'fire' does not wait for its outcome: give it await: true"),
    ("otherwise", "in-then.status", "step 'in-then' is on another branch: no run takes both"),
    ("otherwise", "w.event.x", "step 'w' has timed out where this stands: no event came"),
    ("then", "in-otherwise.status", "step 'in-otherwise' comes later"),
    ("two", "in-one.status", "step 'in-one' is on another branch: no run takes both"),
    ("els", "in-one.status", "step 'in-one' is on another branch: no run takes both"),
    ("one", "late.status", "step 'late' comes later"),
    ("els", "in-two.status", "step 'in-two' is on another branch: no run takes both"),
    ("when", "in-one.status", "step 'in-one' comes later"),
    ("when", "in-two.status", "step 'in-two' comes later"),
]
UNKNOWN = [("here", "nosuch.status"), ("here", "lat.status"), ("then", "W.event.x")]


@pytest.mark.parametrize(("place", "field", "message"), EMPTY)
def test_what_can_never_have_a_value(place: str, field: str, message: str) -> None:
    text = document(**{place: field if place == "when" else asking(field)})
    assert [said for _, said in problems(text)] == [message.format(kind="decide")]
    if place != "when":
        assert [said for _, said in problems(document(**{place: saying(field)}))] == [message.format(kind="send_event")]


@pytest.mark.parametrize(("place", "field"), UNKNOWN)
def test_what_is_no_step(place: str, field: str) -> None:
    for written in (asking, saying):
        [(_, said)] = problems(document(**{place: written(field)}))
        assert said.startswith(f"unknown field '{field}'")


def test_a_near_name_is_suggested() -> None:
    [(_, said)] = problems(document(here=asking("lat.status")))
    assert said.endswith("(did you mean 'late.status'?)")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("w.event[which]", None),
        ("w.event.x[which]", None),
        ("hi.status[which]", None),
        ("hi[which]", None),
        ("w[which]", None),
        ("call[which]", None),
        ("late[which]", "step 'late' comes later"),
        ("in-otherwise[which]", None),
        ("nap[which]", "'nap' is a wait step, which leaves nothing: only push and http and wait_for steps do"),
        ("fire[which]", "'fire' does not wait for its outcome: give it await: true"),
        ("hi.foo[which]", "'hi' leaves no 'foo': a step leaves event, response, status"),
        ("call.event[which]", "'call' is a http step, which leaves no event: only wait_for steps do"),
        ("late.event[which]", "'late' is a push step, which leaves no event: only wait_for steps do"),
        ("call.response[which]", None),
        ("fire.response[which]", "'fire' does not wait for its outcome: give it await: true"),
    ],
)
def test_a_computed_part_of_a_step(program: ProgramOf, name: str, message: str | None) -> None:
    if message is None:
        program(document(here=saying(name)))
    else:
        assert [said for _, said in problems(document(here=saying(name)))] == [message]


def test_a_computed_part_of_what_timed_out() -> None:
    said = [message for _, message in problems(document(otherwise=saying("w[which]")))]
    assert said == ["step 'w' has timed out where this stands: no event came"]


def test_only_its_own_branch_has_timed_out(program: ProgramOf) -> None:
    """The second branch of a `decide` inside of `then`, or behind the wait, still has what came."""
    second = asking("event.b").replace("steps: []", f"steps: [{asking('w.event.x').replace('id: t', 'id: tt')}]")
    program(document(then=second.replace("cases: [", "cases: [{when: {field: event.a, op: exists}, steps: []}, ", 1)))
    program(document(two=asking("w.event.x")))
    inner = f"{{id: ww, wait_for: {{on: [{{event: e}}], timeout: 1d, otherwise: [{asking('w.event.x')}]}}}}"
    program(document(then=inner))
    [(_, said)] = problems(document(then=inner.replace("w.event.x", "ww.event.x")))
    assert said == "step 'ww' has timed out where this stands: no event came"
    [(_, said)] = problems(document(otherwise=inner))
    assert said == "step 'w' has timed out where this stands: no event came"


def test_of_two_steps_with_one_id_the_first_is_meant() -> None:
    found = problems("steps:\n  - {id: a, wait: {for: 1s}}\n  - " + asking("a.status") + f"\n  - {{id: a, {PUSH}}}")
    assert [said for _, said in found] == [
        "'a' is a wait step, which leaves no status: only http and push steps do",
        'another step has the id "a" already',
    ]


@pytest.mark.parametrize("body", ["psh: {}", "note: 1"])
def test_a_step_of_no_kind(body: str) -> None:
    text = "steps:\n  - {id: b, " + body + "}\n  - {here}\n"
    for here, message in (
        (asking("b.status"), "'b' is a broken step, which leaves no status: only http and push steps do"),
        (after_click("b"), "'b' is a broken step, not a push"),
    ):
        assert [said for path, said in problems(text.replace("{here}", here)) if path.startswith("steps[1]")] == [message]


@pytest.mark.parametrize("await_", ["false", "1", "'true'"])
def test_only_true_awaits(await_: str) -> None:
    text = f"steps:\n  - {{id: call, http: {{url: 'https://a.example/', await: {await_}}}}}\n  - {asking('call.status')}"
    found = [said for path, said in problems(text) if path.startswith("steps[1]")]
    assert found == ["'call' does not wait for its outcome: give it await: true"]


def test_a_reserved_id_takes_no_field_away() -> None:
    text = f"steps:\n  - {{id: event, {PUSH}}}\n  - " + asking("event.x")
    equal = "{field: event.status, op: eq, value: paid}"
    for condition in (text, text.replace("{field: event.x, op: exists}", equal)):
        assert [path for path, _ in problems(condition)] == ["steps[0].id"]


def test_a_push_without_an_id_is_not_suggested() -> None:
    found = problems(f"steps:\n  - {{{PUSH}}}\n  - {{id: 5, {PUSH}}}\n  - {after_click('h')}")
    assert [said for path, said in found if path.endswith(".of")] == ["there is no step 'h'"]


BODIES = {
    "title": "push: {title: '{{ late.status }}', message: m, url: 'https://a.example/'}",
    "url": "push: {title: t, message: m, url: 'https://a.example/{{ late.status }}'}",
    "action": "push: {title: t, message: m, url: 'https://a.example/', actions: [{title: '{{ late.status }}', url: 'https://a.example/'}]}",
    "body": "http: {url: 'https://a.example/', body: {a: [{b: 'x{{ late.status }}'}]}}",
    "header": "http: {url: 'https://a.example/', headers: {X-A: '{{ late.status }}'}}",
    "segment": "segment: {add: ['{{ late.status }}']}",
    "update": "update: {set: {a: '{{ late.status || x }}'}}",
    "profile_id": "send_event: {event: e, profile_id: '{{ late.status }}'}",
    "start_workflow": "start_workflow: {workflow: w2, data: {a: '{{ late.status }}'}}",
    "until": "wait: {until: '{{ late.status }}'}",
    "liquid": "push: {title: '{% if late.status == \"queued\" %}a{% endif %}', message: m, url: 'https://a.example/'}",
    "from": "decide: {cases: [{when: {all: [{field: event.x, op: eq, value: {from: late.status}}]}, steps: []}]}",
    "of": f"wait_for: {{on: [{{event: {CLICKED}, of: late}}], timeout: 1d}}",
}


@pytest.mark.parametrize("place", BODIES)
def test_everywhere_in_a_step(place: str) -> None:
    [(path, said)] = problems(document(here=f"{{id: t, {BODIES[place]}}}"))
    assert path.startswith("steps[6].")
    assert said == "step 'late' comes later"


def test_the_condition_of_a_wait_knows_nothing_of_its_own_event() -> None:
    [(path, said)] = problems(document(own=", where: {all: [{field: w.event.x, op: exists}]}"))
    assert (path, said) == ("steps[4].wait_for.on[0].where.all[0].field", "step 'w' is this one: it has left nothing yet")


@pytest.mark.parametrize(("place", "step"), [("here", "hi"), ("here", "in-then"), ("then", "in-then"), ("otherwise", "hi")])
def test_of_an_earlier_push(program: ProgramOf, place: str, step: str) -> None:
    program(document(**{place: after_click(step)}))


@pytest.mark.parametrize(
    ("place", "step", "message"),
    [
        ("here", "late", "step 'late' comes later"),
        ("here", "nap", "'nap' is a wait step, not a push"),
        ("here", "t", "'t' is a wait_for step, not a push"),
        ("here", "nosuch", "there is no step 'nosuch'"),
        ("here", "lat", "there is no step 'lat' (did you mean 'late'?)"),
        ("otherwise", "in-then", "step 'in-then' is on another branch: no run takes both"),
    ],
)
def test_of_what_was_no_push_before(place: str, step: str, message: str) -> None:
    [(path, said)] = problems(document(**{place: after_click(step)}))
    assert (path.endswith(".of"), said) == (True, message)


@pytest.mark.parametrize("event", ["buy", "PushEngage.Subscriber.Add"])
def test_of_goes_with_what_becomes_of_a_push(event: str) -> None:
    step = f"{{id: t, wait_for: {{on: [{{event: {event}, of: hi}}], timeout: 1d}}}}"
    [(_, said)] = problems(document(here=step))
    assert said.startswith("goes with what becomes of a push, such as PushEngage.Notification.Clicked")


ANY_STEP = "{all: [{field: hi.status, op: exists}, {field: in-then.status, op: exists}, {field: w.event.x, op: exists}]}"


def test_exit_rules_and_goals_may_ask_for_any_step(program: ProgramOf) -> None:
    program(
        f"exit: [{{event: e, where: {ANY_STEP}}}, {{audience: {ANY_STEP}}}]\n"
        f"settings: {{goal: {{event: e, within: 1d, where: {ANY_STEP}}}}}\n" + document()
    )
    [(_, said)] = problems("exit: [{event: e, where: {all: [{field: nap.status, op: exists}]}}]\n" + document())
    assert said.startswith("'nap' is a wait step")


@pytest.mark.parametrize("where", ["on", "audience"])
@pytest.mark.parametrize(
    ("field", "said"), [("hi.status", "no step has run yet, 'hi' neither"), ("run.key", "no run has started yet, so there is no run.key")]
)
def test_starts_may_not(where: str, field: str, said: str) -> None:
    condition = f"{{all: [{{field: {field}, op: exists}}]}}"
    start = f"on: [{{event: go, where: {condition}}}]" if where == "on" else f"on: [{{event: go}}], audience: {condition}"
    text = document().lstrip()
    assert problems_of(f"workflow: w\nstart: {{{start}}}\n{text}") == [said]


def problems_of(whole: str) -> list[str]:
    """The messages about a whole document."""
    from clarion.workflow.source import DocumentInvalid, read_document

    with pytest.raises(DocumentInvalid) as refused:
        read_document(whole)
    return [one.message for one in refused.value.problems]


@pytest.mark.parametrize("name", ["PushEngage.Notification.Clickd", "PushEngage.Workflow.Start", "PushEngage.", "PushEngage.x"])
def test_events_that_never_happen(name: str) -> None:
    text = f"exit: [{{event: {name}}}]\nsettings: {{goal: {{event: {name}, within: 1d}}}}\n" + document(
        here=f"{{id: t, wait_for: {{on: [{{event: {name}}}], timeout: 1d}}}}"
    )
    found = problems(text)
    assert [path for path, _ in found] == ["exit[0].event", "settings.goal.event", "steps[6].wait_for.on[0].event"]
    assert {said.partition(" is no event")[0] for _, said in found} == {f"never happens: '{name}'"}
