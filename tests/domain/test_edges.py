"""Single edges of bodies, conditions, durations and secrets' marks that no larger test comes near."""

import json
import re
from typing import Any

import pytest

from clarion.domain.conditions import parse_condition
from clarion.domain.durations import DURATION_PATTERN, MAX_DURATION, format_duration, parse_duration
from clarion.domain.templates import TemplateFailure, TemplateProblem, compile_json_template, compile_template
from clarion.domain.templates.escapes import text
from clarion.domain.templates.scan import Piece, scan

from .scopes import NOW, seeing

DAY = 86_400_000_000


@pytest.mark.parametrize("group", ["all", "any"])
def test_depth_counts_through_lists_too(group: str) -> None:
    def nested(levels: int) -> dict[str, Any]:
        return {"field": "event.x", "op": "exists"} if levels == 1 else {group: [nested(levels - 1)]}

    assert parse_condition(nested(20), (), ())[0] is not None
    assert parse_condition(nested(21), (), ())[0] is None


@pytest.mark.parametrize(
    ("ago", "is_within"), [(-1, False), (0, True), (1, True), (DAY - 1_000_000, True), (DAY, True), (DAY + 1_000_000, False)]
)
def test_both_ends_are_within_the_last(ago: int, *, is_within: bool) -> None:
    date = {-1: "2026-01-01T00:00:00.000001Z", 0: "2026-01-01T00:00:00Z", 1: "2025-12-31T23:59:59.999999Z"}
    date |= {DAY - 1_000_000: "2025-12-31T00:00:01Z", DAY: "2025-12-31", DAY + 1_000_000: "2025-12-30T23:59:59Z"}
    for op, expected in (("within_last", is_within), ("not_within_last", not is_within)):
        condition, _ = parse_condition({"field": "event.x", "op": op, "value": "1d"}, (), ())
        assert condition is not None
        assert condition.evaluate(seeing({"x": date[ago]}, now=NOW)) is expected


@pytest.mark.parametrize("written", ["90s", "1w2d3h4m5s6ms", "1h30m", "0ms", "123456789012345ms"])
def test_the_pattern_takes_durations(written: str) -> None:
    assert re.fullmatch(DURATION_PATTERN, written)


@pytest.mark.parametrize("written", ["", "1", "s", "1m1h", "1h1h", "1 h", "1y", "1234567890123456ms", "-1h"])
def test_the_pattern_refuses_what_is_none(written: str) -> None:
    assert not re.fullmatch(DURATION_PATTERN, written)
    with pytest.raises(ValueError, match=r"duration|unit|largest"):
        parse_duration(written)


def test_durations_of_every_unit_and_of_many_digits() -> None:
    assert MAX_DURATION == 316_224_000_000_000
    assert parse_duration("000000000000001w") == 7 * DAY
    assert parse_duration("000316224000000ms") == MAX_DURATION
    assert format_duration(8 * DAY + 3_661_001_000) == "8d1h1m1s1ms"
    with pytest.raises(ValueError, match="no duration"):
        parse_duration("0000000000000001w")


def test_a_body_is_counted_to_the_character() -> None:
    most = 65_536
    assert compile_json_template({"k": "x" * 16_000, "l": ["x" * 16_000] * 3 + ["x" * (most - 64_002)]})
    with pytest.raises(TemplateProblem, match=f"more than {most} characters") as refused:
        compile_json_template({"k": "x" * 16_000, "l": ["x" * 16_000] * 3 + ["x" * (most - 64_001)]})
    assert refused.value.path == ("l", 3)


def test_plain_text_may_be_as_long_as_a_template() -> None:
    longest = "x" * 16_384
    assert compile_json_template(longest).render(seeing()).text == f'"{longest}"'
    with pytest.raises(TemplateProblem, match="longer than 16384"):
        compile_json_template(longest + "x")


def test_a_string_is_a_template_for_its_tags_too() -> None:
    assert compile_json_template("{% if event.a %}b{% endif %}").referenced_fields() == {"event.a"}
    assert compile_json_template("a { % } b").render(seeing()).text == '"a { % } b"'


def test_keys_are_cut_short_in_paths() -> None:
    for key in ("{{" + "k" * 63, "\x00" + "k" * 64, "{%" + "k" * 63):
        with pytest.raises(TemplateProblem) as refused:
            compile_json_template({key: 1})
        assert refused.value.path == (key[:64],)
    with pytest.raises(TemplateProblem) as refused:
        compile_json_template({10**70: 1})
    assert refused.value.path == (str(10**70)[:64],)


@pytest.mark.parametrize(
    ("source", "data", "found"),
    [
        ("{{ v }}", {"v": True}, True),
        ("{{ v }}", {"v": False}, False),
        ("{{ v }}", {"v": 1.5}, 1.5),
        ("{{ v }}", {"v": ["a", (1, None)]}, ["a", [1, ""]]),
        ("{{ v }}", {"v": ("a", "b")}, ["a", "b"]),
        ("{{ v }}", {"v": {"a": 1}}, ""),
        ("{{ v | split: ',' }}", {"v": "a,b"}, ["a", "b"]),
        ("{{ v }}", {"v": "\ud800"}, "\ufffd"),
    ],
)
def test_a_value_in_a_body_keeps_its_type(source: str, data: dict[str, Any], found: object) -> None:
    made = json.loads(compile_json_template(source).render(seeing(data)).text)
    assert made == found
    assert type(made) is type(found)


def test_numbers_in_a_body_have_every_digit_or_too_many() -> None:
    assert compile_json_template("{{ v }}").render(seeing({"v": 10**4299})).text == str(10**4299)
    with pytest.raises(TemplateFailure, match=r"^a number has too many digits$"):
        compile_json_template("{{ v }}").render(seeing({"v": 10**4300}))
    assert compile_json_template(10**4299).render(seeing()).text == str(10**4299)
    with pytest.raises(TemplateProblem, match=r"^a number has too many digits$"):
        compile_json_template(10**4300)


def test_control_characters_are_dropped_one_by_one() -> None:
    dropped = [chr(code) for code in range(256) if text(chr(code)) == ""]
    assert dropped == [chr(code) for code in (*range(9), *range(11, 32), *range(127, 160))]


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        ("x" * 16_384, "x" * 16_385),
        ("{{ a }}" * 500, "{{ a }}" * 501),
        ("{{" + "a".rjust(1024) + "}}", "{{" + "a".rjust(1025) + "}}"),
        ("{%if" + "a".rjust(1022) + "%}{%endif%}", "{%if" + "a".rjust(1023) + "%}{%endif%}"),
        ("{% if a %}" * 20 + "{% endif %}" * 20, "{% if a %}" * 21 + "{% endif %}" * 21),
    ],
    ids=["source", "outputs", "output", "tag", "nesting"],
)
def test_sizes_of_a_template(allowed: str, refused: str) -> None:
    compile_template(allowed)
    with pytest.raises(TemplateProblem):
        compile_template(refused)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a\n{{ b", "'{{' in line 2 is never closed with '}}'"),
        ("{% b }}", "'{%' in line 1 is never closed with '%}'"),
        ("\n\n{{ " + "b" * 1024 + "}}", "'{{' in line 3 holds more than 1024 characters"),
        ("{% raw %}{{ a }}", "'{% raw %}' is never closed with '{% endraw %}'"),
        ("{% comment %}{% comment %}{% endcomment %}", "'{% comment %}' is never closed with '{% endcomment %}'"),
        ("{% %}", "a tag '{% %}' names nothing to do"),
        ("{%%}", "a tag '{% %}' names nothing to do"),
        ("{% !if a %}", "a tag '{% %}' names nothing to do"),
        ("{{}}", "an output '{{ }}' names nothing"),
        ("{{-}}", "an output '{{ }}' names nothing"),
        ("{{--}}", "an output '{{ }}' names nothing"),
        ("{% coment %}", "unknown tag 'coment' (did you mean 'comment'?)"),
        ("{% ech x %}", "unknown tag 'ech' (did you mean 'echo'?)"),
        ("{% ra %}", "unknown tag 'ra' (did you mean 'raw'?)"),
    ],
)
def test_what_is_wrong_with_markup(source: str, message: str) -> None:
    with pytest.raises(TemplateProblem) as refused:
        compile_template(source)
    assert str(refused.value) == message


@pytest.mark.parametrize("root", ["event", "entry", "profile", "subscriber", "react"])
def test_where_names_may_be_computed(root: str) -> None:
    template = compile_template(f"{{{{ {root}[which] }}}}", {"react"})
    assert template.referenced_fields() == {f"{root}[]", "which"}


@pytest.mark.parametrize("root", ["run", "other"])
def test_where_names_may_not_be_computed(root: str) -> None:
    with pytest.raises(TemplateProblem, match=f"^nothing can be looked up in '{root}' by a computed name$"):
        compile_template(f"{{{{ {root}[which] }}}}", {"react"})
    assert compile_template("{{ other[which] }}").referenced_fields() == {"other[]", "which"}


@pytest.mark.parametrize(
    ("root", "example"),
    [
        ("event", "event.price"),
        ("entry", "entry.price"),
        ("profile", "profile.first_name"),
        ("subscriber", "subscriber.city"),
        ("run", "run.key"),
    ],
)
def test_a_root_is_no_value(root: str, example: str) -> None:
    with pytest.raises(TemplateProblem, match=f"^'{root}' holds several values: name one, such as {example}$"):
        compile_template(f"{{{{ {root} }}}}")


def test_a_long_step_is_cut_short_in_a_message() -> None:
    step = "s" * 65
    with pytest.raises(TemplateProblem) as refused:
        compile_template(f"{{{{ {step} }}}}", {step})
    assert str(refused.value) == f"'{step[:64]}…' is a step: name a value of it, such as {step[:64]}.status"


@pytest.mark.parametrize(("source", "value"), [("{{ v | upcase }}", ""), ("{{ v | split: ',' }}", []), ("{{ v | strip || }}", "")])
def test_an_empty_value_is_a_value(source: str, value: object) -> None:
    assert compile_template(source).value(seeing({"v": ""})) == (value, ())
    assert json.loads(compile_json_template(source).render(seeing({"v": ""})).text) == value


def test_several_texts_that_look_like_markup() -> None:
    source = "{% raw %}{{a{% endraw %}{{ x | upcase || 1 }}{% raw %}{%b{% endraw %}{{ y | upcase || 2 }}{% raw %}c{{% endraw %}"
    assert compile_template(source).render(seeing(), text).text == "{{a1{%b2c{"


def test_pieces_of_text_are_never_neighbours() -> None:
    assert scan("a{% # x %}b{% raw %}c{% endraw %}d{% comment %}e{% endcomment %}f") == [Piece("text", "abcdf")]
    assert scan("a{{ b }}c{% raw %}d{% endraw %}") == [Piece("text", "a"), Piece("output", "b"), Piece("text", "cd")]
    assert scan("a {%- # x %}") == [Piece("text", "a")]
    assert scan(" {%- if b %}") == [Piece("tag", "b", "if")]
    assert scan("{{ a }}{%- raw %}b{% endraw %}") == [Piece("output", "a"), Piece("text", "b")]
