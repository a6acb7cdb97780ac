-- What a partition's owner reads and writes. Each read gives one JSON document, each write takes one: one step outside Python's lock.
-- Documents are joined with `||`: what a subquery gives has lost the mark that it is JSON, and would be taken for a string.

-- name: own
UPDATE partitions SET epoch = epoch + 1 WHERE partition = :partition
RETURNING partition, epoch, sequence, log_time, resumed;

-- name: workflow_states
SELECT CAST(json_group_array(json_object(
    'site', site, 'workflow', workflow, 'version', version, 'status', status, 'stale_before', stale_before,
    'directives', json(directives), 'heard', json(heard)
)) AS BLOB)
FROM (SELECT * FROM workflow_states WHERE partition = :partition ORDER BY site, workflow);

-- name: site_states
SELECT CAST(json_group_array(json_object('site', site, 'timezone', timezone, 'frequency_cap', json(frequency_cap))) AS BLOB)
FROM (SELECT * FROM site_states WHERE partition = :partition ORDER BY site);

-- name: segment_states
SELECT CAST(json_group_array(json_object('site', site, 'segment', segment, 'condition', json(condition), 'defined', defined)) AS BLOB)
FROM (SELECT * FROM segment_states WHERE partition = :partition ORDER BY site, segment);

-- name: sweeps
SELECT CAST(json_group_array(json_object(
    'site', site, 'id', id, 'at', at, 'entry', entry, 'body', json(body), 'cursor', cursor, 'done', done
)) AS BLOB)
FROM (SELECT * FROM sweeps WHERE partition = :partition ORDER BY at, site, id);

-- name: profiles_page
-- Also those that have become part of another: it reads no more rows than it gives.
SELECT CAST(json_group_array(json_object(
    'key', "key", 'attributes', json(attributes), 'segments', json(segments), 'created', created, 'pushed', json(pushed), 'merged', merged,
    'recheck', recheck, 'offered', json(offered)
)) AS BLOB)
FROM (SELECT * FROM profiles WHERE partition = :partition AND site = :site AND "key" > :after ORDER BY "key" LIMIT :limit);

-- name: take
-- Entries are spelled out rather than built by json_object, which would parse every body again: a body is known to be JSON.
SELECT CAST('[' || coalesce(group_concat(
    '{"position":' || position || ',"kind":' || json_quote(kind) || ',"site":' || site || ',"id":' || json_quote(id) || ',"body":' || body
    || ',"received":' || received || '}'
), '') || ']' AS BLOB)
FROM (SELECT * FROM inbox WHERE partition = :partition ORDER BY position LIMIT :limit);

-- name: bytes
-- How many that would be, and their bytes; how long a body is is known without reading it.
SELECT count(*), coalesce(sum(octet_length(body)), 0)
FROM (SELECT body FROM inbox WHERE partition = :partition ORDER BY position LIMIT :limit);

-- name: fitting
-- How many of them have :bytes together.
SELECT count(*)
FROM (
    SELECT sum(octet_length(body)) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) AS size
    FROM (SELECT position, body FROM inbox WHERE partition = :partition ORDER BY position LIMIT :limit)
)
WHERE size <= :bytes;

-- name: next_due
-- When the first is due behind :ripe others, of runs and of profiles.
SELECT due
FROM (
    SELECT due FROM (
        SELECT due FROM runs WHERE partition = :partition AND status = 'waiting' AND held = 0 AND due IS NOT NULL
        ORDER BY due, id LIMIT :ripe + 1
    )
    UNION ALL
    SELECT due FROM (
        SELECT recheck AS due FROM profiles WHERE partition = :partition AND recheck IS NOT NULL
        ORDER BY recheck, site, "key" LIMIT :ripe + 1
    )
)
ORDER BY due LIMIT 1 OFFSET :ripe;

-- name: ripe
SELECT CAST(json_group_array(json_array(id, due, site, profile)) AS BLOB)
FROM (
    SELECT id, due, site, profile FROM (
        SELECT id, due, site, profile FROM runs
        WHERE partition = :partition AND status = 'waiting' AND held = 0 AND due IS NOT NULL AND due <= :horizon
        ORDER BY due, id LIMIT :timers
    )
    UNION ALL
    SELECT id, due, site, profile FROM (
        SELECT '' AS id, recheck AS due, site, "key" AS profile FROM profiles
        WHERE partition = :partition AND recheck IS NOT NULL AND recheck <= :horizon
        ORDER BY recheck, site, "key" LIMIT :timers
    )
    ORDER BY due, id, site, profile LIMIT :timers
);

-- name: named
-- The subscribers in :named, [{"site", "value"}, …]. CROSS JOIN, here and below: look up what was asked for, never scan a table for it.
SELECT CAST(json_group_array(json_array(s.site, json_object(
        'device_token_hash', s.device_token_hash, 'profile', s.profile, 'endpoint', s.endpoint, 'p256dh', s.p256dh, 'auth', s.auth,
        'active', json(iif(s.active, 'true', 'false')), 'created', s.created, 'last_active', s.last_active, 'facts', json(s.facts),
        'provider', s.provider, 'vapid', s.vapid, 'logouts', s.logouts
    ))) AS BLOB)
FROM jsonb_each(:named) AS n
CROSS JOIN subscribers AS s
WHERE s.partition = :partition AND s.site = n.value ->> 'site' AND s.device_token_hash = n.value ->> 'value';

-- name: owners
-- Whom the runs in :runs, [id, …], belong to.
SELECT CAST(json_group_array(json_array(r.site, r.profile)) AS BLOB)
FROM jsonb_each(:runs) AS a
CROSS JOIN runs AS r
WHERE r.partition = :partition AND r.id = a.value;

-- name: facts
-- What belongs to :profiles, [[site, key], …] without repeats; the failed runs of :joining, likewise; and the runs in :runs, [id, …].
-- Goals that ended before the last log entry cannot be met any more; of the others those of the longest windows are looked at.
-- A subscriber may come twice: as one of the profile's, and as the one that the entry event of a run named. A run may, when it was asked for or has failed.
WITH
concerned (site, profile) AS MATERIALIZED (SELECT value ->> 0, value ->> 1 FROM jsonb_each(:profiles)),
picked (run) AS MATERIALIZED (
    SELECT r.rowid FROM concerned AS c
    CROSS JOIN runs AS r
    WHERE r.partition = :partition AND r.site = c.site AND r.profile = c.profile AND r.status = 'waiting'
    UNION ALL
    SELECT open.value
    FROM concerned AS c
    CROSS JOIN json_each((
        SELECT json_group_array(rowid)
        FROM (
            SELECT rowid FROM runs
            WHERE partition = :partition AND site = c.site AND profile = c.profile AND status <> 'waiting'
                AND goal_until >= (SELECT log_time FROM partitions WHERE partition = :partition)
            ORDER BY goal_until DESC, rowid DESC LIMIT :goals
        )
    )) AS open
    UNION ALL
    SELECT failed.value
    FROM jsonb_each(:joining) AS j
    CROSS JOIN json_each((
        SELECT json_group_array(rowid)
        FROM (
            SELECT rowid FROM runs
            WHERE partition = :partition AND site = j.value ->> 0 AND profile = j.value ->> 1 AND status = 'failed'
            ORDER BY started DESC, rowid DESC LIMIT :failed
        )
    )) AS failed
    UNION ALL
    SELECT r.rowid FROM jsonb_each(:runs) AS a
    CROSS JOIN runs AS r
    WHERE r.partition = :partition AND r.id = a.value
)
SELECT CAST(
    '{"subscribers":' || (
        SELECT json_group_array(json_array(s.site, json_object(
            'device_token_hash', s.device_token_hash, 'profile', s.profile, 'endpoint', s.endpoint, 'p256dh', s.p256dh, 'auth', s.auth,
            'active', json(iif(s.active, 'true', 'false')), 'created', s.created, 'last_active', s.last_active, 'facts', json(s.facts),
            'provider', s.provider, 'vapid', s.vapid, 'logouts', s.logouts
        )))
        FROM concerned AS c
        CROSS JOIN subscribers AS s
        WHERE s.partition = :partition AND s.site = c.site AND s.profile = c.profile AND s.active = 1
    ) || ',"entered":' || (
        SELECT json_group_array(json_array(s.site, json_object(
            'device_token_hash', s.device_token_hash, 'profile', s.profile, 'endpoint', s.endpoint, 'p256dh', s.p256dh, 'auth', s.auth,
            'active', json(iif(s.active, 'true', 'false')), 'created', s.created, 'last_active', s.last_active, 'facts', json(s.facts),
            'provider', s.provider, 'vapid', s.vapid, 'logouts', s.logouts
        )))
        FROM picked AS i
        CROSS JOIN runs AS r
        CROSS JOIN subscribers AS s
        WHERE r.rowid = i.run
            AND s.partition = :partition AND s.site = r.site AND s.device_token_hash = r.state ->> '$.entry.device_token_hash'
            AND s.active = 0
    ) || ',"profiles":' || (
        SELECT json_group_array(json_array(p.site, json_object(
            'key', p."key", 'attributes', json(p.attributes), 'segments', json(p.segments), 'created', p.created, 'pushed', json(p.pushed),
            'merged', p.merged, 'recheck', p.recheck, 'offered', json(p.offered)
        )))
        FROM concerned AS c
        CROSS JOIN profiles AS p
        WHERE p.partition = :partition AND p.site = c.site AND p."key" = c.profile
    ) || ',"runs":' || (
        SELECT json_group_array(json_object(
            'id', r.id, 'site', r.site, 'workflow', r.workflow, 'version', r.version, 'profile', r.profile, 'key', r."key", 'status', r.status,
            'step', r.step, 'due', r.due, 'held', json(iif(r.held, 'true', 'false')), 'started', r.started, 'ended', r.ended, 'reason', r.reason,
            'state', json(r.state), 'goal_until', r.goal_until
        ))
        FROM picked AS i
        CROSS JOIN runs AS r
        WHERE r.rowid = i.run
    ) || '}'
AS BLOB);

-- name: memory
-- :memory is [[site, profile, workflow, key], …].
SELECT CAST(json_group_array(json_object(
    'site', m.site, 'workflow', m.workflow, 'profile', m.profile, 'key', m."key", 'started', m.started, 'run', m.run
)) AS BLOB)
FROM jsonb_each(:memory) AS q
CROSS JOIN entry_memory AS m
WHERE m.partition = :partition AND m.site = q.value ->> 0 AND m.profile = q.value ->> 1 AND m.workflow = q.value ->> 2
    AND m."key" = q.value ->> 3;

-- name: joining
-- All memory of :joining, [[site, profile], …].
SELECT CAST(json_group_array(json_object(
    'site', m.site, 'workflow', m.workflow, 'profile', m.profile, 'key', m."key", 'started', m.started, 'run', m.run
)) AS BLOB)
FROM jsonb_each(:joining) AS j
CROSS JOIN entry_memory AS m
WHERE m.partition = :partition AND m.site = j.value ->> 0 AND m.profile = j.value ->> 1;

-- name: held_workflows
SELECT w.site, w.workflow
FROM workflow_states AS w
WHERE w.partition = :partition AND EXISTS (
    SELECT 1 FROM runs AS r WHERE r.partition = :partition AND r.site = w.site AND r.workflow = w.workflow AND r.held = 1
)
ORDER BY w.site, w.workflow;

-- name: held_runs
SELECT CAST(json_group_array(json_object(
    'id', id, 'site', site, 'workflow', workflow, 'version', version, 'profile', profile, 'key', "key", 'status', status, 'step', step,
    'due', due, 'held', json(iif(held, 'true', 'false')), 'started', started, 'ended', ended, 'reason', reason, 'state', json(state),
    'goal_until', goal_until
)) AS BLOB)
FROM (
    SELECT * FROM runs WHERE partition = :partition AND site = :site AND workflow = :workflow AND held = 1 ORDER BY id LIMIT :limit
);

-- name: runs_behind
SELECT CAST(json_group_array(json_object(
    'id', id, 'site', site, 'workflow', workflow, 'version', version, 'profile', profile, 'key', "key", 'status', status, 'step', step,
    'due', due, 'held', json(iif(held, 'true', 'false')), 'started', started, 'ended', ended, 'reason', reason, 'state', json(state),
    'goal_until', goal_until
)) AS BLOB)
FROM (
    SELECT * FROM runs
    WHERE partition = :partition AND site = :site AND workflow = :workflow AND status = 'waiting' AND version < :version
    ORDER BY version, rowid LIMIT :limit
);

-- name: advance
-- The log goes on where its owner takes it to end.
UPDATE partitions SET sequence = :sequence, log_time = :log_time, resumed = :resumed
WHERE partition = :partition AND epoch = :epoch AND sequence = :before;

-- name: log_moved
-- :moved is [[position, profile], …]; the first gets :sequence, the others follow.
INSERT INTO log (partition, sequence, log_time, kind, site, id, body, received, profile)
SELECT i.partition, :sequence + m."key", :log_time, i.kind, i.site, i.id, i.body, i.received, m.value ->> 1
FROM jsonb_each(:moved) AS m
CROSS JOIN inbox AS i
WHERE i.position = m.value ->> 0 AND i.partition = :partition;

-- name: delete_moved
DELETE FROM inbox WHERE position BETWEEN :first AND :last AND partition = :partition;

-- name: erase_outbox
-- In the next statements :rows is [[site, key of a profile], …].
DELETE FROM outbox
WHERE sequence IN (
    SELECT d.sequence
    FROM jsonb_each(:rows) AS e
    CROSS JOIN deliveries AS d
    WHERE d.partition = :partition AND d.site = e.value ->> 0 AND d.profile = e.value ->> 1
);

-- name: erase_deliveries
DELETE FROM deliveries
WHERE sequence IN (
    SELECT d.sequence
    FROM jsonb_each(:rows) AS e
    CROSS JOIN deliveries AS d
    WHERE d.partition = :partition AND d.site = e.value ->> 0 AND d.profile = e.value ->> 1
);

-- name: erase_runs
DELETE FROM runs
WHERE rowid IN (
    SELECT r.rowid
    FROM jsonb_each(:rows) AS e
    CROSS JOIN runs AS r
    WHERE r.partition = :partition AND r.site = e.value ->> 0 AND r.profile = e.value ->> 1
);

-- name: erase_memory
DELETE FROM entry_memory
WHERE partition = :partition AND (site, profile) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(:rows));

-- name: erase_subscribers
DELETE FROM subscribers
WHERE partition = :partition AND (site, profile) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(:rows));

-- name: erase_profiles
DELETE FROM profiles
WHERE partition = :partition AND (site, "key") IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(:rows));

-- name: log_own
-- :rows is [[sequence, log_time, kind, site, id, body, received], …].
INSERT INTO log (partition, sequence, log_time, kind, site, id, body, received, profile)
SELECT :partition, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, ''
FROM jsonb_each(:rows);

-- name: put_profiles
-- :rows is [[site, profile], …]; fields that have their default are left out.
INSERT INTO profiles (partition, site, "key", attributes, segments, created, pushed, merged, recheck, offered)
SELECT
    :partition, value ->> 0, value ->> '$[1].key', coalesce(value -> '$[1].attributes', '{}'), coalesce(value -> '$[1].segments', '[]'),
    coalesce(value ->> '$[1].created', 0), coalesce(value -> '$[1].pushed', '{}'),
    value ->> '$[1].merged', value ->> '$[1].recheck', coalesce(value -> '$[1].offered', '[]')
FROM jsonb_each(:rows)
WHERE true
ON CONFLICT (partition, site, "key") DO UPDATE
SET attributes = excluded.attributes, segments = excluded.segments, created = excluded.created, pushed = excluded.pushed,
    merged = excluded.merged, recheck = excluded.recheck, offered = excluded.offered;

-- name: put_subscribers
-- :rows is [[site, subscriber], …]; fields that have their default are left out.
INSERT INTO subscribers (
    partition, site, device_token_hash, profile, endpoint, p256dh, auth, active, created, last_active, facts, provider, vapid, logouts
)
SELECT
    :partition, value ->> 0, value ->> '$[1].device_token_hash', value ->> '$[1].profile', value ->> '$[1].endpoint', value ->> '$[1].p256dh',
    value ->> '$[1].auth', coalesce(value ->> '$[1].active', 1), coalesce(value ->> '$[1].created', 0),
    coalesce(value ->> '$[1].last_active', 0), coalesce(value -> '$[1].facts', '{}'), coalesce(value ->> '$[1].provider', 'webpush'),
    coalesce(value ->> '$[1].vapid', 0), coalesce(value ->> '$[1].logouts', 0)
FROM jsonb_each(:rows)
WHERE true
ON CONFLICT (partition, site, device_token_hash) DO UPDATE
SET profile = excluded.profile, endpoint = excluded.endpoint, p256dh = excluded.p256dh, auth = excluded.auth, active = excluded.active,
    created = excluded.created, last_active = excluded.last_active, facts = excluded.facts, provider = excluded.provider,
    vapid = excluded.vapid, logouts = excluded.logouts;

-- name: put_runs
-- When a run started stays as it is.
INSERT INTO runs (
    partition, id, site, workflow, version, profile, "key", status, step, due, held, started, ended, reason, state, goal_until
)
SELECT
    :partition, value ->> 'id', value ->> 'site', value ->> 'workflow', value ->> 'version', value ->> 'profile', value ->> 'key',
    value ->> 'status', value ->> 'step', value ->> 'due', value ->> 'held', value ->> 'started', value ->> 'ended', value ->> 'reason',
    value -> 'state', value ->> 'goal_until'
FROM jsonb_each(:rows)
WHERE true
ON CONFLICT (partition, id) DO UPDATE
SET version = excluded.version, profile = excluded.profile, "key" = excluded."key", status = excluded.status, step = excluded.step,
    due = excluded.due, held = excluded.held, ended = excluded.ended, reason = excluded.reason,
    state = excluded.state, goal_until = excluded.goal_until;

-- name: delete_runs
-- :rows is [id, …].
DELETE FROM runs WHERE partition = :partition AND id IN (SELECT value FROM jsonb_each(:rows));

-- name: delete_subscribers
-- :rows is [[site, device_token_hash], …].
DELETE FROM subscribers
WHERE partition = :partition AND (site, device_token_hash) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(:rows));

-- name: put_memory
INSERT INTO entry_memory (partition, site, profile, workflow, "key", started, run)
SELECT
    :partition, value ->> 'site', value ->> 'profile', value ->> 'workflow', value ->> 'key', value ->> 'started', value ->> 'run'
FROM jsonb_each(:rows)
WHERE true
ON CONFLICT (partition, site, profile, workflow, "key") DO UPDATE SET started = excluded.started, run = excluded.run;

-- name: put_workflow_states
INSERT INTO workflow_states (partition, site, workflow, version, status, stale_before, directives, heard)
SELECT
    :partition, value ->> 'site', value ->> 'workflow', value ->> 'version', value ->> 'status', value ->> 'stale_before',
    value -> 'directives', value -> 'heard'
FROM jsonb_each(:rows)
WHERE true
ON CONFLICT (partition, site, workflow) DO UPDATE
SET version = excluded.version, status = excluded.status, stale_before = excluded.stale_before, directives = excluded.directives,
    heard = excluded.heard;

-- name: put_site_states
INSERT INTO site_states (partition, site, timezone, frequency_cap)
SELECT :partition, value ->> 'site', value ->> 'timezone', nullif(value -> 'frequency_cap', 'null')
FROM jsonb_each(:rows)
WHERE true
ON CONFLICT (partition, site) DO UPDATE SET timezone = excluded.timezone, frequency_cap = excluded.frequency_cap;

-- name: delete_segment_states
-- :rows is [[site, segment], …].
DELETE FROM segment_states
WHERE partition = :partition AND (site, segment) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(:rows));

-- name: put_segment_states
INSERT INTO segment_states (partition, site, segment, condition, defined)
SELECT :partition, value ->> 'site', value ->> 'segment', value -> 'condition', value ->> 'defined'
FROM jsonb_each(:rows)
WHERE true
ON CONFLICT (partition, site, segment) DO UPDATE SET condition = excluded.condition, defined = excluded.defined;

-- name: delete_sweeps
-- :rows is [[site, id], …].
DELETE FROM sweeps
WHERE partition = :partition AND (site, id) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(:rows));

-- name: put_sweeps
-- Fields that have their default are left out.
INSERT INTO sweeps (partition, site, id, at, entry, body, cursor, done)
SELECT
    :partition, value ->> 'site', value ->> 'id', value ->> 'at', value ->> 'entry', value -> 'body', coalesce(value ->> 'cursor', ''),
    coalesce(value ->> 'done', 0)
FROM jsonb_each(:rows)
WHERE true
ON CONFLICT (partition, site, id) DO UPDATE
SET at = excluded.at, entry = excluded.entry, body = excluded.body, cursor = excluded.cursor, done = excluded.done;

-- name: insert_explanations
INSERT INTO explanations (partition, site, profile, event, at, body)
SELECT :partition, value ->> 'site', value ->> 'profile', value ->> 'event', value ->> 'at', value -> 'body'
FROM jsonb_each(:rows);

-- name: add_counts
-- Each grows its row of the hour and its row of the day. CAST: what is beyond the largest number stays there.
INSERT INTO counters (partition, site, workflow, period, start, version, step, name, branch, count)
SELECT
    :partition, value ->> 'site', value ->> 'workflow', p.period, value ->> 'hour' - value ->> 'hour' % p.length, value ->> 'version',
    value ->> 'step', value ->> 'name', value ->> 'branch', value ->> 'count'
FROM jsonb_each(:rows)
CROSS JOIN (SELECT 'hour' AS period, 3600000000 AS length UNION ALL SELECT 'day', 86400000000) AS p
WHERE true
ON CONFLICT (partition, site, workflow, period, start, version, step, name, branch) DO UPDATE
SET count = CAST(count + excluded.count AS INTEGER);

-- name: put_poisoned
INSERT INTO poisoned (partition, id, site, kind, body, at, error)
SELECT :partition, value ->> 'id', value ->> 'site', value ->> 'kind', value -> 'body', value ->> 'at', value ->> 'error'
FROM jsonb_each(:rows)
WHERE true
ON CONFLICT (partition, id) DO UPDATE SET body = excluded.body, at = excluded.at, error = excluded.error;
