"""What is told when retention has removed a part of what it was told from: the rest, and nothing that is made up."""

import itertools

import pytest
from tests.control.explaining import document, why
from tests.control.shop import NOON, SECOND, Shop

from clarion.control.explain import Whom, explain_event, explain_person, explain_run
from clarion.store.port import NotFound, Store

PUSHES = "[{id: push, push: {title: Hi, message: Hi, url: 'https://shop.example/'}}]"
KINDS = ("events", "explanations", "deliveries", "runs")


@pytest.fixture
async def shop(store: Store) -> Shop:
    return await Shop.make(store)


async def forget(shop: Shop, *kinds: str) -> None:
    for kind in kinds:
        while await shop.store.forget(kind, shop.now + 1, 100):
            pass


async def pushed(shop: Shop) -> tuple[str, str]:
    """A run that has sent a push and ended: its event and itself."""
    await shop.publish(document(steps=PUSHES))
    await shop.register("phone", "ann")
    shop.now += SECOND
    event = await shop.send("go", "ann")
    await shop.deliver()
    [run] = await shop.store.runs(shop.site.id, None, None, 10)
    return event, run.id


@pytest.mark.parametrize("kinds", [kinds for count in range(5) for kinds in itertools.combinations(KINDS, count)], ids="+".join)
async def test_every_question_has_an_answer_whatever_is_gone(kinds: tuple[str, ...], shop: Shop) -> None:
    event, run = await pushed(shop)
    await forget(shop, *kinds)
    for ask in (explain_event(shop.store, shop.site, event), explain_run(shop.store, shop.site, run)):
        try:
            answer = await ask
        except NotFound as said:
            assert str(said)  # noqa: PT017 - that there is none is an answer too
        else:
            assert answer is not None
    assert (await explain_person(shop.store, shop.site, Whom("ann"), None, 10)).profile_id == "ann"
    conclusion = (await why(shop)).conclusion
    expected = "no_event" if {"events", "explanations"} <= set(kinds) else "not_recorded"
    if "runs" not in kinds:
        expected = "ended" if "deliveries" in kinds else "sent"
    assert conclusion.answer == expected


async def test_a_run_that_is_gone_leaves_what_is_told_of_its_event(shop: Shop) -> None:
    event, run = await pushed(shop)
    await forget(shop, "runs", "events")
    told = await explain_event(shop.store, shop.site, event)
    assert (told.status, told.event, told.inputs[0].verdicts[0].verdict) == ("explained", None, "started")
    with pytest.raises(NotFound, match="there is no run"):
        await explain_run(shop.store, shop.site, run)


async def test_an_earlier_refusal_is_not_taken_for_the_answer_where_the_run_after_it_is_gone(shop: Shop) -> None:
    await shop.publish(document("on: [{event: go, where: {field: event.price, op: gte, value: 20}}]", PUSHES))
    await shop.send("go", "ann", price=1)
    shop.now += SECOND
    id = await shop.send("go", "ann", price=30)
    await forget(shop, "runs", "events")
    found = (await why(shop)).conclusion
    assert (found.answer, found.event_id) == ("not_recorded", id)
    shop.now += SECOND
    await shop.send("go", "ann", price=2)
    assert (await why(shop)).conclusion.answer == "refused"


async def test_no_event_is_said_of_what_is_kept_only(shop: Shop) -> None:
    await shop.publish(document())
    await shop.send("other", "ann")
    assert " lately" not in (await why(shop)).conclusion.sentence
    await forget(shop, "events")
    found = (await why(shop)).conclusion
    assert (found.answer, " lately" in found.sentence) == ("no_event", True)


async def test_an_event_that_is_gone_is_not_known(shop: Shop) -> None:
    assert shop.now == NOON
    id = await shop.send("other", "ann")
    assert (await explain_event(shop.store, shop.site, id)).status == "nothing"
    await forget(shop, *KINDS)
    with pytest.raises(NotFound, match="no event"):
        await explain_event(shop.store, shop.site, id)
