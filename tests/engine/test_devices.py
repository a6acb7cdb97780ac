"""What becomes of subscribers: they join, log out, go, come back, are forgotten, and say something new of themselves."""

import msgspec
import pytest
from tests.engine.builders import SECOND, SITE
from tests.engine.cluster import Cluster
from tests.engine.people import NAPS, counts, heard, is_sound, people, profile_of, settle, silence, subscriber_of

LEAVES = (
    "workflow: leaves\nstart: {on: [{event: go}]}\nexit: [{audience: {all: [{field: subscriber.device, op: not_exists}]}}]\n"
    "steps: [{id: nap, wait: {for: 10h}}]"
)
"""Ends as soon as the profile has no subscriber that says what it is."""
PUSHES = 'workflow: pushes\nstart: {on: [{event: say}]}\nsteps: [{id: push, push: {title: t, message: m, url: "https://a.example/"}}]'


def known(count: int, *texts: str, profile_id: str | None = None) -> Cluster:
    """A subscriber `d1` that is known, and what it brought unheard."""
    cluster = people(count, *texts)
    cluster.take(cluster.subscriber("d1", profile_id, facts={"device": "phone"}, attributes={"plan": "a"}))
    silence(cluster)
    cluster.passes(SECOND)
    return cluster


# -- identify --------------------------------------------------------------------------------------------------------


@counts
def test_an_anonymous_profile_merges_into_the_one_that_its_subscriber_joins(count: int) -> None:
    cluster = known(count, NAPS)
    cluster.take(cluster.event("go", "d1"), cluster.profile(None, "d1", enter=("s",)))
    silence(cluster)
    cluster.take(cluster.device("d1", "identify", "p"))
    settle(cluster)
    assert subscriber_of(cluster, "d1").profile == "n:p"
    assert (profile_of(cluster, "n:p").attributes, profile_of(cluster, "n:p").segments) == ({"plan": "a"}, ("s",))
    assert profile_of(cluster, "a:d1").merged == "n:p"
    assert cluster.run("naps").profile == "n:p"
    assert heard(cluster) == [
        ("AddSegment", "n:p", {"segment": "s"}),
        ("Identify", "n:p", {"plan": "a", "device": "phone", "device_token_hash": "d1"}),
    ]
    is_sound(cluster)


@counts
def test_from_one_named_profile_to_another_the_subscriber_goes_alone(count: int) -> None:
    cluster = known(count, NAPS, profile_id="p")
    cluster.take(cluster.event("go", "d1"), cluster.device("d1", "identify", "q"))
    assert subscriber_of(cluster, "d1").profile == "n:q"
    assert (profile_of(cluster, "n:p").attributes, profile_of(cluster, "n:q").attributes) == ({"plan": "a"}, {})
    assert profile_of(cluster, "n:p").merged is None
    assert cluster.run("naps").profile == "n:p"
    assert heard(cluster) == [("Identify", "n:q", {"device": "phone", "device_token_hash": "d1"})]
    is_sound(cluster)


@counts
def test_who_has_the_profile_already_changes_nothing(count: int) -> None:
    cluster = known(count, profile_id="p")
    before = cluster.profiles, cluster.subscribers
    cluster.take(cluster.device("d1", "identify", "p"))
    assert (cluster.profiles, cluster.subscribers) == before
    assert heard(cluster) == []


@counts
def test_an_identification_leaves_the_subscription_as_it_is(count: int) -> None:
    cluster = known(count)
    cluster.take(cluster.device("d1", "unsubscribe"))
    before = subscriber_of(cluster, "d1")
    cluster.take(cluster.device("d1", "identify", "p"))
    assert subscriber_of(cluster, "d1") == msgspec.structs.replace(before, profile="n:p")
    is_sound(cluster)


# -- logout ----------------------------------------------------------------------------------------------------------


@counts
def test_logout_gives_a_new_anonymous_profile_and_leaves_data_and_runs(count: int) -> None:
    cluster = known(count, NAPS, LEAVES, profile_id="p")
    cluster.take(cluster.event("go", "d1"), cluster.device("d1", "logout"))
    one = subscriber_of(cluster, "d1")
    assert (one.profile, one.logouts, one.active) == ("a1:d1", 1, True)
    assert (profile_of(cluster, "n:p").attributes, profile_of(cluster, "a1:d1").attributes) == ({"plan": "a"}, {})
    assert (cluster.run("naps").profile, cluster.run("naps").status) == ("n:p", "waiting")
    assert (cluster.run("leaves").profile, cluster.run("leaves").status) == ("n:p", "exited")
    assert heard(cluster) == [("Update", "a1:d1", {"logouts": 1, "device_token_hash": "d1"})]
    is_sound(cluster)


@counts
def test_each_logout_gives_another(count: int) -> None:
    cluster = known(count, NAPS)
    cluster.take(cluster.event("go", "d1"))
    for _ in range(3):
        cluster.take(cluster.device("d1", "logout"))
    assert subscriber_of(cluster, "d1").profile == "a3:d1"
    assert (cluster.run("naps").profile, profile_of(cluster, "a:d1").attributes) == ("a:d1", {"plan": "a"})
    assert {key for _, key in cluster.profiles} == {"a:d1", "a1:d1", "a2:d1", "a3:d1"}
    is_sound(cluster)


@counts
def test_who_logs_out_and_in_again_brings_what_it_has_done_between(count: int) -> None:
    cluster = known(count, profile_id="p")
    cluster.take(cluster.device("d1", "logout"), cluster.profile(None, "d1", set={"seen": 1}), cluster.device("d1", "identify", "q"))
    assert (profile_of(cluster, "n:p").attributes, profile_of(cluster, "n:q").attributes) == ({"plan": "a"}, {"seen": 1})
    assert profile_of(cluster, "a1:d1").merged == "n:q"
    is_sound(cluster)


@counts
def test_what_a_run_does_for_the_profile_that_was_left_stays_with_it(count: int) -> None:
    text = (
        "workflow: later\nstart: {on: [{event: go}]}\n"
        "steps: [{id: nap, wait: {for: 1h}}, {id: s, segment: {add: s}}, {id: e, send_event: {event: told}}]"
    )
    hears = "workflow: told\nstart: {on: [{event: told}]}\nsteps: [{id: nap, wait: {for: 1h}}]"
    cluster = known(count, text, hears)
    cluster.take(cluster.event("go", "d1"), cluster.device("d1", "logout"))
    silence(cluster)
    cluster.passes(3_600 * SECOND)
    settle(cluster)
    assert profile_of(cluster, "a:d1").segments == ("s",)
    assert heard(cluster) == [("AddSegment", "a:d1", {"segment": "s"})]
    assert cluster.run("told").profile == "a:d1"


# -- going and coming back -------------------------------------------------------------------------------------------


@counts
@pytest.mark.parametrize("profile_id", [None, "p"])
def test_no_pushes_until_it_is_subscribed_again(count: int, profile_id: str | None) -> None:
    cluster = known(count, PUSHES, profile_id=profile_id)
    profile = subscriber_of(cluster, "d1").profile
    cluster.take(cluster.device("d1", "unsubscribe"), cluster.event("say", "d1"))
    assert (subscriber_of(cluster, "d1").active, cluster.pushes()) == (False, [])
    cluster.take(cluster.device("d1", "subscribe"), cluster.event("say", "d1"))
    assert (subscriber_of(cluster, "d1").active, len(cluster.pushes())) == (True, 1)
    data = {"device": "phone", "device_token_hash": "d1"}
    assert heard(cluster) == [("Add", profile, data), ("Remove", profile, data)]
    is_sound(cluster)


@counts
@pytest.mark.parametrize("change", ["unsubscribe", "subscribe"])
def test_what_is_so_already_tells_nobody(count: int, change: str) -> None:
    cluster = known(count, profile_id="p")
    cluster.take(cluster.device("d1", change))
    silence(cluster)
    before = cluster.subscribers, len(cluster.messages)
    cluster.take(cluster.device("d1", change))
    assert (heard(cluster), (cluster.subscribers, len(cluster.messages))) == ([], before)


@counts
@pytest.mark.parametrize("profile_id", [None, "p"])
def test_who_is_forgotten_is_known_nowhere(count: int, profile_id: str | None) -> None:
    cluster = known(count, LEAVES, profile_id=profile_id)
    profile = subscriber_of(cluster, "d1").profile
    cluster.take(cluster.event("go", "d1"), cluster.device("d1", "forget"))
    assert (cluster.subscribers, cluster.copies()) == ({}, {})
    assert profile_of(cluster, profile).attributes == {"plan": "a"}
    assert cluster.run("leaves").status == "exited"
    assert heard(cluster) == [("Remove", profile, {"device": "phone", "device_token_hash": "d1"})]


@counts
def test_of_one_that_had_gone_nobody_hears_that_it_is_forgotten(count: int) -> None:
    cluster = known(count, profile_id="p")
    cluster.take(cluster.device("d1", "unsubscribe"))
    silence(cluster)
    cluster.take(cluster.device("d1", "forget"))
    assert (heard(cluster), cluster.subscribers, cluster.copies()) == ([], {}, {})


@counts
def test_who_was_forgotten_begins_anew(count: int) -> None:
    """Its anonymous profile became part of a named one, which it must not come back to."""
    cluster = known(count)
    cluster.take(cluster.device("d1", "identify", "p"), cluster.device("d1", "forget"), cluster.subscriber("d1"))
    assert subscriber_of(cluster, "d1").profile == "a:d1"
    assert (profile_of(cluster, "a:d1").merged, profile_of(cluster, "a:d1").attributes) == (None, {})
    assert profile_of(cluster, "n:p").attributes == {"plan": "a"}
    is_sound(cluster)


@counts
def test_a_receipt_of_one_that_was_forgotten_changes_nobody(count: int) -> None:
    cluster = known(count, PUSHES, profile_id="p")
    cluster.take(cluster.event("say", "d1"))
    [push] = cluster.pushes()
    cluster.take(cluster.device("d1", "forget"))
    before = cluster.subscribers, cluster.profiles, cluster.runs, cluster.explained()
    cluster.take(cluster.receipt(push.id, "clicked"), cluster.outcome(push.id, "gone"))
    assert (cluster.subscribers, cluster.profiles, cluster.runs, cluster.explained()) == before
    is_sound(cluster)


# -- facts -----------------------------------------------------------------------------------------------------------


@counts
@pytest.mark.parametrize("profile_id", [None, "p"])
def test_the_event_about_facts_names_what_changed(count: int, profile_id: str | None) -> None:
    cluster = known(count, profile_id=profile_id)
    profile = subscriber_of(cluster, "d1").profile
    cluster.take(cluster.device("d1", "update", facts={"device": "phone", "country": "DE"}))
    assert subscriber_of(cluster, "d1").facts == {"device": "phone", "country": "DE"}
    assert heard(cluster) == [("Update", profile, {"country": "DE", "device_token_hash": "d1"})]
    silence(cluster)
    cluster.take(cluster.device("d1", "update", facts={"country": "DE"}))
    assert heard(cluster) == []
    is_sound(cluster)


# -- who is not known ------------------------------------------------------------------------------------------------


@counts
@pytest.mark.parametrize("change", ["identify", "logout", "unsubscribe", "subscribe", "forget", "update"])
def test_a_change_of_one_that_is_not_known_does_nothing_but_say_so(count: int, change: str) -> None:
    cluster = people(count)
    cluster.take(cluster.device("x", change, "p" if change == "identify" else None, facts={"country": "DE"}))
    assert (cluster.subscribers, cluster.profiles, cluster.runs) == ({}, {}, {})
    [(_, profile, _, body)] = cluster.explained()
    told = msgspec.json.decode(body)
    assert (profile, told["unknown_subscriber"]) == ("", True)
    assert [(one["workflow"], one["verdict"]) for one in told["verdicts"]] == [("hears", "unknown_subscriber")]


@counts
def test_where_nobody_listens_there_is_nothing_to_say(count: int) -> None:
    cluster = Cluster(count)
    cluster.take(cluster.device("x", "logout"))
    assert cluster.explained() == []


@pytest.mark.parametrize(("change", "profile_id"), [("vanish", None), ("identify", None)])
def test_a_change_that_makes_no_sense_is_set_aside(change: str, profile_id: str | None) -> None:
    cluster = known(1)
    before = cluster.subscribers
    cluster.take(cluster.device("d1", change, profile_id))
    assert len(cluster.parts[0].poisoned) == 1
    assert cluster.subscribers == before


@counts
def test_a_change_meant_for_a_profile_that_it_has_left_does_nothing(count: int) -> None:
    cluster = known(count, profile_id="p")
    cluster.take(cluster.device("d1", "identify", "q", profile="a:d1"))
    assert subscriber_of(cluster, "d1").profile == "n:p"
    cluster.take(cluster.device("d1", "identify", "q", profile="n:p"))
    assert subscriber_of(cluster, "d1").profile == "n:q"


@counts
def test_a_registration_says_through_whom_pushes_go_and_by_which_key(count: int) -> None:
    cluster = people(count, PUSHES)
    cluster.take(cluster.subscriber("d1", "p", provider="fcm", vapid=0), cluster.subscriber("d2", "p", vapid=3))
    cluster.take(cluster.event("say", profile="p"))
    jobs = {one.subscriber: msgspec.json.decode(one.job) for one in cluster.pushes()}
    assert {device: (job.get("provider", "webpush"), job.get("vapid", 0)) for device, job in jobs.items()} == {
        "d1": ("fcm", 0),
        "d2": ("webpush", 3),
    }
    assert (cluster.subscribers[SITE, "d1"].provider, cluster.subscribers[SITE, "d2"].vapid) == ("fcm", 3)
    is_sound(cluster)


@counts
def test_a_registration_brings_segments(count: int) -> None:
    cluster = people(count)
    cluster.take(cluster.subscriber("d1", "p", segments=("t", "s")))
    settle(cluster)
    assert profile_of(cluster, "n:p").segments == ("s", "t")
    assert [(name, data["segment"]) for name, _, data in heard(cluster) if name == "AddSegment"] == [
        ("AddSegment", "s"),
        ("AddSegment", "t"),
    ]
