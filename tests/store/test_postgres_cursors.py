"""Cursors of the log of many partitions, and what comes next behind one."""

from collections.abc import Sequence
from string import ascii_letters, digits

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.store.port import BadCursor
from clarion.store.postgres.cursors import read_cursor, write_cursor
from clarion.store.postgres.merging import Found, LogPlace, next_events

PLACES = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=6)
BASE64 = ascii_letters + digits + "-_"


@given(PLACES)
def test_a_cursor_is_read_as_it_was_written(places: list[int]) -> None:
    text = write_cursor(places)
    assert read_cursor(text, len(places)) == places
    assert set(text) <= set(BASE64)
    assert text != "0"


def test_the_beginning_is_before_everything() -> None:
    assert read_cursor("0", 3) == [0, 0, 0]


def test_a_cursor_of_many_partitions_fits_into_a_url() -> None:
    at_a_billion = [4_000_000 + number * 7_919 % 100_000 for number in range(256)]
    assert len(write_cursor(at_a_billion)) < 1_100
    at_the_end = [2**63 - 1 - number for number in range(256)]
    assert read_cursor(write_cursor(at_the_end), 256) == at_the_end


@given(PLACES, st.integers(1, 7))
def test_a_cursor_of_another_number_of_partitions_is_refused(places: list[int], partitions: int) -> None:
    if partitions != len(places):
        with pytest.raises(BadCursor):
            read_cursor(write_cursor(places), partitions)


@given(st.one_of(st.text(max_size=40), st.text(BASE64, max_size=40)), st.integers(1, 4))
def test_any_text_is_refused_or_is_what_was_written(text: str, partitions: int) -> None:
    try:
        places = read_cursor(text, partitions)
    except BadCursor:
        return
    assert text == "0" or write_cursor(places) == text


@given(PLACES, st.data())
def test_a_changed_cursor_is_refused_or_is_another_one(places: list[int], data: st.DataObject) -> None:
    text = list(write_cursor(places))
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] = data.draw(st.sampled_from(BASE64 + "=+/ é\n"))
    try:
        read = read_cursor("".join(text), len(places))
    except BadCursor:
        return
    assert write_cursor(read) == "".join(text)
    assert all(0 <= place < 2**63 for place in read)


@pytest.mark.parametrize("text", ["", "1", "00", "-", "AQ", "AgAA", "AQAB", "AQAAAA==", "AQ" + "_" * 200, "gA" * 30, "A" * 1_000_000])
def test_what_no_cursor_looks_like_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        read_cursor(text, 1)


# -- what comes next -----------------------------------------------------------------------------------------------------

Log = list[tuple[int, int]]
"""(log time, size) of each event of a partition; the sequence of the n-th is 2n, for there are other entries between them."""

LOGS = st.lists(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4)), max_size=8).map(lambda log: sorted(log, key=lambda event: event[0])),
    min_size=1,
    max_size=4,
)


def found_in(logs: Sequence[Log], places: Sequence[int], each: int) -> list[Found]:
    """What the database finds behind these places."""
    rows: list[Found] = []
    for partition, log in enumerate(logs):
        last = 2 * len(log) + 1
        events = [Found(partition, last, 2 * number, at, size) for number, (at, size) in enumerate(log, 1)]
        behind = [one for one in events if (one.sequence or 0) > places[partition]][:each]
        if places[partition] < last:
            rows += behind or [Found(partition, last, None, None, None)]
    return rows


def in_order(logs: Sequence[Log]) -> list[LogPlace]:
    return sorted((at, partition, 2 * number) for partition, log in enumerate(logs) for number, (at, _) in enumerate(log, 1))


@given(LOGS, st.integers(1, 5), st.integers(1, 6), st.integers(1, 12))
@settings(max_examples=200)
def test_each_event_comes_once_and_in_order(logs: list[Log], each: int, limit: int, most_bytes: int) -> None:
    places = [0] * len(logs)
    seen: list[LogPlace] = []
    while True:
        coming = next_events(found_in(logs, places, each), each, limit, most_bytes)
        assert len(coming.events) <= limit
        assert coming.size <= most_bytes or len(coming.events) == 1
        seen += coming.events
        for partition, place in coming.reached.items():
            assert place > places[partition]
            places[partition] = place
        if not coming.more:
            break
        assert coming.events
    assert seen == in_order(logs)
    assert places == [2 * len(log) + 1 for log in logs]
    assert found_in(logs, places, each) == []


@given(LOGS, LOGS, st.integers(1, 5), st.integers(1, 6))
def test_what_is_logged_late_is_not_skipped(first: list[Log], later: list[Log], each: int, limit: int) -> None:
    logs: list[Log] = [[] for _ in range(4)]
    places = [0] * len(logs)
    seen: list[LogPlace] = []
    for more in (first, later, []):
        for partition, log in enumerate(more):
            ended = logs[partition][-1][0] if logs[partition] else 0
            logs[partition] += [(max(at, ended), size) for at, size in log]
        coming = next_events(found_in(logs, places, each), each, limit, 100)
        seen += coming.events
        for partition, place in coming.reached.items():
            places[partition] = place
    while coming.more:
        coming = next_events(found_in(logs, places, each), each, limit, 100)
        seen += coming.events
        for partition, place in coming.reached.items():
            places[partition] = place
    assert sorted(seen) == in_order(logs)
