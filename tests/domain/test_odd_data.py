"""Data that misbehaves fails its step and does no worse; what may be looked up in what Liquid holds."""

from typing import Any

import pytest

from clarion.domain.records import MISSING
from clarion.domain.templates import TemplateFailure, TemplateLimit, compile_template, escapes
from clarion.domain.templates.template import compile_liquid

from .scopes import seeing


class Broken(list[Any]):
    """A list that cannot be read."""

    def __len__(self) -> int:
        raise RuntimeError

    def __iter__(self) -> Any:
        raise RuntimeError


@pytest.mark.parametrize("compiled", [compile_template, compile_liquid])
@pytest.mark.parametrize("source", ["{{ v }}", "{{ v || 'd' }}", "{{ v | size }}", "{% for i in v %}{% endfor %}"])
def test_what_fails_unexpectedly_fails_with_a_reason(compiled: Any, source: str) -> None:
    with pytest.raises(TemplateFailure, match=r"^cannot be filled in: RuntimeError$"):
        compiled(source).render(seeing({"v": Broken()}), escapes.text)  # type: ignore[dict-item]  # odd data on purpose


@pytest.mark.parametrize("source", ["{{ v | size }}", "{{ v | upcase || 'd' }}"])
def test_a_value_that_fails_unexpectedly_fails_with_a_reason(source: str) -> None:
    with pytest.raises(TemplateFailure, match=r"^cannot be filled in: RuntimeError$"):
        compile_template(source).value(seeing({"v": Broken()}))  # type: ignore[dict-item]  # odd data on purpose


@pytest.mark.parametrize("compiled", [compile_template, compile_liquid])
@pytest.mark.parametrize("source", ["text", "{{ a }}{{ a }}", "a {{ a }}"])
def test_only_one_output_and_nothing_else_is_a_single_output(compiled: Any, source: str) -> None:
    assert compiled("{{ a }}").is_single_output
    assert not compiled(source).is_single_output


@pytest.mark.parametrize("source", ["text", "{% if a %}{% endif %}"])
def test_what_has_no_output_has_no_value(source: str) -> None:
    assert compile_template(source).value(seeing()) == (MISSING, ())


def test_only_words_and_whole_numbers_lead_into_a_response() -> None:
    scope = seeing({"float": 1.5, "int": 1, "word": "w"}, steps={"react": {"response": {"1.5": "a", "1": "b", "w": "c"}}})
    source = "{{ react.response[float] }}{{ react.response[int] }}{{ react.response[word] }}"
    assert compile_template(source, {"react"}).render(scope, escapes.text).text == "bc"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ segments[0] }}", "newsletter"),
        ("{{ segments[-1] }}", "vip"),
        ("{{ segments[2] }}", ""),
        ("{{ segments['x'] }}", ""),
        ("{{ segments.last | append: 1 }}", "vip1"),
        ("{{ segments.size | plus: 1 }}", "3"),
        ("{{ segments[0][0] }}", ""),
        ("{{ event[segments] }}", ""),
        ("{{ event[nothing] }}", ""),
        ("{{ event[1] }}", "one"),
        ("{% assign x = a %}{{ x }}{{ x.y }}", "A"),
        ("{% assign nope = a %}{{ nope }}", "A"),
        ("{% capture x %}{{ a }}{% capture y %}{{ a }}{% endcapture %}{{ y }}{% endcapture %}{{ x }}{{ a }}", "AAA"),
    ],
)
def test_what_is_found_in_what(source: str, text: str) -> None:
    assert compile_template(source).render(seeing({"a": "A", "1": "one"}), escapes.text).text == text


def test_captured_text_is_bounded() -> None:
    scope = seeing({"long": "x" * 4096})
    source = "{{% capture x %}}{}{{% endcapture %}}{{{{ x | size }}}}"
    assert compile_template(source.format("{{ long }}" * 16)).render(scope, escapes.text).text == "65536"
    with pytest.raises(TemplateLimit, match=r"^a text is longer than 65536 characters$"):
        compile_template(source.format("{{ long }}" * 16 + "x")).render(scope, escapes.text)


def test_captured_text_is_escaped_when_it_is_printed_and_after_a_failure_too() -> None:
    template = compile_template("{% capture x %}{{ a }}&{% endcapture %}{{ x }}{{ a }}")
    assert template.render(seeing({"a": "<"}), escapes.url).text == "%3C%26%3C"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a {{- b }} c", "aB c"),
        ("a {{ b -}} c", "a Bc"),
        ("a {{- b -}} c", "aBc"),
        ("a {%- if b -%} c {%- endif -%} d", "acd"),
        ("a {{-b-}} c", "aBc"),
        ("{{b-}} c", "Bc"),
        ("{{b- }} c", " c"),
        ("a {{ b -}}{{ b }} c", "a BB c"),
        ("a {{ b -}} {{ b }} c", "a BB c"),
        ("a {{ b -}} c {{ b }} d", "a Bc B d"),
        ("a {%- comment -%} b {%- endcomment %} c", "a c"),
        ("a {% comment %} b {% endcomment -%} c", "a c"),
        ("a {% raw -%} b {%- endraw %} c", "a b c"),
        ("a {%- raw %} b {% endraw -%} c", "a b c"),
        ("a\n{%- # x -%}\nb", "ab"),
        (" {{- b }}", "B"),
        ("{{ b -}} ", "B"),
        ("{{ b -}} {{- b }}", "BB"),
        ("{% comment %}{% comment %}{% endcomment %}{{ b }}{% endcomment %}b", "b"),
        ("{% # {{ }} %}b", "b"),
        ("{% raw %}{% endraw %}b", "b"),
        ("{% raw %}a{{% endraw %}{{ b | upcase }}", "a{B"),
        ("{% raw %}{a{% endraw %}{{ b | upcase }}", "{aB"),
        ("{%raw%}{{{%endraw%}b", "{{b"),
    ],
)
def test_white_space_that_a_hyphen_drops(source: str, text: str) -> None:
    assert compile_template(source).render(seeing({"b": "B"}), escapes.text).text == text
