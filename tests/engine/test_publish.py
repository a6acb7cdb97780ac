"""What a change of a workflow means to its runs in flight: keep, move, end, drain, archive (semantics §7)."""

import msgspec
import pytest
from tests.engine.builders import HOUR, SECOND, SITE, Partition

from clarion.engine.programs import Programs
from clarion.engine.registry import Registry
from clarion.engine.runs import Runs
from clarion.store.records.bodies import WorkflowChange
from clarion.store.records.entries import EntryKind
from clarion.store.records.states import Directive, WorkflowState

WAITS = """
workflow: w
start: {on: [{event: go}]}
steps:
  - {id: nap, wait: {for: 5h}}
  - {id: call, http: {url: "https://a.example/", body: one}}
"""
LONGER, SHORTER = WAITS.replace("5h", "8h").replace("one", "two"), WAITS.replace("5h", "1h").replace("one", "two")
RENAMED = WAITS.replace("nap", "rest").replace("one", "two")


async def started(text: str = WAITS, *, sweep: bool = True) -> Partition:
    partition = Partition()
    partition.sweep = sweep
    await partition.apply(partition.publish(text), at=SECOND)
    await partition.apply(partition.event("go"), at=2 * SECOND)
    return partition


def calls(partition: Partition) -> list[tuple[int, str]]:
    return [(one.created, msgspec.json.decode(msgspec.json.decode(one.job)["body"])) for one in partition.deliveries.values()]


sweeps = pytest.mark.parametrize("sweep", [True, False], ids=["at once", "before the next input"])


@sweeps
async def test_keep_lets_runs_finish_on_their_version(sweep: bool) -> None:
    partition = await started(sweep=sweep)
    await partition.apply(partition.publish(LONGER, "keep"), at=3 * SECOND)
    await partition.apply(at=6 * HOUR)
    assert calls(partition) == [(2 * SECOND + 5 * HOUR, "one")]
    assert not partition.workflows[1, "w"].directives


@sweeps
async def test_move_recomputes_a_wait_from_when_the_step_was_entered(sweep: bool) -> None:
    partition = await started(sweep=sweep)
    await partition.apply(partition.publish(LONGER, "move"), at=4 * HOUR)
    await partition.apply(partition.event("other"), at=7 * HOUR)
    assert (partition.run("w").version, partition.run("w").due) == (2, 2 * SECOND + 8 * HOUR)
    await partition.apply(at=9 * HOUR)
    assert calls(partition) == [(2 * SECOND + 8 * HOUR, "two")]
    assert ("moved", "nap") in partition.history(partition.run("w").id)


@sweeps
async def test_a_wait_that_is_overdue_in_the_new_version_fires_at_once(sweep: bool) -> None:
    partition = await started(sweep=sweep)
    await partition.apply(partition.publish(SHORTER, "move"), at=4 * HOUR)
    await partition.apply(partition.event("other"), at=4 * HOUR + SECOND)
    assert calls(partition) == [(4 * HOUR, "two")]
    assert partition.run("w").ended == 4 * HOUR


@sweeps
@pytest.mark.parametrize(("change", "reason"), [("removed", "step_removed"), ("end", "ended"), ("archive", "archived")])
async def test_runs_end_with_why(change: str, reason: str, sweep: bool) -> None:
    partition = await started(sweep=sweep)
    match change:
        case "removed":
            entry = partition.publish(RENAMED, "move")
        case "end":
            entry = partition.publish(RENAMED, "end")
        case _:
            entry = partition.change("w", "archive")
    await partition.apply(entry, at=3 * HOUR)
    await partition.apply(partition.event("other"), at=6 * HOUR)
    run = partition.run("w")
    assert (run.status, run.reason, run.ended) == ("exited", reason, 3 * HOUR)
    assert (partition.count("w", "exited"), partition.count("w", "waiting", "nap")) == (1, 0)
    [told] = [one for one in partition.explanations if one.at == 3 * HOUR]
    assert (told.event, told.profile, msgspec.json.decode(told.body)["name"]) == (run.id, "n:p", "workflow")


@sweeps
async def test_several_publishes_are_heard_in_their_order(sweep: bool) -> None:
    partition = await started(sweep=sweep)
    await partition.apply(partition.publish(LONGER, "move"), at=HOUR)
    await partition.apply(partition.publish(WAITS.replace("one", "three"), "keep"), at=2 * HOUR)
    await partition.apply(partition.publish(WAITS.replace("5h", "9h").replace("one", "four"), "move"), at=3 * HOUR)
    await partition.apply(partition.change("w", "archive"), at=4 * HOUR)
    await partition.apply(partition.event("other"), at=5 * HOUR)
    run = partition.run("w")
    assert (run.version, run.status, run.reason, run.ended) == (4, "exited", "archived", 4 * HOUR)
    told = [(one.at, msgspec.json.decode(one.body)["name"]) for one in partition.explanations if one.event == run.id]
    assert told == [(HOUR, "workflow"), (3 * HOUR, "workflow"), (4 * HOUR, "workflow")]


@sweeps
async def test_a_publish_is_heard_before_a_timer_that_is_due_after_it(sweep: bool) -> None:
    partition = await started(sweep=sweep)
    await partition.apply(partition.publish(RENAMED, "end"), at=4 * HOUR)
    await partition.apply(at=6 * HOUR)
    assert not partition.deliveries
    assert partition.run("w").ended == 4 * HOUR


@sweeps
@pytest.mark.parametrize("what", ["outcome", "operator", "receipt"])
async def test_a_publish_is_heard_before_whatever_comes_next(what: str, sweep: bool) -> None:
    text = """
workflow: w
start: {on: [{event: go}]}
steps: [{id: push, push: {title: t, message: m, url: "https://a.example/"}}, {id: ask, http: {url: "https://a.example/", await: true}}]
"""
    partition = Partition()
    partition.sweep = sweep
    await partition.apply(partition.publish(text), partition.subscriber("d", "p"), partition.event("go"), at=SECOND)
    [push], [ask] = partition.pushes(), [one for one in partition.deliveries.values() if one.kind == "http"]
    await partition.apply(partition.publish(text.replace("m, url", "n, url"), "end"), at=2 * SECOND)
    entry = {
        "outcome": lambda: partition.outcome(ask.id, "sent", status=200),
        "operator": lambda: partition.operator(ask.run, "move", step="push"),
        "receipt": lambda: partition.receipt(push.id, "clicked"),
    }[what]()
    await partition.apply(entry, at=3 * SECOND)
    assert (partition.run("w").reason, partition.run("w").ended) == ("ended", 2 * SECOND)
    assert len(partition.deliveries) == 2


@sweeps
async def test_a_run_that_moves_during_a_pause_stays_held(sweep: bool) -> None:
    partition = await started(sweep=sweep)
    await partition.apply(partition.change("w", "pause"), at=HOUR)
    await partition.apply(at=6 * HOUR)
    assert partition.run("w").held
    await partition.apply(partition.publish(SHORTER, "move"), at=7 * HOUR)
    await partition.apply(partition.event("other"), at=8 * HOUR)
    assert (partition.run("w").version, partition.run("w").held, len(partition.deliveries)) == (2, True, 0)
    await partition.apply(partition.change("w", "resume"), at=9 * HOUR)
    await partition.apply(at=9 * HOUR)
    assert calls(partition) == [(9 * HOUR, "two")]


async def test_a_held_run_that_moves_to_a_longer_wait_is_not_held_until_that_is_over() -> None:
    partition = await started()
    await partition.apply(partition.change("w", "pause"), at=HOUR)
    await partition.apply(at=6 * HOUR)
    await partition.apply(partition.publish(LONGER, "move"), at=7 * HOUR)
    assert (partition.run("w").held, partition.run("w").due) == (False, 2 * SECOND + 8 * HOUR)
    await partition.apply(at=9 * HOUR)
    assert partition.run("w").held


async def test_draining_starts_nothing_and_lets_runs_finish() -> None:
    partition = await started()
    await partition.apply(partition.change("w", "drain"), partition.event("go", "e", profile="q"), at=3 * SECOND)
    assert partition.verdicts("e")["w"]["verdict"] == "draining"
    await partition.apply(at=6 * HOUR)
    assert partition.run("w").status == "completed"
    await partition.apply(partition.publish(LONGER), partition.event("go", "again", profile="q"), at=7 * HOUR)
    assert partition.verdicts("again")["w"]["verdict"] == "started"


async def test_an_archived_workflow_is_not_heard_of_until_it_is_published_again() -> None:
    partition = await started()
    await partition.apply(partition.change("w", "archive"), partition.event("go", "e", profile="q"), at=3 * SECOND)
    assert not partition.verdicts("e")
    again = partition.entry(EntryKind.WORKFLOW, WorkflowChange("w", "publish", 1))
    await partition.apply(again, partition.event("go", "again", profile="q"), at=4 * SECOND)
    assert partition.verdicts("again")["w"]["verdict"] == "started"
    await partition.apply(at=6 * HOUR)
    assert {run.profile: run.status for run in partition.runs.values()} == {"n:p": "exited", "n:q": "completed"}


@pytest.mark.parametrize("change", ["pause", "resume", "drain", "archive", "nonsense"])
async def test_a_change_of_a_workflow_that_was_never_published_is_set_aside_alone(change: str) -> None:
    partition = Partition()
    await partition.apply(partition.publish(WAITS), at=SECOND)
    outcome = await partition.apply(partition.change("unheard", change), partition.event("go"), at=2 * SECOND)
    assert [one.kind for one in partition.poisoned] == ["workflow"]
    assert not outcome.workflows
    assert partition.run("w").status == "waiting"


async def test_a_run_that_cannot_hear_of_a_publish_fails_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    partition = await started()
    await partition.apply(partition.event("go", profile="q"), at=2 * SECOND)
    real = Runs.hear

    def breaks(self: Runs, kept: object, directive: Directive) -> None:
        real(self, kept, directive)  # type: ignore[arg-type]  # passed on as it came
        if kept.run.profile == "n:q":  # type: ignore[attr-defined]  # as above
            raise ZeroDivisionError("boom")

    monkeypatch.setattr(Runs, "hear", breaks)
    await partition.apply(partition.publish(LONGER, "move"), at=3 * SECOND)
    assert {run.profile: (run.version, run.status, run.step, run.reason) for run in partition.runs.values()} == {
        "n:p": (2, "waiting", "nap", None),
        "n:q": (1, "failed", "nap", "could not go on after a publish: ZeroDivisionError: boom"),
    }
    assert partition.count("w", "waiting", "nap") == 1
    assert partition.count("w", "failed") == 1


async def test_what_the_log_says_of_a_workflow_is_in_the_outcome() -> None:
    partition = await started()
    outcome = await partition.apply(partition.publish(LONGER, "move"), at=3 * SECOND)
    directive = Directive(2, "move", 3 * SECOND, number=outcome.workflows[0].heard[0].number)
    assert outcome.workflows == [WorkflowState(1, "w", 2, "active", directives=(directive,), heard=(directive,))]


@pytest.mark.parametrize("runs", ["keep", "move", "end"])
async def test_an_earlier_publish_that_comes_again_changes_nothing(runs: str) -> None:
    partition = await started()
    await partition.apply(partition.publish(LONGER), at=3 * SECOND)
    before = partition.workflows[SITE, "w"], dict(partition.runs)
    await partition.apply(partition.entry(EntryKind.WORKFLOW, WorkflowChange("w", "publish", 1, runs)), at=4 * SECOND)
    assert (partition.workflows[SITE, "w"], partition.runs) == before
    assert not partition.poisoned


async def test_the_current_publish_that_comes_again_makes_an_archived_workflow_active() -> None:
    partition = await started()
    await partition.apply(partition.change("w", "archive"), at=3 * SECOND)
    await partition.apply(partition.entry(EntryKind.WORKFLOW, WorkflowChange("w", "publish", 1)), at=4 * SECOND)
    await partition.apply(partition.event("go"), at=5 * SECOND)
    assert (partition.run("w").started, partition.run("w").status) == (5 * SECOND, "waiting")


async def test_an_archived_workflow_that_a_step_or_an_operator_asks_for_is_there_to_say_so() -> None:
    partition = await started()
    asks = "workflow: asks\nstart: {on: [{event: ask}]}\nsteps: [{id: s, start_workflow: {workflow: w}}]"
    await partition.apply(partition.publish(asks), at=3 * SECOND)
    await partition.apply(partition.change("w", "archive"), at=3 * SECOND)
    partition.registry = Registry(Programs(partition.versions))  # after a restart
    partition.registry.load(partition.workflows.values(), [])
    await partition.apply(partition.event("ask"), at=4 * SECOND)
    [entry] = partition.emitted()
    await partition.apply(entry, at=4 * SECOND)
    assert partition.verdicts(entry.id)["w"]["verdict"] == "archived"
    await partition.apply(partition.operator(partition.run("w").id, "move"), at=5 * SECOND)
    assert not partition.poisoned


async def test_what_a_publish_has_made_due_before_the_next_publish_fires_before_it_is_heard() -> None:
    """However late a run hears of both."""
    made = []
    for sweep in (True, False):
        partition = await started(sweep=sweep)
        await partition.apply(partition.publish(SHORTER, "move"), at=1800 * SECOND)
        await partition.apply(at=HOUR + 2 * SECOND)
        await partition.apply(partition.publish(LONGER.replace("two", "three"), "move"), at=2 * HOUR)
        await partition.apply(partition.event("other"), at=3 * HOUR)
        made.append((calls(partition), partition.run("w").status, partition.history(partition.run("w").id)))
    assert made[0] == made[1]
    assert made[0][:2] == ([(HOUR + 2 * SECOND, "two")], "completed")
