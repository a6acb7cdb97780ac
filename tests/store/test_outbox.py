"""Deliveries go out oldest first, each claimed by one; what has ended is told to the engine once."""

import asyncio

import msgspec
from tests.store.builders import NOW, SITE, Owner, delivery
from tests.store.conftest import Database

from clarion.domain.ids import caused_event_id
from clarion.store.port import Store
from clarion.store.records.bodies import DeliveryOutcome
from clarion.store.records.deliveries import Attempt, Delivery, Report
from clarion.store.records.entries import EntryKind
from clarion.store.records.states import WorkflowState


def ids(*names: str) -> list[str]:
    return [delivery(name).id for name in names]


async def claimed(store: Store, limit: int = 100, now: int = NOW) -> list[str]:
    return [one.id for one in (await store.claim(limit, now))[0]]


def tried(one: Delivery, at: int = NOW, status: int | None = 500) -> Delivery:
    return msgspec.structs.replace(one, attempts=(*one.attempts, Attempt(at, 1_500, status)))


def again(one: Delivery, retry_at: int, at: int = NOW) -> Report:
    return Report(tried(one, at), None, at, retry_at=retry_at)


def ended(one: Delivery, outcome: str = "sent", at: int = NOW, status: int | None = 201, reason: str | None = None) -> Report:
    return Report(tried(one, at, status), outcome, at, status=status, reason=reason)


# -- claiming ------------------------------------------------------------------------------------------------------------


async def test_an_empty_outbox_offers_nothing(store: Store) -> None:
    assert await store.claim(10, NOW) == ([], None)


async def test_a_delivery_is_claimed_as_it_was_committed(store: Store, owner: Owner) -> None:
    one = delivery(
        "a", hops=3, version=7, attempts=(Attempt(NOW, 7, None, "reset"),), subscriber=None, kind="http", job=msgspec.Raw(b'{"n":1e2}')
    )
    await owner.commit(deliveries=[one])
    assert await store.claim(10, NOW) == ([one], None)


async def test_a_claimed_delivery_is_nobody_elses(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery(name) for name in "abcde"])
    assert await claimed(store, 2) == ids("a", "b")
    assert await claimed(store, 2) == ids("c", "d")
    assert await claimed(store) == ids("e")
    assert await store.claim(10, NOW) == ([], None)


async def test_claims_at_the_same_time_share_nothing(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery(f"d{number}") for number in range(50)])
    taken = await asyncio.gather(*(claimed(store, 7) for _ in range(10)))
    assert sorted(one for some in taken for one in some) == sorted(ids(*(f"d{number}" for number in range(50))))


async def test_it_says_when_the_next_one_is_due(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery("a"), delivery("b", due=NOW + 9), delivery("c", due=NOW + 5), delivery("d")])
    first, next_due = await store.claim(1, NOW)
    assert ([one.id for one in first], next_due) == (ids("a"), NOW)
    assert (await store.claim(10, NOW))[1] == NOW + 5
    assert await claimed(store, now=NOW + 4) == []
    assert await claimed(store, now=NOW + 5) == ids("c")
    assert await claimed(store, now=NOW + 9) == ids("b")


async def test_what_was_created_later_but_is_due_earlier_does_not_wait(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery("later", created=NOW + 9, due=NOW + 9), delivery("now")])
    assert await claimed(store) == ids("now")
    assert await claimed(store, now=NOW + 9) == ids("later")


async def test_with_a_clock_behind_the_log_nothing_goes_early_or_is_lost(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery("a"), delivery("b", created=NOW + 2, due=NOW + 2)], log_time=NOW + 3)
    assert await store.claim(10, NOW - 1) == ([], NOW)
    assert (await claimed(store, now=NOW), (await store.claim(10, NOW))[1]) == (ids("a"), NOW + 2)
    assert await claimed(store, now=NOW + 2) == ids("b")


async def test_what_is_given_back_is_offered_again_first(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery(name) for name in "abcd"])
    await claimed(store, 3)
    await store.unclaim(ids("b", "a", "unknown"))
    assert set(await claimed(store, 2)) == set(ids("a", "b"))
    assert await claimed(store) == ids("d")


async def test_given_back_over_the_limit_waits_for_the_next_claim(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery(f"d{number}") for number in range(10)])
    everyone = await claimed(store)
    await store.unclaim(everyone)
    seen: list[str] = []
    for _ in range(4):
        some, next_due = await store.claim(3, NOW)
        seen += [one.id for one in some]
        assert next_due == (NOW if len(seen) < 10 else None)
    assert sorted(seen) == sorted(everyone)


async def test_after_a_restart_everything_unfinished_is_offered_again(database: Database) -> None:
    store = database.store()
    await store.open()
    owner = await Owner.of(store)
    await owner.commit(deliveries=[delivery(name) for name in "abc"])
    taken, _ = await store.claim(10, NOW)
    await store.report([ended(taken[0]), again(taken[1], NOW + 5)])
    await store.close()
    store = database.store()
    await store.open()
    assert await claimed(store) == ids("c")
    assert await claimed(store, now=NOW + 5) == ids("b")
    await store.close()


async def test_a_delivery_is_put_out_once(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery("a"), delivery("a", step="other")])
    taken, _ = await store.claim(10, NOW)
    assert taken == [delivery("a")]
    await owner.commit(deliveries=[delivery("a")])
    assert await claimed(store) == []
    await store.report([ended(taken[0])])
    await owner.commit(deliveries=[delivery("a"), delivery("b")])
    assert await claimed(store) == ids("b")


# -- reporting -----------------------------------------------------------------------------------------------------------


async def test_an_ended_delivery_tells_the_engine(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery("a", hops=2)])
    taken, _ = await store.claim(10, NOW)
    await store.report([ended(taken[0], "failed", NOW + 4, 413, "too large")])
    told = await owner.waiting()
    assert [(one.kind, one.site, one.id, one.received) for one in told] == [
        (EntryKind.OUTCOME, SITE, caused_event_id(taken[0].id, "outcome", 0), NOW + 4)
    ]
    one = delivery("a")
    assert msgspec.json.decode(told[0].body, type=DeliveryOutcome) == DeliveryOutcome(
        one.id, one.effect, one.run, one.workflow, one.step, one.kind, "failed", one.profile, one.subscriber, 413, "too large", 2
    )
    rows = await store.deliveries(SITE, one.run, 10)
    assert [(row.status, row.finished, row.delivery.attempts) for row in rows] == [("failed", NOW + 4, (Attempt(NOW + 4, 1_500, 413),))]


async def test_the_engine_is_told_the_version_and_what_was_answered(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery("call", kind="http", version=7), delivery("push", version=7)])
    call, push = (await store.claim(10, NOW))[0]
    answered: dict[str, str | int | float | bool] = {"id": 2**53 + 1, "ok": True, "price": 1.5, "näme": "é"}
    await store.report([msgspec.structs.replace(ended(call), response=answered), ended(push)])
    told = [msgspec.json.decode(one.body, type=DeliveryOutcome) for one in await owner.waiting()]
    assert [(one.delivery, one.version, one.response) for one in told] == [(call.id, 7, answered), (push.id, 7, None)]


async def test_the_engine_is_told_which_subscription_is_gone(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery("a"), delivery("b"), delivery("c", job=msgspec.Raw(b'{"endpoint":1}'))])
    a, b, c = (await store.claim(10, NOW))[0]
    await store.report([ended(a, "gone"), ended(b, "failed"), ended(c, "gone")])
    told = {body.delivery: body.endpoint for one in await owner.waiting() for body in [msgspec.json.decode(one.body, type=DeliveryOutcome)]}
    assert told == {a.id: "https://push.example/1", b.id: None, c.id: None}


async def test_a_delivery_ends_once(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery("a"), delivery("b")])
    a, b = (await store.claim(10, NOW))[0]
    await store.report([ended(a), ended(a, "failed")])
    await store.report([ended(a, "failed"), again(a, NOW + 1), ended(b), ended(delivery("never there"))])
    assert len(await owner.waiting()) == 2
    assert [row.status for row in await store.deliveries(SITE, None, 10)] == ["sent", "sent"]
    assert await store.claim(10, NOW + 9) == ([], None)


async def test_a_failed_attempt_is_tried_again_when_it_is_time(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery("a"), delivery("b")])
    a, b = (await store.claim(10, NOW))[0]
    await store.report([again(a, NOW + 10), again(b, NOW + 5)])
    assert await store.claim(10, NOW + 4) == ([], NOW + 5)
    assert await store.claim(10, NOW + 5) == ([msgspec.structs.replace(tried(b), due=NOW + 5)], NOW + 10)
    assert await store.claim(10, NOW + 10) == ([msgspec.structs.replace(tried(a), due=NOW + 10)], None)
    assert await owner.waiting() == []


async def test_a_retry_that_is_due_at_once_is_not_lost(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery("a"), delivery("b", due=NOW + 3)], log_time=NOW)
    a, b = (await store.claim(10, NOW + 5))[0]
    await store.report([again(a, NOW)])
    assert await claimed(store, now=NOW + 5) == [a.id]
    await store.unclaim([a.id, b.id])
    assert set(await claimed(store, now=NOW + 5)) == {a.id, b.id}


async def test_retries_and_fresh_ones_come_by_the_time_they_are_due(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery("a")])
    a = (await store.claim(10, NOW))[0][0]
    await store.report([again(a, NOW + 5)])
    await owner.commit(
        deliveries=[delivery("b", created=NOW + 4, due=NOW + 4), delivery("c", created=NOW + 6, due=NOW + 6)], log_time=NOW + 6
    )
    assert await claimed(store, 2, NOW + 9) == ids("b", "a")
    assert await claimed(store, 2, NOW + 9) == ids("c")


# -- pausing -------------------------------------------------------------------------------------------------------------


async def test_held_deliveries_wait_for_the_release(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery("a"), delivery("b", due=NOW + 1), delivery("other", workflow="welcome")], hold=[(SITE, "cart")])
    assert await store.claim(10, NOW + 9) == ([delivery("other", workflow="welcome")], None)
    assert {row.delivery.id: row.status for row in await store.deliveries(SITE, None, 10)} == {
        delivery("a").id: "held",
        delivery("b").id: "held",
        delivery("other").id: "pending",
    }
    await owner.commit(release=[(SITE, "cart", 0)])
    await owner.work_holds()
    assert await claimed(store) == ids("a")
    assert await claimed(store, now=NOW + 1) == ids("b")


async def test_what_is_given_back_or_tried_again_while_held_stays_held(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery("a"), delivery("b"), delivery("c")])
    a, b, c = (await store.claim(10, NOW))[0]
    await owner.commit(hold=[(SITE, "cart")])
    await store.unclaim([a.id])
    await store.report([again(b, NOW + 1), ended(c)])
    assert await store.claim(10, NOW + 9) == ([], None)
    await owner.commit(release=[(SITE, "cart", 0)])
    await owner.work_holds()
    assert set(await claimed(store, now=NOW + 9)) == {a.id, b.id}
    assert await claimed(store, now=NOW + 9) == []


async def test_pushes_from_before_the_cutoff_end_stale(store: Store, owner: Owner) -> None:
    old, new = delivery("old", created=NOW - 1, version=7), delivery("new")
    call = delivery("call", created=NOW - 1, kind="http")
    await owner.commit(deliveries=[old, new, call], hold=[(SITE, "cart")])
    await owner.commit(release=[(SITE, "cart", NOW)], log_time=NOW + 5)
    await owner.work_holds()
    assert set(await claimed(store, now=NOW + 5)) == {new.id, call.id}
    told = await owner.waiting()
    assert [(one.id, one.received) for one in told] == [(caused_event_id(old.id, "outcome", 0), NOW + 5)]
    outcome = msgspec.json.decode(told[0].body, type=DeliveryOutcome)
    assert (outcome.outcome, outcome.version) == ("stale", 7)
    assert [(row.status, row.finished) for row in await store.deliveries(SITE, old.run, 1)] == [("stale", NOW + 5)]


async def test_a_batch_that_pauses_and_resumes_leaves_what_the_last_one_says(store: Store, owner: Owner) -> None:
    hold, release = [(SITE, "cart")], [(SITE, "cart", 0)]
    paused, active = WorkflowState(SITE, "cart", 1, "paused"), WorkflowState(SITE, "cart", 1, "active")
    await owner.commit(deliveries=[delivery("a")], workflows=[paused], hold=hold, release=release)
    await owner.work_holds()
    assert await claimed(store) == []
    await owner.commit(workflows=[active], hold=hold, release=release)
    await owner.work_holds()
    assert await claimed(store) == ids("a")
