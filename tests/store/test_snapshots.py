"""Snapshots: what a partition held at one place of its log, whole or not there; and the log from its oldest end."""

import asyncio
from typing import Any

import msgspec
import pytest
from tests.store.builders import NOW, SITE, Owner, entry, run
from tests.store.conftest import Clockwork

from clarion.clock import DAY, HOUR
from clarion.domain.records import FrequencyCap, Profile, Subscriber
from clarion.store import snapshots as packing
from clarion.store.port import NotFound, Store
from clarion.store.records.runs import EntryMemory
from clarion.store.records.snapshots import Snapshot, SnapshotPart
from clarion.store.records.states import Directive, SegmentState, SiteState, Sweep, WorkflowState
from clarion.store.records.upkeep import Upkeep

ANN = Profile("n:ann", {"name": "Ann", "age": 41}, ("a", "b"), NOW, {"": (1, 2), "cart": (2,)}, None, NOW + 5, ("entry",))
BOB = Profile("a:browser", merged="n:bob")
BROWSER = Subscriber("browser", "n:ann", "https://push.example/1", "p", "a", active=True, created=1, last_active=2, facts={"country": "DE"})
GONE = Subscriber("gone", "n:ann", "token", "", "", active=False, provider="fcm", vapid=2, logouts=3)
SITES = [SiteState(SITE, "Europe/Berlin", FrequencyCap(3, DAY)), SiteState(2, "UTC")]
TOLD = Directive(2, "move", 5, 1)
WORKFLOWS = [WorkflowState(SITE, "cart", 2, "active", 7, (TOLD,), (TOLD,)), WorkflowState(SITE, "welcome", 1, "paused")]
SEGMENTS = [SegmentState(SITE, "aged", {"field": "profile.age", "op": "gte", "value": 1.5}, 4), SegmentState(2, "vip", {"all": []}, 5)]
SWEEPS = [Sweep(2, "broadcast:b", 4, "e1", msgspec.Raw(b'{"n":1.50}'), "n:a", 7), Sweep(SITE, "segment:aged", 4, "e2", msgspec.Raw(b"{}"))]
MEMORY = [EntryMemory(SITE, "cart", "n:ann", "", 3, "r1"), EntryMemory(SITE, "cart", "n:ann", "42", 4, "r2")]


async def read(store: Store, snapshot: Snapshot) -> SnapshotPart:
    """All parts of a snapshot as one."""
    whole = SnapshotPart()
    async for part in store.snapshot_parts(snapshot):
        for name in packing.SECTIONS:
            getattr(whole, name).extend(getattr(part, name))
    return whole


async def taken(store: Store) -> Snapshot:
    snapshot = await store.take_snapshot(0)
    assert snapshot is not None
    return snapshot


async def log(store: Store, owner: Owner, names: str, at: int) -> None:
    await store.append([entry(name) for name in names])
    await owner.commit(log_time=at, moved=await owner.waiting())


# -- what is in one --------------------------------------------------------------------------------------------------


async def test_a_snapshot_has_all_that_a_replay_starts_from(store: Store, owner: Owner, clock: Clockwork) -> None:
    waiting = run("waits", due=NOW + HOUR, state=msgspec.Raw(b'{"since":1,"n":1.50}'), key="k")
    aiming = run("aims", status="completed", ended=NOW, goal_until=NOW)
    over = [run("over", status="completed", ended=NOW), run("missed", status="exited", ended=NOW, goal_until=NOW - 1)]
    await owner.commit(
        profiles=[(SITE, ANN), (2, BOB)],
        subscribers=[(SITE, BROWSER), (SITE, GONE)],
        sites=SITES,
        workflows=WORKFLOWS,
        segments=SEGMENTS,
        sweeps=SWEEPS,
        memory=MEMORY,
        runs=[waiting, aiming, *over],
    )
    clock.now = NOW + 5
    snapshot = await taken(store)
    assert (snapshot.partition, snapshot.sequence, snapshot.log_time, snapshot.taken) == (0, owner.state.sequence, NOW, NOW + 5)
    assert snapshot.resumed == owner.state.resumed
    sections = ("sites", "workflows", "segments", "sweeps", "profiles", "subscribers", "memory", "runs")
    assert snapshot.counts == dict.fromkeys(sections, 2)
    found = await read(store, snapshot)
    assert sorted(found.profiles, key=lambda one: one[0]) == [(SITE, ANN), (2, BOB)]
    assert sorted(found.subscribers, key=lambda one: one[1].device_token_hash) == [(SITE, BROWSER), (SITE, GONE)]
    assert sorted(found.sites, key=lambda one: one.site) == SITES
    assert sorted(found.workflows, key=lambda one: one.workflow) == WORKFLOWS
    assert sorted(found.segments, key=lambda one: one.segment) == SEGMENTS
    assert sorted(found.sweeps, key=lambda one: one.id) == SWEEPS
    assert sorted(found.memory, key=lambda one: one.key) == MEMORY
    assert {one.id: one for one in found.runs} == {one.id: one for one in (waiting, aiming)}
    assert bytes(next(one for one in found.runs if one.id == waiting.id).state) == b'{"since":1,"n":1.50}'


async def test_an_empty_partition_has_an_empty_one(store: Store, owner: Owner) -> None:
    snapshot = await taken(store)
    assert (snapshot.parts, set(snapshot.counts.values())) == (0, {0})
    assert await read(store, snapshot) == SnapshotPart()


async def test_parts_are_bounded_however_much_there_is(store: Store, owner: Owner) -> None:
    many = [(SITE, Profile(f"n:{number:05}")) for number in range(packing.MOST_ROWS * 2 + 1)]
    large = [(SITE, Profile(f"n:large{number}", {"text": "x" * 100_000})) for number in range(6)]
    await owner.commit(profiles=many + large)
    parts = [part async for part in store.snapshot_parts(await taken(store))]
    assert max(len(part.profiles) for part in parts) <= packing.MOST_ROWS
    assert max(len(msgspec.json.encode(part)) for part in parts) <= packing.MOST_BYTES + 110_000
    assert sorted(one.key for part in parts for _, one in part.profiles) == sorted(one.key for _, one in many + large)


async def test_it_is_of_one_moment_whatever_happens_meanwhile(store: Store, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    await owner.commit(profiles=[(SITE, Profile(f"n:{number:05}")) for number in range(packing.MOST_ROWS + 1)], memory=MEMORY)
    began, go_on = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(slowly(store, monkeypatch, began, go_on))
    await began.wait()
    place = owner.state
    await owner.commit(log_time=NOW + 1, logged=[entry("later")], profiles=[(SITE, Profile(f"m:{number}")) for number in range(9)])
    go_on.set()
    snapshot = await task
    assert (snapshot.sequence, snapshot.log_time) == (place.sequence, place.log_time)
    found = await read(store, snapshot)
    assert (len(found.profiles), len(found.memory)) == (packing.MOST_ROWS + 1, 2)


async def slowly(store: Store, monkeypatch: pytest.MonkeyPatch, began: asyncio.Event, go_on: asyncio.Event) -> Snapshot:
    """Take a snapshot that waits, once its first part is there to be written, for `go_on`."""
    loop, pack = asyncio.get_running_loop(), packing.pack

    def waiting(section: str, rows: Any) -> bytes:
        loop.call_soon_threadsafe(began.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(30)
        return pack(section, rows)

    for engine in ("sqlite", "postgres"):
        monkeypatch.setattr(f"clarion.store.{engine}.snapshots.pack", waiting)
    return await taken(store)


# -- which there are -------------------------------------------------------------------------------------------------


async def test_the_newest_comes_first_and_the_nearest_before_is_found(store: Store, owner: Owner) -> None:
    assert await store.snapshots(0) == []
    found = []
    for at in (NOW, NOW + 10, NOW + 20):
        await log(store, owner, "a", at)
        found.append(await taken(store))
    assert await store.snapshots(0) == found[::-1]
    for at, nearest in ((NOW - 1, None), (NOW, found[0]), (NOW + 9, found[0]), (NOW + 10, found[1]), (2**62, found[2])):
        assert await store.snapshot_before(0, at) == nearest


async def test_none_is_taken_where_nothing_has_happened_since(store: Store, owner: Owner) -> None:
    snapshot = await taken(store)
    assert await store.take_snapshot(0) is None
    assert await store.snapshots(0) == [snapshot]
    await owner.commit(log_time=NOW)  # time went on, for a timer perhaps
    assert await store.take_snapshot(0) is not None


async def test_one_that_was_broken_off_is_never_found_and_goes(store: Store, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    await owner.commit(profiles=[(SITE, ANN)], memory=MEMORY, sites=SITES)
    written = 0

    def breaking(section: str, rows: Any) -> bytes:
        nonlocal written
        written += 1
        if written > 2:
            raise RuntimeError("the machine stops")
        return packing.pack(section, rows)

    with monkeypatch.context() as patch:
        for engine in ("sqlite", "postgres"):
            patch.setattr(f"clarion.store.{engine}.snapshots.pack", breaking)
        with pytest.raises(Exception, match="the machine stops"):
            await store.take_snapshot(0)
    assert await store.snapshots(0) == []
    assert await store.snapshot_before(0, 2**62) is None
    assert await store.forget_snapshots(0, 0, 1) == 1
    assert await store.forget_snapshots(0, 0, 9) == 1
    assert await store.forget_snapshots(0, 0, 9) == 0
    assert (await read(store, await taken(store))).profiles == [(SITE, ANN)]


async def test_one_that_was_broken_off_can_be_taken_again_at_once(store: Store, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    await owner.commit(profiles=[(SITE, ANN)], memory=MEMORY)
    began, never = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(slowly(store, monkeypatch, began, never))
    await began.wait()
    task.cancel()
    never.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await read(store, await taken(store))).memory == MEMORY


async def test_old_ones_go_in_small_steps_and_are_not_found_from_the_first_on(store: Store, owner: Owner) -> None:
    await owner.commit(log_time=NOW, profiles=[(SITE, ANN)], memory=MEMORY, sites=SITES)
    old = await taken(store)
    await owner.commit(log_time=NOW + 1)
    new = await taken(store)
    assert await store.forget_snapshots(0, NOW, 2) == 0
    assert await store.forget_snapshots(0, NOW + 1, 2) == 2
    assert await store.snapshots(0) == [new]
    with pytest.raises(NotFound):
        await read(store, old)
    assert [await store.forget_snapshots(0, NOW + 1, 2) for _ in range(2)] == [2, 0]
    assert (await read(store, new)).profiles == [(SITE, ANN)]


# -- the log from its oldest end -------------------------------------------------------------------------------------


async def test_pages_of_the_log_end_at_a_time(store: Store, owner: Owner) -> None:
    await log(store, owner, "ab", NOW)
    await log(store, owner, "cd", NOW + 1)
    rows = await store.log_page(0, 0, NOW + 2, 10)
    assert [(row.sequence, row.log_time, row.partition, row.profile) for row in rows] == [
        (sequence, at, 0, "n:ann") for sequence, at in ((1, NOW), (2, NOW), (3, NOW + 1), (4, NOW + 1))
    ]
    assert [row.sequence for row in await store.log_page(0, 0, NOW + 1, 10)] == [1, 2]
    assert [row.sequence for row in await store.log_page(0, 1, 2**62, 2)] == [2, 3]
    assert await store.log_page(0, 2, NOW + 1, 10) == await store.log_page(0, 4, 2**62, 10) == []
    assert rows[0].id == entry("a").id


async def test_a_page_is_bounded_in_bytes_and_never_empty_before_the_end(store: Store, owner: Owner) -> None:
    body = b'{"text":"%s"}' % (b"x" * 700_000)
    await store.append([entry(name, body) for name in "abc"])
    await owner.log_all()
    seen: list[int] = []
    while page := await store.log_page(0, seen[-1] if seen else 0, 2**62, 10):
        seen += [row.sequence or 0 for row in page]
        assert len(page) == 1
        assert bytes(page[0].body) == body
    assert seen == [1, 2, 3]


async def test_a_body_comes_as_it_was_accepted(store: Store, owner: Owner) -> None:
    body = b'{"name":"e","data":{"n":1.50,"big":18446744073709551616,"s":"\\u00e9 \xc3\xa9"}}'
    await store.append([entry("a", body)])
    await owner.log_all()
    [row] = await store.log_page(0, 0, 2**62, 10)
    assert bytes(row.body) == body


@pytest.mark.parametrize("removed", [0, 3])
async def test_a_place_is_found_by_its_time(removed: int, store: Store, owner: Owner) -> None:
    assert await store.log_place(0, 2**62) == 0
    for number in range(5):
        await log(store, owner, "ab", NOW + 10 * number)
    if removed:
        assert await store.forget("events", NOW + 10, 100) == 2
    for at, place in ((NOW + 11, 4), (NOW + 20, 4), (NOW + 21, 6), (NOW + 40, 8), (NOW + 41, 10), (2**62, 10)):
        assert await store.log_place(0, at) == place
    assert [row.sequence for row in await store.log_page(0, await store.log_place(0, 0), 2**62, 1)] == [3 if removed else 1]


# -- how retention stands --------------------------------------------------------------------------------------------


async def test_how_retention_stands_is_noted(store: Store) -> None:
    assert await store.upkeep() == Upkeep()
    await store.note_upkeep(Upkeep(5, "no room", 7))
    assert await store.upkeep() == Upkeep(5, "no room", 7)
    await store.note_upkeep(Upkeep(4))
    assert await store.upkeep() == Upkeep(5)
