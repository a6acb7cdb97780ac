"""The fleet when others are faster, the store is away, or an owner breaks."""

import asyncio

import pytest
from tests.engine.leases import Leases
from tests.engine.members import Member, is_even, joined, rounds, settle

from clarion.heartbeat import LEASE
from clarion.store.port import Fenced, Owned, StoreError
from clarion.store.records.nodes import Node


async def test_somebody_who_was_faster_is_left_alone(leases: Leases) -> None:
    member = Member(leases, "slow")
    roster = await leases.beat(Node("slow", ("engine",)), LEASE)
    await leases.beat(Node("fast", ("delivery",)), LEASE)
    leases.owners[5] = "fast"
    with pytest.raises(Owned):
        await leases.own(5, "slow")
    member.fleet.heed(roster)
    await settle()
    assert member.owned == [0, 1, 2, 3, 4, 6, 7]
    assert not member.fleet.failed


async def test_so_is_somebody_who_took_it_before_the_first_commit(leases: Leases, monkeypatch: pytest.MonkeyPatch) -> None:
    async def taken(partition: int, node: str) -> int:
        raise Fenced("epoch 1 is over")

    monkeypatch.setattr(leases, "own", taken)
    member = Member(leases, "member")
    await member.beat()
    assert (member.owned, member.fleet.failed) == ([], False)


async def test_a_store_that_is_away_while_partitions_are_taken_is_tried_with_the_next_roster(leases: Leases) -> None:
    member = Member(leases, "member")
    leases.away = {"own"}
    await member.beat()
    assert (member.owned, member.outage.lasts, member.fleet.failed) == ([], True, False)
    leases.away.clear()
    await member.beat()
    assert len(member.owned) == 8


@pytest.mark.parametrize("others", [0, 1])
async def test_what_could_not_be_given_up_is_given_up_later_or_run_again(leases: Leases, others: int) -> None:
    [member] = await joined(leases, "member")
    new = Member(leases, "new")
    await new.beat()
    leases.away = {"disown"}
    await member.beat()
    assert (len(member.owned), len(leases.owners)) == (4, 8)
    leases.away.clear()
    if others:
        await rounds([member, new], lambda: is_even(leases, [member, new]))
    else:
        await leases.leave("new")
        await member.beat()
        assert len(member.owned) == 8


async def test_an_owner_that_breaks_ends_the_fleet(leases: Leases) -> None:
    [member] = await joined(leases, "member")
    member.hands[2].fail(ValueError("broken"))
    async with asyncio.timeout(10):
        await member.fleet.ended()
    assert member.fleet.failed
    await member.beat()
    assert 2 not in member.owned
    await member.fleet.stop(10)


async def test_an_error_in_taking_ends_the_fleet(leases: Leases, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(partition: int, node: str) -> int:
        raise StoreError("no such table")

    monkeypatch.setattr(leases, "own", broken)
    member = Member(leases, "member")
    await member.beat()
    assert member.fleet.failed
