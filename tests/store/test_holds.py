"""A pause, a resume or a stop acts at once on all deliveries of a workflow; what it does to them is done in bounded pieces."""

from typing import Any

from tests.store.builders import NOW, SITE, Owner, delivery
from tests.store.conftest import Database
from tests.store.test_outbox import again, claimed, ended, ids

from clarion.store.port import Store
from clarion.store.records.states import WorkflowState

MANY = 250
PIECE = 100


async def statuses(store: Store) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in await store.deliveries(SITE, None, 1_000):
        found[row.status] = found.get(row.status, 0) + 1
    return found


async def fill(owner: Owner, **fields: Any) -> None:
    await owner.commit(deliveries=[delivery(f"d{number:04}") for number in range(MANY)], **fields)


async def test_nothing_is_left_where_nothing_was_asked_for(store: Store, owner: Owner) -> None:
    assert await store.work_holds(0, PIECE) is None
    await owner.commit(hold=[(SITE, "cart")], release=[(SITE, "cart", 0)])
    await owner.work_holds()
    assert await store.work_holds(0, PIECE) is None


async def test_a_stop_ends_a_bounded_piece_at_a_time_and_nothing_of_it_is_offered(store: Store, owner: Owner) -> None:
    await fill(owner)
    await owner.commit(deliveries=[delivery("other", workflow="welcome")])
    await owner.commit(hold=[(SITE, "cart")], release=[(SITE, "cart", NOW + 1)], log_time=NOW + 3)
    assert await owner.waiting() == []  # none has ended with the commit
    assert await claimed(store) == ids("other")
    gone = 0
    while (done := await store.work_holds(0, PIECE)) is not None:
        assert 0 < done <= PIECE
        now_gone = len(await owner.waiting())
        assert 0 <= now_gone - gone <= PIECE
        gone = now_gone
        assert await claimed(store, now=NOW + 9) == []
    assert gone == MANY
    assert await statuses(store) == {"stale": MANY, "pending": 1}
    assert {one.received for one in await owner.waiting()} == {NOW + 3}
    assert await store.claim(10, NOW + 9) == ([], None)


async def test_a_resume_lets_a_bounded_piece_go_at_a_time(store: Store, owner: Owner) -> None:
    await fill(owner, hold=[(SITE, "cart")])
    assert await claimed(store) == []
    await owner.work_holds()
    await owner.commit(release=[(SITE, "cart", 0)])
    assert await claimed(store, MANY) == []
    assert await store.work_holds(0, PIECE) == PIECE
    assert await claimed(store, MANY) == ids(*(f"d{number:04}" for number in range(PIECE)))
    await owner.work_holds()
    assert len(await claimed(store, MANY)) == MANY - PIECE
    assert await owner.waiting() == []


async def test_what_follows_a_resume_does_not_wait_for_what_was_held(store: Store, owner: Owner) -> None:
    await fill(owner, hold=[(SITE, "cart")])
    await owner.commit(release=[(SITE, "cart", 0)])
    await owner.commit(deliveries=[delivery("new")])
    assert await claimed(store) == ids("new")


async def test_a_pause_in_the_middle_of_a_resume_holds_all_again(store: Store, owner: Owner) -> None:
    await fill(owner, hold=[(SITE, "cart")])
    await owner.work_holds()
    await owner.commit(release=[(SITE, "cart", 0)])
    await store.work_holds(0, PIECE)
    await owner.commit(hold=[(SITE, "cart")], workflows=[WorkflowState(SITE, "cart", 1, "paused")])
    assert await claimed(store, MANY) == []
    await owner.work_holds()
    assert await claimed(store, MANY) == []
    assert await statuses(store) == {"held": MANY}
    await owner.commit(release=[(SITE, "cart", 0)])
    await owner.work_holds()
    assert len(await claimed(store, MANY)) == MANY


async def test_what_an_unfinished_resume_has_found_stale_stays_stale(store: Store, owner: Owner) -> None:
    await fill(owner, hold=[(SITE, "cart")])
    await owner.work_holds()
    await owner.commit(release=[(SITE, "cart", NOW + 1)])
    await store.work_holds(0, PIECE)
    await owner.commit(hold=[(SITE, "cart")])
    await owner.work_holds()
    assert await store.work_holds(0, PIECE) is None
    await owner.commit(deliveries=[delivery("new", created=NOW + 5, due=NOW + 5)], release=[(SITE, "cart", 0)])
    await owner.work_holds()
    assert await claimed(store, now=NOW + 9) == ids("new")
    assert await statuses(store) == {"stale": MANY, "pending": 1}


async def test_it_goes_on_after_a_restart_and_nothing_is_offered_before(database: Database) -> None:
    store = database.store()
    await store.open()
    owner = await Owner.of(store)
    await fill(owner)
    await owner.commit(hold=[(SITE, "cart")], release=[(SITE, "cart", NOW + 1)])
    await store.work_holds(0, PIECE)
    await store.close()
    store = database.store()
    await store.open()
    assert await claimed(store, MANY) == []
    owner = await Owner.of(store)
    await owner.work_holds()
    assert await statuses(store) == {"stale": MANY}
    assert len(await owner.waiting()) == MANY
    await store.close()


async def test_a_push_that_is_just_being_sent_may_arrive(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery("a")])
    a = (await store.claim(1, NOW))[0][0]
    await owner.commit(hold=[(SITE, "cart")], release=[(SITE, "cart", NOW + 1)])
    await owner.work_holds()
    assert await store.work_holds(0, PIECE) == 0
    await store.report([ended(a)])
    assert await statuses(store) == {"sent": 1}
    assert await store.work_holds(0, PIECE) is None


async def test_a_push_that_was_being_sent_and_failed_is_not_tried_again_after_a_stop(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery("a"), delivery("b")])
    a, b = (await store.claim(2, NOW))[0]
    await owner.commit(hold=[(SITE, "cart")], release=[(SITE, "cart", NOW + 1)])
    await owner.work_holds()
    await store.report([again(a, NOW + 2)])
    await store.unclaim([b.id])
    assert await claimed(store, now=NOW + 9) == []
    await owner.work_holds()
    assert await statuses(store) == {"stale": 2}


async def test_one_that_is_being_sent_does_not_keep_others_waiting(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery("a"), delivery("b", workflow="welcome")])
    await store.claim(1, NOW)
    await owner.commit(hold=[(SITE, "cart"), (SITE, "welcome")], release=[(SITE, "cart", NOW + 1), (SITE, "welcome", NOW + 1)])
    await owner.work_holds()
    assert await statuses(store) == {"held": 1, "stale": 1}
