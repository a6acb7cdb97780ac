"""An event shows that the subscriber that it names is active: profiles' runs look at the most recently active one."""

from typing import Any

import msgspec
import pytest
from tests.engine.builders import HOUR, SECOND, SITE, Partition

MINUTE = 60 * SECOND
FROM_A = """
workflow: w
start: {on: [{event: go}], audience: {field: subscriber.country, op: eq, value: A}}
exit: [{audience: {field: subscriber.country, op: eq, value: B}}]
steps: [{id: nap, wait: {for: 5h}}]
"""


async def made(*texts: str) -> Partition:
    """A profile with two subscribers, the second of which came last."""
    partition = Partition()
    await partition.apply(*map(partition.publish, texts), at=SECOND)
    await partition.apply(partition.subscriber("a", "p", facts={"country": "A"}), at=SECOND)
    await partition.apply(partition.subscriber("b", "p", facts={"country": "B"}), at=2 * SECOND)
    return partition


def active(partition: Partition, device: str = "a") -> int:
    return partition.subscribers[SITE, device].last_active


@pytest.mark.parametrize("profile", [None, "p", "other"])
async def test_an_event_that_names_a_subscriber_shows_that_it_is_active(profile: str | None) -> None:
    partition = await made(FROM_A)
    await partition.apply(partition.event("visit", device="a", profile=profile), at=HOUR)
    assert active(partition) == HOUR
    await partition.apply(partition.event("go", "g"), at=2 * HOUR)
    assert partition.verdicts("g")["w"]["verdict"] == "started"


@pytest.mark.parametrize(("later", "noted"), [(MINUTE - 1, False), (MINUTE, True)])
async def test_it_is_noted_at_most_once_a_minute(later: int, noted: bool) -> None:
    partition = await made()
    await partition.apply(partition.event("visit", device="a", profile=None), at=HOUR)
    outcome = await partition.apply(partition.event("visit", device="a", profile=None), at=HOUR + later)
    assert bool(outcome.subscribers) is noted
    assert active(partition) == HOUR + later * noted
    assert outcome.moved[0].profile == "n:p"


async def test_once_for_many_events_of_one_batch() -> None:
    partition = await made()
    outcome = await partition.apply(*(partition.event("visit", device="a", profile=None) for _ in range(5)), at=HOUR)
    assert [one.last_active for _, one in outcome.subscribers] == [HOUR]
    assert {move.profile for move in outcome.moved} == {"n:p"}


async def test_a_run_whose_subscriber_is_another_one_now_may_have_to_leave() -> None:
    partition = await made(FROM_A)
    await partition.apply(partition.event("visit", device="a", profile=None), at=HOUR)
    await partition.apply(partition.event("go"), at=2 * HOUR)
    assert partition.run("w").status == "waiting"
    await partition.apply(partition.event("visit", "v", device="b", profile="q"), at=3 * HOUR)
    assert (partition.run("w").status, partition.run("w").reason) == ("exited", "audience")
    assert [one.profile for one in partition.explanations if one.event == "v"] == ["n:p"]


async def test_what_a_run_sends_shows_nobody_active() -> None:
    sends = "workflow: w\nstart: {on: [{event: go}]}\nsteps: [{id: nap, wait: {for: 5h}}, {id: s, send_event: {event: sent}}]"
    partition = await made(sends)
    await partition.apply(partition.event("go", device="a", profile=None), at=HOUR)
    await partition.apply(at=7 * HOUR)
    assert len(partition.inbox) == 1
    await partition.pump(7 * HOUR)
    assert active(partition) == HOUR


async def test_a_segment_that_a_run_takes_away_starts_another_and_shows_nobody_active() -> None:
    changes = "workflow: {0}\nstart: {{on: [{{event: {0}}}]}}\nsteps: [{{id: s, segment: {{{0}: [vip, new]}}}}]"
    hears = """
workflow: hears
start: {on: [{event: PushEngage.Subscriber.RemoveSegment, where: {field: event.segment, op: eq, value: vip}}], while_running: parallel}
steps: [{id: call, http: {url: "https://a.example/{{ profile.id }}/{{ segment }}"}}]
"""
    partition = await made(changes.format("add"), changes.format("remove"), hears)
    for at, name in enumerate(("remove", "add", "remove", "remove"), 1):
        await partition.apply(partition.event(name, f"{name}{at}"), at=at * HOUR)
        await partition.pump(at * HOUR)
    [run] = [run for run in partition.runs.values() if run.workflow == "hears"]
    assert (run.profile, run.started, run.status) == ("n:p", 3 * HOUR, "completed")
    [call] = partition.deliveries.values()
    assert msgspec.json.decode(call.job)["url"] == "https://a.example/p/vip"
    assert partition.profiles[SITE, "n:p"].segments == ()
    assert (active(partition, "a"), active(partition, "b")) == (SECOND, 2 * SECOND)


@pytest.mark.parametrize("alone", [True, False])
async def test_it_does_not_matter_how_the_log_is_cut(alone: bool) -> None:
    partition = await made(FROM_A)
    entries: list[Any] = [
        partition.event("visit", device="a", profile=None),
        partition.event("go", "g", device="b", profile="q"),
        partition.event("go", "h"),
    ]
    for group in [[one] for one in entries] if alone else [entries]:
        await partition.apply(*group, at=HOUR)
    assert (active(partition), active(partition, "b")) == (HOUR, HOUR)
    assert partition.verdicts("h")["w"]["verdict"] == "started"
