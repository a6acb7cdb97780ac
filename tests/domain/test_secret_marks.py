"""Secrets in templates: a mark stands for each, and nothing but a document can make one."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.domain.records import Profile, Scalar
from clarion.domain.secret_marks import CLOSING, OPENING, mark, marked, replace_marks
from clarion.domain.templates import TemplateFailure, TemplateProblem, compile_json_template, compile_template, escapes
from clarion.domain.templates.template import compile_liquid
from clarion.domain.urls import render_url

from .scopes import seeing

KEY = mark("API_KEY")


def fill(source: str, data: dict[str, Scalar] | None = None) -> str:
    template = compile_template(source, secrets=True)
    return template.render(seeing(data), escapes.text).text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ secrets.API_KEY }}", KEY),
        ("Bearer {{secrets.API_KEY}}!", f"Bearer {KEY}!"),
        ("a {{- secrets.API_KEY -}} b", f"a{KEY}b"),
        ("{{ name }}:{{ secrets.API_KEY }}", f"Bob:{KEY}"),
        ("{% if name %}{{ secrets.API_KEY }}{% else %}{{ secrets.other }}{% endif %}", KEY),
        ("{% for i in (1..2) %}{{ secrets.API_KEY }}{% endfor %}", KEY + KEY),
        ("{% capture x %}a{% endcapture %}{{ x }}{{ secrets.API_KEY }}", f"a{KEY}"),
        ("{% echo secrets.API_KEY %}", KEY),
        ("{{ name | upcase }} {{ secrets.API_KEY }} {", f"BOB {KEY} {{"),
        ("{% raw %}{{ secrets.API_KEY }}{% endraw %}", "{{ secrets.API_KEY }}"),
        ("{% comment %}{{ secrets.API_KEY }}{% endcomment %}", ""),
    ],
)
def test_a_secret_renders_as_its_mark(source: str, text: str) -> None:
    assert fill(source) == text


def test_both_ways_of_rendering_agree() -> None:
    source = "{{ name }} {{ secrets.a }}{{ secrets.b }} {{ nope }}"
    direct, liquid = compile_template(source, secrets=True), compile_liquid(source, secrets=True)
    assert type(direct) is not type(liquid)
    assert direct.render(seeing(), escapes.url) == liquid.render(seeing(), escapes.url)
    assert direct.secrets == liquid.secrets == {"a", "b"}


def test_a_template_knows_its_secrets() -> None:
    assert compile_template("{{ secrets.a }}{% if x %}{{ secrets.b }}{% endif %}{{ y }}", secrets=True).secrets == {"a", "b"}
    assert compile_template("{{ y }}", secrets=True).secrets == frozenset()
    assert compile_json_template({"x": ["{{ secrets.a }}"], "y": "{{ b }}-{{ secrets.c }}"}, secrets=True).secrets == {"a", "c"}


def test_in_a_body_a_secret_is_text_alone_or_among_text() -> None:
    rendered = compile_json_template({"a": "{{ secrets.K }}", "b": "x {{ secrets.K }}", "n": "{{ n }}"}, secrets=True).render(
        seeing({"n": 1})
    )
    assert json.loads(rendered.text) == {"a": mark("K"), "b": f"x {mark('K')}", "n": 1}
    assert rendered.missing == ()


def test_in_a_url_a_mark_stays_a_mark() -> None:
    template = compile_template("https://a.example/{{ x }}?key={{ secrets.K }}", secrets=True)
    assert render_url(template, seeing({"x": "a/b"})).text == f"https://a.example/a%2Fb?key={mark('K')}"


@pytest.mark.parametrize("name", ["a", "Z9_", "x" * 64])
def test_names_of_secrets(name: str) -> None:
    assert fill(f"{{{{ secrets.{name} }}}}") == mark(name)


@pytest.mark.parametrize(
    "source",
    [
        "{{ secrets }}",
        "{{ secrets.1a }}",
        "{{ secrets._a }}",
        "{{ secrets.a-b }}",
        "{{ secrets.a.b }}",
        "{{ secrets." + "x" * 65 + " }}",
        "{{ secrets.a || none }}",
        "{{ secrets.a | upcase }}",
        "{{ 'x' | append: secrets.a }}",
        '{{ secrets["a"] }}',
        "{{ secrets[name] }}",
        "{% if secrets.a %}x{% endif %}",
        "{% assign x = secrets.a %}{{ x }}",
        "{% assign x = secrets %}{{ x.a }}",
        "{% for x in secrets %}{{ x }}{% endfor %}",
        "{% capture x %}{{ secrets.a }}{% endcapture %}{{ x }}",
        "{% capture x %}{% if y %}{{ secrets.a }}{% endif %}{% endcapture %}",
        "{% case secrets.a %}{% when 1 %}x{% endcase %}",
    ],
)
def test_any_other_use_of_a_secret_is_refused(source: str) -> None:
    for body in (False, True):
        with pytest.raises(TemplateProblem, match="a secret stands alone in an output"):
            compile_json_template([source], secrets=True) if body else compile_template(source, secrets=True)
    with pytest.raises(TemplateProblem, match="secrets can be used in http steps only"):
        compile_template(source)


def test_a_plain_secret_is_refused_where_none_may_be() -> None:
    with pytest.raises(TemplateProblem, match="secrets can be used in http steps only"):
        compile_template("{{ secrets.a }}")
    with pytest.raises(TemplateProblem, match="secrets can be used in http steps only"):
        compile_json_template({"a": "{{ secrets.a }}"})


@pytest.mark.parametrize("sign", [OPENING, CLOSING, mark("a")])
@pytest.mark.parametrize("source", ["x{}", "{{{{ name || {} }}}}", "{{{{ name | append: '{}' }}}}", "{{% comment %}}{}{{% endcomment %}}"])
def test_a_document_cannot_write_a_mark_itself(source: str, sign: str) -> None:
    text = source.format(sign)
    for secrets in (True, False):
        with pytest.raises(TemplateProblem, match="U\\+FDD0"):
            compile_template(text, secrets=secrets)
        with pytest.raises(TemplateProblem, match="U\\+FDD0"):
            compile_json_template([text], secrets=secrets)
    with pytest.raises(TemplateProblem, match="U\\+FDD0"):
        compile_json_template({sign: 1}, secrets=True)


SOURCES = [
    "{{ v }}",
    "{{ v }}a{{ w }}",
    "{{ v }}{{ secrets.real }}{{ w }}",
    "{{ v | append: w }}",
    "{{ v | url_decode }}{{ w | base64_decode }}",
    "{{ v | json }}{{ v | split: 'a' | join: w }}",
    "{{ v | replace: 'a', w }}",
    "{% capture c %}{{ v }}a{{ w }}{% endcapture %}{{ c }}",
    "{% assign c = v | append: 'a' | append: w %}{{ c }}",
    "{{ nope || x }}{{ name }}{{ profile.name }}{{ segments }}{{ segments | first }}",
    "{% for i in (1..2) %}{{ v }}{{ w }}{% endfor %}{% case v %}{% else %}{{ v }}{% endcase %}",
]
hostile = st.one_of(
    st.lists(st.sampled_from([OPENING, CLOSING, "a", "real", "\\", '"', "%EF%B7%90", "\ud800", "\\ufdd0"]), max_size=8).map("".join),
    st.sampled_from([mark("real"), mark("a"), quote(mark("a")), OPENING + "a", CLOSING, "77eQYe+3kQ==", f"{OPENING}a{CLOSING}" * 2]),
    st.text(st.characters(exclude_categories=()), max_size=6),
)


@settings(deadline=None, max_examples=150)
@given(source=st.sampled_from(SOURCES), v=hostile, w=hostile)
def test_no_data_makes_a_mark(source: str, v: str, w: str) -> None:
    own = ["real"] if "secrets" in source else []
    scope = seeing({"v": v, "w": w}, profile=Profile("n:bob", {"name": v}, (v, w)))
    rendered = []
    with suppress(TemplateFailure):  # what is no base64
        for make in (compile_template, compile_liquid):
            template = make(source, secrets=True)
            rendered += [template.render(scope, escape).text for escape in (escapes.text, escapes.url, escapes.json_string)]
        rendered.append(compile_json_template({"k": [source]}, secrets=True).render(scope).text)
    for text in rendered:
        assert marked(text) == own
        assert text.count(OPENING) == text.count(CLOSING) == len(own)


def test_marks_are_replaced_once_and_in_one_pass() -> None:
    values: dict[str, Any] = {"a": mark("b"), "b": "B"}
    assert replace_marks(f"{mark('a')} {mark('b')}", values.__getitem__) == f"{mark('b')} B"
    assert marked(f"x{mark('a')}{mark('b')}{OPENING}1{CLOSING}{OPENING}") == ["a", "b"]
    assert replace_marks("plain", values.__getitem__) == "plain"
