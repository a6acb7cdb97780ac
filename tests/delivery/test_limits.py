"""A slow or dead host delays only its own deliveries."""

from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from clarion.clock import SECOND
from clarion.delivery.host import DOWN_AFTER, FAR, FIRST_PACE, FIRST_PROBE, LAST_PROBE, LONGEST_WAIT, SLOW
from clarion.delivery.limits import HostLimits

NOW = 1_760_000_000 * SECOND


def fill(limits: HostLimits[int], host: str, *, push: bool = False) -> int:
    """Start as many as go."""
    count = 0
    while limits.start(host, NOW, push=push):
        count += 1
    return count


def fail(limits: HostLimits[int], host: str, now: int = NOW) -> None:
    assert limits.start(host, now)
    limits.release(host, now, took=SECOND, answered=False)


def test_a_host_has_its_limit_and_a_push_service_a_larger_one() -> None:
    assert fill(HostLimits[int](total=512, per_host=32, per_push_host=256), "a") == 32
    assert fill(HostLimits[int](total=512, per_host=32, per_push_host=256), "push", push=True) == 256


def test_hosts_get_less_each_as_the_slots_go() -> None:
    limits = HostLimits[int](total=512, per_host=32, per_push_host=256)
    held = [fill(limits, f"host-{number}") for number in range(30)]
    assert held[:8] == [32] * 8
    assert held == sorted(held, reverse=True)
    assert limits.free > 0
    assert fill(limits, "another") >= 1


def test_all_slow_hosts_together_hold_half_of_the_slots() -> None:
    limits = HostLimits[int](total=64, per_host=4, per_push_host=4)
    slow = [f"slow-{number}" for number in range(40)]
    for host in slow:
        assert limits.start(host, NOW)
        limits.release(host, NOW, took=SLOW, answered=True)
    assert sum(fill(limits, host) for host in slow) == 32
    assert fill(limits, "healthy") >= 2
    # a host that has become quick counts no longer
    assert not limits.start("slow-39", NOW)
    limits.release(slow[0], NOW, took=1, answered=True)
    assert limits.start("slow-39", NOW)


def test_a_slow_host_without_a_slot_gets_one_when_another_slow_one_ends() -> None:
    limits = HostLimits[int](total=2, per_host=1, per_push_host=1)
    for host in ("a", "b"):
        assert limits.start(host, NOW)
        limits.release(host, NOW, took=SLOW, answered=True)
    assert limits.start("a", NOW)
    assert not limits.start("b", NOW)
    assert limits.park("b", 7, NOW)
    assert limits.release("a", NOW, took=SLOW, answered=True).start == [7]


def test_nothing_starts_without_a_slot() -> None:
    limits = HostLimits[int](total=2, per_host=1, per_push_host=1)
    assert limits.start("a", NOW)
    assert limits.start("b", NOW)
    assert not limits.start("c", NOW)


def test_what_is_parked_goes_in_order_when_its_host_has_a_slot() -> None:
    limits = HostLimits[int](total=8, per_host=1, per_push_host=1)
    assert limits.start("a", NOW)
    for item in (1, 2, 3):
        assert not limits.start("a", NOW)
        assert limits.park("a", item, NOW)
    assert limits.parked == 3
    for item in (1, 2, 3):
        assert limits.release("a", NOW, took=1, answered=True).start == [item]
    assert limits.release("a", NOW, took=1, answered=True).start == []
    assert (limits.parked, limits.free) == (0, 8)


def test_nobody_overtakes_what_is_parked() -> None:
    limits = HostLimits[int](total=8, per_host=2, per_push_host=2)
    for _ in range(2):
        assert limits.start("a", NOW)
    assert limits.park("a", 1, NOW)
    assert limits.release("a", NOW, took=1, answered=True).start == [1]
    assert not limits.start("a", NOW)


def test_a_host_that_found_no_slot_at_all_starts_when_another_ends() -> None:
    limits = HostLimits[int](total=1, per_host=1, per_push_host=1)
    assert limits.start("a", NOW)
    assert not limits.start("b", NOW)
    assert limits.park("b", 7, NOW)
    assert limits.release("a", NOW, took=1, answered=True).start == [7]


def test_parking_is_bounded_for_each_host_and_in_all() -> None:
    limits = HostLimits[int](total=8, per_host=1, per_push_host=1, parked=150)
    for host, fits in (("a", 125), ("b", 25)):
        assert limits.start(host, NOW)
        assert not limits.start(host, NOW)
        assert [limits.park(host, item, NOW) for item in range(fits + 1)] == [True] * fits + [False]
    assert len(limits.drain()) == 150
    assert limits.parked == 0


def keep_busy(limits: HostLimits[int], *, every: int) -> int:
    """One after the other, with others waiting; the time at the end."""
    now = NOW
    assert limits.start("a", now)
    for _ in range(300):
        while limits.park("a", 0, now):
            pass
        now += every
        limits.release("a", now, took=every, answered=True)
    return now


@pytest.mark.parametrize(("every", "fits"), [(SECOND // 10_000, 2048), (SECOND // 1000, 250), (SECOND, 16)])
def test_a_host_may_have_parked_what_it_gets_through_in_a_quarter_of_a_second(every: int, fits: int) -> None:
    limits = HostLimits[int](total=8, per_host=1, per_push_host=1)
    keep_busy(limits, every=every)
    assert fits * 0.9 <= limits.parked <= fits * 1.1


def test_what_is_put_off_comes_back_at_the_pace_of_the_host() -> None:
    limits = HostLimits[int](total=8, per_host=1, per_push_host=1)
    every = SECOND // 1000
    now = keep_busy(limits, every=every)
    times = [limits.postponed_until("a", now) for _ in range(1000)]
    assert times[0] >= now + every * limits.parked * 0.9
    assert all(every * 0.9 <= later - earlier <= every * 1.1 for earlier, later in pairwise(times))


def test_behind_the_first_minute_of_a_slow_host_they_come_as_close_together_as_of_one_that_is_well() -> None:
    limits = HostLimits[int](total=8, per_host=1, per_push_host=1)
    now = keep_busy(limits, every=SECOND)
    times = [limits.postponed_until("a", now) for _ in range(1000)]
    far = times[0] + FAR
    near = [at for at in times if at < far - SECOND]
    assert 50 <= len(near) <= 65
    assert all(SECOND * 0.9 <= later - earlier <= SECOND * 1.1 for earlier, later in pairwise(near))
    assert times[-1] <= far + 1000 * FIRST_PACE
    assert max(limits.postponed_until("a", now) for _ in range(400_000)) == now + LONGEST_WAIT


def test_a_slow_host_that_is_quick_again_has_nobody_wait_for_long() -> None:
    limits = HostLimits[int](total=8, per_host=1, per_push_host=1)
    now = keep_busy(limits, every=SECOND)
    while limits.postponed_until("a", now) < now + FAR:
        pass
    limits.start("a", now)
    for _ in range(100):
        while limits.park("a", 0, now):
            pass
        now += FIRST_PACE
        limits.release("a", now, took=FIRST_PACE, answered=True)
    assert limits.postponed_until("a", now) < now + 2 * SECOND


def test_a_host_that_never_answers_is_probed_by_one_at_a_time_at_growing_intervals() -> None:
    limits = HostLimits[int](total=64, per_host=8, per_push_host=8)
    for _ in range(DOWN_AFTER - 1):
        fail(limits, "dead")
    assert fill(limits, "dead") == 8
    for _ in range(8):
        limits.release("dead", NOW, took=SECOND, answered=False)
    now, wait = NOW, FIRST_PROBE * 2  # the last of the eight had nobody beside it
    for _ in range(10):
        assert not limits.start("dead", now + wait - 1)
        now += wait
        assert limits.start("dead", now)
        assert not limits.start("dead", now + LAST_PROBE)
        limits.release("dead", now, took=SECOND, answered=False)
        wait = min(wait * 2, LAST_PROBE)
    assert fill(limits, "healthy") == 8


def test_one_failure_less_leaves_a_host_up() -> None:
    limits = HostLimits[int](total=64, per_host=8, per_push_host=8)
    for _ in range(DOWN_AFTER - 1):
        fail(limits, "a")
    assert limits.start("a", NOW)
    limits.release("a", NOW, took=1, answered=True)
    for _ in range(DOWN_AFTER - 1):
        fail(limits, "a")
    assert fill(limits, "a") == 8


def test_a_host_that_is_back_gets_its_slots_back_by_doubling() -> None:
    limits = HostLimits[int](total=64, per_host=8, per_push_host=8)
    for _ in range(DOWN_AFTER):
        fail(limits, "a")
    now = NOW + LAST_PROBE
    assert limits.start("a", now)
    running = 1
    for limit in (1, 2, 4, 8, 8):
        limits.release("a", now, took=1, answered=True)
        running += fill(limits, "a") - 1
        assert running == limit


def test_what_was_parked_for_a_host_that_dies_is_put_off_and_nothing_more_is_parked() -> None:
    limits = HostLimits[int](total=64, per_host=DOWN_AFTER, per_push_host=8)
    assert fill(limits, "a") == DOWN_AFTER
    assert all(limits.park("a", item, NOW) for item in range(3))
    for _ in range(DOWN_AFTER - 1):
        released = limits.release("a", NOW, took=1, answered=False)
        for item in released.start:
            assert item in range(3)
    # those that were started in the meantime
    while limits.free < 64:
        released = limits.release("a", NOW, took=1, answered=False)
        assert released.start == []
    assert limits.parked == 0
    assert not limits.start("a", NOW)
    assert not limits.park("a", 9, NOW)
    assert limits.postponed_until("a", NOW) >= NOW + FIRST_PROBE


def test_hosts_that_are_down_are_remembered_up_to_a_number() -> None:
    limits = HostLimits[int](total=8, per_host=1, per_push_host=1, hosts=3)
    for host in "abcd":
        for _ in range(DOWN_AFTER):
            fail(limits, host)
    assert [host for host in "bcd" if limits.start(host, NOW)] == []
    assert limits.start("a", NOW)


@pytest.mark.parametrize("sizes", [{"per_host": 0}, {"per_host": 9}, {"per_push_host": 9}])
def test_limits_that_make_no_sense_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="between 1 and the total"):
        HostLimits[int](**({"total": 8, "per_host": 1, "per_push_host": 1} | sizes))


class Machine(RuleBasedStateMachine):
    """However hosts behave, every delivery that was taken on is under way, parked, or handed back."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = HostLimits[int](total=6, per_host=2, per_push_host=4, parked=8, hosts=4)
        self.now = NOW
        self.running: list[str] = []
        self.parked: dict[int, str] = {}
        self.number = 0

    @rule(host=st.sampled_from("abcdef"), push=st.booleans())
    def claim(self, host: str, push: bool) -> None:
        name = f"{host}{push}"
        if self.limits.start(name, self.now, push=push):
            self.running.append(name)
        elif self.limits.park(name, self.number, self.now):
            self.parked[self.number] = name
            self.number += 1
        else:
            assert self.now < self.limits.postponed_until(name, self.now) <= self.now + LONGEST_WAIT

    @rule(data=st.data(), answered=st.booleans(), took=st.integers(0, 20 * SECOND), slow_down=st.none() | st.integers(0, 120 * SECOND))
    def end(self, data: st.DataObject, answered: bool, took: int, slow_down: int | None) -> None:
        if not self.running:
            return
        name = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        self.now += took
        released = self.limits.release(name, self.now, took=took, answered=answered, slow_down=slow_down)
        for item in released.start:
            self.running.append(self.parked.pop(item))
        for item in released.postpone:
            assert self.parked.pop(item) == name
            self.limits.postponed_until(name, self.now)

    @invariant()
    def counts_agree(self) -> None:
        assert self.limits.free == 6 - len(self.running)
        assert self.limits.parked == len(self.parked)
        assert self.limits.free >= 0
        # nothing is parked for ever: with nobody under way, nobody is left to start it
        assert self.running or not self.parked


TestLimits = Machine.TestCase
TestLimits.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
