-- Several push services, keys that follow each other, dynamic segments, broadcasts, long work.

ALTER TABLE sites
    ADD COLUMN vapid integer NOT NULL DEFAULT 0,
    ADD COLUMN origins text NOT NULL DEFAULT '[]',
    ADD COLUMN dangerous_unsigned_profiles boolean NOT NULL DEFAULT false;

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

ALTER TABLE profiles ADD COLUMN recheck bigint, ADD COLUMN offered text NOT NULL DEFAULT '[]';

CREATE INDEX profiles_recheck ON profiles (partition, recheck, site, key) WHERE recheck IS NOT NULL;

ALTER TABLE subscribers
    ADD COLUMN provider text NOT NULL DEFAULT 'webpush',
    ADD COLUMN vapid integer NOT NULL DEFAULT 0,
    ADD COLUMN logouts integer NOT NULL DEFAULT 0;

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

-- They have more parameters now: others of these names would stay beside them.
DROP FUNCTION IF EXISTS clarion_commit;
DROP FUNCTION IF EXISTS clarion_facts;
