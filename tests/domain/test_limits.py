"""What a rendering may use: each limit by itself, from both sides."""

import pytest

from clarion.domain.problems import Problem
from clarion.domain.templates import TemplateError, TemplateFailure, TemplateLimit, TemplateProblem, compile_template, escapes
from clarion.domain.templates.limits import check_items, check_length, check_output, check_value, work_of
from clarion.domain.templates.values import is_value, to_text

from .scopes import seeing

MOST = 65_536


def renders(source: str, data: dict[str, str]) -> str:
    return compile_template(source).render(seeing({**data}), escapes.text).text


@pytest.mark.parametrize("text", ["x" * MOST, "é" * (MOST // 2), "€" * (MOST // 3), "😀" * (MOST // 4), "x" * (MOST - 2) + "é"])
def test_an_output_is_counted_in_bytes(text: str) -> None:
    assert check_output(text) is text
    with pytest.raises(TemplateLimit, match=f"^the output is longer than {MOST} bytes$"):
        check_output(text + "xxx")
    if len(text.encode()) == MOST:
        with pytest.raises(TemplateLimit):
            check_output(text + "x")


def test_lengths_and_counts() -> None:
    check_length(MOST)
    check_items(1000)
    with pytest.raises(TemplateLimit, match=f"^a text is longer than {MOST} characters$"):
        check_length(MOST + 1)
    with pytest.raises(TemplateLimit, match=r"^a list or a loop has more than 1000 items$"):
        check_items(1001)


@pytest.mark.parametrize("value", ["x" * MOST, [1] * 1000, (1,) * 1000, 10**100 - 1, 1 - 10**100, 9.9e99, None, True])
def test_a_value_that_may_be(value: object) -> None:
    assert check_value(value) is value


@pytest.mark.parametrize("value", ["x" * (MOST + 1), [1] * 1001, (1,) * 1001, 10**100, -(10**100), 1.1e100, -1.1e100])
def test_a_value_that_is_too_large(value: object) -> None:
    with pytest.raises(TemplateLimit):
        check_value(value)


@pytest.mark.parametrize(
    ("value", "work"),
    [("", 1), ("x" * 63, 1), ("x" * 64, 2), ("x" * 128, 3), ([], 1), ([1, "a"], 3), (("x" * 64, []), 4), (10**50, 1), (None, 1)],
)
def test_work(value: object, work: int) -> None:
    assert work_of(value) == work


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-1.50, "-1.5"),
        (10**4300 - 1, "9" * 4300),
        (1 - 10**4300, "-" + "9" * 4300),
        (["a", 1, [True]], "a, 1, true"),
        ((), ""),
        (None, ""),
        ({"a": 1}, ""),
        (b"x", ""),
    ],
    ids=lambda value: str(value)[:9],
)
def test_a_value_as_text(value: object, text: str) -> None:
    assert to_text(value) == text
    assert type(to_text(value)) is str


@pytest.mark.parametrize("value", [10**4300, -(10**4300)], ids=["large", "small"])
def test_a_number_with_too_many_digits(value: int) -> None:
    with pytest.raises(TemplateFailure, match=r"^a number has too many digits$"):
        to_text(value)


def test_text_of_another_class_is_plain_text() -> None:
    class Odd(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "no"

    assert to_text(Odd("yes")) == "yes"


def test_what_is_a_value() -> None:
    some: tuple[object, ...] = (0, False, 0.0, "a", [None], (1,))
    assert all(map(is_value, some))
    none: tuple[object, ...] = (None, "", [], (), {"a": 1})
    assert not any(map(is_value, none))


def test_reasons_are_cut_short() -> None:
    assert TemplateError("x" * 301).reason == str(TemplateError("x" * 301)) == "x" * 300
    problem = TemplateProblem("x" * 301, ("a", 1))
    assert (str(problem), problem.path) == ("x" * 300, ("a", 1))
    assert problem.problems == (Problem(("a", 1), "x" * 300),)
    assert TemplateProblem("x").path == ()


def test_work_is_counted_to_the_unit() -> None:
    """A loop pays one, and for each turn one and its nodes; an output pays one and its look-up, a test its look-up."""
    loop = "{% for i in (1..999) %}" + "{{ i }}" * 13 + "{% endfor %}"
    most = loop + "{{ a }}" * 19 + "{% if a %}{% endif %}"
    assert renders(most, {"a": ""})
    for more in ("{% if a %}{% endif %}", "{{ a }}", "{% assign b = 1 %}", "{% for i in (1..0) %}{% endfor %}"):
        with pytest.raises(TemplateLimit, match=r"^the template takes too much work$"):
            renders(most + more, {"a": ""})


@pytest.mark.parametrize(
    ("part", "units"),
    [
        ("{{ a }}", 2),
        ("{{ long }}", 3),
        ("{{ a | upcase }}", 3),
        ("{{ long | upcase }}", 5),
        ("{{ long | append: long }}", 9),
        ("{{ segments | size }}", 5),
        ("{% if a %}{% endif %}", 1),
        ("{% assign b = a %}", 2),
        ("{% assign b = long %}", 3),
        ("{% capture b %}{{ a }}{% endcapture %}", 3),
        ("{% capture b %}{{ long }}{% endcapture %}", 5),
        ("{% for i in segments %}{% endfor %}", 5),
        ("{% for i in (1..3) %}{% endfor %}", 4),
        ("{% for i in (1..3) %}x{% endfor %}", 7),
        ("{% for i in a %}{% endfor %}", 4),
        ("{% assign b = 'x,y,z' | split: ',' %}{% for i in b %}{% endfor %}", 12),
        ("{% for i in (1..2) %}{% for j in (1..2) %}x{% endfor %}{% endfor %}", 19),
    ],
)
def test_what_a_part_costs(part: str, units: int) -> None:
    """As many units as it leaves fewer to single look-ups."""
    data = {"a": "", "long": "x" * 64}
    loop = "{% for i in (1..999) %}" + "{{ i }}" * 12 + "{% endfor %}"
    left = 40_000 - (1 + 999 * 37)
    single = "{% if a %}{% endif %}"

    def fits(rest: int) -> bool:
        try:
            renders(loop + filler + part + single * rest, data)
        except TemplateLimit:
            return False
        return True

    # as many turns of five units as leave room for the part and some look-ups
    turns = (left - 60) // 5
    filler = f"{{% for i in (1..{turns}) %}}x{{{{ a }}}}{{% endfor %}}"
    rest = left - (1 + turns * 5) - units
    assert fits(rest)
    assert not fits(rest + 1)
