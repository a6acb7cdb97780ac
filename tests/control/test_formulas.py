"""Cells that spreadsheets would compute."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.control.formulas import neutral, restored


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''@x"])
def test_they_are_neutralised(cell: str) -> None:
    assert neutral(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "a=1", "'", "'a", "1", " =1"])
def test_others_stay(cell: str) -> None:
    assert neutral(cell) == cell


@given(st.text(alphabet="'=+-@\t\ra1 "))
@settings(max_examples=100)
def test_all_come_back(cell: str) -> None:
    assert restored(neutral(cell)) == cell
