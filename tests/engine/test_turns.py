"""A batch is over after a while: what it has not taken comes with the next, and others have a turn in between."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from tests.engine.builders import SECOND, Partition
from tests.engine.real import HOUR, Bench, opened

from clarion.domain.records import Event
from clarion.engine.ledger import Ledger
from clarion.engine.owner import Owner
from clarion.engine.portion import LONGEST, Portion
from clarion.fresh_ids import fresh_id
from clarion.store.records.commits import Outcome
from clarion.store.records.counters import Count
from clarion.store.records.entries import EntryKind
from clarion.workflow.run import Tally

NAP = "workflow: w\nstart: {on: [{event: go}]}\nsteps: [{id: nap, wait: {for: 1h}}, {id: end, wait: {for: 1h}}]"


class Ticking:
    """A steady clock by which every input takes a while."""

    def __init__(self, step: int) -> None:
        self.time, self.step = 0, step

    def __call__(self) -> int:
        self.time += self.step
        return self.time


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async for made in opened(tmp_path, NAP):
        yield made


def slow(bench: Bench, step: int) -> Owner:
    """An owner by whose clock `step` microseconds pass whenever it looks."""
    return Owner(bench.store, 0, lambda: bench.wall, fresh_id, steady=Ticking(step))


async def go(bench: Bench, count: int, name: str = "go") -> None:
    await bench.append(
        *(
            (
                EntryKind.EVENT,
                f"{name}{number}",
                msgspec.json.encode(Event(f"{name}{number}", name, None, f"p{number}", received=bench.wall)),
            )
            for number in range(count)
        )
    )


def moved(bench: Bench) -> list[int]:
    return [len(outcome.moved) for outcome in bench.order if outcome.moved]


@pytest.mark.parametrize(("step", "sizes"), [(1, [1, 8]), (LONGEST, [1] * 9)])
async def test_a_batch_takes_at_least_one_input_and_is_over_when_its_time_is(bench: Bench, step: int, sizes: list[int]) -> None:
    await go(bench, 8)
    bench.owner = slow(bench, step)
    await bench.owner.start()
    await bench.applied("p7")
    assert moved(bench) == sizes
    assert [(await bench.run("w", f"go{number}")).status for number in range(8)] == ["waiting"] * 8


async def test_timers_that_a_batch_has_no_time_for_fire_in_the_next_and_before_an_entry(bench: Bench) -> None:
    await go(bench, 5)
    await bench.owner.start()
    await bench.applied("p4")
    await bench.owner.stop()
    bench.wall += HOUR
    await go(bench, 1, "late")
    bench.owner, first = slow(bench, LONGEST), len(bench.order)
    await bench.owner.start()
    await bench.until(lambda outcome: any(move.profile == "n:p0" for move in outcome.moved))
    fired = [len(outcome.runs) for outcome in bench.order[first:]]
    assert fired == [0, 1, 1, 1, 1, 1, 0]


@pytest.mark.parametrize(("step", "sizes"), [(1, [8]), (LONGEST, [1] * 8)])
async def test_events_that_change_nothing_take_their_time_too(bench: Bench, step: int, sizes: list[int]) -> None:
    await bench.owner.start()
    await go(bench, 8, "other")
    await bench.applied("p7")
    await bench.owner.stop()
    await go(bench, 8, "more")
    before = len(moved(bench))
    bench.owner = slow(bench, step)
    await bench.owner.start()
    await bench.applied("p7")
    assert moved(bench)[before:] == sizes


@pytest.mark.parametrize(
    ("took", "done", "given", "next_"),
    [
        (LONGEST, 256, 256, 256),
        (2 * LONGEST, 256, 256, 128),
        (LONGEST, 64, 256, 64),
        (LONGEST, 1, 256, 1),
        (1, 1, 1, 256),
    ],
)
def test_what_takes_long_is_taken_in_smaller_portions(took: int, done: int, given: int, next_: int) -> None:
    portion = Portion(LONGEST, 0.25)
    assert portion.of(256) == 64
    for _ in range(10):
        portion.note(0, 1, 1)
    assert portion.of(256) == 256
    portion.note(took, done, given)
    assert portion.of(256) == next_
    assert portion.of(1) == 1
    for _ in range(10):
        portion.note(0, 1, 1)
    assert portion.of(256) == 256


@pytest.mark.parametrize(("is_full", "next_"), [(True, 128), (False, 64)])
def test_what_is_quick_but_little_says_nothing_of_more(is_full: bool, next_: int) -> None:
    portion = Portion(LONGEST, 0.25)
    portion.note(1, 1, 1, is_full=is_full)
    assert portion.of(256) == next_
    portion.note(2 * LONGEST, 1, 1, is_full=is_full)
    assert portion.of(256) == next_ / 2


def test_a_portion_is_never_nothing() -> None:
    portion = Portion(LONGEST)
    for _ in range(100):
        portion.note(10 * LONGEST, 1, 256)
    assert portion.of(1_000) == 1


async def test_a_log_taken_in_a_hurry_comes_to_the_same() -> None:
    made: list[list[Outcome]] = []
    for hurries, in_pieces in ((False, False), (True, False), (True, True)):
        partition = Partition()
        partition.hurries, partition.in_pieces = hurries, in_pieces
        await partition.apply(partition.publish(NAP), at=SECOND)
        await partition.apply(*(partition.event("go", f"e{number}", profile=f"p{number}") for number in range(5)), at=2 * SECOND)
        await partition.apply(at=2 * HOUR)
        while any(run.due is not None and run.due <= 2 * HOUR for run in partition.runs.values()):
            await partition.apply(at=2 * HOUR)
        made.append(partition.outcomes)
    whole, *others = ({run.id: run for outcome in outcomes for run in outcome.runs} for outcomes in made)
    assert others == [whole, whole]
    assert min(len(made[1]), len(made[2])) > len(made[0])


def test_a_counter_grows_by_no_more_than_a_store_can_keep() -> None:
    ledger = Ledger()
    for sign, name in ((1, "value"), (-1, "loss")):
        for _ in range(12):
            ledger.count(1, "w", Tally(1, "", name, count=sign * 10**18), 0)
    assert ledger.counts() == [Count(1, "w", 1, "", "loss", "", 0, 1 - 2**63), Count(1, "w", 1, "", "value", "", 0, 2**63 - 1)]
