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

CREATE INDEX poisoned_by_site ON poisoned (site, at);

CREATE INDEX log_by_profile ON log (partition, site, profile, sequence) WHERE kind = 'event' AND profile <> '';

ALTER TABLE profiles ADD COLUMN pushed TEXT NOT NULL DEFAULT '{}';

ALTER TABLE runs ADD COLUMN goal_until INTEGER;

CREATE INDEX runs_goals ON runs (partition, site, profile, goal_until) WHERE goal_until IS NOT NULL AND status <> 'waiting';
CREATE INDEX runs_by_version ON runs (partition, site, workflow, version) WHERE status = 'waiting';
CREATE INDEX runs_failed ON runs (partition, site, profile, started) WHERE status = 'failed';
-- With the status, so that the failed ones among many are found; a step of a run, which changes no part of it but that, costs no more.
DROP INDEX runs_by_workflow;
CREATE INDEX runs_by_workflow ON runs (site, workflow, status, started, id);

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

-- Runs that wait leave their step one day: they have to have been counted there, in the hour and day in which they came to it.
INSERT INTO counters (partition, site, workflow, period, start, version, step, name, branch, count)
SELECT partition, site, workflow, period, since - since % length, version, step, 'waiting', '', count(*)
FROM (
    SELECT partition, site, workflow, version, step, coalesce(state ->> '$.since', started) AS since FROM runs
    WHERE status = 'waiting' AND step IS NOT NULL
)
CROSS JOIN (SELECT 'hour' AS period, 3600000000 AS length UNION ALL SELECT 'day', 86400000000)
GROUP BY 1, 2, 3, 4, 5, 6, 7;

PRAGMA user_version = 2;
