"""A batch that takes long is committed in pieces, each while the next is taken: one builds on the other, and none comes before it."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.engine.real import Bench, opened

from clarion.domain.records import Event
from clarion.engine.batch import Batch
from clarion.engine.needs import Needs
from clarion.engine.owner import Owner
from clarion.engine.portion import LONGEST, PIECES, STINT
from clarion.engine.programs import Programs
from clarion.engine.registry import Registry
from clarion.fresh_ids import fresh_id
from clarion.store.port import StoreUnavailable
from clarion.store.records.batches import Taken
from clarion.store.records.bodies import RunChange
from clarion.store.records.commits import Outcome
from clarion.store.records.entries import EntryKind
from clarion.store.records.runs import DueRun

FLOWS = (
    "workflow: w\nstart: {on: [{event: go}]}\nsteps: [{id: nap, wait: {for: 1h}}, {id: bye, exit: {}}]",
    """\
workflow: first
start:
  on: [{event: go}]
  audience: {not: {field: profile.taken, op: exists}}
steps:
  - {id: take, update: {set: {taken: "yes"}}}
""",
)


class Ticking:
    """A steady clock by which a while passes whenever somebody looks; it notes how many turns others had had by then."""

    def __init__(self, step: int) -> None:
        self.time, self.step = 0, step
        self.turns = 0
        self.seen: list[int] = []

    def __call__(self) -> int:
        self.time += self.step
        self.seen.append(self.turns)
        return self.time


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async for made in opened(tmp_path, *FLOWS):
        await made.owner.start()
        await made.until(lambda outcome: bool(outcome.workflows))
        while len([state for outcome in made.order for state in outcome.workflows]) < len(FLOWS):
            await made.until(lambda _: True)
        await made.owner.stop()
        yield made


def slow(bench: Bench, clock: Ticking) -> Owner:
    return Owner(bench.store, 0, lambda: bench.wall, fresh_id, steady=clock)


async def go(bench: Bench, count: int, profile: str | None = None) -> None:
    events = [Event(f"go{n}", "go", None, profile or f"p{n}", received=bench.wall) for n in range(count)]
    await bench.append(*((EntryKind.EVENT, one.id, msgspec.json.encode(one)) for one in events))


async def all_moved(bench: Bench, count: int) -> list[Outcome]:
    """The commits that moved so many entries, but for those of publishes."""
    while len([move for outcome in bench.order for move in outcome.moved]) < count + len(FLOWS):
        await bench.until(lambda _: True)
    return [outcome for outcome in bench.order if outcome.moved and not outcome.workflows]


async def test_pieces_of_a_batch_are_committed_in_order_at_one_time(bench: Bench) -> None:
    count = PIECES + 2
    await go(bench, count)
    times = iter(range(bench.wall, bench.wall + 1000))
    bench.owner = Owner(bench.store, 0, lambda: next(times), fresh_id, steady=Ticking(LONGEST))
    await bench.owner.start()
    made = await all_moved(bench, count)
    assert [len(outcome.moved) for outcome in made] == [1] * count
    assert [move.profile for outcome in made for move in outcome.moved] == [f"n:p{n}" for n in range(count)]
    first = made[0].moved[0].sequence
    assert [outcome.moved[0].sequence for outcome in made] == list(range(first, first + count))
    at = [outcome.state.log_time for outcome in made]
    assert len(set(at[:PIECES])) == 1
    assert at[PIECES] > at[0]


async def test_the_next_piece_is_taken_while_one_is_committed_but_not_committed_before_it(bench: Bench) -> None:
    await go(bench, 3)
    clock = Ticking(LONGEST)
    gate = bench.gate(lambda outcome: bool(outcome.moved))
    bench.owner = slow(bench, clock)
    await bench.owner.start()
    await gate.reached.wait()
    looked = 0
    while looked != len(clock.seen):  # until the owner does nothing more by itself
        looked = len(clock.seen)
        await asyncio.wait_for(asyncio.shield(asyncio.get_running_loop().run_in_executor(None, lambda: None)), 10)
    committed = [outcome for outcome in bench.order if outcome.moved and not outcome.workflows]
    assert not committed
    assert looked > 4  # it has looked at the clock for the second piece
    gate.open.set()
    assert [len(outcome.moved) for outcome in await all_moved(bench, 3)] == [1, 1, 1]


async def test_a_piece_builds_on_those_before_it(bench: Bench) -> None:
    await go(bench, 5, profile="p")
    bench.owner = slow(bench, Ticking(LONGEST))
    await bench.owner.start()
    await all_moved(bench, 5)
    assert await bench.counter("first", "started") == 1


@pytest.mark.parametrize("which", range(4))
async def test_a_store_that_goes_away_between_pieces_takes_nothing_that_was_behind(bench: Bench, which: int) -> None:
    await go(bench, 4)
    commit, gone = bench.store.commit, False

    async def fail_once(outcome: Outcome) -> None:
        nonlocal gone
        if not gone and any(move.profile == f"n:p{which}" for move in outcome.moved):
            gone = True
            raise StoreUnavailable("away")
        await commit(outcome)

    bench.store.commit = fail_once  # type: ignore[method-assign]  # the test stands in between
    bench.owner = slow(bench, Ticking(LONGEST))
    await bench.owner.start()
    made = await all_moved(bench, 4)
    assert gone
    assert [move.profile for outcome in made for move in outcome.moved] == [f"n:p{n}" for n in range(4)]
    assert await bench.counter("w", "started") == 4
    assert [(await bench.run("w", f"go{n}")).status for n in range(4)] == ["waiting"] * 4


@pytest.mark.parametrize("which", range(4))
async def test_an_input_that_is_refused_in_a_later_piece_is_set_aside_alone(bench: Bench, which: int) -> None:
    await go(bench, 4)
    bench.refuses = lambda outcome: any(run.profile == f"n:p{which}" for run in outcome.runs)
    bench.owner = slow(bench, Ticking(LONGEST))
    await bench.owner.start()
    made = await all_moved(bench, 4)
    assert [(one.id, "cannot be stored" in one.error) for outcome in made for one in outcome.poisoned] == [(f"go{which}", True)]
    assert await bench.counter("w", "started") == 3


async def test_a_timer_that_an_input_set_and_that_is_refused_is_set_aside_without_it(bench: Bench) -> None:
    await go(bench, 1)
    bench.owner = bench.new_owner()
    await bench.owner.start()
    await all_moved(bench, 2)  # the event, and that it changed an attribute
    await bench.owner.stop()
    id = (await bench.run("w", "go0")).id
    await bench.operate(RunChange(id, "w", "move", step="bye"))
    bench.refuses = lambda outcome: any(run.id == id and run.status != "waiting" for run in outcome.runs)
    bench.owner = slow(bench, Ticking(LONGEST))
    await bench.owner.start()
    await bench.until(lambda outcome: bool(outcome.poisoned))
    assert [(one.id, one.kind) for outcome in bench.order for one in outcome.poisoned] == [(id, "timer")]
    assert ((await bench.run("w", "go0")).step, (await bench.run("w", "go0")).due) == ("bye", None)


async def test_an_owner_that_is_fenced_between_pieces_ends_and_commits_nothing_more(bench: Bench) -> None:
    await go(bench, 4)
    gate = bench.gate(lambda outcome: any(move.profile == "n:p1" for move in outcome.moved))
    bench.owner = slow(bench, Ticking(LONGEST))
    await bench.owner.start()
    await gate.reached.wait()
    await bench.store.own(0)
    gate.open.set()
    async with asyncio.timeout(10):
        await bench.owner.ended()
    assert bench.owner.failed
    assert [move.profile for outcome in bench.order for move in outcome.moved if move.profile] == ["n:p0"]


@pytest.mark.parametrize(("step", "is_shared"), [(STINT, True), (1, False)])
async def test_others_have_a_turn_between_stints(bench: Bench, step: int, is_shared: bool) -> None:
    await go(bench, 4)
    clock = Ticking(step)
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def turn() -> None:
        clock.turns += 1
        if not stop.is_set():
            loop.call_soon(turn)

    bench.owner = slow(bench, clock)
    await bench.owner.start()
    turn()
    made = await all_moved(bench, 4)
    stop.set()
    assert sum(len(outcome.moved) for outcome in made) == 4
    began = next(at for at, seen in enumerate(clock.seen) if seen)
    turns = [later - before for before, later in zip(clock.seen[began:], clock.seen[began + 1 :], strict=False)]
    assert (len(made) == 1) is not is_shared or any(turns)


async def test_others_have_a_turn_while_the_books_are_loaded(bench: Bench) -> None:
    await go(bench, 8)
    bench.owner = bench.new_owner()
    await bench.owner.start()
    await all_moved(bench, 8)
    await bench.owner.stop()
    await bench.append(
        *((EntryKind.EVENT, one.id, msgspec.json.encode(one)) for one in [Event("x", "go", None, "p0", received=bench.wall)])
    )
    state, due = await bench.store.own(0), [DueRun((await bench.run("w", f"go{n}")).id, 0, bench.site.id, f"n:p{n}") for n in range(8)]
    registry = Registry(Programs(bench.store))
    registry.load(await bench.store.workflow_states(0), await bench.store.site_states(0))
    needs = Needs(registry)
    needs.add_runs(due)
    facts = await bench.store.facts(0, needs.asked())
    turns = 0
    batch = Batch(state, registry, facts, due, state.log_time, is_over=lambda: True)
    while not batch.prepare():
        turns += 1
    assert turns == len(facts.profiles) + len(facts.runs) == 16


async def test_after_a_refusal_only_what_is_left_is_taken_one_by_one(bench: Bench) -> None:
    await go(bench, 8)
    bench.refuses = lambda outcome: any(run.profile == "n:p3" for run in outcome.runs)
    bench.owner = slow(bench, Ticking(LONGEST))
    takes: list[int] = []
    take = bench.store.take

    async def spy(partition: int, limit: int, horizon: int, timers: int) -> Taken:
        takes.append(limit)
        return await take(partition, limit, horizon, timers)

    bench.store.take = spy  # type: ignore[method-assign]  # the test listens in
    await bench.owner.start()
    await all_moved(bench, 15)  # seven of them have changed an attribute, and say so
    first = takes.index(1)
    assert takes[first : first + 5] == [1] * 5
    assert takes[first + 5] > 1
    assert [one.id for outcome in bench.order for one in outcome.poisoned] == ["go3"]


async def test_a_batch_is_gone_when_it_is_done_with(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it holds, which is much, is not left to the collector of cycles, which seldom comes."""
    made: list[weakref.ref[Batch]] = []

    def making(*given: Any, **named: Any) -> Batch:
        batch = Batch(*given, **named)
        made.append(weakref.ref(batch))
        return batch

    monkeypatch.setattr("clarion.engine.owner.Batch", making)
    await go(bench, PIECES + 2)
    gc.collect()
    gc.disable()
    try:
        bench.owner = slow(bench, Ticking(LONGEST))
        await bench.owner.start()
        await all_moved(bench, PIECES + 2)
        await bench.owner.stop()
        assert len(made) > 1
        assert [batch() for batch in made] == [None] * len(made)
    finally:
        gc.enable()
