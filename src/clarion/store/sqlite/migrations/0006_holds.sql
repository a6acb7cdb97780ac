-- Pauses, resumes and stops of a million deliveries are done in pieces.

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

CREATE INDEX outbox_held ON outbox (site, workflow, sequence) WHERE held = 1;

PRAGMA user_version = 6;
