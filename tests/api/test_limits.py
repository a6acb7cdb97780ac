"""The rate limit: a bucket for each key."""

from hypothesis import given
from hypothesis import strategies as st

from clarion.api.limits import RateLimit

SECOND = 1_000_000


class Time:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def test_no_limit_is_no_limit() -> None:
    limit = RateLimit(0, Time())
    assert not any(limit.take(1) for _ in range(10_000))


def test_a_burst_of_one_second_then_the_rate() -> None:
    time = Time()
    limit = RateLimit(5, time)
    assert [limit.take(1) for _ in range(6)] == [0, 0, 0, 0, 0, 1]
    time.now = SECOND // 5 - 1
    assert limit.take(1) == 1
    time.now = SECOND // 5
    assert limit.take(1) == 0
    assert limit.take(1) == 1


def test_keys_do_not_share_a_bucket() -> None:
    limit = RateLimit(1, Time())
    assert (limit.take(1), limit.take(2), limit.take(1)) == (0, 0, 1)


def test_a_batch_larger_than_the_bucket_passes_when_it_is_full_and_is_paid_for_afterwards() -> None:
    time = Time()
    limit = RateLimit(10, time)
    assert limit.take(1, 100) == 0
    assert limit.take(1, 1) == 10
    time.now = 9 * SECOND
    assert limit.take(1, 1) == 1
    time.now = 10 * SECOND
    assert limit.take(1, 10) == 0
    assert limit.take(1, 1) == 1


@given(st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(1, 30)), max_size=40))
def test_never_more_than_the_rate_and_one_burst_and_one_batch(asked: list[tuple[int, int]]) -> None:
    time = Time()
    limit = RateLimit(10, time)
    passed = 0
    for pause, tokens in asked:
        time.now += pause
        if limit.take(1, tokens) == 0:
            passed += tokens
    assert passed <= 10 + time.now * 10 / SECOND + 30
