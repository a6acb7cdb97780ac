"""Nothing is left of who is erased, wherever it is; who has the name afterwards is somebody new."""

from tests.engine.builders import HOUR, SECOND, SITE, Partition
from tests.engine.cluster import Cluster
from tests.engine.people import NAPS, counts, heard, is_sound, people, profile_of, settle

from clarion.store.records.entries import EntryKind

PUSHES = (
    "workflow: pushes\nstart: {on: [{event: say}]}\n"
    'steps: [{id: push, push: {title: t, message: m, url: "https://a.example/"}}, {id: nap, wait: {for: 1h}}]'
)
ONCE = "workflow: once\nstart: {on: [{event: go}], again: never}\nsteps: [{id: nap, wait: {for: 1h}}]"


def full(count: int) -> Cluster:
    """Somebody with two subscribers, runs, memory and deliveries."""
    cluster = people(count, NAPS, PUSHES, ONCE)
    cluster.take(cluster.subscriber("d1"), cluster.event("go", "d1"), cluster.subscriber("d1", "p", attributes={"plan": "a"}))
    cluster.take(cluster.subscriber("d2", "p"), cluster.event("go", profile="p"), cluster.event("say", profile="p"))
    settle(cluster)
    return cluster


def holds(cluster: Cluster, *keys: str) -> list[object]:
    """All that is there of profiles."""
    found: list[object] = []
    for part in cluster.parts:
        found += [one for one in part.profiles.values() if one.key in keys]
        found += [one for one in part.subscribers.values() if one.profile in keys]
        found += [run for run in part.runs.values() if run.profile in keys]
        found += [one for one in part.memory.values() if one.profile in keys]
        found += [one for one in part.deliveries.values() if one.profile in keys]
    return found


@counts
def test_nothing_is_left(count: int) -> None:
    cluster = full(count)
    assert holds(cluster, "n:p", "a:d1")
    cluster.take(*cluster.erase(("n:p", "a:d1"), ("d1", "d2")))
    assert holds(cluster, "n:p", "a:d1") == []
    assert (cluster.subscribers, cluster.copies()) == ({}, {})
    is_sound(cluster)


@counts
def test_others_are_left_alone(count: int) -> None:
    cluster = full(count)
    cluster.take(cluster.subscriber("d3", "q", attributes={"plan": "b"}), cluster.event("go", profile="q"))
    before = holds(cluster, "n:q")
    cluster.take(*cluster.erase(("n:p", "a:d1"), ("d1", "d2")))
    assert holds(cluster, "n:q") == before
    is_sound(cluster)


@counts
def test_who_has_the_name_afterwards_is_somebody_new(count: int) -> None:
    cluster = full(count)
    cluster.take(*cluster.erase(("n:p", "a:d1"), ("d1", "d2")))
    cluster.passes(SECOND)
    cluster.take(cluster.event("go", profile="p"))
    assert (profile_of(cluster, "n:p").attributes, profile_of(cluster, "n:p").created) == ({}, cluster.now)
    assert sorted(run.workflow for run in cluster.runs.values() if run.profile == "n:p") == ["naps", "once"]


@counts
def test_what_comes_of_a_push_afterwards_changes_nothing(count: int) -> None:
    cluster = full(count)
    one, other = cluster.pushes()
    cluster.take(*cluster.erase(("n:p", "a:d1"), ("d1", "d2")))
    before = cluster.explained()
    cluster.take(cluster.receipt(one.id, "clicked"), cluster.outcome(other.id, "gone"))
    cluster.passes(20 * HOUR)
    assert holds(cluster, "n:p", "a:d1") == []
    assert cluster.explained() == before
    is_sound(cluster)


@counts
def test_a_subscriber_that_has_come_to_another_is_erased_there(count: int) -> None:
    cluster = full(count)
    cluster.take(cluster.device("d2", "identify", "q"))
    cluster.take(*cluster.erase(("n:p", "a:d1"), ("d1", "d2")))
    assert (cluster.subscribers, cluster.copies()) == ({}, {})
    assert (SITE, "n:q") in cluster.profiles
    is_sound(cluster)


@counts
def test_one_that_nobody_named_is_forgotten_with_its_profile(count: int) -> None:
    cluster = full(count)
    cluster.take(cluster.subscriber("d4", "p"))
    cluster.take(*cluster.erase(("n:p", "a:d1"), ("d1", "d2")))
    settle(cluster)
    assert (cluster.subscribers, cluster.copies()) == ({}, {})
    assert holds(cluster, "n:p") == []


@counts
def test_what_clarion_says_of_who_is_gone_makes_nobody(count: int) -> None:
    """What a run has sent about its profile is still on its way when that is erased."""
    cluster = people(count, "workflow: marks\nstart: {on: [{event: go}]}\nsteps: [{id: s, segment: {add: s}}]")
    cluster.take(cluster.subscriber("d1"), cluster.subscriber("d2", "p"), cluster.event("go", "d1"), cluster.event("go", "d2"))
    assert len(cluster.sent) == 2
    cluster.take(*cluster.erase(("n:p",), ("d2",)), *cluster.erase(("a:d1",), ("d1",)))
    settle(cluster)
    assert (cluster.profiles, cluster.runs) == ({}, {})
    is_sound(cluster)


@counts
def test_an_erasure_of_nobody_is_no_error(count: int) -> None:
    cluster = people(count)
    cluster.take(*cluster.erase(("n:x", "a:x"), ("x",)), *cluster.erase((), ()))
    assert (cluster.profiles, cluster.subscribers) == ({}, {})
    is_sound(cluster)


async def test_in_one_batch_what_comes_before_goes_and_what_comes_after_stays() -> None:
    partition = Partition()
    await partition.apply(partition.publish(PUSHES), partition.publish(ONCE), at=SECOND)
    await partition.apply(partition.event("go"), at=2 * SECOND)
    old = partition.run("once").id
    outcome = await partition.apply(
        partition.subscriber("d", "p", attributes={"plan": "a"}),
        partition.event("say"),
        partition.erase(("n:p",), ("d",)),
        partition.event("go"),
        partition.event("say", device="d", profile=None),
        at=2 * HOUR,
    )
    assert outcome.erased == [(SITE, "n:p")]
    assert outcome.deliveries == []
    assert [one.key for _, one in outcome.profiles] == ["n:p"]
    assert (partition.profiles[SITE, "n:p"].attributes, partition.subscribers) == ({}, {})
    assert [(run.workflow, run.started) for run in partition.runs.values()] == [("once", 2 * HOUR)]
    assert old not in partition.runs
    assert {at[1]: one.started for at, one in partition.memory.items()} == {"once": 2 * HOUR}


async def test_what_stood_in_the_log_is_skipped() -> None:
    partition = Partition()
    outcome = await partition.apply(partition.entry(EntryKind.ERASED, None), partition.event("go"), at=SECOND)
    assert ([one.profile for one in outcome.moved], outcome.poisoned) == (["", "n:p"], [])


async def test_timers_of_who_is_erased_are_void() -> None:
    partition = Partition()
    await partition.apply(partition.publish(NAPS), at=SECOND)
    await partition.apply(partition.event("go"), at=2 * SECOND)
    partition.timers = 0
    await partition.apply(partition.erase(("n:p",)), at=3 * SECOND)
    outcome = await partition.apply(at=30 * HOUR)
    assert (outcome.runs, partition.runs, partition.poisoned) == ([], {}, [])


def test_nobody_hears_of_an_erasure() -> None:
    cluster = full(1)
    before = [told for told in heard(cluster) if told[1] != "n:p" and told[1] != "a:d1"]
    cluster.take(*cluster.erase(("n:p", "a:d1"), ("d1", "d2")))
    assert heard(cluster) == before
