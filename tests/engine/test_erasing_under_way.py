"""What is under way between partitions when its person is erased makes nobody anew; who comes afterwards is somebody new."""

from collections.abc import Callable

import pytest
from tests.engine.builders import SECOND, SITE
from tests.engine.cluster import FIVE, Cluster
from tests.engine.people import NAPS, profile_of

from clarion.store.records.bodies import Erasure
from clarion.store.records.entries import EntryKind, NewEntry

P = "n:p"


@pytest.fixture
def cluster() -> Cluster:
    """Partitions that take what is theirs when the test says so."""
    cluster = Cluster(FIVE, settles=False)
    cluster.now = 100 * SECOND
    cluster.put(*cluster.publish(NAPS))
    cluster.drain()
    return cluster


def elsewhere(cluster: Cluster) -> str:
    """A subscriber whose home is not where the profile lives."""
    return next(name for name in map("d{}".format, range(100)) if cluster.home(name) != lives(cluster))


def lives(cluster: Cluster) -> int:
    return cluster.homes.of_profile(SITE, P)


def erasure(cluster: Cluster, *subscribers: str, after: bool = False) -> list[NewEntry]:
    return cluster.to_all(EntryKind.ERASE, Erasure((P,), subscribers, "job", after))


def left_of(cluster: Cluster) -> list[object]:
    """What there is of the person, anywhere."""
    found: list[object] = []
    for part in cluster.parts:
        found += [one for one in part.profiles.values() if one.key == P]
        found += [one for one in part.subscribers.values() if one.profile == P]
        found += [one for one in part.runs.values() if one.profile == P]
        found += [one for one in part.memory.values() if one.profile == P]
    return found


def tombstones(cluster: Cluster) -> list[object]:
    return [one for part in cluster.parts for one in part.memory.values() if not one.workflow]


def joining(cluster: Cluster, device: str) -> NewEntry:
    return cluster.subscriber(device, "p", attributes={"plan": "a"})


def identifying(cluster: Cluster, device: str) -> NewEntry:
    """With an anonymous profile that becomes part of it, and a run that goes along."""
    cluster.put(cluster.subscriber(device, attributes={"plan": "a"}), cluster.event("go", device))
    cluster.drain()
    return cluster.device(device, "identify", "p")


def telling(cluster: Cluster, device: str) -> NewEntry:
    cluster.put(joining(cluster, device))
    cluster.drain()
    return cluster.event("go", device, secret="x")


def changing(cluster: Cluster, device: str) -> NewEntry:
    cluster.put(joining(cluster, device))
    cluster.drain()
    return cluster.profile(None, device, set={"plan": "b"})


@pytest.mark.parametrize("said", [joining, identifying, telling, changing])
def test_what_was_said_before_makes_nobody(cluster: Cluster, said: Callable[[Cluster, str], NewEntry]) -> None:
    device = elsewhere(cluster)
    cluster.put(said(cluster, device))  # it waits at the subscriber's home
    cluster.now += 1
    cluster.put(*erasure(cluster))
    last = erasure(cluster, after=True)
    cluster.advance(lives(cluster), 100)  # the profile's home is quicker
    assert len(tombstones(cluster)) == 1
    cluster.advance(cluster.home(device), 1)
    assert cluster.inboxes[lives(cluster)], "what that means to the profile is under way"
    cluster.drain()
    assert left_of(cluster) == []
    assert (SITE, device) not in cluster.subscribers
    assert cluster.copies() == {}
    cluster.put(*last)
    cluster.drain()
    assert tombstones(cluster) == []
    assert not [one for part in cluster.parts for one in part.poisoned]


@pytest.mark.parametrize("is_over", [False, True])
def test_who_comes_afterwards_is_somebody_new(cluster: Cluster, is_over: bool) -> None:
    device = elsewhere(cluster)
    cluster.put(joining(cluster, device))
    cluster.drain()
    cluster.put(*erasure(cluster, device))
    last = erasure(cluster, after=True)
    cluster.drain()
    if is_over:
        cluster.put(*last)
        cluster.drain()
    cluster.put(cluster.subscriber(device, "p", attributes={"plan": "new"}), cluster.event("go", device))
    cluster.drain()
    assert profile_of(cluster, P).attributes == {"plan": "new"}
    assert [run.workflow for run in cluster.runs.values()] == ["naps"]
    cluster.put(*last)  # however late: it takes the tombstone, and nobody
    cluster.drain()
    assert tombstones(cluster) == []
    assert profile_of(cluster, P).attributes == {"plan": "new"}
    assert cluster.copies() == cluster.copies_that_should_be()


def test_the_tombstone_of_a_later_erasure_stays(cluster: Cluster) -> None:
    cluster.put(*erasure(cluster))
    first_last = erasure(cluster, after=True)
    cluster.now += 1
    cluster.put(*erasure(cluster))
    later_last = erasure(cluster, after=True)
    cluster.drain()
    for entries, left in ((first_last, 1), (later_last, 0)):
        cluster.put(*entries)
        cluster.drain()
        assert len(tombstones(cluster)) == left


def test_in_one_partition_there_is_nothing_under_way() -> None:
    cluster = Cluster(1)
    cluster.take(cluster.subscriber("d", "p"), *erasure(cluster))
    assert (tombstones(cluster), cluster.subscribers) == ([], {})
    cluster.take(*erasure(cluster, after=True))
    assert not cluster.parts[0].poisoned
