"""A subscription is registered for a profile that lives in another partition than the subscriber's home (semantics §1)."""

import msgspec
import pytest
from tests.engine.builders import HOUR, SECOND, SITE
from tests.engine.cluster import FIVE, Cluster, cluster_with

from clarion.engine import identity
from clarion.store.records.entries import EntryKind

D, HOME = "d1", 2
LIVES = {"p": 4, "q": 1, "r": 0, "s": 4}
NAPS = "workflow: w\nstart: {on: [{event: go}], key: event.k}\nsteps: [{id: nap, wait: {for: 10h}}, {id: say, send_event: {event: said}}]"
MARKS = "workflow: m\nstart: {on: [{event: mark}]}\nsteps: [{id: s, segment: {add: '{{ mark }}'}}]"


def test_a_new_subscriber_of_a_profile_elsewhere_is_at_home_and_beside_its_profile() -> None:
    cluster = cluster_with()
    cluster.take(cluster.subscriber(D, "p", facts={"country": "DE"}, attributes={"plan": "a"}))
    assert cluster.kinds() == [(EntryKind.JOIN, LIVES["p"])]
    row = cluster.subscribers[SITE, D]
    assert (row.profile, row.facts) == ("n:p", {"country": "DE"})
    assert cluster.parts[LIVES["p"]].subscribers == {(SITE, D): row}
    assert {at[1]: one.attributes for at, one in cluster.profiles.items()} == {"n:p": {"plan": "a"}}


def test_the_system_events_are_those_of_one_partition() -> None:
    heard = "workflow: h\nstart: {{on: [{}], while_running: parallel}}\nsteps: [{{id: nap, wait: {{for: 1h}}}}]"
    names = ("Add", "Update", "Identify")
    text = heard.format(", ".join(f"{{event: PushEngage.Subscriber.{name}}}" for name in names))
    told = []
    for count in (1, FIVE):
        cluster = cluster_with(text, count=count)
        for who in (None, "p", "q", None):
            cluster.take(cluster.subscriber(D, who, attributes={"plan": who or "none"}))
        runs = cluster.runs.values()
        entries = [(msgspec.json.decode(run.state)["entry"], run.profile) for run in runs]
        told.append(sorted((one["name"], one["id"], profile, str(one["data"])) for one, profile in entries))
    assert told[0] == told[1]
    assert [name.rpartition(".")[2] for name, *_ in told[1]] == ["Add", "Identify", "Identify", "Update", "Update", "Update"]


def test_what_the_anonymous_profile_has_goes_along_and_its_place_says_where() -> None:
    cluster = cluster_with(NAPS, MARKS)
    cluster.take(
        cluster.subscriber(D, attributes={"plan": "a", "age": 5}), cluster.event("go", D, k="x"), cluster.event("mark", D, mark="vip")
    )
    cluster.take(cluster.subscriber("d5", "p", attributes={"plan": "b"}))
    run = cluster.run("w", "x")
    assert cluster.where(run.id) == HOME
    cluster.take(cluster.subscriber(D, "p"))
    assert cluster.run("w", "x") == msgspec.structs.replace(run, profile="n:p", state=cluster.run("w", "x").state)
    assert b'"entrant":"a:d1"' in bytes(cluster.run("w", "x").state)
    assert cluster.where(run.id) == LIVES["p"]
    assert [one.workflow for one in cluster.parts[HOME].runs.values()] == ["m"]  # what has ended stays
    assert cluster.profiles[SITE, "n:p"].attributes == {"plan": "b", "age": 5}
    assert cluster.profiles[SITE, "n:p"].segments == ("vip",)
    assert cluster.profiles[SITE, "a:d1"].merged == "n:p"
    gained = [msgspec.json.decode(one.body) for one in cluster.events if b"AddSegment" in one.body][-1]
    assert (gained["profile_id"], gained["data"]) == ("p", {"segment": "vip"})
    assert cluster.counts()["w", 1, "nap", "waiting", ""] == 1


def test_one_partition_notes_too_whose_part_an_anonymous_profile_is() -> None:
    cluster = Cluster(1)
    cluster.take(cluster.subscriber(D), cluster.subscriber(D, "p"))
    assert cluster.profiles[SITE, "a:d1"].merged == "n:p"


def test_the_timer_of_a_run_fires_where_it_has_gone() -> None:
    cluster = cluster_with(NAPS)
    cluster.take(cluster.subscriber(D), cluster.event("go", D, k="x"))
    cluster.take(cluster.subscriber(D, "p"))
    cluster.passes(10 * HOUR)
    assert (cluster.run("w", "x").status, cluster.run("w", "x").ended) == ("completed", 11 * HOUR)
    [said] = cluster.events
    assert said.partition == LIVES["p"]


def test_a_timer_that_is_due_when_its_run_leaves_does_not_fire_where_it_was() -> None:
    """The runs of one batch: a resume frees the timer behind the registration that carries the run away."""
    cluster = cluster_with(NAPS)
    cluster.take(cluster.subscriber(D), cluster.event("go", D, k="x"))
    cluster.settles = False
    cluster.put(cluster.subscriber(D, "p"))
    cluster.advance(HOME, 1)
    assert not cluster.parts[HOME].runs
    cluster.now = 12 * HOUR  # its time comes while it is on its way
    cluster.advance(HOME, 1)
    cluster.drain()
    assert (cluster.run("w", "x").status, cluster.run("w", "x").ended) == ("completed", 11 * HOUR)
    assert len(cluster.events) == 1


def test_of_two_runs_of_a_workflow_and_key_the_older_one_stays() -> None:
    cluster = cluster_with(NAPS)
    cluster.take(cluster.subscriber(D), cluster.event("go", D, k="x"))
    cluster.passes(SECOND)
    cluster.take(cluster.event("go", None, "p", k="x"), cluster.event("go", None, "p", k="y"))
    cluster.passes(SECOND)
    cluster.take(cluster.event("go", D, k="y"), cluster.subscriber(D, "p"))
    told = {(run.key, run.started - HOUR): (run.status, run.reason) for run in cluster.runs.values()}
    assert told == {
        ("x", 0): ("waiting", None),
        ("x", SECOND): ("exited", "merged"),
        ("y", SECOND): ("waiting", None),
        ("y", 2 * SECOND): ("exited", "merged"),
    }
    assert cluster.counts()["w", 1, "nap", "waiting", ""] == 2
    assert [one.profile for one in cluster.parts[LIVES["p"]].explanations if b'"merged"' in bytes(one.body)] == ["n:p"]


@pytest.mark.parametrize("named_first", [True, False])
def test_of_two_starts_the_later_one_is_remembered(named_first: bool) -> None:
    cluster = cluster_with("workflow: w\nstart: {on: [{event: go}], again: {after: 10h}}\nsteps: []")
    cluster.take(cluster.subscriber(D))
    for whom in ((None, "p"), (D, None)) if named_first else ((D, None), (None, "p")):
        cluster.passes(HOUR)
        cluster.take(cluster.event("go", *whom))
    cluster.take(cluster.subscriber(D, "p"))
    cluster.passes(10 * HOUR - 1)
    cluster.take(early := cluster.event("go", D))
    cluster.passes(1)
    cluster.take(late := cluster.event("go", D))
    verdicts = cluster.parts[LIVES["p"]].verdicts
    assert (verdicts(early.id)["w"]["verdict"], verdicts(late.id)["w"]["verdict"]) == ("not_again", "started")
    assert cluster.parts[LIVES["p"]].learnt == 0


def test_memory_under_a_key_that_the_anonymous_profile_brings_is_read_when_it_is_known() -> None:
    """The profile gains the attribute by the registration, so nobody could know the key before."""
    text = """
workflow: w
start: {on: [{event: go}, {event: PushEngage.Subscriber.Identify}], key: event.plan, again: never}
steps: []
"""
    cluster = cluster_with(text)
    cluster.take(cluster.event("go", None, "p", plan="a"), cluster.subscriber(D, attributes={"plan": "a"}))
    cluster.take(register := cluster.subscriber(D, "p"))
    part = cluster.parts[LIVES["p"]]
    [verdict] = [part.verdicts(one.event)["w"] for one in part.explanations if b"Identify" in bytes(one.body)]
    assert (verdict["verdict"], part.learnt) == ("not_again", 1)
    assert not part.poisoned
    assert register.partition == HOME


def test_a_failed_run_and_an_open_goal_go_along() -> None:
    text = """
workflow: w
start: {on: [{event: go}], key: event.k}
settings: {goal: {event: buy, within: 9d}}
steps: [{id: ask, http: {url: "https://a.example/", await: true, on_error: fail}}]
"""
    cluster = cluster_with(text)
    cluster.take(cluster.subscriber(D), cluster.event("go", D, k="x"), cluster.event("go", D, k="y"))
    first, second = (one.id for _, one in cluster.delivered.values())
    cluster.take(cluster.outcome(first, "failed", status=500), cluster.outcome(second, "sent", status=200))
    assert [cluster.run("w", key).status for key in "xy"] == ["failed", "completed"]
    cluster.take(cluster.subscriber(D, "p"))
    assert {cluster.where(run) for run in cluster.runs} == {LIVES["p"]}
    cluster.take(cluster.event("buy", None, "p"), cluster.operator(cluster.run("w", "x").id, "retry"))
    assert cluster.counts()["w", 1, "", "goals", ""] == 2
    assert cluster.run("w", "x").status == "waiting"


@pytest.mark.parametrize(("bytes_", "starts", "parts"), [(1, 1_000, 3), (1_000_000, 2, 2), (1_000_000, 1_000, 1)])
def test_what_is_much_comes_in_parts_and_is_the_same(monkeypatch: pytest.MonkeyPatch, bytes_: int, starts: int, parts: int) -> None:
    monkeypatch.setattr(identity, "LARGEST_PART", bytes_)
    monkeypatch.setattr(identity, "MOST_MEMORY", starts)
    cluster, one = cluster_with(NAPS, MARKS), cluster_with(NAPS, MARKS, count=1)
    for each in (cluster, one):
        each.take(each.subscriber(D, attributes={"plan": "a"}), each.event("mark", D, mark="vip"))
        each.take(each.event("go", None, "p", k="z"))
        for key in "xyz":
            each.passes(SECOND)
            each.take(each.event("go", D, k=key))
        each.take(each.subscriber(D, "p"))
    assert cluster.kinds() == [(EntryKind.JOIN, LIVES["p"])] * parts
    assert cluster.runs == one.runs
    assert [run.reason for run in cluster.runs.values()].count("merged") == 1
    assert cluster.profiles == one.profiles
    assert cluster.all(lambda part: part.memory) == one.parts[0].memory
    assert [entry.id for entry in cluster.events] == [entry.id for entry in one.events]
    assert cluster.counts() == one.counts()


def test_a_subscriber_that_changes_its_profile_leaves_its_copy_nowhere() -> None:
    cluster = cluster_with()
    for who, messages in (
        ("p", [(EntryKind.JOIN, 4)]),
        ("q", [(EntryKind.LEAVE, 4), (EntryKind.JOIN, 1)]),
        ("p", [(EntryKind.LEAVE, 1), (EntryKind.JOIN, 4)]),
        ("s", [(EntryKind.LEAVE, 4), (EntryKind.JOIN, 4)]),
        (None, [(EntryKind.JOIN, 4)]),
    ):
        cluster.messages.clear()
        cluster.take(cluster.subscriber(D, who))
        assert cluster.kinds() == messages
        assert cluster.copies() == cluster.copies_that_should_be()
    assert cluster.subscribers[SITE, D].profile == "n:s"


def test_whom_a_subscriber_leaves_may_have_to_leave_a_workflow() -> None:
    leaves = """
workflow: leaves
start: {on: [{event: go}]}
exit: [{audience: {all: [{field: subscriber.country, op: eq, value: FR}]}}]
steps: [{id: nap, wait: {for: 10h}}]
"""
    for home, who in ((D, "p"), ("d2", "q")):  # from elsewhere, and from where it is at home
        cluster = cluster_with(leaves)
        cluster.take(cluster.subscriber("d5", who, facts={"country": "FR"}))
        cluster.passes(SECOND)
        cluster.take(cluster.subscriber(home, who), cluster.event("go", None, who))
        cluster.take(register := cluster.subscriber(home, "r"))
        assert cluster.run("leaves").reason == "audience"
        [told] = [one for one in cluster.parts[LIVES[who]].explanations if b'"exited"' in bytes(one.body)]
        assert (told.event, told.profile, msgspec.json.decode(told.body)["name"]) == (register.id, "n:" + who, "subscriber")
