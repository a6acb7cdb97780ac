"""The owner goes through all profiles on a real store, in pieces, by turns with other inputs; crashes and refusals in the middle."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from tests.engine.real import HOUR, Bench, has, opened
from tests.engine.test_broadcasts import OTHER, SLUG, document

from clarion.domain.dates import iso
from clarion.domain.records import Event
from clarion.fresh_ids import fresh_id
from clarion.store.records.bodies import BroadcastStart, SegmentChange, SubscriberPut, WorkflowChange
from clarion.store.records.commits import Outcome
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.runs import RunRow
from clarion.store.records.workflows import WorkflowVersion
from clarion.workflow.source import canonical, read_document

NAMES = tuple(f"p{number}" for number in range(7))
SET = "workflow: set\nstart: {on: [{event: go}]}\nsteps: [{id: u, update: {set: {total: 100, seen: '{{ at || 1970-01-01 }}'}}}]"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """Seven profiles; an owner that takes few at a time."""
    async for made in opened(tmp_path, SET):
        made.timers = 2
        made.owner = made.new_owner()
        await made.owner.start()
        for name in NAMES:
            await made.send(f"e{name}", profile=name)
        await made.applied(NAMES[-1])
        yield made


def entry(bench: Bench, kind: EntryKind, body: msgspec.Struct) -> NewEntry:
    return NewEntry(kind, bench.site.id, fresh_id(), msgspec.json.encode(body), bench.wall)


async def begin(bench: Bench, text: str | None = None, slug: str = SLUG) -> None:
    """Publish a broadcast and ask for it."""
    read = read_document(text or document(slug))
    version = WorkflowVersion(bench.site.id, slug, 0, msgspec.Raw(canonical(read)), "", bench.wall)
    await bench.store.publish(version, slug, [entry(bench, EntryKind.WORKFLOW, WorkflowChange(slug, "publish"))])
    id = slug.removeprefix("broadcast-")
    await bench.store.append([entry(bench, EntryKind.BROADCAST, BroadcastStart(id, slug))])


async def change(bench: Bench, what: str, slug: str = SLUG, skip: int | None = None) -> None:
    await bench.store.append([entry(bench, EntryKind.WORKFLOW, WorkflowChange(slug, what, skip_older_than=skip))])


async def runs_of(bench: Bench, slug: str = SLUG) -> list[RunRow]:
    return await bench.store.runs(bench.site.id, slug, None, 100)


async def reached(bench: Bench, slug: str = SLUG) -> list[str]:
    return sorted(run.profile for run in await runs_of(bench, slug))


async def see(bench: Bench) -> None:
    """The first profile is seen now."""
    data = msgspec.Raw(msgspec.json.encode({"at": iso(bench.wall)}))
    event = Event("seen", "go", profile_id="p0", data=data, received=bench.wall)
    await bench.append((EntryKind.EVENT, "seen", msgspec.json.encode(event)))


def sweeping(outcome: Outcome) -> bool:
    """Whether a commit is a piece of a sweep."""
    return bool(outcome.sweeps) and not outcome.moved


ENDED = has(ended_sweeps=1)
EVERYBODY = [f"n:{name}" for name in NAMES]


async def test_pieces_are_bounded_and_kept_with_where_they_have_come_to(bench: Bench) -> None:
    before = len(bench.order)
    await begin(bench)
    await bench.until(ENDED)
    pieces = [outcome for outcome in bench.order[before:] if sweeping(outcome)]
    assert [len(outcome.runs) for outcome in pieces] == [2, 2, 2, 1]
    assert [outcome.sweeps[0].cursor for outcome in pieces] == ["n:p1", "n:p3", "n:p5", "n:p6"]
    assert [outcome.sweeps[0].done for outcome in pieces] == [2, 4, 6, 7]
    assert await reached(bench) == EVERYBODY
    assert await bench.store.sweeps(0) == []


async def test_other_inputs_take_turns_with_it_and_come_after_their_profiles_turn(bench: Bench) -> None:
    """Five more profiles, so that the sweep needs more than one turn."""
    for number in range(5):
        await bench.send(f"q{number}", profile=f"q{number}")
    await bench.applied("q4")
    gate = bench.gate(sweeping)
    await begin(bench, document(audience="{field: profile.left, op: not_exists}"))
    await gate.reached.wait()
    await bench.send("late", profile="q4")
    gate.open.set()
    late = await bench.until(lambda outcome: bool(outcome.moved) and bool(outcome.runs))
    assert [(run.profile, run.workflow) for run in late.runs if run.workflow == SLUG] == [("n:q4", SLUG)]
    assert [(profile.key, len(profile.offered)) for _, profile in late.profiles] == [("n:q4", 1)]
    assert await bench.store.sweeps(0) != []
    await bench.until(ENDED)
    assert len(await reached(bench)) == 12


@pytest.mark.parametrize("piece", [0, 1, 3])
async def test_another_owner_goes_on_where_a_crash_has_stopped_one(bench: Bench, piece: int) -> None:
    seen = iter(range(100))
    gate = bench.gate(lambda outcome: sweeping(outcome) and next(seen) == piece)
    await begin(bench)
    await gate.reached.wait()
    await bench.crash()
    await bench.until(ENDED)
    assert await reached(bench) == EVERYBODY
    assert await bench.counter(SLUG, "started") == 7


async def test_a_pause_stops_it_and_a_resume_takes_it_on(bench: Bench) -> None:
    gate = bench.gate(sweeping)
    await begin(bench)
    await gate.reached.wait()
    await change(bench, "pause")
    gate.open.set()
    await bench.until(has(hold=1))
    count = len(await reached(bench))
    await bench.send("x", profile="other")
    await bench.applied("other")
    assert len(await reached(bench)) == count
    [sweep] = await bench.store.sweeps(0)
    assert sweep.done == count
    await change(bench, "resume", skip=HOUR)
    if count < 7:
        await bench.until(ENDED)
    assert await reached(bench) == EVERYBODY


async def test_a_stop_drops_what_is_not_delivered(bench: Bench) -> None:
    device = b'{"device_token_hash":"d","endpoint":"https://push.example/d","p256dh":"k","auth":"a","profile_id":"p0"}'
    await bench.append((EntryKind.SUBSCRIBER, fresh_id(), device))
    await bench.applied("p0")
    await begin(bench)
    await bench.until(ENDED)
    await change(bench, "archive")
    await bench.until(has(release=1))
    await bench.until(has(moved=1))  # the engine hears of it
    [row] = await bench.store.deliveries(bench.site.id, None, 10)
    assert row.status == "stale"
    assert await bench.store.claim(10, bench.wall + HOUR) == ([], None)


async def test_a_stop_goes_on_where_a_crash_has_stopped_it_and_nothing_is_sent_meanwhile(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        put = SubscriberPut(f"d{number}", "https://push.example/d", "k", "a", f"p{number}")
        await bench.append((EntryKind.SUBSCRIBER, fresh_id(), msgspec.json.encode(put)))
        await bench.applied(f"p{number}")
    await begin(bench)
    await bench.until(ENDED)
    monkeypatch.setattr("clarion.engine.holding.AT_ONCE", 1)
    work, reached, opened_again, pieces = bench.store.work_holds, asyncio.Event(), asyncio.Event(), 0

    async def stopping(partition: int, limit: int) -> int | None:
        nonlocal pieces
        if pieces == 1:
            reached.set()
            await opened_again.wait()
        pieces += 1
        return await work(partition, limit)

    monkeypatch.setattr(bench.store, "work_holds", stopping)
    await change(bench, "archive")
    await reached.wait()
    statuses = sorted(row.status for row in await bench.store.deliveries(bench.site.id, None, 10))
    assert "held" in statuses
    assert await bench.store.claim(10, bench.wall + HOUR) == ([], None)
    bench.owner.abandon()
    await bench.owner.ended()
    opened_again.set()
    bench.owner = bench.new_owner()
    await bench.owner.start()
    while {row.status for row in await bench.store.deliveries(bench.site.id, None, 10)} != {"stale"}:
        await bench.until(has(moved=1))
        assert await bench.store.claim(10, bench.wall + HOUR) == ([], None)


async def test_two_take_turns(bench: Bench) -> None:
    before = len(bench.order)
    await begin(bench)
    await begin(bench, slug=OTHER)
    await bench.until(ENDED)
    await bench.until(ENDED)
    assert (await reached(bench), await reached(bench, OTHER)) == (EVERYBODY, EVERYBODY)
    assert not any(run.workflow == OTHER for outcome in bench.order[before:] for run in outcome.runs if run.profile not in EVERYBODY)


async def test_a_profile_whose_turn_is_refused_does_without(bench: Bench) -> None:
    bench.refuses = lambda outcome: any(run.profile == "n:p3" and run.workflow == SLUG for run in outcome.runs)
    await begin(bench)
    await bench.until(ENDED)
    assert await reached(bench) == [key for key in EVERYBODY if key != "n:p3"]


async def test_a_definition_comes_to_all_and_outlives_a_restart(bench: Bench) -> None:
    condition = {"field": "profile.total", "op": "eq", "value": 100}
    await bench.store.append([entry(bench, EntryKind.SEGMENT, SegmentChange("rich", "define", condition))])
    await bench.until(ENDED)
    found = await bench.store.profiles_page(0, bench.site.id, "", 10)
    assert [profile.segments for profile in found] == [("rich",)] * 7
    await bench.crash()
    await bench.send("new", profile="new")
    added = await bench.until(has(emitted=1))
    assert [profile.segments for _, profile in added.profiles] == [("rich",)]


async def test_time_alone_wakes_the_owner(bench: Bench) -> None:
    condition = {"field": "profile.seen", "op": "within_last", "value": "1h"}
    await bench.store.append([entry(bench, EntryKind.SEGMENT, SegmentChange("lately", "define", condition))])
    await bench.until(ENDED)
    await see(bench)
    came = await bench.until(lambda outcome: any(profile.segments for _, profile in outcome.profiles))
    due = came.profiles[0][1].recheck
    assert due == bench.wall + HOUR + 1
    bench.passes(HOUR)
    bench.passes(1)
    went = await bench.until(lambda outcome: any(not profile.segments for _, profile in outcome.profiles))
    assert (went.profiles[0][1].recheck, went.emitted[0].received) == (None, due)


async def test_a_test_that_the_store_refuses_is_left_until_something_changes(bench: Bench) -> None:
    condition = {"field": "profile.seen", "op": "within_last", "value": "1h"}
    await bench.store.append([entry(bench, EntryKind.SEGMENT, SegmentChange("lately", "define", condition))])
    await bench.until(ENDED)
    await see(bench)
    await bench.until(lambda outcome: any(profile.segments for _, profile in outcome.profiles))
    bench.refuses = lambda outcome: bool(outcome.emitted)
    bench.passes(2 * HOUR)
    left = await bench.until(lambda outcome: any(profile.recheck is None for _, profile in outcome.profiles))
    assert [profile.segments for _, profile in left.profiles] == [("lately",)]
    await asyncio.sleep(0)
    assert not bench.owner.failed
