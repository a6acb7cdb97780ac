-- Several push services, keys that follow each other, dynamic segments, broadcasts, long work.

ALTER TABLE sites ADD COLUMN vapid INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sites ADD COLUMN origins TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(origins));
ALTER TABLE sites ADD COLUMN dangerous_unsigned_profiles INTEGER NOT NULL DEFAULT 0;

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

ALTER TABLE profiles ADD COLUMN recheck INTEGER;
ALTER TABLE profiles ADD COLUMN offered TEXT NOT NULL DEFAULT '[]';

CREATE INDEX profiles_recheck ON profiles (partition, recheck, site, key) WHERE recheck IS NOT NULL;

ALTER TABLE subscribers ADD COLUMN provider TEXT NOT NULL DEFAULT 'webpush';
ALTER TABLE subscribers ADD COLUMN vapid INTEGER NOT NULL DEFAULT 0;
ALTER TABLE subscribers ADD COLUMN logouts INTEGER NOT NULL DEFAULT 0;

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

PRAGMA user_version = 5;
