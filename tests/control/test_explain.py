"""Explaining events, runs and people on a real store, with what a real engine recorded."""

import asyncio
from unittest.mock import AsyncMock

import msgspec
import pytest
from tests.control.explaining import CART, break_engine, document, told
from tests.control.shop import HOUR, NOON, SECOND, Shop

from clarion.control.errors import Invalid
from clarion.control.explain import Whom, explain_event, explain_person, explain_run, timeline
from clarion.control.explain.place import Place, read_place
from clarion.domain.ids import run_id
from clarion.store.port import NotFound, Store
from clarion.store.records.entries import Entry, EntryKind, LogRow


@pytest.fixture
async def shop(store: Store) -> Shop:
    return await Shop.make(store)


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


async def test_an_event_on_its_way_from_one_partition_to_another_still_waits(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    id = await shop.send("go", "ann")
    passed_on = Entry(1, EntryKind.EVENT, shop.site.id, id, msgspec.Raw(b"{}"), shop.now)
    monkeypatch.setattr(shop.store, "waiting_events", AsyncMock(return_value=[passed_on]))
    with pytest.raises(NotFound, match=rf"event {id} was accepted and waits for the engine to take it — ask again"):
        await explain_event(shop.store, shop.site, id)


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


def test_no_two_events_of_one_instant_have_the_same_place() -> None:
    rows = [
        LogRow(sequence, NOON, EntryKind.EVENT, 1, "e", msgspec.Raw(b"{}"), NOON, "n:ann", partition)
        for sequence in (1, 2, 4_096)
        for partition in (0, 1, 4_095)
    ]
    places = [timeline.Happening(NOON, row).place for row in rows]
    assert places == sorted(set(places))
    assert [read_place(place.text) for place in places] == places


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
