"""Broadcasts and segments where profiles live in several partitions, and become one while everybody has their turn."""

from collections import Counter

import msgspec
import pytest
from tests.engine.builders import SITE
from tests.engine.cluster import FIVE, Cluster
from tests.engine.line import now_done
from tests.engine.test_broadcasts import SLUG, document

from clarion.store.records.bodies import BroadcastStart, SegmentChange
from clarion.store.records.entries import EntryKind

DEVICES = tuple(f"d{number}" for number in range(12))


def pushed(cluster: Cluster) -> Counter[str]:
    """How many pushes each subscriber has got."""
    return Counter(one.subscriber or "" for part in cluster.parts for one in part.pushes("say"))


def swept(cluster: Cluster, most: int = 2) -> None:
    for part in cluster.parts:
        now_done(part.sweep_all(cluster.now, most))


def started(count: int, profile: str | None = None) -> Cluster:
    """Subscribers alone, and a broadcast to everybody that has come to nobody yet."""
    cluster = Cluster(count)
    cluster.take(*cluster.publish(document()), *(cluster.subscriber(device) for device in DEVICES))
    cluster.passes(1)
    cluster.take(*cluster.to_all(EntryKind.BROADCAST, BroadcastStart(SLUG.removeprefix("broadcast-"), SLUG, 1, profile)))
    cluster.passes(1)
    return cluster


@pytest.mark.parametrize("count", [1, FIVE])
@pytest.mark.parametrize("into", ["new profiles", "profiles that were there", "one new profile"])
def test_whoever_becomes_part_of_another_meanwhile_has_it_once(count: int, into: str) -> None:
    cluster = started(count)
    for number, device in enumerate(DEVICES):
        profile = "one" if into == "one new profile" else f"m{number}" if into == "new profiles" else f"x{number % 3}"
        cluster.take(cluster.subscriber(device, profile))
    swept(cluster)
    assert pushed(cluster) == dict.fromkeys(DEVICES, 1)
    assert all(part.poisoned == [] for part in cluster.parts)


@pytest.mark.parametrize("count", [1, FIVE])
def test_half_of_the_partitions_are_done_before_people_move(count: int) -> None:
    cluster = started(count)
    for part in cluster.parts[: (count + 1) // 2]:
        now_done(part.sweep_all(cluster.now, 3))
    for number, device in enumerate(DEVICES):
        cluster.take(cluster.subscriber(device, f"m{number}"))
    swept(cluster)
    assert pushed(cluster) == dict.fromkeys(DEVICES, 1)


@pytest.mark.parametrize("count", [1, FIVE])
def test_a_broadcast_to_one_profile_starts_where_that_lives_and_nowhere_else(count: int) -> None:
    cluster = started(count, "a:d3")
    swept(cluster)
    assert pushed(cluster) == {"d3": 1}


@pytest.mark.parametrize("count", [1, FIVE])
def test_dynamic_segments_follow_people_from_partition_to_partition(count: int) -> None:
    """And each change is told where the profile lives."""
    cluster = Cluster(count)
    german = {"field": "subscriber.country", "op": "eq", "value": "DE"}
    cluster.take(*cluster.to_all(EntryKind.SEGMENT, SegmentChange("german", "define", german)))
    swept(cluster)
    cluster.passes(1)
    for number, device in enumerate(DEVICES):
        cluster.take(cluster.subscriber(device, facts={"country": "DE" if number % 2 else "FR"}))
    for number, device in enumerate(DEVICES):
        cluster.take(cluster.subscriber(device, f"m{number}"))
    found = {key: one.segments for part in cluster.parts for (_, key), one in part.profiles.items() if one.merged is None}
    assert found == {f"n:m{number}": ("german",) if number % 2 else () for number in range(len(DEVICES))}
    told = Counter(msgspec.json.decode(one.body).get("profile_id") for one in cluster.events if b"AddSegment" in one.body)
    assert {name: told[name] for name in told if name is not None} == {f"m{number}": 1 for number in range(1, len(DEVICES), 2)}
    homes = {(SITE, f"n:m{number}") for number in range(len(DEVICES))}
    assert homes <= {at for part in cluster.parts for at in part.profiles}
