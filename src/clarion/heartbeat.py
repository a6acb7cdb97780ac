"""The heartbeat of a node: it says each second that the node is there, and learns who else is."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import msgspec

from clarion.clock import SECOND
from clarion.outage import Outage
from clarion.store.port import Store, StoreUnavailable
from clarion.store.records.nodes import Node, Roster

LEASE: Final = 5 * SECOND
"""How long a node counts as alive after its last beat, in microseconds, unless said otherwise."""
BEATS: Final = 5
"""In the time of a lease: a few may be lost."""
SPREAD: Final = 0.1
"""By how much that varies, as a part of it: nodes that began together do not stay together."""
SOONEST: Final = 0.02
"""Seconds between beats that were asked for: many changes at once are one."""
RETURN: Final = 4 / BEATS
"""How long a node that was out of touch counts as returning, as a part of its lease: the others may have been so too, and are about to be
heard of again, once the beat that each may be at has been given up and the next has begun."""
PATIENCE: Final = 2 / BEATS
"""How long a beat may take, as a part of the lease: one that hangs must not cost it."""

Wait = Callable[[asyncio.Event, float], Awaitable[None]]


async def until_set(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, but not longer than that."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


class Heartbeat:
    """Beats from `start` until `leave`; `run` has to run in between. Tell it of a changed roster with `hasten`."""

    def __init__(
        self,
        store: Store,
        node: Node,
        outage: Outage,
        rng: random.Random,
        steady: Callable[[], int],
        *,
        lease: int = LEASE,
        wait: Wait = until_set,
    ) -> None:
        """`steady` gives microseconds that nobody can set; `lease` is in microseconds."""
        self._lease = lease
        self._store, self._node, self._outage, self._rng, self._steady, self._wait = store, node, outage, rng, steady, wait
        self._heard: list[Callable[[Roster], None]] = []
        self._asked = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._last: int | None = None
        self._returned: int | None = None

    @property
    def node(self) -> str:
        """The node's id."""
        return self._node.id

    def on_roster(self, callback: Callable[[Roster], None]) -> None:
        """Call this with the roster of each beat."""
        self._heard.append(callback)

    def hasten(self) -> None:
        """Beat at once: the roster has changed, or may have."""
        self._asked.set()

    @property
    def silent(self) -> int | None:
        """Microseconds since the node was last known to be there; None before its first beat."""
        return None if self._last is None else self._steady() - self._last

    @property
    def holds(self) -> bool:
        """Whether the node's lease runs, as far as it can tell: a beat that began within its time was heard."""
        return self.silent is not None and self.silent < self._lease

    @property
    def is_returning(self) -> bool:
        """Whether the node was out of touch for longer than its lease until just now: who seems dead need not be."""
        return self._returned is not None and self._steady() - self._returned < self._lease * RETURN

    async def start(self) -> None:
        """Beat for the first time. Raises StoreUnavailable."""
        await self._beat()

    async def run(self) -> None:
        """Beat until cancelled. A store that is away is tried on."""
        while True:
            await self._wait(self._asked, self._lease / SECOND / BEATS * self._rng.uniform(1 - SPREAD, 1 + SPREAD))
            hastened = self._asked.is_set()
            self._asked.clear()
            with suppress(StoreUnavailable):
                await self._beat()
            if hastened:
                await asyncio.sleep(SOONEST)

    async def resign(self, role: str) -> None:
        """Say at once, and from now on, that the node has a role no more: what it did is free for others. Raises StoreUnavailable."""
        self._node = msgspec.structs.replace(self._node, roles=tuple(one for one in self._node.roles if one != role))
        await self._beat()

    async def leave(self) -> None:
        """Say that the node is gone; what it still had is free. A store that is away will find out by itself."""
        try:
            async with self._one_at_a_time, asyncio.timeout(self._lease * PATIENCE / SECOND):
                self._last = None
                await self._store.leave(self._node.id)
        except (StoreUnavailable, TimeoutError) as error:
            self._outage.failed(error)

    async def _beat(self) -> None:
        async with self._one_at_a_time:  # what was said first must not be heard last
            roster = await self._roster()
        for heard in self._heard:
            heard(roster)

    async def _roster(self) -> Roster:
        began = self._steady()
        try:
            async with asyncio.timeout(self._lease * PATIENCE / SECOND):
                roster = await self._store.beat(self._node, self._lease)
        except (StoreUnavailable, TimeoutError) as error:
            failure = error if isinstance(error, StoreUnavailable) else StoreUnavailable("The database does not answer.")
            self._outage.failed(failure)
            raise failure from None
        if self._last is not None and began - self._last >= self._lease:
            self._returned = self._steady()
        self._last = began
        self._outage.answered()
        return roster
