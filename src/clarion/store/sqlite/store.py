"""`SqliteStore`: the port on one SQLite file, with one connection that writes and three that read."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import apsw

from clarion.clock import Clock, wall_clock
from clarion.domain.ids import is_broadcast
from clarion.domain.records import Profile, Subscriber
from clarion.store.answers import Done, awaited
from clarion.store.numbered import too_new
from clarion.store.paging import unmerged
from clarion.store.port import BadCursor, OnChange, StoreOutdated, StoreTooNew
from clarion.store.records.batches import Asked, Facts, Taken
from clarion.store.records.commits import Outcome
from clarion.store.records.configuration import Configuration
from clarion.store.records.counters import CounterRow
from clarion.store.records.deliveries import Delivery, DeliveryRow, Report
from clarion.store.records.entries import Appended, Entry, EventsPage, LogRow, NewEntry
from clarion.store.records.explanations import Explanation
from clarion.store.records.jobs import Job
from clarion.store.records.lags import Lag
from clarion.store.records.nodes import Node, Roster
from clarion.store.records.poisoned import Poisoned
from clarion.store.records.profiles import ProfileView
from clarion.store.records.runs import RunCount, RunRow
from clarion.store.records.segments import SegmentRow
from clarion.store.records.sites import ApiKey, Secret, Site, SiteKey
from clarion.store.records.snapshots import Snapshot, SnapshotPart
from clarion.store.records.states import PartitionState, SegmentState, SiteState, Sweep, SweepCount, WorkflowState
from clarion.store.records.upkeep import Upkeep
from clarion.store.records.workflows import WorkflowDraft, WorkflowRow, WorkflowVersion
from clarion.store.sqlite import checking, configuration, engine, entries, erasing, forgetting, jobs, paging, reading, snapshots, workflows
from clarion.store.sqlite.claims import Claims
from clarion.store.sqlite.connection import Synchronous, connect, library_version, require_library
from clarion.store.sqlite.ending import report
from clarion.store.sqlite.holding import work_off
from clarion.store.sqlite.ingest import MOST_WAITING, Ingest
from clarion.store.sqlite.migrations import latest, version_of
from clarion.store.sqlite.reader import Reader
from clarion.store.sqlite.writer import CONFIGURATION, INBOX, OUTBOX, Writer
from clarion.tallies import Committing

T = TypeVar("T")

LONGEST_CURSOR = 19
"""Digits of a sequence, and one more than the largest has."""

FEW = 32
"""Rows that may be looked up in the event loop's thread."""
READING_PATIENCE = 10.0
"""Seconds that a query of the console's may wait for its turn, and may then take."""
MOST_READING = 100
"""Queries of the console's that may wait for their turn."""


class SqliteStore:
    """`clarion.store.port.Store` on a file that `migrations.migrate` has made. Docstrings are the port's where there is none."""

    partitions = 1
    shared = False

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock = wall_clock,
        synchronous: Synchronous = "FULL",
        vfs: str | None = None,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        """More than `most_waiting` unstored entries are refused. `synchronous` NORMAL loses acknowledged events when the power fails."""
        self._path = path
        self._clock = clock
        self._watchers: list[OnChange] = []
        connecting = partial(connect, path, synchronous=synchronous, vfs=vfs)
        self._writer = Writer(partial(_ready, connecting, path), self._signal, forgetting.Forgetting(clock))
        self._ingest = Ingest(self._writer, most_waiting)
        self._connecting = partial(connecting, read_only=True)
        self._engine = Reader(self._connecting, "clarion-store-engine")
        self._lookups = Reader(self._connecting, "clarion-store-lookups")
        """For what takes a moment however large the database is, and somebody waits for: the engine, or a key that was revoked."""
        self._reading = Reader(self._connecting, "clarion-store-reading", READING_PATIENCE, MOST_READING)
        self._claims = Claims(self._engine)
        self._taken = 0
        self._owner = ""

    # -- life --------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        require_library(library_version())
        try:
            await self._writer.start()
            for reader in (self._engine, self._lookups, self._reading):
                await reader.start()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        for reader in (self._reading, self._lookups, self._engine):
            await reader.stop()
        await self._writer.stop()  # last: who closes last folds the write-ahead log into the database

    def on_change(self, callback: OnChange) -> None:
        self._watchers.append(callback)

    def _signal(self, changes: Iterable[str]) -> None:
        for what in changes:
            for watcher in self._watchers:
                watcher(what, () if what == CONFIGURATION else (0,))

    def now(self) -> int:
        return self._clock()

    @property
    def committing(self) -> Committing:
        """What was counted of the commits that took entries in."""
        return self._ingest.tally

    async def database_bytes(self) -> int:
        """Bytes of the file and of the write-ahead log beside it."""
        return checking.size(self._path)

    # -- nodes: there is one -----------------------------------------------------------------------------------------

    async def beat(self, node: Node, lasts: int) -> Roster:
        return Roster([node], {0: self._owner} if self._owner else {})

    async def leave(self, node: str) -> None:
        if self._owner == node:
            self._owner = ""

    async def disown(self, partition: int, node: str) -> None:
        await self.leave(node)

    async def dirty(self, partitions: Collection[int]) -> list[int]:
        return [lag.partition for lag in await self.lags() if lag.inbox and lag.partition in partitions]

    async def lags(self) -> list[Lag]:
        return await self._lookups.call(checking.lags)

    # -- configuration -----------------------------------------------------------------------------------------------

    async def configuration(self) -> Configuration:
        return await self._lookups.call(configuration.read)

    async def create_site(self, site: Site, entries: Sequence[NewEntry] = ()) -> Site:
        return await self._configure(lambda connection: configuration.create_site(connection, site, entries), INBOX)

    async def create_key(self, key: ApiKey) -> ApiKey:
        return await self._configure(lambda connection: configuration.create_key(connection, key))

    async def revoke_key(self, site: int, key: int, at: int) -> ApiKey:
        return await self._configure(lambda connection: configuration.revoke_key(connection, site, key, at))

    async def update_site(self, site: Site, entries: Sequence[NewEntry]) -> Site:
        return await self._configure(lambda connection: configuration.update_site(connection, site, entries), INBOX)

    async def rotate_vapid(self, site: Site, earlier: SiteKey) -> Site:
        return await self._configure(lambda connection: configuration.rotate_vapid(connection, site, earlier))

    async def put_site_key(self, key: SiteKey) -> None:
        await self._configure(lambda connection: configuration.put_site_key(connection, key))

    async def delete_site_key(self, site: int, kind: str, number: int) -> None:
        await self._configure(lambda connection: configuration.delete_site_key(connection, site, kind, number))

    async def put_segment(self, segment: SegmentRow, entries: Sequence[NewEntry]) -> SegmentRow:
        return await self._configure(lambda connection: configuration.put_segment(connection, segment, entries), INBOX)

    async def delete_segment(self, site: int, segment: str, entries: Sequence[NewEntry]) -> None:
        await self._configure(lambda connection: configuration.delete_segment(connection, site, segment, entries), INBOX)

    async def put_secret(self, secret: Secret) -> None:
        await self._configure(lambda connection: configuration.put_secret(connection, secret))

    async def delete_secret(self, site: int, name: str) -> None:
        await self._configure(lambda connection: configuration.delete_secret(connection, site, name))

    async def touch_keys(self, used: Iterable[tuple[int, int]]) -> None:
        noted = list(used)
        await self._writer.call(lambda connection: configuration.touch_keys(connection, noted))

    async def publish(self, version: WorkflowVersion, name: str, entries: Sequence[NewEntry]) -> WorkflowRow:
        changes = (INBOX,) if is_broadcast(version.workflow) else (CONFIGURATION, INBOX)
        return await self._writer.call(lambda connection: workflows.publish(connection, version, name, entries), changes=changes)

    async def set_workflow_status(
        self, site: int, workflow: str, expected: str, status: str, at: int, entries: Sequence[NewEntry]
    ) -> WorkflowRow:
        return await self._configure(
            lambda connection: workflows.set_workflow_status(connection, site, workflow, expected, status, at, entries), INBOX
        )

    async def save_draft(self, draft: WorkflowDraft, name: str) -> WorkflowRow:
        return await self._writer.call(lambda connection: workflows.save_draft(connection, draft, name))

    async def draft(self, site: int, workflow: str) -> WorkflowDraft:
        return await self._lookups.call(lambda connection: workflows.read_draft(connection, site, workflow))

    async def discard_draft(self, site: int, workflow: str) -> None:
        await self._writer.call(lambda connection: workflows.discard_draft(connection, site, workflow))

    async def workflow(self, site: int, workflow: str) -> WorkflowRow:
        return await self._lookups.call(lambda connection: workflows.read_workflow(connection, site, workflow))

    async def broadcasts(self, site: int, after: tuple[int, str] | None, limit: int) -> list[WorkflowRow]:
        return await self._reading.call(lambda connection: workflows.broadcasts(connection, site, after, limit))

    async def run_counts(self, site: int, workflow: str) -> list[RunCount]:
        return await self._reading.call(lambda connection: workflows.run_counts(connection, site, workflow))

    async def sweep_counts(self, site: int, ids: Sequence[str]) -> list[SweepCount]:
        return await self._lookups.call(lambda connection: workflows.sweep_counts(connection, site, ids))

    async def workflow_version(self, site: int, workflow: str, version: int) -> WorkflowVersion:
        return await self._lookups.call(lambda connection: workflows.workflow_version(connection, site, workflow, version))

    async def _configure(self, write: Callable[[apsw.Connection], T], *changes: str) -> T:
        return await self._writer.call(write, changes=(CONFIGURATION, *changes))

    # -- ingest ------------------------------------------------------------------------------------------------------

    def append_nowait(self, entries: Sequence[NewEntry], done: Done) -> None:
        """As `append`, for the hot path: `done` is called in the event loop, once, with what `append` returns or raises.

        Raises StoreOverloaded, StoreUnavailable when the entries are not taken on; then `done` is not called.
        """
        self._ingest.append(entries, done)

    async def append(self, entries: Sequence[NewEntry]) -> list[Appended]:
        return await awaited(self._ingest.append, entries)

    # -- engine ------------------------------------------------------------------------------------------------------

    async def own(self, partition: int, node: str = "") -> PartitionState:
        self._owner = node
        return await self._writer.call(lambda connection: engine.own(connection, partition))

    async def workflow_states(self, partition: int) -> list[WorkflowState]:
        return await self._engine.call(lambda connection: engine.workflow_states(connection, partition))

    async def site_states(self, partition: int) -> list[SiteState]:
        return await self._engine.call(lambda connection: engine.site_states(connection, partition))

    async def segment_states(self, partition: int) -> list[SegmentState]:
        return await self._engine.call(lambda connection: engine.segment_states(connection, partition))

    async def sweeps(self, partition: int) -> list[Sweep]:
        return await self._engine.call(lambda connection: engine.sweeps(connection, partition))

    async def take(self, partition: int, limit: int, horizon: int, timers: int) -> Taken:
        small = self._taken <= FEW  # the last time; a busy inbox stays busy
        taken = await self._engine.call(lambda connection: engine.take(connection, partition, limit, horizon, timers), small=small)
        self._taken = len(taken.entries) + len(taken.due)
        return taken

    async def facts(self, partition: int, asked: Asked) -> Facts:
        small = len(asked.named) + len(asked.profiles) + len(asked.runs) <= FEW
        return await self._engine.call(lambda connection: engine.facts(connection, partition, asked), small=small)

    async def commit(self, outcome: Outcome) -> None:
        await self._writer.call(
            lambda connection: engine.apply(connection, outcome),
            area="engine",
            changes=engine.changes(outcome),
            rows=engine.rows_of(outcome),
        )

    async def work_holds(self, partition: int, limit: int) -> int | None:
        async with self._claims.still():
            sending = self._claims.sequences()
            return await self._writer.call(
                lambda connection: work_off(connection, partition, limit, sending), changes=(INBOX, OUTBOX), rows=limit
            )

    async def profiles_page(self, partition: int, site: int, after: str, limit: int) -> list[Profile]:
        def read(after: str) -> Awaitable[list[Profile]]:
            return self._engine.call(lambda connection: engine.profiles_page(connection, partition, site, after, limit))

        return await unmerged(read, after, limit)

    async def held_workflows(self, partition: int) -> list[tuple[int, str]]:
        return await self._engine.call(lambda connection: engine.held_workflows(connection, partition))

    async def held_runs(self, partition: int, site: int, workflow: str, limit: int) -> list[RunRow]:
        return await self._engine.call(lambda connection: engine.held_runs(connection, partition, site, workflow, limit))

    async def runs_behind(self, partition: int, site: int, workflow: str, version: int, limit: int) -> list[RunRow]:
        return await self._engine.call(lambda connection: engine.runs_behind(connection, partition, site, workflow, version, limit))

    # -- delivery ----------------------------------------------------------------------------------------------------

    async def claim(self, limit: int, now: int) -> tuple[list[Delivery], int | None]:
        return await self._claims.claim(limit, now)

    async def report(self, reports: Sequence[Report]) -> None:
        changes = {OUTBOX if one.outcome is None else INBOX for one in reports}
        over = [one.delivery.id for one in reports]
        await self._writer.call(
            lambda connection: report(connection, reports),
            area="report",
            changes=changes,
            then=lambda: self._claims.reported(over),
            rows=3 * len(reports),
        )

    async def unclaim(self, deliveries: Sequence[str]) -> None:
        self._claims.unclaim(deliveries)

    # -- reading -----------------------------------------------------------------------------------------------------

    async def events(self, site: int, after: str, limit: int) -> EventsPage:
        if after and not (after.isascii() and after.isdigit() and len(after) < LONGEST_CURSOR):
            raise BadCursor("That is no place in the log.")
        return await self._reading.call(lambda connection: reading.events(connection, site, after, limit))

    async def find_event(self, site: int, id: str, at: int | None = None) -> LogRow | None:
        return await self._reading.call(lambda connection: reading.find_event(connection, site, id, at))

    async def waiting_events(self, site: int, limit: int) -> list[Entry]:
        return await self._reading.call(lambda connection: reading.waiting_events(connection, site, limit))

    async def profile(self, site: int, key: str, limit: int = 100) -> ProfileView:
        return await self._reading.call(lambda connection: reading.profile(connection, site, key, limit))

    async def subscriber(self, site: int, device_token_hash: str) -> Subscriber:
        return await self._lookups.call(lambda connection: reading.subscriber(connection, site, device_token_hash))

    async def subscribers_page(self, partition: int, site: int, after: str, limit: int) -> list[Subscriber]:
        return await self._reading.call(lambda connection: reading.subscribers_page(connection, partition, site, after, limit))

    async def subscribers_of(self, partition: int, site: int, profiles: Sequence[str]) -> list[Subscriber]:
        return await self._reading.call(lambda connection: reading.subscribers_of(connection, partition, site, profiles))

    async def subscriber_profile(self, site: int, device_token_hash: str) -> str:
        return await self._lookups.call(lambda connection: reading.subscriber_profile(connection, site, device_token_hash))

    async def run(self, run: str) -> RunRow:
        return await self._lookups.call(lambda connection: reading.run(connection, run))

    async def runs(self, site: int, workflow: str | None, status: str | None, limit: int) -> list[RunRow]:
        return await self._reading.call(lambda connection: reading.runs(connection, site, workflow, status, limit))

    async def explanations(self, site: int, event: str) -> list[Explanation]:
        return await self._reading.call(lambda connection: reading.explanations(connection, site, event))

    async def explanations_about(self, site: int, profiles: Sequence[str], before: tuple[int, int] | None, limit: int) -> list[Explanation]:
        return await self._reading.call(lambda connection: reading.explanations_about(connection, site, profiles, before, limit))

    async def events_about(self, site: int, profiles: Sequence[str], limit: int) -> list[LogRow]:
        return await self._reading.call(lambda connection: reading.events_about(connection, site, profiles, limit))

    async def counters(self, site: int, workflow: str, period: str, since: int, until: int, limit: int) -> list[CounterRow]:
        return await self._reading.call(lambda connection: reading.counters(connection, site, workflow, period, since, until, limit))

    async def delivery(self, site: int, delivery: str, partition: int | None = None) -> DeliveryRow:
        return await self._lookups.call(lambda connection: reading.delivery(connection, site, delivery, partition))

    async def deliveries(self, site: int, run: str | None, limit: int) -> list[DeliveryRow]:
        return await self._reading.call(lambda connection: reading.deliveries(connection, site, run, limit))

    async def poisoned(self, limit: int, site: int | None = None) -> list[Poisoned]:
        return await self._reading.call(lambda connection: reading.poisoned(connection, limit, site))

    async def poisoned_events_about(self, site: int, profile_ids: Sequence[str], devices: Sequence[str], limit: int) -> list[Poisoned]:
        return await self._reading.call(lambda connection: reading.poisoned_events_about(connection, site, profile_ids, devices, limit))

    async def poisoned_input(self, site: int, id: str) -> Poisoned:
        return await self._lookups.call(lambda connection: reading.poisoned_input(connection, site, id))

    async def take_back(self, id: str, entry: NewEntry | None, partition: int = 0) -> None:
        await self._writer.call(lambda connection: entries.take_back(connection, id, entry), changes=() if entry is None else (INBOX,))

    # -- retention ---------------------------------------------------------------------------------------------------

    async def forget(self, kind: str, before: int, limit: int) -> int:
        return await self._writer.call(lambda connection: forgetting.forget(connection, kind, before, limit), rows=limit)

    async def log_place(self, partition: int, at: int) -> int:
        return await self._lookups.call(lambda connection: paging.log_place(connection, partition, at))

    async def log_page(self, partition: int, after: int, before: int, limit: int) -> list[LogRow]:
        return await self._reading.call(lambda connection: paging.log_page(connection, partition, after, before, limit))

    async def take_snapshot(self, partition: int) -> Snapshot | None:
        return await snapshots.take(self._connecting, self._writer, partition, self._clock)

    async def snapshots(self, partition: int) -> list[Snapshot]:
        return await self._reading.call(lambda connection: snapshots.listed(connection, partition))

    async def snapshot_before(self, partition: int, log_time: int) -> Snapshot | None:
        return next((one for one in await self.snapshots(partition) if one.log_time <= log_time), None)

    def snapshot_parts(self, snapshot: Snapshot) -> AsyncIterator[SnapshotPart]:
        return snapshots.parts(self._reading, snapshot)

    async def forget_snapshots(self, partition: int, before: int, limit: int) -> int:
        return await self._writer.call(lambda connection: snapshots.forget(connection, partition, before, limit))

    async def upkeep(self) -> Upkeep:
        return await self._lookups.call(snapshots.upkeep)

    async def note_upkeep(self, upkeep: Upkeep) -> None:
        await self._writer.call(lambda connection: snapshots.note_upkeep(connection, upkeep))

    # -- erasing -----------------------------------------------------------------------------------------------------

    async def blank(self, partition: int, sequences: Sequence[int]) -> None:
        await self._writer.call(lambda connection: erasing.blank(connection, partition, sequences), rows=len(sequences))

    async def erase_about(self, partition: int, site: int, profiles: Sequence[str], devices: Sequence[str], limit: int) -> int:
        return await self._writer.call(
            lambda connection: erasing.erase_about(connection, partition, site, profiles, devices, limit), rows=limit
        )

    async def rewrite_snapshot(self, snapshot: Snapshot, parts: Mapping[int, SnapshotPart]) -> None:
        await self._writer.call(lambda connection: erasing.rewrite_snapshot(connection, snapshot, parts))

    async def overwrite_deleted(self) -> bool:
        return await self._writer.alone(lambda connection: erasing.overwrite_deleted(connection, self._path))

    # -- jobs --------------------------------------------------------------------------------------------------------

    async def put_job(self, job: Job) -> None:
        await self._writer.call(lambda connection: jobs.put(connection, job))

    async def replace_job(self, before: Job, after: Job) -> bool:
        return await self._writer.call(lambda connection: jobs.replace(connection, before, after))

    async def job(self, site: int, id: str) -> Job:
        return await self._lookups.call(lambda connection: jobs.read(connection, site, id))

    async def jobs(self, site: int | None, kind: str | None, status: str | None, limit: int) -> list[Job]:
        return await self._reading.call(lambda connection: jobs.listed(connection, site, kind, status, limit))

    async def forget_jobs(self, before: int, limit: int) -> int:
        return await self._writer.call(lambda connection: jobs.forget(connection, before, limit), rows=limit)

    # -- looking after it --------------------------------------------------------------------------------------------

    async def probe(self) -> None:
        await self._writer.call(configuration.probe)

    async def check(self) -> dict[str, str | int]:
        patient = Reader(self._connecting, "clarion-store-checking")  # it reads the whole database
        await patient.start()
        try:
            return await patient.call(lambda connection: checking.check(connection, self._path))
        finally:
            await patient.stop()


def _ready(connecting: Callable[[], apsw.Connection], path: Path) -> apsw.Connection:
    """A connection to a database of just this program's schema. Raises StoreOutdated, StoreTooNew, StoreError."""
    if not path.exists():
        raise StoreOutdated(f"There is no database at {path}; run `clarion init` or `clarion migrate`.")
    connection = connecting()
    try:
        version = version_of(connection)
        if version > latest():
            raise StoreTooNew(too_new(version, latest()))
        if version < latest():
            raise StoreOutdated(f"The database has schema {version}, this Clarion needs {latest()}; run `clarion migrate`.")
        connection.pragma("journal_mode", "wal")  # a restored copy may have lost it
    except BaseException:
        connection.close()
        raise
    return connection
