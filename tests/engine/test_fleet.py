"""The fleet: partitions spread evenly as nodes come and go, are handed over in order, and are never run twice unfenced."""

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.leases import SECOND, Leases
from tests.engine.members import Member, is_even, joined, rounds, settle

from clarion.engine import fleet as module
from clarion.engine.placement import quotas
from clarion.heartbeat import LEASE
from clarion.store.port import StoreUnavailable
from clarion.store.records.nodes import Node, Roster

# -- even, and with few moves ----------------------------------------------------------------------------------------------

CHANGES = st.lists(st.sampled_from(["join", "join", "leave", "crash"]), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(CHANGES, st.integers(1, 20), st.randoms(use_true_random=False))
def test_whoever_comes_and_goes_it_becomes_even_soon_and_no_more_moves_than_has_to(
    changes: list[str], partitions: int, rng: object
) -> None:
    asyncio.run(_come_and_go(changes, partitions, rng.shuffle))  # type: ignore[attr-defined]  # hypothesis's Random


async def _come_and_go(changes: list[str], partitions: int, shuffle: Callable[[list[Member]], None]) -> None:
    leases, names = Leases(partitions), iter("hdbfaecgijk")
    members: list[Member] = []
    for change in ["join", *changes]:
        before = {partition: member.name for member in members for partition in member.owned}
        gone = None
        if change == "join" or len(members) == 1:
            members.append(Member(leases, next(names)))
        elif change == "leave":
            gone = members.pop()
            await gone.leave()
        else:
            gone = members.pop()
            for passed in (LEASE - 1, SECOND + 1):
                for member in members:
                    await member.beat()
                leases.now += passed
        shuffle(members)
        assert await rounds(members, lambda: is_even(leases, members)) <= 3
        stayed = {member.name for member in members}
        moved = Counter(
            leases.owners[partition] for partition, owner in before.items() if owner in stayed and leases.owners[partition] != owner
        )
        [*new] = stayed - set(before.values())
        assert not moved if gone else set(moved) <= set(new)
        assert await rounds(members, lambda: is_even(leases, members)) == 0  # and there it rests
        journal = len(leases.journal)
        for member in members:
            await member.beat()
        assert {what for what, _, _ in leases.journal[journal:]} == {"beat"}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["join", "leave", "crash", "beat", "time"]), st.integers(0, 20)), max_size=25), st.integers(1, 12)
)
def test_also_when_much_happens_at_once(changes: list[tuple[str, int]], partitions: int) -> None:
    asyncio.run(_all_at_once(changes, partitions))


async def _all_at_once(changes: list[tuple[str, int]], partitions: int) -> None:
    leases = Leases(partitions)
    members = [Member(leases, "first")]
    for number, (change, which) in enumerate(changes):
        if change == "join":
            members.append(Member(leases, f"{which}-{number}"))
        elif change == "time":
            leases.now += which * SECOND // 4
        elif change == "beat":
            await members[which % len(members)].beat()
        elif len(members) > 1:
            gone = members.pop(which % len(members))
            if change == "leave":
                await gone.leave()
    leases.now += LEASE
    assert await rounds(members, lambda: is_even(leases, members)) <= 4


@given(st.integers(1, 300), st.integers(1, 40))
def test_quotas_give_out_everything_and_differ_by_one_at_most(partitions: int, nodes: int) -> None:
    found = quotas(Roster([Node(f"{number}", ("engine",)) for number in range(nodes)], {0: "0"}), partitions)
    assert sum(found.values()) == partitions
    assert max(found.values()) - min(found.values()) <= 1


async def test_what_does_not_divide_stays_where_it_is(leases: Leases) -> None:
    members = await joined(leases, "z")
    members.append(Member(leases, "a"))
    members.append(Member(leases, "m"))
    await rounds(members, lambda: is_even(leases, members))
    assert {member.name: len(member.owned) for member in members} == {"z": 3, "a": 3, "m": 2}


async def test_nodes_without_the_role_get_nothing(leases: Leases) -> None:
    [engine] = await joined(leases, "engine")
    other = Member(leases, "delivery")
    other.roles = ("delivery",)
    for _ in range(2):
        await other.beat()
        await engine.beat()
    assert (len(engine.owned), other.owned) == (8, [])


# -- in order --------------------------------------------------------------------------------------------------------------


async def test_a_partition_is_given_up_after_the_last_commit_and_then_taken(leases: Leases) -> None:
    [old] = await joined(leases, "old")
    new = Member(leases, "new")
    for hand in old.hands.values():
        hand.busy = True
    await new.beat()
    await old.beat()
    assert sum(hand.retired for hand in old.hands.values()) == 4
    assert len(old.owned) == 8
    await new.beat()
    assert new.owned == []
    old.hands[7].commit()
    await settle()
    assert leases.journal[-2:] == [("commit", 7, "old"), ("disown", 7, "old")]
    await new.beat()
    assert (old.owned, new.owned) == ([0, 1, 2, 3, 4, 5, 6], [7])


async def test_a_node_that_leaves_gives_everything_up_and_the_rest_is_free_at_once(leases: Leases) -> None:
    going, staying = await joined(leases, "going", "staying")
    busy, *_ = going.owned
    going.hands[busy].busy = True
    going.roles = ("delivery",)
    await going.beat()  # it has said that it is no engine any more
    stopping = asyncio.create_task(going.fleet.stop(10))
    await settle()
    assert not stopping.done()
    await staying.beat()
    assert sorted(staying.owned) == sorted(set(range(8)) - {busy})
    going.fleet.heed(leases.roster())
    going.hands[busy].commit()
    await stopping
    await staying.beat()
    assert (going.owned, staying.owned) == ([], list(range(8)))
    assert not going.fleet.failed


async def test_an_owner_that_does_not_end_is_not_waited_for_without_end(leases: Leases) -> None:
    [member] = await joined(leases, "member")
    member.hands[3].busy = True
    await member.fleet.stop(0.001)
    assert list(leases.owners) == [3]
    member.hands[3].commit()
    await settle()


async def test_what_a_dead_node_had_is_taken_when_its_lease_is_over_and_not_before(leases: Leases) -> None:
    dead, heir = await joined(leases, "dead", "heir")
    leases.now = leases.until["dead"] - 1
    await heir.beat()
    assert len(heir.owned) == 4
    leases.now += 1
    await heir.beat()
    assert heir.owned == list(range(8))
    assert all(leases.epochs[partition] == 2 for partition in dead.owned)


async def test_a_node_that_was_thought_dead_writes_nothing_more_and_takes_its_share_again(leases: Leases) -> None:
    stale, heir = await joined(leases, "stale", "heir")
    had = stale.owned
    first, *rest = had
    for partition in had:
        stale.hands[partition].busy = True
    leases.now += LEASE
    await heir.beat()
    stale.hands[first].commit()  # it goes on where it stood
    await settle()
    assert ("refused", first, "stale") in leases.journal
    assert (stale.asked, first in stale.owned, stale.fleet.failed) == (1, False, False)
    await stale.beat()
    assert all(stale.hands[partition].retired for partition in rest)
    for partition in rest:
        stale.hands[partition].commit()
    await settle()
    assert stale.owned == []
    assert all(leases.owners[partition] == "heir" for partition in had)
    await rounds([heir, stale], lambda: is_even(leases, [heir, stale]))


async def test_who_was_out_of_touch_itself_takes_nothing_from_the_dead_yet(leases: Leases) -> None:
    one, other = await joined(leases, "one", "other")
    leases.now += LEASE
    had = one.owned
    one.fleet.heed(await leases.beat(Node("one", ("engine",)), LEASE), spares=True)
    await settle()
    assert one.owned == had
    await leases.disown(other.owned[0], "other")
    one.fleet.heed(leases.roster(), spares=True)
    await settle()
    assert len(one.owned) == 5
    await other.beat()
    await rounds([one, other], lambda: is_even(leases, [one, other]))


async def test_an_owner_that_hangs_is_abandoned_once_another_has_its_partition(leases: Leases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HUNG", 0)
    stale, heir = await joined(leases, "stale", "heir")
    hung, given, *_ = stale.owned
    for partition in stale.owned:
        stale.hands[partition].busy = True
    leases.now += LEASE
    leases.owners[given] = "stale"
    await heir.beat()
    await leases.disown(given, "heir")
    await leases.own(given, "stale")
    await stale.beat()
    assert stale.hands[hung].lost
    assert stale.owned == [given]
    assert not stale.fleet.failed


# -- hints, and those that are lost ----------------------------------------------------------------------------------------


async def test_a_hint_wakes_its_partition_only_and_one_without_a_place_all_that_have_something(leases: Leases) -> None:
    one, other = await joined(leases, "one", "other")
    mine, *_ = one.owned
    theirs, *_ = other.owned
    one.fleet.wake([mine, theirs])
    assert [partition for partition, hand in one.hands.items() if hand.woken] == [mine]
    leases.full = {one.owned[1], theirs}
    one.fleet.wake([])
    await settle()
    assert [partition for partition in one.owned if one.hands[partition].woken] == one.owned[:2]


async def test_once_a_second_it_looks_for_what_no_hint_told_of(leases: Leases) -> None:
    [member] = await joined(leases, "member")
    assert member.waits.asked == [1.0]
    leases.full = {6}
    leases.away = {"dirty"}
    member.waits.passes()
    await settle()
    assert (member.hands[6].woken, member.outage.lasts) == (0, True)
    leases.away.clear()
    member.waits.passes()
    await settle()
    assert [hand.woken for _, hand in sorted(member.hands.items())] == [0, 0, 0, 0, 0, 0, 1, 0]
    await member.fleet.stop(10)


# -- a store of one process ------------------------------------------------------------------------------------------------


class Alone(Leases):
    shared = False


async def test_on_a_store_of_one_process_it_has_the_only_partition_at_once() -> None:
    leases = Alone(1)
    member = Member(leases, "member")
    await member.fleet.start()
    await settle()
    assert (member.owned, member.waits.asked) == ([0], [])
    member.fleet.heed(Roster([], {}))
    member.hands[0].busy = True
    leases.epochs[0] += 1
    member.hands[0].commit()
    async with asyncio.timeout(10):
        await member.fleet.ended()
    assert member.fleet.failed


async def test_what_keeps_it_from_that_is_told() -> None:
    leases = Alone(1)
    leases.away = {"own"}
    with pytest.raises(StoreUnavailable):
        await Member(leases, "member").fleet.start()
