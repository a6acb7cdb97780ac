-- What is read of an SQLite database that moves. Each table's statement gives its rows in the order of a key that never changes, beginning
-- behind `:after`, a JSON array: the first columns are that key, the others are what `clarion.store.moving.tables` says.

-- name: fingerprint
-- What differs between two databases, and in one database as soon as somebody has worked with it.
SELECT json_array(
    (SELECT value FROM generation),
    (SELECT json_group_array(app_id) FROM (SELECT app_id FROM sites ORDER BY id)),
    (SELECT json_array(epoch, sequence, log_time) FROM partitions WHERE partition = 0),
    (SELECT json_group_array(json_array(name, seq)) FROM (SELECT name, seq FROM sqlite_sequence ORDER BY name)),
    (SELECT json_array(count(*), max(saved)) FROM workflow_drafts),
    (SELECT count(*) FROM poisoned)
);

-- name: partition
SELECT epoch, log_time, resumed FROM partitions WHERE partition = 0;

-- name: sequences
-- The highest position of the inbox, sequence of an explanation and sequence of a delivery that were ever given, and the highest number of
-- what was set aside.
SELECT
    max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'inbox'), 0), coalesce((SELECT max(position) FROM inbox), 0)),
    max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'explanations'), 0), coalesce((SELECT max(sequence) FROM explanations), 0)),
    max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'deliveries'), 0), coalesce((SELECT max(sequence) FROM deliveries), 0)),
    coalesce((SELECT max(rowid) FROM poisoned), 0);

-- name: run_profile
SELECT profile FROM runs WHERE partition = 0 AND id = :run;

-- name: delivery_subscriber
SELECT subscriber FROM deliveries WHERE partition = 0 AND id = :delivery;

-- name: unapplied_events
-- Events that were applied to no profile, in the order of the log.
SELECT log_time, id, site, body FROM log WHERE partition = 0 AND kind = 'event' AND profile = '' ORDER BY sequence;

-- name: totals
SELECT 'generation', count(*) FROM generation
UNION ALL SELECT 'upkeep', count(*) FROM upkeep
UNION ALL SELECT 'sites', count(*) FROM sites
UNION ALL SELECT 'api_keys', count(*) FROM api_keys
UNION ALL SELECT 'workflows', count(*) FROM workflows
UNION ALL SELECT 'workflow_versions', count(*) FROM workflow_versions
UNION ALL SELECT 'workflow_drafts', count(*) FROM workflow_drafts
UNION ALL SELECT 'secrets', count(*) FROM secrets
UNION ALL SELECT 'site_keys', count(*) FROM site_keys
UNION ALL SELECT 'segments', count(*) FROM segments
UNION ALL SELECT 'jobs', count(*) FROM jobs
UNION ALL SELECT 'workflow_states', count(*) FROM workflow_states
UNION ALL SELECT 'site_states', count(*) FROM site_states
UNION ALL SELECT 'segment_states', count(*) FROM segment_states
UNION ALL SELECT 'sweeps', count(*) FROM sweeps
UNION ALL SELECT 'profiles', count(*) FROM profiles
UNION ALL SELECT 'subscribers', count(*) FROM subscribers
UNION ALL SELECT 'runs', count(*) FROM runs
UNION ALL SELECT 'entry_memory', count(*) FROM entry_memory
UNION ALL SELECT 'event_ids', count(*) FROM event_ids
UNION ALL SELECT 'log', count(*) FROM log
UNION ALL SELECT 'explanations', count(*) FROM explanations
UNION ALL SELECT 'deliveries', count(*) FROM deliveries
UNION ALL SELECT 'outbox', count(*) FROM outbox
UNION ALL SELECT 'holds', count(*) FROM holds WHERE released = 1 OR cutoff > 0
UNION ALL SELECT 'inbox', count(*) FROM inbox
UNION ALL SELECT 'poisoned', count(*) FROM poisoned
UNION ALL SELECT 'counters', count(*) FROM counters;

-- name: generation
SELECT one, one, value FROM generation WHERE one > :after ->> 0;

-- name: upkeep
SELECT one, one, exported, alarm, since FROM upkeep WHERE one > :after ->> 0;

-- name: sites
SELECT
    id, id, name, app_id, vapid_public_key, vapid_private_sealed, vapid_subject, webhook_secret_sealed, created, timezone, frequency_cap,
    vapid, origins, dangerous_unsigned_profiles
FROM sites WHERE id > :after ->> 0 ORDER BY id;

-- name: api_keys
SELECT id, id, site, name, hash, prefix, scopes, created, last_used, revoked FROM api_keys WHERE id > :after ->> 0 ORDER BY id;

-- name: workflows
SELECT site, workflow, site, workflow, name, version, status, changed FROM workflows
WHERE (site, workflow) > (:after ->> 0, :after ->> 1) ORDER BY site, workflow;

-- name: workflow_versions
SELECT rowid, site, workflow, version, created, source, document FROM workflow_versions WHERE rowid > :after ->> 0 ORDER BY rowid;

-- name: workflow_drafts
SELECT rowid, site, workflow, saved, source FROM workflow_drafts WHERE rowid > :after ->> 0 ORDER BY rowid;

-- name: secrets
SELECT rowid, site, name, sealed, changed FROM secrets WHERE rowid > :after ->> 0 ORDER BY rowid;

-- name: site_keys
SELECT rowid, site, kind, number, public, sealed, changed FROM site_keys WHERE rowid > :after ->> 0 ORDER BY rowid;

-- name: segments
SELECT rowid, site, segment, name, created, changed, condition FROM segments WHERE rowid > :after ->> 0 ORDER BY rowid;

-- name: jobs
SELECT rowid, site, id, kind, status, created, changed, body FROM jobs WHERE rowid > :after ->> 0 ORDER BY rowid;

-- name: workflow_states
SELECT site, workflow, site, workflow, version, status, stale_before, heard, directives FROM workflow_states
WHERE partition = 0 AND (site, workflow) > (:after ->> 0, :after ->> 1) ORDER BY site, workflow;

-- name: site_states
SELECT site, site, timezone, frequency_cap FROM site_states WHERE partition = 0 AND site > :after ->> 0 ORDER BY site;

-- name: segment_states
SELECT site, segment, site, segment, defined, condition FROM segment_states
WHERE partition = 0 AND (site, segment) > (:after ->> 0, :after ->> 1) ORDER BY site, segment;

-- name: sweeps
SELECT site, id, site, id, at, entry, cursor, done, body FROM sweeps
WHERE partition = 0 AND (site, id) > (:after ->> 0, :after ->> 1) ORDER BY site, id;

-- name: profiles
-- An anonymous one may have become part of another before that was noted: of the one that has the runs whose deliveries still name it, else
-- of its subscriber's, unless that has left it behind by logging out.
SELECT
    p.site, p."key", p.site, p."key", p.attributes, p.segments, p.created, p.pushed,
    iif(p.merged IS NULL AND substr(p."key", 1, 2) <> 'n:', coalesce(
        (
            SELECT r.profile FROM deliveries AS d
            CROSS JOIN runs AS r
            WHERE d.partition = 0 AND d.site = p.site AND d.profile = p."key" AND r.partition = 0 AND r.id = d.run AND r.profile <> d.profile
            LIMIT 1
        ),
        (
            SELECT s.profile FROM subscribers AS s
            WHERE s.partition = 0 AND s.site = p.site AND s.device_token_hash = substr(p."key", instr(p."key", ':') + 1)
                AND p."key" = 'a' || iif(s.logouts = 0, '', s.logouts) || ':' || s.device_token_hash AND s.profile <> p."key"
        )
    ), p.merged),
    p.recheck, p.offered
FROM profiles AS p
WHERE p.partition = 0 AND (p.site, p."key") > (:after ->> 0, :after ->> 1) ORDER BY p.site, p."key";

-- name: subscribers
SELECT
    rowid, site, device_token_hash, profile, endpoint, p256dh, auth, active, created, last_active, facts, provider, vapid, logouts
FROM subscribers
WHERE rowid > :after ->> 0 ORDER BY rowid;

-- name: runs
SELECT
    rowid, id, site, workflow, version, profile, "key", status, step, due, held, started, ended, reason, goal_until,
    state ->> '$.entry.device_token_hash', state
FROM runs WHERE rowid > :after ->> 0 ORDER BY rowid;

-- name: entry_memory
SELECT site, profile, workflow, "key", site, profile, workflow, "key", started, run FROM entry_memory
WHERE partition = 0 AND (site, profile, workflow, "key") > (:after ->> 0, :after ->> 1, :after ->> 2, :after ->> 3)
ORDER BY site, profile, workflow, "key";

-- name: event_ids
SELECT rowid, site, target, event_id, content, entry, received FROM event_ids WHERE rowid > :after ->> 0 ORDER BY rowid;

-- name: log
SELECT sequence, log_time, kind, site, id, received, profile, body FROM log
WHERE partition = 0 AND sequence > :after ->> 0 ORDER BY sequence;

-- name: explanations
SELECT sequence, sequence, site, profile, event, at, body FROM explanations WHERE sequence > :after ->> 0 ORDER BY sequence;

-- name: deliveries
SELECT
    sequence, id, created, sequence, site, effect, run, workflow, step, profile, kind, due, expires, subscriber, hops, attempts, status,
    finished, version, job
FROM deliveries WHERE sequence > :after ->> 0 ORDER BY sequence;

-- name: outbox
SELECT
    o.sequence, d.profile, d.id, d.created, o.sequence, o.site, o.workflow, coalesce(o.scheduled, d.due),
    o.held OR EXISTS (
        SELECT 1 FROM holds AS h
        WHERE h.partition = 0 AND h.site = o.site AND h.workflow = o.workflow AND o.sequence > h.cursor AND o.sequence <= h.until
    )
FROM outbox AS o
CROSS JOIN deliveries AS d
WHERE o.sequence > :after ->> 0 AND d.sequence = o.sequence ORDER BY o.sequence;

-- name: holds
-- What is only to be held is, where it goes.
SELECT site, workflow, site, workflow, released, cutoff, at FROM holds
WHERE partition = 0 AND (released = 1 OR cutoff > 0) AND (site, workflow) > (:after ->> 0, :after ->> 1) ORDER BY site, workflow;

-- name: inbox
SELECT position, position, kind, site, id, received, body FROM inbox WHERE position > :after ->> 0 ORDER BY position;

-- name: poisoned
SELECT rowid, id, site, kind, at, error, rowid, body FROM poisoned WHERE rowid > :after ->> 0 ORDER BY rowid;

-- name: counters
SELECT
    site, workflow, period, start, version, step, name, branch,
    site, workflow, period, start, version, step, name, branch, count
FROM counters
WHERE partition = 0 AND (site, workflow, period, start, version, step, name, branch)
    > (:after ->> 0, :after ->> 1, :after ->> 2, :after ->> 3, :after ->> 4, :after ->> 5, :after ->> 6, :after ->> 7)
ORDER BY site, workflow, period, start, version, step, name, branch;
