"""Names, defaults and missing values in templates (semantics §4), directly and through Liquid."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.domain.records import Profile, Scalar, Scope
from clarion.domain.templates import Template, TemplateError, TemplateProblem, compile_template, escapes
from clarion.domain.templates.template import DirectTemplate, LiquidTemplate, compile_liquid

from .scopes import BROWSER, seeing

DATA: dict[str, Scalar] = {
    "product": "Mug",
    "price": 19.99,
    "1a": "one",
    "a-b": "dash",
    "a-": "end",
    "123": "digits",
    "9-9": "nines",
    "limit": "word",
    "true": "yes",
    "empty": "",
    "zero": 0,
    "no": False,
    "yes": True,
    "big": 2**200,
    "small": 1e-7,
    "whole": 20.0,
    "city": "Ulm from the event",
    "segments": "shadowed",
}
SCOPE = seeing(
    DATA,
    subscriber=BROWSER,
    run_key="k1",
    steps={"react": {"event": {"url": "/x", "1a": 1}, "status": 200, "response": {"id": "r1", "list": [1]}}},
)
STEPS = frozenset({"react", "later", "2nd"})


@pytest.fixture(params=[compile_template, compile_liquid])
def compiled(request: pytest.FixtureRequest) -> Any:
    """Both ways of compiling: they must not differ."""
    return request.param


@pytest.mark.parametrize(
    ("source", "text", "missing"),
    [
        ("", "", ()),
        ("plain } text }} %} { %", "plain } text }} %} { %", ()),
        ("{{ product }}", "Mug", ()),
        ("{{product}}!", "Mug!", ()),
        ("{{\n product\t}}", "Mug", ()),
        ("{{ 1a }}{{ a-b }}{{ a- }}{{ 123 }}{{ 9-9 }}{{ limit }}{{ true }}", "onedashenddigitsnineswordyes", ()),
        ("{{ event.1a }}{{ event.a-b }}{{ event.123 }}{{ event.limit }}{{ entry.true }}", "onedashdigitswordyes", ()),
        ("{{ zero }} {{ no }} {{ yes }} {{ big }} {{ small }} {{ whole }}", f"0 false true {2**200} 1e-07 20.0", ()),
        ("{{ name }} {{ city }} {{ profile.city }}", "Bob Ulm from the event Ulm", ()),
        ("{{ profile.id }} {{ profile.name }} {{ run.key }} {{ subscriber.country }}", "bob Bob k1 DE", ()),
        ("{{ segments }}", "newsletter, vip", ()),
        ("{{ react.event.url }} {{ react.event.1a }} {{ react.status }} {{ react.response.id }}", "/x 1 200 r1", ()),
        # defaults
        ("{{ product || it }}", "Mug", ()),
        ("{{ nope || any text }}", "any text", ()),
        ("{{ nope ||   spaced   }}", "spaced", ()),
        ('{{ nope || "quoted " }}|', "quoted |", ()),
        ("{{ nope || 'it\"s' }}", 'it"s', ()),
        ("{{ nope || don't }}", "don't", ()),
        ('{{ nope || "a" or "b" }}', '"a" or "b"', ()),
        ("{{ nope || a || b }}", "a || b", ()),
        ("{{ nope || name | upcase }}", "name | upcase", ()),
        ("{{ nope || }}|{{ nope || '' }}", "|", ()),
        ("{{ empty || filled }}", "filled", ()),
        ("{{ zero || 5 }} {{ no || yes }}", "0 false", ()),
        ("{{ later.status || waiting }}", "waiting", ()),
        # missing
        ("a{{ nope }}b{{ event.gone }}c{{ nope }}", "abc", ("nope", "event.gone")),
        ("{{ 2nd.status }}{{ react.response.list }}{{ subscriber.city }}", "", ("2nd.status", "react.response.list", "subscriber.city")),
        ("{{ empty }}", "", ()),
        ("{{ now }}{{ today }}{{ partial }}{{ forloop }}", "", ("now", "today", "partial", "forloop")),
    ],
)
def test_names(compiled: Any, source: str, text: str, missing: tuple[str, ...]) -> None:
    rendered = compiled(source, STEPS).render(SCOPE, escapes.text)
    assert (rendered.text, rendered.missing) == (text, missing)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ secrets.token }}", "secrets can be used in http steps only"),
        ("{{ secrets }}", "secrets can be used in http steps only"),
        ("{{ event }}", "'event' holds several values: name one, such as event.price"),
        ("{{ subscriber || x }}", "'subscriber' holds several values"),
        ("{{ react }}", "'react' is a step: name a value of it"),
        ("{{ react.state }}", "a step has"),
        ("{{ reakt.status }}", "unknown field 'reakt.status' (did you mean 'react.status'?)"),
        ("{{ product.size }}", "unknown field 'product.size': a field starts with event, "),
        ("{{ subscriber.contry }}", "did you mean 'country'?"),
        ("{{ run.id }}", "only run.key"),
        ("{{ segments.vip.x || }}", "'segments' has no parts"),
        ("{{ _ }}", "'_' is no name"),
        ("{{ }}", "names nothing"),
        ("{{ || x }}", "names nothing"),
        ("{{ a b }}", "expected"),
        ("{{ Hello, World! }}", "unknown operator '!'"),
        ("line\n{{ a", "'{{' in line 2 is never closed"),
        ("{{ a }", "never closed"),
        ("{{ a {{ b }}", "unexpected"),
        ("a\x00", "NUL"),
        ("a\ud800", "surrogates"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(source: str, message: str) -> None:
    with pytest.raises(TemplateProblem) as refused:
        compile_template(source, STEPS)
    assert message in str(refused.value)


def test_without_step_ids_any_first_word_may_be_a_step() -> None:
    assert compile_template("{{ whoever.status }}").referenced_fields() == {"whoever.status"}
    with pytest.raises(TemplateProblem, match="a step has"):
        compile_template("{{ whoever.size }}")


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        ("text", set()),
        ("{{ a }} {{ event.b || c }} {{ react.status }}", {"a", "event.b", "react.status"}),
        ("{% if a > event.1b %}{{ 3c | append: limit }}{% endif %}", {"a", "event.1b", "3c", "limit"}),
        ("{% for s in segments %}{{ s }}{{ forloop.index }}{% endfor %}", {"segments"}),
        ("{% assign x = a %}{{ x }}{% capture y %}{{ b }}{% endcapture %}{{ y }}", {"a", "b"}),
        ("{{ event[which] }}", {"event[]", "which"}),
        ("{{ segments[0] }}", {"segments"}),
    ],
)
def test_referenced_fields(source: str, fields: set[str]) -> None:
    assert compile_template(source, STEPS).referenced_fields() == fields


def test_common_templates_do_not_go_through_liquid() -> None:
    assert isinstance(compile_template("Hi {{ name || you }}, {{ event.price }}"), DirectTemplate)
    assert isinstance(compile_template("{{ name | upcase }}"), LiquidTemplate)


def test_a_profile_is_not_needed() -> None:
    assert compile_template("{{ name || you }}{{ segments }}").render(seeing(profile=None), escapes.text).text == "you"


names = st.sampled_from(
    [
        "a",
        "1a",
        "a-b",
        "12",
        "limit",
        "if",
        "nil",
        "and",
        "event.a",
        "event.12",
        "entry.if",
        "profile.a",
        "segments",
        "s.event.a",
        "s.status",
        "run.key",
    ]
)
defaults = st.sampled_from(["", " || x", "||", " || 'q'", ' || "a" b', " || | ||", " || don't {", " || é"])
spaces = st.sampled_from(["", " ", "\n"])
outputs = st.builds(lambda left, name, default, right: "{{" + left + name + default + right + "}}", spaces, names, defaults, spaces)
texts = st.text(st.sampled_from("ab {}%-\n\"'é\u2028<"), max_size=4).filter(
    lambda text: "{{" not in text and "{%" not in text and not text.endswith("{")
)
values = st.one_of(
    st.sampled_from(["", " ", "x", "<&\"'>", "é\u2028\x07\n", "{{ a }}"]),
    st.integers(),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
)
data = st.dictionaries(st.sampled_from(["a", "1a", "a-b", "12", "limit", "if", "nil", "and"]), values, max_size=4)


def outcome(template: Template, scope: Scope, escape: escapes.Escape) -> object:
    try:
        return template.render(scope, escape)
    except TemplateError as error:
        return type(error)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(texts, outputs), max_size=4), data, data, st.sampled_from([escapes.text, escapes.url, escapes.json_string]))
def test_both_ways_give_the_same(
    parts: list[tuple[str, str]], event: dict[str, Scalar], attributes: dict[str, Scalar], escape: escapes.Escape
) -> None:
    source = "".join(text + output for text, output in parts)
    scope = seeing(event, profile=Profile("a:x", attributes, ("s1",)), steps={"s": {"event": event, "status": 1}})
    direct = compile_template(source)
    liquid = compile_liquid(source)
    assert isinstance(direct, DirectTemplate)
    assert outcome(direct, scope, escape) == outcome(liquid, scope, escape)
    assert direct.referenced_fields() == liquid.referenced_fields()
    assert direct.is_single_output is liquid.is_single_output
    if direct.is_single_output:
        assert direct.value(scope) == liquid.value(scope)
