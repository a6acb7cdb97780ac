"""Liquid's tags and filters as templates have them."""

import pytest

from clarion.domain.records import Scalar
from clarion.domain.templates import TemplateFailure, TemplateProblem, compile_template, escapes

from .scopes import seeing

DATA: dict[str, Scalar] = {
    "price": 19.99,
    "count": 3,
    "name": "ann lee",
    "list": "b,A,c,,",
    "html": "<b>x</b> & <i",
    "1a": "one",
    "limit": 2,
    "day": "2026-03-01T15:04:05Z",
    "no": False,
}


def fill(source: str) -> tuple[str, tuple[str, ...]]:
    rendered = compile_template(source).render(seeing(DATA, timezone="Europe/Berlin"), escapes.text)
    return rendered.text, rendered.missing


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{% if price > 10 %}dear{% elsif price > 5 %}fair{% else %}cheap{% endif %}", "dear"),
        ("{% if nope > 10 %}a{% else %}b{% endif %}", "b"),
        ("{% if segments contains 'vip' and count == 3 %}a{% endif %}", "a"),
        ("{% unless no %}a{% endunless %}", "a"),
        ("{% if 1a == 'one' %}a{% endif %}{% if limit == 2 %}b{% endif %}{% if event.limit == 2 %}c{% endif %}", "abc"),
        ("{% case count %}{% when 1, 2 %}few{% when 3 %}three{% else %}many{% endcase %}", "three"),
        ("{% for s in segments %}{{ forloop.index }}{{ s }}{% unless forloop.last %},{% endunless %}{% endfor %}", "1newsletter,2vip"),
        ("{% for i in (1..count) %}*{% endfor %}", "***"),
        ("{% for i in (1..5) limit:2 offset:1 %}{{ i }}{% endfor %}", "23"),
        ("{% for i in (1..5) reversed %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}", "543"),
        ("{% for i in (1..3) %}{% if i == 2 %}{% continue %}{% endif %}{{ i }}{% endfor %}", "13"),
        ("{% for i in nope %}a{% else %}none{% endfor %}", "none"),
        ("{% assign x = price | times: 2 %}{{ x }}", "39.98"),
        ("{% assign greeting = 'hi' %}{{ greeting }} {{ greeting || x }}", "hi hi"),
        ("{% capture x %}{{ name }}!{% endcapture %}{{ x | upcase }}", "ANN LEE!"),
        ("{% echo name || x %}{% echo nope || x %}", "ann leex"),
        ("a{% comment %}{{ broken {% comment %}{% endcomment %} {% if %}{% endcomment %}b", "ab"),
        ("a{% # {{ anything %}b", "ab"),
        ("{% raw %}{{ name }}{% if %}{% endraw %}", "{{ name }}{% if %}"),
        ("{% raw %}{{% endraw %}{ name }}", "{{ name }}"),
        ("{% raw %}{{% endraw %}{{ count }}{% if true %}{% endif %}", "{3"),
        ("{% raw %}{% end{% endraw %}raw %}{{ count | plus: 1 }}", "{% endraw %}4"),
        ("x {%- raw %} {{ {%- endraw -%} y{% if true %}{% endif %}", "x {{y"),
        ("a {{- count -}} b {%- if true -%} c {%- endif %}", "a3bc"),
        ("a {%- comment -%} x {%- endcomment -%} b {%- # -%} c {%- raw -%} d {% endraw -%} e", "abcd e"),
        ("{{ event['1a'] }}{{ event[\"limit\"] }}{{ segments[1] }}{{ segments.size }}{{ segments.first }}", "one2vip2newsletter"),
        ("{% assign key = '1a' %}{{ event[key] }}", "one"),
        ("{{ 1a | append: limit }}{{ limit | plus: 1 }}", "one23"),
        ("{{ name | upcase || friend }} {{ nope | upcase || friend }}", "ANN LEE friend"),
    ],
)
def test_tags(source: str, text: str) -> None:
    assert fill(source) == (text, ())


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("name | capitalize", "Ann lee"),
        ("name | upcase | downcase | append: '!' | prepend: '¡'", "¡ann lee!"),
        ("' a \n b ' | strip", "a \n b"),
        ("' a ' | lstrip | append: '|'", "a |"),
        ("' a ' | rstrip", " a"),
        ("' a \n b ' | squish", "a b"),
        ("'a\nb' | strip_newlines", "ab"),
        ("'a\nb' | newline_to_br", "a<br />\nb"),
        ("html | strip_html", "x & <i"),
        ("html | escape", "&lt;b&gt;x&lt;/b&gt; &amp; &lt;i"),
        ("'a b&é' | url_encode", "a+b%26%C3%A9"),
        ("'a+b%26%C3%A9%FF' | url_decode", "a b&é\ufffd"),
        ("'é' | base64_encode", "w6k="),
        ("'w6k=' | base64_decode", "é"),
        ("'aXbX' | replace: 'X', '--'", "a--b--"),
        ("'ab' | replace: '', '-'", "-a-b-"),
        ("'aXbX' | replace_first: 'X', '-'", "a-bX"),
        ("'aXbX' | remove: 'X'", "ab"),
        ("'aXbX' | remove_first: 'X'", "abX"),
        ("'abcdefgh' | truncate: 6", "abc..."),
        ("'abcdef' | truncate: 6", "abcdef"),
        ("'abcdefgh' | truncate: 4, '…'", "abc…"),
        ("'abc' | truncate: 1", "..."),
        ("'a b  c d' | truncatewords: 2", "a b..."),
        ("'a b' | truncatewords: 2", "a b"),
        ("'abcdef' | slice: 1, 3", "bcd"),
        ("'abcdef' | slice: -3, 2", "de"),
        ("'abc' | slice: 9", ""),
        ("'abc' | slice: -9, 3", ""),
        ("'abc' | slice: 1, -1", ""),
        ("segments | slice: 1, 5", "vip"),
        ("list | split: ',' | join: '+'", "b+A+c"),
        ("'abc' | split: '' | last", "c"),
        ("'a  b' | split: ' ' | size", "2"),
        ("list | split: ',' | sort | join: ''", "Abc"),
        ("list | split: ',' | sort_natural | reverse | join: ''", "cbA"),
        ("'a,b,a' | split: ',' | uniq | join: ''", "ab"),
        ("segments | concat: segments | compact | size", "4"),
        ("segments | first", "newsletter"),
        ("name | size", "7"),
        ("count | size", "0"),
        ("price | round: 1", "20.0"),
        ("price | round", "20"),
        ("2.345 | round: 2", "2.35"),
        ("-2.5 | round", "-3"),
        ("1234 | round: -2", "1200"),
        ("price | floor", "19"),
        ("price | ceil", "20"),
        ("-3 | abs", "3"),
        ("count | at_least: 5 | at_most: 4", "4"),
        ("0.1 | plus: 0.2", "0.3"),
        ("0.3 | minus: 0.1", "0.2"),
        ("1.1 | times: 3", "3.3"),
        ("7 | divided_by: 2", "3"),
        ("7 | divided_by: 2.0", "3.5"),
        ("7 | modulo: 4", "3"),
        ("'12' | plus: ' 1.5 '", "13.5"),
        ("'abc' | plus: 1", "1"),
        ("no | plus: 1", "1"),
        ("nope | default: 'd'", "d"),
        ("'' | default: 'd'", "d"),
        ("no | default: 'd'", "d"),
        ("no | default: 'd', allow_false: true", "false"),
        ("0 | default: 'd'", "0"),
        ("name | json", '"ann lee"'),
        ("segments | json", '["newsletter","vip"]'),
        ("nope | json", "null"),
        ("day | date: '%Y-%m-%d %H:%M:%S %z %Z'", "2026-03-01 16:04:05 +0100 CET"),
        (
            "day | date: '%-d. %B %y, %-I:%M %p %a %A %b %e %j %% %F %T %R %D'",
            "1. March 26, 4:04 PM Sun Sunday Mar  1 060 % 2026-03-01 16:04:05 16:04 03/01/26",
        ),
        ("day | date: '%k %l %P %u %w %V %G %L %s %-j'", "16  4 pm 7 0 09 2026 000 1772377445 60"),
        ("'2026-07-01T12:00' | date: '%H:%M %z'", "12:00 +0200"),
        ("'now' | date: '%F %R'", "2026-01-01 01:00"),
        ("'today' | date: '%F'", "2026-01-01"),
        ("0 | date: '%F'", "1970-01-01"),
        ("'tomorrow' | date: '%F'", "tomorrow"),
        ("99999999999999 | date: '%F'", "99999999999999"),
        ("'9999-12-31T23:59Z' | date: '%F'", "9999-12-31T23:59Z"),
    ],
)
def test_filters(expression: str, text: str) -> None:
    assert fill(f"{{{{ {expression} }}}}") == (text, ())


def test_a_missing_value_is_recorded_where_it_leaves_an_output_empty() -> None:
    assert fill("{{ nope | upcase }}") == ("", ("nope",))
    assert fill("{{ nope | append: 'x' }}") == ("x", ())
    assert fill("{% if nope %}{% endif %}{% for x in nope %}{% endfor %}") == ("", ())
    assert fill("{{ event[name] }}") == ("", ("event.name",))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{% include 'x' %}", "unknown tag 'include'"),
        ("{% render 'x' %}", "unknown tag 'render'"),
        ("{% liquid echo x %}", "unknown tag 'liquid'"),
        ("{% iff x %}", "unknown tag 'iff' (did you mean 'if'?)"),
        ("{% %}", "names nothing"),
        ("{% if %}{% endif %}", "missing expression"),
        ("{% if a %}", "if"),
        ("{% endif %}", "endif"),
        ("{% if a", "never closed"),
        ("{% raw %}", "never closed"),
        ("{% comment %}", "never closed"),
        ("{{ x | upcas }}", "unknown filter 'upcas' (did you mean 'upcase'?)"),
        ("{{ x | or_else: 0 }}", "unknown filter 'or_else'"),
        ("{% assign y = x | nofilter %}", "unknown filter 'nofilter'"),
        ("{{ x | replace }}", "filter 'replace' does not take these arguments"),
        ("{{ x | upcase: 1 }}", "filter 'upcase' does not take these arguments"),
        ("{{ x | truncate: 5, tail: 'x' }}", "filter 'truncate' does not take these arguments"),
        ("{{ 'now' | date: '%F', scope: 1 }}", "filter 'date' does not take these arguments"),
        ("{% break %}", "in a 'for' only"),
        ("{% if a %}{% continue %}{% endif %}", "in a 'for' only"),
        ("{{ (1..5) }}", "only be looped over"),
        ("{% assign r = (1..5) %}", "only be looped over"),
        ("{% if (1..9) contains 1 %}{% endif %}", "only be looped over"),
        ("{% assign event = 1 %}", "'event' cannot be assigned"),
        ("{% capture profile %}{% endcapture %}", "'profile' cannot be assigned"),
        ("{% if secrets.x %}{% endif %}", "secrets can be used in http steps only"),
        ("{{ secrets[name] }}", "secrets can be used in http steps only"),
        ("{{ 'a' | append: secrets.x }}", "secrets can be used in http steps only"),
        ("{{ run[name] }}", "by a computed name"),
        ("{% for x in event %}{% endfor %}", "'event' holds several values"),
    ],
)
def test_what_liquid_cannot_do_here_is_refused(source: str, message: str) -> None:
    with pytest.raises(TemplateProblem) as refused:
        compile_template(source)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ 1 | divided_by: 0 }}", "divided_by: division by zero"),
        ("{{ 1 | modulo: nope }}", "modulo: division by zero"),
        ("{{ 'x' | truncate: 'y' }}", "truncate: expected a whole number"),
        ("{{ 'x' | slice: nope }}", "slice: expected a whole number"),
        ("{{ '!' | base64_decode }}", "base64_decode"),
        ("{{ 'now' | date: '%Q' }}", "unknown directive '%Q'"),
        ("{% if name > 5 %}{% endif %}", "not supported"),
        ("{% for x in segments limit: 'y' %}{% endfor %}", "expected an integer"),
    ],
)
def test_what_data_does_not_allow_fails_with_a_reason(source: str, reason: str) -> None:
    with pytest.raises(TemplateFailure) as failed:
        fill(source)
    assert reason in failed.value.reason
