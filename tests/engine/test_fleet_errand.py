"""The errand that one node runs for all: where the first partition is, and nowhere else."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.engine.leases import Leases
from tests.engine.members import Member, is_even, rounds, settle


async def test_the_errand_runs_where_the_first_partition_is(leases: Leases) -> None:
    running: list[str] = []

    def errand_of(name: str) -> Callable[[], Awaitable[None]]:
        async def errand() -> None:
            running.append(name)
            try:
                await asyncio.Event().wait()
            finally:
                running.remove(name)

        return errand

    one, other = Member(leases, "one", errand_of("one")), Member(leases, "other", errand_of("other"))
    await one.beat()
    await rounds([one, other], lambda: is_even(leases, [one, other]))
    assert (running, one.owned[0]) == (["one"], 0)
    await one.leave()
    await settle()
    assert running == []
    await other.beat()
    await settle()
    assert running == ["other"]
    await other.leave()


async def test_the_first_partition_is_given_up_when_the_errand_has_ended(leases: Leases) -> None:
    at_it = asyncio.Event()

    async def errand() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await at_it.wait()  # a file is being written

    member = Member(leases, "member", errand)
    await member.beat()
    leaving = asyncio.create_task(member.leave())
    await settle()
    assert ("disown", 0, "member") not in leases.journal
    at_it.set()
    await leaving
    assert ("disown", 0, "member") in leases.journal


async def test_an_errand_that_breaks_ends_the_fleet(leases: Leases) -> None:
    async def errand() -> None:
        raise ValueError("broken")

    member = Member(leases, "member", errand)
    await member.beat()
    assert member.fleet.failed
