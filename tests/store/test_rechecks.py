"""Profiles that are to be looked at again come among the runs that are due."""

import msgspec
import pytest
from tests.store.builders import FAR, NOW, SITE, Owner, run

from clarion.domain.records import Profile
from clarion.store.port import Store
from clarion.store.records.runs import DueRun


def again(key: str, at: int | None, **fields: str) -> Profile:
    return msgspec.structs.replace(Profile(key, recheck=at), **fields)


async def due(store: Store, horizon: int = FAR, timers: int = 100) -> list[DueRun]:
    return (await store.take(0, 0, horizon, timers)).due


async def test_they_come_in_one_order_with_the_runs(store: Store, owner: Owner) -> None:
    rows = [run("a", due=NOW), run("b", due=NOW + 2), run("c", due=NOW + 4)]
    people = [(2, again("n:z", NOW)), (1, again("n:z", NOW)), (1, again("n:Z", NOW)), (2, again("n:a", NOW + 3))]
    await owner.commit(runs=rows, profiles=[*people, (1, Profile("n:never"))])
    wanted = [
        DueRun("", NOW, 1, "n:Z"),
        DueRun("", NOW, 1, "n:z"),
        DueRun("", NOW, 2, "n:z"),
        *(DueRun(one.id, one.due or 0, SITE, one.profile) for one in rows[:2]),
        DueRun("", NOW + 3, 2, "n:a"),
        DueRun(rows[2].id, NOW + 4, SITE, "n:ann"),
    ]
    assert await due(store) == wanted
    for count in range(len(wanted) + 2):
        taken = await store.take(0, 0, FAR, count)
        assert taken.due == wanted[:count]
        assert taken.next_due == (wanted[count].due if count < len(wanted) else None)


@pytest.mark.parametrize(("horizon", "count"), [(NOW - 1, 0), (NOW, 1), (NOW + 1, 2), (NOW + 2, 3)])
async def test_none_comes_before_its_time(horizon: int, count: int, store: Store, owner: Owner) -> None:
    await owner.commit(profiles=[(SITE, again("n:a", NOW)), (SITE, again("n:b", NOW + 2))], runs=[run("r", due=NOW + 1)])
    taken = await store.take(0, 0, horizon, 10)
    assert len(taken.due) == count
    assert taken.next_due == (None if count == 3 else NOW + count)


async def test_it_is_set_moved_and_cleared_with_the_profile(store: Store, owner: Owner) -> None:
    for at in (NOW + 5, NOW + 1, None, NOW):
        await owner.commit(profiles=[(SITE, again("n:a", at))])
        taken = await store.take(0, 0, FAR, 10)
        assert (taken.due, taken.next_due) == ([] if at is None else [DueRun("", at, SITE, "n:a")], None)


async def test_without_room_for_timers_there_is_only_when_the_first_is_due(store: Store, owner: Owner) -> None:
    await owner.commit(profiles=[(SITE, again("n:a", NOW))], runs=[run("r", due=NOW + 1)])
    taken = await store.take(0, 0, FAR, 0)
    assert (taken.due, taken.next_due) == ([], NOW)


async def test_many_of_one_time_are_taken_in_pieces(store: Store, owner: Owner) -> None:
    people = [again(f"n:{number:03}", NOW) for number in range(50)]
    await owner.commit(profiles=[(SITE, one) for one in people])
    seen: list[str] = []
    while found := await due(store, NOW, 20):
        seen += [one.profile for one in found]
        await owner.commit(profiles=[(SITE, again(one.profile, None)) for one in found])
    assert seen == [one.key for one in people]
