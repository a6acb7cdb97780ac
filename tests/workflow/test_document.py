"""Documents: every problem at once, each with its path and its line."""

import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.workflow.document import json_schema, read_value
from clarion.workflow.source import DocumentInvalid, canonical, parse_canonical, read_document, spell

GOOD = """\
workflow: abandoned-cart
name: Abandoned cart
start:
  on:
    - event: add_to_cart
      where: {all: [{field: event.price, op: gte, value: 20}]}
  key: event.cart_id
  while_running: restart
  again: {after: 24h}
  max_age: 72h
exit:
  - event: purchase
    where: {all: [{field: event.cart_id, op: eq, value: {from: entry.cart_id}}]}
steps:
  - id: hour
    wait: {for: 1h}
  - id: remind
    push:
      title: "Still thinking about {{ product_name || it }}?"
      message: "{{ product_name }} is yours for {{ price }}."
      url: "https://shop.example/cart/{{ cart_id }}"
      actions: [{title: Open, url: "https://shop.example/"}]
      ttl: 4h
      urgency: high
  - id: tell
    http: {url: "https://api.example/hook", body: {cart: "{{ cart_id }}"}}
  - id: end
    exit: {}
"""


def problems(text: str) -> list[tuple[str, str, int | None]]:
    with pytest.raises(DocumentInvalid) as caught:
        read_document(text)
    return [(spell(problem.path), problem.message, problem.line) for problem in caught.value.problems]


def test_a_good_document_reads_and_survives_its_canonical_form() -> None:
    document = read_document(GOOD)
    assert (document.workflow, document.name, [step.id for step in document.steps]) == (
        "abandoned-cart",
        "Abandoned cart",
        ["hour", "remind", "tell", "end"],
    )
    assert document.start.again.after == 86_400_000_000
    again = parse_canonical(canonical(document))
    assert canonical(again) == canonical(document)


def test_json_and_yaml_say_the_same() -> None:
    document = read_document(GOOD)
    assert canonical(read_document(json.dumps(document.value, indent=1))) == canonical(document)


def test_every_problem_is_named_with_its_line() -> None:
    text = """\
workflow: Bad Name
start:
  on:
    - evnt: x
  key: evnt.cart
steps:
  - id: one
    wait: {for: 1x}
  - id: one
    psh: {}
  - wait: {for: 1h}
  - id: event
    exit: {}
  - id: two
    push: {title: "{{ open", message: m, url: "ftp://x"}
"""
    found = problems(text)
    assert [(path, line) for path, _, line in found] == [
        ("workflow", 1),
        ("start.on[0].event", 4),
        ("start.on[0].evnt", 4),
        ("start.key", 5),
        ("steps[0].wait.for", 8),
        ("steps[1].id", 9),
        ("steps[1].psh", 10),
        ("steps[2].id", 11),
        ("steps[3].id", 12),
        ("steps[4]", 14),
        ("steps[4].push.title", 15),
        ("steps[4].push.url", 15),
    ]
    messages = {path: message for path, message, _ in found}
    assert "did you mean 'event'?" in messages["start.on[0].evnt"]
    assert "did you mean 'push'?" in messages["steps[1].psh"]
    assert "reserved" in messages["steps[3].id"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the document is empty"),
        ("a: [", "not valid YAML"),
        ("a: &x 1\nb: *x", "aliases"),
        ("a: !!str 1", "tags"),
        ("&x a: 1", "plain name"),
        ("- 1\n" * 20_001, "more than 20000 values"),
        ("x" * (256 * 1024 + 1), "larger than 256 KiB"),
        ("a: 1\na: 2", "twice"),
        ("<<: {a: 1}", "merge keys"),
        ("? [a]\n: 1", "plain name"),
        ("a: 1e999", "too large"),
        ("a: -.Inf", "not finite"),
        ("a: .NaN", "not finite"),
        ("--- 1\n--- 2", "not valid YAML"),
        ("[" * 200 + "]" * 200, "nests too deep"),
        ("- 1", "must be an object"),
    ],
)
def test_a_text_that_is_no_document(text: str, message: str) -> None:
    [(_, said, _)] = problems(text)
    assert message in said


def test_on_is_no_boolean_and_times_are_no_numbers() -> None:
    document = read_document('workflow: w\nstart: {on: [{event: "on"}]}\nname: "22:00"\nsteps: []')
    assert (document.start.on[0].event, document.name) == ("on", "22:00")


@pytest.mark.parametrize(("size", "fits"), [(500, True), (501, False)])
def test_at_most_500_steps(size: int, fits: bool) -> None:
    steps = [{"id": f"s{number}", "wait": {"for": "1s"}} for number in range(size)]
    document, reading = read_value({"workflow": "w", "start": {"on": [{"event": "e"}]}, "steps": steps})
    assert (document is not None) is fits
    assert bool(reading.found) is not fits


def test_steps_after_an_exit_are_unreachable() -> None:
    [(path, message, line)] = problems("workflow: w\nstart: {on: [{event: e}]}\nsteps:\n  - {id: a, exit: {}}\n  - {id: b, exit: {}}")
    assert (path, line) == ("steps[1]", 5)
    assert "never reached" in message


def test_reserved_headers_and_get_bodies_are_refused() -> None:
    text = """\
workflow: w
start: {on: [{event: e}]}
steps:
  - {id: a, http: {url: "https://a.example/", method: GET, body: {}, headers: {Host: x, Webhook-Id: y, "Bad Name": z}}}
"""
    assert {path for path, _, _ in problems(text)} >= {"steps[0].http.headers.Bad Name"}
    text = text.replace(', "Bad Name": z', "")
    assert {path for path, _, _ in problems(text)} == {
        "steps[0].http.headers.Host",
        "steps[0].http.headers.Webhook-Id",
        "steps[0].http.body",
    }


def test_the_schema_is_json_schema_and_agrees_on_the_good_document() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(read_document(GOOD).value)
    bad = read_document(GOOD).value | {"stesp": []}
    assert not validator.is_valid(bad)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(["workflow", "name", "start", "exit", "steps", "on", "event", "where", "id", "wait", "push", "http", "for", "key"])
SHAPED = st.recursive(JSON_VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20)


@settings(max_examples=150, deadline=None)
@given(SHAPED)
def test_any_value_is_a_document_or_has_problems(value: object) -> None:
    document, reading = read_value(value)
    assert (document is None) == bool(reading.found)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_document_or_has_problems(text: str) -> None:
    problems = None
    try:
        read_document(text)
    except DocumentInvalid as error:
        problems = error.problems
    assert problems != []
