"""Requests that a run waits for: their outcome comes back as an entry (semantics §6)."""

import msgspec
import pytest
from tests.engine.builders import HOUR, SECOND, Partition

from clarion.store.records.bodies import DeliveryOutcome
from clarion.store.records.deliveries import Delivery
from clarion.store.records.entries import Entry, EntryKind

ASKS = """
workflow: w
start: {{on: [{{event: go}}]}}
steps:
  - {{id: ask, http: {{url: "https://a.example/", await: true, on_error: {on_error}}}}}
  - {{id: tell, http: {{url: "https://a.example/", body: {{status: "{{{{ ask.status }}}}", n: "{{{{ ask.response.n }}}}"}}}}}}
"""


async def asked(on_error: str = "continue") -> tuple[Partition, Delivery]:
    partition = Partition()
    await partition.apply(partition.publish(ASKS.format(on_error=on_error)), partition.event("go", hops=2), at=SECOND)
    [delivery] = partition.deliveries.values()
    run = partition.run("w")
    assert (run.status, run.step, run.due) == ("waiting", "ask", None)
    return partition, delivery


def body(partition: Partition) -> object:
    [told] = [one for one in partition.deliveries.values() if one.step == "tell"]
    return msgspec.json.decode(msgspec.json.decode(told.job)["body"])


async def test_the_run_goes_on_with_what_was_answered() -> None:
    partition, delivery = await asked()
    entry = partition.outcome(delivery.id, "sent", status=201, response={"n": 7})
    outcome = await partition.apply(entry, at=2 * SECOND)
    assert partition.run("w").status == "completed"
    assert body(partition) == {"status": 201, "n": 7}
    assert [move.profile for move in outcome.moved] == ["n:p"]
    assert partition.count("w", "sent", "ask") == 1
    assert partition.history(delivery.run)[-3:] == [("result", "ask"), ("http", "tell"), ("completed", "tell")]
    assert [one.event for one in partition.explanations][-1] == entry.id


@pytest.mark.parametrize(
    ("on_error", "status", "reason"),
    [
        ("continue", "completed", None),
        ("exit", "exited", "http failed"),
        ("fail", "failed", "step ask: the request failed with status 500"),
    ],
)
async def test_a_failure_is_what_the_step_says(on_error: str, status: str, reason: str | None) -> None:
    partition, delivery = await asked(on_error)
    await partition.apply(partition.outcome(delivery.id, "failed", status=500), at=2 * SECOND)
    assert (partition.run("w").status, partition.run("w").reason) == (status, reason)
    assert partition.count("w", "failed", "ask") == 1


async def test_time_alone_does_not_end_the_wait_and_the_outcome_comes_once() -> None:
    partition, delivery = await asked()
    await partition.apply(at=1_000 * HOUR)
    assert partition.run("w").step == "ask"
    entries = [partition.outcome(delivery.id, "sent", status=200), partition.outcome(delivery.id, "sent", status=299)]
    await partition.apply(*entries, at=1_001 * HOUR)
    assert body(partition) == {"status": 200, "n": ""}
    assert len(partition.deliveries) == 2


def changed(partition: Partition, delivery: Delivery, **more: str) -> Entry:
    outcome = msgspec.json.decode(partition.outcome(delivery.id, "sent", status=200).body, type=DeliveryOutcome)
    return partition.entry(EntryKind.OUTCOME, msgspec.structs.replace(outcome, **more))


async def test_an_outcome_of_another_run_or_effect_is_not_the_one() -> None:
    partition, delivery = await asked()
    await partition.apply(changed(partition, delivery, run="nobody"), at=2 * SECOND)
    await partition.apply(changed(partition, delivery, effect="other"), at=2 * SECOND)
    assert partition.run("w").step == "ask"
    assert not partition.poisoned


async def test_an_outcome_for_a_run_that_has_ended_changes_nothing() -> None:
    partition, delivery = await asked()
    await partition.apply(partition.operator(delivery.run, "stop"), at=2 * SECOND)
    before = partition.run("w")
    await partition.apply(partition.outcome(delivery.id, "sent", status=200), at=3 * SECOND)
    assert partition.run("w") == before
    assert partition.count("w", "sent", "ask") == 1


async def test_an_outcome_of_a_visit_that_is_over_is_not_that_of_the_next() -> None:
    partition, delivery = await asked()
    await partition.apply(partition.operator(delivery.run, "move", step="ask"), at=2 * SECOND)
    again = next(one for one in partition.deliveries.values() if one.id != delivery.id)
    assert again.step == "ask"
    await partition.apply(partition.outcome(delivery.id, "sent", status=200), at=3 * SECOND)
    assert partition.run("w").step == "ask"
    await partition.apply(partition.outcome(again.id, "sent", status=202), at=4 * SECOND)
    assert body(partition) == {"status": 202, "n": ""}


async def test_during_a_pause_the_outcome_is_recorded_and_the_resume_goes_on() -> None:
    partition, delivery = await asked()
    await partition.apply(partition.change("w", "pause"), at=2 * SECOND)
    await partition.apply(partition.outcome(delivery.id, "sent", status=200, response={"n": 1}), at=3 * SECOND)
    assert (partition.run("w").step, partition.run("w").held, len(partition.deliveries)) == ("ask", True, 1)
    await partition.apply(partition.change("w", "resume"), at=HOUR)
    await partition.apply(at=HOUR)
    assert (partition.run("w").status, partition.run("w").ended) == ("completed", HOUR)
    assert body(partition) == {"status": 200, "n": 1}


async def test_an_answered_run_that_a_publish_moves_during_the_pause_does_not_ask_again() -> None:
    partition, delivery = await asked()
    await partition.apply(partition.change("w", "pause"), at=2 * SECOND)
    await partition.apply(partition.outcome(delivery.id, "sent", status=200, response={"n": 1}), at=3 * SECOND)
    await partition.apply(partition.publish(ASKS.format(on_error="exit"), "move"), at=4 * SECOND)
    await partition.apply(partition.change("w", "resume"), at=HOUR)
    await partition.apply(at=HOUR)
    assert (partition.run("w").status, partition.run("w").version) == ("completed", 2)
    assert [one.step for one in partition.deliveries.values()] == ["ask", "tell"]


async def test_a_run_that_moves_while_it_waits_gets_the_outcome_in_the_new_version() -> None:
    partition, delivery = await asked()
    await partition.apply(partition.publish(ASKS.format(on_error="exit"), "move"), at=2 * SECOND)
    await partition.apply(partition.outcome(delivery.id, "failed", status=500), at=3 * SECOND)
    assert (partition.run("w").version, partition.run("w").reason) == (2, "http failed")


async def test_the_profile_that_the_outcome_belongs_to_is_the_runs() -> None:
    partition = Partition()
    await partition.apply(partition.publish(ASKS.format(on_error="exit")), partition.subscriber("d"), at=SECOND)
    await partition.apply(partition.event("go", device="d", profile=None), at=2 * SECOND)
    [delivery] = partition.deliveries.values()
    await partition.apply(partition.subscriber("d", "p"), at=3 * SECOND)
    await partition.apply(partition.outcome(delivery.id, "sent", status=200), at=4 * SECOND)
    assert (partition.run("w").status, partition.run("w").profile) == ("completed", "n:p")


async def test_a_request_that_nobody_waits_for_is_counted_only() -> None:
    partition = Partition()
    text = "workflow: w\nstart: {on: [{event: go}]}\nsteps: [{id: call, http: {url: 'https://a.example/'}}, {id: nap, wait: {for: 1h}}]"
    await partition.apply(partition.publish(text), partition.event("go"), at=SECOND)
    [delivery] = partition.deliveries.values()
    before = len(partition.explanations)
    outcome = await partition.apply(partition.outcome(delivery.id, "failed", status=500), at=2 * SECOND)
    assert (outcome.runs, len(partition.explanations)) == ([], before)
    assert partition.count("w", "failed", "call") == 1
