"""A subscriber takes another's place: it shares that one's profile, also an anonymous one, and takes it along to where it goes."""

import pytest
from tests.engine.builders import SECOND, SITE
from tests.engine.cluster import Cluster
from tests.engine.people import NAPS, counts, heard, is_sound, people, profile_of, settle, silence, subscriber_of

FIRST, NEXT, THIRD = "d1", "e1", "e2"


def shared(count: int, *texts: str) -> Cluster:
    """An anonymous profile with data, a segment and a run, of a subscriber whose place another takes."""
    cluster = people(count, NAPS, *texts)
    cluster.take(cluster.subscriber(FIRST, attributes={"plan": "a"}, segments=("s",)), cluster.event("go", FIRST))
    cluster.take(cluster.subscriber(NEXT, follows="a:d1"))
    settle(cluster)
    silence(cluster)
    cluster.passes(SECOND)
    return cluster


@counts
def test_it_belongs_to_the_same_profile(count: int) -> None:
    cluster = shared(count)
    assert subscriber_of(cluster, NEXT).profile == "a:d1"
    cluster.take(cluster.profile(None, NEXT, set={"seen": 1}))
    assert profile_of(cluster, "a:d1").attributes == {"plan": "a", "seen": 1}
    assert (SITE, "a:e1") not in cluster.profiles
    is_sound(cluster)


@counts
def test_of_a_named_one_it_is_one_more_subscriber(count: int) -> None:
    cluster = people(count)
    cluster.take(cluster.subscriber(FIRST, "p"), cluster.subscriber(NEXT, follows="n:p"))
    assert subscriber_of(cluster, NEXT).profile == "n:p"
    assert [(name, profile) for name, profile, data in heard(cluster) if data["device_token_hash"] == NEXT] == [("Add", "n:p")]
    is_sound(cluster)


@counts
def test_a_name_wins_and_who_is_known_follows_nobody(count: int) -> None:
    cluster = shared(count)
    cluster.take(cluster.subscriber(THIRD, "q", follows="a:d1"), cluster.subscriber(FIRST, follows="n:q"))
    assert (subscriber_of(cluster, THIRD).profile, subscriber_of(cluster, FIRST).profile) == ("n:q", "a:d1")
    is_sound(cluster)


@counts
@pytest.mark.parametrize("how", ["identify", "register"])
@pytest.mark.parametrize("who", [FIRST, NEXT])
def test_who_gets_a_name_takes_the_profile_and_the_others_along(count: int, how: str, who: str) -> None:
    cluster = shared(count)
    cluster.take(cluster.device(who, "identify", "p") if how == "identify" else cluster.subscriber(who, "p"))
    settle(cluster)
    assert {one.profile for one in cluster.subscribers.values()} == {"n:p"}
    assert profile_of(cluster, "a:d1").merged == "n:p"
    assert (profile_of(cluster, "n:p").attributes, profile_of(cluster, "n:p").segments) == ({"plan": "a"}, ("s",))
    assert (cluster.run("naps").profile, cluster.run("naps").status) == ("n:p", "waiting")
    assert {(name, profile) for name, profile, _ in heard(cluster)} >= {("Identify", "n:p"), ("AddSegment", "n:p")}
    assert any(data.get("plan") == "a" for _, _, data in heard(cluster))
    is_sound(cluster)


@counts
def test_one_that_was_forgotten_is_not_needed_for_it(count: int) -> None:
    cluster = shared(count)
    cluster.take(cluster.device(FIRST, "forget"), cluster.device(NEXT, "identify", "p"))
    settle(cluster)
    assert (profile_of(cluster, "n:p").attributes, cluster.run("naps").profile) == ({"plan": "a"}, "n:p")
    cluster.take(cluster.subscriber(FIRST))
    assert (subscriber_of(cluster, FIRST).profile, profile_of(cluster, "a:d1").attributes) == ("a:d1", {})
    is_sound(cluster)


def late(count: int) -> Cluster:
    """The profile became part of a named one while a subscriber that shares it was away, and has not heard of it."""
    cluster = shared(count)
    cluster.take(cluster.device(NEXT, "unsubscribe"), cluster.device(FIRST, "identify", "p"))
    settle(cluster)
    assert subscriber_of(cluster, NEXT).profile == "a:d1"
    silence(cluster)
    cluster.passes(SECOND)
    return cluster


@counts
def test_an_event_of_one_that_was_away_comes_to_the_named_profile(count: int) -> None:
    cluster = late(count)
    cluster.take(cluster.event("go", NEXT))
    settle(cluster)
    assert {run.profile for run in cluster.runs.values() if run.workflow == "naps"} == {"n:p"}
    assert subscriber_of(cluster, NEXT).profile == "n:p"
    is_sound(cluster)


@counts
def test_a_change_of_its_profile_does_too(count: int) -> None:
    cluster = late(count)
    cluster.take(cluster.profile(None, NEXT, set={"seen": 1}))
    settle(cluster)
    assert profile_of(cluster, "n:p").attributes == {"plan": "a", "seen": 1}
    assert subscriber_of(cluster, NEXT).profile == "n:p"
    is_sound(cluster)


@counts
def test_when_it_comes_back_it_belongs_to_the_named_profile(count: int) -> None:
    cluster = late(count)
    cluster.take(cluster.device(NEXT, "subscribe"))
    settle(cluster)
    assert (subscriber_of(cluster, NEXT).profile, subscriber_of(cluster, NEXT).active) == ("n:p", True)
    assert [(name, profile) for name, profile, _ in heard(cluster)] == [("Add", "n:p"), ("Identify", "n:p")]
    is_sound(cluster)


@counts
def test_when_it_registers_again_too_and_what_it_brings_is_not_lost(count: int) -> None:
    cluster = late(count)
    cluster.take(cluster.subscriber(NEXT, attributes={"seen": 1}, segments=("t",)))
    settle(cluster)
    assert subscriber_of(cluster, NEXT).profile == "n:p"
    assert (profile_of(cluster, "n:p").attributes, profile_of(cluster, "n:p").segments) == ({"plan": "a", "seen": 1}, ("s", "t"))
    assert ("Add", "n:p") in [(name, profile) for name, profile, _ in heard(cluster)]
    is_sound(cluster)


@counts
def test_who_takes_the_place_of_one_that_has_got_a_name_since_gets_it_too(count: int) -> None:
    cluster = shared(count)
    cluster.take(cluster.device(FIRST, "identify", "p"))
    settle(cluster)
    cluster.take(cluster.subscriber(THIRD, follows="a:d1"))
    settle(cluster)
    assert subscriber_of(cluster, THIRD).profile == "n:p"
    assert [(name, profile) for name, profile, data in heard(cluster) if data.get("device_token_hash") == THIRD] == [
        ("Add", "n:p"),
        ("Identify", "n:p"),
    ]
    is_sound(cluster)


@counts
def test_one_that_has_gone_elsewhere_meanwhile_stays_there(count: int) -> None:
    """What tells its home of the merge comes behind its own choice."""
    cluster = shared(count)
    cluster.take(cluster.device(FIRST, "identify", "p"))
    assert len(cluster.sent) >= 1
    cluster.take(cluster.device(NEXT, "identify", "q"))
    settle(cluster)
    assert (subscriber_of(cluster, FIRST).profile, subscriber_of(cluster, NEXT).profile) == ("n:p", "n:q")
    assert (profile_of(cluster, "n:p").attributes, profile_of(cluster, "n:q").attributes) == ({"plan": "a"}, {})
    is_sound(cluster)


@counts
def test_logout_leaves_the_others_with_the_shared_profile(count: int) -> None:
    cluster = shared(count)
    cluster.take(cluster.device(NEXT, "logout"))
    assert (subscriber_of(cluster, FIRST).profile, subscriber_of(cluster, NEXT).profile) == ("a:d1", "a1:e1")
    assert cluster.run("naps").profile == "a:d1"
    is_sound(cluster)
