"""What an operator does to one run: stop, retry at the failed step, move, re-arm; and `stop_workflow` steps."""

import msgspec
import pytest
from tests.engine.builders import HOUR, SECOND, Partition

from clarion.engine.apply import Applier
from clarion.store.records.bodies import RunChange
from clarion.store.records.entries import EntryKind

FAILS = """
workflow: w
start: {on: [{event: go}]}
steps:
  - {id: first, http: {url: "https://a.example/"}}
  - {id: until, wait: {until: "{{ profile.date }}"}}
  - {id: last, http: {url: "https://a.example/"}}
"""
NAP = """
workflow: w
start: {on: [{event: go}]}
exit: [{event: stop, where: {field: event.n, op: eq, value: 1}}]
steps: [{id: nap, wait: {for: 1h}}, {id: other, wait: {for: 5h}}]
"""


async def started(text: str) -> Partition:
    partition = Partition()
    await partition.apply(partition.publish(text), partition.event("go", n=1), at=SECOND)
    return partition


async def test_stop_ends_a_run_with_the_operators_reason() -> None:
    partition = await started(NAP)
    run = partition.run("w")
    await partition.apply(partition.operator(run.id, "stop", reason="asked by phone"), at=2 * SECOND)
    assert (partition.run("w").status, partition.run("w").reason, partition.run("w").ended) == ("exited", "asked by phone", 2 * SECOND)
    assert partition.count("w", "waiting", "nap") == 0
    [told] = [msgspec.json.decode(one.body) for one in partition.explanations if one.at == 2 * SECOND]
    assert told["name"] == "operator"


async def test_retry_tries_the_failed_step_again_and_what_it_wants_is_wanted_anew() -> None:
    partition = await started(FAILS)
    run = partition.run("w")
    assert (run.status, run.step) == ("failed", "until")
    await partition.apply(partition.operator(run.id, "retry"), at=2 * SECOND)
    assert partition.run("w").status == "failed"
    await partition.apply(partition.subscriber("d", "p", attributes={"date": "1970-01-02"}), at=3 * SECOND)
    await partition.apply(partition.operator(run.id, "retry"), at=4 * SECOND)
    assert (partition.run("w").status, partition.run("w").step, partition.run("w").ended) == ("waiting", "until", None)
    await partition.apply(at=25 * HOUR)
    assert partition.run("w").status == "completed"
    assert [one.step for one in partition.deliveries.values()] == ["first", "last"]
    assert {name: partition.count("w", name) for name in ("started", "failed", "retried", "completed")} == {
        "started": 1, "failed": 2, "retried": 2, "completed": 1,
    }  # fmt: skip


@pytest.mark.parametrize("change", ["stop", "retry", "move", "rearm"])
async def test_nothing_is_done_to_a_run_that_has_ended(change: str) -> None:
    partition = await started(NAP)
    await partition.apply(at=7 * HOUR)
    before = partition.run("w")
    assert before.status == "completed"
    outcome = await partition.apply(partition.operator(before.id, change), at=8 * HOUR)
    assert partition.run("w") == before
    assert not outcome.counts


@pytest.mark.parametrize("change", ["stop", "retry", "move"])
async def test_nor_if_its_version_is_not_valid_any_more(change: str) -> None:
    partition = await started(NAP)
    await partition.apply(at=7 * HOUR)
    before = partition.run("w")
    partition.registry._programs[before.site, "w", 1] = None
    await partition.apply(partition.operator(before.id, change), at=8 * HOUR)
    assert partition.run("w") == before
    assert not partition.poisoned


async def test_a_run_that_is_not_there_or_of_another_site_is_left_alone() -> None:
    partition = await started(NAP)
    run = partition.run("w")
    entry = msgspec.structs.replace(partition.operator(run.id, "stop"), site=2)
    outcome = await partition.apply(entry, partition.entry(EntryKind.RUN, RunChange("nobody", "w", "stop")), at=2 * SECOND)
    assert partition.run("w") == run
    assert [move.profile for move in outcome.moved] == ["", ""]
    assert not partition.poisoned


async def test_move_to_another_step_enters_it_at_once() -> None:
    partition = await started(NAP)
    await partition.apply(partition.operator(partition.run("w").id, "move", step="other"), at=2 * SECOND)
    run = partition.run("w")
    assert (run.status, run.step, run.due) == ("waiting", "other", 2 * SECOND + 5 * HOUR)
    assert (partition.count("w", "waiting", "nap"), partition.count("w", "waiting", "other")) == (0, 1)


async def test_what_a_step_wants_at_a_later_visit_is_wanted_anew() -> None:
    text = """
workflow: w
start: {on: [{event: go}]}
steps: [{id: nap, wait: {for: 1h}}, {id: call, http: {url: "https://a.example/"}}, {id: rest, wait: {for: 9h}}]
"""
    partition = await started(text)
    await partition.apply(at=2 * HOUR)
    await partition.apply(partition.operator(partition.run("w").id, "move", step="nap"), at=3 * HOUR)
    await partition.apply(at=5 * HOUR)
    assert sorted(one.created for one in partition.deliveries.values()) == [SECOND + HOUR, 4 * HOUR]


async def test_move_to_the_current_version_goes_on_where_it_stands() -> None:
    partition = await started(NAP)
    await partition.apply(partition.publish(NAP.replace("for: 1h", "for: 3h")), at=2 * SECOND)
    await partition.apply(partition.operator(partition.run("w").id, "move"), at=HOUR)
    run = partition.run("w")
    assert (run.version, run.step, run.due) == (2, "nap", SECOND + 3 * HOUR)


async def test_move_to_a_step_that_is_not_there_ends_the_run() -> None:
    partition = await started(NAP)
    await partition.apply(partition.operator(partition.run("w").id, "move", step="nowhere"), at=2 * SECOND)
    assert (partition.run("w").status, partition.run("w").reason) == ("exited", "step_removed")


async def test_of_an_archived_workflow_nothing_is_retried() -> None:
    partition = await started(FAILS)
    before = partition.run("w")
    await partition.apply(partition.change("w", "archive"), at=2 * SECOND)
    entry = partition.operator(before.id, "retry")
    await partition.apply(entry, at=3 * SECOND)
    assert partition.run("w") == before
    assert partition.verdicts(entry.id)["w"]["verdict"] == "archived"


@pytest.mark.parametrize(("mode", "status"), [("ignore", "failed"), ("restart", "failed"), ("parallel", "waiting")])
async def test_a_run_is_not_retried_beside_one_that_has_taken_its_place(mode: str, status: str) -> None:
    partition = await started(FAILS.replace("[{event: go}]", f"[{{event: go}}], while_running: {mode}"))
    failed = partition.run("w").id
    known = partition.subscriber("d", "p", attributes={"date": "1970-01-02"})
    await partition.apply(known, partition.event("go"), at=2 * SECOND)
    entry = partition.operator(failed, "retry")
    await partition.apply(entry, at=3 * SECOND)
    assert partition.runs[failed].status == status
    if status == "failed":
        assert (partition.verdicts(entry.id)["w"]["verdict"], partition.verdicts(entry.id)["w"]["run"]) == (
            "already_running",
            partition.run("w").id,
        )
    await partition.apply(at=25 * HOUR)
    await partition.apply(partition.operator(failed, "retry"), at=26 * HOUR)
    assert partition.runs[failed].status == "completed"


async def test_a_run_that_is_retried_after_a_publish_stays_on_its_version() -> None:
    """The publish was about runs in flight, and it was none."""
    for sweep in (True, False):
        partition = await started(FAILS)
        partition.sweep = sweep
        await partition.apply(partition.publish(FAILS.replace("last", "new"), "end"), at=2 * SECOND)
        await partition.apply(partition.subscriber("d", "p", attributes={"date": "1970-01-02"}), at=3 * SECOND)
        await partition.apply(partition.operator(partition.run("w").id, "retry"), at=4 * SECOND)
        await partition.apply(at=25 * HOUR)
        run = partition.run("w")
        assert (run.status, run.version) == ("completed", 1)


async def test_a_retry_during_a_pause_waits_for_the_resume() -> None:
    partition = await started(FAILS)
    known = partition.subscriber("d", "p", attributes={"date": "1970-01-01"})
    await partition.apply(known, partition.change("w", "pause"), at=2 * SECOND)
    await partition.apply(partition.operator(partition.run("w").id, "retry"), at=3 * SECOND)
    assert (partition.run("w").status, partition.run("w").held) == ("waiting", True)
    await partition.apply(partition.change("w", "resume"), at=4 * SECOND)
    await partition.apply(at=4 * SECOND)
    assert (partition.run("w").status, partition.run("w").ended) == ("completed", 4 * SECOND)


async def test_rearm_lets_a_timer_that_was_set_aside_fire_again(monkeypatch: pytest.MonkeyPatch) -> None:
    partition = await started(NAP)
    with monkeypatch.context() as broken:
        broken.setattr(Applier, "timer", lambda *_: 1 / 0)
        await partition.apply(at=2 * HOUR)
    [poisoned] = partition.poisoned
    run = partition.run("w")
    assert (poisoned.id, poisoned.kind, run.status, run.due) == (run.id, "timer", "waiting", None)
    await partition.apply(at=9 * HOUR)
    assert partition.run("w").step == "nap"
    await partition.apply(partition.operator(run.id, "rearm"), partition.event("stop", n=1), at=10 * HOUR)
    assert [reason["at"] for reason in partition.reasons(run.id) if reason["what"] == "waiting"] == [SECOND, 10 * HOUR]
    assert (partition.run("w").status, partition.run("w").ended) == ("exited", 10 * HOUR)  # it had gone on before the event came


async def test_a_run_that_waits_for_an_outcome_has_no_timer_to_arm() -> None:
    partition = await started("workflow: w\nstart: {on: [{event: go}]}\nsteps: [{id: ask, http: {url: 'https://a.example/', await: true}}]")
    await partition.apply(partition.operator(partition.run("w").id, "rearm"), at=2 * SECOND)
    assert (partition.run("w").status, partition.run("w").due) == ("waiting", None)


# -- stop_workflow ---------------------------------------------------------------------------------------------------

KEYED = "workflow: keyed\nstart: {on: [{event: open}], key: event.k}\nsteps: [{id: nap, wait: {for: 5h}}]"
STOPS = """
workflow: stops
start: {on: [{event: stop}]}
steps: [{id: s, stop_workflow: {workflow: keyed}}, {id: self, stop_workflow: {workflow: stops}}, {id: nap, wait: {for: 1h}}]
"""


async def test_stop_workflow_ends_all_runs_of_the_profile_but_not_its_own() -> None:
    partition = Partition()
    await partition.apply(partition.publish(KEYED), partition.publish(STOPS), at=SECOND)
    await partition.apply(*(partition.event("open", k=k) for k in "ab"), partition.event("open", profile="q", k="a"), at=2 * SECOND)
    await partition.apply(partition.event("stop"), at=3 * SECOND)
    assert sorted((run.workflow, run.profile, run.status, run.reason) for run in partition.runs.values()) == [
        ("keyed", "n:p", "exited", "stopped by stops"),
        ("keyed", "n:p", "exited", "stopped by stops"),
        ("keyed", "n:q", "waiting", None),
        ("stops", "n:p", "waiting", None),
    ]
    assert (partition.count("keyed", "exited"), partition.count("keyed", "waiting", "nap")) == (2, 1)
