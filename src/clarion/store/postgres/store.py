"""`PostgresStore`: the port on one PostgreSQL database, shared by any number of processes."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from typing import Final

from clarion.clock import Clock
from clarion.domain.records import Profile, Subscriber
from clarion.store.answers import Done, awaited
from clarion.store.port import OnChange
from clarion.store.postgres import checking
from clarion.store.postgres.configuration import ConfigurationArea
from clarion.store.postgres.connection import Database
from clarion.store.postgres.console import READING_CONNECTIONS, reading_database
from clarion.store.postgres.engine import Engine
from clarion.store.postgres.entries import take_back
from clarion.store.postgres.erasing import Erasing
from clarion.store.postgres.forgetting import Forgetting
from clarion.store.postgres.ingest import MOST_WAITING, Ingest
from clarion.store.postgres.jobs import Jobs
from clarion.store.postgres.migrations import ready
from clarion.store.postgres.nodes import Nodes
from clarion.store.postgres.outbox import Outbox
from clarion.store.postgres.pulse import Pulse
from clarion.store.postgres.reading import Reading
from clarion.store.postgres.signals import INBOX, Signals
from clarion.store.postgres.snapshots import Snapshots
from clarion.store.postgres.workflows import Workflows
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
from clarion.tallies import Committing

CONNECTIONS: Final = 13
"""Of a process, if nothing else is said."""
_APART: Final = 3
"""One listens to the other processes, one tells them, and one says that this process is there."""
DELIVERY: Final = "delivery"
"""Role of the nodes that claim deliveries."""


class PostgresStore:
    """`clarion.store.port.Store` on a database that `migrations.migrate` has made. Docstrings are the port's where there is none."""

    shared = True

    def __init__(self, url: str, *, clock: Clock | None = None, most_waiting: int = MOST_WAITING, connections: int = CONNECTIONS) -> None:
        """More than `most_waiting` unstored entries are refused. `clock` in place of the database's, for tests.

        Of the `connections` to the database, eight or more, three are for signals and beats, and three for what the console asks; the
        rest for all else.
        """
        self._partitions = 0
        self._node = ""
        """Who this process has said that it is."""
        self._owned: set[int] = set()
        self._database = database = Database(url, most=max(connections - READING_CONNECTIONS - _APART, 2))
        self._slow = reading_database(url)
        self._pulse = Pulse(url, self._gone, self._there)
        self._signals = Signals(url)
        self._configuration = ConfigurationArea(database, self._pulse, self._signals)
        self._nodes = Nodes(database, self._pulse, self._signals, clock)
        self._ingest = Ingest(database, self._appended, self.now, most_waiting=most_waiting)
        self._workflows = Workflows(database, self._slow, self._configuration)
        self._outbox = Outbox(database, self._signals, self.now)
        self._engine = Engine(database, self._signals, self._outbox)
        self._reading = Reading(database, self._slow, lambda: self._partitions)
        self._forgetting = Forgetting(database, lambda: self._partitions, lambda: self._owned, self.now)
        self._snapshots = Snapshots(self._slow, self.now)
        self._erasing = Erasing(self._slow)
        self._jobs = Jobs(database, self._slow)
        self._chore: asyncio.Task[None] | None = None

    # -- life --------------------------------------------------------------------------------------------------------

    @property
    def partitions(self) -> int:
        return self._partitions

    async def open(self) -> None:
        try:
            await self._database.open()
            async with self._database.connection() as connection:
                self._partitions = await ready(connection)
            self._outbox.open(self._partitions)
            await self._slow.open(lazily=True)
            await asyncio.gather(self._nodes.open(), self._pulse.open())
            self._signals.generation_is(await self._configuration.generation())
            await self._signals.start(self._configuration.generation)
            self._chore = asyncio.create_task(self._forgetting.run())
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        chore, self._chore = self._chore, None
        if chore is not None:
            chore.cancel()
            await asyncio.gather(chore, return_exceptions=True)
        await self._outbox.close()
        await self._ingest.stop()
        await self._signals.stop()
        await self._pulse.close()
        await self._slow.close()
        await self._database.close()

    def _gone(self, since: float) -> None:
        for database in (self._database, self._slow):
            database.gone(since)

    def _there(self) -> None:
        for database in (self._database, self._slow):
            database.there()

    def on_change(self, callback: OnChange) -> None:
        self._signals.watch(callback)

    def now(self) -> int:
        return self._nodes.now()

    @property
    def committing(self) -> Committing:
        """What was counted of the commits that took entries in."""
        return self._ingest.tally

    async def database_bytes(self) -> int:
        """Bytes of the database on the server's disk."""
        return await checking.database_bytes(self._slow)

    # -- nodes -------------------------------------------------------------------------------------------------------

    async def beat(self, node: Node, lasts: int) -> Roster:
        roster = await self._nodes.beat(node, lasts)
        self._node = node.id
        self._outbox.roster((one.id for one in roster.nodes if DELIVERY in one.roles), node.id, lasts)
        self._owned = {partition for partition, owner in roster.owners.items() if owner == node.id}
        return roster

    async def leave(self, node: str) -> None:
        await self._nodes.leave(node)
        if node == self._node:
            self._owned.clear()

    async def own(self, partition: int, node: str = "") -> PartitionState:
        state = await self._nodes.own(partition, node)
        self._owned.add(partition)
        return state

    async def disown(self, partition: int, node: str) -> None:
        await self._nodes.disown(partition, node)
        self._owned.discard(partition)

    async def dirty(self, partitions: Collection[int]) -> list[int]:
        return await self._nodes.dirty(partitions)

    async def lags(self) -> list[Lag]:
        return await self._nodes.lags()

    # -- configuration -----------------------------------------------------------------------------------------------

    async def configuration(self) -> Configuration:
        return await self._configuration.read()

    async def create_site(self, site: Site, entries: Sequence[NewEntry] = ()) -> Site:
        return await self._configuration.create_site(site, entries)

    async def create_key(self, key: ApiKey) -> ApiKey:
        return await self._configuration.create_key(key)

    async def revoke_key(self, site: int, key: int, at: int) -> ApiKey:
        return await self._configuration.revoke_key(site, key, at)

    async def update_site(self, site: Site, entries: Sequence[NewEntry]) -> Site:
        return await self._configuration.update_site(site, entries)

    async def rotate_vapid(self, site: Site, earlier: SiteKey) -> Site:
        return await self._configuration.rotate_vapid(site, earlier)

    async def put_site_key(self, key: SiteKey) -> None:
        await self._configuration.put_site_key(key)

    async def delete_site_key(self, site: int, kind: str, number: int) -> None:
        await self._configuration.delete_site_key(site, kind, number)

    async def put_segment(self, segment: SegmentRow, entries: Sequence[NewEntry]) -> SegmentRow:
        return await self._configuration.put_segment(segment, entries)

    async def delete_segment(self, site: int, segment: str, entries: Sequence[NewEntry]) -> None:
        await self._configuration.delete_segment(site, segment, entries)

    async def put_secret(self, secret: Secret) -> None:
        await self._configuration.put_secret(secret)

    async def delete_secret(self, site: int, name: str) -> None:
        await self._configuration.delete_secret(site, name)

    async def touch_keys(self, used: Iterable[tuple[int, int]]) -> None:
        await self._configuration.touch_keys(used)

    async def publish(self, version: WorkflowVersion, name: str, entries: Sequence[NewEntry]) -> WorkflowRow:
        return await self._workflows.publish(version, name, entries)

    async def set_workflow_status(
        self, site: int, workflow: str, expected: str, status: str, at: int, entries: Sequence[NewEntry]
    ) -> WorkflowRow:
        return await self._workflows.set_workflow_status(site, workflow, expected, status, at, entries)

    async def save_draft(self, draft: WorkflowDraft, name: str) -> WorkflowRow:
        return await self._workflows.save_draft(draft, name)

    async def draft(self, site: int, workflow: str) -> WorkflowDraft:
        return await self._workflows.draft(site, workflow)

    async def discard_draft(self, site: int, workflow: str) -> None:
        await self._workflows.discard_draft(site, workflow)

    async def workflow(self, site: int, workflow: str) -> WorkflowRow:
        return await self._workflows.workflow(site, workflow)

    async def broadcasts(self, site: int, after: tuple[int, str] | None, limit: int) -> list[WorkflowRow]:
        return await self._workflows.broadcasts(site, after, limit)

    async def run_counts(self, site: int, workflow: str) -> list[RunCount]:
        return await self._workflows.run_counts(site, workflow)

    async def sweep_counts(self, site: int, ids: Sequence[str]) -> list[SweepCount]:
        return await self._workflows.sweep_counts(site, ids)

    async def workflow_version(self, site: int, workflow: str, version: int) -> WorkflowVersion:
        return await self._workflows.workflow_version(site, workflow, version)

    # -- ingest ------------------------------------------------------------------------------------------------------

    def append_nowait(self, entries: Sequence[NewEntry], done: Done) -> None:
        self._ingest.append(entries, done)

    async def append(self, entries: Sequence[NewEntry]) -> list[Appended]:
        return await awaited(self._ingest.append, entries)

    def _appended(self, partitions: Collection[int]) -> None:
        self._signals.tell(INBOX, partitions)

    # -- engine ------------------------------------------------------------------------------------------------------

    async def workflow_states(self, partition: int) -> list[WorkflowState]:
        return await self._engine.workflow_states(partition)

    async def site_states(self, partition: int) -> list[SiteState]:
        return await self._engine.site_states(partition)

    async def segment_states(self, partition: int) -> list[SegmentState]:
        return await self._engine.segment_states(partition)

    async def sweeps(self, partition: int) -> list[Sweep]:
        return await self._engine.sweeps(partition)

    async def take(self, partition: int, limit: int, horizon: int, timers: int) -> Taken:
        return await self._engine.take(partition, limit, horizon, timers)

    async def facts(self, partition: int, asked: Asked) -> Facts:
        return await self._engine.facts(partition, asked)

    async def commit(self, outcome: Outcome) -> None:
        await self._engine.commit(outcome)

    async def work_holds(self, partition: int, limit: int) -> int | None:
        return await self._engine.work_holds(partition, limit)

    async def profiles_page(self, partition: int, site: int, after: str, limit: int) -> list[Profile]:
        return await self._engine.profiles_page(partition, site, after, limit)

    async def held_workflows(self, partition: int) -> list[tuple[int, str]]:
        return await self._engine.held_workflows(partition)

    async def held_runs(self, partition: int, site: int, workflow: str, limit: int) -> list[RunRow]:
        return await self._engine.held_runs(partition, site, workflow, limit)

    async def runs_behind(self, partition: int, site: int, workflow: str, version: int, limit: int) -> list[RunRow]:
        return await self._engine.runs_behind(partition, site, workflow, version, limit)

    # -- delivery ----------------------------------------------------------------------------------------------------

    async def claim(self, limit: int, now: int) -> tuple[list[Delivery], int | None]:
        return await self._outbox.claim(limit, now)

    async def report(self, reports: Sequence[Report]) -> None:
        await self._outbox.report(reports)

    async def unclaim(self, deliveries: Sequence[str]) -> None:
        await self._outbox.unclaim(deliveries)

    # -- reading -----------------------------------------------------------------------------------------------------

    async def events(self, site: int, after: str, limit: int) -> EventsPage:
        return await self._reading.events(site, after, limit)

    async def find_event(self, site: int, id: str, at: int | None = None) -> LogRow | None:
        return await self._reading.find_event(site, id, at)

    async def waiting_events(self, site: int, limit: int) -> list[Entry]:
        return await self._reading.waiting_events(site, limit)

    async def profile(self, site: int, key: str, limit: int = 100) -> ProfileView:
        return await self._reading.profile(site, key, limit)

    async def subscriber(self, site: int, device_token_hash: str) -> Subscriber:
        return await self._reading.subscriber(site, device_token_hash)

    async def subscribers_page(self, partition: int, site: int, after: str, limit: int) -> list[Subscriber]:
        return await self._reading.subscribers_page(partition, site, after, limit)

    async def subscribers_of(self, partition: int, site: int, profiles: Sequence[str]) -> list[Subscriber]:
        return await self._reading.subscribers_of(partition, site, profiles)

    async def subscriber_profile(self, site: int, device_token_hash: str) -> str:
        return await self._reading.subscriber_profile(site, device_token_hash)

    async def run(self, run: str) -> RunRow:
        return await self._reading.run(run)

    async def runs(self, site: int, workflow: str | None, status: str | None, limit: int) -> list[RunRow]:
        return await self._reading.runs(site, workflow, status, limit)

    async def explanations(self, site: int, event: str) -> list[Explanation]:
        return await self._reading.explanations(site, event)

    async def explanations_about(self, site: int, profiles: Sequence[str], before: tuple[int, int] | None, limit: int) -> list[Explanation]:
        return await self._reading.explanations_about(site, profiles, before, limit)

    async def events_about(self, site: int, profiles: Sequence[str], limit: int) -> list[LogRow]:
        return await self._reading.events_about(site, profiles, limit)

    async def counters(self, site: int, workflow: str, period: str, since: int, until: int, limit: int) -> list[CounterRow]:
        return await self._reading.counters(site, workflow, period, since, until, limit)

    async def delivery(self, site: int, delivery: str, partition: int | None = None) -> DeliveryRow:
        return await self._reading.delivery(site, delivery, partition)

    async def deliveries(self, site: int, run: str | None, limit: int) -> list[DeliveryRow]:
        return await self._reading.deliveries(site, run, limit)

    async def poisoned(self, limit: int, site: int | None = None) -> list[Poisoned]:
        return await self._reading.poisoned(limit, site)

    async def poisoned_events_about(self, site: int, profile_ids: Sequence[str], devices: Sequence[str], limit: int) -> list[Poisoned]:
        return await self._reading.poisoned_events_about(site, profile_ids, devices, limit)

    async def poisoned_input(self, site: int, id: str) -> Poisoned:
        return await self._reading.poisoned_input(site, id)

    async def take_back(self, id: str, entry: NewEntry | None, partition: int = 0) -> None:
        await take_back(self._database, self._signals, partition, id, entry)

    # -- retention ---------------------------------------------------------------------------------------------------

    async def forget(self, kind: str, before: int, limit: int) -> int:
        return await self._forgetting.forget(kind, before, limit)

    async def log_place(self, partition: int, at: int) -> int:
        return await self._snapshots.log_place(partition, at)

    async def log_page(self, partition: int, after: int, before: int, limit: int) -> list[LogRow]:
        return await self._snapshots.log_page(partition, after, before, limit)

    async def take_snapshot(self, partition: int) -> Snapshot | None:
        return await self._snapshots.take_snapshot(partition)

    async def snapshots(self, partition: int) -> list[Snapshot]:
        return await self._snapshots.snapshots(partition)

    async def snapshot_before(self, partition: int, log_time: int) -> Snapshot | None:
        return await self._snapshots.snapshot_before(partition, log_time)

    def snapshot_parts(self, snapshot: Snapshot) -> AsyncIterator[SnapshotPart]:
        return self._snapshots.snapshot_parts(snapshot)

    async def forget_snapshots(self, partition: int, before: int, limit: int) -> int:
        return await self._snapshots.forget_snapshots(partition, before, limit)

    async def upkeep(self) -> Upkeep:
        return await self._snapshots.upkeep()

    async def note_upkeep(self, upkeep: Upkeep) -> None:
        await self._snapshots.note_upkeep(upkeep)

    # -- erasing -----------------------------------------------------------------------------------------------------

    async def blank(self, partition: int, sequences: Sequence[int]) -> None:
        await self._erasing.blank(partition, sequences)

    async def erase_about(self, partition: int, site: int, profiles: Sequence[str], devices: Sequence[str], limit: int) -> int:
        return await self._erasing.erase_about(partition, site, profiles, devices, limit)

    async def rewrite_snapshot(self, snapshot: Snapshot, parts: Mapping[int, SnapshotPart]) -> None:
        await self._erasing.rewrite_snapshot(snapshot, parts)

    async def overwrite_deleted(self) -> bool:
        await self._erasing.vacuum()
        return True

    # -- jobs --------------------------------------------------------------------------------------------------------

    async def put_job(self, job: Job) -> None:
        await self._jobs.put(job)

    async def replace_job(self, before: Job, after: Job) -> bool:
        return await self._jobs.replace(before, after)

    async def job(self, site: int, id: str) -> Job:
        return await self._jobs.read(site, id)

    async def jobs(self, site: int | None, kind: str | None, status: str | None, limit: int) -> list[Job]:
        return await self._jobs.listed(site, kind, status, limit)

    async def forget_jobs(self, before: int, limit: int) -> int:
        return await self._jobs.forget(before, limit)

    # -- looking after it --------------------------------------------------------------------------------------------

    async def probe(self) -> None:
        await self._configuration.probe()

    async def check(self) -> dict[str, str | int]:
        return await checking.check(self._slow)
