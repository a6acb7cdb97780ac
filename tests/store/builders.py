"""Records as tests want them: every field has a default."""

from typing import Any

import msgspec

from clarion.domain.ids import digest
from clarion.store.port import Store
from clarion.store.records.commits import LogMove, Outcome
from clarion.store.records.deliveries import Delivery
from clarion.store.records.entries import Entry, EntryKind, IdempotencyClaim, NewEntry
from clarion.store.records.runs import RunRow
from clarion.store.records.states import PartitionState

SITE = 1
NOW = 1_750_000_000_000_000
FAR = 2**62
"""A horizon beyond every timer."""


def entry(name: str, body: bytes = b"{}", site: int = SITE, received: int = NOW) -> NewEntry:
    return NewEntry(EntryKind.EVENT, site, digest(name), body, received)


def claimed(name: str, event_id: str, content: str = "same", target: str = "p:ann", site: int = SITE, received: int = NOW) -> NewEntry:
    return msgspec.structs.replace(entry(name, site=site, received=received), claim=IdempotencyClaim(target, event_id, content))


def run(name: str, **fields: Any) -> RunRow:
    known: dict[str, Any] = {
        "id": digest(name),
        "site": SITE,
        "workflow": "cart",
        "version": 1,
        "profile": "n:ann",
        "key": None,
        "status": "waiting",
        "step": "hour",
        "due": None,
        "held": False,
        "started": NOW,
        "ended": None,
        "reason": None,
        "state": msgspec.Raw(b'{"since":1}'),
    }
    return RunRow(**{**known, **fields})


def delivery(name: str, **fields: Any) -> Delivery:
    known: dict[str, Any] = {
        "id": digest(name),
        "site": SITE,
        "effect": digest("effect of", name),
        "run": digest("run of", name),
        "workflow": "cart",
        "step": "remind",
        "profile": "n:ann",
        "kind": "push",
        "job": msgspec.Raw(b'{"endpoint":"https://push.example/1"}'),
        "created": NOW,
        "due": NOW,
        "expires": NOW + 1_000_000,
        "subscriber": "laptop",  # whose home is partition 0 of four
    }
    return Delivery(**{**known, **fields})


class Owner:
    """A partition's owner that keeps count of its log."""

    def __init__(self, store: Store, state: PartitionState) -> None:
        self.store, self.state = store, state

    @classmethod
    async def of(cls, store: Store, partition: int = 0) -> "Owner":
        return cls(store, await store.own(partition))

    async def waiting(self, limit: int = 1_000) -> list[Entry]:
        return (await self.store.take(self.state.partition, limit, 0, 0)).entries

    async def commit(self, *, log_time: int = NOW, moved: list[Entry] | None = None, profile: str = "n:ann", **fields: Any) -> None:
        """One outcome; `moved` go to the log."""
        first = self.state.sequence + 1
        moves = [LogMove(one.position, first + place, log_time, profile) for place, one in enumerate(moved or [])]
        logged = [(first + len(moves) + place, log_time, one) for place, one in enumerate(fields.pop("logged", []))]
        state = msgspec.structs.replace(self.state, sequence=self.state.sequence + len(moves) + len(logged), log_time=log_time)
        await self.store.commit(Outcome(state, moved=moves, logged=logged, **fields))
        self.state = state

    async def work_holds(self, limit: int = 100) -> int:
        """Work off what pauses and releases have asked for, as far as it goes just now; returns how many deliveries had their turn."""
        total = 0
        while done := await self.store.work_holds(self.state.partition, limit):
            total += done
        return total

    async def log_all(self) -> None:
        await self.commit(moved=await self.waiting())
