"""An anonymous profile becomes part of a named one: what goes along, and which runs end (semantics §1)."""

import msgspec
import pytest
from tests.engine.builders import HOUR, SECOND, SITE, Partition

NAPS = "workflow: w\nstart: {on: [{event: go}], key: event.k}\nsteps: [{id: nap, wait: {for: 10h}}]"
CAPPED = """
workflow: w
start: {on: [{event: go}], while_running: parallel}
settings: {frequency_cap: {pushes: 2, per: 1d}}
steps: [{id: push, push: {title: t, message: m, url: "https://a.example/"}}]
"""


async def test_the_younger_run_of_a_workflow_and_key_ends_and_the_counters_say_so() -> None:
    partition = Partition()
    await partition.apply(partition.publish(NAPS), partition.subscriber("d"), at=SECOND)
    anonymous = {"device": "d", "profile": None}
    await partition.apply(partition.event("go", k="old", **anonymous), at=2 * SECOND)
    await partition.apply(partition.event("go", k="old"), partition.event("go", k="young"), at=3 * SECOND)
    await partition.apply(partition.event("go", k="young", **anonymous), partition.event("go", k="alone", **anonymous), at=4 * SECOND)
    await partition.apply(partition.subscriber("d", "p"), at=5 * SECOND)
    assert sorted((run.key or "", run.started // SECOND, run.profile, run.status, run.reason) for run in partition.runs.values()) == [
        ("alone", 4, "n:p", "waiting", None),
        ("old", 2, "n:p", "waiting", None),
        ("old", 3, "n:p", "exited", "merged"),
        ("young", 3, "n:p", "waiting", None),
        ("young", 4, "n:p", "exited", "merged"),
    ]
    assert {name: partition.count("w", name) for name in ("started", "exited", "completed")} == {"started": 5, "exited": 2, "completed": 0}
    assert partition.count("w", "waiting", "nap") == 3


async def test_a_run_that_went_along_goes_on_for_the_named_profile() -> None:
    partition = Partition()
    text = NAPS[:-1] + ", {id: s, send_event: {event: told, data: {who: '{{ profile.id }}', a: '{{ profile.a }}'}}}]"
    await partition.apply(partition.publish(text), partition.subscriber("d", attributes={"a": "x"}), at=SECOND)
    await partition.apply(partition.event("go", device="d", profile=None, k="k"), at=2 * SECOND)
    await partition.apply(partition.subscriber("d", "p"), at=3 * SECOND)
    await partition.apply(at=11 * HOUR)
    [entry] = partition.inbox
    assert b'"profile_id":"p"' in entry.body
    assert b'"data":{"a":"x","who":"p"}' in entry.body


async def test_a_run_that_was_held_stays_held() -> None:
    partition = Partition()
    await partition.apply(partition.publish(NAPS), partition.subscriber("d"), at=SECOND)
    await partition.apply(partition.event("go", device="d", profile=None, k="k"), at=2 * SECOND)
    await partition.apply(partition.change("w", "pause"), at=3 * SECOND)
    await partition.apply(at=11 * HOUR)
    await partition.apply(partition.subscriber("d", "p"), at=12 * HOUR)
    run = partition.run("w", "k")
    assert (run.profile, run.held) == ("n:p", True)
    await partition.apply(partition.change("w", "resume"), at=13 * HOUR)
    await partition.apply(at=13 * HOUR)
    assert (partition.run("w", "k").status, partition.run("w", "k").ended) == ("completed", 13 * HOUR)


async def test_caps_are_joined() -> None:
    partition = Partition()
    await partition.apply(partition.publish(CAPPED), partition.subscriber("d"), partition.subscriber("e", "p"), at=SECOND)
    await partition.apply(partition.event("go", device="d", profile=None), partition.event("go"), at=2 * SECOND)
    await partition.apply(partition.subscriber("d", "p"), partition.event("go"), at=3 * SECOND)
    assert partition.profiles[SITE, "n:p"].pushed == {"": (2 * SECOND, 2 * SECOND), "w": (2 * SECOND, 2 * SECOND)}
    assert [one.created for one in partition.pushes()] == [2 * SECOND] * 2
    assert partition.count("w", "capped", "push") == 1


async def test_segments_and_attributes_are_joined_and_the_named_profile_wins() -> None:
    partition = Partition()
    marks = "workflow: m\nstart: {on: [{event: mark}]}\nsteps: [{id: s, segment: {add: '{{ mark }}'}}]"
    known = partition.subscriber("d", attributes={"a": 1, "b": 1}), partition.subscriber("e", "p", attributes={"b": 2})
    await partition.apply(partition.publish(marks), *known, at=SECOND)
    await partition.apply(partition.event("mark", device="d", profile=None, mark="x"), partition.event("mark", mark="y"), at=SECOND)
    await partition.apply(partition.subscriber("d", "p"), at=2 * SECOND)
    assert partition.profiles[SITE, "n:p"].attributes == {"a": 1, "b": 2}
    assert partition.profiles[SITE, "n:p"].segments == ("x", "y")


@pytest.mark.parametrize("named_first", [True, False])
@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "in two"])
async def test_of_two_starts_the_later_one_is_remembered(named_first: bool, together: bool) -> None:
    """`again: {after: 10h}` is counted from the later start of the two profiles, whichever it was."""
    partition = Partition()
    text = "workflow: w\nstart: {on: [{event: go}], again: {after: 10h}}\nsteps: []"
    await partition.apply(partition.publish(text), partition.subscriber("d"), at=SECOND)
    anonymous, named = partition.event("go", device="d", profile=None), partition.event("go")
    first, second = (named, anonymous) if named_first else (anonymous, named)
    await partition.apply(first, at=HOUR)
    await partition.apply(second, at=5 * HOUR)
    joins = partition.subscriber("d", "p")
    early = partition.event("go", "early")
    if together:
        await partition.apply(joins, early, at=15 * HOUR - 1)
    else:
        await partition.apply(joins, at=6 * HOUR)
        await partition.apply(early, at=15 * HOUR - 1)
    await partition.apply(partition.event("go", "late"), at=15 * HOUR)
    assert partition.verdicts("early")["w"]["verdict"] == "not_again"
    assert partition.verdicts("late")["w"]["verdict"] == "started"


async def test_a_start_in_the_batch_of_the_merge_is_remembered_beside_an_earlier_one_of_the_named_profile() -> None:
    partition = Partition()
    text = "workflow: w\nstart: {on: [{event: go}], key: event.k, again: never}\nsteps: []"
    await partition.apply(partition.publish(text), partition.event("go", k="k"), at=SECOND)
    anonymous = partition.event("go", "second", device="d", profile=None, k="k")
    await partition.apply(partition.subscriber("d"), anonymous, partition.subscriber("d", "p"), at=2 * SECOND)
    assert partition.verdicts("second")["w"]["verdict"] == "started"
    assert partition.memory[SITE, "w", "n:p", "k"].started == 2 * SECOND


async def test_a_split_stays_with_who_entered() -> None:
    text = """
workflow: w
start: {on: [{event: go}], key: event.k}
steps:
  - {id: nap, wait: {for: 1h}}
  - {id: s, split: {paths: [{percent: 50, steps: []}, {percent: 50, steps: []}]}}
  - {id: end, wait: {for: 1d}}
"""
    partition, other = Partition(), Partition()
    for one in (partition, other):
        await one.apply(one.publish(text), *(one.subscriber(f"d{number}") for number in range(20)), at=SECOND)
        await one.apply(*(one.event("go", device=f"d{number}", profile=None, k=f"{number}") for number in range(20)), at=2 * SECOND)
    await partition.apply(*(partition.subscriber(f"d{number}", "p") for number in range(20)), at=3 * SECOND)
    paths = []
    for one in (partition, other):
        await one.apply(at=2 * HOUR)
        paths.append({run.key: bytes(run.state).split(b'"paths":')[1][:12] for run in one.runs.values()})
    assert paths[0] == paths[1]
    assert len(set(paths[0].values())) == 2


async def test_the_run_that_ends_gives_up_its_goal_for_the_one_that_stays() -> None:
    text = """
workflow: w
start: {on: [{event: go}]}
settings: {goal: {event: buy, within: 9d, value: event.v}}
steps: [{id: nap, wait: {for: 5d}}]
"""
    partition = Partition()
    await partition.apply(partition.publish(text), partition.subscriber("d"), at=SECOND)
    await partition.apply(partition.event("go", device="d", profile=None), partition.event("go"), at=2 * SECOND)
    await partition.apply(partition.subscriber("d", "p"), at=3 * SECOND)
    await partition.apply(partition.event("buy", v=10), at=4 * SECOND)
    assert (partition.count("w", "goals"), partition.count("w", "value")) == (1, 10_000_000)
    assert sorted(run.status for run in partition.runs.values()) == ["exited", "waiting"]


@pytest.mark.parametrize("together", [True, False])
async def test_a_failed_run_goes_along_and_a_retry_reaches_the_named_profile(together: bool) -> None:
    text = """
workflow: w
start: {on: [{event: go}]}
steps:
  - {id: ask, http: {url: "https://a.example/", await: true, on_error: fail}}
  - {id: push, push: {title: t, message: m, url: "https://a.example/"}}
"""
    partition = Partition()
    await partition.apply(partition.publish(text), partition.subscriber("d"), partition.subscriber("e", "p"), at=SECOND)
    await partition.apply(partition.event("go", device="d", profile=None), at=2 * SECOND)
    [call] = partition.deliveries
    entries = [partition.outcome(call, "failed", status=500), partition.subscriber("d", "p")]
    for group in [entries] if together else [[one] for one in entries]:
        await partition.apply(*group, at=3 * SECOND)
    run = partition.run("w")
    assert (run.status, run.profile) == ("failed", "n:p")
    await partition.apply(partition.operator(run.id, "retry"), at=4 * SECOND)
    await partition.apply(at=5 * SECOND)
    [again] = [one for one in partition.deliveries.values() if one.id != call]
    await partition.apply(partition.outcome(again.id, "sent", status=200), at=6 * SECOND)
    assert {push.subscriber for push in partition.pushes()} == {"d", "e"}


async def test_what_the_named_profile_gains_is_told() -> None:
    listens = """
workflow: w
start: {on: [{event: PushEngage.Subscriber.AddSegment}, {event: PushEngage.Subscriber.Identify}], while_running: parallel}
steps: [{id: nap, wait: {for: 1h}}]
"""
    joins = "workflow: {0}\nstart: {{on: [{{event: {0}}}]}}\nsteps: [{{id: s, segment: {{add: {0}}}}}]"
    partition = Partition()
    await partition.apply(*(partition.publish(joins.format(name)) for name in ("vip", "new")), at=SECOND)
    await partition.apply(partition.subscriber("d", attributes={"plan": "pro", "age": 5}), at=SECOND)
    await partition.apply(partition.subscriber("e", "p", attributes={"age": 7}), partition.event("vip"), at=SECOND)
    for name in ("vip", "new"):
        await partition.apply(partition.event(name, device="d", profile=None), at=2 * SECOND)
    await partition.pump(2 * SECOND)
    await partition.apply(partition.publish(listens), at=3 * SECOND)
    await partition.apply(partition.subscriber("d", "p", attributes={"city": "Bonn"}), at=4 * SECOND)
    await partition.pump(4 * SECOND)
    heard = [msgspec.json.decode(run.state)["entry"] for run in partition.runs.values() if run.workflow == "w"]
    assert {(one["name"], one.get("profile_id")): one["data"] for one in heard} == {
        ("PushEngage.Subscriber.Identify", None): {"plan": "pro", "city": "Bonn", "device_token_hash": "d"},
        ("PushEngage.Subscriber.AddSegment", "p"): {"segment": "new"},
    }
    assert partition.profiles[SITE, "n:p"].segments == ("new", "vip")
