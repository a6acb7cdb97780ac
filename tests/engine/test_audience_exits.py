"""Exit rules on the audience: tested after every entry that changes the profile, wherever the run stands, and before steps after waits."""

import pytest
from tests.engine.builders import HOUR, SECOND, Partition

LEAVES = """
workflow: leaves
start: {{on: [{{event: go}}]}}
exit: [{{audience: {audience}}}]
steps: [{{id: nap, wait: {{for: 10h}}}}, {{id: call, http: {{url: "https://a.example/"}}}}]
"""
PUSH = """
workflow: pushes
start: {on: [{event: push}]}
steps: [{id: push, push: {title: t, message: m, url: "https://a.example/"}}]
"""
STAFF = "{all: [{field: segments, op: in, value: [staff]}]}"
GOLD = "{all: [{field: profile.tier, op: eq, value: gold}]}"
MARK = "workflow: mark\nstart: {on: [{event: mark}]}\nsteps: [{id: s, segment: {add: staff}}]"
RAISE = "workflow: raise\nstart: {on: [{event: raise}]}\nsteps: [{id: u, update: {set: {tier: gold}}}]"


async def started(audience: str, *more: str) -> Partition:
    partition = Partition()
    documents = (LEAVES.format(audience=audience), PUSH, *more)
    await partition.apply(*map(partition.publish, documents), partition.subscriber("d", "p", facts={"country": "DE"}), at=SECOND)
    await partition.apply(partition.event("go"), at=2 * SECOND)
    return partition


def left(partition: Partition) -> bool:
    run = partition.run("leaves")
    assert run.status in ("waiting", "exited")
    return (run.status, run.reason) == ("exited", "audience")


async def test_attributes_that_a_registration_brings() -> None:
    partition = await started(GOLD)
    await partition.apply(partition.subscriber("d", "p", attributes={"tier": "silver"}), at=3 * SECOND)
    assert not left(partition)
    await partition.apply(partition.subscriber("d", "p", attributes={"tier": "gold"}), at=4 * SECOND)
    assert left(partition)
    assert partition.run("leaves").ended == 4 * SECOND


async def test_facts_of_a_subscriber() -> None:
    partition = await started("{all: [{field: subscriber.country, op: eq, value: FR}]}")
    await partition.apply(partition.subscriber("d", "p", facts={"country": "FR"}), at=3 * SECOND)
    assert left(partition)


async def test_segments_and_attributes_that_merge_in() -> None:
    partition = await started(GOLD)
    await partition.apply(partition.subscriber("e", attributes={"tier": "gold"}), at=3 * SECOND)
    assert not left(partition)
    await partition.apply(partition.subscriber("e", "p"), at=4 * SECOND)
    assert left(partition)


@pytest.mark.parametrize(
    ("outcome", "field"),
    [("sent", "sent_count"), ("viewed", "view_count"), ("clicked", "click_count"), ("clicked", "last_click"), ("viewed", "last_view")],
)
async def test_what_became_of_a_push(outcome: str, field: str) -> None:
    row = f"{{field: subscriber.{field}, op: {'gt, value: 0' if field.endswith('_count') else 'exists'}}}"
    partition = await started(f"{{all: [{row}]}}")
    await partition.apply(partition.event("push"), at=3 * SECOND)
    [push] = partition.pushes()
    assert not left(partition)
    entry = partition.outcome(push.id, "sent") if outcome == "sent" else partition.receipt(push.id, outcome)
    await partition.apply(entry, at=4 * SECOND)
    assert left(partition)


async def test_a_subscriber_that_goes_or_comes_to_another_profile() -> None:
    for last in ("gone", "away"):
        partition = await started(
            "{all: [{field: subscriber.country, op: not_exists}]}", "workflow: x\nstart: {on: [{event: x}]}\nsteps: []"
        )
        await partition.apply(partition.event("push"), at=3 * SECOND)
        [push] = partition.pushes()
        entry = partition.outcome(push.id, "gone") if last == "gone" else partition.subscriber("d", "other")
        await partition.apply(entry, at=4 * SECOND)
        assert left(partition)
        [told] = [
            one
            for one in partition.explanations
            if partition.run("leaves").id.encode() in bytes(one.body) and b'"exited"' in bytes(one.body)
        ]
        assert told.profile == "n:p"


@pytest.mark.parametrize(("audience", "event"), [(STAFF, "mark"), (GOLD, "raise")])
async def test_steps_of_another_run_of_the_profile(audience: str, event: str) -> None:
    partition = await started(audience, MARK, RAISE)
    await partition.apply(partition.event(event, profile="q"), at=3 * SECOND)
    assert not left(partition)
    await partition.apply(partition.event(event), at=4 * SECOND)
    assert left(partition)


async def test_a_timer_of_another_run() -> None:
    late = "workflow: late\nstart: {on: [{event: late}]}\nsteps: [{id: n, wait: {for: 1h}}, {id: s, segment: {add: staff}}]"
    partition = await started(STAFF, late)
    await partition.apply(partition.event("late"), at=3 * SECOND)
    await partition.apply(at=2 * HOUR)
    assert left(partition)
    assert partition.run("leaves").ended == 3 * SECOND + HOUR


async def test_a_step_of_the_run_itself() -> None:
    text = """
workflow: w
start: {on: [{event: go}]}
exit: [{audience: {all: [{field: segments, op: in, value: [staff]}]}}]
steps: [{id: s, segment: {add: staff}}, {id: nap, wait: {for: 1h}}]
"""
    partition = Partition()
    await partition.apply(partition.publish(text), partition.event("go"), at=SECOND)
    assert (partition.run("w").status, partition.run("w").reason) == ("exited", "audience")


async def test_a_run_that_waits_does_not_go_on_when_another_has_changed_the_profile_by_the_same_event() -> None:
    """Whichever of the two gets the event first, the rule is tested before the step that follows the wait."""
    waits = """
workflow: {}
start: {{on: [{{event: go}}]}}
exit: [{{audience: {{all: [{{field: segments, op: in, value: [staff]}}]}}}}]
steps:
  - {{id: w, wait_for: {{on: [{{event: it}}], timeout: 1d}}}}
  - {{id: s, segment: {{add: staff}}}}
  - {{id: call, http: {{url: "https://a.example/"}}}}
  - {{id: nap, wait: {{for: 1h}}}}
"""
    partition = Partition()
    await partition.apply(*(partition.publish(waits.format(name)) for name in ("one", "two")), partition.event("go"), at=SECOND)
    await partition.apply(partition.event("it"), at=2 * SECOND)
    assert {run.reason for run in partition.runs.values()} == {"audience"}
    assert len(partition.deliveries) == 1


async def test_a_rule_that_time_alone_makes_true_is_found_before_the_next_step() -> None:
    partition = await started("{all: [{field: subscriber.created, op: not_within_last, value: 5h}]}")
    await partition.apply(partition.event("other"), at=9 * HOUR)
    assert not left(partition)
    await partition.apply(at=11 * HOUR)
    assert left(partition)
    assert not [one for one in partition.deliveries.values() if one.kind == "http"]


async def test_it_holds_during_a_pause() -> None:
    partition = await started(STAFF, MARK)
    await partition.apply(partition.change("leaves", "pause"), at=3 * SECOND)
    await partition.apply(at=12 * HOUR)
    assert partition.run("leaves").held
    await partition.apply(partition.event("mark"), at=13 * HOUR)
    assert left(partition)


async def test_a_click_that_makes_the_run_leave_does_not_resume_it_first() -> None:
    text = """
workflow: w
start: {on: [{event: go}]}
exit: [{audience: {all: [{field: subscriber.click_count, op: gte, value: 1}]}}]
steps:
  - {id: push, push: {title: t, message: m, url: "https://a.example/"}}
  - {id: ask, wait_for: {on: [{event: PushEngage.Notification.Clicked, of: push}], timeout: 1d}}
"""
    partition = Partition()
    await partition.apply(partition.publish(text), partition.subscriber("d", "p"), partition.event("go"), at=SECOND)
    [push] = partition.pushes()
    await partition.apply(partition.receipt(push.id, "clicked"), at=2 * SECOND)
    assert partition.run("w").reason == "audience"
    assert [what for what, _ in partition.history(push.run)] == ["push", "waiting", "exited"]
