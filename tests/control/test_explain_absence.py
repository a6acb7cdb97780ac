"""Why somebody did not get a workflow, on a real store, with what a real engine recorded."""

from typing import Any

import msgspec
import pytest
from tests.control.explaining import break_engine, document, why
from tests.control.shop import DAY, NOON, SECOND, Shop, new_id

from clarion.control.explain import Whom, absence, explain_absence, explain_event, unapplied
from clarion.control.explain.people import find_person
from clarion.control.poisoned import discard_poisoned, retry_poisoned
from clarion.domain.ids import run_id
from clarion.domain.records import Event
from clarion.store.port import Store
from clarion.store.records.entries import EntryKind, NewEntry


@pytest.fixture
async def shop(store: Store) -> Shop:
    return await Shop.make(store)


@pytest.mark.parametrize(
    ("start", "events", "answer"),
    [
        (
            "on: [{event: go, where: {field: event.price, op: gte, value: 20}}]",
            [{"price": 12.5}],
            "start.on[0].where: event.price gte 20 — saw 12.5",
        ),
        (
            "on: [{event: go}], audience: {field: segments, op: in, value: [vip]}",
            [{}],
            'start.audience: segments in ["vip"] — saw []',
        ),
        ("on: [{event: go}], key: event.cart", [{}], "the key event.cart is missing (start.key)"),
        (
            "on: [{event: go}]",
            [{"timestamp": "2026-04-27T08:00:00Z"}],
            "it happened at 2026-04-27T08:00:00.000Z, more than 3d before 2026-05-01T12:00:00.000Z (start.max_age)",
        ),
        (
            "on: [{event: go}], again: never, while_running: parallel",
            [{}, {}],
            "it was last started at 2026-05-01T12:00:00.000Z and may never start again (start.again: never)",
        ),
        (
            "on: [{event: go}], again: {after: 36h}, while_running: parallel",
            [{}, {}],
            "it was last started at 2026-05-01T12:00:00.000Z and may start again from 2026-05-03T00:00:00.000Z (start.again: after 1d12h)",
        ),
    ],
)  # fmt: skip
async def test_the_row_and_the_value_of_a_refusal(shop: Shop, start: str, events: list[dict[str, Any]], answer: str) -> None:
    await shop.publish(document(start))
    for event in events:
        id = await shop.send("go", "ann", **event)
        shop.now += SECOND
    found = (await why(shop)).conclusion
    at = "2026-05-01T12:00:00.000Z" if len(events) == 1 else "2026-05-01T12:00:01.000Z"
    assert found.sentence == f"the last event that it listens for, go at {at}, did not start it: {answer}"
    assert (found.answer, found.event_id) == ("refused", id)


@pytest.mark.parametrize(
    ("change", "answer", "sentence"),
    [
        ("pause", "refused", "did not start it: the workflow was paused"),
        ("drain", "refused", "did not start it: the workflow was draining, which starts nothing"),
        ("archive", "archived", "came at 2026-05-01T12:00:01.000Z, when it was archived (at 2026-05-01T12:00:00.000Z)"),
    ],
)
async def test_a_workflow_that_starts_nothing(shop: Shop, change: str, answer: str, sentence: str) -> None:
    await shop.publish(document())
    await shop.change("w", change)
    shop.now += SECOND
    await shop.send("go", "ann")
    found = await why(shop)
    assert found.conclusion.answer == answer
    assert found.conclusion.sentence.endswith(sentence)
    assert found.conclusion.because == (f"the workflow is {found.status} now, since 2026-05-01T12:00:00.000Z",)[: answer == "refused"]


async def test_a_run_in_the_way_is_the_answer(shop: Shop) -> None:
    await shop.publish(document())
    first = await shop.send("go", "ann")
    run = run_id(shop.site.id, "w", first, None)
    shop.now += SECOND
    await shop.send("go", "ann")
    found = (await why(shop)).conclusion
    assert (found.answer, found.run_id) == ("waiting", run)
    assert found.sentence == (
        f"run {run}, started at 2026-05-01T12:00:00.000Z, has stood at step hour since 2026-05-01T12:00:00.000Z: "
        "waits until 2026-05-01T13:00:00.000Z"
    )
    assert found.because == (
        "the last event that it listens for, go at 2026-05-01T12:00:01.000Z, did not start it: "
        f"run {run} has been under way since 2026-05-01T12:00:00.000Z",
    )


async def test_a_start_that_ran_in_circles(shop: Shop) -> None:
    again = "[{id: again, send_event: {event: go}}]"
    await shop.publish(document("on: [{event: go}], while_running: parallel", again))
    await shop.send("go", "ann")
    found = (await why(shop)).conclusion
    assert found.answer == "refused"
    assert found.sentence.endswith("the event is 8 runs away from one from outside (at most 7)")


async def test_nothing_ever_started_because_nothing_came(shop: Shop) -> None:
    assert (await why(shop, "nope")).conclusion.answer == "unknown_workflow"
    await shop.publish(document())
    found = await why(shop)
    assert (found.conclusion.answer, found.events, found.status, found.version) == ("unknown_profile", ("go",), "active", 1)
    await shop.send("look", "ann")
    assert (await why(shop)).conclusion.sentence == "no event that it listens for has come for this profile: go"
    unknown = await explain_absence(shop.store, shop.site, Whom(device_token_hash="nobody"), "w")
    assert (unknown.conclusion.answer, unknown.device_token_hash) == ("unknown_subscriber", "nobody")


async def test_a_workflow_that_was_published_too_late(shop: Shop) -> None:
    id = await shop.send("go", "ann")
    shop.now += DAY
    await shop.publish(document())
    found = (await why(shop)).conclusion
    assert (found.answer, found.event_id) == ("published_later", id)
    assert found.sentence == (
        "the last event that it listens for, go, came at 2026-05-01T12:00:00.000Z, "
        "before version 1 was published (at 2026-05-02T12:00:00.000Z)"
    )


async def test_a_message_that_was_sent_or_not(shop: Shop) -> None:
    push = '[{id: push, push: {title: t, message: m, url: "https://shop.example/"}}]'
    await shop.publish(document(steps=push))
    await shop.send("go", "ann")
    nobody = (await why(shop)).conclusion
    assert nobody.answer == "ended"
    assert nobody.because == ("2026-05-01T12:00:00.000Z, step push: no push: the profile has no active subscriber",)
    await shop.register("phone", "ann")
    shop.now += SECOND
    await shop.send("go", "ann")
    assert (await why(shop)).conclusion.answer == "on_its_way"
    await shop.deliver()
    sent = (await why(shop)).conclusion
    assert (sent.answer, sent.sentence.partition(";")[0]) == ("sent", "a message was sent at 2026-05-01T12:00:01.000Z (step push)")
    shop.now += SECOND
    await shop.send("go", "ann")
    await shop.deliver("failed", 413)
    lost = (await why(shop)).conclusion
    assert (lost.answer, lost.sentence.partition(";")[0]) == (
        "not_delivered",
        "a push of step push was not delivered: failed at 2026-05-01T12:00:02.000Z (status 413)",
    )


async def test_a_forgotten_explanation_is_not_made_up(shop: Shop) -> None:
    await shop.publish(document("on: [{event: go, where: {field: event.price, op: gte, value: 20}}]"))
    id = await shop.send("go", "ann", price=1)
    assert await shop.store.forget("explanations", NOON + 1, 10) == 1
    found = (await why(shop)).conclusion
    assert (found.answer, found.event_id) == ("not_recorded", id)
    assert (await explain_event(shop.store, shop.site, id)).status == "nothing"


async def test_a_step_of_another_workflow_may_have_started_it(shop: Shop) -> None:
    await shop.publish(document("on: [{event: never}], audience: {field: profile.vip, op: eq, value: true}"))
    await shop.publish(document(steps="[{id: start, start_workflow: {workflow: w}}]", slug="outer"))
    await shop.send("go", "ann")
    found = (await why(shop)).conclusion
    assert found.answer == "refused"
    assert found.sentence.endswith("did not start it: start.audience: profile.vip eq true — the field is missing")


# -- what was not applied ------------------------------------------------------------------------------------------------

ASIDE = "could not be applied at 2026-05-01T12:00:00.000Z and was set aside: RuntimeError: no \\u001b[31mluck"


@pytest.mark.parametrize("known", [True, False])
async def test_an_event_that_was_set_aside_is_why(shop: Shop, monkeypatch: pytest.MonkeyPatch, *, known: bool) -> None:
    await shop.publish(document())
    if known:
        await shop.send("look", "ann")
    with monkeypatch.context() as patched:
        break_engine(patched)
        await shop.send("go", "bob")
        id = await shop.send("go", "ann")
        await shop.send("look", "ann")
    found = (await why(shop)).conclusion
    assert (found.answer, found.event_id, found.sentence) == ("set_aside", id, f"the last event that it listens for, go ({id}) {ASIDE}")
    assert (await why(shop, profile="eve")).conclusion.answer == "unknown_profile"
    await discard_poisoned(shop.store, shop.site, id)
    found = (await why(shop)).conclusion
    assert found.sentence == "no event that it listens for has come for this profile: go"


async def test_an_event_that_came_after_one_that_was_set_aside_is_why(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.publish(document("on: [{event: go, where: {field: event.price, op: gte, value: 20}}]"))
    await shop.send("go", "ann", price=1)
    shop.now += SECOND
    with monkeypatch.context() as patched:
        break_engine(patched)
        aside = await shop.send("go", "ann", price=25)
    assert (await why(shop)).conclusion.event_id == aside
    shop.now += SECOND
    low = await shop.send("go", "ann", price=2)
    found = (await why(shop)).conclusion
    assert (found.answer, found.event_id, found.because) == ("refused", low, ())
    shop.now += SECOND
    await retry_poisoned(shop.store, shop.site, aside, shop.now, new_id)
    assert (await why(shop)).conclusion.answer == "accepted"
    await shop.apply()
    assert (await why(shop)).conclusion.answer == "waiting"


async def test_an_event_that_named_a_subscriber_was_set_aside(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.register("phone", "ann")
    await shop.publish(document())
    with monkeypatch.context() as patched:
        break_engine(patched)
        await shop.send("go", "bob", "phone")  # the profile that is named decides
        assert (await why(shop)).conclusion.answer == "no_event"
        id = await shop.send("go", device="phone")
        lost = await shop.send("go", device="nobody")
    for whom in (Whom("ann"), Whom(device_token_hash="phone")):
        found = (await explain_absence(shop.store, shop.site, whom, "w")).conclusion
        assert (found.answer, found.event_id) == ("set_aside", id)
    nobody = (await explain_absence(shop.store, shop.site, Whom(device_token_hash="nobody"), "w")).conclusion
    assert (nobody.answer, nobody.because) == ("unknown_subscriber", (f"event go ({lost}) {ASIDE}",))


async def test_a_start_by_a_step_that_was_set_aside(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.publish(document("on: [{event: never}]"))
    await shop.publish(document("on: [{event: never}]", slug="other"))
    event = Event("e1", "go", profile_id="ann", workflow="w")
    broken = msgspec.json.encode(event).replace(b'"e1"', b"1")
    await shop.store.append([NewEntry(EntryKind.EVENT, shop.site.id, "e1", broken, shop.now)])
    await shop.apply()
    found = (await why(shop)).conclusion
    assert (found.answer, found.event_id) == ("set_aside", "e1")
    assert (await why(shop, "other")).conclusion.answer == "no_event"


@pytest.mark.parametrize("known", [True, False])
async def test_an_event_that_waits_for_the_engine_is_why(shop: Shop, *, known: bool) -> None:
    await shop.publish(document())
    if known:
        await shop.send("look", "ann")
    await shop.accept("go", "bob")
    await shop.accept("look", "ann")
    await shop.store.append([NewEntry(EntryKind.EVENT, shop.site.id, "odd", b"[]", shop.now)])
    await shop.store.append([NewEntry(EntryKind.EVENT, shop.site.id + 1, "other", b'{"name":"go","profile_id":"ann"}', shop.now)])
    assert (await why(shop)).conclusion.sentence == "no event that it listens for has come for this profile: go"
    await shop.accept("go", "ann")
    shop.now += SECOND
    id = await shop.accept("go", "ann")
    found = (await why(shop)).conclusion
    assert (found.answer, found.event_id) == ("accepted", id)
    assert found.sentence.endswith(f"go ({id}) was accepted at 2026-05-01T12:00:01.000Z and waits for the engine to take it")
    await shop.apply()
    assert (await why(shop)).conclusion.answer == "waiting"


async def test_an_event_that_leaves_the_inbox_meanwhile_is_not_said_to_wait(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.publish(document())
    await shop.send("look", "ann")
    await shop.accept("go", "ann")

    async def apply_first(*asked: Any) -> Any:
        await shop.apply()
        return await find_person(*asked)

    monkeypatch.setattr(absence, "find_person", apply_first)
    assert (await why(shop)).conclusion.answer == "waiting"
    shop.now += SECOND
    await shop.accept("go", "ann")
    break_engine(monkeypatch)
    assert (await why(shop)).conclusion.answer == "set_aside"


async def test_what_is_not_looked_at_is_said(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.publish(document())
    monkeypatch.setattr(unapplied, "MOST_INBOX", 2)
    monkeypatch.setattr(unapplied, "MOST_SET_ASIDE", 1)
    await shop.accept("go", "bob")
    assert (await why(shop)).conclusion.because == ()
    await shop.accept("go", "bob")
    found = (await why(shop)).conclusion
    assert (found.answer, len(found.because)) == ("unknown_profile", 1)
    with monkeypatch.context() as patched:
        break_engine(patched)
        await shop.send("look", "ann")
    lately = "no event that it listens for has come for this profile lately: go"
    assert (await why(shop)).conclusion.sentence == lately
    await shop.send("look", "ann")
    assert (await why(shop)).conclusion.sentence == lately
    monkeypatch.setattr(unapplied, "MOST_SET_ASIDE", 2)
    assert (await why(shop)).conclusion.sentence == lately.replace(" lately", "")
