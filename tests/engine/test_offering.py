"""To whom an event is offered, and in which order: goals, exit rules, `wait_for` steps, workflow starts (semantics §5)."""

import msgspec
import pytest
from tests.engine.builders import HOUR, SECOND, Partition

OFFERED = """
workflow: {name}
start: {{on: [{{event: {start}}}]}}
exit: {exit}
settings: {settings}
steps: [{step}]
"""
SLEEP = "{id: nap, wait: {for: 10h}}"


def document(name: str, start: str = "never", exit: str = "[]", settings: str = "{}", step: str = SLEEP) -> str:
    return OFFERED.format(name=name, start=start, exit=exit, settings=settings, step=step)


async def test_goals_come_before_exits_exits_before_waits_and_waits_before_starts_over_all_workflows() -> None:
    partition = Partition()
    # the names are against the order: what is offered first would come last by name
    documents = (
        document("d-goal", "begin", settings="{goal: {event: it, within: 1d}}"),
        document("c-exit", "begin", "[{event: it}]"),
        document("b-wait", "begin", step="{id: w, wait_for: {on: [{event: it}], timeout: 1d}}"),
        document("a-start", "it"),
    )
    await partition.apply(*(partition.publish(text) for text in documents), at=SECOND)
    await partition.apply(partition.event("begin"), at=2 * SECOND)
    await partition.apply(partition.event("it", "e"), at=3 * SECOND)
    [told] = [msgspec.json.decode(one.body) for one in partition.explanations if one.event == "e"]
    assert [(verdict["workflow"], verdict["verdict"]) for verdict in told["verdicts"]] == [
        ("d-goal", "goal"),
        ("c-exit", "exited"),
        ("b-wait", "resumed"),
        ("a-start", "started"),
    ]


async def test_a_goal_counts_although_the_same_event_ends_the_run() -> None:
    partition = Partition()
    text = document("w", "begin", "[{event: it}]", "{goal: {event: it, within: 1d}}")
    await partition.apply(partition.publish(text), partition.event("begin"), at=SECOND)
    await partition.apply(partition.event("it", "e"), at=2 * SECOND)
    assert partition.count("w", "goals") == 1
    assert partition.run("w").status == "exited"


async def test_an_exit_rule_comes_before_the_wait_of_the_same_run() -> None:
    partition = Partition()
    step = "{id: w, wait_for: {on: [{event: it}], timeout: 1d, then: [{id: call, http: {url: 'https://a.example/'}}]}}"
    await partition.apply(partition.publish(document("w", "begin", "[{event: it}]", step=step)), partition.event("begin"), at=SECOND)
    await partition.apply(partition.event("it"), at=2 * SECOND)
    assert (partition.run("w").status, partition.run("w").reason) == ("exited", "event it")
    assert not partition.deliveries


async def test_one_event_ends_the_run_of_one_workflow_and_starts_another() -> None:
    partition = Partition()
    await partition.apply(
        partition.publish(document("cart", "add", "[{event: buy}]")), partition.publish(document("thanks", "buy")), at=SECOND
    )
    await partition.apply(partition.event("add"), at=2 * SECOND)
    await partition.apply(partition.event("buy", "e"), at=3 * SECOND)
    assert {name: one["verdict"] for name, one in partition.verdicts("e").items()} == {"cart": "exited", "thanks": "started"}


async def test_what_an_event_started_is_not_offered_the_event() -> None:
    partition = Partition()
    step = "{id: w, wait_for: {on: [{event: it}], timeout: 1d}}"
    text = document("w", "it", "[{event: it, where: {field: event.n, op: eq, value: 2}}]", "{goal: {event: it, within: 1d}}", step)
    await partition.apply(partition.publish(text), partition.event("it", n=2), at=SECOND)
    assert (partition.run("w").status, partition.run("w").step) == ("waiting", "w")
    assert partition.count("w", "goals") == 0


async def test_a_wait_that_the_event_brings_the_run_to_does_not_get_the_same_event() -> None:
    partition = Partition()
    step = "{id: one, wait_for: {on: [{event: it}], timeout: 1d}}, {id: two, wait_for: {on: [{event: it}], timeout: 1d}}"
    await partition.apply(partition.publish(document("w", "begin", step=step)), partition.event("begin"), at=SECOND)
    await partition.apply(partition.event("it"), at=2 * SECOND)
    assert partition.run("w").step == "two"
    await partition.apply(partition.event("it"), at=3 * SECOND)
    assert partition.run("w").status == "completed"


async def test_where_of_a_wait_sees_the_event_and_the_starting_event() -> None:
    partition = Partition()
    where = "where: {all: [{field: event.cart, op: eq, value: {from: entry.cart}}, {field: event.paid, op: eq, value: true}]}"
    step = f"{{id: w, wait_for: {{on: [{{event: it, {where}}}], timeout: 1d}}}}"
    await partition.apply(partition.publish(document("w", "begin", step=step)), partition.event("begin", cart="c"), at=SECOND)
    for cart, paid, step_after in (("d", True, "w"), ("c", False, "w"), ("c", True, None)):
        await partition.apply(partition.event("it", cart=cart, paid=paid), at=2 * SECOND)
        assert partition.run("w").step == step_after


async def test_runs_of_another_profile_are_not_concerned() -> None:
    partition = Partition()
    await partition.apply(partition.publish(document("w", "begin", "[{event: it}]")), at=SECOND)
    await partition.apply(partition.event("begin", profile="p"), partition.event("begin", profile="q"), at=2 * SECOND)
    await partition.apply(partition.event("it", profile="p"), at=3 * SECOND)
    assert {run.profile: run.status for run in partition.runs.values()} == {"n:p": "exited", "n:q": "waiting"}


async def test_a_run_that_another_runs_step_has_stopped_does_not_get_the_event() -> None:
    partition = Partition()
    wait = "{{id: w, wait_for: {{on: [{{event: it}}], timeout: 1d, then: [{then}]}}}}"
    first = document("first", "begin", step=wait.format(then="{id: s, stop_workflow: {workflow: second}}"))
    second = document("second", "begin", step=wait.format(then="{id: call, http: {url: 'https://a.example/'}}"))
    await partition.apply(partition.publish(first), partition.publish(second), at=SECOND)
    await partition.apply(partition.event("begin", "a"), at=2 * SECOND)
    order = [run.workflow for run in sorted(partition.runs.values(), key=lambda run: (run.started, run.id))]
    await partition.apply(partition.event("it"), at=2 * SECOND + HOUR)
    stopped = order.index("first") < order.index("second")
    assert partition.run("second").status == ("exited" if stopped else "completed")
    assert len(partition.deliveries) == (0 if stopped else 1)


@pytest.mark.parametrize(("n", "heard"), [(1, {"w": "hop_limit"}), (2, {})])
async def test_the_hop_limit_is_told_only_of_what_would_have_been_resumed(n: int, heard: dict[str, str]) -> None:
    where = "where: {field: event.n, op: eq, value: 1}"
    partition = Partition()
    await partition.apply(
        partition.publish(document("w", "begin", step=f"{{id: w, wait_for: {{on: [{{event: it, {where}}}], timeout: 1d}}}}")), at=SECOND
    )
    await partition.apply(partition.event("begin"), at=2 * SECOND)
    await partition.apply(partition.event("it", "e", n=n, hops=8), at=3 * SECOND)
    assert {workflow: verdict["verdict"] for workflow, verdict in partition.verdicts("e").items()} == heard
    assert partition.run("w").status == "waiting"
    assert ("not_resumed" in [what for what, _ in partition.history(partition.run("w").id)]) is (n == 2)
