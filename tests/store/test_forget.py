"""What has ended, or was logged, before a time goes in small steps; what has not, and what is young, is never touched."""

from contextlib import suppress

import msgspec
import pytest
from tests.store.builders import NOW, SITE, Owner, delivery, entry, run

from clarion.clock import HOUR
from clarion.domain.ids import digest
from clarion.store.port import NotFound, Store
from clarion.store.records.batches import Asked, MemoryKey
from clarion.store.records.deliveries import Report
from clarion.store.records.explanations import Explanation
from clarion.store.records.runs import EntryMemory

OLD = NOW - HOUR


async def forget_all(store: Store, kind: str, before: int) -> int:
    """Step by step until nothing is left to remove; returns how many rows went."""
    removed = 0
    while step := await store.forget(kind, before, 100):
        removed += step
    return removed


async def log(store: Store, owner: Owner, names: str, at: int) -> None:
    await store.append([entry(name) for name in names])
    await owner.commit(log_time=at, moved=await owner.waiting())


async def logged(store: Store) -> list[str]:
    return [row.id for row in (await store.events(SITE, "0", 100)).rows]


# -- events ----------------------------------------------------------------------------------------------------------


async def test_of_the_log_goes_what_is_older_and_the_rest_stays(store: Store, owner: Owner) -> None:
    await log(store, owner, "ab", OLD)
    await log(store, owner, "cd", OLD + 1)
    assert await store.forget("events", OLD, 100) == 0
    assert await forget_all(store, "events", OLD + 1) == 2
    assert await logged(store) == [entry(name).id for name in "cd"]


async def test_the_log_goes_on_where_it_was(store: Store, owner: Owner) -> None:
    await log(store, owner, "ab", OLD)
    assert await forget_all(store, "events", NOW) == 2
    await log(store, owner, "c", NOW)
    [row] = (await store.events(SITE, "0", 10)).rows
    assert row.sequence == owner.state.sequence == 3


async def test_a_cursor_whose_event_is_gone_goes_on_behind_it(store: Store, owner: Owner) -> None:
    await log(store, owner, "a", OLD)
    cursor = (await store.events(SITE, "", 10)).cursor
    assert await forget_all(store, "events", NOW) == 1
    await log(store, owner, "b", NOW)
    assert [row.id for row in (await store.events(SITE, cursor, 10)).rows] == [entry("b").id]


async def test_an_event_that_is_gone_is_not_found(store: Store, owner: Owner) -> None:
    await log(store, owner, "a", OLD)
    assert await store.find_event(SITE, entry("a").id, OLD) is not None
    assert await forget_all(store, "events", NOW) == 1
    assert await store.find_event(SITE, entry("a").id, OLD) is None
    assert await store.events_about(SITE, ["n:ann"], 10) == []


# -- deliveries ------------------------------------------------------------------------------------------------------


async def end(store: Store, name: str, at: int) -> None:
    await store.report([Report(delivery(name), "sent", at)])


async def known(store: Store) -> set[str]:
    return {row.delivery.id for row in await store.deliveries(SITE, None, 100)}


async def test_of_deliveries_go_those_that_ended_before(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery(name, created=OLD - HOUR) for name in ("old", "edge", "new")])
    for name, at in (("old", OLD - 1), ("edge", OLD), ("new", NOW)):
        await end(store, name, at)
    assert await forget_all(store, "deliveries", OLD) == 1
    assert await known(store) == {digest("edge"), digest("new")}
    with pytest.raises(NotFound):
        await store.delivery(SITE, digest("old"))


async def test_deliveries_in_the_outbox_never_go(store: Store, owner: Owner) -> None:
    await owner.commit(deliveries=[delivery("waits", created=1, due=NOW), delivery("held", created=1, workflow="paused"), delivery("sent")])
    await owner.commit(hold=[(SITE, "paused")])
    await end(store, "sent", OLD)
    assert await forget_all(store, "deliveries", NOW + 1) == 1
    assert await known(store) == {digest("waits"), digest("held")}
    claimed, _ = await store.claim(10, NOW)
    assert [one.id for one in claimed] == [digest("waits")]


# -- runs ------------------------------------------------------------------------------------------------------------


async def there(store: Store, *names: str) -> list[str]:
    """Which of these runs there are."""
    found = []
    for name in names:
        with suppress(NotFound):
            assert (await store.run(digest(name))).id == digest(name)
            found.append(name)
    return found


@pytest.mark.parametrize("status", ["completed", "exited", "failed"])
async def test_of_runs_go_those_that_ended_before(status: str, store: Store, owner: Owner) -> None:
    ended = [run(name, status=status, ended=at) for name, at in (("old", OLD - 1), ("edge", OLD), ("new", NOW))]
    await owner.commit(runs=ended)
    assert await forget_all(store, "runs", OLD) == 1
    assert await there(store, "old", "edge", "new") == ["edge", "new"]


async def test_runs_in_flight_never_go(store: Store, owner: Owner) -> None:
    await owner.commit(
        runs=[run("waits", started=1, due=2), run("held", started=1, due=2, held=True), run("aims", started=1, goal_until=2)]
    )
    assert await forget_all(store, "runs", 2**62) == 0
    assert await there(store, "waits", "held", "aims") == ["waits", "held", "aims"]


@pytest.mark.parametrize(("goal_until", "stays"), [(None, False), (OLD - 1, False), (OLD, True), (NOW + HOUR, True)])
async def test_a_run_goes_only_when_its_goal_was_not_open_any_more(goal_until: int | None, stays: bool, store: Store, owner: Owner) -> None:
    await owner.commit(runs=[run("aims", status="completed", ended=1, goal_until=goal_until)])
    await forget_all(store, "runs", OLD)
    assert bool(await there(store, "aims")) == stays


async def test_entry_memory_outlives_the_run(store: Store, owner: Owner) -> None:
    memory = EntryMemory(SITE, "cart", "n:ann", "", OLD, digest("old"))
    await owner.commit(runs=[run("old", status="completed", ended=1)], memory=[memory])
    assert await forget_all(store, "runs", NOW) == 1
    assert (await store.facts(0, Asked(memory=[MemoryKey(SITE, "cart", "", "n:ann")]))).memory == [memory]


async def test_a_run_that_is_written_again_is_whole_again(store: Store, owner: Owner) -> None:
    failed = run("again", status="failed", ended=1)
    await owner.commit(runs=[failed])
    assert await forget_all(store, "runs", NOW) == 1
    retried = msgspec.structs.replace(failed, status="waiting", ended=None, due=NOW)
    await owner.commit(runs=[retried])
    assert await store.run(retried.id) == retried


# -- explanations ----------------------------------------------------------------------------------------------------


async def test_of_explanations_go_those_of_before(store: Store, owner: Owner) -> None:
    told = [Explanation(SITE, "n:ann", name, at, msgspec.Raw(b"{}")) for name, at in (("old", OLD - 1), ("edge", OLD), ("new", NOW))]
    await owner.commit(log_time=OLD - 1, explanations=told[:1])
    await owner.commit(explanations=told[1:])
    assert await forget_all(store, "explanations", OLD) == 1
    assert [one.event for one in await store.explanations_about(SITE, ["n:ann"], None, 10)] == ["new", "edge"]


# -- steps -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["events", "explanations", "deliveries", "runs"])
@pytest.mark.parametrize("count", [6, 7])
async def test_a_step_is_as_small_as_was_asked_for(kind: str, count: int, store: Store, owner: Owner) -> None:
    names = [f"{number}" for number in range(count)]
    await store.append([entry(name) for name in names])
    await owner.commit(
        log_time=OLD,
        moved=await owner.waiting(),
        deliveries=[delivery(name, created=OLD) for name in names],
        runs=[run(name, status="completed", ended=OLD) for name in names],
        explanations=[Explanation(SITE, "n:ann", name, OLD, msgspec.Raw(b"{}")) for name in names],
    )
    for name in names:
        await end(store, name, OLD)
    steps = [await store.forget(kind, NOW, 3) for _ in range(4)]
    assert (max(steps), sum(steps)) == (3, count)
    assert await store.forget(kind, NOW, 3) == 0
