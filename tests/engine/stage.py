"""A log played on a real store by real owners, one input at a time: the clock stands still until all that comes of it is applied."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, cast

import apsw
import asyncpg  # type: ignore[import-untyped]  # it carries no types
import msgspec
from tests.engine.builders import HOUR, SECOND, SITE
from tests.engine.cluster import MESSAGES, Cluster

from clarion.control.errors import Conflict, Invalid
from clarion.control.receipts import record_receipt
from clarion.control.runs import change_run
from clarion.control.site_settings import SiteSettings, change_site
from clarion.control.sites import find_site
from clarion.control.workflows import change_status, publish_document
from clarion.domain.ids import named_profile, partition_of, partition_of_profile
from clarion.engine.owner import Owner
from clarion.store.port import NotFound, Store
from clarion.store.postgres.store import PostgresStore
from clarion.store.records.batches import Taken
from clarion.store.records.bodies import SiteChange
from clarion.store.records.deliveries import Attempt, Delivery, Report
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.nodes import Node
from clarion.store.records.sites import Site
from clarion.store.sqlite.store import SqliteStore
from clarion.workflow.source import read_document

BEGAN: Final = 1_000 * HOUR
TICK: Final = 10
"""Microseconds from one input to the next, at least: behind a publish, log time is a microsecond ahead of the clock."""
MOST_HELD: Final = 100
"""Deliveries that are let go or end in one piece."""
AGAIN: Final = 5 * SECOND
"""Until a delivery is tried again."""

Op = tuple[Any, ...]
"""Name of a method of `Stage`, and its arguments."""
Told = Mapping[str, list[Any]]
"""What a database holds in the end, sorted: by table, rows without what only says where they are."""


class TooMuch(Exception):
    """Runs start one another without end, or nearly so."""


class StepByStep(Owner):
    """An owner that does nothing by itself."""

    async def begin(self) -> None:
        """Take the partition over."""
        await self._take_over()

    async def step(self) -> None:
        """Apply an input; all runs that have to hear of it do so at once."""
        await self._turn()
        while self._rearm or self._behind:
            self._is_told = False
            await self._turn()

    async def let(self) -> None:
        """Do what pauses, resumes and stops mean to all deliveries."""
        while self._holding.has_work(self._now()):
            await self._holding.take(self._now(), MOST_HELD)


class Stage:
    """An open store with a site, and what a test lets happen to it: each method but `play` and `settle` is one input."""

    def __init__(self, store: Store, site: Site, clock: "Clockwork", most: int) -> None:
        self._store, self._site, self._clock, self._most = store, site, clock, most
        self._inputs = Cluster(store.partitions)
        """Makes entries as the rest of Clarion would."""
        self._owners = [
            StepByStep(store, partition, clock, self._id, entries=1, timers=1, steady=clock) for partition in range(store.partitions)
        ]
        self._heads: dict[int, Taken] = {}
        """By partition: what it would take next, where that is known."""
        self._taken: dict[str, Delivery] = {}
        """By id: deliveries that are claimed and not reported."""
        store.on_change(self._changed)

    def _changed(self, what: str, partitions: Collection[int]) -> None:
        if what == "inbox":
            for partition in partitions or range(len(self._owners)):
                self._heads.pop(partition, None)

    def _id(self) -> str:
        """Entries of one input, in whatever partitions, have one id."""
        return f"input{self._clock.now}"

    async def play(self, ops: list[Op]) -> None:
        """Let all this happen. Raises TooMuch."""
        for owner in self._owners:
            await owner.begin()
        for name, *arguments in ops:
            await self._passes(TICK)
            await getattr(self, name)(*arguments)
            await self._settle()

    # -- time --------------------------------------------------------------------------------------------------------

    async def time(self, gap: int) -> None:
        """Let time pass."""
        await self._passes(gap)

    async def _passes(self, gap: int) -> None:
        """Everything that is due meanwhile happens in its time, wherever it is."""
        until = self._clock.now + gap
        await self._settle()
        while dues := [head.next_due for head in self._heads.values() if head.next_due is not None and head.next_due <= until]:
            self._clock.now = max(self._clock.now, min(dues))
            await self._settle()
        self._clock.now = max(self._clock.now, until)
        await self._settle()

    async def _settle(self) -> None:
        """Apply everything, in the order in which one partition would: what the others have to be told, then timers, then the inbox."""
        while True:
            for owner in self._owners:
                await owner.let()
            for partition in range(len(self._owners)):
                head = self._heads.get(partition)
                if head is None or (head.next_due is not None and head.next_due <= self._clock.now):
                    self._heads[partition] = await self._store.take(partition, 1, self._clock.now, 1)
            turns = [(turn, partition) for partition, head in self._heads.items() if (turn := _turn(head)) is not None]
            if not turns:
                return
            self._most -= 1
            if self._most < 0:
                raise TooMuch
            _, partition = min(turns)
            del self._heads[partition]
            await self._owners[partition].step()

    # -- inputs ------------------------------------------------------------------------------------------------------

    async def register(self, device: str, who: str | None, facts: dict[str, Any], attributes: dict[str, Any]) -> None:
        await self._append(lambda: self._inputs.subscriber(device, who, facts=facts, attributes=attributes))

    async def event(self, name: str, device: str | None, who: str | None, n: int) -> None:
        await self._append(lambda: self._inputs.event(name, device, who, n=n))

    async def follow(self, device: str, whose: str) -> None:
        await self._append(lambda: self._inputs.subscriber(device, follows=whose, segments=("s",)))

    async def device(self, device: str, change: str, who: str | None, facts: dict[str, Any]) -> None:
        await self._append(lambda: self._inputs.device(device, change, who, facts=facts))

    async def profile(self, device: str | None, who: str | None, change: dict[str, Any]) -> None:
        await self._append(lambda: self._inputs.profile(who, device, **change))

    async def erase(self, who: str) -> None:
        key = named_profile(who)
        found = await self._store.subscribers_of(partition_of_profile(SITE, key, self._store.partitions), SITE, [key])
        devices = tuple(sorted(one.device_token_hash for one in found))
        for after in (False, True):  # the second comes once nothing is on its way any more
            self._inputs.now = self._clock.now
            await self._store.append(self._inputs.erase((key,), devices, after=after))
            await self._settle()

    async def publish(self, text: str, runs: str) -> None:
        await publish_document(self._store, self._site, read_document(text), text, self._clock.now, self._id, runs)

    async def change(self, workflow: str, change: str) -> None:
        with suppress(Conflict):
            await change_status(self._store, self._site, workflow, change, self._clock.now, self._id, 5 * HOUR)

    async def site(self, timezone: str) -> None:
        await change_site(self._store, self._site, SiteSettings(timezone=timezone), self._clock.now, self._id)

    async def operator(self, which: int, change: str, step: str | None) -> None:
        runs = sorted(run.id for run in await self._store.runs(SITE, None, None, 1_000))
        if runs:
            with suppress(Conflict, Invalid):
                await change_run(self._store, self._site, runs[which % len(runs)], change, self._clock.now, self._id, step=step)

    async def outcome(self, which: int, outcome: str) -> None:
        """An attempt to send one of the deliveries that are there to be sent; `again`: it failed, and is to be repeated."""
        claimed, _ = await self._store.claim(1_000, self._clock.now)
        self._taken |= {one.id: one for one in claimed}
        if not self._taken:
            return
        one = self._taken.pop(sorted(self._taken)[which % len(self._taken)])
        is_http = one.kind == "http"
        if is_http and outcome == "gone":
            outcome = "failed"
        now, status = self._clock.now, 200 if outcome == "sent" else 500
        tried = msgspec.structs.replace(one, attempts=(*one.attempts, Attempt(now, 7, status)))
        response: dict[str, Any] | None = {} if is_http and msgspec.json.decode(one.job).get("capture") else None
        report = Report(tried, None, now, now + AGAIN) if outcome == "again" else Report(tried, outcome, now, None, status, None, response)
        await self._store.report([report])

    async def receipt(self, which: int, event: str) -> None:
        rows = await self._store.deliveries(SITE, None, 1_000)
        pushes = sorted(row.delivery.id for row in rows if row.delivery.kind == "push")
        if pushes:
            with suppress(NotFound):
                await record_receipt(self._store, self._site, pushes[which % len(pushes)], event, None, self._clock.now, self._id)

    async def _append(self, made: Callable[[], NewEntry]) -> None:
        self._inputs.now = self._clock.now
        await self._store.append([made()])


class Clockwork:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = BEGAN

    def __call__(self) -> int:
        return self.now


def _turn(head: Taken) -> tuple[int, int, str] | None:
    """When it is a partition's turn, for what it would take next; None: nothing is to do there."""
    if head.entries and head.entries[0].kind in MESSAGES:
        return 0, head.entries[0].position, ""
    if head.due:
        return 1, head.due[0].due, head.due[0].id
    return (2, head.entries[0].position, "") if head.entries else None


@asynccontextmanager
async def staged(open_with: Callable[[Clockwork], Store], most: int) -> AsyncIterator[Stage]:
    """A stage on a fresh database, with a site; it takes so many steps at most."""
    clock = Clockwork()
    store = open_with(clock)
    await store.open()
    try:
        entries = [
            NewEntry(EntryKind.SITE, 0, "site", msgspec.json.encode(SiteChange("UTC")), clock.now, partition)
            for partition in range(store.partitions)
        ]
        await store.create_site(Site(0, "s", "app", "pub", b"x", "mailto:a@example.com", b"y", clock.now), entries)
        await store.beat(Node("stage", ("engine", "delivery")), HOUR)
        yield Stage(store, await find_site(store, None), clock, most)
    finally:
        await store.close()


# -- what has come of it, by plain SQL -------------------------------------------------------------------------------------------

_QUERIES: Final = {
    "runs": "SELECT id, site, workflow, version, profile, key, status, step, due, held, started, ended, reason, state, goal_until"
    " FROM runs",
    "profiles": "SELECT site, key, attributes, segments, created, pushed, merged, recheck, offered FROM profiles",
    "subscribers": "SELECT device_token_hash, partition, site, profile, endpoint, p256dh, auth, active, created, last_active, facts,"
    " provider, vapid, logouts"
    " FROM subscribers",
    "deliveries": "SELECT id, site, effect, run, workflow, step, profile, kind, job, created, due, expires, subscriber, hops, attempts,"
    " status, finished, version FROM deliveries",
    "outbox": "SELECT d.id, o.held FROM outbox AS o JOIN deliveries AS d ON d.sequence = o.sequence",
    "explanations": "SELECT site, event, profile, at, body FROM explanations",
    "memory": "SELECT site, profile, workflow, key, started, run FROM entry_memory",
    "events": "SELECT site, id, body, received, log_time FROM log WHERE kind = 'event'",
    "counters": "SELECT site, workflow, period, start, version, step, name, branch, sum(count) FROM counters"
    " GROUP BY site, workflow, period, start, version, step, name, branch HAVING sum(count) <> 0",
    "workflows": "SELECT DISTINCT site, workflow, version, status, stale_before, directives FROM workflow_states",
    "sites": "SELECT DISTINCT site, timezone, frequency_cap FROM site_states",
    "aside": "SELECT kind, body, error FROM poisoned",
    "inbox": "SELECT kind, body FROM inbox",
}


def of_file(path: Path) -> Told:
    """What an SQLite database holds."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return _told({name: connection.execute(sql).fetchall() for name, sql in _QUERIES.items()}, 1)
    finally:
        connection.close()


async def of_server(url: str) -> Told:
    """What a PostgreSQL database holds."""
    connection = await asyncpg.connect(url)
    try:
        rows = {name: await connection.fetch(sql) for name, sql in _QUERIES.items()}
        return _told(rows, await connection.fetchval("SELECT partitions FROM instance"))
    finally:
        await connection.close()


def _told(rows: Mapping[str, list[Any]], partitions: int) -> Told:
    def is_home(row: Any) -> bool:
        return bool(row[1] == partition_of(row[2], row[0], partitions))

    found = {name: [tuple(row) for row in these] for name, these in rows.items()}
    found["subscribers"] = [(row[0], *row[2:]) for row in found["subscribers"] if is_home(row)]
    return {name: sorted(map(_plain, these), key=repr) for name, these in found.items()}


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A truth value is a number in one database, and a sum is no integer in another."""
    return tuple(value if value is None or isinstance(value, str) else int(value) for value in row)


def on_file(path: Path) -> Callable[[Clockwork], Store]:
    """Opens a migrated SQLite database."""
    return lambda clock: cast("Store", SqliteStore(path, clock=clock))


def on_server(url: str) -> Callable[[Clockwork], Store]:
    """Opens a migrated PostgreSQL database."""
    return lambda clock: cast("Store", PostgresStore(url, clock=clock))
