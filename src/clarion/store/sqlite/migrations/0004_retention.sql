-- What has ended is found by when it did, without walking over what has not.
CREATE INDEX deliveries_ended ON deliveries (partition, finished) WHERE finished IS NOT NULL;
-- A run is over when it has ended and its goal can be met no more.
CREATE INDEX runs_over ON runs (partition, max(ended, coalesce(goal_until, 0))) WHERE ended IS NOT NULL;

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

PRAGMA user_version = 4;
