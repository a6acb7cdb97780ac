-- What the whole engine keeps: goals and caps, what publishing says of runs in flight, counters, drafts and secrets.

ALTER TABLE sites ADD COLUMN frequency_cap TEXT CHECK (json_valid(frequency_cap));

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

CREATE INDEX log_by_profile ON log (partition, site, profile, sequence) WHERE kind = 'event' AND profile <> '';

ALTER TABLE profiles ADD COLUMN pushed TEXT NOT NULL DEFAULT '{}';

ALTER TABLE runs ADD COLUMN goal_until INTEGER;

CREATE INDEX runs_goals ON runs (partition, site, profile, goal_until) WHERE goal_until IS NOT NULL AND status <> 'waiting';
CREATE INDEX runs_by_version ON runs (partition, site, workflow, version) WHERE status = 'waiting';

ALTER TABLE workflow_states ADD COLUMN directives TEXT NOT NULL DEFAULT '[]';

ALTER TABLE site_states ADD COLUMN frequency_cap TEXT;

-- With the time, so that a page of a profile's history is found where it begins.
DROP INDEX explanations_by_profile;
CREATE INDEX explanations_by_profile ON explanations (partition, site, profile, at);

ALTER TABLE deliveries ADD COLUMN version INTEGER NOT NULL DEFAULT 0;

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

PRAGMA user_version = 2;
