"""Nodes with a fleet each, on leases in memory: their owners do what the test says, their beats come when it wants them."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.engine.leases import SECOND, Leases

from clarion.engine.fleet import Fleet
from clarion.heartbeat import LEASE
from clarion.outage import Outage
from clarion.store.records.nodes import Node


class Hand:
    """An owner that takes its partition over and then waits to be told what happens to it."""

    def __init__(self, leases: Leases, partition: int, node: str) -> None:
        self._leases, self.partition, self._node = leases, partition, node
        self.epoch = 0
        self.woken = 0
        self.busy = False
        """With a batch under way: it ends when that is committed."""
        self.retired = False
        self.lost = False
        self._error: Exception | None = None
        self._over = asyncio.Event()

    async def start(self) -> None:
        self.epoch = await self._leases.own(self.partition, self._node)

    def retire(self) -> None:
        self.retired = True
        if not self.busy:
            self._over.set()

    def abandon(self) -> None:
        self.lost = True
        self._over.set()

    def commit(self) -> None:
        """The batch under way reaches the store, or is refused."""
        self.busy = False
        self.lost = self._leases.epochs[self.partition] != self.epoch
        self._leases.journal.append(("refused" if self.lost else "commit", self.partition, self._node))
        if self.lost or self.retired:
            self._over.set()

    def fail(self, error: Exception) -> None:
        self._error = error
        self._over.set()

    async def ended(self) -> None:
        await self._over.wait()

    async def stop(self) -> None:
        self.retire()
        await self._over.wait()
        if self._error is not None:
            raise self._error

    def wake(self) -> None:
        self.woken += 1


class Waits:
    """Waits of the fleet, each over when the test says so, or when the event that it waits for is set."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self._turn = asyncio.Event()

    async def __call__(self, event: asyncio.Event, seconds: float) -> None:
        self.asked.append(seconds)
        self._turn.clear()
        both = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(self._turn.wait())]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in both:
                one.cancel()

    def passes(self) -> None:
        self._turn.set()


class Member:
    """A node with a fleet, whose beats are the test's."""

    def __init__(self, leases: Leases, name: str, errand: Callable[[], Awaitable[None]] | None = None) -> None:
        self.leases, self.name = leases, name
        self.hands: dict[int, Hand] = {}
        self.outage = Outage(lambda: leases.now)
        self.asked = 0
        self.waits = Waits()
        self.roles: tuple[str, ...] = ("engine",)
        leases.members.append(self)  # the tasks of one that has crashed must not be collected

        def ask() -> None:
            self.asked += 1

        def new_owner(partition: int) -> Hand:
            self.hands[partition] = Hand(leases, partition, name)
            return self.hands[partition]

        self.fleet = Fleet(leases.store(), name, new_owner, self.outage, ask=ask, errand=errand, wait=self.waits)  # type: ignore[arg-type]  # a coroutine

    async def beat(self) -> None:
        self.fleet.heed(await self.leases.beat(Node(self.name, self.roles), LEASE))
        await settle()

    async def leave(self) -> None:
        """As a node does."""
        self.roles = ()
        await self.beat()
        await self.fleet.stop(10)
        await self.leases.leave(self.name)

    @property
    def owned(self) -> list[int]:
        return self.fleet.owned


async def settle() -> None:
    """Let everything happen that does not wait for somebody else."""
    for _ in range(12):
        await asyncio.sleep(0)


async def rounds(members: list[Member], done: Callable[[], bool], most: int = 10) -> int:
    """How many rounds of beats it takes until `done`; a round brings a second."""
    for taken in range(most):
        if done():
            return taken
        for member in members:
            await member.beat()
        members[0].leases.now += SECOND
    assert done(), [member.owned for member in members]
    return most


def is_even(leases: Leases, members: list[Member]) -> bool:
    """Whether everything is owned once, by those who are there, as evenly as can be."""
    counts = sorted(len(member.owned) for member in members)
    owned = sorted(partition for member in members for partition in member.owned)
    each, more = divmod(leases.partitions, len(members))
    right = all(leases.owners.get(partition) == member.name for member in members for partition in member.owned)
    return right and owned == list(range(leases.partitions)) and counts == [each] * (len(members) - more) + [each + 1] * more


async def joined(leases: Leases, *names: str) -> list[Member]:
    """Members that share everything evenly."""
    members = [Member(leases, name) for name in names]
    for member in members:
        await member.fleet.start()
    await rounds(members, lambda: is_even(leases, members))
    return members
