"""`again` holds for whatever starts a workflow, system events too, and however the log is cut into batches."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.builders import HOUR, SECOND, Partition
from tests.engine.line import now_done, told

from clarion.store.records.bodies import DeliveryOutcome, Receipt
from clarion.store.records.entries import Entry, EntryKind

KEYS = (None, "event.country", "event.plan", "event.step", "event.device_token_hash", "event.sent_count")
EVENTS = (
    "PushEngage.Subscriber.Add",
    "PushEngage.Subscriber.Update",
    "PushEngage.Subscriber.Identify",
    "PushEngage.Subscriber.Remove",
    "PushEngage.Subscriber.AddSegment",
    "PushEngage.Notification.Sent",
    "PushEngage.Notification.Failed",
    "PushEngage.Notification.Viewed",
    "PushEngage.Notification.Clicked",
    "PushEngage.Notification.Closed",
    "go",
)
AGAIN = ("never", "{after: 1h}")


def document(name: str, events: Sequence[str], key: str | None, again: str) -> str:
    by = "" if key is None else f", key: {key}"
    on = ", ".join(f"{{event: {event}}}" for event in events)
    return f"workflow: {name}\nstart: {{on: [{on}]{by}, again: {again}}}\nsteps: [{{id: a, segment: {{add: '{name}'}}}}]"


def entry(partition: Partition, number: int, what: str, device: str, profile: str | None, word: str) -> Entry:
    """The same entry for every partition that has been given as many before."""
    match what:
        case "put":
            return partition.subscriber(device, profile, facts={"country": word}, attributes={"plan": word})
        case "bare put":
            return partition.subscriber(device, profile)
        case "go":
            return partition.event("go", f"go{number}", device, profile, country=word)
        case "sent" | "failed" | "gone":
            outcome = DeliveryOutcome(f"x{number}", "x", "r", "sender", word, "push", what, f"a:{device}", device)
            return partition.entry(EntryKind.OUTCOME, outcome)
    return partition.entry(EntryKind.RECEIPT, Receipt(what, f"x{number}", "r", "sender", 1, word, f"a:{device}", device))


WHAT = ("put", "put", "bare put", "go", "sent", "failed", "gone", "viewed", "clicked", "closed")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(WHAT),
        st.sampled_from(["d", "e"]),
        st.sampled_from([None, None, "p", "q"]),
        st.sampled_from(["DE", "FR"]),
        st.sampled_from([0, 0, 0, SECOND, 2 * HOUR]),
    ),
    min_size=1,
    max_size=14,
)
TEXTS = st.lists(
    st.tuples(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=4, unique=True), st.sampled_from(KEYS), st.sampled_from(AGAIN)),
    min_size=1,
    max_size=4,
)
Step = tuple[str, str, str | None, str, int]


def applied(texts: Sequence[tuple[Any, ...]], steps: Sequence[Step], how: str) -> Partition:
    partition, now = Partition(), HOUR
    partition.hurries, partition.in_pieces = how in {"hurried", "in pieces"}, how == "in pieces"
    now_done(partition.apply(*(partition.publish(document(f"w{place}", *text)) for place, text in enumerate(texts)), at=now))
    groups: list[list[Entry]] = []
    for number, (what, device, profile, word, gap) in enumerate(steps):
        made = entry(partition, number, what, device, profile, word)
        if gap or not groups:
            groups.append([])
        groups[-1].append(made)
    gaps = [steps[0][-1], *(gap for *_, gap in steps[1:] if gap)]
    for gap, group in zip(gaps, groups, strict=True):
        now += gap
        for part in [[one] for one in group] if how == "alone" else [group]:
            now_done(partition.apply(*part, at=now))
        now_done(partition.pump(now))
    return partition


def it_does_not_matter_how_the_log_is_cut(texts: Sequence[tuple[Any, ...]], steps: Sequence[Step]) -> None:
    whole = applied(texts, steps, "whole")
    assert not whole.poisoned
    for how in ("alone", "hurried", "in pieces"):
        assert told(applied(texts, steps, how)) == told(whole)


test_it_does_not_matter_how_the_log_is_cut = settings(max_examples=120, deadline=None)(
    given(TEXTS, STEPS)(it_does_not_matter_how_the_log_is_cut)
)
test_nor_for_many_logs = pytest.mark.soak(
    settings(max_examples=5000, deadline=None)(given(TEXTS, STEPS)(it_does_not_matter_how_the_log_is_cut))
)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("key", [None, "event.device_token_hash", "event.country"])
@pytest.mark.parametrize("again", AGAIN)
async def test_a_registration_starts_it_once(again: str, key: str | None, together: bool) -> None:
    partition = Partition()
    await partition.apply(partition.publish(document("w", ["PushEngage.Subscriber.Update"], key, again)), at=SECOND)
    entries = [partition.subscriber("d", facts={"country": "DE"}), *(partition.subscriber("d") for _ in range(3))]
    for group in [entries] if together else [[one] for one in entries]:
        await partition.apply(*group, at=2 * SECOND)
    assert len(partition.runs) == 1
    await partition.apply(partition.subscriber("d"), at=2 * SECOND + HOUR)
    assert len(partition.runs) == (1 if again == "never" else 2)


@pytest.mark.parametrize(("key", "learnt"), [(None, 0), ("event.step", 0)])
async def test_what_a_receipt_can_touch_is_read_beforehand(key: str | None, learnt: int) -> None:
    partition = Partition()
    await partition.apply(partition.publish(document("w", ["PushEngage.Notification.Clicked"], key, "never")), at=SECOND)
    await partition.apply(partition.subscriber("d", "p"), at=SECOND)
    for number in range(3):
        await partition.apply(entry(partition, number, "clicked", "d", None, "s"), at=(2 + number) * SECOND)
    assert (len(partition.runs), partition.learnt) == (1, learnt)


async def test_a_key_that_only_the_store_knows_is_read_when_it_is_met() -> None:
    partition = Partition()
    await partition.apply(partition.publish(document("w", ["PushEngage.Subscriber.Update"], "event.country", "never")), at=SECOND)
    await partition.apply(partition.subscriber("d", "p", facts={"country": "DE"}), at=2 * SECOND)
    for number in range(3):
        await partition.apply(partition.subscriber("d"), at=(3 + number) * SECOND)
    assert [run.key for run in partition.runs.values()] == ["DE"]
    assert partition.learnt == 3


async def test_who_joins_a_profile_that_has_been_started_is_not_started_again() -> None:
    partition = Partition()
    await partition.apply(partition.publish(document("w", ["PushEngage.Subscriber.Identify"], None, "never")), at=SECOND)
    await partition.apply(partition.subscriber("d", "p"), at=2 * SECOND)
    await partition.apply(partition.subscriber("e"), at=3 * SECOND)
    await partition.apply(partition.subscriber("e", "p"), at=4 * SECOND)
    assert [run.started for run in partition.runs.values()] == [2 * SECOND]
