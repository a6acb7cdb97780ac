"""What becomes of a push: counters, facts of the subscriber, system events, and the steps that wait for it."""

from typing import Any

import msgspec
import pytest
from tests.engine.builders import HOUR, SECOND, SITE, Partition

PUSH = """
workflow: w
start: {on: [{event: go}]}
steps: [{id: push, push: {title: t, message: m, url: "https://a.example/"}}, {id: nap, wait: {for: 1h}}]
"""
ASKS = """
workflow: w
start: {on: [{event: go}]}
steps:
  - {id: one, push: {title: t, message: m, url: "https://a.example/"}}
  - {id: two, push: {title: t, message: m, url: "https://a.example/"}}
  - {id: nap, wait: {for: 1h}}
  - id: ask
    wait_for:
      on: [{event: PushEngage.Notification.Clicked, of: one}]
      timeout: 1h
      then: [{id: call, http: {url: "https://a.example/", body: "{{ ask.event.action }}"}}]
"""


async def pushed(text: str, *more: str) -> Partition:
    partition = Partition()
    await partition.apply(*map(partition.publish, (text, *more)), partition.subscriber("d", "p"), at=SECOND)
    await partition.apply(partition.event("go"), at=2 * SECOND)
    return partition


def facts(partition: Partition) -> dict[str, Any]:
    return dict(partition.subscribers[SITE, "d"].facts)


async def test_receipts_are_counted_for_the_step_and_noted_on_the_subscriber() -> None:
    partition = await pushed(PUSH)
    [push] = partition.pushes()
    await partition.apply(partition.outcome(push.id, "sent"), at=3 * SECOND)
    assert facts(partition) == {"sent_count": 1, "last_sent": 3 * SECOND}
    for at, event in enumerate(("viewed", "clicked", "closed", "viewed"), 4):
        await partition.apply(partition.receipt(push.id, event), at=at * SECOND)
    assert facts(partition) == {
        "sent_count": 1, "last_sent": 3 * SECOND,
        "view_count": 2, "last_view": 7 * SECOND,
        "click_count": 1, "last_click": 5 * SECOND,
    }  # fmt: skip
    assert {name: partition.count("w", name, "push") for name in ("sent", "viewed", "clicked", "closed", "failed")} == {
        "sent": 1, "viewed": 2, "clicked": 1, "closed": 1, "failed": 0,
    }  # fmt: skip
    assert {version for (_, version, step, *_), count in partition.counts.items() if step == "push" and count} == {1}


@pytest.mark.parametrize("outcome", ["failed", "gone", "expired"])
async def test_a_push_that_did_not_arrive_is_counted_as_failed(outcome: str) -> None:
    partition = await pushed(PUSH)
    [push] = partition.pushes()
    await partition.apply(partition.outcome(push.id, outcome), at=3 * SECOND)
    assert (partition.count("w", "failed", "push"), partition.count("w", "sent", "push")) == (1, 0)
    assert facts(partition) == {}
    assert partition.subscribers[SITE, "d"].active is (outcome != "gone")


async def test_a_view_makes_the_subscriber_the_most_recently_active_one_but_being_sent_to_does_not() -> None:
    partition = await pushed(PUSH)
    [push] = partition.pushes()
    await partition.apply(partition.outcome(push.id, "sent"), at=3 * SECOND)
    assert partition.subscribers[SITE, "d"].last_active == SECOND
    await partition.apply(partition.receipt(push.id, "viewed"), at=4 * SECOND)
    assert partition.subscribers[SITE, "d"].last_active == 4 * SECOND


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("sent", "PushEngage.Notification.Sent"),
        ("failed", "PushEngage.Notification.Failed"),
        ("viewed", "PushEngage.Notification.Viewed"),
        ("clicked", "PushEngage.Notification.Clicked"),
        ("closed", "PushEngage.Notification.Closed"),
    ],
)
async def test_each_is_a_system_event_with_where_it_came_from(entry: str, name: str) -> None:
    heard = f"workflow: heard\nstart: {{on: [{{event: {name}}}]}}\nsteps: [{{id: nap, wait: {{for: 1h}}}}]"
    partition = await pushed(PUSH, heard)
    [push] = partition.pushes()
    if entry in ("sent", "failed"):
        await partition.apply(partition.outcome(push.id, entry), at=3 * SECOND)
    else:
        await partition.apply(partition.receipt(push.id, entry, action=1), at=3 * SECOND)
    event = msgspec.json.decode(partition.run("heard").state)["entry"]
    assert (event["hops"], event["cause"], event["device_token_hash"]) == (1, push.run, "d")
    assert event["data"] == {
        "workflow": "w", "step": "push", "run": push.run, "delivery": push.id, "device_token_hash": "d",
    } | ({} if entry in ("sent", "failed") else {"action": 1})  # fmt: skip


async def test_what_nobody_listens_for_gets_no_explanation_but_is_counted() -> None:
    partition = await pushed(PUSH)
    before = len(partition.explanations)
    [push] = partition.pushes()
    await partition.apply(partition.receipt(push.id, "viewed"), partition.outcome(push.id, "sent"), at=3 * SECOND)
    assert len(partition.explanations) == before


@pytest.mark.parametrize("early", [True, False], ids=["before the run waits for it", "while it waits"])
async def test_a_click_of_the_push_that_a_step_asks_for(early: bool) -> None:
    partition = await pushed(ASKS)
    [push], [other] = partition.pushes("one"), partition.pushes("two")
    at = 3 * SECOND if early else HOUR + 3 * SECOND
    await partition.apply(partition.receipt(other.id, "clicked"), partition.receipt(push.id, "viewed"), at=at)
    await partition.apply(partition.receipt(push.id, "clicked", action=0), at=at)
    await partition.apply(at=HOUR + 4 * SECOND)
    assert partition.run("w").status == "completed"
    [call] = [one for one in partition.deliveries.values() if one.kind == "http"]
    assert msgspec.json.decode(call.job)["body"] == "0"


async def test_a_click_of_another_push_or_of_another_run_is_not_the_one() -> None:
    partition = await pushed(ASKS.replace("{on: [{event: go}]}", "{on: [{event: go}], while_running: parallel}"))
    await partition.apply(partition.event("go"), at=2 * SECOND)
    first, second = partition.pushes("one")
    [two, _] = partition.pushes("two")
    await partition.apply(partition.receipt(two.id, "clicked"), at=2 * HOUR - SECOND)
    assert {run.status for run in partition.runs.values()} == {"waiting"}
    await partition.apply(partition.receipt(first.id, "clicked"), at=2 * HOUR)
    assert {run.id: run.status for run in partition.runs.values()} == {first.run: "completed", second.run: "waiting"}


async def test_what_people_did_is_kept_and_what_became_of_a_push_only_where_somebody_may_ask() -> None:
    partition = await pushed(ASKS)
    [push], [other] = partition.pushes("one"), partition.pushes("two")
    for delivery in (push.id, push.id, other.id):
        for event in ("viewed", "clicked"):
            await partition.apply(partition.receipt(delivery, event), at=3 * SECOND)
        await partition.apply(partition.outcome(delivery, "sent"), at=3 * SECOND)
    assert {step: list(events) for step, events in msgspec.json.decode(partition.run("w").state)["receipts"].items()} == {
        step: ["PushEngage.Notification.Viewed", "PushEngage.Notification.Clicked"] for step in ("one", "two")
    }


async def test_a_receipt_of_a_subscriber_that_is_not_there_is_counted_only() -> None:
    partition = await pushed(PUSH)
    [push] = partition.pushes()
    partition.subscribers.clear()
    outcome = await partition.apply(partition.receipt(push.id, "clicked"), at=3 * SECOND)
    assert partition.count("w", "clicked", "push") == 1
    assert not outcome.subscribers


# -- of a push whose subscriber has come to another profile ----------------------------------------------------------


@pytest.mark.parametrize("together", [True, False])
async def test_a_receipt_reaches_the_run_that_sent_the_push_after_its_subscriber_has_left(together: bool) -> None:
    partition = await pushed(ASKS)
    [one] = partition.pushes("one")
    await partition.apply(at=2 * HOUR)
    entries = [partition.subscriber("d", "q"), partition.receipt(one.id, "clicked", action=1)]
    for group in [entries] if together else [[one] for one in entries]:
        await partition.apply(*group, at=2 * HOUR)
    run = partition.run("w")
    assert (run.profile, run.status) == ("n:p", "completed")
    [call] = [one for one in partition.deliveries.values() if one.kind == "http"]
    assert msgspec.json.decode(call.job)["body"] == "1"
    told = [one.profile for one in partition.explanations if b'"resumed"' in bytes(one.body)]
    assert told == ["n:p"]


@pytest.mark.parametrize("what", ["clicked", "sent"])
async def test_a_goal_is_attributed_and_an_outcome_awaited_after_its_subscriber_has_left(what: str) -> None:
    text = """
workflow: w
start: {on: [{event: go}]}
settings: {goal: {event: buy, within: 1d, attribution: click}}
steps:
  - {id: one, push: {title: t, message: m, url: "https://a.example/"}}
  - {id: ask, wait_for: {on: [{event: PushEngage.Notification.Sent, of: one}], timeout: 1h}}
"""
    partition = await pushed(text)
    [push] = partition.pushes()
    await partition.apply(partition.subscriber("d", "q"), at=3 * SECOND)
    entry = partition.receipt(push.id, what) if what == "clicked" else partition.outcome(push.id, what)
    await partition.apply(entry, at=4 * SECOND)
    await partition.apply(partition.event("buy"), at=5 * SECOND)
    assert partition.count("w", "goals") == (what == "clicked")
    assert partition.run("w").status == ("waiting" if what == "clicked" else "completed")


async def test_what_became_of_a_push_is_no_event_of_a_profile_that_its_subscriber_has_left() -> None:
    listens = "workflow: v\nstart: {on: [{event: PushEngage.Notification.Clicked}], key: event.run}\nsteps: []"
    partition = await pushed(ASKS.replace("id: ask", "id: asks").replace("ask.event", "asks.event"), listens)
    [one] = partition.pushes("one")
    await partition.apply(partition.subscriber("d", "q"), at=3 * SECOND)
    await partition.apply(partition.receipt(one.id, "clicked", action=1), at=4 * SECOND)
    assert [run.profile for run in partition.runs.values() if run.workflow == "v"] == ["n:q"]
