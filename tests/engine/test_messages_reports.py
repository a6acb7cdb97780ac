"""What became of a push comes to its subscriber's home and concerns a profile, or the run that sent it, elsewhere (semantics §1)."""

from typing import Any

import msgspec
import pytest
from tests.engine.builders import HOUR, SECOND, SITE
from tests.engine.cluster import FIVE, Cluster, cluster_with

from clarion.store.records.bodies import Forwarded, SubscriberPut
from clarion.store.records.entries import EntryKind

D, HOME = "d1", 2
LIVES = {"p": 4, "q": 1, "s": 4}
ASKS = """
workflow: w
start: {on: [{event: go}]}
steps:
  - {id: push, push: {title: t, message: m, url: "https://a.example/"}}
  - {id: ask, wait_for: {on: [{event: PushEngage.Notification.Clicked, of: push}], timeout: 1d}}
"""
HEARS = """
workflow: hears
start: {on: [{event: PushEngage.Notification.Clicked}, {event: PushEngage.Subscriber.Remove}], while_running: parallel}
steps: [{id: nap, wait: {for: 1h}}]
"""


def pushed(*texts: str) -> tuple[Cluster, str]:
    """A cluster and the push that D got from a run of its profile."""
    cluster = cluster_with(ASKS, *texts)
    cluster.take(cluster.subscriber(D, "p"), cluster.event("go", None, "p"))
    [push] = cluster.pushes()
    cluster.messages.clear()
    cluster.passes(SECOND)
    return cluster, push.id


def facts(cluster: Cluster) -> dict[str, Any]:
    return dict(cluster.subscribers[SITE, D].facts)


def test_an_outcome_is_counted_and_noted_at_home_and_offered_where_the_profile_lives() -> None:
    cluster, push = pushed()
    cluster.take(cluster.outcome(push, "sent"))
    assert cluster.kinds() == [(EntryKind.FORWARD, LIVES["p"])]
    assert cluster.parts[HOME].count("w", "sent", "push") == 1
    assert cluster.parts[LIVES["p"]].count("w", "sent", "push") == 0
    assert facts(cluster) == {"sent_count": 1, "last_sent": HOUR + SECOND}
    assert cluster.copies() == cluster.copies_that_should_be()


def test_a_receipt_resumes_the_run_that_waits_for_it_and_starts_what_listens() -> None:
    cluster, push = pushed(HEARS)
    cluster.take(receipt := cluster.receipt(push, "clicked", action=1))
    assert cluster.run("w").status == "completed"
    assert cluster.run("hears").profile == "n:p"
    assert cluster.counts()["w", 1, "push", "clicked", ""] == 1
    assert facts(cluster) == {"click_count": 1, "last_click": HOUR + SECOND}
    assert cluster.subscribers[SITE, D].last_active == HOUR + SECOND
    assert cluster.copies() == cluster.copies_that_should_be()
    told = msgspec.json.decode(cluster.messages[-1].body, type=Forwarded)
    assert (told.kind, told.entry, told.to_sender) == (EntryKind.RECEIPT, receipt.id, False)


@pytest.mark.parametrize("count", [1, FIVE])
@pytest.mark.parametrize(("endpoint", "stays"), [("old", True), ("new", False), (None, False)])
def test_a_late_report_that_an_earlier_subscription_is_gone_does_not_end_the_one_that_came_after(
    count: int, endpoint: str | None, stays: bool
) -> None:
    cluster = cluster_with(ASKS, HEARS, count=count)
    for name in ("old", "new"):
        put = cluster.subscriber(D, "p")
        body = msgspec.json.decode(put.body, type=SubscriberPut)
        cluster.take(msgspec.structs.replace(put, body=msgspec.json.encode(msgspec.structs.replace(body, endpoint=name))))
        cluster.take(*([cluster.event("go", D)] if name == "old" else []))
    [push] = cluster.pushes()
    cluster.take(cluster.outcome(push.id, "gone", endpoint=endpoint))
    assert all(one.active is stays for part in cluster.parts for one in part.subscribers.values())
    assert [run.workflow for run in cluster.runs.values()].count("hears") == (not stays)


def test_a_subscription_that_is_gone_is_told_of_once() -> None:
    cluster, push = pushed(HEARS)
    for _ in range(2):
        cluster.take(cluster.outcome(push, "gone"))
        assert not cluster.subscribers[SITE, D].active
        assert cluster.copies() == cluster.copies_that_should_be()
        assert [run.profile for run in cluster.runs.values() if run.workflow == "hears"] == ["n:p"]
    assert cluster.counts()["w", 1, "push", "failed", ""] == 2


@pytest.mark.parametrize("outcome", ["stale", "sent"])
def test_what_is_of_no_subscriber_goes_nowhere(outcome: str) -> None:
    cluster, push = pushed()
    if outcome == "sent":
        cluster.parts[HOME].subscribers.clear()
    cluster.take(cluster.outcome(push, outcome))
    assert not cluster.messages
    assert cluster.counts()["w", 1, "push", outcome, ""] == 1


def test_an_unknown_receipt_is_set_aside_at_home_and_nothing_of_it_counts() -> None:
    cluster, push = pushed()
    cluster.take(cluster.receipt(push, "odd"))
    assert [len(part.poisoned) for part in cluster.parts] == [0, 0, 1, 0, 0]
    assert not cluster.messages
    assert cluster.counts().get(("w", 1, "push", "odd", "")) is None


# -- the subscriber has come to another profile since ----------------------------------------------------------------


@pytest.mark.parametrize("other", ["q", "s"], ids=["elsewhere", "in the same partition"])
def test_a_receipt_goes_to_whose_the_subscriber_is_and_to_the_run_that_sent_the_push(other: str) -> None:
    cluster, push = pushed(HEARS)
    cluster.take(cluster.subscriber(D, other))
    cluster.messages.clear()
    cluster.take(cluster.receipt(push, "clicked"))
    bodies = [msgspec.json.decode(one.body, type=Forwarded) for one in cluster.messages]
    assert [(one.profile, one.to_sender) for one in bodies] == [(f"n:{other}", False), ("n:p", True)]
    assert cluster.run("w").status == "completed"
    assert [run.profile for run in cluster.runs.values() if run.workflow == "hears"] == [f"n:{other}"]
    assert [one.profile for part in cluster.parts for one in part.explanations if b'"resumed"' in bytes(one.body)] == ["n:p"]
    assert cluster.counts()["w", 1, "push", "clicked", ""] == 1


def test_a_receipt_reaches_a_run_at_home_whose_subscriber_has_left() -> None:
    """q lives where d2 is at home."""
    cluster = cluster_with(ASKS)
    cluster.take(cluster.subscriber("d2", "q"), cluster.event("go", None, "q"))
    [push] = cluster.pushes()
    cluster.take(cluster.subscriber("d2", "p"))
    cluster.messages.clear()
    cluster.take(cluster.receipt(push.id, "clicked"))
    assert cluster.kinds() == [(EntryKind.FORWARD, LIVES["p"])]
    assert cluster.run("w").status == "completed"


@pytest.mark.parametrize("to", [("p",), ("p", "q")], ids=["with its profile", "and on to another"])
def test_a_receipt_finds_a_run_that_was_carried_away(to: tuple[str, ...]) -> None:
    cluster = cluster_with(ASKS)
    cluster.take(cluster.subscriber(D), cluster.event("go", D))
    [push] = cluster.pushes()
    for who in to:
        cluster.take(cluster.subscriber(D, who))
    cluster.messages.clear()
    cluster.take(cluster.receipt(push.id, "clicked"))
    assert [partition for _, partition in cluster.kinds()] == [LIVES["p"]] if len(to) == 1 else [LIVES["q"], LIVES["p"]]
    assert (cluster.run("w").status, cluster.run("w").profile) == ("completed", "n:p")


# -- what came to where a run was ------------------------------------------------------------------------------------

CALLS = """
workflow: w
start: {on: [{event: go}]}
steps:
  - {id: call, http: {url: "https://a.example/", await: true}}
  - {id: say, send_event: {event: said, data: {n: "{{ call.response.n }}"}}}
"""


def calling() -> tuple[Cluster, str]:
    """A run of D waits for an answer; it has gone where p lives."""
    cluster = cluster_with(CALLS)
    cluster.take(cluster.subscriber(D), cluster.event("go", D))
    [delivery] = cluster.delivered
    cluster.take(cluster.subscriber(D, "p"))
    cluster.messages.clear()
    return cluster, delivery


def test_an_answer_that_comes_to_where_the_run_was_follows_it() -> None:
    cluster, delivery = calling()
    cluster.take(cluster.outcome(delivery, "sent", status=200, response={"n": 7}))
    assert cluster.kinds() == [(EntryKind.FORWARD, LIVES["p"])]
    assert cluster.run("w").status == "completed"
    assert b'"n":7' in cluster.events[0].body
    assert cluster.parts[HOME].count("w", "sent", "call") == 1
    assert cluster.counts()["w", 1, "call", "sent", ""] == 1


def test_an_answer_that_nobody_waits_for_follows_nobody() -> None:
    cluster, delivery = calling()
    cluster.take(cluster.operator(cluster.run("w").id, "stop"))
    cluster.take(cluster.outcome(delivery, "sent", status=200))
    cluster.take(cluster.outcome(delivery, "sent", status=200, response=None))
    assert cluster.kinds() == [(EntryKind.FORWARD, LIVES["p"])]
    assert (cluster.run("w").status, cluster.run("w").reason) == ("exited", "stopped")


def test_what_an_operator_does_follows_the_run() -> None:
    cluster, _ = calling()
    run = cluster.run("w").id
    cluster.take(stop := cluster.operator(run, "stop", "a:d1", reason="enough"))
    assert (stop.partition, cluster.kinds()) == (HOME, [(EntryKind.FORWARD, LIVES["p"])])
    assert (cluster.run("w").status, cluster.run("w").reason) == ("exited", "enough")
    told = [one for one in cluster.parts[LIVES["p"]].explanations if one.event == stop.id]
    assert [msgspec.json.decode(one.body)["name"] for one in told] == ["operator"]


def test_what_an_operator_does_to_a_run_that_is_nowhere_comes_to_nothing() -> None:
    cluster, _ = calling()
    run = cluster.run("w").id
    there = cluster.operator(run, "stop")
    nowhere = cluster.operator(run, "stop", "a:d1")
    cluster.parts[LIVES["p"]].runs.clear()
    cluster.take(there, nowhere)
    assert not any(part.poisoned for part in cluster.parts)
    assert cluster.kinds() == [(EntryKind.FORWARD, LIVES["p"])]
