"""The owner tells runs in flight of a publish, in pieces, in turn with other inputs; crashes and refusals in the middle."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from tests.engine.real import HOUR, Bench, has, opened

from clarion.control.workflows import change_status, publish_document
from clarion.domain.records import Event
from clarion.fresh_ids import fresh_id
from clarion.store.records.bodies import RunChange
from clarion.store.records.commits import Outcome
from clarion.store.records.entries import EntryKind
from clarion.store.records.runs import RunRow
from clarion.workflow.source import read_document

TEXT = "workflow: w\nstart: {on: [{event: go}]}\nexit: [{event: stop}]\nsteps: [{id: nap, wait: {for: 5h}}, {id: end, wait: {for: 1h}}]"
LONGER, SHORTER = TEXT.replace("5h", "8h"), TEXT.replace("5h", "1h")
DAY = msgspec.Raw(b'{"day":"2100-01-01T00:00:00Z"}')
encoded = msgspec.json.encode
RUNS = 7
LAST = f"p{RUNS - 1}"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """Runs of seven profiles; an owner that takes two at a time."""
    async for made in opened(tmp_path, TEXT):
        made.timers = 2
        made.owner = made.new_owner()
        await made.owner.start()
        for number in range(RUNS):
            await made.send(f"e{number}", profile=f"p{number}")
        await made.applied(LAST)
        yield made


async def publish(bench: Bench, text: str, runs: str) -> None:
    await publish_document(bench.store, bench.site, read_document(text), text, bench.wall, fresh_id, runs)


async def change(bench: Bench, name: str) -> None:
    await change_status(bench.store, bench.site, "w", name, bench.wall, fresh_id)


async def runs_of(bench: Bench) -> list[RunRow]:
    return await bench.store.runs(bench.site.id, "w", None, 100)


async def directives(bench: Bench) -> int:
    return sum(len(state.directives) for state in await bench.store.workflow_states(0))


def forgotten(outcome: Outcome) -> bool:
    """Whether a commit says that all have heard."""
    return bool(outcome.workflows) and not outcome.moved


def telling(outcome: Outcome) -> bool:
    """Whether a commit is about runs alone: they are told of a publish, or freed after a pause."""
    return bool(outcome.runs) and not outcome.moved


async def held(bench: Bench) -> None:
    """A pause, and the time at which all runs are due passes."""
    await change(bench, "pause")
    await bench.until(has(hold=1))
    bench.passes(6 * HOUR)
    count = 0
    while count < RUNS:
        count += len((await bench.until(lambda outcome: any(row.held for row in outcome.runs))).runs)


# -- directives ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("runs", ["move", "end", "archive"])
async def test_runs_are_told_in_bounded_pieces_and_then_it_is_forgotten(bench: Bench, runs: str) -> None:
    published, before = bench.wall, len(bench.order)
    await (change(bench, "archive") if runs == "archive" else publish(bench, LONGER, runs))
    await bench.until(forgotten)
    assert [len(outcome.runs) for outcome in bench.order[before:]] == [0, 2, 2, 2, 1, 0]
    assert await directives(bench) == 0
    for run in await runs_of(bench):
        if runs == "move":
            assert (run.version, run.status, run.due) == (2, "waiting", run.started + 8 * HOUR)
        else:
            assert (run.status, run.reason, run.ended) == ("exited", "ended" if runs == "end" else "archived", published)
    assert await bench.counter("w", "exited") == (0 if runs == "move" else RUNS)


async def test_other_inputs_take_turns_with_runs_that_are_told(bench: Bench) -> None:
    """Each finds the runs of its own profile told, and timers that are due in the new version fired."""
    gate = bench.gate(telling)
    await publish(bench, SHORTER, "move")
    await gate.reached.wait()
    before = len(bench.order)
    await bench.send("late", profile=LAST, name="stop")
    await bench.send("other", profile="other")
    gate.open.set()
    await bench.until(forgotten)
    assert [telling(outcome) for outcome in bench.order[before : before + 3]] == [True, False, True]
    assert [move.profile for move in bench.order[before + 1].moved] == [f"n:{LAST}", "n:other"]
    stopped = await bench.run("w", f"e{RUNS - 1}")
    assert (stopped.version, stopped.reason) == (2, "event stop")
    assert {run.version for run in await runs_of(bench)} == {2}
    assert not await directives(bench)


async def test_a_timer_that_a_new_version_has_made_due_fires_before_an_event_of_a_run_that_has_not_been_told(bench: Bench) -> None:
    bench.passes(2 * HOUR)
    gate = bench.gate(telling)
    await publish(bench, SHORTER, "move")
    await gate.reached.wait()
    before = len(bench.order)
    await bench.send("late", profile=LAST, name="stop")
    gate.open.set()
    await bench.applied(LAST)
    assert before + 2 <= len(bench.order)
    history = [one for outcome in bench.order[before:] for one in outcome.explanations if one.profile == f"n:{LAST}"]
    assert [msgspec.json.decode(one.body)["name"] for one in history] == ["workflow", "timer", "stop"]


@pytest.mark.parametrize("what", ["pause", "site"])
async def test_what_a_run_that_has_not_been_told_would_see_waits_until_all_are_told(bench: Bench, what: str) -> None:
    gate = bench.gate(telling)
    await publish(bench, LONGER, "move")
    await gate.reached.wait()
    before = len(bench.order)
    if what == "pause":
        await change(bench, "pause")
    else:
        await bench.append((EntryKind.SITE, "s", b'{"timezone":"Europe/Berlin"}'))
    await bench.send("late", profile=LAST, name="stop")
    gate.open.set()
    await bench.applied(LAST)
    changed = next(place for place, outcome in enumerate(bench.order) if place > before and (outcome.hold or outcome.sites))
    assert [telling(outcome) for outcome in bench.order[before:changed] if not forgotten(outcome) and outcome.runs] == [True] * 4
    assert any(forgotten(outcome) for outcome in bench.order[before:changed])


async def test_a_second_publish_is_appended_while_runs_are_told_of_the_first(bench: Bench) -> None:
    gate = bench.gate(telling)
    await publish(bench, LONGER, "move")
    await gate.reached.wait()
    before = len(bench.order)
    await publish(bench, TEXT.replace("5h", "9h"), "move")
    gate.open.set()
    await bench.until(forgotten)
    [second] = [place for place, outcome in enumerate(bench.order) if place > before and outcome.workflows and outcome.moved]
    assert second == before + 1
    assert len(bench.order[second].workflows[0].directives) == 2
    assert {(run.version, (run.due or 0) - run.started) for run in await runs_of(bench)} == {(3, 9 * HOUR)}
    assert not await directives(bench)


async def test_a_run_that_is_retried_on_an_earlier_version_while_others_are_told_is_spared(bench: Bench) -> None:
    text = "workflow: v\nstart: {on: [{event: begin}]}\nsteps: [{id: u, wait: {until: '{{ day }}'}}, {id: end, wait: {for: 1h}}]"
    await publish(bench, text, "keep")
    await bench.send("bad", profile="bad", name="begin")
    await bench.append(
        *(
            (EntryKind.EVENT, f"v{number}", encoded(Event(f"v{number}", "begin", profile_id=f"v{number}", data=DAY, received=bench.wall)))
            for number in range(3)
        )
    )
    await bench.applied("v2")
    failed = await bench.run("v", "bad")
    assert failed.status == "failed"
    gate = bench.gate(telling)
    await publish(bench, text.replace("1h", "2h"), "move")
    await gate.reached.wait()
    await bench.operate(RunChange(failed.id, "v", "retry"))
    gate.open.set()
    await bench.until(forgotten)
    assert {(run.profile, run.version) for run in await bench.store.runs(bench.site.id, "v", None, 10)} == {
        ("n:bad", 1),
        ("n:v0", 2),
        ("n:v1", 2),
        ("n:v2", 2),
    }


@pytest.mark.parametrize("runs", ["move", "end"])
@pytest.mark.parametrize("piece", [0, 1, 3])
async def test_another_owner_goes_on_where_a_crash_has_stopped_one(bench: Bench, runs: str, piece: int) -> None:
    published, seen = bench.wall, iter(range(100))
    gate = bench.gate(lambda outcome: telling(outcome) and next(seen) == piece)
    await publish(bench, LONGER, runs)
    await gate.reached.wait()
    bench.wall += HOUR
    await bench.crash()
    await bench.until(forgotten)
    assert await directives(bench) == 0
    found = await runs_of(bench)
    assert len(found) == RUNS
    for run in found:
        if runs == "move":
            assert (run.version, run.due) == (2, run.started + 8 * HOUR)
        else:
            assert (run.reason, run.ended) == ("ended", published)
    assert await bench.counter("w", "exited") == (0 if runs == "move" else RUNS)


async def test_several_publishes_before_the_engine_looks_are_heard_in_order(bench: Bench) -> None:
    await bench.owner.stop()
    await publish(bench, LONGER, "move")
    await publish(bench, TEXT.replace("5h", "9h"), "keep")
    await bench.send("between", profile="between")
    await publish(bench, TEXT.replace("5h", "10h"), "move")
    bench.owner = bench.new_owner()
    await bench.owner.start()
    await bench.until(forgotten)
    found = await runs_of(bench)
    assert {(run.version, (run.due or 0) - run.started) for run in found} == {(4, 10 * HOUR)}
    assert len(found) == RUNS + 1


async def test_an_archived_version_that_is_active_again_starts_runs_that_stay(bench: Bench) -> None:
    await bench.owner.stop()
    await change(bench, "archive")
    await publish(bench, TEXT, "keep")
    await bench.send("again", profile="again")
    bench.owner = bench.new_owner()
    await bench.owner.start()
    await bench.applied("again")
    run = await bench.run("w", "again")
    assert (run.version, run.status) == (1, "waiting")
    assert sum(run.reason == "archived" for run in await runs_of(bench)) == RUNS


async def test_a_run_that_the_store_refuses_to_move_fails_alone(bench: Bench) -> None:
    bench.refuses = lambda outcome: any(run.profile == "n:p3" and run.version == 2 for run in outcome.runs)
    await publish(bench, LONGER, "move")
    await bench.until(forgotten)
    found = {run.profile: run for run in await runs_of(bench)}
    failed = found.pop("n:p3")
    assert (failed.status, failed.reason) == ("failed", "could not go on after a publish: this cannot be stored")
    assert {(run.version, run.status) for run in found.values()} == {(2, "waiting")}
    assert not bench.owner.failed
    await bench.send("later", profile="later")
    await bench.applied("later")


# -- held runs -------------------------------------------------------------------------------------------------------


async def test_held_runs_are_freed_in_bounded_pieces_before_the_next_entry(bench: Bench) -> None:
    await held(bench)
    gate = bench.gate(telling)
    await change(bench, "resume")
    await gate.reached.wait()
    before = len(bench.order)
    await bench.send("late", profile=LAST, name="stop")
    gate.open.set()
    await bench.applied(LAST)
    assert [len(outcome.runs) for outcome in bench.order[before : before + 4]] == [2, 2, 2, 1]
    assert {run.profile: (run.step, run.held, run.reason) for run in await runs_of(bench)} == {
        f"n:p{number}": ("end", False, None) if number < RUNS - 1 else (None, False, "event stop") for number in range(RUNS)
    }


@pytest.mark.parametrize("piece", [0, 2])
async def test_a_crash_while_held_runs_are_freed_loses_none(bench: Bench, piece: int) -> None:
    await held(bench)
    seen = iter(range(100))
    gate = bench.gate(lambda outcome: telling(outcome) and next(seen) == piece)
    await change(bench, "resume")
    await gate.reached.wait()
    await bench.crash()
    await bench.send("after", profile="after")
    await bench.applied("after")
    found = [run for run in await runs_of(bench) if run.profile != "n:after"]
    assert [(run.step, run.held) for run in found] == [("end", False)] * RUNS


async def test_what_is_held_stays_held_when_the_owner_changes(bench: Bench) -> None:
    await held(bench)
    await bench.crash()
    await bench.send("after", profile="after")
    await bench.applied("after")
    assert {(run.step, run.held) for run in await runs_of(bench)} == {("nap", True)}


# -- what the store refuses ------------------------------------------------------------------------------------------


async def test_a_timer_that_is_refused_is_set_aside_and_fires_after_an_operator_has_armed_it(bench: Bench) -> None:
    bench.refuses = lambda outcome: any(run.profile == "n:p3" and run.step == "end" for run in outcome.runs)
    bench.passes(5 * HOUR)
    await bench.send("after", profile="after")
    await bench.applied("after")
    [poisoned] = await bench.store.poisoned(10)
    bad = await bench.run("w", "e3")
    assert (poisoned.id, poisoned.kind, bad.step, bad.due) == (bad.id, "timer", "nap", None)
    assert [(await bench.run("w", f"e{number}")).step for number in (0, 1, 2, 4, 5, 6)] == ["end"] * 6
    bench.refuses = lambda _: False
    await bench.operate(RunChange(bad.id, "w", "rearm"))
    await bench.until(lambda outcome: any(run.id == bad.id and run.step == "end" for run in outcome.runs))


async def test_taken_one_by_one_a_timer_does_not_bring_back_a_run_that_an_earlier_one_has_ended(tmp_path: Path) -> None:
    """Both runs of a profile are due at once, and whichever fires first ends the other; a third timer, of somebody else, is refused."""
    text = """
workflow: {}
start: {{on: [{{event: go}}]}}
steps: [{{id: nap, wait: {{for: 5h}}}}, {{id: s, stop_workflow: {{workflow: {}}}}}, {{id: end, wait: {{for: 1h}}}}]
"""
    async for bench in opened(tmp_path, text.format("one", "two"), text.format("two", "one")):
        await bench.owner.start()
        await bench.send("e", profile="p")
        await bench.send("bad", profile="bad")
        await bench.applied("bad")
        bench.refuses = lambda outcome: any(run.profile == "n:bad" and run.step == "end" for run in outcome.runs)
        bench.passes(5 * HOUR)
        await bench.send("after", profile="after", name="other")
        await bench.applied("after")
        runs = [await bench.run("one", "e"), await bench.run("two", "e")]
        assert sorted((run.status, run.step or "") for run in runs) == [("exited", ""), ("waiting", "end")]
        assert {one.kind for one in await bench.store.poisoned(10)} == {"timer"}


@pytest.mark.parametrize("body", [b"[]", b'{"id":1}', b'{"id":"a","name":"go","profile_id":"p","data":[1]}'])
async def test_an_entry_that_makes_no_sense_is_set_aside_alone(bench: Bench, body: bytes) -> None:
    await publish(bench, TEXT.replace("[{event: go}]", "[{event: go}], key: event.k, again: never"), "keep")
    await bench.append((EntryKind.EVENT, "odd", body))
    await bench.send("good", profile="good", name="other")
    await bench.applied("good")
    assert [one.id for one in await bench.store.poisoned(10)] == ["odd"]
    assert not bench.owner.failed


async def test_a_change_of_a_workflow_that_no_version_was_published_of_is_set_aside_alone(bench: Bench) -> None:
    await bench.append((EntryKind.WORKFLOW, "odd", b'{"workflow":"never","change":"pause"}'))
    await bench.send("good", profile="good")
    await bench.applied("good")
    assert [one.id for one in await bench.store.poisoned(10)] == ["odd"]
    await bench.crash()
    await bench.send("more", profile="more")
    await bench.applied("more")
