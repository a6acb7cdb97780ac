"""Events that runs cause come back through the inbox: ids, causes, hops, and loops that end."""

from collections.abc import Callable

import msgspec
import pytest
from tests.engine.builders import HOUR, SECOND, SITE, Partition

from clarion.domain.ids import caused_event_id, effect_id
from clarion.domain.records import Event
from clarion.store.records.entries import EntryKind

RELAY = """
workflow: relay
start: {on: [{event: go}]}
steps:
  - {id: self, send_event: {event: told, data: {n: "{{ n }}"}}}
  - {id: other, send_event: {event: told, profile_id: "{{ whom }}"}}
  - {id: mark, segment: {add: [x, y], remove: z}}
  - {id: note, update: {set: {seen: "{{ n }}"}}}
  - {id: hand, start_workflow: {workflow: next}}
"""
NEXT = "workflow: next\nstart: {on: [{event: never}]}\nsteps: [{id: call, http: {url: 'https://a.example/', body: '{{ n }}'}}]"


def sent(partition: Partition) -> list[Event]:
    return [msgspec.json.decode(entry.body, type=Event) for entry in partition.inbox]


async def test_what_a_run_sends_has_stable_ids_its_cause_and_one_hop_more() -> None:
    partition = Partition()
    await partition.apply(partition.publish(RELAY), partition.publish(NEXT), at=SECOND)
    await partition.apply(partition.event("go", "e", hops=2, n=1, whom="q"), at=2 * SECOND)
    run = partition.run("relay")
    events = sent(partition)
    assert [(event.name, event.profile_id, event.workflow) for event in events] == [
        ("told", "p", None),
        ("told", "q", None),
        ("PushEngage.Subscriber.AddSegment", "p", None),
        ("PushEngage.Subscriber.AddSegment", "p", None),
        ("PushEngage.Subscriber.Update", "p", None),
        ("PushEngage.Workflow.Start", "p", "next"),
    ]
    assert {(event.hops, event.cause, event.received) for event in events} == {(3, run.id, 2 * SECOND)}
    assert len({event.id for event in events}) == len(events)
    assert events[0].id == caused_event_id(effect_id(run.id, "self", 1), "told", 0)
    assert [entry.id for entry in partition.inbox] == [event.id for event in events]
    assert {(entry.kind, entry.site) for entry in partition.inbox} == {(EntryKind.EVENT, SITE)}
    assert msgspec.json.decode(events[0].data) == {"n": 1}


async def test_they_are_applied_to_whom_they_are_about() -> None:
    partition = Partition()
    heard = "workflow: heard\nstart: {on: [{event: told}]}\nsteps: [{id: a, wait: {for: 1h}}]"
    await partition.apply(partition.publish(RELAY), partition.publish(NEXT), partition.publish(heard), at=SECOND)
    await partition.apply(partition.event("go", n=7, whom="q"), at=2 * SECOND)
    await partition.pump(3 * SECOND)
    assert {run.profile for run in partition.runs.values() if run.workflow == "heard"} == {"n:p", "n:q"}
    assert (SITE, "n:q") in partition.profiles
    assert partition.profiles[SITE, "n:p"].segments == ("x", "y")
    assert partition.profiles[SITE, "n:p"].attributes == {"seen": 7}
    assert partition.profiles[SITE, "n:q"].attributes == {}
    [call] = [one for one in partition.deliveries.values() if one.workflow == "next"]
    assert msgspec.json.decode(call.job)["body"] == "7"


async def test_an_anonymous_profiles_events_find_it_also_after_it_has_got_a_name() -> None:
    partition = Partition()
    text = "workflow: w\nstart: {on: [{event: go}]}\nsteps: [{id: s, send_event: {event: told}}]"
    heard = "workflow: heard\nstart: {on: [{event: told}]}\nsteps: []"
    await partition.apply(partition.publish(text), partition.publish(heard), partition.subscriber("d"), at=SECOND)
    await partition.apply(partition.event("go", device="d", profile=None), at=2 * SECOND)
    [event] = sent(partition)
    assert (event.profile_id, event.device_token_hash) == (None, "d")
    await partition.apply(partition.subscriber("d", "p"), *partition.emitted(), at=3 * SECOND)
    assert partition.run("heard").profile == "n:p"


async def test_a_workflow_to_start_is_heard_of_by_that_one_only() -> None:
    partition = Partition()
    asks = "workflow: asks\nstart: {on: [{event: go}]}\nsteps: [{id: s, start_workflow: {workflow: next, data: {n: 5}}}]"
    await partition.apply(partition.publish(asks), partition.publish(NEXT), at=SECOND)
    await partition.apply(partition.event("go"), at=2 * SECOND)
    [start] = sent(partition)
    await partition.pump(3 * SECOND)
    assert {name: one["verdict"] for name, one in partition.verdicts(start.id).items()} == {"next": "started"}


@pytest.mark.parametrize(
    ("change", "verdict"), [("pause", "paused"), ("drain", "draining"), ("archive", "archived"), (None, "unknown_workflow")]
)
async def test_a_workflow_that_cannot_start_says_why(change: str | None, verdict: str) -> None:
    partition = Partition()
    asks = "workflow: asks\nstart: {on: [{event: go}]}\nsteps: [{id: s, start_workflow: {workflow: next}}]"
    await partition.apply(partition.publish(asks), at=SECOND)
    if change is not None:
        await partition.apply(partition.publish(NEXT), at=SECOND)
        await partition.apply(partition.change("next", change), at=SECOND)
    await partition.apply(partition.event("go"), at=2 * SECOND)
    [start] = sent(partition)
    await partition.pump(3 * SECOND)
    assert partition.verdicts(start.id)["next"]["verdict"] == verdict


# -- hops ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hops", "verdict"), [(7, "resumed"), (8, "hop_limit")])
async def test_the_hop_guard_holds_for_waits(hops: int, verdict: str) -> None:
    partition = Partition()
    text = "workflow: w\nstart: {on: [{event: go}]}\nsteps: [{id: w, wait_for: {on: [{event: it}], timeout: 1d}}]"
    await partition.apply(partition.publish(text), partition.event("go"), at=SECOND)
    await partition.apply(partition.event("it", "e", hops=hops), at=2 * SECOND)
    assert partition.verdicts("e")["w"]["verdict"] == verdict
    assert partition.run("w").status == ("completed" if verdict == "resumed" else "waiting")


async def test_the_hop_guard_does_not_hold_for_exits_and_goals() -> None:
    partition = Partition()
    text = """
workflow: w
start: {on: [{event: go}]}
exit: [{event: it}]
settings: {goal: {event: it, within: 1d}}
steps: [{id: a, wait: {for: 1d}}]
"""
    await partition.apply(partition.publish(text), partition.event("go"), at=SECOND)
    await partition.apply(partition.event("it", hops=8), at=2 * SECOND)
    assert partition.run("w").status == "exited"
    assert partition.count("w", "goals") == 1


async def test_a_run_sends_with_the_most_hops_of_what_started_and_resumed_it() -> None:
    partition = Partition()
    text = """
workflow: w
start: {on: [{event: go}]}
steps:
  - {id: w, wait_for: {on: [{event: it}], timeout: 1d}}
  - {id: nap, wait: {for: 1h}}
  - {id: s, send_event: {event: told}}
  - {id: call, http: {url: "https://a.example/"}}
"""
    await partition.apply(partition.publish(text), partition.event("go", hops=1), at=SECOND)
    await partition.apply(partition.event("it", hops=4), at=2 * SECOND)
    await partition.apply(at=2 * HOUR)
    assert [event.hops for event in sent(partition)] == [5]
    assert [one.hops for one in partition.deliveries.values()] == [5]


def ping_pong(step: Callable[[str], str]) -> tuple[str, str]:
    text = "workflow: {}\nstart: {{on: [{{event: {}}}], while_running: parallel}}\nsteps: [{{id: s, {}}}]"
    return text.format("ping", "ping", step("pong")), text.format("pong", "pong", step("ping"))


@pytest.mark.parametrize(
    "step",
    [lambda other: f"send_event: {{event: {other}}}", lambda other: f"start_workflow: {{workflow: {other}}}"],
    ids=["send_event", "start_workflow"],
)
async def test_two_workflows_that_call_each_other_come_to_an_end(step: Callable[[str], str]) -> None:
    partition = Partition()
    await partition.apply(*map(partition.publish, ping_pong(step)), at=SECOND)
    await partition.apply(partition.event("ping"), at=2 * SECOND)
    await partition.pump(3 * SECOND)
    assert len(partition.runs) == 8
    assert [one["verdict"] for event in partition.explanations for one in partition.verdicts(event.event).values()].count("hop_limit") == 1


async def test_a_loop_through_receipts_comes_to_an_end() -> None:
    partition = Partition()
    text = """
workflow: w
start: {on: [{event: go}, {event: PushEngage.Notification.Sent}]}
steps: [{id: push, push: {title: t, message: m, url: "https://a.example/"}}]
"""
    await partition.apply(partition.publish(text), partition.subscriber("d", "p"), partition.event("go"), at=SECOND)
    now, known = SECOND, 0
    while len(partition.deliveries) > known:
        new = list(partition.deliveries)[known:]
        known, now = len(partition.deliveries), now + SECOND
        await partition.apply(*(partition.outcome(id, "sent") for id in new), at=now)
    assert known == 8
    assert [one.hops for one in partition.deliveries.values()] == list(range(1, 9))


async def test_a_loop_through_changes_of_the_profile_comes_to_an_end() -> None:
    partition = Partition()
    text = """
workflow: w
start: {on: [{event: go}, {event: PushEngage.Subscriber.Update}]}
steps: [{id: u, update: {set: {turns: "{{ profile.turns }}x"}}}]
"""
    await partition.apply(partition.publish(text), partition.event("go"), at=SECOND)
    await partition.pump(2 * SECOND)
    assert len(partition.runs) == 8
