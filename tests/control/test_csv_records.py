"""CSV cut into records: nothing is lost, and what is wrong with one line is no other's trouble."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.control.csv_records import MOST_CHARACTERS, Record, records


def lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


def cut(text: str) -> list[Record]:
    return list(records(io.StringIO(text, newline="\n")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a,"b\nc,d\ne,f\n', [('a,"b\n', None), ("c,d\n", ["c", "d"]), ("e,f\n", ["e", "f"])]),
        ('a,"b\nc",d\ne,f\n', [('a,"b\nc",d\n', ["a", "b\nc", "d"]), ("e,f\n", ["e", "f"])]),
        ('a,"b\nc"x\ne,f', [('a,"b\n', None), ('c"x\n', ['c"x']), ("e,f", ["e", "f"])]),
        ('"a\n"b\n"c\n', [('"a\n', None), ('"b\n', None), ('"c\n', None)]),
        ("a\rb\n\n \nc\n", [("a\rb\n", None), ("c\n", ["c"])]),
        ("", []),
    ],
)
def test_behind_a_line_that_is_no_csv_it_goes_on_with_the_next(text: str, expected: list[tuple[str, list[str] | None]]) -> None:
    assert [(one.text, None if one.error else one.cells) for one in cut(text)] == expected


def test_a_cell_that_does_not_end_takes_no_row_along() -> None:
    """However many there are, each line is read twice at most."""
    line = "x" * 99 + "\n"
    count = 3 * MOST_CHARACTERS // len(line)
    found = cut('"open\n' + line * count)
    assert (found[0].text, len(found)) == ('"open\n', count + 1)
    assert all(one.error is None for one in found[1:])


@given(st.lists(st.sampled_from(["a", "b", ",", '"', "\n", "\r", " "]), max_size=60).map("".join), st.data())
def test_nothing_is_lost_and_a_cut_between_records_changes_nothing(text: str, data: st.DataObject) -> None:
    found = cut(text)
    assert lines("".join(one.text for one in found)) == lines(text)
    assert all(one.text.count("\n") <= 1 for one in found if one.error is not None)
    place = data.draw(st.integers(0, len(found)))
    first, second = found[:place], found[place:]
    again = [*cut("".join(one.text for one in first)), *cut("".join(one.text for one in second))]
    assert [(one.text, one.cells, one.error is None) for one in again] == [(one.text, one.cells, one.error is None) for one in found]
