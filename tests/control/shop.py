"""A shop on a store of its own: what comes in is applied by a real engine at the times that a test says."""

import asyncio
import itertools
from typing import Any

import msgspec

from clarion.contract.track_event import read_event
from clarion.control.sites import create_site
from clarion.control.workflows import change_status, publish_workflow
from clarion.domain.ids import partition_of
from clarion.engine.owner import Owner
from clarion.fresh_ids import fresh_id
from clarion.intake import entry_from
from clarion.store.port import Store
from clarion.store.records.bodies import SubscriberPut
from clarion.store.records.commits import Outcome
from clarion.store.records.deliveries import Attempt, Report
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.sites import Site
from clarion.vault import Vault

NOON = 1_777_636_800_000_000
"""2026-05-01T12:00:00Z."""
SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR

_ids = itertools.count(1)


def new_id() -> str:
    """An id that is no time's."""
    return f"f{next(_ids):031x}"


class Shop:
    """One site, with its events, documents and deliveries. `now` is the time of everything until a test changes it."""

    def __init__(self, store: Store, site: Site) -> None:
        self.store, self.site, self.now = store, site, NOON
        self._owner: Owner | None = None
        store.on_change(self._wake)

    def _wake(self, _: str, __: object) -> None:
        if self._owner is not None:
            self._owner.wake()

    @classmethod
    async def make(cls, store: Store) -> "Shop":
        """A shop with nothing in it."""
        return cls(store, await create_site(store, Vault(bytes(32)), "Shop", "mailto:ops@shop.example", NOON))

    async def publish(self, text: str) -> None:
        """Publish a document."""
        await publish_workflow(self.store, self.site, text, self.now, new_id)
        await self.apply()

    async def change(self, workflow: str, change: str) -> None:
        """Pause, drain, archive."""
        await change_status(self.store, self.site, workflow, change, self.now, new_id)
        await self.apply()

    async def send(
        self, name: str, profile: str | None = None, device: str | None = None, *, timestamp: str | None = None, **data: Any
    ) -> str:
        """Have an event accepted and applied; returns its id."""
        id = await self.accept(name, profile, device, timestamp=timestamp, **data)
        await self.apply()
        return id

    async def accept(
        self, name: str, profile: str | None = None, device: str | None = None, *, timestamp: str | None = None, **data: Any
    ) -> str:
        """Have an event accepted only."""
        body = {"event_name": name, "profile_id": profile, "device_token_hash": device, "timestamp": timestamp, "data": data}
        id = f"{self.now // 1000:012x}{fresh_id()[12:]}"
        event = read_event(msgspec.json.encode(body), now=self.now, idempotency_key=None)
        await self.store.append([entry_from(event, self.site.id, self.now, id, self.store.partitions)])
        return id

    async def register(self, device: str, profile: str | None = None) -> None:
        """Have a push subscription registered and applied."""
        put = SubscriberPut(device, f"https://push.example/{device}", "key", "secret", profile)
        partition = partition_of(self.site.id, device, self.store.partitions)
        await self.store.append([NewEntry(EntryKind.SUBSCRIBER, self.site.id, new_id(), msgspec.json.encode(put), self.now, partition)])
        await self.apply()

    async def deliver(self, outcome: str = "sent", status: int = 201, error: str | None = None) -> None:
        """Let everything that is to be sent end, and apply that."""
        claimed, _ = await self.store.claim(100, self.now)
        attempt = Attempt(self.now, 12_000, status, error)
        for one in claimed:
            tried = msgspec.structs.replace(one, attempts=(attempt,))
            await self.store.report([Report(tried, outcome, self.now, status=status, reason=error)])
        await self.apply()

    async def apply(self) -> None:
        """What a running engine does, until there is nothing left to do."""
        owner = self._owner = Owner(self.store, 0, lambda: self.now, fresh_id, steady=lambda: 0, pace=0)
        committed, commit = asyncio.Event(), self.store.commit

        async def commit_and_say_so(outcome: Outcome) -> None:
            await commit(outcome)
            committed.set()

        self.store.commit = commit_and_say_so  # type: ignore[method-assign]  # to hear of commits
        try:
            await owner.start()
            while True:
                taken = await self.store.take(0, 1, self.now, 1)
                if not taken.entries and not taken.due:
                    break
                await committed.wait()
                committed.clear()
        finally:
            await owner.stop()
            self.store.commit = commit  # type: ignore[method-assign]
