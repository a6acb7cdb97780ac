"""What a batch of inputs comes to: starts, order, timers, exits, identity, pauses, poison."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.builders import HOUR, SECOND, SITE, Partition

from clarion.domain.ids import anonymous_profile, run_id
from clarion.domain.records import Event
from clarion.engine.offering import MOST_RUNS, Offering
from clarion.store.records.bodies import DeliveryOutcome, SiteChange
from clarion.store.records.commits import Outcome
from clarion.store.records.entries import EntryKind
from clarion.store.records.states import SiteState

CART = """
workflow: cart
start: {on: [{event: add}], key: event.cart}
exit: [{event: buy, where: {all: [{field: event.cart, op: eq, value: {from: entry.cart}}]}}]
steps:
  - {id: hour, wait: {for: 1h}}
  - {id: push, push: {title: "{{ cart }}", message: m, url: "https://shop.example/"}}
"""
AT_ONCE = """
workflow: now
start: {on: [{event: add}]}
steps: [{id: call, http: {url: "https://api.example/", body: {n: "{{ n }}"}}}]
"""


@pytest.fixture
async def partition() -> Partition:
    made = Partition()
    await made.apply(made.publish(CART), made.publish(AT_ONCE), at=SECOND)
    return made


async def test_an_event_starts_what_listens_and_creates_its_profile(partition: Partition) -> None:
    await partition.apply(partition.event("add", "e", cart="c", n=1), at=2 * SECOND)
    [waiting] = [run for run in partition.runs.values() if run.status == "waiting"]
    assert (waiting.workflow, waiting.key, waiting.step, waiting.due) == ("cart", "c", "hour", 2 * SECOND + HOUR)
    assert waiting.id == run_id(SITE, "cart", "e", "c")
    [delivery] = partition.deliveries.values()
    assert (delivery.kind, delivery.effect, delivery.id) == ("http", delivery.id, delivery.id)
    assert msgspec.json.decode(delivery.job)["body"] == '{"n":1}'
    assert (SITE, "n:p") in partition.profiles
    assert {name: one["verdict"] for name, one in partition.verdicts("e").items()} == {"cart": "started", "now": "started"}


async def test_a_timer_fires_before_a_later_entry_and_with_its_due_time(partition: Partition) -> None:
    await partition.apply(partition.subscriber("d", "p"), partition.event("add", cart="c"), at=2 * SECOND)
    await partition.apply(partition.event("buy", cart="c"), at=2 * SECOND + HOUR)
    [run] = [run for run in partition.runs.values() if run.workflow == "cart"]
    assert (run.status, run.ended) == ("completed", 2 * SECOND + HOUR)
    [push] = [one for one in partition.deliveries.values() if one.kind == "push"]
    assert push.subscriber == "d"


async def test_an_exit_one_microsecond_before_the_timer_wins(partition: Partition) -> None:
    await partition.apply(partition.event("add", cart="c"), at=2 * SECOND)
    await partition.apply(partition.event("buy", "b", cart="c"), at=2 * SECOND + HOUR - 1)
    [run] = [run for run in partition.runs.values() if run.workflow == "cart"]
    assert (run.status, run.reason) == ("exited", "event buy")
    assert partition.verdicts("b")["cart"]["verdict"] == "exited"


async def test_one_run_for_each_key_and_the_reasons_why_not(partition: Partition) -> None:
    await partition.apply(partition.event("add", cart="c"), partition.event("add", "twice", cart="c"), at=2 * SECOND)
    await partition.apply(partition.event("add", "other", cart="d"), partition.event("add", "none"), at=3 * SECOND)
    assert partition.verdicts("twice")["cart"]["verdict"] == "already_running"
    assert partition.verdicts("other")["cart"]["verdict"] == "started"
    assert partition.verdicts("none")["cart"]["verdict"] == "no_key"


@pytest.mark.parametrize(("age", "verdict"), [(72 * HOUR, "started"), (72 * HOUR + 1, "too_old")])
async def test_an_old_timestamp_starts_nothing(partition: Partition, age: int, verdict: str) -> None:
    now = 1_000 * HOUR
    await partition.apply(partition.event("add", "e", cart="c", timestamp=now - age), at=now)
    assert partition.verdicts("e")["cart"]["verdict"] == verdict


@pytest.mark.parametrize(("hops", "verdict"), [(7, "started"), (8, "hop_limit")])
async def test_the_hop_guard(partition: Partition, hops: int, verdict: str) -> None:
    await partition.apply(partition.event("add", "e", cart="c", hops=hops), at=2 * SECOND)
    assert partition.verdicts("e")["cart"]["verdict"] == verdict


async def test_where_names_the_row_and_the_value_it_saw() -> None:
    partition = Partition()
    text = "workflow: w\nstart: {on: [{event: add, where: {all: [{field: event.price, op: gte, value: 20}]}}]}\nsteps: []"
    await partition.apply(partition.publish(text), partition.event("add", "e", price=19.5), at=SECOND)
    verdict = partition.verdicts("e")["w"]
    assert (verdict["verdict"], verdict["rows"][0]["field"], verdict["rows"][0]["saw"]) == ("where", "event.price", 19.5)


@pytest.mark.parametrize(
    ("again", "gap", "verdict"),
    [
        ("always", 1, "started"),
        ("never", 70 * HOUR, "not_again"),
        ("{after: 2h}", 2 * HOUR - 1, "not_again"),
        ("{after: 2h}", 2 * HOUR, "started"),
    ],
)
async def test_again(again: str, gap: int, verdict: str) -> None:
    partition = Partition()
    await partition.apply(partition.publish(f"workflow: w\nstart: {{on: [{{event: add}}], again: {again}}}\nsteps: []"), at=SECOND)
    await partition.apply(partition.event("add"), at=2 * SECOND)
    await partition.apply(partition.event("add", "second"), at=2 * SECOND + gap)
    assert partition.verdicts("second")["w"]["verdict"] == verdict


async def test_restart_exits_the_running_one_and_parallel_runs_beside_it() -> None:
    partition = Partition()
    for mode in ("restart", "parallel"):
        text = f"workflow: {mode}\nstart: {{on: [{{event: add}}], while_running: {mode}}}\nsteps: [{{id: a, wait: {{for: 1h}}}}]"
        await partition.apply(partition.publish(text), at=SECOND)
    await partition.apply(partition.event("add"), partition.event("add"), at=2 * SECOND)
    assert sorted((run.workflow, run.status, run.reason) for run in partition.runs.values()) == [
        ("parallel", "waiting", None),
        ("parallel", "waiting", None),
        ("restart", "exited", "restarted"),
        ("restart", "waiting", None),
    ]


async def test_one_event_ends_one_run_and_starts_another_but_never_meets_what_it_started() -> None:
    partition = Partition()
    text = "workflow: w\nstart: {on: [{event: add}]}\nexit: [{event: add}]\nsteps: [{id: a, wait: {for: 1h}}]"
    await partition.apply(partition.publish(text), partition.event("add", "first"), at=SECOND)
    assert [run.status for run in partition.runs.values()] == ["waiting"]
    await partition.apply(partition.event("add", "second"), at=2 * SECOND)
    assert sorted(run.status for run in partition.runs.values()) == ["exited", "waiting"]


async def test_an_unknown_subscriber_starts_nothing_and_is_explained(partition: Partition) -> None:
    await partition.apply(partition.event("add", "e", device="nobody", profile=None, cart="c"), at=2 * SECOND)
    assert not partition.runs
    assert partition.verdicts("e")["cart"]["verdict"] == "unknown_subscriber"
    assert msgspec.json.decode(partition.explanations[-1].body)["unknown_subscriber"] is True


async def test_a_push_goes_to_each_active_subscriber_and_to_nobody_without_one(partition: Partition) -> None:
    await partition.apply(partition.subscriber("d1", "p"), partition.subscriber("d2", "p"), partition.event("add", cart="c"), at=2 * SECOND)
    await partition.apply(partition.event("add", profile="lonely", cart="c"), at=2 * SECOND)
    await partition.apply(at=3 * SECOND + HOUR)
    pushes = [one for one in partition.deliveries.values() if one.kind == "push"]
    assert sorted(one.subscriber or "" for one in pushes) == ["d1", "d2"]
    assert len({one.effect for one in pushes}) == 1
    assert len({one.id for one in pushes}) == 2
    told = [
        reason["what"]
        for one in partition.explanations
        for _, reasons in msgspec.json.decode(one.body).get("runs", [])
        for reason in reasons
    ]
    assert told.count("no_subscriber") == 1
    [lonely] = [one for one in partition.explanations if one.profile == "n:lonely" and b"no_subscriber" in bytes(one.body)]
    [[_, history]] = msgspec.json.decode(lonely.body)["runs"]
    assert [(reason["what"], reason["step"]) for reason in history] == [("no_subscriber", "push"), ("completed", "push")]
    payload = msgspec.json.decode(pushes[0].job)["payload"]
    assert payload["id"] == payload["tag"] == pushes[0].effect


async def test_gone_removes_the_subscriber_as_a_system_event() -> None:
    partition = Partition()
    text = "workflow: w\nstart: {on: [{event: PushEngage.Subscriber.Remove}]}\nsteps: [{id: a, http: {url: 'https://a.example/'}}]"
    await partition.apply(partition.publish(text), partition.subscriber("d", "p"), at=SECOND)
    outcome = DeliveryOutcome("x", "x", "r", "w", "s", "push", "gone", "n:p", "d", 410, "gone", hops=1)
    await partition.apply(partition.entry(EntryKind.OUTCOME, outcome), at=2 * SECOND)
    assert not partition.subscribers[SITE, "d"].active
    [run] = partition.runs.values()
    assert run.workflow == "w"
    await partition.apply(partition.entry(EntryKind.OUTCOME, outcome), at=3 * SECOND)
    assert len(partition.runs) == 1


@pytest.mark.parametrize(("outcome", "name"), [("sent", "PushEngage.Notification.Sent"), ("failed", "PushEngage.Notification.Failed")])
async def test_a_deliverys_fate_is_a_system_event(outcome: str, name: str) -> None:
    partition = Partition()
    text = f"workflow: w\nstart: {{on: [{{event: {name}, where: {{all: [{{field: event.step, op: eq, value: s}}]}}}}]}}\nsteps: []"
    await partition.apply(partition.publish(text), partition.subscriber("d", "p"), at=SECOND)
    body = DeliveryOutcome("x", "x", "r", "w", "s", "push", outcome, "n:p", "d", 201, hops=1)
    await partition.apply(partition.entry(EntryKind.OUTCOME, body), at=2 * SECOND)
    assert len(partition.runs) == 1


# -- identity --------------------------------------------------------------------------------------------------------


async def test_an_anonymous_profile_merges_into_the_named_one(partition: Partition) -> None:
    await partition.apply(partition.subscriber("d", None, attributes={"a": 1, "b": 1}), at=2 * SECOND)
    await partition.apply(partition.event("add", device="d", profile=None, cart="young"), at=3 * SECOND)
    await partition.apply(partition.event("add", device="d", profile=None, cart="both"), at=4 * SECOND)
    await partition.apply(partition.event("add", cart="both"), at=5 * SECOND)
    await partition.apply(partition.subscriber("d", "p", attributes={"b": 2}), at=6 * SECOND)
    assert partition.subscribers[SITE, "d"].profile == "n:p"
    assert partition.profiles[SITE, "n:p"].attributes == {"a": 1, "b": 2}
    runs = {(run.key, run.profile, run.status, run.reason) for run in partition.runs.values() if run.workflow == "cart"}
    assert runs == {("young", "n:p", "waiting", None), ("both", "n:p", "waiting", None), ("both", "n:p", "exited", "merged")}
    [kept] = [run for run in partition.runs.values() if run.key == "both" and run.status == "waiting"]
    assert kept.started == 4 * SECOND
    await partition.apply(partition.event("buy", cart="young"), at=7 * SECOND)
    assert [run.status for run in partition.runs.values() if run.key == "young"] == ["exited"]


async def test_a_change_between_named_profiles_moves_the_subscriber_only(partition: Partition) -> None:
    await partition.apply(partition.subscriber("d", "p", attributes={"a": 1}), partition.event("add", cart="c"), at=2 * SECOND)
    await partition.apply(partition.subscriber("d", "q"), at=3 * SECOND)
    assert partition.subscribers[SITE, "d"].profile == "n:q"
    assert partition.profiles[SITE, "n:p"].attributes == {"a": 1}
    assert {run.profile for run in partition.runs.values()} == {"n:p"}
    await partition.apply(at=3 * SECOND + HOUR)
    assert not [one for one in partition.deliveries.values() if one.kind == "push"]


async def test_a_lone_subscriber_has_a_profile_of_its_own(partition: Partition) -> None:
    await partition.apply(partition.subscriber("d"), partition.event("add", device="d", profile=None, cart="c"), at=2 * SECOND)
    assert {run.profile for run in partition.runs.values()} == {anonymous_profile("d")}


# -- pause -----------------------------------------------------------------------------------------------------------


async def test_a_paused_workflow_starts_nothing_holds_its_timers_and_still_exits(partition: Partition) -> None:
    await partition.apply(partition.event("add", cart="c"), partition.event("add", cart="d"), at=2 * SECOND)
    paused = await partition.apply(partition.change("cart", "pause"), at=3 * SECOND)
    assert paused.hold == [(SITE, "cart")]
    await partition.apply(partition.event("add", "no", cart="x"), at=3 * SECOND)
    assert partition.verdicts("no")["cart"]["verdict"] == "paused"
    await partition.apply(at=9 * HOUR)
    assert {run.held for run in partition.runs.values() if run.status == "waiting"} == {True}
    await partition.apply(partition.event("buy", cart="d"), at=9 * HOUR + 1)
    assert {run.key: run.status for run in partition.runs.values() if run.workflow == "cart"} == {"c": "waiting", "d": "exited"}
    resumed = await partition.apply(partition.change("cart", "resume", 24 * HOUR), at=10 * HOUR)
    assert resumed.release == [(SITE, "cart", -14 * HOUR)]
    await partition.apply(at=10 * HOUR + 5)
    [run] = [run for run in partition.runs.values() if run.key == "c"]
    assert (run.status, run.ended) == ("completed", 10 * HOUR)


@pytest.mark.parametrize("together", [True, False])
async def test_held_timers_come_before_what_follows_a_resume(partition: Partition, together: bool) -> None:
    await partition.apply(partition.subscriber("d", "p"), partition.event("add", cart="c"), at=2 * SECOND)
    await partition.apply(partition.change("cart", "pause"), at=3 * SECOND)
    await partition.apply(at=9 * HOUR)
    resume, buy = partition.change("cart", "resume", 24 * HOUR), partition.event("buy", cart="c")
    if together:
        await partition.apply(resume, buy, at=10 * HOUR)
    else:
        await partition.apply(resume, at=10 * HOUR)
        await partition.apply(buy, at=10 * HOUR)
    [run] = [run for run in partition.runs.values() if run.workflow == "cart"]
    assert run.status == "completed"
    assert [one for one in partition.deliveries.values() if one.kind == "push"]


@pytest.mark.parametrize(("skip", "sent"), [(24 * HOUR, 1), (9 * HOUR - 2 * SECOND, 1), (9 * HOUR - 2 * SECOND - 1, 0), (0, 0)])
async def test_pushes_that_a_pause_held_too_long_are_stale(partition: Partition, skip: int, sent: int) -> None:
    """The run is due at 1 h and 2 s; the resume comes at 10 h."""
    await partition.apply(partition.subscriber("d", "p"), partition.event("add", cart="c"), at=2 * SECOND)
    await partition.apply(partition.change("cart", "pause"), at=3 * SECOND)
    await partition.apply(at=9 * HOUR)
    await partition.apply(partition.change("cart", "resume", skip), at=10 * HOUR)
    await partition.apply(at=10 * HOUR)
    [run] = [run for run in partition.runs.values() if run.workflow == "cart"]
    assert run.status == "completed"
    assert len([one for one in partition.deliveries.values() if one.kind == "push"]) == sent
    assert any(b'"stale"' in bytes(one.body) for one in partition.explanations) is (sent == 0)


async def test_a_new_version_is_used_by_new_runs_only(partition: Partition) -> None:
    await partition.apply(partition.event("add", cart="c"), at=2 * SECOND)
    await partition.apply(partition.publish(CART.replace("1h", "2h")), partition.event("add", cart="d"), at=3 * SECOND)
    assert {run.key: (run.version, run.due) for run in partition.runs.values() if run.workflow == "cart"} == {
        "c": (1, 2 * SECOND + HOUR),
        "d": (2, 3 * SECOND + 2 * HOUR),
    }


# -- poison ----------------------------------------------------------------------------------------------------------


async def test_a_poisoned_entry_is_set_aside_whole_and_the_rest_go_on(partition: Partition, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = Offering._consider

    def breaks(self: Offering, state: Any, event: Event, *rest: Any) -> None:
        real(self, state, event, *rest)
        if event.id == "bad" and state.workflow == "now":
            raise ZeroDivisionError("boom")

    monkeypatch.setattr(Offering, "_consider", breaks)
    entries = [partition.event("add", id, profile=id, cart="c") for id in ("good", "bad", "fine")]
    outcome = await partition.apply(*entries, at=2 * SECOND)
    assert [(one.id, one.error) for one in partition.poisoned] == [("bad", "ZeroDivisionError: boom")]
    assert sorted(run.profile for run in partition.runs.values() if run.workflow == "cart") == ["n:fine", "n:good"]
    assert sorted(one.profile for one in partition.deliveries.values()) == ["n:fine", "n:good"]
    assert (SITE, "n:bad") not in partition.profiles
    assert [move.sequence for move in outcome.moved] == [3, 4, 5]
    assert not partition.verdicts("bad")


async def test_a_version_that_is_not_valid_any_more_fails_its_runs_alone(partition: Partition) -> None:
    await partition.apply(partition.event("add", cart="c"), at=2 * SECOND)
    partition.registry._programs[SITE, "cart", 1] = None
    partition.registry.put(partition.workflows[SITE, "cart"])
    await partition.apply(partition.event("add", "e2", cart="d"), at=3 * SECOND)
    [run] = [run for run in partition.runs.values() if run.workflow == "cart"]
    assert (run.status, run.reason) == ("failed", "version 1 is not valid in this version of Clarion")
    assert partition.verdicts("e2")["now"]["verdict"] == "started"
    assert not partition.poisoned


# -- order and bounds ------------------------------------------------------------------------------------------------

CHAIN = "\n".join(f"  - {{id: w{number}, wait: {{for: 1s}}}}" for number in range(8))


async def test_all_overdue_timers_fire_before_an_entry_however_few_fit_into_a_batch(partition: Partition) -> None:
    text = f"workflow: chain\nstart: {{on: [{{event: go}}]}}\nexit: [{{event: stop}}]\nsteps:\n{CHAIN}\n"
    await partition.apply(partition.publish(text), at=SECOND)
    await partition.apply(partition.event("go", "e"), at=2 * SECOND)
    partition.timers = 3
    await partition.apply(partition.event("stop"), at=HOUR)
    [run] = [run for run in partition.runs.values() if run.workflow == "chain"]
    assert (run.status, run.ended) == ("completed", 10 * SECOND)


@pytest.mark.parametrize("neighbour", [True, False])
async def test_the_subscriber_of_the_entry_event_counts_even_when_it_is_gone(neighbour: bool) -> None:
    partition = Partition()
    text = """
workflow: w
start: {on: [{event: go}]}
steps: [{id: a, wait: {for: 1h}}, {id: b, http: {url: "https://a.example/", body: "{{ subscriber.country }}"}}]
"""
    await partition.apply(partition.publish(text), at=SECOND)
    await partition.apply(
        partition.subscriber("d1", "p", facts={"country": "DE"}), partition.subscriber("d2", "p", facts={"country": "FR"}), at=SECOND
    )
    await partition.apply(partition.event("go", device="d1", profile=None), at=2 * SECOND)
    gone = DeliveryOutcome("x", "x", "r", "w", "s", "push", "gone", "n:p", "d1", 410)
    await partition.apply(partition.entry(EntryKind.OUTCOME, gone), at=3 * SECOND)
    more = [partition.event("other", device="d1", profile=None)] if neighbour else []
    await partition.apply(*more, at=2 * HOUR)
    [call] = partition.deliveries.values()
    assert msgspec.json.decode(call.job)["body"] == '"DE"'


async def test_dates_without_offset_are_in_the_sites_zone(partition: Partition) -> None:
    text = """
workflow: w
start: {on: [{event: go, where: {field: event.at, op: before, value: "2026-07-01T12:00:00Z"}}]}
steps: []
"""
    await partition.apply(partition.publish(text), partition.event("go", "utc", at="2026-07-01T13:00:00"), at=SECOND)
    await partition.apply(
        partition.entry(EntryKind.SITE, SiteChange("Europe/Berlin")), partition.event("go", "berlin", at="2026-07-01T13:00:00"), at=SECOND
    )
    assert partition.verdicts("utc")["w"]["verdict"] == "where"
    assert partition.verdicts("berlin")["w"]["verdict"] == "started"
    assert partition.outcomes[-1].sites == [SiteState(SITE, "Europe/Berlin")]


@pytest.mark.parametrize(("count", "verdict"), [(MOST_RUNS - 1, "started"), (MOST_RUNS, "too_many_runs")])
async def test_a_profile_has_a_bounded_number_of_runs_and_each_of_them_is_told_of_in_bounded_explanations(
    partition: Partition, count: int, verdict: str
) -> None:
    await partition.apply(*(partition.event("add", cart=f"c{number}") for number in range(count)), at=2 * SECOND)
    await partition.apply(partition.event("add", "last", cart="z"), at=3 * SECOND)
    assert partition.verdicts("last")["cart"]["verdict"] == verdict
    await partition.apply(partition.event("buy", "b", cart="none"), at=4 * SECOND)
    told = [msgspec.json.decode(one.body)["runs"] for one in partition.explanations if one.event == "b"]
    assert [len(runs) for runs in told] == [100] * 10
    assert {id for runs in told for id, _ in runs} == {run.id for run in partition.runs.values() if run.workflow == "cart"}


async def test_parallel_runs_all_move_when_profiles_merge() -> None:
    partition = Partition()
    text = "workflow: w\nstart: {on: [{event: add}], while_running: parallel}\nsteps: [{id: a, wait: {for: 1h}}]"
    await partition.apply(partition.publish(text), at=SECOND)
    await partition.apply(partition.subscriber("d"), partition.event("add", device="d", profile=None), at=2 * SECOND)
    await partition.apply(partition.event("add", device="d", profile=None), partition.event("add"), at=3 * SECOND)
    await partition.apply(partition.subscriber("d", "p"), at=4 * SECOND)
    assert {(run.profile, run.status) for run in partition.runs.values()} == {("n:p", "waiting")}
    assert len(partition.runs) == 3


async def test_again_is_remembered_through_a_merge() -> None:
    partition = Partition()
    text = "workflow: w\nstart: {on: [{event: add}], again: never}\nsteps: []"
    await partition.apply(partition.publish(text), at=SECOND)
    await partition.apply(partition.subscriber("d"), partition.event("add", device="d", profile=None), at=2 * SECOND)
    await partition.apply(partition.subscriber("d", "p"), partition.event("add", "again", device="d", profile=None), at=3 * SECOND)
    assert partition.verdicts("again")["w"]["verdict"] == "not_again"
    await partition.apply(partition.event("add", "named"), at=4 * SECOND)
    assert partition.verdicts("named")["w"]["verdict"] == "not_again"


async def test_a_stale_delivery_is_no_failed_notification() -> None:
    partition = Partition()
    text = "workflow: w\nstart: {on: [{event: PushEngage.Notification.Failed}]}\nsteps: []"
    await partition.apply(partition.publish(text), partition.subscriber("d", "p"), at=SECOND)
    await partition.apply(
        partition.entry(EntryKind.OUTCOME, DeliveryOutcome("x", "x", "r", "w", "s", "push", "stale", "n:p", "d")), at=2 * SECOND
    )
    assert not partition.runs


# -- determinism -----------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "buy", "other"]),
        st.sampled_from(["p", "q"]),
        st.sampled_from(["c", "d"]),
        st.integers(0, 2 * HOUR),
    ),
    max_size=15,
)


def told(outcome: Outcome) -> tuple[object, ...]:
    return (outcome.runs, outcome.deliveries, outcome.explanations, outcome.moved)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(1, 4))
async def test_the_same_log_gives_the_same_runs_effects_and_explanations_however_it_is_cut(
    steps: list[tuple[str, str, str, int]], size: int
) -> None:
    whole, cut = Partition(), Partition()
    for partition in (whole, cut):
        await partition.apply(partition.publish(CART), partition.publish(AT_ONCE), partition.subscriber("d", "p"), at=SECOND)
    now = SECOND
    for index, (name, profile, cart, gap) in enumerate(steps):
        now += gap if index % size == 0 else 0
        await cut.apply(cut.event(name, f"e{index}", profile=profile, cart=cart), at=now)
    now = SECOND
    for start in range(0, len(steps), size):
        group = steps[start : start + size]
        now += group[0][3]
        await whole.apply(
            *(whole.event(name, f"e{start + i}", profile=profile, cart=cart) for i, (name, profile, cart, _) in enumerate(group)), at=now
        )
    assert whole.runs == cut.runs
    assert whole.deliveries == cut.deliveries
    assert sorted(whole.explanations, key=repr) == sorted(cut.explanations, key=repr)
