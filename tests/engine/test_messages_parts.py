"""What is too much for one message comes in parts: a run that comes with the first of them finds all that it goes by (semantics §1)."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis.stateful import invariant
from tests.engine.builders import HOUR
from tests.engine.cluster import FIVE, Cluster
from tests.engine.machines import drive
from tests.engine.test_messages_equal import Twins

from clarion.engine import identity

D, HOME, LIVES = "d1", 2, 4
PUSH = 'push: {title: t, message: m, url: "https://a.example/"}'
PUSHES = f"workflow: w\nstart: {{on: [{{event: go}}], key: event.k}}\n%ssteps: [{{id: nap, wait: {{for: 1h}}}}, {{id: p, {PUSH}}}]"
LEAVES = "workflow: w\nstart: {on: [{event: go}], key: event.k}\nexit: [{audience: {%s}}]\nsteps: [{id: nap, wait: {for: 9h}}]"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run, and each start, goes alone."""
    monkeypatch.setattr(identity, "LARGEST_PART", 1)
    monkeypatch.setattr(identity, "MOST_MEMORY", 1)


def anonymous(text: str) -> Cluster:
    cluster = Cluster(FIVE, settles=False)
    cluster.now = HOUR
    cluster.put(*cluster.publish(text), cluster.subscriber(D, attributes={"plan": "a"}, facts={"country": "a"}))
    cluster.drain()
    return cluster


def starts(cluster: Cluster, *keys: str) -> None:
    cluster.put(*(cluster.event("go", D, k=key) for key in keys))
    cluster.drain()


def gets_a_name(cluster: Cluster, **more: Any) -> None:
    """Two hours pass before that comes to its profile."""
    cluster.put(cluster.subscriber(D, "p", **more))
    cluster.advance(HOME, 1)
    cluster.now += 2 * HOUR
    cluster.drain()


def test_a_run_whose_timer_is_due_pushes_to_the_subscriber_that_comes_with_it() -> None:
    cluster = anonymous(PUSHES % "")
    starts(cluster, "x", "y", "z")
    gets_a_name(cluster)
    assert [one.subscriber for one in cluster.pushes()] == [D] * 3
    assert sum(one.partition == LIVES for one in cluster.messages) == 3


def test_the_pushes_of_before_count_for_the_cap() -> None:
    cluster = anonymous(PUSHES % "settings: {frequency_cap: {pushes: 2, per: 9d}}\n")
    starts(cluster, "first")
    cluster.now += HOUR // 2
    starts(cluster, "x", "y", "z")
    cluster.now += HOUR // 2
    cluster.drain()
    gets_a_name(cluster)
    assert (len(cluster.pushes()), cluster.counts()["w", 1, "p", "capped", ""]) == (2, 2)


@pytest.mark.parametrize(
    "audience",
    [
        "not: {all: [{field: profile.plan, op: eq, value: a}]}",
        "not: {all: [{field: subscriber.country, op: eq, value: a}]}",
        "all: [{field: profile.id, op: exists}, {field: profile.vip, op: not_exists}]",
    ],
    ids=["of the anonymous profile", "of the subscriber", "of the registration"],
)
def test_nobody_leaves_for_something_that_comes_along(audience: str) -> None:
    cluster = anonymous(LEAVES % audience)
    starts(cluster, "x", "y", "z")
    gets_a_name(cluster, attributes={"vip": True})
    assert [run.status for run in cluster.runs.values()] == ["waiting"] * 3


class InParts(Twins):
    """What a registration that comes in parts means to a run is told with the part that brings it, and not with the first of its events."""

    @invariant()
    def why_is_the_same(self) -> None:
        assert told(self.five) == told(self.one)
        assert self.five.counts() == self.one.counts()


def told(cluster: Cluster) -> Counter[tuple[Any, ...]]:
    """All lines of all explanations."""
    lines: Counter[tuple[Any, ...]] = Counter()
    for event, profile, at, body in cluster.explained():
        history = msgspec.json.decode(body)
        lines.update((profile, at, event, history["name"], str(verdict)) for verdict in history.get("verdicts", []))
        lines.update((profile, at, run, str(reason)) for run, reasons in history.get("runs", []) for reason in reasons)
    return lines


def test_one_partition_or_five_that_talk_in_small_parts() -> None:
    drive(InParts, 15, 20)
