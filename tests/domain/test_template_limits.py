"""Limits of templates: both sides of each, and nothing but a TemplateError whatever template and data."""

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.domain.records import Scalar
from clarion.domain.templates import TemplateError, TemplateLimit, TemplateProblem, compile_json_template, compile_template, escapes
from clarion.domain.templates.limits import MOST_ITEMS, MOST_OUTPUT
from clarion.domain.templates.scan import LONGEST_MARKUP, LONGEST_SOURCE, MOST_MARKUP

from .scopes import seeing

DATA: dict[str, Scalar] = {"long": "x" * 4000, "words": "x " * 2000, "huge": 10**4000, "most": 1e308, "hundred": 10**99}


def fill(source: str, escape: escapes.Escape = escapes.text) -> str:
    return compile_template(source).render(seeing(DATA), escape).text


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        ("x" * LONGEST_SOURCE, "x" * (LONGEST_SOURCE + 1)),
        ("{{ a }}" * MOST_MARKUP, "{{ a }}" * (MOST_MARKUP + 1)),
        ("{{" + " " * (LONGEST_MARKUP - 1) + "a}}", "{{" + " " * LONGEST_MARKUP + "a}}"),
        ("{% if a" + " " * (LONGEST_MARKUP - 5) + "%}{% endif %}", "{% if a" + " " * (LONGEST_MARKUP - 4) + "%}{% endif %}"),
        ("{% if a %}" * 20 + "{% endif %}" * 20, "{% if a %}" * 21 + "{% endif %}" * 21),
    ],
)
def test_sizes_of_a_source(allowed: str, refused: str) -> None:
    compile_template(allowed)
    with pytest.raises(TemplateProblem):
        compile_template(refused)


@pytest.mark.parametrize(
    "source",
    [
        "{{" * 8000,
        "{%" * 8000,
        "{{ " + "['" * 500 + " }}",
        ("{{ " + "[\"'" * 300 + " }}") * 16,
        ("{{ " + "(" * 1000 + " }}") * 16,
        "{{ " + "a[" * 400 + " }}",
        "{% raw %}" * 1800,
        "{% comment %}" * 1200,
        "{% raw %}{%" + " " * 16000,
        ("{{" + " " * 1000 + "a  " + " " * 1000) * 8,
    ],
)
def test_hostile_sources_are_refused_quickly(source: str) -> None:
    with pytest.raises(TemplateProblem):
        compile_template(source)


def test_output_is_counted_in_bytes() -> None:
    scope = seeing({"a": "x" * 1024, "e": "é" * 512})
    for name in "ae":
        assert len(compile_template(f"{{{{ {name} }}}}" * 64).render(scope, escapes.text).text.encode()) == MOST_OUTPUT
        for more in ("!", "{{ 'x' | upcase }}"):
            with pytest.raises(TemplateLimit, match="longer than"):
                compile_template(f"{{{{ {name} }}}}" * 64 + more).render(scope, escapes.text)


def test_escaping_counts() -> None:
    assert fill("{{ long }}" * 16)
    with pytest.raises(TemplateLimit, match="longer than"):
        compile_template("{{ a }}" * 22).render(seeing({"a": "&" * 1000}), escapes.url)


def test_turns_of_a_loop() -> None:
    assert len(fill(f"{{% for i in (1..{MOST_ITEMS}) %}}x{{% endfor %}}")) == MOST_ITEMS
    with pytest.raises(TemplateLimit, match="more than 1000 items"):
        fill(f"{{% for i in (1..{MOST_ITEMS + 1}) %}}x{{% endfor %}}")


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..1000) %}{% for j in (1..1000) %}x{% endfor %}{% endfor %}",
        "{% for i in (1..1000) %}" + "{% if true %}{% endif %}" * 200 + "{% endfor %}",
        "{% for i in (1..1000) %}{% endfor %}{% for i in (1..1000) %}x{% endfor %}" * 20,
        "{% for i in (1..99999999999999999999999999) limit:1 %}{% endfor %}",
        "{% for i in (-9999999999..1) reversed %}{% endfor %}",
        "{% assign x = 9 %}{% for i in (1..1000) %}{% assign x = x | times: x %}{% endfor %}",
        "{% assign x = long %}{% for i in (1..1000) %}{% assign x = x | append: x %}{% endfor %}",
        "{% for i in (1..1000) %}{% capture x %}{{ x }}{{ long }}{% endcapture %}{% endfor %}",
        "{% for i in (1..1000) %}{% assign x = long | upcase %}{% endfor %}",
        '{{ long | replace: "", long | size }}',
        '{{ long | replace: "x", long | size }}',
        '{{ long | split: "" | size }}',
        '{{ words | split: "x" | join: long }}',
        "{% assign x = 'a' | split: ',' %}{% for i in (1..20) %}{% assign x = x | concat: x %}{% endfor %}",
        "{{ huge | plus: 1 }}",
        "{{ most | times: 10 }}",
        "{{ hundred | times: 10 }}",
    ],
)
def test_what_takes_too_much_is_stopped(source: str) -> None:
    template = compile_template(source)
    with pytest.raises(TemplateLimit):
        template.render(seeing(DATA), escapes.text)


def test_numbers_below_the_limit_are_counted_exactly() -> None:
    assert fill("{{ hundred | minus: 1 }}") == "9" * 99


def test_every_digit_of_a_number_in_data_is_printed() -> None:
    assert fill("{{ huge }}") == str(10**4000)


def test_odd_data_fails_with_a_reason_or_renders() -> None:
    odd: dict[str, Any] = {"a": None, "b": [1, {"c": 2}], "d": {"e": 1}, "f": 10**5000}
    assert compile_template("{{ a }}{{ b }}{{ d }}").render(seeing(odd), escapes.text).text == "1, "
    for source in ("{{ f }}", "{{ f | append: '' }}"):
        with pytest.raises(TemplateError, match="digits"):
            compile_template(source).render(seeing(odd), escapes.text)
    with pytest.raises(TemplateError, match="digits"):
        compile_json_template("{{ f }}").render(seeing(odd))


fragments = st.sampled_from(
    [
        *(
            "{{",
            "}}",
            "{%",
            "%}",
            "-",
            "||",
            "|",
            " ",
            ".",
            ":",
            ",",
            "'",
            '"',
            "(",
            "..",
            ")",
            "[",
            "]",
            "\n",
            "\\",
            "é",
            "\ud800",
            "\x00",
        ),
        *(
            "a",
            "1a",
            "12",
            "1.5",
            "event.a",
            "segments",
            "secrets.x",
            "s.status",
            "nil",
            "true",
            "and",
            "contains",
            ">",
            "==",
            "in",
            "limit",
            "x",
        ),
        *(
            "{% if a %}",
            "{% else %}",
            "{% elsif a %}",
            "{% endif %}",
            "{% for x in segments %}",
            "{% endfor %}",
            "{% break %}",
            "{% unless a %}",
        ),
        *(
            "{% raw %}",
            "{% endraw %}",
            "{% comment %}",
            "{% endcomment %}",
            "{% assign x = a %}",
            "{% capture x %}",
            "{% endcapture %}",
            "{% # %}",
        ),
        *(
            "{% case a %}",
            "{% when 1 %}",
            "{% endcase %}",
            "{% echo a %}",
            "{{ a }}",
            "{{ x | size }}",
            "{{ a || b }}",
            "{% include 'a' %}",
        ),
        *(
            "upcase",
            "date",
            "split",
            "join",
            "default",
            "times",
            "slice",
            "round",
            "truncate",
            "replace",
            "| append: a",
            "| plus: 1",
            "| divided_by: a",
        ),
    ]
)
sources = st.one_of(
    st.lists(fragments, max_size=14).map("".join),
    st.lists(fragments, max_size=8).map(lambda inner: "{{ a | " + "".join(inner) + " }}"),
    st.text(max_size=30),
)
values = st.one_of(
    st.text(max_size=6),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.sampled_from(["now", "2026-01-01", "9" * 500]),
)


@settings(max_examples=400, deadline=None)
@given(sources, st.dictionaries(st.sampled_from(["a", "1a", "x", "12"]), values, max_size=3))
def test_any_source_compiles_or_has_a_problem_and_renders_or_fails(source: str, data: dict[str, Scalar]) -> None:
    try:
        template = compile_template(source)
    except TemplateProblem:
        return
    for escape in (escapes.text, escapes.url, escapes.json_string):
        with contextlib.suppress(TemplateError):
            template.render(seeing(data), escape).text.encode()
