"""The arithmetic that the benchmarks rest on: percentiles, and an open loop that never waits for answers."""

import pytest
from bench.percentiles import median, percentile
from bench.schedule import SECOND, OpenLoop, Schedule
from hypothesis import given, settings
from hypothesis import strategies as st

VALUES = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=200)
SCHEDULES = st.builds(Schedule, st.integers(0, 10**18), st.integers(1, 50_000), st.integers(0, 10_000))


def test_percentile_is_the_nearest_rank() -> None:
    values = [15.0, 20.0, 35.0, 40.0, 50.0]
    assert [percentile(values, percent) for percent in (5, 20, 20.1, 30, 40, 50, 100)] == [15, 15, 20, 20, 20, 35, 50]
    assert percentile(list(range(1, 101)), 99) == 99
    assert percentile(list(range(1, 102)), 99) == 100


@settings(max_examples=50)
@given(VALUES, st.floats(0.001, 100))
def test_percentile_is_the_smallest_value_with_enough_below(values: list[float], percent: float) -> None:
    ordered = sorted(values)
    found = percentile(ordered, percent)
    needed = len(values) * percent / 100
    assert sum(value <= found for value in values) >= needed
    assert sum(value < found for value in values) < needed


@pytest.mark.parametrize("percent", [0, -1, 100.1])
def test_percentile_refuses_what_is_no_percentage(percent: float) -> None:
    with pytest.raises(ValueError, match="no percentage"):
        percentile([1.0], percent)


def test_no_values_have_no_statistics() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)
    with pytest.raises(ValueError, match="no values"):
        median([])


def test_median() -> None:
    assert median([9, 1, 5]) == 5
    assert median([4, 1, 2, 9]) == 3


@settings(max_examples=100)
@given(SCHEDULES, st.data())
def test_what_is_due_agrees_with_when_it_is_due(schedule: Schedule, data: st.DataObject) -> None:
    now = data.draw(st.integers(schedule.start - SECOND, schedule.at(schedule.count) + SECOND))
    due = schedule.due(now)
    assert 0 <= due <= schedule.count
    assert due == 0 or schedule.at(due - 1) <= now
    assert due == schedule.count or schedule.at(due) > now


def test_a_schedule_keeps_its_rate() -> None:
    schedule = Schedule(7, 3_000, 9_000)
    assert schedule.at(3_000) == 7 + SECOND
    assert schedule.due(7) == 1
    assert schedule.due(6) == 0
    assert schedule.due(7 + SECOND) == 3_001
    assert schedule.due(7 + 10 * SECOND) == 9_000


class Sent:
    """What an open loop sent, as (link, index)."""

    def __init__(self) -> None:
        self.all: list[tuple[str, int]] = []

    def __call__(self, link: str, index: int) -> None:
        self.all.append((link, index))


def test_events_are_sent_when_due_whether_or_not_answers_came() -> None:
    sent = Sent()
    loop = OpenLoop(Schedule(0, 10, 4), ["a", "b", "c", "d"], sent)
    loop.tick(0)
    loop.tick(SECOND // 10 - 1)
    assert sent.all == [("a", 0)]
    loop.tick(SECOND // 10)
    assert sent.all == [("a", 0), ("b", 1)]
    loop.tick(SECOND)
    assert sent.all == [("a", 0), ("b", 1), ("c", 2), ("d", 3)]
    assert loop.finished


def test_events_that_find_no_free_link_wait_in_order_and_keep_their_time() -> None:
    sent = Sent()
    loop = OpenLoop(Schedule(0, 10, 4), ["a", "b"], sent)
    loop.tick(SECOND)
    assert (sent.all, loop.waiting, loop.finished) == ([("a", 0), ("b", 1)], 2, False)
    loop.freed("b")
    assert sent.all[2:] == [("b", 2)]
    loop.freed("a")
    assert (sent.all[3:], loop.waiting, loop.finished) == ([("a", 3)], 0, True)
    assert loop.schedule.at(2) == 2 * SECOND // 10


def test_a_free_link_waits_until_something_is_due() -> None:
    sent = Sent()
    loop = OpenLoop(Schedule(0, 10, 2), ["a"], sent)
    loop.tick(0)
    loop.freed("a")
    assert sent.all == [("a", 0)]
    loop.tick(SECOND // 10)
    assert sent.all == [("a", 0), ("a", 1)]
