"""What is left of people who were erased goes, and nothing else."""

import msgspec
import pytest
from tests.store.builders import FAR, NOW, SITE, Owner, entry

from clarion.domain.records import Profile
from clarion.store.port import NotFound, Store
from clarion.store.records.entries import EntryKind, IdempotencyClaim, LogRow, NewEntry
from clarion.store.records.explanations import Explanation
from clarion.store.records.snapshots import SnapshotPart

SAY = msgspec.Raw(b"{}")


async def log(store: Store, owner: Owner, *names: str) -> list[LogRow]:
    """Log entries of these names, applied to a profile; returns the whole log."""
    await store.append([entry(name) for name in names])
    await owner.commit(moved=await owner.waiting())
    return await store.log_page(0, 0, FAR, 100)


async def test_a_blank_entry_keeps_its_place_its_time_and_its_id(store: Store, owner: Owner) -> None:
    before = await log(store, owner, "a", "b", "c")
    await store.blank(0, [before[0].sequence or 0, before[2].sequence or 0, 999])
    after = await store.log_page(0, 0, FAR, 100)
    blank = {"kind": EntryKind.ERASED, "body": msgspec.Raw(b"null"), "profile": ""}
    assert after == [msgspec.structs.replace(before[0], **blank), before[1], msgspec.structs.replace(before[2], **blank)]
    assert [row.id for row in await store.events_about(SITE, ["n:ann"], 10)] == [before[1].id]
    assert [row.id for row in (await store.events(SITE, "0", 10)).rows] == [before[1].id]
    await store.blank(0, [])
    assert await store.log_page(0, 0, FAR, 100) == after


async def test_explanations_go_by_profile_site_and_step(store: Store, owner: Owner) -> None:
    people = ("n:ann", "a:d", "n:bob")
    await owner.commit(explanations=[Explanation(site, one, one, NOW, SAY) for site in (SITE, 2) for one in people for _ in range(3)])
    steps = [await store.erase_about(0, SITE, ["n:ann", "a:d"], [], 4) for _ in range(3)]
    assert steps == [4, 2, 0]
    for site, left in ((SITE, [0, 0, 3]), (2, [3, 3, 3])):
        assert [len(await store.explanations(site, one)) for one in people] == left


async def test_claims_go_of_the_profile_and_of_its_subscribers(store: Store, owner: Owner) -> None:
    targets = ["p:ann", "d:phone", "p:phone", "d:ann", "p:bob"]

    def claiming(prefix: str) -> list[NewEntry]:
        return [msgspec.structs.replace(entry(prefix + one), claim=IdempotencyClaim(one, "once", "c")) for one in targets]

    await store.append(claiming("first"))
    await owner.commit(explanations=[Explanation(SITE, "n:ann", "e", NOW, SAY)])
    assert [await store.erase_about(0, SITE, ["n:ann", "a:phone"], ["phone"], 2) for _ in range(3)] == [2, 1, 0]
    again = [str(one) for one in await store.append(claiming("again"))]
    assert again == ["stored", "stored", "duplicate", "duplicate", "duplicate"]


async def test_a_part_of_a_snapshot_is_written_anew_and_the_counts_with_it(store: Store, owner: Owner) -> None:
    people = [(SITE, Profile(f"n:{number:04}")) for number in range(501)]  # two parts
    await owner.commit(log_time=NOW, profiles=people)
    snapshot = await store.take_snapshot(0)
    assert snapshot is not None
    parts = [part async for part in store.snapshot_parts(snapshot)]
    assert [len(part.profiles) for part in parts] == [500, 1]
    counted = msgspec.structs.replace(snapshot, counts={**snapshot.counts, "profiles": 500})
    await store.rewrite_snapshot(counted, {2: SnapshotPart()})
    assert await store.snapshots(0) == [counted]
    assert [part async for part in store.snapshot_parts(counted)] == [parts[0], SnapshotPart()]


async def test_a_snapshot_that_has_gone_is_not_found(store: Store, owner: Owner) -> None:
    await owner.commit(log_time=NOW, profiles=[(SITE, Profile("n:ann"))])
    snapshot = await store.take_snapshot(0)
    assert snapshot is not None
    while await store.forget_snapshots(0, FAR, 10):
        pass
    with pytest.raises(NotFound):
        await store.rewrite_snapshot(snapshot, {1: SnapshotPart()})
    assert await store.snapshots(0) == []


async def test_overwriting_what_was_deleted_changes_nothing_of_the_rest(store: Store, owner: Owner) -> None:
    before = await log(store, owner, "a", "b", "c")
    await owner.commit(explanations=[Explanation(SITE, "n:ann", "e", NOW, SAY)] * 50)
    assert await store.erase_about(0, SITE, ["n:ann"], [], 20) == 20
    assert await store.overwrite_deleted()
    assert await store.overwrite_deleted()
    assert await store.log_page(0, 0, FAR, 100) == before
    assert len(await store.explanations_about(SITE, ["n:ann"], None, 100)) == 30
    await store.append([entry("d")])
    await owner.commit(moved=await owner.waiting())
