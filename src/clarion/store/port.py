"""The store's port: the only way in which the rest of Clarion meets a database."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from clarion.domain.records import Profile, Subscriber
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


class StoreError(Exception):
    """The store cannot do what was asked; the message is for the operator."""


class StoreUnavailable(StoreError):
    """The database cannot be reached or cannot commit now; nothing was stored; the same call may succeed later."""


class StoreOverloaded(StoreUnavailable):
    """More is waiting to be committed than the store takes on; nothing was stored."""


class Unresolved(StoreError):
    """Whether something was stored is not known, and the database has been away for too long to wait for it to say."""


class StoreTooNew(StoreError):
    """The database was written by a newer version of Clarion."""


class StoreOutdated(StoreError):
    """The database needs `clarion migrate` first."""


class Fenced(StoreError):
    """Another owner has the partition: this one's commit was refused and nothing of it was written."""


class BadCursor(StoreError):
    """That is no cursor of this store."""


class NotFound(StoreError):
    """There is no such thing."""


class Changed(StoreError):
    """Things are not as the caller took them to be: somebody else was faster. Nothing was stored."""


class Owned(StoreError):
    """A partition has another owner, whose lease runs."""


OnChange = Callable[[str, Collection[int]], None]
"""`callback(what, partitions)`: `what` is `inbox`, `outbox`, `configuration` or `roster`; of the first two, where.

Without partitions it may be anywhere.
"""


class Store(Protocol):
    """Everything that is kept. Every method that writes returns after the commit is durable.

    Methods may be called from one event loop only, that of `open`. Any of them raises `StoreUnavailable` when the database does not answer.
    """

    @property
    def partitions(self) -> int:
        """How many partitions the database has; fixed when it was made, and known once the store is open."""

    @property
    def shared(self) -> bool:
        """Whether several processes may serve this database at a time."""

    def now(self) -> int:
        """UTC microseconds by the store's clock, which times of the log come from: the database's, or this machine's where that is one."""

    # -- life --------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect and start what works in the background. Raises StoreTooNew, StoreOutdated, StoreError."""

    async def close(self) -> None:
        """Finish what was begun and let go of the database. May be called twice."""

    def on_change(self, callback: OnChange) -> None:
        """Call `callback(what, partitions)` in the event loop after a commit, by any process within a second."""

    # -- nodes -------------------------------------------------------------------------------------------------------

    async def beat(self, node: Node, lasts: int) -> Roster:
        """Renew a node's lease, for `lasts` microseconds from now, and say who is there."""

    async def leave(self, node: str) -> None:
        """End a node's lease: what it owned, and the deliveries that it had claimed, are free at once."""

    async def disown(self, partition: int, node: str) -> None:
        """Give a partition up. Nothing happens where another has it by now."""

    async def dirty(self, partitions: Collection[int]) -> list[int]:
        """Which of these have entries in their inbox."""

    async def lags(self) -> list[Lag]:
        """What waits in each partition that has anything waiting, by partition."""

    # -- configuration -----------------------------------------------------------------------------------------------

    async def configuration(self) -> Configuration:
        """Sites, keys and workflows."""

    async def create_site(self, site: Site, entries: Sequence[NewEntry] = ()) -> Site:
        """Keep a site; its `id` is given by the store, which also fills it into `entries` and appends them in the same commit."""

    async def create_key(self, key: ApiKey) -> ApiKey:
        """Keep an API key; its `id` is given by the store."""

    async def revoke_key(self, site: int, key: int, at: int) -> ApiKey:
        """End a key for good. Revoking it again changes nothing. Raises NotFound."""

    async def update_site(self, site: Site, entries: Sequence[NewEntry]) -> Site:
        """Keep a site's settings and append the SITE `entries` that tell the engines. Raises NotFound.

        The settings are `name`, `timezone`, `frequency_cap`, `vapid_subject`, `origins` and `dangerous_unsigned_profiles`; the rest of a
        site never changes, but for its VAPID key (`rotate_vapid`).
        """

    async def rotate_vapid(self, site: Site, earlier: SiteKey) -> Site:
        """Give a site the VAPID key pair, and its number, that `site` has, and keep the one before as `earlier`, in one commit.

        Raises NotFound, and Changed when the site's current key is not number `earlier.number`.
        """

    async def put_site_key(self, key: SiteKey) -> None:
        """Keep a key of a site, in place of an earlier one of its kind and number."""

    async def delete_site_key(self, site: int, kind: str, number: int) -> None:
        """Forget a key. Raises NotFound."""

    async def put_segment(self, segment: SegmentRow, entries: Sequence[NewEntry]) -> SegmentRow:
        """Keep a segment, in place of what it was (`created` stays), and append the SEGMENT `entries` that tell the engines."""

    async def delete_segment(self, site: int, segment: str, entries: Sequence[NewEntry]) -> None:
        """Forget a segment, and append the SEGMENT `entries` that tell the engines, in one commit. Raises NotFound."""

    async def put_secret(self, secret: Secret) -> None:
        """Keep a secret, in place of an earlier one of its name."""

    async def delete_secret(self, site: int, name: str) -> None:
        """Forget a secret. Raises NotFound."""

    async def touch_keys(self, used: Iterable[tuple[int, int]]) -> None:
        """Note when keys, (id, time), were last used; a time before the known one changes nothing."""

    async def publish(self, version: WorkflowVersion, name: str, entries: Sequence[NewEntry]) -> WorkflowRow:
        """Keep a new version (its number is given by the store) and make it the workflow's, in one commit with `entries`.

        Each of `entries` is a WORKFLOW entry with change `publish`, one a partition; the number is filled in. A document equal to the
        current version's makes no new one: the version gets the source, its `entries` are appended if they say more than `keep` of runs in
        flight, and a workflow that is draining or archived becomes active again. A paused workflow stays paused. The workflow's draft is
        discarded if its source is the version's. A broadcast is published once, together
        with the BROADCAST entries that start it, and then nothing changes it; it is no change of the configuration.
        """

    async def set_workflow_status(
        self, site: int, workflow: str, expected: str, status: str, at: int, entries: Sequence[NewEntry]
    ) -> WorkflowRow:
        """Give a workflow that has the status `expected` another, and append the WORKFLOW `entries` that tell the engines, in one commit.

        Raises NotFound, and Changed when its status is another by now.
        """

    async def save_draft(self, draft: WorkflowDraft, name: str) -> WorkflowRow:
        """Keep a draft in place of an earlier one. A workflow that was never published gets status `draft`, version 0 and the name.

        Engines and senders do not act on drafts: neither saving nor discarding one is a change of the configuration that is announced.
        """

    async def draft(self, site: int, workflow: str) -> WorkflowDraft:
        """Raises NotFound."""

    async def discard_draft(self, site: int, workflow: str) -> None:
        """Forget a draft, and the workflow if it was never published. Raises NotFound."""

    async def workflow(self, site: int, workflow: str) -> WorkflowRow:
        """One workflow, which may be a broadcast's. Raises NotFound."""

    async def broadcasts(self, site: int, after: tuple[int, str] | None, limit: int) -> list[WorkflowRow]:
        """The workflows of broadcasts, newest change first and then by slug, behind a place (change, slug)."""

    async def run_counts(self, site: int, workflow: str) -> list[RunCount]:
        """How many runs in flight stand where, by version and step."""

    async def sweep_counts(self, site: int, ids: Sequence[str]) -> list[SweepCount]:
        """How far the sweeps with these ids are, by id; those that are through everywhere are not among them."""

    async def workflow_version(self, site: int, workflow: str, version: int) -> WorkflowVersion:
        """One version with its document. Raises NotFound."""

    # -- ingest ------------------------------------------------------------------------------------------------------

    async def append(self, entries: Sequence[NewEntry]) -> list[Appended]:
        """Put entries into their inboxes, all or none, and return what became of each once that is durable.

        Calls that are under way at the same time share commits. An entry with a claim that another entry of the same content holds is
        DUPLICATE; with other content, CONFLICT; both store nothing. Raises StoreUnavailable, StoreOverloaded: then none of them is stored.
        """

    def append_nowait(self, entries: Sequence[NewEntry], done: Callable[[list[Appended] | StoreError], None]) -> None:
        """`append` without a task: `done` is called in the event loop once it is durable: with what became of each entry, or the error.

        Raises StoreOverloaded at once when too much is waiting; then `done` is not called.
        """

    # -- engine ------------------------------------------------------------------------------------------------------

    async def own(self, partition: int, node: str = "") -> PartitionState:
        """Become the owner of a partition: its epoch grows, every earlier owner is fenced.

        Raises Owned when another node has it whose lease runs.
        """

    async def workflow_states(self, partition: int) -> list[WorkflowState]:
        """What the partition's log says of every workflow."""

    async def site_states(self, partition: int) -> list[SiteState]:
        """What the partition's log says of every site."""

    async def segment_states(self, partition: int) -> list[SegmentState]:
        """What the partition's log says of every dynamic segment."""

    async def sweeps(self, partition: int) -> list[Sweep]:
        """What the partition's owner has still to do with all profiles of a site, as it was asked for: by (at, site, id)."""

    async def take(self, partition: int, limit: int, horizon: int, timers: int) -> Taken:
        """Read up to `limit` inbox entries in order and up to `timers` runs due at or before `horizon`. Changes nothing.

        Entries whose bodies have more than TAKEN_BYTES together are not taken at once, but the first always is.
        """

    async def facts(self, partition: int, asked: Asked) -> Facts:
        """Read all that a batch of inputs can touch, as of one moment."""

    async def commit(self, outcome: Outcome) -> None:
        """Apply an engine's outcome in one transaction. Raises Fenced, and StoreError when the outcome itself cannot be stored."""

    async def work_holds(self, partition: int, limit: int) -> int | None:
        """Go on with what `hold` and `release` of outcomes have asked for, for about `limit` deliveries; returns how many had their turn.

        0: what is left is being sent just now, and has its turn when that is over. None: nothing is left.
        """

    async def profiles_page(self, partition: int, site: int, after: str, limit: int) -> list[Profile]:
        """Profiles of a site in a partition whose key comes after `after`, in the order of their keys' bytes, at most `limit`.

        Those that have become part of another are not among them. None come only where there are no more.
        """

    async def held_workflows(self, partition: int) -> list[tuple[int, str]]:
        """Workflows, (site, workflow), that have held runs."""

    async def held_runs(self, partition: int, site: int, workflow: str, limit: int) -> list[RunRow]:
        """Up to `limit` runs of a workflow that are held."""

    async def runs_behind(self, partition: int, site: int, workflow: str, version: int, limit: int) -> list[RunRow]:
        """Up to `limit` waiting runs of a workflow on versions before `version`."""

    # -- delivery ----------------------------------------------------------------------------------------------------

    async def claim(self, limit: int, now: int) -> tuple[list[Delivery], int | None]:
        """Take up to `limit` deliveries that are due and nobody else's, oldest first; and when the next one is due.

        A claim ends with `report` or `unclaim`, or with the process.
        """

    async def report(self, reports: Sequence[Report]) -> None:
        """Note attempts. Ended deliveries leave the outbox and tell the engine by an OUTCOME entry in the same commit."""

    async def unclaim(self, deliveries: Sequence[str]) -> None:
        """Give claimed deliveries back untried."""

    # -- reading -----------------------------------------------------------------------------------------------------

    async def events(self, site: int, after: str, limit: int) -> EventsPage:
        """Log entries of kind EVENT behind the cursor `after`, each once, by (log time, partition, sequence). Raises BadCursor.

        `0` is the beginning of the log. With an empty `after`: the newest `limit`, in order.
        """

    async def find_event(self, site: int, id: str, at: int | None = None) -> LogRow | None:
        """An event of the log by its id; `at` is its log time, where that is known. None: it is not there, or too old to be found."""

    async def waiting_events(self, site: int, limit: int) -> list[Entry]:
        """Up to `limit` entries of kind EVENT of a site that wait in inboxes, in the order of their arrival."""

    async def profile(self, site: int, key: str, limit: int = 100) -> ProfileView:
        """A profile with its subscribers, runs, deliveries and explanations. Raises NotFound."""

    async def subscriber(self, site: int, device_token_hash: str) -> Subscriber:
        """A subscriber as its home has it. Raises NotFound."""

    async def subscribers_page(self, partition: int, site: int, after: str, limit: int) -> list[Subscriber]:
        """Subscribers of a site whose home a partition is, or of which it has a copy, by the bytes of their hash, behind `after`."""

    async def subscribers_of(self, partition: int, site: int, profiles: Sequence[str]) -> list[Subscriber]:
        """All subscribers of profiles (their keys) that live in a partition."""

    async def subscriber_profile(self, site: int, device_token_hash: str) -> str:
        """Key of the profile that a subscriber belongs to. Raises NotFound."""

    async def run(self, run: str) -> RunRow:
        """Raises NotFound."""

    async def runs(self, site: int, workflow: str | None, status: str | None, limit: int) -> list[RunRow]:
        """Runs, newest first."""

    async def explanations(self, site: int, event: str) -> list[Explanation]:
        """What an event did and did not do."""

    async def explanations_about(self, site: int, profiles: Sequence[str], before: tuple[int, int] | None, limit: int) -> list[Explanation]:
        """What happened to profiles (their keys), newest first by (at, sequence); only what stands before `before` where that is given.

        Fewer than `limit` come when they are large, but none only where there are no more.
        """

    async def events_about(self, site: int, profiles: Sequence[str], limit: int) -> list[LogRow]:
        """Log entries of kind EVENT that were applied to profiles (their keys), newest first; fewer than `limit` when they are large."""

    async def counters(self, site: int, workflow: str, period: str, since: int, until: int, limit: int) -> list[CounterRow]:
        """A workflow's counters, summed over partitions: by `hour` or `day` that starts in [since, until), or their `total` of all time.

        At most `limit`: the earliest; of a total those of the newest versions.
        """

    async def delivery(self, site: int, delivery: str, partition: int | None = None) -> DeliveryRow:
        """One delivery; `partition` is where it is, where that is known. Raises NotFound."""

    async def deliveries(self, site: int, run: str | None, limit: int) -> list[DeliveryRow]:
        """Deliveries with their attempts, newest first."""

    async def poisoned(self, limit: int, site: int | None = None) -> list[Poisoned]:
        """What could not be applied, of one site or of all, newest first."""

    async def poisoned_events_about(self, site: int, profile_ids: Sequence[str], devices: Sequence[str], limit: int) -> list[Poisoned]:
        """Events that could not be applied, newest first: those of these profile_ids, and those that name only one of these subscribers."""

    async def poisoned_input(self, site: int, id: str) -> Poisoned:
        """One thing that could not be applied. Raises NotFound."""

    async def take_back(self, id: str, entry: NewEntry | None, partition: int = 0) -> None:
        """Drop what was set aside in a partition and append `entry`, which tries it again, in one commit. Raises NotFound."""

    # -- retention ---------------------------------------------------------------------------------------------------

    async def forget(self, kind: str, before: int, limit: int) -> int:
        """Remove what ended, or was logged, before a time: one small step; returns how many rows went. None: there are no more of them.

        `kind` is `explanations`, `events` (the log), `deliveries` (those that have ended) or `runs` (those that have ended, and whose goal
        is not open since then). About `limit` rows at most, or a whole period at once where they are kept by period.
        """

    async def log_place(self, partition: int, at: int) -> int:
        """Sequence of the last log entry of a time before `at`; 0 where there is none. What is of that time or later stands behind it."""

    async def log_page(self, partition: int, after: int, before: int, limit: int) -> list[LogRow]:
        """Log entries behind the sequence `after` and of a time before `before`, in order, at most `limit`, fewer when they are large.

        None come only where there are no more.
        """

    async def take_snapshot(self, partition: int) -> Snapshot | None:
        """Keep what a partition holds as of one moment of its log; None where that is what the newest one has.

        Read in one transaction and written in parts of bounded size, the last of which makes it a whole one: one that is broken off is
        never found, and goes with `forget_snapshots`.
        """

    async def snapshots(self, partition: int) -> list[Snapshot]:
        """The snapshots of a partition, newest first."""

    async def snapshot_before(self, partition: int, log_time: int) -> Snapshot | None:
        """The newest snapshot of this log time or an earlier one."""

    def snapshot_parts(self, snapshot: Snapshot) -> AsyncIterator[SnapshotPart]:
        """What is in a snapshot, a part at a time. Raises NotFound when it goes meanwhile."""

    async def forget_snapshots(self, partition: int, before: int, limit: int) -> int:
        """Remove snapshots of a log time before `before`, and what is left of broken ones: one step of at most `limit` parts.

        Returns how many went. None: there are no more of them.
        """

    async def upkeep(self) -> Upkeep:
        """How retention stands."""

    async def note_upkeep(self, upkeep: Upkeep) -> None:
        """Note how retention stands; how far events are exported only ever grows."""

    # -- erasing -----------------------------------------------------------------------------------------------------

    async def blank(self, partition: int, sequences: Sequence[int]) -> None:
        """Leave of log entries only that they were there: their kind becomes ERASED; body and profile go, the id stays."""

    async def erase_about(self, partition: int, site: int, profiles: Sequence[str], devices: Sequence[str], limit: int) -> int:
        """Remove explanations and idempotency claims about profiles (their keys) and subscribers, at most `limit`; returns how many.

        None: there are no more of them.
        """

    async def rewrite_snapshot(self, snapshot: Snapshot, parts: Mapping[int, SnapshotPart]) -> None:
        """Put other content into parts of a snapshot, by their numbers from 1, and its counts, in one commit. Raises NotFound."""

    async def overwrite_deleted(self) -> bool:
        """Let nothing be left on disk of rows that were removed, as far as the engine sees to that; returns whether it is done.

        It is not while somebody reads what was there before: try again later. Raises StoreUnavailable.
        """

    # -- jobs --------------------------------------------------------------------------------------------------------

    async def put_job(self, job: Job) -> None:
        """Keep how far a job has come, in place of what was known of it (`created` stays)."""

    async def replace_job(self, before: Job, after: Job) -> bool:
        """Keep how far a job has come if it is still as it was in `before`; returns whether it was."""

    async def job(self, site: int, id: str) -> Job:
        """Raises NotFound."""

    async def jobs(self, site: int | None, kind: str | None, status: str | None, limit: int) -> list[Job]:
        """Jobs, newest first; of one site or of all."""

    async def forget_jobs(self, before: int, limit: int) -> int:
        """Remove jobs that are not running and have not changed since a time, at most `limit`; returns how many went."""

    # -- looking after it --------------------------------------------------------------------------------------------

    async def probe(self) -> None:
        """Read and write something small. Raises StoreUnavailable when that cannot be done now."""

    async def check(self) -> dict[str, str | int]:
        """Facts for `clarion doctor`.

        Engine and library version, schema version, journal mode, sizes in bytes, inbox and outbox length, oldest inbox entry, integrity.
        """
