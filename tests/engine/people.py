"""What the tests about subscribers and profiles have in common: clusters of one partition and of five, and who heard what."""

from typing import Any

import msgspec
import pytest
from tests.engine.builders import SITE
from tests.engine.cluster import FIVE, Cluster, cluster_with

from clarion.domain.records import Profile, Subscriber
from clarion.domain.system_events import (
    IDENTIFIED,
    SEGMENT_ADDED,
    SEGMENT_REMOVED,
    SUBSCRIBER_ADDED,
    SUBSCRIBER_REMOVED,
    SUBSCRIBER_UPDATED,
)

EVERYTHING = (SUBSCRIBER_ADDED, SUBSCRIBER_REMOVED, SUBSCRIBER_UPDATED, SEGMENT_ADDED, SEGMENT_REMOVED, IDENTIFIED)
HEARS = (
    "workflow: hears\nstart: {on: ["
    + ", ".join(f"{{event: {name}}}" for name in EVERYTHING)
    + "], while_running: parallel}\nsteps: [{id: nap, wait: {for: 90d}}]"
)
"""Starts a run for each event that says what became of somebody."""
NAPS = "workflow: naps\nstart: {on: [{event: go}]}\nsteps: [{id: nap, wait: {for: 10h}}]"

counts = pytest.mark.parametrize("count", [1, FIVE], ids=["one partition", "five"])


def people(count: int, *texts: str) -> Cluster:
    """A cluster in which every event about people is heard."""
    return cluster_with(HEARS, *texts, count=count)


def heard(cluster: Cluster) -> list[tuple[str, str, dict[str, Any]]]:
    """(name without its prefix, key of the profile, data) of the events that were offered, in order of time, then by name."""
    runs = [run for run in cluster.runs.values() if run.workflow == "hears"]
    entries = [(run.started, run.profile, msgspec.json.decode(run.state)["entry"]) for run in runs]
    told = [(at, one["name"].rpartition(".")[2], profile, one.get("data", {})) for at, profile, one in entries]
    return [one[1:] for one in sorted(told, key=lambda one: (one[0], one[1], repr(one[3])))]


def silence(cluster: Cluster) -> None:
    """Forget what was heard so far."""
    for part in cluster.parts:
        part.runs = {id: run for id, run in part.runs.items() if run.workflow != "hears"}


def profile_of(cluster: Cluster, key: str) -> Profile:
    return cluster.profiles[SITE, key]


def subscriber_of(cluster: Cluster, device: str) -> Subscriber:
    return cluster.subscribers[SITE, device]


def settle(cluster: Cluster) -> None:
    """Apply all that was sent back in."""
    while cluster.sent:
        cluster.come_back(100)


def is_sound(cluster: Cluster) -> None:
    """Nothing was set aside, and every copy is what its home says."""
    assert not [one.error for part in cluster.parts for one in part.poisoned]
    assert cluster.copies() == cluster.copies_that_should_be()
