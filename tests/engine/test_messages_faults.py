"""Messages that cannot be applied, come late, or find nobody: set aside, tried again, and made good by the next one."""

import msgspec
import pytest
from tests.engine.builders import HOUR, SECOND, SITE
from tests.engine.cluster import Cluster, cluster_with

from clarion.engine.offering import Offering
from clarion.store.records.entries import EntryKind, NewEntry

D, HOME = "d1", 2
LIVES, ELSEWHERE = 4, 1
NAPS = "workflow: w\nstart: {on: [{event: go}], key: event.k, again: {after: 1h}}\nsteps: [{id: nap, wait: {for: 10h}}]"


def breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def close(*_: object) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(Offering, "close", close)


def again(cluster: Cluster, partition: int) -> NewEntry:
    """What was set aside in a partition, as an operator has it tried again."""
    [one] = cluster.parts[partition].poisoned
    cluster.parts[partition].poisoned.clear()
    return NewEntry(EntryKind(one.kind), one.site, one.id, bytes(one.body), cluster.now, partition)


def test_a_registration_that_cannot_be_applied_to_its_profile_is_set_aside_whole_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = cluster_with(NAPS)
    cluster.take(cluster.subscriber(D), cluster.event("go", D, k="x"))
    cluster.settles = False
    cluster.put(cluster.subscriber(D, "p"))
    cluster.advance(HOME, 1)
    with monkeypatch.context() as broken:
        breaks(broken)
        cluster.advance(LIVES, 1)
    there = cluster.parts[LIVES]
    assert (there.runs, there.subscribers, there.profiles, there.memory, there.counts) == ({}, {}, {}, {}, {})
    assert not cluster.parts[HOME].runs
    cluster.now += 10 * HOUR
    cluster.put(again(cluster, LIVES))
    cluster.drain()
    assert (cluster.run("w", "x").status, cluster.run("w", "x").profile, cluster.run("w", "x").ended) == ("completed", "n:p", 11 * HOUR)
    assert cluster.copies() == cluster.copies_that_should_be()


def test_an_event_makes_good_that_a_copy_is_missing() -> None:
    cluster = cluster_with(NAPS)
    cluster.take(cluster.subscriber(D, "p"))
    cluster.parts[LIVES].subscribers.clear()
    cluster.take(cluster.event("go", D, k="x"))
    assert cluster.run("w", "x").profile == "n:p"
    assert cluster.copies() == cluster.copies_that_should_be()


def test_a_report_makes_good_that_a_copy_was_left_behind() -> None:
    text = 'workflow: w\nstart: {on: [{event: go}]}\nsteps: [{id: push, push: {title: t, message: m, url: "https://a.example/"}}]'
    cluster = cluster_with(text)
    cluster.take(cluster.subscriber(D, "p"))
    left = dict(cluster.parts[LIVES].subscribers)
    cluster.take(cluster.subscriber(D, "q"))
    cluster.parts[LIVES].subscribers |= left
    cluster.take(cluster.event("go", None, "p"))
    [push] = cluster.pushes()
    cluster.take(cluster.outcome(push.id, "sent"))
    assert cluster.copies() == cluster.copies_that_should_be()


def test_whoever_leaves_a_profile_that_has_it_no_more_changes_nothing() -> None:
    """A message to leave that was set aside and is tried again when the subscriber is back."""
    cluster = cluster_with()
    cluster.take(cluster.subscriber(D, "p"), cluster.subscriber(D, "q"), cluster.subscriber(D, "s"))
    leave = next(one for one in cluster.messages if (one.kind, one.partition) == (EntryKind.LEAVE, LIVES))
    cluster.take(leave)
    assert cluster.copies() == cluster.copies_that_should_be()


def test_what_became_of_a_push_to_a_profile_that_is_gone_does_not_make_it_anew() -> None:
    text = 'workflow: w\nstart: {on: [{event: go}]}\nsteps: [{id: push, push: {title: t, message: m, url: "https://a.example/"}}]'
    hears = "workflow: h\nstart: {on: [{event: PushEngage.Notification.Sent}]}\nsteps: [{id: nap, wait: {for: 1h}}]"
    cluster = cluster_with(text, hears)
    cluster.take(cluster.subscriber(D, "p"), cluster.event("go", D))
    [push] = cluster.pushes()
    cluster.parts[LIVES].profiles.clear()
    cluster.passes(SECOND)
    cluster.take(cluster.outcome(push.id, "sent"))
    assert (SITE, "n:p") not in cluster.profiles
    assert {run.workflow for run in cluster.runs.values()} == {"w"}
    assert not any(part.poisoned for part in cluster.parts)


def test_an_event_for_a_profile_that_is_gone_makes_it_anew() -> None:
    cluster = cluster_with("workflow: w\nstart: {on: [{event: go}]}\nsteps: [{id: nap, wait: {for: 1h}}]")
    cluster.take(cluster.subscriber(D, "p"))
    cluster.parts[LIVES].profiles.clear()
    cluster.passes(SECOND)
    cluster.take(cluster.event("go", D))
    assert cluster.run("w").profile == "n:p"
    assert cluster.profiles[SITE, "n:p"].created == cluster.now


@pytest.mark.parametrize(
    "body",
    [
        b'{"kind":"forward","entry":"e","body":{},"received":0,"profile":"n:p"}',
        b'{"kind":"workflow","entry":"e","body":{"workflow":"w","change":"pause"},"received":0,"profile":"n:p"}',
        b'{"kind":"event","entry":"e","body":{"id":1},"received":0,"profile":"n:p"}',
    ],
)
def test_what_is_no_message_is_not_taken_for_one(body: bytes) -> None:
    cluster = cluster_with()
    with pytest.raises(msgspec.ValidationError):
        cluster.take(NewEntry(EntryKind.FORWARD, SITE, "m", body, 0, LIVES))


def test_an_event_that_came_to_the_wrong_partition_is_passed_on() -> None:
    cluster = cluster_with(NAPS)
    event = cluster.event("go", None, "p", k="x")
    cluster.take(msgspec.structs.replace(event, partition=ELSEWHERE))
    assert cluster.where(cluster.run("w", "x").id) == LIVES
    assert cluster.kinds() == [(EntryKind.FORWARD, LIVES)]
