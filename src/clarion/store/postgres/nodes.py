"""Nodes: who is there, who owns what, what waits; and the database's clock."""

import time
from collections.abc import Callable, Collection
from typing import Final

import msgspec

from clarion.clock import SECOND, Clock
from clarion.store.port import NotFound, Owned
from clarion.store.postgres.connection import Database
from clarion.store.postgres.pulse import Pulse, Refused
from clarion.store.postgres.signals import ROSTER, Signals
from clarion.store.records.lags import Lag
from clarion.store.records.nodes import Node, Roster
from clarion.store.records.states import PartitionState
from clarion.store.statements import load_statements

_SQL = load_statements(__package__, "nodes")
_encode = msgspec.json.Encoder().encode

MOST_COUNTED: Final = 200
"""Entries and deliveries that wait in a partition are counted up to so many. More entries than that are estimated; of deliveries it is all
that is said."""

_DRIFT: Final = 0.000_2
"""By how much two clocks may part, as a share of the time that passes: how much worse a measurement gets by growing old."""


_JUMP: Final = SECOND
"""Where two measurements differ by so much more than both can err, a clock was set or this machine has slept: the newer one counts."""


class _Beat(msgspec.Struct, frozen=True):
    now: int
    nodes: list[tuple[str, tuple[str, ...], str]]
    owners: list[tuple[int, str]]


_decode = msgspec.json.Decoder(_Beat).decode


class DatabaseClock:
    """The database's clock, estimated: this machine's steady clock, and by how much the two differ.

    The quickest answer of the last while gives the best estimate: the error is at most half of the time that it took.
    """

    def __init__(self, steady: Callable[[], int] = time.monotonic_ns) -> None:
        """`steady` counts nanoseconds."""
        self._steady = steady
        self._offset = 0
        self._error: float | None = None
        self._measured = 0

    def __call__(self) -> int:
        """UTC microseconds."""
        return self._steady() // 1_000 + self._offset

    def began(self) -> int:
        """To be kept while the database is asked for its time."""
        return self._steady() // 1_000

    def measured(self, began: int, now: int) -> None:
        """The database, asked at `began`, has answered `now`."""
        ended = self._steady() // 1_000
        error = (ended - began) / 2
        aged = None if self._error is None else self._error + (ended - self._measured) * _DRIFT
        offset = now - (began + ended) // 2
        if aged is None or error <= aged or abs(offset - self._offset) > error + aged + _JUMP:
            self._offset = offset
            self._error, self._measured = error, ended


class Nodes:
    """The port's section of this name, and `own`."""

    def __init__(self, database: Database, pulse: Pulse, signals: Signals, clock: Clock | None = None) -> None:
        """`clock` in place of the database's."""
        self._database, self._pulse, self._signals = database, pulse, signals
        self._estimate = DatabaseClock()
        self.now: Clock = clock or self._estimate
        self._known = ""
        """Node whose coming the others have been told of."""

    async def open(self) -> None:
        """Read the database's clock."""
        for _ in range(3):
            began = self._estimate.began()
            self._estimate.measured(began, await self._database.fetchval(_SQL["now"]))

    async def beat(self, node: Node, lasts: int) -> Roster:
        """As in the port."""
        began = self._estimate.began()
        said = node.id, _encode(node.roles).decode(), node.host, lasts
        try:
            found = await self._pulse.fetchval(_SQL["beat"], *said)
        except Refused:
            found = await self._database.fetchval(_SQL["beat"], *said)
        answer = _decode(found)
        self._estimate.measured(began, answer.now)
        self._signals.alone(all(other == node.id for other, _, _ in answer.nodes))
        if node.id != self._known:
            self._known = node.id
            self._signals.tell(ROSTER)
        return Roster([Node(id, roles, host) for id, roles, host in answer.nodes], dict(answer.owners))

    async def leave(self, node: str) -> None:
        """As in the port."""
        await self._database.execute(_SQL["leave"], node)
        self._known = ""
        self._signals.tell(ROSTER)

    async def own(self, partition: int, node: str) -> PartitionState:
        """As in the port."""
        row = await self._database.fetchrow(_SQL["own"], partition, node)
        if row is None:
            if await self._database.fetchrow(_SQL["partition"], partition) is None:
                raise NotFound(f"There is no partition {partition}.")
            raise Owned(f"Partition {partition} has another owner.")
        return PartitionState(*row)

    async def disown(self, partition: int, node: str) -> None:
        """As in the port."""
        if await self._database.fetchrow(_SQL["disown"], partition, node) is not None:
            self._signals.tell(ROSTER)

    async def dirty(self, partitions: Collection[int]) -> list[int]:
        """As in the port."""
        return [partition for (partition,) in await self._database.fetch(_SQL["dirty"], list(partitions))]

    async def lags(self) -> list[Lag]:
        """As in the port."""
        return [Lag(*row) for row in await self._database.fetch(_SQL["lags"], MOST_COUNTED)]
