-- The whole schema as it is now: equal to the migrations applied in their order.

-- Times are UTC microseconds. Booleans are 0 and 1. JSON is text. `partition` is always 0 here: it stands first in the keys of large tables
-- because the same tables are spread by it elsewhere.

PRAGMA application_id = 1129075278;  -- "CLRN"

-- Configuration: small, read whole.

CREATE TABLE generation (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    value INTEGER NOT NULL  -- grows with every change to the configuration
) STRICT;

INSERT INTO generation (one, value) VALUES (1, 0);

CREATE TABLE sites (
    id                          INTEGER PRIMARY KEY,
    name                        TEXT NOT NULL,
    app_id                      TEXT NOT NULL UNIQUE,
    vapid_public_key            TEXT NOT NULL,
    vapid_private_sealed        BLOB NOT NULL,
    vapid_subject               TEXT NOT NULL,
    webhook_secret_sealed       BLOB NOT NULL,
    created                     INTEGER NOT NULL,
    timezone                    TEXT NOT NULL,
    frequency_cap               TEXT CHECK (json_valid(frequency_cap)),
    vapid                       INTEGER NOT NULL DEFAULT 0,
    origins                     TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(origins)),
    dangerous_unsigned_profiles INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE api_keys (
    id        INTEGER PRIMARY KEY,
    site      INTEGER NOT NULL,
    name      TEXT NOT NULL,
    hash      BLOB NOT NULL UNIQUE,
    prefix    TEXT NOT NULL,
    scopes    TEXT NOT NULL CHECK (json_valid(scopes)),
    created   INTEGER NOT NULL,
    last_used INTEGER,
    revoked   INTEGER
) STRICT;

CREATE TABLE workflows (
    site     INTEGER NOT NULL,
    workflow TEXT NOT NULL,
    name     TEXT NOT NULL,
    version  INTEGER NOT NULL,
    status   TEXT NOT NULL,
    changed  INTEGER NOT NULL,
    PRIMARY KEY (site, workflow)
) STRICT, WITHOUT ROWID;

CREATE TABLE workflow_versions (
    site     INTEGER NOT NULL,
    workflow TEXT NOT NULL,
    version  INTEGER NOT NULL,
    document TEXT NOT NULL CHECK (json_valid(document)),
    source   TEXT NOT NULL,
    created  INTEGER NOT NULL,
    PRIMARY KEY (site, workflow, version)
) STRICT;

CREATE TABLE workflow_drafts (
    site     INTEGER NOT NULL,
    workflow TEXT NOT NULL,
    source   TEXT NOT NULL,
    saved    INTEGER NOT NULL,
    PRIMARY KEY (site, workflow)
) STRICT;

CREATE TABLE secrets (
    site    INTEGER NOT NULL,
    name    TEXT NOT NULL,
    sealed  BLOB NOT NULL,
    changed INTEGER NOT NULL,
    PRIMARY KEY (site, name)
) STRICT;

CREATE TABLE site_keys (
    site    INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    number  INTEGER NOT NULL,
    public  TEXT NOT NULL,
    sealed  BLOB NOT NULL,
    changed INTEGER NOT NULL,
    PRIMARY KEY (site, kind, number)
) STRICT;

CREATE TABLE segments (
    site      INTEGER NOT NULL,
    segment   TEXT NOT NULL,
    name      TEXT NOT NULL,
    condition TEXT CHECK (json_valid(condition)),
    created   INTEGER NOT NULL,
    changed   INTEGER NOT NULL,
    PRIMARY KEY (site, segment)
) STRICT;

-- Long work that somebody asked for.
CREATE TABLE jobs (
    site    INTEGER NOT NULL,
    id      TEXT NOT NULL,
    kind    TEXT NOT NULL,
    status  TEXT NOT NULL,
    body    TEXT NOT NULL CHECK (json_valid(body)),
    created INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    PRIMARY KEY (site, id)
) STRICT;

CREATE INDEX jobs_by_site ON jobs (site, created, id);
CREATE INDEX jobs_running ON jobs (created, id) WHERE status = 'running';
CREATE INDEX jobs_over ON jobs (changed) WHERE status <> 'running';

-- What comes in, and what the owner has made of it.

CREATE TABLE partitions (
    partition INTEGER PRIMARY KEY,
    epoch     INTEGER NOT NULL,
    sequence  INTEGER NOT NULL,
    log_time  INTEGER NOT NULL,
    resumed   INTEGER NOT NULL
) STRICT;

INSERT INTO partitions (partition, epoch, sequence, log_time, resumed) VALUES (0, 0, 0, 0, 0);

-- AUTOINCREMENT: entries leave again, and a position must never come twice.
CREATE TABLE inbox (
    position  INTEGER PRIMARY KEY AUTOINCREMENT,
    partition INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    site      INTEGER NOT NULL,
    id        TEXT NOT NULL,
    body      TEXT NOT NULL CHECK (json_valid(body)),
    received  INTEGER NOT NULL
) STRICT;

CREATE TABLE log (
    partition INTEGER NOT NULL,
    sequence  INTEGER NOT NULL,
    log_time  INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    site      INTEGER NOT NULL,
    id        TEXT NOT NULL,
    body      TEXT NOT NULL,
    received  INTEGER NOT NULL,
    profile   TEXT NOT NULL,
    PRIMARY KEY (partition, sequence)
) STRICT;

CREATE INDEX log_events ON log (partition, site, sequence) WHERE kind = 'event';
CREATE INDEX log_by_profile ON log (partition, site, profile, sequence) WHERE kind = 'event' AND profile <> '';

-- With rowids: they grow with time, so the oldest ids are found without another index.
CREATE TABLE event_ids (
    partition INTEGER NOT NULL,
    site      INTEGER NOT NULL,
    target    TEXT NOT NULL,
    event_id  TEXT NOT NULL,
    content   TEXT NOT NULL,
    entry     TEXT NOT NULL,
    received  INTEGER NOT NULL,
    PRIMARY KEY (partition, site, target, event_id)
) STRICT;

CREATE TABLE poisoned (
    partition INTEGER NOT NULL,
    id        TEXT NOT NULL,
    site      INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    body      TEXT NOT NULL,
    at        INTEGER NOT NULL,
    error     TEXT NOT NULL,
    PRIMARY KEY (partition, id)
) STRICT;

CREATE INDEX poisoned_by_time ON poisoned (at);
CREATE INDEX poisoned_by_site ON poisoned (site, at);

-- Who is there, and what goes on.

CREATE TABLE profiles (
    partition  INTEGER NOT NULL,
    site       INTEGER NOT NULL,
    key        TEXT NOT NULL,
    attributes TEXT NOT NULL,
    segments   TEXT NOT NULL,
    created    INTEGER NOT NULL,
    pushed     TEXT NOT NULL DEFAULT '{}',
    merged     TEXT,
    recheck    INTEGER,
    offered    TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (partition, site, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX profiles_recheck ON profiles (partition, recheck, site, key) WHERE recheck IS NOT NULL;

CREATE TABLE subscribers (
    partition         INTEGER NOT NULL,
    site              INTEGER NOT NULL,
    device_token_hash TEXT NOT NULL,
    profile           TEXT NOT NULL,
    endpoint          TEXT NOT NULL,
    p256dh            TEXT NOT NULL,
    auth              TEXT NOT NULL,
    active            INTEGER NOT NULL,
    created           INTEGER NOT NULL,
    last_active       INTEGER NOT NULL,
    facts             TEXT NOT NULL,
    provider          TEXT NOT NULL DEFAULT 'webpush',
    vapid             INTEGER NOT NULL DEFAULT 0,
    logouts           INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (partition, site, device_token_hash)
) STRICT;

CREATE INDEX subscribers_by_profile ON subscribers (partition, site, profile);

CREATE TABLE runs (
    partition  INTEGER NOT NULL,
    id         TEXT NOT NULL,
    site       INTEGER NOT NULL,
    workflow   TEXT NOT NULL,
    version    INTEGER NOT NULL,
    profile    TEXT NOT NULL,
    key        TEXT,
    status     TEXT NOT NULL,
    step       TEXT,
    due        INTEGER,
    held       INTEGER NOT NULL,
    started    INTEGER NOT NULL,
    ended      INTEGER,
    reason     TEXT,
    state      TEXT NOT NULL,
    goal_until INTEGER,
    PRIMARY KEY (partition, id)
) STRICT;

CREATE INDEX runs_due ON runs (partition, due, id) WHERE status = 'waiting' AND held = 0 AND due IS NOT NULL;
CREATE INDEX runs_waiting ON runs (partition, site, profile) WHERE status = 'waiting';
CREATE INDEX runs_held ON runs (partition, site, workflow, id) WHERE held = 1;
CREATE INDEX runs_by_profile ON runs (site, profile, started, id);
-- With the status, so that the failed ones among many are found; a step of a run, which changes no part of it but that, costs no more.
CREATE INDEX runs_by_workflow ON runs (site, workflow, status, started, id);
CREATE INDEX runs_goals ON runs (partition, site, profile, goal_until) WHERE goal_until IS NOT NULL AND status <> 'waiting';
CREATE INDEX runs_by_version ON runs (partition, site, workflow, version) WHERE status = 'waiting';
CREATE INDEX runs_failed ON runs (partition, site, profile, started) WHERE status = 'failed';
-- A run is over when it has ended and its goal can be met no more.
CREATE INDEX runs_over ON runs (partition, max(ended, coalesce(goal_until, 0))) WHERE ended IS NOT NULL;

CREATE TABLE entry_memory (
    partition INTEGER NOT NULL,
    site      INTEGER NOT NULL,
    profile   TEXT NOT NULL,
    workflow  TEXT NOT NULL,
    key       TEXT NOT NULL,
    started   INTEGER NOT NULL,
    run       TEXT NOT NULL,
    PRIMARY KEY (partition, site, profile, workflow, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE workflow_states (
    partition    INTEGER NOT NULL,
    site         INTEGER NOT NULL,
    workflow     TEXT NOT NULL,
    version      INTEGER NOT NULL,
    status       TEXT NOT NULL,
    stale_before INTEGER NOT NULL,
    directives   TEXT NOT NULL DEFAULT '[]',
    heard        TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (partition, site, workflow)
) STRICT, WITHOUT ROWID;

CREATE TABLE site_states (
    partition     INTEGER NOT NULL,
    site          INTEGER NOT NULL,
    timezone      TEXT NOT NULL,
    frequency_cap TEXT,
    PRIMARY KEY (partition, site)
) STRICT, WITHOUT ROWID;

CREATE TABLE segment_states (
    partition INTEGER NOT NULL,
    site      INTEGER NOT NULL,
    segment   TEXT NOT NULL,
    condition TEXT NOT NULL,
    defined   INTEGER NOT NULL,
    PRIMARY KEY (partition, site, segment)
) STRICT, WITHOUT ROWID;

CREATE TABLE sweeps (
    partition INTEGER NOT NULL,
    site      INTEGER NOT NULL,
    id        TEXT NOT NULL,
    at        INTEGER NOT NULL,
    entry     TEXT NOT NULL,
    body      TEXT NOT NULL,
    cursor    TEXT NOT NULL,
    done      INTEGER NOT NULL,
    PRIMARY KEY (partition, site, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE explanations (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
    partition INTEGER NOT NULL,
    site      INTEGER NOT NULL,
    profile   TEXT NOT NULL,
    event     TEXT NOT NULL,
    at        INTEGER NOT NULL,
    body      TEXT NOT NULL
) STRICT;

CREATE INDEX explanations_by_event ON explanations (partition, event);
-- With the time, so that a page of a profile's history is found where it begins.
CREATE INDEX explanations_by_profile ON explanations (partition, site, profile, at);

-- What goes out. A delivery stays; its place in the outbox goes when it has ended.

-- AUTOINCREMENT: `claim` remembers how far it has come.
CREATE TABLE deliveries (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    partition  INTEGER NOT NULL,
    id         TEXT NOT NULL,
    site       INTEGER NOT NULL,
    effect     TEXT NOT NULL,
    run        TEXT NOT NULL,
    workflow   TEXT NOT NULL,
    step       TEXT NOT NULL,
    profile    TEXT NOT NULL,
    kind       TEXT NOT NULL,
    job        TEXT NOT NULL,
    created    INTEGER NOT NULL,
    due        INTEGER NOT NULL,
    expires    INTEGER NOT NULL,
    subscriber TEXT,
    hops       INTEGER NOT NULL,
    attempts   TEXT NOT NULL,
    status     TEXT NOT NULL,  -- pending as long as it is in the outbox
    finished   INTEGER,
    version    INTEGER NOT NULL DEFAULT 0,
    UNIQUE (partition, id)
) STRICT;

CREATE INDEX deliveries_by_run ON deliveries (partition, run);
CREATE INDEX deliveries_by_site ON deliveries (partition, site);
CREATE INDEX deliveries_by_profile ON deliveries (partition, site, profile);
CREATE INDEX deliveries_ended ON deliveries (partition, finished) WHERE finished IS NOT NULL;

CREATE TABLE outbox (
    sequence  INTEGER PRIMARY KEY,  -- of the delivery
    site      INTEGER NOT NULL,
    workflow  TEXT NOT NULL,
    scheduled INTEGER,              -- when to offer it; NULL: fresh, offered at once in the order of `sequence`
    held      INTEGER NOT NULL
) STRICT;

CREATE INDEX outbox_scheduled ON outbox (scheduled) WHERE scheduled IS NOT NULL AND held = 0;
CREATE INDEX outbox_held ON outbox (site, workflow, sequence) WHERE held = 1;

-- What pauses, resumes and stops have asked for and is still to be done with deliveries, a piece at a time. Those of the workflow whose sequence lies
-- in (cursor, until] are not offered, whatever their own rows say: their turn is still to come.
CREATE TABLE holds (
    partition INTEGER NOT NULL,
    site      INTEGER NOT NULL,
    workflow  TEXT NOT NULL,
    released  INTEGER NOT NULL,  -- 1: those that are held go again, or end if they are stale; 0: they are to be held
    cutoff    INTEGER NOT NULL,  -- pushes created before it are stale; 0: none is
    at        INTEGER NOT NULL,  -- log time of the release
    cursor    INTEGER NOT NULL,
    until     INTEGER NOT NULL,
    PRIMARY KEY (partition, site, workflow)
) STRICT, WITHOUT ROWID;

-- The time stands before what is counted: a batch writes side by side, a period is read in one piece.
CREATE TABLE counters (
    partition INTEGER NOT NULL,
    site      INTEGER NOT NULL,
    workflow  TEXT NOT NULL,
    period    TEXT NOT NULL,     -- hour or day, in UTC
    start     INTEGER NOT NULL,
    version   INTEGER NOT NULL,
    step      TEXT NOT NULL,
    name      TEXT NOT NULL,
    branch    TEXT NOT NULL,
    count     INTEGER NOT NULL,
    PRIMARY KEY (partition, site, workflow, period, start, version, step, name, branch)
) STRICT, WITHOUT ROWID;

-- What is kept for a while, and what outlives it.

-- What a partition held as of one place in its log; part 0 is written last, and makes it whole.
CREATE TABLE snapshots (
    partition INTEGER NOT NULL,
    sequence  INTEGER NOT NULL,
    log_time  INTEGER NOT NULL,
    part      INTEGER NOT NULL,
    body      BLOB NOT NULL,
    PRIMARY KEY (partition, sequence, log_time, part)
) STRICT;

CREATE TABLE upkeep (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    exported INTEGER NOT NULL,  -- events that were logged before this time are exported
    alarm    TEXT,
    since    INTEGER
) STRICT;

INSERT INTO upkeep (one, exported) VALUES (1, 0);

PRAGMA user_version = 6;
