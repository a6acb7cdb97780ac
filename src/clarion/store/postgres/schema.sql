-- Times are UTC microseconds. JSON is kept as text, as it was accepted. Large tables have `partition` first in their primary key, and no
-- constraint reaches across partitions, so that the same tables can be distributed by it. Text that is compared or sorted is COLLATE "C".

CREATE TABLE instance (
    one        integer PRIMARY KEY CHECK (one = 1),
    schema     integer NOT NULL,  -- version of the last migration
    partitions integer NOT NULL CHECK (partitions BETWEEN 1 AND 4096)
);

-- What was moved here from SQLite: `clarion migrate --from`. As long as a move has not ended, nobody serves this database.
CREATE TABLE move (
    one    integer PRIMARY KEY CHECK (one = 1),
    source text NOT NULL,  -- tells that database, as it was, from every other
    began  bigint NOT NULL,
    ended  bigint
);

CREATE TABLE moved_tables (
    name    text PRIMARY KEY,
    place   text NOT NULL,    -- JSON array: the last row of the source that is here
    read    bigint NOT NULL,  -- rows of the source
    written bigint NOT NULL,  -- rows here
    done    boolean NOT NULL
);

-- Configuration: small, read whole.

CREATE TABLE generation (
    one   integer PRIMARY KEY CHECK (one = 1),
    value bigint NOT NULL  -- grows with every change to the configuration
);

CREATE TABLE sites (
    id                          integer PRIMARY KEY,
    name                        text NOT NULL,
    app_id                      text COLLATE "C" NOT NULL UNIQUE,
    vapid_public_key            text NOT NULL,
    vapid_private_sealed        bytea NOT NULL,
    vapid_subject               text NOT NULL,
    webhook_secret_sealed       bytea NOT NULL,
    created                     bigint NOT NULL,
    timezone                    text NOT NULL,
    frequency_cap               text,
    vapid                       integer NOT NULL DEFAULT 0,
    origins                     text NOT NULL DEFAULT '[]',
    dangerous_unsigned_profiles boolean NOT NULL DEFAULT false
);

CREATE TABLE api_keys (
    id        integer PRIMARY KEY,
    site      integer NOT NULL,
    name      text NOT NULL,
    hash      bytea NOT NULL UNIQUE,
    prefix    text NOT NULL,
    scopes    text NOT NULL,
    created   bigint NOT NULL,
    last_used bigint,
    revoked   bigint
);

CREATE TABLE workflows (
    site     integer NOT NULL,
    workflow text COLLATE "C" NOT NULL,
    name     text NOT NULL,
    version  integer NOT NULL,
    status   text NOT NULL,
    changed  bigint NOT NULL,
    PRIMARY KEY (site, workflow)
);

CREATE TABLE workflow_versions (
    site     integer NOT NULL,
    workflow text COLLATE "C" NOT NULL,
    version  integer NOT NULL,
    document text NOT NULL,
    source   text NOT NULL,
    created  bigint NOT NULL,
    PRIMARY KEY (site, workflow, version)
);

CREATE TABLE workflow_drafts (
    site     integer NOT NULL,
    workflow text COLLATE "C" NOT NULL,
    source   text NOT NULL,
    saved    bigint NOT NULL,
    PRIMARY KEY (site, workflow)
);

CREATE TABLE secrets (
    site    integer NOT NULL,
    name    text COLLATE "C" NOT NULL,
    sealed  bytea NOT NULL,
    changed bigint NOT NULL,
    PRIMARY KEY (site, name)
);

CREATE TABLE site_keys (
    site    integer NOT NULL,
    kind    text COLLATE "C" NOT NULL,
    number  integer NOT NULL,
    public  text NOT NULL,
    sealed  bytea NOT NULL,
    changed bigint NOT NULL,
    PRIMARY KEY (site, kind, number)
);

CREATE TABLE segments (
    site      integer NOT NULL,
    segment   text COLLATE "C" NOT NULL,
    name      text NOT NULL,
    condition text,
    created   bigint NOT NULL,
    changed   bigint NOT NULL,
    PRIMARY KEY (site, segment)
);

-- Long work that somebody asked for.
CREATE TABLE jobs (
    site    integer NOT NULL,
    id      text COLLATE "C" NOT NULL,
    kind    text NOT NULL,
    status  text NOT NULL,
    body    text NOT NULL,
    created bigint NOT NULL,
    changed bigint NOT NULL,
    PRIMARY KEY (site, id)
);

CREATE INDEX jobs_by_site ON jobs (site, created, id);
CREATE INDEX jobs_running ON jobs (created, id) WHERE status = 'running';
CREATE INDEX jobs_over ON jobs (changed) WHERE status <> 'running';

-- Processes that work on this database; `until` is by the database's clock.
CREATE TABLE nodes (
    id    text COLLATE "C" PRIMARY KEY,
    roles text NOT NULL,  -- JSON array
    host  text NOT NULL,
    until bigint NOT NULL
);

-- What comes in, and what the owner has made of it.

CREATE TABLE partitions (
    partition integer PRIMARY KEY,
    epoch     bigint NOT NULL,
    sequence  bigint NOT NULL,
    log_time  bigint NOT NULL,
    resumed   bigint NOT NULL,
    owner     text COLLATE "C"  -- id of a node; it may have ended since
) WITH (fillfactor = 20);

-- No cache: what one session appends later has the higher number.
CREATE SEQUENCE inbox_position;
CREATE SEQUENCE explanation_sequence;
CREATE SEQUENCE delivery_sequence;
CREATE SEQUENCE poisoned_sequence;

CREATE TABLE inbox (
    partition integer NOT NULL,
    position  bigint NOT NULL DEFAULT nextval('inbox_position'),
    kind      text NOT NULL,
    site      integer NOT NULL,
    id        text COLLATE "C" NOT NULL,
    body      text NOT NULL,
    received  bigint NOT NULL,
    PRIMARY KEY (partition, position)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);

-- Each commit of ingest leaves its id for a while, in the partition of its first entry: where the answer to a commit was lost, this tells.
CREATE TABLE ingest_batches (
    partition integer NOT NULL,
    batch     uuid NOT NULL,  -- begins with its time
    PRIMARY KEY (partition, batch)
);

CREATE TABLE log (
    partition integer NOT NULL,
    sequence  bigint NOT NULL,
    log_time  bigint NOT NULL,
    kind      text NOT NULL,
    site      integer NOT NULL,
    id        text COLLATE "C" NOT NULL,
    body      text NOT NULL,
    received  bigint NOT NULL,
    profile   text COLLATE "C" NOT NULL,
    PRIMARY KEY (partition, sequence, log_time)
) PARTITION BY RANGE (log_time);

CREATE TABLE log_default PARTITION OF log DEFAULT;

CREATE INDEX log_events ON log (partition, site, sequence) WHERE kind = 'event';
CREATE INDEX log_by_profile ON log (partition, site, profile, sequence) WHERE kind = 'event' AND profile <> '';
CREATE INDEX log_by_id ON log (partition, id) WHERE kind = 'event';

CREATE TABLE event_ids (
    partition integer NOT NULL,
    site      integer NOT NULL,
    target    text COLLATE "C" NOT NULL,
    event_id  text COLLATE "C" NOT NULL,
    content   text NOT NULL,
    entry     text NOT NULL,
    received  bigint NOT NULL,
    PRIMARY KEY (partition, site, target, event_id)
);

-- Those of receipts are kept for longer than the others.
CREATE INDEX event_ids_by_time ON event_ids (partition, received) WHERE left(target, 2) <> 'r:';
CREATE INDEX event_ids_of_receipts ON event_ids (partition, received) WHERE left(target, 2) = 'r:';

CREATE TABLE poisoned (
    partition integer NOT NULL,
    id        text COLLATE "C" NOT NULL,
    site      integer NOT NULL,
    kind      text NOT NULL,
    body      text NOT NULL,
    at        bigint NOT NULL,
    error     text NOT NULL,
    sequence  bigint NOT NULL DEFAULT nextval('poisoned_sequence'),  -- order of those of one time
    PRIMARY KEY (partition, id)
);

CREATE INDEX poisoned_by_site ON poisoned (site, at, sequence);

-- Who is there, and what goes on.

CREATE TABLE profiles (
    partition  integer NOT NULL,
    site       integer NOT NULL,
    key        text COLLATE "C" NOT NULL,
    attributes text NOT NULL,
    segments   text NOT NULL,
    created    bigint NOT NULL,
    pushed     text NOT NULL,
    merged     text,
    recheck    bigint,
    offered    text NOT NULL DEFAULT '[]',
    PRIMARY KEY (partition, site, key)
);

CREATE INDEX profiles_recheck ON profiles (partition, recheck, site, key) WHERE recheck IS NOT NULL;

-- At home, in the partition of its hash, stands whose a subscriber is; beside its profile, where that is another partition, a copy.
CREATE TABLE subscribers (
    partition         integer NOT NULL,
    site              integer NOT NULL,
    device_token_hash text COLLATE "C" NOT NULL,
    profile           text COLLATE "C" NOT NULL,
    endpoint          text NOT NULL,
    p256dh            text NOT NULL,
    auth              text NOT NULL,
    active            boolean NOT NULL,
    created           bigint NOT NULL,
    last_active       bigint NOT NULL,
    facts             text NOT NULL,
    provider          text NOT NULL DEFAULT 'webpush',
    vapid             integer NOT NULL DEFAULT 0,
    logouts           integer NOT NULL DEFAULT 0,
    PRIMARY KEY (partition, site, device_token_hash)
);

CREATE INDEX subscribers_by_profile ON subscribers (partition, site, profile);

CREATE TABLE runs (
    partition  integer NOT NULL,
    id         text COLLATE "C" NOT NULL,
    site       integer NOT NULL,
    workflow   text COLLATE "C" NOT NULL,
    version    integer NOT NULL,
    profile    text COLLATE "C" NOT NULL,
    key        text,
    status     text COLLATE "C" NOT NULL,
    step       text,
    due        bigint,
    held       boolean NOT NULL,
    started    bigint NOT NULL,
    ended      bigint,
    reason     text,
    state      text NOT NULL,
    goal_until bigint,
    device     text COLLATE "C",  -- device_token_hash of the entry event, from `state`
    PRIMARY KEY (partition, id)
);

CREATE INDEX runs_due ON runs (partition, due, id) WHERE status = 'waiting' AND NOT held AND due IS NOT NULL;
CREATE INDEX runs_waiting ON runs (partition, site, profile) WHERE status = 'waiting';
CREATE INDEX runs_held ON runs (partition, site, workflow, id) WHERE held;
CREATE INDEX runs_by_profile ON runs (partition, site, profile, started, id);
CREATE INDEX runs_by_workflow ON runs (partition, site, workflow, status, started, id);
CREATE INDEX runs_goals ON runs (partition, site, profile, goal_until) WHERE goal_until IS NOT NULL AND status <> 'waiting';
CREATE INDEX runs_by_version ON runs (partition, site, workflow, version) WHERE status = 'waiting';
CREATE INDEX runs_failed ON runs (partition, site, profile, started) WHERE status = 'failed';
CREATE INDEX runs_over ON runs (partition, greatest(ended, goal_until)) WHERE ended IS NOT NULL;

CREATE TABLE entry_memory (
    partition integer NOT NULL,
    site      integer NOT NULL,
    profile   text COLLATE "C" NOT NULL,
    workflow  text COLLATE "C" NOT NULL,
    key       text COLLATE "C" NOT NULL,
    started   bigint NOT NULL,
    run       text NOT NULL,
    PRIMARY KEY (partition, site, profile, workflow, key)
);

CREATE TABLE workflow_states (
    partition    integer NOT NULL,
    site         integer NOT NULL,
    workflow     text COLLATE "C" NOT NULL,
    version      integer NOT NULL,
    status       text NOT NULL,
    stale_before bigint NOT NULL,
    directives   text NOT NULL,
    heard        text NOT NULL DEFAULT '[]',
    PRIMARY KEY (partition, site, workflow)
);

CREATE TABLE site_states (
    partition     integer NOT NULL,
    site          integer NOT NULL,
    timezone      text NOT NULL,
    frequency_cap text,
    PRIMARY KEY (partition, site)
);

CREATE TABLE segment_states (
    partition integer NOT NULL,
    site      integer NOT NULL,
    segment   text COLLATE "C" NOT NULL,
    condition text NOT NULL,
    defined   bigint NOT NULL,
    PRIMARY KEY (partition, site, segment)
);

CREATE TABLE sweeps (
    partition integer NOT NULL,
    site      integer NOT NULL,
    id        text COLLATE "C" NOT NULL,
    at        bigint NOT NULL,
    entry     text NOT NULL,
    body      text NOT NULL,
    cursor    text NOT NULL,
    done      bigint NOT NULL,
    PRIMARY KEY (partition, site, id)
);

CREATE TABLE explanations (
    partition integer NOT NULL,
    sequence  bigint NOT NULL DEFAULT nextval('explanation_sequence'),
    log_time  bigint NOT NULL,  -- of the commit; `at` may be earlier
    site      integer NOT NULL,
    profile   text COLLATE "C" NOT NULL,
    event     text COLLATE "C" NOT NULL,
    at        bigint NOT NULL,
    body      text NOT NULL,
    PRIMARY KEY (partition, sequence, log_time)
) PARTITION BY RANGE (log_time);

CREATE TABLE explanations_default PARTITION OF explanations DEFAULT;

CREATE INDEX explanations_by_event ON explanations (partition, event);
CREATE INDEX explanations_by_profile ON explanations (partition, site, profile, at, sequence);

-- What goes out. A delivery stays; its place in the outbox goes when it has ended.

CREATE TABLE deliveries (
    partition  integer NOT NULL,
    id         text COLLATE "C" NOT NULL,
    created    bigint NOT NULL,
    sequence   bigint NOT NULL DEFAULT nextval('delivery_sequence'),
    site       integer NOT NULL,
    effect     text NOT NULL,
    run        text COLLATE "C" NOT NULL,
    workflow   text COLLATE "C" NOT NULL,
    step       text NOT NULL,
    profile    text COLLATE "C" NOT NULL,
    kind       text NOT NULL,
    job        text NOT NULL,
    due        bigint NOT NULL,
    expires    bigint NOT NULL,
    subscriber text,
    hops       integer NOT NULL,
    attempts   text NOT NULL,
    status     text NOT NULL,  -- pending as long as it is in the outbox
    finished   bigint,
    version    integer NOT NULL,
    PRIMARY KEY (partition, id, created)
) PARTITION BY RANGE (created);

-- Room on each page: that a delivery has ended is written where it stands, and touches no index.
CREATE TABLE deliveries_default PARTITION OF deliveries DEFAULT WITH (fillfactor = 80);
CREATE INDEX deliveries_default_by_time ON deliveries_default (partition, created);

CREATE INDEX deliveries_by_run ON deliveries (partition, run);
CREATE INDEX deliveries_by_site ON deliveries (partition, site, sequence);
CREATE INDEX deliveries_by_profile ON deliveries (partition, site, profile, sequence);

-- Of the periods that are over, by their beginning, those whose deliveries have all ended; they had at this time.
CREATE TABLE cleared (
    since bigint PRIMARY KEY,
    at    bigint NOT NULL
);

CREATE TABLE outbox (
    partition integer NOT NULL,
    id        text COLLATE "C" NOT NULL,  -- of the delivery
    created   bigint NOT NULL,            -- of the delivery
    sequence  bigint NOT NULL,            -- of the delivery
    site      integer NOT NULL,
    workflow  text COLLATE "C" NOT NULL,
    due       bigint NOT NULL,
    held      boolean NOT NULL,
    claimed   text COLLATE "C",           -- id of the node that sends it; it may have ended since
    PRIMARY KEY (partition, id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX outbox_due ON outbox (partition, due, sequence) WHERE NOT held AND claimed IS NULL;
CREATE INDEX outbox_claimed ON outbox (partition, claimed) WHERE claimed IS NOT NULL;
CREATE INDEX outbox_by_workflow ON outbox (partition, site, workflow);
CREATE INDEX outbox_held ON outbox (partition, site, workflow, sequence) WHERE held;

-- Releases whose deliveries are let go, or end, a piece at a time.
CREATE TABLE holds (
    partition integer NOT NULL,
    site      integer NOT NULL,
    workflow  text COLLATE "C" NOT NULL,
    released  boolean NOT NULL,  -- false: paused again before all had their turn
    cutoff    bigint NOT NULL,   -- pushes created before it are stale; 0: none is
    at        bigint NOT NULL,   -- log time of the release
    PRIMARY KEY (partition, site, workflow)
);

-- The time stands before what is counted: a batch writes side by side, a period is read in one piece.
CREATE TABLE counters (
    partition integer NOT NULL,
    site      integer NOT NULL,
    workflow  text COLLATE "C" NOT NULL,
    period    text COLLATE "C" NOT NULL,  -- hour or day, in UTC
    start     bigint NOT NULL,
    version   integer NOT NULL,
    step      text COLLATE "C" NOT NULL,
    name      text COLLATE "C" NOT NULL,
    branch    text COLLATE "C" NOT NULL,
    count     bigint NOT NULL,
    PRIMARY KEY (partition, site, workflow, period, start, version, step, name, branch)
) WITH (fillfactor = 70);

-- What a partition held as of one place in its log; part 0 is written last, and makes it whole. The bodies are compressed already.
CREATE TABLE snapshots (
    partition integer NOT NULL,
    sequence  bigint NOT NULL,
    log_time  bigint NOT NULL,
    part      integer NOT NULL,
    body      bytea NOT NULL,
    PRIMARY KEY (partition, sequence, log_time, part)
);

ALTER TABLE snapshots ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE upkeep (
    one      integer PRIMARY KEY CHECK (one = 1),
    exported bigint NOT NULL,  -- events that were logged before this time are exported
    alarm    text,
    since    bigint
);

INSERT INTO upkeep (one, exported) VALUES (1, 0);
INSERT INTO generation (one, value) VALUES (1, 0);
