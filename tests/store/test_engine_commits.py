"""An outcome is one transaction, and only the owner's."""

import asyncio

import msgspec
import pytest
from tests.store.builders import NOW, SITE, Owner, claimed, delivery, entry, run
from tests.store.conftest import Database

from clarion.domain.records import Profile, Subscriber
from clarion.store.port import Fenced, NotFound, Store, StoreError
from clarion.store.records.batches import Asked, MemoryKey, SiteProfile
from clarion.store.records.commits import LogMove, Outcome
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.explanations import Explanation
from clarion.store.records.poisoned import Poisoned
from clarion.store.records.runs import EntryMemory


async def test_entries_move_from_the_inbox_to_the_log(store: Store, owner: Owner) -> None:
    await store.append([entry("a", b'{"n":1}'), entry("b", b'{"n":2}'), entry("c")])
    waiting = await owner.waiting()
    await owner.commit(moved=waiting[:2], log_time=NOW + 7)
    assert [one.id for one in await owner.waiting()] == [entry("c").id]
    rows = (await store.events(SITE, "0", 10)).rows
    assert [(row.sequence, row.log_time, row.id, bytes(row.body), row.received, row.profile) for row in rows] == [
        (1, NOW + 7, entry("a").id, b'{"n":1}', NOW, "n:ann"),
        (2, NOW + 7, entry("b").id, b'{"n":2}', NOW, "n:ann"),
    ]


async def test_the_owner_goes_on_where_the_last_one_stopped(database: Database) -> None:
    store = database.store()
    await store.open()
    owner = await Owner.of(store)
    await store.append([entry("a")])
    await owner.log_all()
    resume = NewEntry(EntryKind.RESUME, 0, "resume", b"", NOW)
    state = msgspec.structs.replace(owner.state, sequence=2, log_time=NOW + 1, resumed=NOW + 1)
    await store.commit(Outcome(state, logged=[(2, NOW + 1, resume)]))
    await store.close()
    store = database.store()
    await store.open()
    successor = await store.own(0)
    assert successor.epoch > state.epoch
    assert successor == msgspec.structs.replace(state, epoch=successor.epoch)
    await store.close()


async def test_an_earlier_owner_is_fenced(store: Store, owner: Owner) -> None:
    await store.append([entry("a")])
    waiting = await owner.waiting()
    successor = await Owner.of(store)
    assert successor.state.epoch > owner.state.epoch
    with pytest.raises(Fenced):
        await owner.commit(moved=waiting, profiles=[(SITE, Profile("n:ann"))])
    assert [one.id for one in await owner.waiting()] == [entry("a").id]
    assert (await store.facts(0, Asked([], [SiteProfile(SITE, "n:ann")]))).profiles == []
    await successor.commit(moved=waiting)


async def test_a_fenced_commit_spares_what_is_written_at_the_same_time(store: Store, owner: Owner) -> None:
    await Owner.of(store)
    results = await asyncio.gather(
        store.append([entry("a")]), owner.commit(deliveries=[delivery("d")]), store.append([entry("b")]), return_exceptions=True
    )
    assert isinstance(results[1], Fenced)
    assert {one.id for one in await owner.waiting()} == {entry("a").id, entry("b").id}
    assert await store.claim(10, NOW) == ([], None)


async def test_no_partition_beyond_the_last_can_be_owned(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.own(store.partitions)


async def test_an_outcome_that_cannot_be_stored_leaves_no_trace(store: Store, owner: Owner) -> None:
    await store.append([entry("a")])
    waiting = await owner.waiting()
    gone = LogMove(waiting[0].position + 100, 2, NOW, "")
    state = msgspec.structs.replace(owner.state, sequence=2)
    with pytest.raises(StoreError):
        await store.commit(Outcome(state, moved=[LogMove(waiting[0].position, 1, NOW, ""), gone], runs=[run("r")]))
    assert [one.position for one in await owner.waiting()] == [waiting[0].position]
    with pytest.raises(NotFound):
        await store.run(run("r").id)
    await owner.commit(moved=waiting)


async def test_a_sequence_is_used_once(store: Store, owner: Owner) -> None:
    await store.append([entry("a"), entry("b")])
    first, second = await owner.waiting()
    await owner.commit(moved=[first])
    with pytest.raises(StoreError):
        await store.commit(Outcome(owner.state, moved=[LogMove(second.position, 1, NOW, "")]))


@pytest.mark.parametrize("ahead", [1, 2, 1_000])
async def test_an_owner_that_knows_of_more_than_the_log_holds_is_fenced(ahead: int, store: Store, owner: Owner) -> None:
    """What was acknowledged may be lost: with a primary whose standby had not all of it, with the file of a backup."""
    await store.append([entry("a"), entry("b")])
    first, second = await owner.waiting()
    await owner.commit(moved=[first])
    stale = Owner(store, msgspec.structs.replace(owner.state, sequence=owner.state.sequence + ahead))
    for outcome in ({"moved": [second]}, {"runs": [run("r")]}, {"logged": [NewEntry(EntryKind.RESUME, 0, "resume", b"", NOW)]}):
        with pytest.raises(Fenced):
            await stale.commit(**outcome)
    assert [one.id for one in await owner.waiting()] == [entry("b").id]
    await owner.commit(moved=[second])


async def test_rows_are_replaced_whole(store: Store, owner: Owner) -> None:
    first = Subscriber("phone", "a:phone", "https://push.example/1", "key", "secret", created=NOW, facts={"country": "PT"})
    second = Subscriber("phone", "n:ann", "https://push.example/2", "key2", "secret2", active=False, created=NOW, last_active=NOW + 1)
    await owner.commit(
        subscribers=[(SITE, first)],
        profiles=[(SITE, Profile("n:ann", {"age": 30}, ("vip",), NOW, {"": (NOW,)}))],
        runs=[run("r", due=NOW, goal_until=NOW)],
        memory=[EntryMemory(SITE, "cart", "n:ann", "", NOW, "r1")],
    )
    later = run("r", status="completed", step=None, ended=NOW + 1, version=2, profile="n:bob", key="k", state=msgspec.Raw(b'{"steps":{}}'))
    await owner.commit(
        subscribers=[(SITE, second)],
        profiles=[(SITE, Profile("n:ann"))],
        runs=[later],
        memory=[EntryMemory(SITE, "cart", "n:ann", "", NOW + 1, "r2")],
    )
    facts = await store.facts(0, Asked([SiteProfile(SITE, "phone")], memory=[MemoryKey(SITE, "cart", "", "n:ann")]))
    assert facts.subscribers == [(SITE, second)]
    assert facts.profiles == [(SITE, Profile("n:ann"))]
    assert await store.run(later.id) == later
    assert facts.memory == [EntryMemory(SITE, "cart", "n:ann", "", NOW + 1, "r2")]


async def test_what_is_emitted_waits_behind_what_was_there(store: Store, owner: Owner) -> None:
    await store.append([entry("a")])
    await owner.commit(moved=await owner.waiting(), emitted=[entry("caused", b'{"hops":1}'), claimed("also", "1")])
    assert [one.id for one in await owner.waiting()] == [entry("caused").id, entry("also").id]


async def test_the_poisoned_are_set_aside_newest_first(store: Store, owner: Owner) -> None:
    first = Poisoned("p1", SITE, "event", msgspec.Raw(b'{"n":1}'), NOW, "it broke")
    second = Poisoned("p2", SITE, "timer", msgspec.Raw(b"{}"), NOW + 1, "it broke too")
    await owner.commit(poisoned=[first, second])
    assert await store.poisoned(10) == [second, first]
    assert await store.poisoned(1) == [second]
    assert await store.poisoned(10, SITE) == [second, first]
    assert await store.poisoned(10, 2) == []
    assert await store.poisoned_input(SITE, "p1") == first
    for site, id_ in ((2, "p1"), (SITE, "p3")):
        with pytest.raises(NotFound):
            await store.poisoned_input(site, id_)
    again = msgspec.structs.replace(first, at=NOW + 2, error="again")
    await owner.commit(poisoned=[again])
    assert await store.poisoned(10) == [again, second]


async def test_what_was_set_aside_is_tried_again_in_one_commit(store: Store, owner: Owner) -> None:
    first, second, third = (Poisoned(name, SITE, "event", msgspec.Raw(b"{}"), NOW, "it broke") for name in ("p1", "p2", "p3"))
    await owner.commit(poisoned=[first, second, third])
    await store.take_back("p1", entry("again", b'{"n":1}'))
    await store.take_back("p3", None)
    assert await store.poisoned(10) == [second]
    assert [(one.id, bytes(one.body)) for one in await owner.waiting()] == [(entry("again").id, b'{"n":1}')]
    with pytest.raises(NotFound):
        await store.take_back("p1", entry("twice"))
    with pytest.raises(StoreError):
        await store.take_back("p2", entry("unstorable", received=2**63))
    assert await store.poisoned(10) == [second]
    assert len(await owner.waiting()) == 1


async def test_explanations_are_kept_by_event_and_profile(store: Store, owner: Owner) -> None:
    told = [Explanation(SITE, "n:ann", "e1", NOW, msgspec.Raw(b'{"n":1}')), Explanation(SITE, "", "e1", NOW, msgspec.Raw(b'{"n":2}'))]
    await owner.commit(explanations=[*told, Explanation(SITE, "n:ann", "e2", NOW, msgspec.Raw(b"{}"))])
    assert await store.explanations(SITE, "e1") == told
    assert await store.explanations(2, "e1") == []
