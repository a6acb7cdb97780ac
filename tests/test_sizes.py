"""Sizes as settings write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.sizes import MAX_SIZE, format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"), [("0B", 0), ("1B", 1), ("3KiB", 3072), ("512MiB", 536_870_912), ("1GiB", 2**30), ("1048576TiB", MAX_SIZE)]
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "1", "1GB", "1 GiB", "1.5GiB", "-1MiB", "1gib", "GiB", "1GiB2MiB", "٣MiB", "1GiB\n", "9" * 16 + "B"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is no size: "):
        parse_size(text)


def test_a_size_that_no_database_has_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"^is larger than 1048576TiB"):
        parse_size("1048577TiB")


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (2**30 - 1, "1023.9 MiB"), (2**30, "1 GiB"), (2**50, "1024 TiB")],
)
def test_a_size_is_written_for_people(size: int, text: str) -> None:
    assert format_size(size) == text


@given(st.integers(1, 1023), st.sampled_from(["B", "KiB", "MiB", "GiB", "TiB"]))
def test_a_size_is_read_as_it_was_written(number: int, unit: str) -> None:
    assert format_size(parse_size(f"{number}{unit}")) == f"{number} {unit}"
