"""Log time: never backwards, and deaf to a wall clock that jumps."""

from clarion.engine.log_clock import LARGEST_JUMP, LogClock

SECOND = 1_000_000


class Machine:
    """A wall clock that can be set, and a steady one that cannot."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_000 * SECOND, 50 * SECOND

    def passes(self, time: int) -> None:
        self.wall += time
        self.steady += time

    def clock(self, last: int = 0) -> LogClock:
        return LogClock(lambda: self.wall, last, lambda: self.steady)


def test_it_follows_the_wall_clock_and_small_corrections() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.passes(SECOND)
    assert clock.now() == 1_001 * SECOND
    machine.wall += LARGEST_JUMP
    assert clock.now() == 1_001 * SECOND + LARGEST_JUMP


def test_it_never_runs_backwards() -> None:
    machine = Machine()
    clock = machine.clock(last=1_005 * SECOND)
    assert clock.now() == 1_005 * SECOND
    machine.passes(10 * SECOND)
    assert clock.now() == 1_010 * SECOND
    machine.wall -= 3 * SECOND
    assert clock.now() == 1_010 * SECOND
    machine.passes(4 * SECOND)
    assert clock.now() == 1_011 * SECOND


def test_a_large_jump_is_refused_and_time_goes_on_without_it() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.now()
    machine.wall += LARGEST_JUMP + 1
    assert clock.now() == 1_000 * SECOND
    machine.passes(7 * SECOND)
    assert clock.now() == 1_007 * SECOND
    machine.wall -= LARGEST_JUMP + 1
    machine.passes(SECOND)
    assert clock.now() == 1_008 * SECOND


def test_a_jump_backwards_is_refused_too() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.passes(SECOND)
    clock.now()
    machine.wall -= 10 * LARGEST_JUMP
    machine.passes(2 * SECOND)
    assert clock.now() == 1_003 * SECOND


def test_a_restart_accepts_the_time_as_it_is_then() -> None:
    machine = Machine()
    machine.wall += 100 * LARGEST_JUMP
    assert machine.clock(last=5).now() == machine.wall


def test_a_wall_clock_far_behind_the_log_does_not_stop_time() -> None:
    machine = Machine()
    last = machine.wall + LARGEST_JUMP + SECOND
    clock = machine.clock(last)
    assert clock.now() == last
    machine.passes(3 * SECOND)
    assert clock.now() == last + 3 * SECOND
