"""Attributes and segments that come from outside: whom they are for, what is told of them, whom they end, what is refused."""

from typing import Any

import msgspec
import pytest
from tests.engine.builders import SECOND, SITE
from tests.engine.cluster import Cluster
from tests.engine.people import NAPS, counts, heard, is_sound, people, profile_of, silence, subscriber_of

from clarion.store.records.bodies import SegmentChange
from clarion.store.records.entries import EntryKind
from clarion.workflow.steps.update import LARGEST_PROFILE

STAFF = (
    "workflow: staff\nstart: {on: [{event: go}]}\nexit: [{audience: {all: [{field: segments, op: in, value: [staff]}]}}]\n"
    "steps: [{id: nap, wait: {for: 10h}}]"
)


def notes(cluster: Cluster) -> list[str]:
    """All notes in explanations."""
    return [note for _, _, _, body in cluster.explained() for note in msgspec.json.decode(body).get("notes", [])]


def verdicts(cluster: Cluster) -> list[tuple[str, str, str]]:
    """(name of what came in, workflow, verdict) of all explanations, in the order in which they came about, in one partition."""
    told = [msgspec.json.decode(one.body) for one in cluster.parts[0].explanations]
    return [(one["name"], verdict["workflow"], verdict["verdict"]) for one in told for verdict in one.get("verdicts", [])]


@counts
def test_a_named_profile_that_is_not_known_is_made(count: int) -> None:
    cluster = people(count)
    cluster.take(cluster.profile("p", set={"plan": "a"}, enter=("s",)))
    profile = profile_of(cluster, "n:p")
    assert (profile.attributes, profile.segments, profile.created) == ({"plan": "a"}, ("s",), cluster.now)
    assert heard(cluster) == [("AddSegment", "n:p", {"segment": "s"}), ("Update", "n:p", {"plan": "a"})]


@counts
def test_a_change_of_nothing_makes_a_profile_and_tells_nobody(count: int) -> None:
    cluster = people(count)
    cluster.take(cluster.profile("p"))
    assert profile_of(cluster, "n:p").attributes == {}
    assert (heard(cluster), cluster.explained()) == ([], [])


@counts
@pytest.mark.parametrize("profile_id", [None, "p"])
def test_whom_a_subscriber_belongs_to_changes(count: int, profile_id: str | None) -> None:
    cluster = people(count)
    cluster.take(cluster.subscriber("d1", profile_id))
    silence(cluster)
    cluster.take(cluster.profile(None, "d1", set={"plan": "a"}))
    profile = subscriber_of(cluster, "d1").profile
    assert profile_of(cluster, profile).attributes == {"plan": "a"}
    assert heard(cluster) == [("Update", profile, {"plan": "a"})]
    is_sound(cluster)


@counts
def test_of_a_profile_and_a_subscriber_the_profile_wins(count: int) -> None:
    cluster = people(count)
    cluster.take(cluster.subscriber("d1", "p"), cluster.profile("q", "d1", set={"plan": "a"}))
    assert (profile_of(cluster, "n:p").attributes, profile_of(cluster, "n:q").attributes) == ({}, {"plan": "a"})


@counts
def test_a_subscriber_that_is_not_known_has_no_profile_to_change(count: int) -> None:
    cluster = people(count)
    cluster.take(cluster.profile(None, "x", set={"plan": "a"}))
    assert cluster.profiles == {}
    [(_, profile, _, body)] = cluster.explained()
    assert (profile, msgspec.json.decode(body)["unknown_subscriber"]) == ("", True)


@counts
def test_events_name_only_what_has_changed(count: int) -> None:
    cluster = people(count)
    cluster.take(cluster.profile("p", set={"a": 1, "b": 1}, enter=("s", "t")))
    silence(cluster)
    cluster.take(cluster.profile("p", set={"a": 1, "b": 2, "c": 3}, enter=("t", "u"), leave=("s", "v")))
    assert heard(cluster) == [
        ("AddSegment", "n:p", {"segment": "u"}),
        ("RemoveSegment", "n:p", {"segment": "s"}),
        ("Update", "n:p", {"b": 2, "c": 3}),
    ]
    silence(cluster)
    cluster.take(cluster.profile("p", remove=("a",)))
    assert heard(cluster) == [("Update", "n:p", {})]
    silence(cluster)
    cluster.take(cluster.profile("p", set={"b": 2}, remove=("a",), enter=("t",), leave=("s",)))
    assert heard(cluster) == []


def test_events_are_offered_once_in_order() -> None:
    cluster = people(1)
    cluster.take(cluster.profile("p", set={"a": 1}, enter=("t", "s"), leave=()))
    names = [name.rpartition(".")[2] for name, workflow, _ in verdicts(cluster) if workflow == "hears"]
    assert names == ["Update", "AddSegment", "AddSegment"]
    entries = [msgspec.json.decode(run.state)["entry"] for run in sorted(cluster.runs.values(), key=lambda run: run.id)]
    assert len({one["id"] for one in entries}) == 3
    told = [msgspec.json.decode(one.body) for one in cluster.parts[0].explanations]
    assert [one["name"].rpartition(".")[2] for one in told] == names


@counts
def test_a_segment_ends_runs_whose_audience_it_is(count: int) -> None:
    cluster = people(count, STAFF, NAPS)
    cluster.take(cluster.event("go", profile="p"), cluster.profile("p", set={"a": 1}))
    assert cluster.run("staff").status == "waiting"
    cluster.take(cluster.profile("p", enter=("staff",)))
    assert (cluster.run("staff").status, cluster.run("naps").status) == ("exited", "waiting")


@counts
def test_too_large_a_change_is_refused_whole_and_says_so(count: int) -> None:
    cluster = people(count)
    cluster.take(cluster.profile("p", set={"a": 1}))
    silence(cluster)
    cluster.take(cluster.profile("p", set={"b": "x" * LARGEST_PROFILE}, enter=("s",)))
    assert (profile_of(cluster, "n:p").attributes, profile_of(cluster, "n:p").segments) == ({"a": 1}, ())
    assert notes(cluster) == ["refused: the profile's attributes would be larger than 64 KiB"]
    assert heard(cluster) == []
    is_sound(cluster)


@counts
def test_too_large_attributes_do_not_keep_a_subscription_out(count: int) -> None:
    cluster = people(count)
    cluster.take(cluster.subscriber("d1", "p", attributes={"b": "x" * LARGEST_PROFILE}))
    assert (subscriber_of(cluster, "d1").profile, profile_of(cluster, "n:p").attributes) == ("n:p", {})
    assert notes(cluster) == ["refused: the profile's attributes would be larger than 64 KiB"]
    assert [(name, data) for name, _, data in heard(cluster) if name == "Add"] == [("Add", {"device_token_hash": "d1"})]


@pytest.mark.parametrize("change", [{"enter": ("rich",)}, {"leave": ("rich",)}])
def test_nobody_comes_into_a_dynamic_segment_by_hand(change: dict[str, Any]) -> None:
    cluster = people(1)
    condition = {"all": [{"field": "profile.plan", "op": "eq", "value": "a"}]}
    cluster.take(*cluster.to_all(EntryKind.SEGMENT, SegmentChange("rich", "define", condition)))
    plan = "b" if "enter" in change else "a"
    cluster.take(cluster.profile("p", set={"plan": plan}))
    cluster.take(cluster.profile("p", set={"seen": 1}, **change))
    assert profile_of(cluster, "n:p").segments == (() if plan == "b" else ("rich",))
    assert profile_of(cluster, "n:p").attributes == {"plan": plan, "seen": 1}
    assert notes(cluster) == ["ignored: who is in the segment rich is decided by its condition"]


def test_what_starts_never_again_is_remembered_for_changes_too() -> None:
    text = "workflow: once\nstart: {on: [{event: PushEngage.Subscriber.Update}], again: never}\nsteps: []"
    cluster = people(1, text)
    for number in range(3):
        cluster.take(cluster.profile("p", set={"a": number}))
        cluster.passes(SECOND)
    assert len([run for run in cluster.runs.values() if run.workflow == "once"]) == 1
    assert cluster.parts[0].learnt == 0
    assert cluster.parts[0].memory[SITE, "once", "n:p", ""].started < cluster.now
