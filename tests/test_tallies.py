"""Numbers that parts of a process keep of themselves."""

import pytest

from clarion.tallies import SECONDS, Delivering, Histogram


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(-1.0, 0), (0.0, 0), (0.001, 0), (0.0011, 1), (10.0, len(SECONDS) - 1), (10.1, len(SECONDS))]
)
def test_a_duration_falls_into_the_bucket_whose_bound_it_does_not_pass(seconds: float, bucket: int) -> None:
    counted = Histogram()
    counted.add(seconds)
    assert counted.counts == [int(number == bucket) for number in range(len(SECONDS) + 1)]
    assert (counted.count, counted.total) == (1, max(seconds, 0.0))


def test_an_attempt_either_ends_its_delivery_or_is_to_be_repeated() -> None:
    tally = Delivering()
    for outcome in (None, "sent", None, "sent", "gone"):
        tally.add("push", outcome)
    tally.add("http", "failed")
    assert dict(tally.ended) == {("push", "sent"): 2, ("push", "gone"): 1, ("http", "failed"): 1}
    assert dict(tally.retries) == {"push": 2}
