"""An owner on a real store: a clock to turn, a signal for each commit, and gates and refusals in front of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from pathlib import Path

import msgspec

from clarion.control.workflows import publish_workflow
from clarion.domain.ids import run_id
from clarion.domain.records import Event
from clarion.engine.owner import Owner
from clarion.fresh_ids import fresh_id
from clarion.store.port import StoreError
from clarion.store.records.bodies import RunChange
from clarion.store.records.commits import Outcome
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.runs import RunRow
from clarion.store.records.sites import Site
from clarion.store.sqlite.migrations import migrate
from clarion.store.sqlite.store import SqliteStore

SECOND = 1_000_000
HOUR = 3_600 * SECOND

Asks = Callable[[Outcome], bool]


class Gate:
    """Stops the first commit that it asks for, before it is made."""

    def __init__(self, asks: Asks) -> None:
        self.asks = asks
        self.reached, self.open = asyncio.Event(), asyncio.Event()


class Bench:
    """A store, an owner, a clock to turn, and a signal for each commit of the owner."""

    def __init__(self, store: SqliteStore, site: Site) -> None:
        self.store, self.site = store, site
        self.wall, self.steady = 1_000 * HOUR, 0
        self.timers = 1_000
        self.committed: asyncio.Queue[Outcome] = asyncio.Queue()
        self.order: list[Outcome] = []
        """All that was committed."""
        self.breaks: list[Exception] = []
        self.refuses: Asks = lambda _: False
        self._gates: list[Gate] = []
        self._commit = store.commit
        store.commit = self._spy  # type: ignore[method-assign]  # the test listens in
        self.owner = self.new_owner()
        store.on_change(self._changed)

    def _changed(self, what: str, _: Collection[int]) -> None:
        if what == "inbox":
            self.owner.wake()

    def new_owner(self) -> Owner:
        return Owner(self.store, 0, lambda: self.wall, fresh_id, timers=self.timers, told=self.timers, steady=lambda: self.steady)

    async def crash(self) -> None:
        """Another owner takes over from one that has nothing to do, or stands at a gate: that one's commit is refused."""
        crashed, self.owner = self.owner, self.new_owner()
        await self.owner.start()
        shut = [gate for gate in self._gates if gate.reached.is_set() and not gate.open.is_set()]
        if not shut:
            await crashed.stop()
            return
        for gate in shut:
            gate.open.set()
        async with asyncio.timeout(10):
            await crashed.ended()
        assert crashed.failed

    def gate(self, asks: Asks) -> Gate:
        """A gate in front of the next commit that it asks for."""
        gate = Gate(asks)
        self._gates.append(gate)
        return gate

    async def _spy(self, outcome: Outcome) -> None:
        if self.breaks:
            raise self.breaks.pop(0)
        if self.refuses(outcome):
            raise StoreError("this cannot be stored")
        for gate in self._gates:
            if not gate.reached.is_set() and gate.asks(outcome):
                gate.reached.set()
                await gate.open.wait()
        await self._commit(outcome)
        self.order.append(outcome)
        self.committed.put_nowait(outcome)

    async def send(self, *ids: str, profile: str = "p", name: str = "go") -> None:
        await self.append(
            *(
                (EntryKind.EVENT, id, msgspec.json.encode(Event(id, name, profile_id=profile, data=msgspec.Raw(b"{}"), received=self.wall)))
                for id in ids
            )
        )

    async def append(self, *entries: tuple[EntryKind, str, bytes]) -> None:
        await self.store.append([NewEntry(kind, self.site.id, id, body, self.wall) for kind, id, body in entries])

    async def operate(self, change: RunChange) -> None:
        await self.append((EntryKind.RUN, fresh_id(), msgspec.json.encode(change)))

    async def until(self, true: Asks) -> Outcome:
        """Wait for a commit of the owner."""
        async with asyncio.timeout(10):
            while True:
                outcome = await self.committed.get()
                if true(outcome):
                    return outcome

    async def applied(self, profile: str) -> Outcome:
        """Wait until an event of a profile is applied."""
        return await self.until(lambda outcome: any(move.profile == f"n:{profile}" for move in outcome.moved))

    def passes(self, time: int) -> None:
        self.wall += time
        self.steady += time
        self.owner.wake()

    async def run(self, workflow: str, event: str) -> RunRow:
        return await self.store.run(run_id(self.site.id, workflow, event, None))

    async def counter(self, workflow: str, name: str) -> int:
        """A counter of a whole workflow, of all time."""
        rows = await self.store.counters(self.site.id, workflow, "total", 0, 2**62, 10_000)
        return sum(row.count for row in rows if (row.step, row.name) == ("", name))


def has(**kinds: int) -> Asks:
    """Whether an outcome has at least so many of something."""
    return lambda outcome: all(len(getattr(outcome, kind)) >= count for kind, count in kinds.items())


async def opened(folder: Path, *texts: str) -> AsyncIterator[Bench]:
    """A bench with workflows, on a store of its own."""
    path = folder / "clarion.db"
    migrate(path)
    store = SqliteStore(path)
    await store.open()
    site = await store.create_site(Site(0, "s", "app", "pub", b"x", "mailto:a@example.com", b"y", 0))
    made = Bench(store, site)
    for text in texts:
        await publish_workflow(store, site, text, made.wall, fresh_id)
    yield made
    await made.owner.stop()
    await store.close()
