"""What crosses the store's port: rows in the words of the design, with no trace of SQL. Times are UTC microseconds."""

from enum import StrEnum

import msgspec

from clarion.domain.records import FrequencyCap, Profile, Subscriber


class EntryKind(StrEnum):
    """What an inbox or log entry is; the body's schema follows from it."""

    EVENT = "event"
    """`clarion.domain.records.Event`."""
    SUBSCRIBER = "subscriber"
    """`SubscriberPut`: a subscription was registered."""
    OUTCOME = "outcome"
    """`DeliveryOutcome`: how a delivery ended."""
    WORKFLOW = "workflow"
    """`WorkflowChange`: publish, pause, resume, drain, archive."""
    SITE = "site"
    """`SiteChange`: a site was made, or its settings changed."""
    RUN = "run"
    """`RunChange`: an operator stops, retries, moves or re-arms a run."""
    RECEIPT = "receipt"
    """`Receipt`: a notification was viewed, clicked or closed."""
    RESUME = "resume"
    """The owner is back after an outage; overdue timers run with this entry's time. No body."""


class NewEntry(msgspec.Struct, frozen=True):
    """One thing to put into the inbox."""

    kind: EntryKind
    site: int
    id: str
    """Stable id, 32 hexadecimal characters."""
    body: bytes
    """JSON of the kind's schema."""
    received: int
    partition: int = 0
    claim: "IdempotencyClaim | None" = None


class IdempotencyClaim(msgspec.Struct, frozen=True):
    """A client's `event_id` for a target: the first content wins, the same again is the same event, other content is refused."""

    target: str
    """Profile or subscriber that the event names: `p:` + profile_id or `d:` + device_token_hash."""
    event_id: str
    content: str
    """Hash of name, target, data and timestamp."""


class Appended(StrEnum):
    """What became of a `NewEntry`."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


class Entry(msgspec.Struct, frozen=True):
    """An inbox entry as its partition's owner takes it."""

    position: int
    """Its place in the inbox; entries are taken in this order."""
    kind: EntryKind
    site: int
    id: str
    body: msgspec.Raw
    received: int


class DueRun(msgspec.Struct, frozen=True, array_like=True):
    """A run whose timer is due; the run itself is among the facts about its profile."""

    id: str
    due: int
    site: int
    profile: str
    """Key of its profile."""


class Taken(msgspec.Struct, frozen=True):
    """What waits for a partition's owner."""

    entries: list[Entry]
    due: list[DueRun]
    """Runs whose timer is due at or before the horizon, by (due, id)."""
    next_due: int | None
    """When the next timer after those in `due` is due; None when there is none."""


class RunRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A run as it is kept. `state` is the core's own (`clarion.workflow.run`)."""

    id: str
    site: int
    workflow: str
    version: int
    profile: str
    key: str | None
    status: str
    """waiting, completed, exited, failed."""
    step: str | None
    due: int | None
    held: bool
    """True while its workflow is paused and its timer has come due: it is not offered again before the resume."""
    started: int
    ended: int | None
    reason: str | None
    state: msgspec.Raw
    goal_until: int | None = None
    """Until when events of the profile may still meet the run's goal, also after it has ended; None: no goal, or met."""


class EntryMemory(msgspec.Struct, frozen=True):
    """When a profile last started a workflow with a key; outlives the run (semantics §5, `again`)."""

    site: int
    workflow: str
    profile: str
    key: str
    """The empty text where the workflow has no `key`."""
    started: int
    run: str


class WorkflowState(msgspec.Struct, frozen=True):
    """What a partition's log says of a workflow at this point of the log."""

    site: int
    workflow: str
    version: int
    status: str
    """active, draining, paused, archived."""
    stale_before: int = 0
    """From the last resume: a push whose time had come before this one is stale."""
    directives: tuple["Directive", ...] = ()
    """What publishing said of runs in flight, as long as some run may not have heard of it, in log order."""


class Directive(msgspec.Struct, frozen=True):
    """What a change of a workflow means to its runs in flight: each applies it before its next input (semantics §7)."""

    version: int
    """Runs of earlier versions are concerned."""
    runs: str
    """`move`: go on in this version; or why they end: `ended` by a publish, `archived`."""
    at: int
    """Log time of the change."""


class SiteChange(msgspec.Struct, frozen=True):
    """Body of a SITE entry: the settings that can change an outcome."""

    timezone: str
    frequency_cap: FrequencyCap | None = None


class SiteState(msgspec.Struct, frozen=True):
    """What a partition's log says of a site at this point of the log."""

    site: int
    timezone: str
    """IANA name."""
    frequency_cap: FrequencyCap | None = None


class WorkflowChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of a WORKFLOW entry."""

    workflow: str
    change: str
    """publish, pause, resume, drain, archive."""
    version: int = 0
    runs: str = "keep"
    """On publish: keep, move or end the runs in flight on earlier versions."""
    skip_older_than: int | None = None
    """On resume: pushes held for longer than this many microseconds end with outcome `stale`."""


class RunChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of a RUN entry: what an operator does to one run."""

    run: str
    workflow: str
    """Of the run."""
    change: str
    """What to do with it.

    stop; retry: a failed run at its failed step; move: go on in the current version, or at another step; rearm: a timer that was set
    aside fires again.
    """
    step: str | None = None
    """On move: the step to go on with; None: the one it stands at."""
    reason: str | None = None


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of a RECEIPT entry: what a receiver did with a push."""

    event: str
    """viewed, clicked or closed."""
    delivery: str
    run: str
    workflow: str
    version: int
    step: str
    profile: str
    subscriber: str
    action: int | None = None
    """Which button was clicked, from 0; None for the notification itself."""
    hops: int = 0


class SubscriberPut(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of a SUBSCRIBER entry."""

    device_token_hash: str
    endpoint: str
    p256dh: str
    auth: str
    profile_id: str | None = None
    attributes: dict[str, str | int | float | bool] = {}
    facts: dict[str, str | int | float | bool] = {}


class DeliveryOutcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of an OUTCOME entry: what the engine has to know of a delivery that ended."""

    delivery: str
    effect: str
    run: str
    workflow: str
    step: str
    kind: str
    """push or http."""
    outcome: str
    """sent, failed, gone, expired, stale."""
    profile: str
    subscriber: str | None = None
    status: int | None = None
    """HTTP status of the last attempt; None if there was no answer."""
    reason: str | None = None
    hops: int = 0
    version: int = 0
    """Of the workflow."""
    response: dict[str, str | int | float | bool] | None = None
    """Scalars of the JSON object that answered an awaited HTTP request; None of one that no run waits for."""


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """One effect on its way out."""

    id: str
    site: int
    effect: str
    run: str
    workflow: str
    step: str
    profile: str
    kind: str
    """push or http."""
    job: msgspec.Raw
    """JSON of `clarion.delivery.jobs.PushJob` or `HttpJob`."""
    created: int
    due: int
    expires: int
    """After this time no further attempt is made."""
    subscriber: str | None = None
    hops: int = 0
    attempts: tuple["Attempt", ...] = ()
    version: int = 0
    """Of the workflow."""


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One try to send a delivery."""

    at: int
    took: int
    """Microseconds."""
    status: int | None = None
    error: str | None = None


class Report(msgspec.Struct, frozen=True):
    """What delivery has to say of one claimed delivery after an attempt."""

    delivery: Delivery
    """As claimed, with the new attempt at the end of `attempts`."""
    outcome: str | None
    """None: try again at `retry_at`. Else sent, failed, gone or expired: it has ended."""
    at: int
    retry_at: int | None = None
    status: int | None = None
    reason: str | None = None
    response: dict[str, str | int | float | bool] | None = None
    """Scalars of the JSON object that answered an awaited HTTP request; None of one that no run waits for."""


class Explanation(msgspec.Struct, frozen=True):
    """What one input did and did not do, for one profile."""

    site: int
    profile: str
    """Empty for an unknown subscriber."""
    event: str
    """Id of the event, or of the run for a timer."""
    at: int
    body: msgspec.Raw
    sequence: int = 0
    """Its place among those of one time, as `explanations_about` gives it; 0 elsewhere."""


class LogMove(msgspec.Struct, frozen=True):
    """An inbox entry that this commit moves to the log.

    The moves of a commit follow each other, in the inbox and in the log, and have one time.
    """

    position: int
    sequence: int
    log_time: int
    profile: str
    """Key of the profile it was applied to; empty where there is none."""


class Poisoned(msgspec.Struct, frozen=True):
    """An entry or a run's timer that could not be applied, set aside with its error."""

    id: str
    site: int
    kind: str
    body: msgspec.Raw
    at: int
    error: str
    partition: int = 0
    """Where it was; given by the store."""


class PartitionState(msgspec.Struct, frozen=True):
    """Where the owner of a partition stands in its log."""

    partition: int
    epoch: int
    """Fencing token: a commit with an older epoch is refused."""
    sequence: int
    """Of the last log entry."""
    log_time: int
    resumed: int
    """Log time of the last RESUME entry; timers due earlier run with this time."""


class Facts(msgspec.Struct, frozen=True):
    """All that a batch of inputs can touch, read at once."""

    subscribers: list[tuple[int, Subscriber]]
    """With its site: every subscriber that was named, every active one of every profile concerned, and those that the entry events of the
    runs named."""
    profiles: list[tuple[int, Profile]]
    """With its site."""
    runs: list[RunRow]
    """Of every profile concerned, those that wait and those whose goal is still open; the newest failed ones of the profiles that are to
    be joined to others; and those asked for, whatever their status."""
    memory: list[EntryMemory]
    """What was asked for, and all of the profiles that are to be joined to others."""


class SiteProfile(msgspec.Struct, frozen=True):
    """A profile or subscriber together with its site."""

    site: int
    value: str


class MemoryKey(msgspec.Struct, frozen=True):
    """Which entry memory is asked for: of a profile, or of the profile that a subscriber belongs to."""

    site: int
    workflow: str
    key: str
    profile: str | None = None
    device_token_hash: str | None = None


class Asked(msgspec.Struct):
    """What a batch of inputs can touch, for `Store.facts`."""

    named: list[SiteProfile] = []
    """Values are device_token_hashes; the profiles that they belong to are concerned too."""
    profiles: list[SiteProfile] = []
    """Values are keys of profiles."""
    memory: list[MemoryKey] = []
    joining: list[SiteProfile] = []
    """Values are device_token_hashes whose profile is to be joined to another: all of its memory and its failed runs are read."""
    runs: list[str] = []
    """Ids of runs; the profiles that they belong to are concerned too."""


class Outcome(msgspec.Struct):
    """One engine commit: consuming the inputs and all that follows from them, in one transaction."""

    state: PartitionState
    moved: list[LogMove] = []
    logged: list[tuple[int, int, NewEntry]] = []
    """Entries that the owner writes to the log itself: (sequence, log_time, entry)."""
    profiles: list[tuple[int, Profile]] = []
    subscribers: list[tuple[int, Subscriber]] = []
    runs: list[RunRow] = []
    memory: list[EntryMemory] = []
    workflows: list[WorkflowState] = []
    sites: list[SiteState] = []
    explanations: list[Explanation] = []
    deliveries: list[Delivery] = []
    emitted: list[NewEntry] = []
    counts: list["Count"] = []
    poisoned: list[Poisoned] = []
    hold: list[tuple[int, str]] = []
    """(site, workflow): keep its undelivered deliveries back."""
    release: list[tuple[int, str, int]] = []
    """(site, workflow, cutoff): let its deliveries go again; pushes created before the cutoff end with outcome `stale`."""


class Count(msgspec.Struct, frozen=True):
    """By how much a counter of a workflow grew in an hour; of one partition."""

    site: int
    workflow: str
    version: int
    step: str
    """Empty for what concerns the whole workflow."""
    name: str
    """started, completed, entered, waiting, left, sent, viewed, clicked, failed, goals, value, …"""
    branch: str
    """Which way of a step, or which split path as `step/path`; empty where there is none."""
    hour: int
    """Start of the hour in UTC."""
    count: int
    """`waiting` also shrinks; `value` is in millionths."""


class CounterRow(msgspec.Struct, frozen=True):
    """A counter of a workflow, summed over partitions and over a period."""

    version: int
    step: str
    name: str
    branch: str
    start: int
    """Of the hour or day in UTC; 0 for a total."""
    count: int


class RunCount(msgspec.Struct, frozen=True):
    """How many runs in flight of a version stand at a step."""

    version: int
    step: str
    count: int


class WorkflowDraft(msgspec.Struct, frozen=True):
    """A document that is being worked on; it need not be valid."""

    site: int
    workflow: str
    source: str
    saved: int


class Secret(msgspec.Struct, frozen=True):
    """A value that `http` steps may use; sealed under the master key."""

    site: int
    name: str
    sealed: bytes
    changed: int


class Site(msgspec.Struct, frozen=True):
    """One website or app. Secrets are sealed under the master key (`clarion.vault`)."""

    id: int
    name: str
    app_id: str
    vapid_public_key: str
    vapid_private_sealed: bytes
    vapid_subject: str
    webhook_secret_sealed: bytes
    created: int
    timezone: str = "UTC"
    frequency_cap: FrequencyCap | None = None


class ApiKey(msgspec.Struct, frozen=True):
    """An API key; only its SHA-256 is known."""

    id: int
    site: int
    name: str
    hash: bytes
    prefix: str
    """The first characters, to recognise it by."""
    scopes: tuple[str, ...]
    created: int
    last_used: int | None = None
    revoked: int | None = None


class WorkflowVersion(msgspec.Struct, frozen=True):
    """One immutable version of a workflow's document."""

    site: int
    workflow: str
    version: int
    document: msgspec.Raw
    """Canonical JSON of the document."""
    source: str
    """The text as it was last applied, YAML or JSON: comments and layout may change, what it says does not."""
    created: int


class WorkflowRow(msgspec.Struct, frozen=True):
    """A workflow as its operator sees it."""

    site: int
    workflow: str
    name: str
    version: int
    """The latest published one; 0 for a draft that never was."""
    status: str
    """draft, active, draining, paused, archived."""
    changed: int
    draft: int | None = None
    """When its draft was saved; None where it has none."""


class Configuration(msgspec.Struct, frozen=True):
    """All small configuration, read whole; `generation` grows with every change to it but to drafts, which nobody acts on."""

    generation: int
    sites: list[Site]
    keys: list[ApiKey]
    workflows: list[WorkflowRow]
    secrets: list[Secret] = []


class LogRow(msgspec.Struct, frozen=True):
    """An entry of the log, or one still in the inbox (`sequence` and `log_time` None)."""

    sequence: int | None
    log_time: int | None
    kind: EntryKind
    site: int
    id: str
    body: msgspec.Raw
    received: int
    profile: str


class DeliveryRow(msgspec.Struct, frozen=True):
    """A delivery with its attempts, ended or still under way."""

    delivery: Delivery
    status: str
    """pending, held, sent, failed, gone, expired, stale."""
    finished: int | None = None


class ProfileView(msgspec.Struct, frozen=True):
    """A profile with what belongs to it, newest first, each list bounded."""

    profile: Profile
    subscribers: list[Subscriber]
    runs: list[RunRow]
    deliveries: list[DeliveryRow]
    explanations: list[Explanation]
