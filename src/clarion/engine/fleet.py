"""The owners of a node: started and stopped so that the partitions are spread evenly over the nodes that are there."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Final, Protocol

import structlog

from clarion.engine.placement import moves
from clarion.heartbeat import Wait, until_set
from clarion.outage import Outage
from clarion.store.port import Fenced, Owned, Store, StoreError, StoreUnavailable
from clarion.store.records.nodes import Roster

FIRST: Final = 0
"""The partition whose owner also runs the errand that one node does for all."""
HUNG = 2.0
"""Seconds that an owner gets to end whose partition another has, and the errand to be broken off; what waits for a database that does not
answer would wait for long."""
LOOK: Final = 1.0
"""Seconds between looks for entries of which no hint came."""

_log = structlog.get_logger(__name__)


class Owning(Protocol):
    """What a fleet needs of an owner (`clarion.engine.owner.Owner`)."""

    async def start(self) -> None: ...

    def retire(self) -> None: ...

    def abandon(self) -> None: ...

    async def ended(self) -> None: ...

    async def stop(self) -> None: ...

    def wake(self) -> None: ...

    @property
    def lost(self) -> bool: ...


class Fleet:
    """Runs an owner for each partition that this node has. `start`, then `heed` each roster, then `stop`.

    On a store of one process it has the only partition, and rosters mean nothing.
    """

    def __init__(
        self,
        store: Store,
        node: str,
        new_owner: Callable[[int], Owning],
        outage: Outage,
        *,
        ask: Callable[[], None],
        errand: Callable[[], Coroutine[None, None, None]] | None = None,
        wait: Wait = until_set,
    ) -> None:
        """`ask` wants another roster soon; `errand` runs as long as this node is the one, of all, that is to do it."""
        self._store, self._node, self._new_owner, self._outage = store, node, new_owner, outage
        self._ask, self._errand, self._wait = ask, errand, wait
        self._lives: dict[int, asyncio.Task[None]] = {}
        """By partition: all of its time here, from taking it to giving it up."""
        self._owners: dict[int, Owning] = {}
        """Those that run."""
        self._leaving: set[int] = set()
        """Partitions that are being given up."""
        self._unsure = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self._stopping = False
        self._failed = False

    async def start(self) -> None:
        """Begin. Raises StoreError where the only partition of a store cannot be had."""
        if self._store.shared:
            self._looking = self._spawn(self._keep_looking(), "looks for lost hints")
            return
        owner = self._new_owner(FIRST)
        await owner.start()
        self._lives[FIRST] = self._spawn(self._attend(FIRST, owner), "the only partition")

    async def stop(self, grace: float) -> None:
        """Let every owner finish its batch and give its partition up; returns after `grace` seconds at the latest. May be called twice."""
        self._stopping = True
        if self._looking is not None:
            self._looking.cancel()
        for partition in list(self._lives):
            self._give_up(partition)
        if self._lives:
            _, late = await asyncio.wait(self._lives.values(), timeout=grace)
            if late:
                _log.warning("partitions were not given up in time; what they still write is refused once they are taken", count=len(late))
        self._over.set()

    async def ended(self) -> None:
        """Wait until the fleet has ended, by `stop` or by itself."""
        await self._over.wait()

    @property
    def failed(self) -> bool:
        """Whether it has ended by itself: something met an error that it cannot get over; the log says what."""
        return self._failed

    @property
    def owned(self) -> list[int]:
        """The partitions that run here, in order."""
        return sorted(self._owners)

    def wake(self, partitions: Collection[int]) -> None:
        """There may be something new in these; empty: anywhere."""
        if not partitions:
            self._unsure.set()
        for partition in partitions:
            owner = self._owners.get(partition)
            if owner is not None:
                owner.wake()

    # -- who has what ------------------------------------------------------------------------------------------------

    def heed(self, roster: Roster, *, spares: bool = False) -> None:
        """Begin to give up and to take what a roster says; returns at once. With `spares` nothing is taken from the dead."""
        if self._stopping or self._failed or not self._store.shared:
            return
        alive = {node.id for node in roster.nodes}
        for partition in self.owned:
            owner = roster.owners.get(partition)
            if owner != self._node and owner in alive and partition not in self._leaving:  # taken while this node was thought dead
                self._give_up(partition)
                asyncio.get_running_loop().call_later(HUNG, self._abandon, partition, self._owners[partition])
        held = self._lives.keys() - self._leaving
        give, take = moves(roster, self._node, held, self._leaving, self._store.partitions, spares=spares)
        for partition in give:
            if partition in self._lives:
                self._give_up(partition)
            else:  # it was given up before, but the store could not be told
                self._leaving.add(partition)
                self._begin(partition, self._disown(partition))
        for partition in take:
            self._begin(partition, self._take(partition))
        if give or take:
            _log.info("partitions move", give=len(give), take=len(take), has=len(held), nodes=len(roster.nodes))

    def _begin(self, partition: int, life: Coroutine[None, None, None]) -> None:
        self._lives[partition] = self._spawn(self._live(partition, life), f"partition {partition}")

    def _give_up(self, partition: int) -> None:
        self._leaving.add(partition)
        owner = self._owners.get(partition)
        if owner is not None:
            owner.retire()

    def _abandon(self, partition: int, owner: Owning) -> None:
        if self._owners.get(partition) is owner:
            owner.abandon()

    # -- the life of a partition here --------------------------------------------------------------------------------

    async def _live(self, partition: int, life: Coroutine[None, None, None]) -> None:
        try:
            await life
        except StoreUnavailable as error:  # the next roster says how to go on
            self._outage.failed(error)
        finally:
            del self._lives[partition]
            self._leaving.discard(partition)

    async def _take(self, partition: int) -> None:
        owner = self._new_owner(partition)
        try:
            await owner.start()
        except (Owned, Fenced):
            return  # somebody was faster
        await self._attend(partition, owner)
        if owner.lost:
            self._ask()
        else:
            await self._disown(partition)

    async def _attend(self, partition: int, owner: Owning) -> None:
        """See an owner that has started to its end."""
        errand = None if partition != FIRST or self._errand is None else self._spawn(self._errand(), "errand")
        self._owners[partition] = owner
        if partition in self._leaving:
            owner.retire()
        try:
            await owner.ended()
            await owner.stop()
        finally:
            del self._owners[partition]
            if errand is not None:  # it may take a moment; only then another node may begin with it
                errand.cancel()
                await asyncio.wait([errand], timeout=HUNG)
        if owner.lost and not self._store.shared:
            raise StoreError("another process works on this database")

    async def _disown(self, partition: int) -> None:
        await self._store.disown(partition, self._node)

    # -- hints that were lost ----------------------------------------------------------------------------------------

    async def _keep_looking(self) -> None:
        while True:
            await self._wait(self._unsure, LOOK)
            self._unsure.clear()
            try:
                await self._look()
            except StoreUnavailable as error:
                self._outage.failed(error)

    async def _look(self) -> None:
        if self._owners:
            dirty = await self._store.dirty(self.owned)
            if dirty:
                self.wake(dirty)

    # -- what goes wrong ---------------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            _log.error("a part of the engine failed", part=task.get_name(), exc_info=error)
            self._failed = True
            self._over.set()
