"""The part of the store that nodes share, in memory under a clock to turn: who is there, and who owns what."""

from collections.abc import Collection
from typing import Any, cast

from clarion.store.port import Owned, Store, StoreUnavailable
from clarion.store.records.nodes import Node, Roster

SECOND = 1_000_000


class Leases:
    """Rules as in `clarion.store.port.Store`."""

    shared = True

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self.now = 0
        self.until: dict[str, int] = {}
        self.nodes: dict[str, Node] = {}
        self.owners: dict[int, str] = {}
        self.epochs: dict[int, int] = dict.fromkeys(range(partitions), 0)
        self.journal: list[tuple[Any, ...]] = []
        """(what, partition, node) in order."""
        self.full: set[int] = set()
        """Partitions with something in their inbox."""
        self.away: set[str] = set()
        """Calls that raise StoreUnavailable."""
        self.members: list[object] = []
        """Everybody who was ever there."""

    def store(self) -> Store:
        """It is enough for a fleet."""
        return cast("Store", self)

    def alive(self, node: str) -> bool:
        return self.until.get(node, -1) > self.now

    def _call(self, what: str) -> None:
        if what in self.away:
            raise StoreUnavailable(f"no {what}")

    async def beat(self, node: Node, lasts: int) -> Roster:
        self._call("beat")
        self.nodes[node.id] = node
        self.until[node.id] = self.now + lasts
        self.journal.append(("beat", None, node.id))
        return self.roster()

    def roster(self) -> Roster:
        return Roster([self.nodes[id] for id in sorted(self.nodes) if self.alive(id)], dict(self.owners))

    async def leave(self, node: str) -> None:
        self._call("leave")
        self.until.pop(node, None)
        self.owners = {partition: owner for partition, owner in self.owners.items() if owner != node}
        self.journal.append(("leave", None, node))

    async def own(self, partition: int, node: str) -> int:
        """The epoch."""
        self._call("own")
        owner = self.owners.get(partition, node)
        if owner != node and self.alive(owner):
            raise Owned(f"{owner} has {partition}")
        self.owners[partition] = node
        self.epochs[partition] += 1
        self.journal.append(("own", partition, node))
        return self.epochs[partition]

    async def disown(self, partition: int, node: str) -> None:
        self._call("disown")
        self.journal.append(("disown", partition, node))
        if self.owners.get(partition) == node:
            del self.owners[partition]

    async def dirty(self, partitions: Collection[int]) -> list[int]:
        self._call("dirty")
        self.journal.append(("dirty", tuple(partitions), None))
        return sorted(self.full & set(partitions))
