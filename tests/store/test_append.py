"""Entries get in whole, once, in order."""

import asyncio

import pytest
from tests.store.builders import NOW, Owner, claimed, entry
from tests.store.conftest import Clockwork, Database

from clarion.store.port import Store, StoreError
from clarion.store.records.entries import Appended

STORED, DUPLICATE, CONFLICT = Appended.STORED, Appended.DUPLICATE, Appended.CONFLICT


async def test_what_is_appended_can_be_taken_in_order(store: Store, owner: Owner) -> None:
    sent = [entry(f"e{number}", b'{"n":%d}' % number, received=NOW + number) for number in range(5)]
    assert await store.append(sent[:3]) == [STORED] * 3
    assert await store.append(sent[3:]) == [STORED] * 2
    taken = await owner.waiting()
    assert [(one.kind, one.site, one.id, bytes(one.body), one.received) for one in taken] == [
        (one.kind, one.site, one.id, one.body, one.received) for one in sent
    ]
    assert [one.position for one in taken] == sorted({one.position for one in taken})


async def test_nothing_appended_is_nothing_stored(store: Store, owner: Owner) -> None:
    assert await store.append([]) == []
    assert await owner.waiting() == []


async def test_a_position_is_never_given_twice(store: Store, owner: Owner) -> None:
    await store.append([entry("first"), entry("second")])
    before = await owner.waiting()
    await owner.commit(moved=before)
    await store.append([entry("third")])
    assert (await owner.waiting())[0].position > before[-1].position


async def test_many_callers_at_once_each_get_their_own_answer(store: Store, owner: Owner) -> None:
    sizes = [number % 4 for number in range(200)]
    answers = await asyncio.gather(*(store.append([entry(f"{call}-{one}") for one in range(size)]) for call, size in enumerate(sizes)))
    assert [len(answer) for answer in answers] == sizes
    assert len(await owner.waiting()) == sum(sizes)


async def test_one_callers_bad_entry_fails_that_caller_alone(store: Store, owner: Owner) -> None:
    good, bad = [entry("good"), entry("too")], [entry("fine"), entry("bad", b"{not json")]
    answers = await asyncio.gather(store.append(good), store.append(bad), store.append([claimed("claimed", "1")]), return_exceptions=True)
    assert answers[0] == [STORED, STORED]
    assert isinstance(answers[1], StoreError)
    assert answers[2] == [STORED]
    assert {one.id for one in await owner.waiting()} == {entry("good").id, entry("too").id, entry("claimed").id}


async def test_a_bad_entry_does_not_take_its_batchs_claims(store: Store) -> None:
    with pytest.raises(StoreError):
        await store.append([claimed("first", "1"), entry("bad", b"")])
    assert await store.append([claimed("second", "1", content="other")]) == [STORED]


# -- claims --------------------------------------------------------------------------------------------------------------


async def test_the_same_event_id_again_is_one_event(store: Store, owner: Owner) -> None:
    assert await store.append([claimed("first", "1")]) == [STORED]
    assert await store.append([claimed("again", "1")]) == [DUPLICATE]
    assert await store.append([claimed("other", "1", content="other")]) == [CONFLICT]
    assert [one.id for one in await owner.waiting()] == [entry("first").id]


async def test_claims_in_one_batch_are_judged_in_order(store: Store, owner: Owner) -> None:
    batch = [claimed("a", "1"), entry("plain"), claimed("b", "1"), claimed("c", "1", content="other"), claimed("d", "2"), claimed("e", "2")]
    assert await store.append(batch) == [STORED, STORED, DUPLICATE, CONFLICT, STORED, DUPLICATE]
    assert [one.id for one in await owner.waiting()] == [entry("a").id, entry("plain").id, entry("d").id]


async def test_of_equal_claims_at_the_same_time_one_is_stored(store: Store, owner: Owner) -> None:
    answers = await asyncio.gather(*(store.append([claimed(f"try {number}", "1")]) for number in range(50)))
    assert sorted(answer[0] for answer in answers) == [DUPLICATE] * 49 + [STORED]
    assert len(await owner.waiting()) == 1


async def test_a_claim_holds_for_its_site_and_target_only(store: Store) -> None:
    others = [claimed("a", "1"), claimed("b", "1", target="d:ann"), claimed("c", "1", target="p:bob"), claimed("d", "1", site=2)]
    assert await store.append(others) == [STORED] * 4


async def test_a_claim_outlives_its_entry_and_the_process(database: Database) -> None:
    for expected in (STORED, DUPLICATE):
        store = database.store()
        await store.open()
        assert await store.append([claimed("first", "1")]) == [expected]
        await (await Owner.of(store)).log_all()
        await store.close()


async def test_an_empty_content_is_a_content(store: Store) -> None:
    assert await store.append([claimed("first", "1", content="")]) == [STORED]
    assert await store.append([claimed("again", "1", content="")]) == [DUPLICATE]
    assert await store.append([claimed("both", "2", content=""), claimed("of them", "2", content="")]) == [STORED, DUPLICATE]


async def test_the_clock_of_claims_is_the_stores(store: Store, clock: Clockwork) -> None:
    """Within the promised day a claim holds, however far the store's clock has gone on."""
    await store.append([claimed("first", "1", received=clock.now)])
    clock.now += 24 * 3_600_000_000
    assert await store.append([claimed("again", "1", received=clock.now)]) == [DUPLICATE]
