"""From a text to a document: what is said of one that is refused, and where; and the form that is stored."""

from typing import Final

import msgspec
import pytest

from clarion.domain.problems import Path, Problem
from clarion.workflow.source import (
    DocumentInvalid,
    Located,
    canonical,
    located,
    parse_canonical,
    read_document,
    read_document_value,
    spell,
)

LEAST: Final = "workflow: w\nstart: {on: [{event: e}]}\nsteps: []\n"


def refusal(text: str) -> DocumentInvalid:
    with pytest.raises(DocumentInvalid) as refused:
        read_document(text)
    return refused.value


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ((), ""),
        (("steps",), "steps"),
        (("steps", 2, "push", "title"), "steps[2].push.title"),
        ((0,), "[0]"),
        ((0, 1, "a"), "[0][1].a"),
        (("a", 0, 1), "a[0][1]"),
    ],
)
def test_a_path_in_words(path: Path, written: str) -> None:
    assert spell(path) == written


@pytest.mark.parametrize(
    ("problem", "written"),
    [
        (Located((), "is bad"), "is bad"),
        (Located(("a", 0), "is bad"), "a[0]: is bad"),
        (Located((), "is bad", 1, 2), "line 1, column 2: is bad"),
        (Located(("a",), "is bad", 3, 4), "line 3, column 4: a: is bad"),
    ],
)
def test_a_problem_in_words(problem: Located, written: str) -> None:
    assert str(problem) == written


def test_a_problem_that_has_no_place_tells_none() -> None:
    assert msgspec.to_builtins(Located(("a", 0), "is bad")) == {"path": ("a", 0), "message": "is bad"}


def test_a_refusal_names_its_first_three_problems() -> None:
    problems = [Located((name,), "is bad") for name in "abcd"]
    assert str(DocumentInvalid(problems)) == "a: is bad; b: is bad; c: is bad"
    assert DocumentInvalid(problems).problems == problems


def test_problems_come_in_the_order_of_the_text_and_those_of_one_place_as_they_were_found() -> None:
    places: dict[Path, tuple[int, int]] = {(): (1, 1), ("a",): (2, 9), ("b",): (2, 3), ("c",): (10, 1)}
    found = [
        Problem((name, *below), f"{name} {number}") for number, (name, below) in enumerate([("c", ()), ("a", ()), ("b", (0,)), ("a", ())])
    ]
    assert located(found, places) == [
        Located(("b", 0), "b 2", 2, 3),
        Located(("a",), "a 1", 2, 9),
        Located(("a",), "a 3", 2, 9),
        Located(("c",), "c 0", 10, 1),
    ]


def test_what_is_missing_has_the_place_of_the_nearest_thing_around_it() -> None:
    places: dict[Path, tuple[int, int]] = {(): (2, 3), ("a",): (4, 5), ("a", 0): (6, 7)}
    paths: list[Path] = [("x", "y"), ("a", "x"), ("a", 0, "x", "y"), ("a", 0)]
    assert [(one.line, one.column) for path in paths for one in located([Problem(path, "is bad")], places)] == [
        (2, 3),
        (4, 5),
        (6, 7),
        (6, 7),
    ]


def test_where_no_place_is_known_it_is_the_start() -> None:
    assert located([Problem(("a",), "is bad")], {}) == [Located(("a",), "is bad", 1, 1)]


def test_a_problem_of_a_document_with_its_place() -> None:
    invalid = refusal(LEAST + "name:\n  - 5\n")
    assert invalid.problems == [Located(("name",), "must be a string", 5, 3)]
    assert str(invalid) == "line 5, column 3: name: must be a string"


def test_a_text_that_cannot_be_read_says_where() -> None:
    assert refusal("a: 1\nb: [").problems == [Located((), "not valid YAML: expected the node content, but found the end of the text", 2, 5)]


@pytest.mark.parametrize("character", ["x", "é", "🙂"])
def test_how_long_a_text_may_be(character: str) -> None:
    """Counted in bytes."""
    padding, rest = divmod(256 * 1024 - len(LEAST) - 2, len(character.encode()))
    fits = f"{LEAST}# {character * padding}{'x' * rest}"
    assert read_document(fits).workflow == "w"
    assert refusal(f"{fits}x").problems == [Located((), "the document is larger than 256 KiB")]


def test_half_of_a_character_does_not_stop_the_count() -> None:
    assert "not valid YAML" in str(refusal(f"{LEAST}name: \ud800"))


def test_the_stored_form_has_sorted_keys_and_only_what_was_said() -> None:
    document = read_document(LEAST)
    stored = b'{"start":{"on":[{"event":"e"}]},"steps":[],"workflow":"w"}'
    assert canonical(document) == stored
    again = parse_canonical(stored)
    assert (again.workflow, again.value) == ("w", document.value)


def test_what_is_stored_can_be_refused_by_another_version() -> None:
    with pytest.raises(DocumentInvalid) as refused:
        parse_canonical(b'{"workflow":"w","start":{"on":[{"event":"e"}]},"steps":[],"olden":1,"name":5}')
    assert refused.value.problems == [Located(("olden",), "unknown key"), Located(("name",), "must be a string")]


def test_a_value_has_no_lines() -> None:
    with pytest.raises(DocumentInvalid) as refused:
        read_document_value([])
    assert str(refused.value) == "must be an object"
    assert refused.value.problems == [Located((), "must be an object")]
    assert (refused.value.problems[0].line, refused.value.problems[0].column) == (None, None)
    assert read_document_value({"workflow": "w", "start": {"on": [{"event": "e"}]}, "steps": []}).name == "w"
