"""The owner on a real store: what is taken, when it wakes, and how it gets over what goes wrong."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs
from tests.engine.real import HOUR, Bench, has, opened

from clarion.control.workflows import change_status
from clarion.domain.records import Event
from clarion.engine.owner import Owner
from clarion.engine.shared import Shared
from clarion.fresh_ids import fresh_id
from clarion.store.port import NotFound, Owned, StoreUnavailable
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.states import PartitionState
from clarion.store.sqlite import engine as sqlite_engine

WAITING = "workflow: slow\nstart: {on: [{event: go}]}\nsteps: [{id: nap, wait: {for: 1h}}, {id: call, http: {url: 'https://a.example/'}}]"
AT_ONCE = "workflow: fast\nstart: {on: [{event: go}]}\nsteps: [{id: call, http: {url: 'https://a.example/'}}]"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async for made in opened(tmp_path, WAITING, AT_ONCE):
        yield made


async def test_events_become_runs_and_deliveries_in_one_commit(bench: Bench) -> None:
    await bench.owner.start()
    await bench.send("e1")
    outcome = await bench.until(has(deliveries=1))
    assert {row.workflow: row.status for row in outcome.runs} == {"slow": "waiting", "fast": "completed"}
    assert len(outcome.moved) >= 1
    assert (await bench.run("fast", "e1")).status == "completed"
    [event] = (await bench.store.events(bench.site.id, "0", 10)).rows
    assert (event.id, event.profile) == ("e1", "n:p")


async def test_a_timer_fires_when_its_time_has_come_and_not_before(bench: Bench) -> None:
    await bench.owner.start()
    await bench.send("e1")
    await bench.until(has(runs=2))
    bench.passes(HOUR - 1)
    await bench.send("other", profile="q")
    await bench.until(has(moved=1))
    assert (await bench.run("slow", "e1")).status == "waiting"
    bench.passes(1)
    await bench.until(lambda outcome: any(row.status == "completed" and row.workflow == "slow" for row in outcome.runs))
    run = await bench.run("slow", "e1")
    assert run.ended == run.started + HOUR


@pytest.mark.parametrize("jump", [6 * HOUR, -6 * HOUR], ids=["forward", "back"])
async def test_a_wall_clock_that_jumps_neither_brings_a_timer_forward_nor_puts_it_off(bench: Bench, jump: int) -> None:
    await bench.owner.start()
    await bench.send("e1")
    await bench.until(has(runs=2))
    bench.wall += jump
    await bench.send("at once", profile="q")
    await bench.applied("q")
    assert (await bench.run("slow", "e1")).status == "waiting"
    bench.passes(HOUR - 1)
    await bench.send("just before", profile="r")
    await bench.applied("r")
    assert (await bench.run("slow", "e1")).status == "waiting"
    bench.passes(1)
    await bench.until(lambda outcome: any(row.status == "completed" and row.workflow == "slow" for row in outcome.runs))
    bench.passes(HOUR)
    await bench.send("long after", profile="s")
    await bench.applied("s")
    run = await bench.run("slow", "e1")
    assert run.ended == run.started + HOUR
    assert [row.status for outcome in bench.order for row in outcome.runs if row.id == run.id] == ["waiting", "completed"]
    assert [job.workflow for outcome in bench.order for job in outcome.deliveries if job.run == run.id] == ["slow"]


async def test_after_an_outage_a_resume_is_logged_and_overdue_timers_have_its_time(bench: Bench) -> None:
    await bench.owner.start()
    await bench.send("e1")
    await bench.until(has(runs=2))
    await bench.owner.stop()
    bench.wall += 5 * HOUR
    bench.owner = bench.new_owner()
    await bench.owner.start()
    resumed = await bench.until(has(logged=1))
    while resumed.state.log_time < bench.wall:
        resumed = await bench.until(has(logged=1))
    await bench.until(lambda outcome: any(row.status == "completed" for row in outcome.runs))
    assert (await bench.run("slow", "e1")).ended == resumed.state.log_time


async def test_events_are_not_taken_twice_when_the_store_goes_away(bench: Bench) -> None:
    await bench.owner.start()
    await bench.until(has(moved=1))
    bench.breaks = [StoreUnavailable("away"), StoreUnavailable("still away")]
    await bench.send("e1", "e2")
    outcome = await bench.until(has(moved=2))
    assert len(outcome.deliveries) == 2
    assert [event.id for event in (await bench.store.events(bench.site.id, "0", 10)).rows] == ["e1", "e2"]


async def test_what_the_store_refuses_is_set_aside_alone(bench: Bench) -> None:
    await bench.owner.start()
    await bench.until(has(moved=1))
    bench.refuses = lambda outcome: any(run.profile == "n:bad" for run in outcome.runs)
    entries = [
        NewEntry(EntryKind.EVENT, bench.site.id, id, msgspec.json.encode(Event(id, "go", profile_id=id, received=bench.wall)), bench.wall)
        for id in ("good", "bad", "fine")
    ]
    await bench.store.append(entries)
    await bench.until(lambda outcome: any(move.profile == "n:fine" for move in outcome.moved))
    assert [(one.id, one.error) for one in await bench.store.poisoned(10)] == [("bad", "this cannot be stored")]
    assert (await bench.run("fast", "fine")).status == "completed"
    with pytest.raises(NotFound):
        await bench.run("fast", "bad")


async def test_an_entry_that_cannot_be_read_is_set_aside(bench: Bench) -> None:
    await bench.owner.start()
    await bench.store.append([NewEntry(EntryKind.EVENT, bench.site.id, "odd", b'{"id":1}', 0)])
    await bench.send("e1")
    await bench.until(has(deliveries=1))
    [poisoned] = await bench.store.poisoned(10)
    assert poisoned.id == "odd"
    assert poisoned.error.startswith("unreadable")


async def test_a_pause_holds_and_a_resume_goes_on_with_its_time(bench: Bench) -> None:
    await bench.owner.start()
    await bench.send("e1")
    await bench.until(has(runs=2))
    await change_status(bench.store, bench.site, "slow", "pause", bench.wall, fresh_id)
    await bench.until(has(hold=1))
    bench.passes(2 * HOUR)
    await bench.until(lambda outcome: any(row.held for row in outcome.runs))
    bench.passes(3 * HOUR)
    await change_status(bench.store, bench.site, "slow", "resume", bench.wall, fresh_id)
    await bench.until(lambda outcome: any(row.status == "completed" for row in outcome.runs))
    assert (await bench.run("slow", "e1")).ended == bench.wall


async def test_a_fenced_owner_ends_and_says_so(bench: Bench) -> None:
    await bench.owner.start()
    await bench.until(has(moved=1))
    await bench.store.own(0)
    await bench.send("e1")
    async with asyncio.timeout(10):
        await bench.owner.ended()
    assert (bench.owner.failed, bench.owner.lost) == (True, True)
    assert not (await bench.store.events(bench.site.id, "0", 10)).rows


async def test_an_owner_whose_partition_was_taken_during_an_outage_ends(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def taken(partition: int, node: str) -> PartitionState:
        raise Owned(f"another has {partition}, not {node}")

    bench.owner = Owner(bench.store, 0, lambda: bench.wall, fresh_id, node="n", steady=lambda: bench.steady)
    await bench.owner.start()
    await bench.until(has(moved=1))
    monkeypatch.setattr(bench.store, "own", taken)
    bench.breaks = [StoreUnavailable("away")]
    with capture_logs() as logs:
        await bench.send("e1")
        async with asyncio.timeout(10):
            await bench.owner.ended()
    assert bench.owner.lost
    assert [line.get("why") or line["event"].partition(";")[0] for line in logs] == ["the store is away", "another has 0, not n"]


async def test_an_owner_is_abandoned_in_the_middle_of_its_writing_and_gives_its_turn_back(bench: Bench) -> None:
    shared = Shared.of(bench.store)
    bench.owner = Owner(bench.store, 0, lambda: bench.wall, fresh_id, steady=lambda: bench.steady, shared=shared)
    await bench.owner.start()
    await bench.until(has(moved=1))
    gate = bench.gate(has(moved=1))
    await bench.send("e1")
    await gate.reached.wait()
    bench.owner.abandon()
    async with asyncio.timeout(10):
        await bench.owner.stop()
        await shared.turns.acquire()
    assert (bench.owner.lost, bench.owner.failed) == (True, False)
    assert not (await bench.store.events(bench.site.id, "0", 10)).rows


async def test_an_owner_waits_for_its_turn_and_gives_it_back(bench: Bench) -> None:
    shared = Shared.of(bench.store)
    bench.owner = Owner(bench.store, 0, lambda: bench.wall, fresh_id, steady=lambda: bench.steady, shared=shared)
    async with shared.turns:
        starting = asyncio.create_task(bench.owner.start())
        await bench.send("e1")
        assert bench.order == []
    await starting
    await bench.applied("p")
    async with asyncio.timeout(10):
        await shared.turns.acquire()  # it sleeps, and does so without
    await bench.send("e2", profile="q")
    shared.turns.release()
    await bench.applied("q")


async def test_an_owner_that_is_told_to_end_while_it_waits_for_its_turn_takes_nothing_more(bench: Bench) -> None:
    shared = Shared.of(bench.store)
    bench.owner = Owner(bench.store, 0, lambda: bench.wall, fresh_id, steady=lambda: bench.steady, shared=shared)
    await bench.owner.start()
    await bench.until(has(moved=1))
    async with shared.turns:
        before = len(bench.order)
        await bench.send("e1")
        bench.owner.retire()
    await bench.owner.stop()
    assert len(bench.order) == before
    assert not bench.owner.failed


async def test_many_failures_are_one_line_and_their_end_another(bench: Bench) -> None:
    await bench.owner.start()
    await bench.until(has(moved=1))
    bench.breaks = [StoreUnavailable("away") for _ in range(4)]
    with capture_logs() as logs:
        await bench.send("e1")
        await bench.applied("p")
        await bench.send("e2", profile="q")
        await bench.applied("q")
    assert [line.get("failures", 0) for line in logs if "the store is" in line["event"]] == [0, 4]


async def test_entries_that_are_too_large_for_one_batch_are_taken_one_after_the_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_engine, "TAKEN_BYTES", 1)
    await bench.send("e1", "e2", "e3")
    await bench.owner.start()
    moved = 0
    while moved < 3:
        outcome = await bench.until(has(moved=1))
        assert len(outcome.moved) == 1
        moved += 1


async def test_more_timers_than_fit_into_a_batch_fire_before_a_later_entry(bench: Bench) -> None:
    bench.owner = Owner(bench.store, 0, lambda: bench.wall, fresh_id, timers=3, steady=lambda: bench.steady)
    await bench.owner.start()
    await bench.send(*(f"e{number}" for number in range(8)), profile="p")
    for number in range(8):
        await bench.send(f"p{number}", profile=f"p{number}")
    await bench.until(lambda outcome: any(move.profile == "n:p7" for move in outcome.moved))
    bench.wall += 2 * HOUR
    bench.steady += 2 * HOUR
    order: list[Any] = []
    await bench.send("late", profile="z")
    while "late" not in order:
        outcome = await bench.until(lambda _: True)
        order += [row.profile for row in outcome.runs if row.status == "completed" and row.workflow == "slow"]
        order += ["late" for move in outcome.moved if move.profile == "n:z"]
    assert len(order) == 10
