"""What the owners of one process share."""

import asyncio
from typing import Self

import msgspec

from clarion.engine.programs import Programs, Versions
from clarion.outage import Outage
from clarion.tallies import Applying


class Shared(msgspec.Struct, frozen=True):
    """What many owners of one process have in common, so that each costs little."""

    programs: Programs
    turns: asyncio.Semaphore
    """How many of them may be at a batch: so many batches are in memory, and connections in use, at most."""
    outage: Outage
    tally: Applying

    @classmethod
    def of(cls, store: Versions, outage: Outage | None = None, turns: int = 1) -> Self:
        """For owners of partitions of a store, so many of which may work at a time."""
        return cls(Programs(store), asyncio.Semaphore(turns), outage or Outage(), Applying())
