"""The inside of outputs and tags: which words are names where, what is a default, how a name is handed on."""

import pytest

from clarion.domain.templates import TemplateProblem, compile_template, escapes
from clarion.domain.templates.expressions import for_liquid, split_default

from .scopes import seeing

LOOP_WORDS = ["in", "offset", "limit", "reversed", "cols", "continue"]
OTHER_WORDS = ["not", "with", "for", "as", "if", "else", "required"]
ALWAYS = ["and", "or", "contains", "true", "false", "nil", "null", "empty", "blank"]


def fill(source: str, data: dict[str, str]) -> str:
    return compile_template(source).render(seeing({**data}), escapes.text).text


@pytest.mark.parametrize("word", [*LOOP_WORDS, *OTHER_WORDS, *ALWAYS, "1a", "9"])
def test_any_word_is_a_name_at_the_head_of_an_output(word: str) -> None:
    assert fill(f"{{{{ {word} }}}}", {word: "x"}) == "x"
    if word != "9":  # a number with filters is a number
        assert fill(f"{{{{ {word} | upcase }}}}", {word: "x"}) == "X"
    assert fill(f"{{{{ {word} || y }}}}", {word: "x"}) == "x"
    assert for_liquid(word, ()) == f"_['{word}']"


@pytest.mark.parametrize("word", [*LOOP_WORDS, *OTHER_WORDS, "1a"])
def test_words_that_are_names_anywhere(word: str) -> None:
    assert fill(f"{{{{ 'a' | append: {word} }}}}", {word: "x"}) == "ax"
    assert fill(f"{{% if {word} == 'x' %}}y{{% endif %}}", {word: "x"}) == "y"


@pytest.mark.parametrize("word", ALWAYS)
def test_words_that_are_names_at_the_head_only(word: str) -> None:
    assert for_liquid(f"a | append: {word}", ("append",)) == f"a | append: {word}"
    assert for_liquid(word, (), tag="if") == word
    assert fill(f"{{{{ 'a' | append: event.{word} }}}}", {word: "x"}) == "ax"


@pytest.mark.parametrize("word", LOOP_WORDS)
def test_words_of_loops_are_no_names_in_a_loop(word: str) -> None:
    assert for_liquid(word, (), tag="for") == word
    assert for_liquid(word, (), tag="if") == f"_['{word}']"


def test_other_words_are_names_in_a_loop_too() -> None:
    for word in OTHER_WORDS:
        assert for_liquid(word, (), tag="for") == f"_['{word}']"


@pytest.mark.parametrize(
    ("expression", "handed"),
    [
        ("a", "a"),
        ("a.b", "a['b']"),
        ("event.1.x-y", "event['1']['x-y']"),
        ("1a.b", "_['1a']['b']"),
        ("a-", "a-"),
        ("1", "_['1']"),
        ("1 | plus: 2", "1 | plus: 2"),
        ("-1.5 | plus: 2.25", "-1.5 | plus: 2.25"),
        ("1.5x | plus: 1.", "_['1']['5x'] | plus: 1."),
        ("1a | plus: 2b", "_['1a'] | plus: _['2b']"),
        ("'if' | plus: \"or 1a\"", "'if' | plus: \"or 1a\""),
        ("a  |\n plus:\t1", "a | plus: 1"),
        ("a | plus: plus", "a | plus: plus"),
        ("a[if]", "a[_['if']]"),
        ("a['if']", "a['if']"),
        ("é | plus: 1", "é | plus: 1"),
    ],
)
def test_what_liquid_is_handed(expression: str, handed: str) -> None:
    assert for_liquid(expression, ("plus",)) == handed


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("a | plsu", "unknown filter 'plsu' (did you mean 'plus'?)"),
        ("a | _", "unknown filter '_'"),
        ("_", "'_' is no name"),
        ("_.a", "'_' is no name"),
        ("a | plus: _.b", "'_' is no name"),
    ],
)
def test_what_liquid_is_not_handed(expression: str, message: str) -> None:
    with pytest.raises(TemplateProblem) as refused:
        for_liquid(expression, ("plus",))
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("expression", "parts"),
    [
        ("a", ("a", None)),
        ("a ", ("a ", None)),
        ("a || b", ("a", "b")),
        ("a||b", ("a", "b")),
        ("a  ||  b  ", ("a", "b")),
        ("a ||", ("a", "")),
        ("|| b", ("", "b")),
        ("a || b || c", ("a", "b || c")),
        ("a | f: '||' || b", ("a | f: '||'", "b")),
        ('a | f: "||"', ('a | f: "||"', None)),
        ("a || 'b'", ("a", "b")),
        ('a || "b"', ("a", "b")),
        ("a || ''", ("a", "")),
        ("a || '", ("a", "'")),
        ("a || 'b", ("a", "'b")),
        ("a || b'", ("a", "b'")),
        ("a || 'b' 'c'", ("a", "'b' 'c'")),
        ("a || '''", ("a", "'''")),
        ("a || \"b'", ("a", "\"b'")),
        ('a || "it\'s"', ("a", "it's")),
        ("a || ' b '", ("a", " b ")),
        ("a ||| b", ("a", "| b")),
    ],
)
def test_a_default(expression: str, parts: tuple[str, str | None]) -> None:
    assert split_default(expression) == parts
