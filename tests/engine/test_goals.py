"""Goals: the window, the end of the run, attribution, value, paths, merges, and what a profile may have open (semantics §6)."""

import pytest
from tests.engine.builders import HOUR, SECOND, Partition

from clarion.engine import offering

WORKFLOW = """
workflow: w
start: {{on: [{{event: go}}], key: event.k, while_running: parallel}}
exit: {exit}
settings: {{goal: {goal}}}
steps: {steps}
"""
NAP = "[{id: nap, wait: {for: 1h}}]"
PUSH = "[{id: push, push: {title: t, message: m, url: 'https://a.example/'}}]"


def document(goal: str, steps: str = NAP, exit: str = "[]") -> str:
    return WORKFLOW.format(goal=goal, steps=steps, exit=exit)


async def started(text: str) -> Partition:
    partition = Partition()
    await partition.apply(partition.publish(text), partition.subscriber("d", "p"), at=SECOND)
    await partition.apply(partition.event("go", k="k"), at=2 * SECOND)
    return partition


@pytest.mark.parametrize(("after", "count"), [(5 * HOUR, 1), (5 * HOUR + 1, 0)])
async def test_the_window_is_counted_from_entry_and_outlives_the_run(after: int, count: int) -> None:
    partition = await started(document("{event: buy, within: 5h}"))
    await partition.apply(at=3 * HOUR)
    assert partition.run("w", "k").status == "completed"
    await partition.apply(partition.event("buy", "e"), at=2 * SECOND + after)
    assert partition.count("w", "goals") == count
    assert partition.run("w", "k").status == "completed"
    assert [one["verdict"] for one in partition.verdicts("e").values()] == ["goal"] * count


@pytest.mark.parametrize(("count", "times"), [("first", 1), ("every", 3)])
async def test_the_first_one_counts_or_every_one(count: str, times: int) -> None:
    partition = await started(document(f"{{event: buy, within: 5h, value: event.total, count: {count}}}"))
    for number in range(3):
        await partition.apply(partition.event("buy", total=1.5), at=3 * SECOND + number)
    assert partition.count("w", "goals") == times
    assert partition.count("w", "value") == times * 1_500_000


async def test_split_paths_are_counted_also_empty_ones() -> None:
    steps = "[{id: s, split: {paths: [{percent: 100, name: all, steps: []}]}}]"
    partition = await started(document("{event: buy, within: 5h, value: event.total}", steps))
    await partition.apply(partition.event("buy", total=2), at=3 * SECOND)
    assert partition.count("w", "goals", "s", "all") == 1
    assert partition.count("w", "value", "s", "all") == 2_000_000


@pytest.mark.parametrize(("attribution", "receipt", "count"), [("click", "clicked", 1), ("click", "viewed", 0), ("view", "viewed", 1)])
@pytest.mark.parametrize("ended", [True, False])
async def test_attribution_to_a_receipt(attribution: str, receipt: str, count: int, ended: bool) -> None:
    text = document(f"{{event: buy, within: 5h, attribution: {attribution}}}", PUSH if ended else PUSH[:-1] + ", " + NAP[1:])
    partition = await started(text)
    assert partition.run("w", "k").status == ("completed" if ended else "waiting")
    await partition.apply(partition.event("buy"), at=3 * SECOND)
    assert partition.count("w", "goals") == 0
    [push] = partition.pushes()
    await partition.apply(partition.receipt(push.id, receipt), at=4 * SECOND)
    await partition.apply(partition.event("buy"), at=5 * SECOND)
    assert partition.count("w", "goals") == count


@pytest.mark.parametrize(
    "exit",
    ["[{event: PushEngage.Notification.Clicked}]", "[{audience: {all: [{field: subscriber.click_count, op: gte, value: 1}]}}]"],
    ids=["event", "audience"],
)
async def test_the_click_that_ends_the_run_is_what_its_goal_asks_for(exit: str) -> None:
    steps = PUSH[:-1] + ", " + NAP[1:]
    partition = await started(document("{event: buy, within: 5h, attribution: click}", steps, exit))
    [push] = partition.pushes()
    await partition.apply(partition.receipt(push.id, "clicked"), at=4 * SECOND)
    assert partition.run("w", "k").status == "exited"
    await partition.apply(partition.event("buy"), at=5 * SECOND)
    assert partition.count("w", "goals") == 1


@pytest.mark.parametrize("ended", [True, False])
async def test_open_goals_go_along_when_profiles_become_one(ended: bool) -> None:
    partition = Partition()
    await partition.apply(
        partition.publish(document("{event: buy, within: 5h}", "[]" if ended else NAP)), partition.subscriber("d"), at=SECOND
    )
    await partition.apply(partition.event("go", device="d", profile=None, k="k"), at=2 * SECOND)
    await partition.apply(partition.subscriber("d", "p"), at=3 * SECOND)
    await partition.apply(partition.event("buy"), at=4 * SECOND)
    assert partition.run("w", "k").profile == "n:p"
    assert partition.count("w", "goals") == 1


async def test_a_goal_that_is_over_does_not_go_along() -> None:
    """Whether the books of a batch still have such a run depends on how the log was cut: nothing may depend on that."""
    for cut in (True, False):
        partition = Partition()
        await partition.apply(partition.publish(document("{event: buy, within: 1h}", "[]")), partition.subscriber("d"), at=SECOND)
        await partition.apply(partition.event("go", device="d", profile=None, k="k"), at=2 * SECOND)
        if cut:
            await partition.apply(at=2 * HOUR)
        await partition.apply(partition.subscriber("d", "p"), at=2 * HOUR)
        assert partition.run("w", "k").profile == "a:d"


async def test_a_receipt_after_the_goal_is_over_changes_nothing() -> None:
    for cut in (True, False):
        partition = await started(document("{event: buy, within: 1h, attribution: click}", PUSH))
        heard = (
            "workflow: heard\nstart: {on: [{event: PushEngage.Notification.Clicked}], audience: {field: profile.a, op: exists}}\nsteps: []"
        )
        await partition.apply(partition.publish(heard), at=3 * SECOND)
        [push] = partition.pushes()
        if cut:
            await partition.apply(at=2 * HOUR)
        outcome = await partition.apply(partition.receipt(push.id, "clicked"), at=2 * HOUR)
        assert not outcome.runs


async def test_of_very_many_open_goals_the_oldest_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offering, "MOST_GOALS", 3)
    partition = Partition()
    await partition.apply(partition.publish(document("{event: buy, within: 5h}", "[]")), at=SECOND)
    for number in range(3):
        await partition.apply(partition.event("go", k=f"k{number}"), at=(2 + number) * SECOND)
    assert [run.goal_until is not None for run in partition.runs.values()] == [True] * 3
    await partition.apply(partition.event("go", k="k3"), at=6 * SECOND)
    assert {run.key: run.goal_until is not None for run in partition.runs.values()} == {"k0": False, "k1": True, "k2": True, "k3": True}
    await partition.apply(partition.event("buy"), at=7 * SECOND)
    assert partition.count("w", "goals") == 3


async def test_what_is_over_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offering, "MOST_GOALS", 2)
    for cut in (True, False):
        partition = Partition()
        await partition.apply(partition.publish(document("{event: buy, within: 5h}", "[]")), at=SECOND)
        await partition.apply(partition.event("go", k="long"), at=2 * SECOND)
        await partition.apply(partition.publish(document("{event: buy, within: 1h}", "[]")), at=3 * SECOND)
        await partition.apply(partition.event("go", k="short"), at=4 * SECOND)
        if cut:
            await partition.apply(at=2 * HOUR)
        await partition.apply(partition.event("go", k="new"), at=2 * HOUR)
        assert partition.run("w", "long").goal_until is not None
