"""Explaining on a real store, with what a real engine recorded."""

import asyncio
from typing import Any

import msgspec
import pytest
from tests.control.shop import DAY, HOUR, NOON, SECOND, Shop, new_id

from clarion.control.errors import Invalid
from clarion.control.explain import Whom, absence, explain_absence, explain_event, explain_person, explain_run, timeline, unapplied
from clarion.control.explain.answers import AbsenceAnswer, ToldInput
from clarion.control.explain.people import find_person
from clarion.control.explain.place import Place, read_place
from clarion.control.poisoned import discard_poisoned, retry_poisoned
from clarion.domain.ids import run_id
from clarion.domain.records import Event
from clarion.engine.apply import Applier
from clarion.store.port import NotFound, Store
from clarion.store.records.entries import EntryKind, NewEntry

CART = """
workflow: cart
start:
  on: [{event: add_to_cart, where: {all: [{field: event.cart_id, op: exists}, {field: event.price, op: gte, value: 20}]}}]
  key: event.cart_id
exit: [{event: purchase, where: {all: [{field: event.cart_id, op: eq, value: {from: entry.cart_id}}]}}]
steps:
  - {id: hour, wait: {for: 1h}}
  - {id: remind, push: {title: Hi, message: "{{ name }}", url: "https://shop.example/"}}
"""


def document(start: str = "on: [{event: go}]", steps: str = "[{id: hour, wait: {for: 1h}}]", slug: str = "w") -> str:
    return f"workflow: {slug}\nstart: {{{start}}}\nsteps: {steps}\n"


@pytest.fixture
async def shop(store: Store) -> Shop:
    return await Shop.make(store)


def told(items: tuple[ToldInput, ...]) -> list[tuple[str, str, list[str]]]:
    """Kind, name and sentences of a timeline."""
    return [
        (
            one.kind,
            one.name,
            [verdict.sentence for verdict in one.verdicts]
            + [reason.sentence for run in one.runs for reason in run.reasons]
            + ([] if one.delivery is None else [one.delivery.sentence]),
        )
        for one in items
    ]


async def why(shop: Shop, workflow: str = "w", profile: str = "ann") -> AbsenceAnswer:
    return await explain_absence(shop.store, shop.site, Whom(profile), workflow)


# -- events --------------------------------------------------------------------------------------------------------------


async def test_an_event_that_started_a_run(shop: Shop) -> None:
    await shop.publish(CART)
    await shop.publish(document("on: [{event: add_to_cart, where: {field: event.price, op: lt, value: 1}}]", slug="cheap"))
    id = await shop.send("add_to_cart", "ann", cart_id="c1", price=25)
    run = run_id(shop.site.id, "cart", id, "c1")
    found = await explain_event(shop.store, shop.site, id)
    assert (found.status, found.event_name, found.at) == ("explained", "add_to_cart", NOON)
    assert found.sentence == "concerned 2 workflows, started 1 run and did something in 1 run"
    assert found.event is not None
    assert (found.event.profile_id, found.event.data) == ("ann", {"cart_id": "c1", "price": 25})
    [one] = found.inputs
    assert {verdict.workflow: verdict.sentence for verdict in one.verdicts} == {
        "cart": f'started run {run} (start.on[0].where.all[0]: event.cart_id exists — saw "c1")',
        "cheap": "not started: start.on[0].where: event.price lt 1 — saw 25",
    }
    assert [(told.run_id, told.workflow, told.version) for told in one.runs] == [(run, "cart", 1)]
    assert [reason.sentence for reason in one.runs[0].reasons] == ["waits until 2026-05-01T13:00:00.000Z"]
    assert found.deliveries == ()


async def test_what_an_event_had_sent(shop: Shop) -> None:
    await shop.register("phone", "ann")
    await shop.publish(document(steps='[{id: push, push: {title: t, message: m, url: "https://shop.example/"}}]'))
    before = await shop.send("go", "ann")
    await shop.deliver()
    id = await shop.send("go", "ann")
    await shop.deliver("failed", 500, "no \x1b[31mluck")
    found = await explain_event(shop.store, shop.site, id)
    [sent] = found.deliveries
    assert (sent.status, sent.step, sent.device_token_hash, sent.kind) == ("failed", "push", "phone", "push")
    assert sent.sentence == "push to phone: failed at 2026-05-01T12:00:00.000Z (no \\u001b[31mluck)"
    assert [one.sentence for one in sent.attempts] == ["attempt at 2026-05-01T12:00:00.000Z: status 500: no \\u001b[31mluck, after 12ms"]
    assert [one.status for one in (await explain_event(shop.store, shop.site, before)).deliveries] == ["sent"]


async def test_an_event_that_concerned_nobody(shop: Shop) -> None:
    await asyncio.gather(*(shop.accept("noise", "bob", n=number) for number in range(1_500)))
    id = await shop.accept("unheard", "ann", x=1)
    shop.now += HOUR
    await asyncio.gather(*(shop.accept("noise", "bob", n=number) for number in range(1_500)))
    await shop.apply()
    found = await explain_event(shop.store, shop.site, id)
    assert (found.status, found.event_name, found.inputs, found.deliveries) == ("nothing", "unheard", (), ())
    assert found.event is not None
    assert found.event.data == {"x": 1}


async def test_an_event_that_is_not_taken_yet_is_told_apart_from_one_that_is_unknown(shop: Shop) -> None:
    id = await shop.accept("go", "ann")
    with pytest.raises(NotFound, match=rf"event {id} was accepted and waits for the engine to take it — ask again"):
        await explain_event(shop.store, shop.site, id)
    for unknown in ("nope", "0" * 32, id[:-1] + ("0" if id[-1] == "f" else "f"), "é" * 32, ""):
        with pytest.raises(NotFound, match=r"no event .*is known; an event's id is the one in the log — see: clarion events tail"):
            await explain_event(shop.store, shop.site, unknown)


async def test_another_sites_event_and_run_are_not_known(shop: Shop) -> None:
    await shop.publish(document())
    id = await shop.send("go", "ann")
    other = msgspec.structs.replace(shop.site, id=shop.site.id + 1)
    with pytest.raises(NotFound, match="no event"):
        await explain_event(shop.store, other, id)
    run = run_id(shop.site.id, "w", id, None)
    with pytest.raises(NotFound, match="there is no run"):
        await explain_run(shop.store, other, run)
    with pytest.raises(NotFound, match="no event"):
        await explain_event(shop.store, other, run)


async def test_a_run_that_is_taken_for_an_event_is_pointed_out(shop: Shop) -> None:
    await shop.publish(document())
    run = run_id(shop.site.id, "w", await shop.send("go", "ann"), None)
    for _ in range(2):  # before and after its timer
        with pytest.raises(NotFound, match=f"{run} is a run, not an event — see: clarion explain --run {run}"):
            await explain_event(shop.store, shop.site, run)
        shop.now += HOUR
        await shop.apply()


async def test_an_event_for_an_unknown_subscriber(shop: Shop) -> None:
    await shop.publish(document())
    id = await shop.send("go", device="nobody")
    found = await explain_event(shop.store, shop.site, id)
    assert found.sentence == "named a subscriber that was not registered, and started nothing"
    assert [one.sentence for one in found.inputs[0].verdicts] == ["not started: no subscriber had the event's device_token_hash"]


def break_engine(patched: pytest.MonkeyPatch) -> None:
    """From now on every event is set aside."""

    def fail(*_: object) -> str:
        raise RuntimeError("no \x1b[31mluck")

    patched.setattr(Applier, "plain", lambda *_: None)
    patched.setattr(Applier, "event", fail)


async def test_an_event_that_was_set_aside(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        break_engine(patched)
        id = await shop.send("go", "ann")
    found = await explain_event(shop.store, shop.site, id)
    assert (found.status, found.sentence) == ("set_aside", "could not be applied and was set aside: RuntimeError: no \\u001b[31mluck")
    assert found.event_name == "go"


async def test_an_event_may_be_called_as_something_else_is(shop: Shop) -> None:
    for name in ("timer", "outcome", "operator", "workflow", "receipt", "subscriber"):
        await shop.publish(document(f"on: [{{event: {name}}}]", slug=name))
        id = await shop.send(name, "ann")
        assert [one.kind for one in (await explain_event(shop.store, shop.site, id)).inputs] == ["event"]


# -- runs ----------------------------------------------------------------------------------------------------------------


async def test_every_step_of_a_run(shop: Shop) -> None:
    await shop.register("phone", "ann")
    await shop.publish(CART)
    id = await shop.send("add_to_cart", "ann", cart_id="c1", price=25)
    run = run_id(shop.site.id, "cart", id, "c1")
    shop.now += 10 * SECOND
    await shop.send("purchase", "ann", cart_id="c2")
    assert (await explain_run(shop.store, shop.site, run)).sentence == (
        "has stood at step hour since 2026-05-01T12:00:00.000Z: waits until 2026-05-01T13:00:00.000Z"
    )
    shop.now = NOON + HOUR
    await shop.apply()
    await shop.deliver()
    found = await explain_run(shop.store, shop.site, run)
    assert [(line.at, line.step, line.sentence) for line in found.history] == [
        (NOON, "hour", "waits until 2026-05-01T13:00:00.000Z"),
        (
            NOON + 10 * SECOND,
            "hour",
            'did not exit: exit[0].where.all[0]: event.cart_id eq entry.cart_id (which is "c1") — saw "c2"',
        ),
        (NOON + HOUR, "remind", "sends a push; nothing to fill in for name"),
        (NOON + HOUR, "remind", "came to its end"),
    ]
    assert (found.workflow, found.version, found.profile_id, found.key, found.status) == ("cart", 1, "ann", "c1", "completed")
    assert (found.entry_event_id, found.entry_event_name, found.complete) == (id, "add_to_cart", True)
    assert found.sentence == "came to its end at 2026-05-01T13:00:00.000Z"
    assert [one.sentence for one in found.deliveries] == ["push to phone: sent at 2026-05-01T13:00:00.000Z"]


async def test_a_runs_history_goes_on_through_a_merge(shop: Shop) -> None:
    await shop.register("phone")
    await shop.publish(document())
    run = run_id(shop.site.id, "w", await shop.send("go", device="phone"), None)
    shop.now += SECOND
    await shop.register("phone", "ann")
    shop.now += HOUR
    await shop.apply()
    found = await explain_run(shop.store, shop.site, run)
    assert found.profile_id == "ann"
    assert [line.sentence for line in found.history] == ["waits until 2026-05-01T13:00:00.000Z", "came to its end"]


# -- timelines -----------------------------------------------------------------------------------------------------------


async def test_a_persons_timeline_goes_from_anonymous_to_named(shop: Shop) -> None:
    await shop.register("phone")
    await shop.publish(document(steps='[{id: push, push: {title: t, message: m, url: "https://shop.example/"}}]'))
    await shop.send("go", device="phone")
    await shop.deliver()
    shop.now += SECOND
    await shop.register("phone", "ann")
    shop.now += SECOND
    await shop.send("look", "ann")
    for whom in (Whom("ann"), Whom(device_token_hash="phone")):
        found = await explain_person(shop.store, shop.site, whom)
        assert (found.profile_id, found.devices, found.before) == ("ann", ("phone",), None)
        run = found.items[0].runs[0].run_id
        assert told(found.items) == [
            ("event", "go", [f"started run {run}", "sends a push", "came to its end"]),
            ("delivery", "delivery", ["push to phone: sent at 2026-05-01T12:00:00.000Z"]),
            ("event", "look", []),
        ]


async def pages(shop: Shop, limit: int, workflow: str | None = None) -> list[list[str]]:
    """Ids on the pages of ann's timeline, the earliest first."""
    found: list[list[str]] = []
    before: Place | None = None
    while True:
        page = await explain_person(shop.store, shop.site, Whom("ann"), workflow, limit, before)
        found.insert(0, [one.id for one in page.items])
        if page.before is None:
            return found
        before = read_place(page.before)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 12])
async def test_pages_of_a_timeline_show_everything_once(shop: Shop, limit: int) -> None:
    await shop.publish(document(steps="[]"))
    ids = []
    for number in range(12):
        ids.append(await shop.accept("go" if number % 2 else "noise", "ann", n=number))
        if number % 3 == 2:
            await shop.apply()
            shop.now += SECOND
    found = await pages(shop, limit)
    assert sorted(id for page in found for id in page) == sorted(ids)
    assert max(map(len, found)) == limit
    if limit % 3 == 0:  # no page ends amid an instant
        assert [id for page in found for id in page] == ids


async def test_an_instant_in_which_much_happened_is_shown_in_pages(shop: Shop) -> None:
    await shop.publish(document(steps="[]"))
    first = [await shop.accept("go", "ann", n=number) for number in range(3)]
    await shop.apply()
    shop.now += SECOND
    crowd = await asyncio.gather(*(shop.accept("go", "ann", n=number) for number in range(450)))
    await shop.apply()
    found = await pages(shop, 100)
    assert [id for page in found for id in page] == [*first, *crowd]
    assert [len(page) for page in found] == [53, 100, 100, 100, 100]


async def test_a_page_has_so_much_and_no_more(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.publish(document(steps="[]"))
    ids = []
    for number in range(6):
        ids.append(await shop.send("go" if number % 2 else "noise", "ann", pad="x" * 3_000))
        shop.now += SECOND
    monkeypatch.setattr(timeline, "MOST_BYTES", 8_000)
    assert await pages(shop, 50) == [ids[:2], ids[2:4], ids[4:]]
    monkeypatch.setattr(timeline, "MOST_BYTES", 1)
    assert await pages(shop, 50) == [[id] for id in ids]


async def test_what_is_far_back_of_one_workflow_is_found_page_by_page(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.publish(document("on: [{event: first}]", "[]", "one"))
    await shop.publish(document("on: [{event: second}]", "[]", "two"))
    wanted = await shop.send("first", "ann")
    for _ in range(5):
        await shop.send("second", "ann")
    monkeypatch.setattr(timeline, "MOST_SEARCHED", 2)
    assert [id for page in await pages(shop, 50, "one") for id in page] == [wanted]


@pytest.mark.parametrize("text", ["", "1", "1.1", "1.3.1", "-1.0.0", "1.0.x", "1.0.0 ", f"{2**63}.0.0", "1.0." + "9" * 20])
def test_a_page_begins_where_another_ended(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_place(text)
    assert refused.value.path == "before"
    for place in (Place(0, 0, 0), Place(2**63 - 1, 2, 2**63 - 1)):
        assert read_place(place.text) == place


async def test_a_timeline_of_one_workflow(shop: Shop) -> None:
    await shop.publish(document(slug="one"))
    await shop.publish(document("on: [{event: other}]", slug="two"))
    for name in ("other", "go", "noise"):
        shop.now += SECOND
        await shop.send(name, "ann")
    shop.now = NOON + 2 * HOUR
    await shop.apply()
    found = await explain_person(shop.store, shop.site, Whom("ann"), "one")
    assert [(one.kind, one.name) for one in found.items] == [("event", "go"), ("timer", "timer")]
    assert {verdict.workflow for one in found.items for verdict in one.verdicts} == {"one"}


async def test_nobody_has_no_timeline(shop: Shop) -> None:
    with pytest.raises(NotFound, match="there is no such profile: nothing has ever come for it"):
        await explain_person(shop.store, shop.site, Whom("nobody"))
    with pytest.raises(NotFound, match="there is no such subscriber: events that name it are recorded and start nothing"):
        await explain_person(shop.store, shop.site, Whom(device_token_hash="nobody"))


# -- why not -------------------------------------------------------------------------------------------------------------


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
    assert await shop.store.forget_explanations(NOON + 1, 10) == 1
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
