"""A host that asks for less gets less, for as long as it asks, and its fair share again afterwards."""

import pytest

from clarion.clock import MINUTE, SECOND
from clarion.delivery.host import LONGEST_PAUSE, REMEMBERED
from clarion.delivery.limits import HostLimits

NOW = 1_760_000_000 * SECOND


def fill(limits: HostLimits[int], host: str = "a", *, now: int = NOW) -> int:
    """Start as many as go."""
    count = 0
    while limits.start(host, now):
        count += 1
    return count


def end(limits: HostLimits[int], count: int, *, host: str = "a", now: int = NOW, took: int = 1, slow_down: int | None = None) -> list[int]:
    """Let some end; what was put off."""
    postponed: list[int] = []
    for _ in range(count):
        released = limits.release(host, now, took=took, answered=True, slow_down=slow_down)
        assert not released.start
        postponed += released.postpone
    return postponed


def full(per_host: int = 16) -> HostLimits[int]:
    """Limits of which one host holds all that it may."""
    limits = HostLimits[int](total=64, per_host=per_host, per_push_host=64)
    assert fill(limits) == per_host
    return limits


def test_two_refusals_halve_what_is_under_way() -> None:
    limits = full()
    end(limits, 1, slow_down=0)
    assert fill(limits) == 1  # one alone is about one subscription
    end(limits, 1, slow_down=0)
    end(limits, 14)
    assert fill(limits) == 8


def test_refusals_of_what_was_sent_before_the_halving_do_not_count_again() -> None:
    limits = full()
    end(limits, 16, slow_down=0, now=NOW + 5, took=5)
    assert fill(limits, now=NOW + 6) == 8
    end(limits, 8, slow_down=0, now=NOW + 7, took=1)
    assert fill(limits, now=NOW + 8) == 4


def test_it_never_gets_less_than_one() -> None:
    limits = full()
    now = NOW
    for _ in range(8):
        now += 1
        while fill(limits, now=now):
            pass
        end(limits, 64 - limits.free, slow_down=0, now=now, took=0)
    assert fill(limits, now=now + 1) == 1


def test_what_counts_is_what_was_under_way_where_the_limit_is_far_above_it() -> None:
    limits = HostLimits[int](total=64, per_host=64, per_push_host=64)
    for _ in range(5):
        assert limits.start("a", NOW)
    end(limits, 2, slow_down=0)
    assert fill(limits) == 0
    end(limits, 1)
    assert fill(limits) == 1


@pytest.mark.parametrize(("between", "halved"), [(REMEMBERED, False), (REMEMBERED - 1, True)])
def test_a_refusal_now_and_then_is_about_a_subscription(between: int, halved: bool) -> None:
    limits = full()
    for _ in range(2):
        end(limits, 1, slow_down=MINUTE)
        for _ in range(between):
            fill(limits)
            end(limits, 1)
    now = NOW + LONGEST_PAUSE + 1
    assert (fill(limits) == 0) == halved
    end(limits, 64 - limits.free, now=now)
    assert (fill(limits, now=now) < 16) == halved


def test_it_is_left_alone_for_as_long_as_it_asks() -> None:
    limits = full()
    end(limits, 1, slow_down=10 * SECOND)
    assert limits.start("a", NOW)
    end(limits, 2, slow_down=10 * SECOND)
    end(limits, 14)
    assert fill(limits, now=NOW + 10 * SECOND - 1) == 0
    assert fill(limits, now=NOW + 10 * SECOND) > 0


@pytest.mark.parametrize("asked", [LONGEST_PAUSE, LONGEST_PAUSE + 1, 6 * 60 * MINUTE])
def test_but_no_longer_than_a_minute(asked: int) -> None:
    limits = full()
    end(limits, 16, slow_down=asked)
    assert fill(limits, now=NOW + LONGEST_PAUSE - 1) == 0
    assert fill(limits, now=NOW + LONGEST_PAUSE) == 8


def test_a_shorter_wish_does_not_end_a_longer_one() -> None:
    limits = full()
    end(limits, 2, slow_down=30 * SECOND)
    end(limits, 14, slow_down=SECOND)
    assert fill(limits, now=NOW + 30 * SECOND - 1) == 0
    assert fill(limits, now=NOW + 30 * SECOND) == 8


def test_a_clock_that_is_set_back_does_not_make_it_longer() -> None:
    limits = full()
    end(limits, 16, slow_down=LONGEST_PAUSE)
    assert fill(limits, now=NOW - 1) == 8


def test_what_is_parked_for_it_is_put_off_until_it_wants_more() -> None:
    limits = full(2)
    for item in (1, 2, 3):
        assert not limits.start("a", NOW)
        assert limits.park("a", item, NOW)
    assert limits.release("a", NOW, took=1, answered=True, slow_down=SECOND).start == [1]
    released = limits.release("a", NOW, took=1, answered=True, slow_down=SECOND)
    assert (released.start, released.postpone) == ([], [2, 3])
    assert limits.parked == 0
    assert not limits.park("a", 4, NOW)
    assert limits.postponed_until("a", NOW) >= NOW + SECOND
    assert limits.give_back("a", NOW) == []
    assert limits.start("a", NOW + SECOND)


def test_it_grows_again_by_one_for_each_round_of_answers() -> None:
    limits = full()
    end(limits, 16, slow_down=0)
    assert fill(limits) == 8
    for held in range(8, 16):
        end(limits, held - 1)
        assert fill(limits) == held - 1
        end(limits, 1)
        assert fill(limits) == 2
    end(limits, 16)
    assert fill(limits) == 16  # no more than it had


def test_after_an_outage_it_doubles_up_to_where_it_last_asked_for_less() -> None:
    limits = full()
    end(limits, 16, slow_down=0)
    for _ in range(5):
        assert limits.start("a", NOW)
        limits.release("a", NOW, took=1, answered=False)
    now, held = NOW + MINUTE, []
    for _ in range(6):
        held.append(fill(limits, now=now))
        end(limits, held[-1] - 1, now=now)
        end(limits, 1, now=now)
    assert held[0] == 1
    assert 8 in held
    assert max(held) <= 10


def test_a_host_that_comes_back_with_a_refusal_has_answered() -> None:
    limits = HostLimits[int](total=64, per_host=16, per_push_host=64)
    for _ in range(5):
        assert limits.start("a", NOW)
        limits.release("a", NOW, took=1, answered=False)
    assert limits.start("a", NOW + MINUTE)
    end(limits, 1, now=NOW + MINUTE, slow_down=0)
    assert fill(limits, now=NOW + MINUTE) == 1


def test_another_host_does_not_notice() -> None:
    limits = full()
    end(limits, 16, slow_down=MINUTE)
    assert fill(limits, "b") == 16
