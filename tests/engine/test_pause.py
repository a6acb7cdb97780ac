"""A pause: exits and what waits are recorded, no step is taken; the resume goes on (semantics §7)."""

import pytest
from tests.engine.builders import HOUR, SECOND, Partition

WAITS = """
workflow: w
start: {on: [{event: go}]}
exit: [{event: stop}]
steps:
  - id: w
    wait_for:
      on: [{event: it}]
      timeout: 5h
      then: [{id: came, http: {url: "https://a.example/", body: "{{ w.event.n }}"}}]
      otherwise: [{id: late, http: {url: "https://a.example/"}}]
  - {id: nap, wait: {for: 1h}}
"""
PUSH = """
workflow: w
start: {on: [{event: go}]}
steps: [{id: nap, wait: {for: 1h}}, {id: push, push: {title: t, message: m, url: "https://a.example/"}}, {id: end, wait: {for: 1h}}]
"""


async def paused(text: str = WAITS) -> Partition:
    partition = Partition()
    await partition.apply(partition.publish(text), partition.subscriber("d", "p"), partition.event("go"), at=SECOND)
    await partition.apply(partition.change("w", "pause"), at=2 * SECOND)
    return partition


async def resume(partition: Partition, at: int, skip: int = 24 * HOUR) -> None:
    await partition.apply(partition.change("w", "resume", skip), at=at)
    await partition.apply(at=at)


async def test_an_event_that_a_run_waits_for_is_recorded_and_the_first_one_counts() -> None:
    partition = await paused()
    await partition.apply(partition.event("it", "e", n=1), partition.event("it", n=2), at=HOUR)
    assert partition.verdicts("e")["w"]["verdict"] == "resumed"
    assert (partition.run("w").step, len(partition.deliveries)) == ("w", 0)
    await resume(partition, 10 * HOUR)
    [call] = partition.deliveries.values()
    assert (call.step, call.created) == ("came", 10 * HOUR)
    assert b'"body":"1"' in bytes(call.job)
    assert partition.run("w").due == 11 * HOUR


async def test_a_timeout_that_passes_during_the_pause_is_the_outcome() -> None:
    partition = await paused()
    await partition.apply(at=6 * HOUR)
    await partition.apply(partition.event("it"), at=7 * HOUR)
    await resume(partition, 10 * HOUR)
    assert [one.step for one in partition.deliveries.values()] == ["late"]


@pytest.mark.parametrize(("at", "step"), [(5 * HOUR + SECOND - 1, "came"), (5 * HOUR + SECOND, "late")])
async def test_the_event_or_the_timeout_whichever_was_first(at: int, step: str) -> None:
    partition = await paused()
    await partition.apply(partition.event("it"), at=at)
    await resume(partition, 10 * HOUR)
    assert [one.step for one in partition.deliveries.values()] == [step]


async def test_what_comes_after_the_resume_finds_a_run_that_still_waits() -> None:
    partition = await paused()
    await resume(partition, HOUR)
    await partition.apply(partition.event("it"), at=2 * HOUR)
    assert [(one.step, one.created) for one in partition.deliveries.values()] == [("came", 2 * HOUR)]


@pytest.mark.parametrize("held", [True, False])
async def test_exits_are_applied_at_once(held: bool) -> None:
    partition = await paused()
    if held:
        await partition.apply(at=6 * HOUR)
    await partition.apply(partition.event("stop"), at=7 * HOUR)
    assert (partition.run("w").status, partition.run("w").ended, partition.run("w").held) == ("exited", 7 * HOUR, False)
    await resume(partition, 8 * HOUR)
    assert not partition.deliveries


async def test_a_second_pause_holds_what_the_first_resume_has_not_reached() -> None:
    partition = await paused()
    await partition.apply(at=6 * HOUR)
    await resume(partition, 10 * HOUR)
    await partition.apply(partition.change("w", "pause"), at=10 * HOUR + SECOND)
    await partition.apply(at=20 * HOUR)
    assert (partition.run("w").step, partition.run("w").held) == ("nap", True)
    await resume(partition, 21 * HOUR)
    assert (partition.run("w").status, partition.run("w").ended) == ("completed", 21 * HOUR)


@pytest.mark.parametrize(("skip", "sent"), [(9 * HOUR - SECOND, 1), (9 * HOUR - SECOND - 1, 0)])
async def test_a_push_that_was_held_too_long_is_stale_and_the_run_goes_on(skip: int, sent: int) -> None:
    """The push was due at 1 h and 1 s, the resume comes at 10 h."""
    partition = await paused(PUSH)
    await partition.apply(at=9 * HOUR)
    await resume(partition, 10 * HOUR, skip)
    assert len(partition.pushes()) == sent
    assert partition.count("w", "stale", "push") == 1 - sent
    assert (partition.run("w").step, partition.run("w").due) == ("end", 11 * HOUR)


async def test_what_is_due_after_the_resume_is_not_stale() -> None:
    partition = await paused(PUSH)
    await resume(partition, HOUR, 0)
    await partition.apply(at=2 * HOUR)
    assert len(partition.pushes()) == 1


async def test_other_workflows_go_on() -> None:
    partition = await paused()
    await partition.apply(partition.publish(PUSH.replace("workflow: w", "workflow: x")), partition.event("go"), at=2 * SECOND)
    await partition.apply(at=2 * HOUR)
    assert len(partition.pushes()) == 1


async def test_a_publish_during_a_pause_leaves_it_paused() -> None:
    partition = await paused()
    await partition.apply(partition.publish(WAITS.replace("5h", "6h")), partition.event("go", "e", profile="q"), at=3 * SECOND)
    assert partition.verdicts("e")["w"]["verdict"] == "paused"


async def test_quiet_hours_that_end_during_a_pause_send_after_it() -> None:
    text = """
workflow: w
start: {on: [{event: go}]}
settings: {timezone: UTC, quiet_hours: {from: "22:00", to: "07:00"}}
steps: [{id: push, push: {title: t, message: m, url: "https://a.example/"}}]
"""
    partition = Partition()
    await partition.apply(partition.publish(text), partition.subscriber("d", "p"), at=22 * HOUR)
    await partition.apply(partition.event("go"), at=23 * HOUR)
    assert (partition.run("w").step, partition.run("w").due) == ("push", 31 * HOUR)
    await partition.apply(partition.change("w", "pause"), at=24 * HOUR)
    await partition.apply(at=33 * HOUR)
    assert not partition.pushes()
    await resume(partition, 34 * HOUR)
    assert [one.created for one in partition.pushes()] == [34 * HOUR]
