-- Resumes and stops of a million deliveries are done in pieces.

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

CREATE INDEX outbox_held ON outbox (partition, site, workflow, sequence) WHERE held;

-- Others took the place of these, or they have other parameters now.
DROP FUNCTION IF EXISTS clarion_stale;
DROP FUNCTION IF EXISTS clarion_release;
DROP FUNCTION IF EXISTS clarion_commit;
