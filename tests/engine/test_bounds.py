"""What a profile may have, and inputs that cannot be applied."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.engine.builders import HOUR, SECOND, SITE, Partition

from clarion.engine import offering
from clarion.engine.offering import Offering
from clarion.store.records.entries import EntryKind

MANY = "workflow: many\nstart: {{on: [{{event: go}}], key: event.k, while_running: {mode}}}\nsteps: [{{id: nap, wait: {{for: 1h}}}}]"
PICKY = "workflow: picky\nstart: {on: [{event: go, where: {field: event.n, op: eq, value: 1}}]}\nsteps: [{id: nap, wait: {for: 1h}}]"


@pytest.mark.parametrize(("most", "verdict"), [(3, "too_many_runs"), (4, "started")])
async def test_no_more_runs_than_a_profile_may_have(monkeypatch: pytest.MonkeyPatch, most: int, verdict: str) -> None:
    monkeypatch.setattr(offering, "MOST_RUNS", most)
    partition = Partition()
    await partition.apply(partition.publish(MANY.format(mode="ignore")), at=SECOND)
    await partition.apply(*(partition.event("go", k=f"k{number}") for number in range(3)), at=2 * SECOND)
    await partition.apply(partition.event("go", "e", k="k3"), partition.event("go", "other", profile="q", k="k"), at=3 * SECOND)
    assert partition.verdicts("e")["many"]["verdict"] == verdict
    assert partition.verdicts("other")["many"]["verdict"] == "started"
    await partition.apply(partition.event("go", "later", k="k4"), at=2 * HOUR)
    assert partition.verdicts("later")["many"]["verdict"] == "started"


async def test_a_restart_takes_no_more_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offering, "MOST_RUNS", 1)
    partition = Partition()
    await partition.apply(partition.publish(MANY.format(mode="restart")), at=SECOND)
    await partition.apply(partition.event("go", k="k"), at=2 * SECOND)
    await partition.apply(partition.event("go", "again", k="k"), partition.event("go", "other", k="l"), at=3 * SECOND)
    assert partition.verdicts("again")["many"]["verdict"] == "started"
    assert partition.verdicts("other")["many"]["verdict"] == "too_many_runs"


async def test_the_limit_is_no_reason_for_what_would_not_have_started_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offering, "MOST_RUNS", 1)
    partition = Partition()
    await partition.apply(partition.publish(PICKY), partition.event("go", n=1), at=SECOND)
    await partition.apply(partition.event("go", "e", n=2), at=2 * SECOND)
    assert partition.verdicts("e")["picky"]["verdict"] == "where"


# -- poison ----------------------------------------------------------------------------------------------------------

EVERYTHING = """
workflow: w
start: {on: [{event: go}], key: event.k}
settings: {frequency_cap: {pushes: 1, per: 1d}, goal: {event: go, within: 1d, count: every}}
steps:
  - {id: push, push: {title: t, message: m, url: "https://a.example/"}}
  - {id: send, send_event: {event: told}}
  - {id: call, http: {url: "https://a.example/"}}
  - {id: mark, segment: {add: x}}
  - {id: nap, wait: {for: 1h}}
"""


def breaking(bad: str) -> Callable[..., None]:
    real = Offering.close

    def close(self: Offering, person: Any, event: str, name: str, now: int) -> None:
        real(self, person, event, name, now)
        if event == bad:
            raise ZeroDivisionError("boom")

    return close


async def test_nothing_of_a_poisoned_input_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same log with and without the poisoned entry gives the same partition."""
    made = []
    for bad in (True, False):
        partition = Partition()
        await partition.apply(partition.publish(EVERYTHING), partition.subscriber("d", "p"), partition.event("go", "a", k=1), at=SECOND)
        partition._position = 100
        entries = [partition.event("go", "b", k=2)]
        if bad:
            entries.append(partition.event("go", "bad", k=3))
        entries.append(partition.event("go", "c", k=4))
        with monkeypatch.context() as broken:
            broken.setattr(Offering, "close", breaking("bad"))
            await partition.apply(*entries, at=2 * SECOND)
        made.append(partition)
    poisoned, sound = made
    assert [(one.id, one.kind, one.error) for one in poisoned.poisoned] == [("bad", "event", "ZeroDivisionError: boom")]
    for part in ("runs", "profiles", "memory", "deliveries", "counts", "inbox", "explanations"):
        assert getattr(poisoned, part) == getattr(sound, part)
    assert sound.count("w", "started") == 3
    assert len(sound.inbox) == 4
    assert sound.profiles[SITE, "n:p"].pushed == {"": (SECOND,), "w": (SECOND,)}


async def test_a_poisoned_entry_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    partition = Partition()
    await partition.apply(partition.publish(EVERYTHING), at=SECOND)
    bad = partition.event("go", "bad", k=3)
    with monkeypatch.context() as broken:
        broken.setattr(Offering, "close", breaking("bad"))
        await partition.apply(bad, at=2 * SECOND)
    assert not partition.runs
    await partition.apply(bad, at=3 * SECOND)
    assert (partition.run("w", "3").status, partition.run("w", "3").started) == ("waiting", 3 * SECOND)


async def test_a_poisoned_timer_is_set_aside_whole_and_the_run_still_hears_events(monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
workflow: w
start: {on: [{event: go}]}
exit: [{event: stop}]
steps: [{id: nap, wait: {for: 1h}}, {id: send, send_event: {event: told}}, {id: end, wait: {for: 1h}}]
"""
    partition = Partition()
    await partition.apply(partition.publish(text), partition.event("go"), partition.event("go", profile="q"), at=SECOND)
    bad = partition.run("w").id
    bad, good = (one.id for one in sorted(partition.runs.values(), key=lambda one: one.profile))
    with monkeypatch.context() as broken:
        broken.setattr(Offering, "close", breaking(bad))
        await partition.apply(at=2 * HOUR)
    assert [(one.id, one.kind) for one in partition.poisoned] == [(bad, "timer")]
    assert (partition.runs[bad].step, partition.runs[bad].due, partition.runs[good].step) == ("nap", None, "end")
    assert len(partition.inbox) == 1
    assert partition.count("w", "waiting", "nap") == 1
    await partition.apply(partition.event("stop"), at=3 * HOUR)
    assert partition.runs[bad].status == "exited"


@pytest.mark.parametrize("kind", [EntryKind.RUN, EntryKind.WORKFLOW, EntryKind.RECEIPT])
async def test_an_unknown_word_is_set_aside_alone(kind: EntryKind) -> None:
    partition = Partition()
    await partition.apply(partition.publish(EVERYTHING), partition.subscriber("d", "p"), partition.event("go", "a", k=1), at=SECOND)
    run = partition.run("w", "1")
    [push] = partition.pushes()
    entry = {
        EntryKind.RUN: lambda: partition.operator(run.id, "odd"),
        EntryKind.WORKFLOW: lambda: partition.change("w", "odd"),
        EntryKind.RECEIPT: lambda: partition.receipt(push.id, "odd"),
    }[kind]()
    await partition.apply(entry, partition.event("go", "b", k=2), at=2 * SECOND)
    assert [one.kind for one in partition.poisoned] == [kind]
    assert partition.run("w", "2").status == "waiting"
