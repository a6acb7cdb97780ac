"""Events that name a subscriber whose profile lives in another partition than its home (semantics §1)."""

import msgspec
from tests.engine.builders import HOUR, SECOND, SITE
from tests.engine.cluster import Cluster, cluster_with

from clarion.domain.records import Event
from clarion.store.records.bodies import Forwarded
from clarion.store.records.entries import EntryKind

D, HOME = "d1", 2
P, LIVES = "p", 4
Q = "q"
MINUTE = 60 * SECOND
NAPS = "workflow: w\nstart: {on: [{event: go}], key: event.k}\nsteps: [{id: nap, wait: {for: 10h}}]"
LEAVES = """
workflow: leaves
start: {on: [{event: stay}]}
exit: [{audience: {all: [{field: subscriber.country, op: eq, value: FR}]}}]
steps: [{id: nap, wait: {for: 10h}}]
"""


def joined(*texts: str) -> Cluster:
    """D belongs to P, which lives elsewhere than D is at home."""
    cluster = cluster_with(*texts)
    cluster.take(cluster.subscriber(D, P, facts={"country": "FR"}))
    assert (cluster.home(D), cluster.homes.of_profile(SITE, "n:" + P)) == (HOME, LIVES)
    cluster.messages.clear()
    return cluster


def forwarded(cluster: Cluster) -> Forwarded:
    return msgspec.json.decode(cluster.messages[-1].body, type=Forwarded)


# -- by hash ---------------------------------------------------------------------------------------------------------


def test_an_event_by_hash_is_applied_where_the_profile_lives_and_explained_there_alone() -> None:
    cluster = joined(NAPS)
    cluster.now += SECOND
    cluster.take(event := cluster.event("go", D, k="x", hops=3))
    assert cluster.kinds() == [(EntryKind.FORWARD, LIVES)]
    run = cluster.run("w", "x")
    assert (run.profile, cluster.where(run.id), run.started) == ("n:p", LIVES, cluster.now)
    assert [one.event for one in cluster.parts[LIVES].explanations] == [event.id]
    assert not cluster.parts[HOME].explanations
    assert cluster.parts[HOME].outcomes[-1].moved[-1].profile == "n:p"
    assert cluster.parts[LIVES].outcomes[-1].moved[-1].profile == "n:p"


def test_what_is_passed_on_is_what_came() -> None:
    cluster = joined(NAPS)
    cluster.take(cluster.event("go", D, k="x", n=1.50, hops=3))
    told = forwarded(cluster)
    event = msgspec.json.decode(told.body, type=Event)
    assert (told.kind, told.entry, told.received, told.profile, told.to_sender) == (EntryKind.EVENT, event.id, HOUR, "n:p", False)
    assert (event.hops, event.received, bytes(event.data)) == (3, HOUR, b'{"k":"x","n":1.5}')
    assert told.subscriber == cluster.subscribers[SITE, D]
    assert cluster.messages[-1].received == HOUR


def test_a_message_has_the_id_of_its_cause_and_is_the_same_whenever_it_is_made() -> None:
    made = []
    for _ in range(2):
        cluster = joined(NAPS)
        cluster.take(cluster.event("go", D, k="x"), cluster.event("go", D, k="y"))
        made.append([one.id for one in cluster.messages])
    assert made[0] == made[1]
    assert len(set(made[0])) == 2


def test_an_event_of_an_unknown_subscriber_goes_nowhere_and_says_so() -> None:
    cluster = joined(NAPS)
    cluster.take(cluster.event("go", "nobody", k="x"))
    assert not cluster.messages
    [told] = [one for part in cluster.parts for one in part.explanations]
    assert b'"unknown_subscriber"' in bytes(told.body)


def test_an_event_by_hash_shows_the_subscriber_active_at_home_and_beside_its_profile() -> None:
    cluster = joined(NAPS)
    for gap, known in ((MINUTE - 1, HOUR), (1, HOUR + MINUTE)):
        cluster.now += gap
        cluster.take(cluster.event("other", D))
        assert cluster.subscribers[SITE, D].last_active == known
        assert cluster.parts[LIVES].subscribers[SITE, D].last_active == known


def test_an_event_that_nobody_minds_writes_nothing_where_the_profile_lives() -> None:
    cluster = joined(NAPS)
    cluster.now += SECOND
    cluster.take(cluster.event("other", D))
    outcome = cluster.parts[LIVES].outcomes[-1]
    assert (len(outcome.moved), outcome.profiles, outcome.subscribers, outcome.explanations) == (1, [], [], [])


def test_an_event_that_a_run_sends_shows_nobody_active() -> None:
    sends = "workflow: s\nstart: {on: [{event: go}]}\nsteps: [{id: nap, wait: {for: 1h}}, {id: say, send_event: {event: said}}]"
    cluster = cluster_with(sends)
    cluster.take(cluster.subscriber(D), cluster.event("go", D))
    cluster.passes(HOUR)
    cluster.take(cluster.subscriber(D, P))
    cluster.now += HOUR
    cluster.messages.clear()
    cluster.come_back(1)
    assert cluster.kinds() == [(EntryKind.FORWARD, LIVES)]
    assert cluster.subscribers[SITE, D].last_active == 2 * HOUR


# -- by profile_id and hash ------------------------------------------------------------------------------------------


def test_an_event_by_both_touches_the_copy_and_tells_home_once_a_minute() -> None:
    cluster = joined(NAPS)
    for gap, messages, known in ((MINUTE - 1, [], HOUR), (1, [(EntryKind.SEEN, HOME)], HOUR + MINUTE), (1, [], HOUR + MINUTE)):
        cluster.now += gap
        cluster.messages.clear()
        cluster.take(cluster.event("other", D, P))
        assert cluster.kinds() == messages
        assert cluster.subscribers[SITE, D].last_active == known
        assert cluster.parts[LIVES].subscribers[SITE, D].last_active == known


def test_an_event_of_another_profile_that_names_the_subscriber_reaches_its_own_profile_by_its_home() -> None:
    """From q's partition to the home of d1, to p's partition: there an exit on the audience sees d1 to be the most recently active one."""
    cluster = joined(LEAVES)
    cluster.now += MINUTE
    cluster.take(cluster.subscriber("d5", P, facts={"country": "DE"}), cluster.event("stay", None, P))
    run = cluster.run("leaves")
    assert run.status == "waiting"
    cluster.now += MINUTE
    cluster.messages.clear()
    cluster.take(event := cluster.event("other", D, Q))
    assert cluster.kinds() == [(EntryKind.SEEN, HOME), (EntryKind.FORWARD, LIVES)]
    assert cluster.run("leaves").reason == "audience"
    told = [one for one in cluster.parts[LIVES].explanations if one.event == event.id]
    assert [(one.profile, msgspec.json.decode(one.body)["name"]) for one in told] == [("n:p", "other")]
    assert cluster.copies() == cluster.copies_that_should_be()


def test_it_does_not_when_the_subscriber_was_active_of_late() -> None:
    cluster = joined(LEAVES)
    cluster.now += MINUTE - 1
    cluster.take(cluster.event("other", D, Q))
    assert cluster.kinds() == [(EntryKind.SEEN, HOME)]
    assert cluster.subscribers[SITE, D].last_active == HOUR


def test_a_home_that_is_told_by_an_event_of_its_own_tells_the_profile() -> None:
    """q lives where d2 is at home, d2 belongs to p: nobody has to tell the home."""
    cluster = joined(LEAVES)
    cluster.take(cluster.subscriber("d2", P))
    cluster.now += MINUTE
    cluster.messages.clear()
    cluster.take(cluster.event("other", "d2", Q))
    assert cluster.kinds() == [(EntryKind.FORWARD, LIVES)]
    assert cluster.copies() == cluster.copies_that_should_be()
    assert cluster.subscribers[SITE, "d2"].last_active == cluster.now


def test_a_subscriber_that_nobody_knows_is_asked_for_at_its_home_and_no_further() -> None:
    cluster = joined(NAPS)
    cluster.take(cluster.event("go", "nobody", Q, k="x"))
    assert [kind for kind, _ in cluster.kinds()] == [EntryKind.SEEN]
    assert cluster.run("w", "x").profile == "n:q"
    assert (SITE, "nobody") not in cluster.subscribers


def test_two_homes_of_news_end_with_the_later() -> None:
    """The copy was touched beside the profile, the row at home, each before hearing of the other."""
    cluster = joined(NAPS)
    cluster.settles = False
    cluster.now += MINUTE
    cluster.put(cluster.event("other", D))
    cluster.advance(HOME, 1)
    cluster.now += SECOND
    cluster.put(cluster.event("other", D, P))
    inbox = cluster.inboxes[LIVES]
    inbox.rotate(1)  # the event by both is taken first
    cluster.advance(LIVES, 1)
    cluster.drain()
    assert cluster.subscribers[SITE, D].last_active == HOUR + MINUTE + SECOND
    assert cluster.copies() == cluster.copies_that_should_be()
