"""Runs that go to another partition while a workflow is paused, published or archived: each partition hears of that in its own time."""

import pytest
from tests.engine.builders import HOUR, SECOND, SITE
from tests.engine.cluster import FIVE, Cluster

from clarion.engine import batch
from clarion.engine.batch import MOST_HEARD
from clarion.store.records.entries import NewEntry

D, HOME = "d1", 2
LIVES = 4
W = "workflow: w\nstart: {{on: [{{event: go}}]}}\nsteps: [{{id: nap, wait: {{for: {0}h}}}}, {{id: say, send_event: {{event: said{0}}}}}]"
PUSHES = 'workflow: w\nstart: {on: [{event: go}]}\nsteps: [{id: nap, wait: {for: 1h}}, {id: p, push: {title: t, message: m, url: "https://a.example/"}}]'


def running(text: str) -> Cluster:
    """D, which is anonymous, has a run; from here on messages wait."""
    cluster = Cluster(FIVE, settles=False)
    cluster.now = HOUR
    cluster.put(*cluster.publish(text))
    cluster.put(cluster.subscriber(D), cluster.event("go", D))
    cluster.drain()
    return cluster


def carries(cluster: Cluster) -> None:
    """D gets a name at its home; the message waits."""
    cluster.put(cluster.subscriber(D, "p"))
    cluster.advance(HOME, 100)
    assert not any(run.status == "waiting" for run in cluster.parts[HOME].runs.values())


# -- pause and resume ------------------------------------------------------------------------------------------------


def test_a_run_that_a_pause_held_is_held_where_it_comes_to_and_goes_on_with_the_resume() -> None:
    cluster = running(W.format(1))
    cluster.put(*cluster.change("w", "pause"))
    cluster.drain()
    cluster.now += 2 * HOUR
    cluster.drain()
    assert cluster.run("w").held
    carries(cluster)
    cluster.drain()
    assert (cluster.run("w").held, cluster.where(cluster.run("w").id)) == (True, LIVES)
    cluster.now += HOUR
    cluster.put(*cluster.change("w", "resume"))
    cluster.drain()
    assert (cluster.run("w").status, cluster.run("w").ended) == ("completed", 4 * HOUR)


def test_it_is_not_held_where_the_pause_is_over() -> None:
    cluster = running(W.format(1))
    cluster.put(*cluster.change("w", "pause"))
    cluster.drain()
    cluster.now += 2 * HOUR
    cluster.drain()
    cluster.put(*cluster.change("w", "resume"))
    resume = cluster.inboxes[HOME].popleft()
    cluster.drain()
    carries(cluster)
    cluster.drain()
    assert (cluster.run("w").status, cluster.run("w").ended) == ("completed", 3 * HOUR)
    cluster.put(resume)
    cluster.drain()
    assert len(cluster.events) == 1


@pytest.mark.parametrize(("patience", "outcome"), [(HOUR - 1, "stale"), (HOUR, "sent")])
def test_a_push_that_a_pause_held_for_too_long_is_stale_where_it_comes_to(patience: int, outcome: str) -> None:
    cluster = running(PUSHES)
    cluster.put(*cluster.change("w", "pause"))
    cluster.drain()
    cluster.now += 2 * HOUR
    cluster.drain()
    cluster.put(*cluster.change("w", "resume", patience))
    waiting = cluster.inboxes[HOME].popleft()
    cluster.drain()
    carries(cluster)
    cluster.drain()
    assert len(cluster.pushes()) == (outcome == "sent")
    assert cluster.counts().get(("w", 1, "p", "stale", ""), 0) == (outcome == "stale")
    cluster.put(waiting)
    cluster.drain()


def test_a_run_that_comes_into_a_pause_is_held_there() -> None:
    cluster = running(W.format(1))
    cluster.put(*cluster.change("w", "pause"))
    paused = cluster.inboxes[HOME].popleft()
    cluster.drain()
    carries(cluster)
    cluster.now += 2 * HOUR
    cluster.drain()
    assert (cluster.run("w").status, cluster.run("w").held) == ("waiting", True)
    cluster.put(paused, *cluster.change("w", "resume"))
    cluster.drain()
    assert cluster.run("w").status == "completed"


# -- publishes -------------------------------------------------------------------------------------------------------


def behind(cluster: Cluster) -> list[NewEntry]:
    """All partitions but D's home apply what is in their inboxes, and their runs hear of it; returns what it would have had to apply."""
    waiting = list(cluster.inboxes[HOME])
    cluster.inboxes[HOME].clear()
    cluster.drain()
    assert not any(state.directives for part in cluster.parts for state in part.workflows.values())
    return waiting


@pytest.mark.parametrize(
    ("runs", "told"), [("move", ("completed", 2, None)), ("end", ("exited", 1, "ended")), ("keep", ("completed", 1, None))]
)
@pytest.mark.parametrize("is_behind", [True, False], ids=["home has not heard", "home has heard first"])
def test_a_publish_is_heard_once_by_a_run_on_its_way(runs: str, told: tuple[str, int, str | None], is_behind: bool) -> None:
    cluster = running(W.format(2))
    cluster.now += SECOND
    cluster.put(*cluster.publish(W.format(5), runs))
    late: list[NewEntry] = []
    if is_behind:
        late = behind(cluster)
    else:
        cluster.advance(HOME, 100)
    carries(cluster)
    cluster.drain()
    cluster.now += 9 * HOUR
    cluster.inboxes[HOME].extend(late)
    cluster.drain()
    run = cluster.run("w")
    assert (run.status, run.version, run.reason) == told
    assert sum(b'"moved"' in bytes(one.body) for part in cluster.parts for one in part.explanations) == (runs == "move")
    assert [one.body.split(b"said")[1][:1] for one in cluster.events] == ([] if runs == "end" else [b"5" if runs == "move" else b"2"])


def test_publishes_are_heard_one_after_the_other() -> None:
    """The step is gone in version 2 and back in version 3."""
    cluster = running(W.format(2))
    cluster.put(*cluster.publish("workflow: w\nstart: {on: [{event: go}]}\nsteps: [{id: other, wait: {for: 1h}}]", "move"))
    cluster.put(*cluster.publish(W.format(3), "move"))
    behind(cluster)
    carries(cluster)
    cluster.drain()
    assert (cluster.run("w").status, cluster.run("w").reason) == ("exited", "step_removed")


def test_an_archived_workflow_ends_runs_that_come_later() -> None:
    cluster = running(W.format(2))
    cluster.put(*cluster.change("w", "archive"))
    late = behind(cluster)
    carries(cluster)
    cluster.drain()
    assert (cluster.run("w").status, cluster.run("w").reason) == ("exited", "archived")
    cluster.inboxes[HOME].extend(late)
    cluster.drain()
    assert cluster.counts()["w", 1, "", "exited", ""] == 1


def test_an_archive_that_was_taken_back_before_the_run_began_does_not_end_it() -> None:
    """Both partitions have heard of it: that its version stands above the run's says nothing."""
    cluster = Cluster(FIVE, settles=False)
    cluster.put(*cluster.publish(W.format(2)), *cluster.change("w", "archive"))
    cluster.put(*cluster.publish(W.format(2)))
    cluster.drain()
    cluster.put(cluster.subscriber(D), cluster.event("go", D))
    cluster.drain()
    again = cluster.run("w")
    carries(cluster)
    cluster.drain()
    assert (cluster.run("w").status, cluster.run("w").version) == ("waiting", again.version)


def test_what_ends_a_run_that_comes_spares_the_one_that_is_there() -> None:
    """The older run of the two belongs to a version whose runs have ended: it is no rival any more."""
    cluster = running(W.format(2))
    cluster.now += SECOND
    cluster.put(*cluster.publish(W.format(5), "end"))
    behind(cluster)
    cluster.put(cluster.event("go", None, "p"))
    cluster.drain()
    carries(cluster)
    cluster.drain()
    assert sorted((run.version, run.status, run.reason) for run in cluster.runs.values()) == [
        (1, "exited", "ended"),
        (2, "waiting", None),
    ]


@pytest.mark.parametrize("home_is_behind", [True, False])
def test_a_publish_that_could_not_be_applied_somewhere_does_not_hide_the_next(
    home_is_behind: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = running(W.format(2))
    cluster.now += SECOND
    cluster.put(*cluster.publish(W.format(5), "move"))
    with monkeypatch.context() as broken:
        broken.setattr(batch, "_changed", breaks)
        cluster.advance(LIVES, 100)
    assert len(cluster.parts[LIVES].poisoned) == 1
    cluster.drain()
    cluster.now += SECOND
    cluster.put(*cluster.publish(W.format(7), "move"))
    if home_is_behind:
        behind(cluster)
    cluster.drain()
    carries(cluster)
    cluster.drain()
    assert (cluster.where(cluster.run("w").id), cluster.run("w").version) == (LIVES, 3)


def breaks(*_: object) -> None:
    raise ZeroDivisionError("boom")


def test_only_the_latest_are_kept() -> None:
    cluster = Cluster(FIVE, settles=False)
    for hours in range(1, MOST_HEARD + 3):
        cluster.put(*cluster.publish(W.format(hours), "end"))
    cluster.drain()
    for part in cluster.parts:
        heard = part.workflows[SITE, "w"].heard
        assert [one.number for one in heard] == list(range(3, MOST_HEARD + 3))
        assert [one.version for one in heard] == list(range(3, MOST_HEARD + 3))
