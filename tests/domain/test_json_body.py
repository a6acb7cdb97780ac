"""JSON bodies with templates in their strings."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.domain.records import Scalar
from clarion.domain.templates import TemplateLimit, TemplateProblem, compile_json_template

from .scopes import seeing

DATA: dict[str, Scalar] = {"price": 19.99, "count": 3, "yes": True, "big": 2**200, "text": 'a"b\n</x>\u2028', "empty": "", "digits": "007"}


def fill(body: object) -> Any:
    rendered = compile_json_template(body, frozenset({"react"})).render(seeing(DATA))
    return json.loads(rendered.text)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{{ price }}", 19.99),
        ("{{ count }}", 3),
        ("{{ yes }}", True),
        ("{{ big }}", 2**200),
        ("{{ digits }}", "007"),
        ("{{ text }}", DATA["text"]),
        ("{{ count | plus: 1 }}", 4),
        ("{{ segments }}", ["newsletter", "vip"]),
        ("{{ segments | first }}", "newsletter"),
        ("{{ empty }}", ""),
        ("{{ nope }}", ""),
        ("{{ nope | upcase }}", ""),
        ("{{ nope || 0 }}", "0"),
        ("{{ count || 0 }}", 3),
        ("{{ nope | default: 5 }}", 5),
        (" {{ count }}", " 3"),
        ("{{ count }}{{ count }}", "33"),
        ("{% if yes %}{{ count }}{% endif %}", "3"),
        ("for {{ text }}", f"for {DATA['text']}"),
        ('plain " \\ \u2028 é', 'plain " \\ \u2028 é'),
        ([1, 2.5, True, None, 2**100, "x"], [1, 2.5, True, None, 2**100, "x"]),
        ({"a": {"b": ["{{ count }}", {}]}, 'q"': [], "": ""}, {"a": {"b": [3, {}]}, 'q"': [], "": ""}),
        (None, None),
        (5, 5),
    ],
)
def test_bodies(body: object, expected: object) -> None:
    found = fill(body)
    assert found == expected
    assert type(found) is type(expected)


def test_missing_values_are_recorded_once() -> None:
    body = {"a": "{{ nope }}", "b": ["x {{ gone }} {{ nope }}", "{{ other || }}", "{{ last | upcase }}"]}
    assert compile_json_template(body).render(seeing(DATA)).missing == ("nope", "gone", "last")


def test_fields_are_known() -> None:
    assert compile_json_template({"a": "{{ x }}", "b": ["{{ event.y | upcase }}"]}).referenced_fields() == {"x", "event.y"}


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        ({"a": ["x", "{{ b"]}, ("a", 1), "never closed"),
        ({"a": "{{ secrets.x }}"}, ("a",), "http steps only"),
        ({"a": "{{ reakt.status }}"}, ("a",), "did you mean 'react.status'?"),
        ({"{{ a }}": 1}, ("{{ a }}",), "a key is no template"),
        ({1: 1}, ("1",), "must be a string"),
        ({"a": float("nan")}, ("a",), "finite number"),
        ({"a": object()}, ("a",), "must be JSON"),
        ({"a": b"x"}, ("a",), "must be JSON"),
        ("\ud800", (), "surrogates"),
        ({"\ud800": 1}, ("\ud800",), "surrogates"),
        ({"a": 10**5000}, ("a",), "digits"),
        ([1] * 1000, (999,), "more than 1000 values"),
        (["x" * 16000] * 5, (4,), "more than 65536 characters"),
    ],
)
def test_what_cannot_be_a_body_is_refused_at_its_place(body: object, path: tuple[str | int, ...], message: str) -> None:
    with pytest.raises(TemplateProblem) as refused:
        compile_json_template(body, frozenset({"react"}))
    assert message in str(refused.value)
    assert refused.value.path == path


def test_every_problem_of_a_body_is_named() -> None:
    body = {
        "a": "{{ reakt.status }} {{ x.y }} {{ reakt.status }}",
        "{{ k }}": "{% nosuch %}",
        "b": [float("nan"), "{{ late }}", "fine", {"c": object()}, "\ud800"],
        1: {"d": "{{ open"},
    }
    with pytest.raises(TemplateProblem) as refused:
        compile_json_template(body, frozenset({"react"}), refused=lambda name: f"no {name} yet" if name == "late" else None)
    assert [problem.path for problem in refused.value.problems] == [
        *(("a",), ("a",), ("{{ k }}",), ("{{ k }}",), ("b", 0), ("b", 1), ("b", 3, "c"), ("b", 4), ("1",), ("1", "d")),
    ]
    assert str(refused.value) == refused.value.problems[0].message
    assert refused.value.problems[5].message == "no late yet"


def test_behind_what_is_too_much_nothing_is_read() -> None:
    with pytest.raises(TemplateProblem) as refused:
        compile_json_template(["{{ a", *[1] * 1000, "{{ b"])
    assert [problem.path for problem in refused.value.problems] == [(0,), (999,)]
    deep: object = "{{ a"
    for _ in range(21):
        deep = [deep]
    with pytest.raises(TemplateProblem) as refused:
        compile_json_template([deep, "{{ b"])
    assert [problem.path for problem in refused.value.problems] == [(0,) * 21, (1,)]


def test_values_and_depth_are_bounded() -> None:
    compile_json_template([1] * 999)
    body: object = 1
    for _ in range(20):
        body = [body]
    compile_json_template(body)
    with pytest.raises(TemplateProblem, match="nested more than 20"):
        compile_json_template([body])


def test_output_is_bounded() -> None:
    scope = seeing({"a": "x" * 4000})
    assert compile_json_template(["{{ a }}"] * 16).render(scope)
    with pytest.raises(TemplateLimit, match="longer than"):
        compile_json_template(["{{ a }}"] * 17).render(scope)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["a", "b"]), st.one_of(st.text(st.characters(exclude_categories=()), max_size=8), st.integers(), st.booleans())
    )
)
def test_any_data_gives_valid_json(data: dict[str, Scalar]) -> None:
    rendered = compile_json_template({"x": "{{ a }}", "y": "-{{ a }}{{ b | upcase }}", "z": ["{{ b | default: a }}"]}).render(seeing(data))
    rendered.text.encode()
    found = json.loads(rendered.text)
    if "a" in data and not isinstance(data["a"], str):
        assert found["x"] == data["a"]
        assert type(found["x"]) is type(data["a"])
