-- What a partition's owner reads and writes. Each read gives one JSON document, each write takes one: one step outside Python's lock.
-- Documents are joined with `||`: what a subquery gives has lost the mark that it is JSON, and would be taken for a string.

-- name: own
UPDATE partitions SET epoch = epoch + 1 WHERE partition = :partition
RETURNING partition, epoch, sequence, log_time, resumed;

-- name: workflow_states
SELECT CAST(json_group_array(json_object('site', site, 'workflow', workflow, 'version', version, 'status', status)) AS BLOB)
FROM (SELECT * FROM workflow_states WHERE partition = :partition ORDER BY site, workflow);

-- name: take
-- Entries are spelled out rather than built by json_object, which would parse every body again: a body is known to be JSON.
WITH
ripe AS MATERIALIZED (
    SELECT * FROM runs
    WHERE partition = :partition AND status = 'waiting' AND held = 0 AND due IS NOT NULL AND due <= :horizon
    ORDER BY due, id LIMIT :timers
)
SELECT CAST(
    '{"entries":[' || (
        SELECT coalesce(group_concat(
            '{"position":' || position || ',"kind":' || json_quote(kind) || ',"site":' || site || ',"id":' || json_quote(id) || ',"body":' || body
            || ',"received":' || received || '}'
        ), '')
        FROM (SELECT * FROM inbox WHERE partition = :partition ORDER BY position LIMIT :limit)
    ) || '],"due":' || (
        SELECT json_group_array(json_object(
            'id', id, 'site', site, 'workflow', workflow, 'version', version, 'profile', profile, 'key', "key", 'status', status, 'step', step,
            'due', due, 'held', json(iif(held, 'true', 'false')), 'started', started, 'ended', ended, 'reason', reason, 'state', json(state)
        ))
        FROM ripe
    ) || ',"next_due":' || coalesce((
        SELECT due FROM runs
        WHERE partition = :partition AND status = 'waiting' AND held = 0 AND due IS NOT NULL
        ORDER BY due, id LIMIT 1 OFFSET (SELECT count(*) FROM ripe)
    ), 'null') || '}'
AS BLOB);

-- name: facts
-- :named and :profiles are [{"site", "value"}, …]; :runs is [id, …]. CROSS JOIN: look up what was asked for, never scan a table for it.
WITH
concerned (site, profile) AS MATERIALIZED (
    SELECT value ->> 'site', value ->> 'value' FROM jsonb_each(:profiles)
    UNION
    SELECT s.site, s.profile
    FROM jsonb_each(:named) AS n
    CROSS JOIN subscribers AS s
    WHERE s.partition = :partition AND s.site = n.value ->> 'site' AND s.device_token_hash = n.value ->> 'value'
),
receivers (site, device_token_hash) AS MATERIALIZED (
    SELECT value ->> 'site', value ->> 'value' FROM jsonb_each(:named)
    UNION
    SELECT s.site, s.device_token_hash
    FROM concerned AS c
    CROSS JOIN subscribers AS s
    WHERE s.partition = :partition AND s.site = c.site AND s.profile = c.profile AND s.active = 1
),
going (id) AS MATERIALIZED (
    SELECT value FROM jsonb_each(:runs)
    UNION
    SELECT r.id
    FROM concerned AS c
    CROSS JOIN runs AS r
    WHERE r.partition = :partition AND r.site = c.site AND r.profile = c.profile AND r.status = 'waiting'
)
SELECT CAST(
    '{"subscribers":' || (
        SELECT json_group_array(json_array(s.site, json_object(
            'device_token_hash', s.device_token_hash, 'profile', s.profile, 'endpoint', s.endpoint, 'p256dh', s.p256dh, 'auth', s.auth,
            'active', json(iif(s.active, 'true', 'false')), 'created', s.created, 'last_active', s.last_active, 'facts', json(s.facts)
        )))
        FROM receivers AS r
        CROSS JOIN subscribers AS s
        WHERE s.partition = :partition AND s.site = r.site AND s.device_token_hash = r.device_token_hash
    ) || ',"profiles":' || (
        SELECT json_group_array(json_array(p.site, json_object(
            'key', p."key", 'attributes', json(p.attributes), 'segments', json(p.segments), 'created', p.created
        )))
        FROM concerned AS c
        CROSS JOIN profiles AS p
        WHERE p.partition = :partition AND p.site = c.site AND p."key" = c.profile
    ) || ',"runs":' || (
        SELECT json_group_array(json_object(
            'id', r.id, 'site', r.site, 'workflow', r.workflow, 'version', r.version, 'profile', r.profile, 'key', r."key", 'status', r.status,
            'step', r.step, 'due', r.due, 'held', json(iif(r.held, 'true', 'false')), 'started', r.started, 'ended', r.ended, 'reason', r.reason,
            'state', json(r.state)
        ))
        FROM going AS g
        CROSS JOIN runs AS r
        WHERE r.partition = :partition AND r.id = g.id
    ) || ',"memory":' || (
        SELECT json_group_array(json_object(
            'site', m.site, 'workflow', m.workflow, 'profile', m.profile, 'key', m."key", 'started', m.started, 'run', m.run
        ))
        FROM concerned AS c
        CROSS JOIN entry_memory AS m
        WHERE m.partition = :partition AND m.site = c.site AND m.profile = c.profile
    ) || '}'
AS BLOB);

-- name: held_runs
SELECT CAST(json_group_array(json_object(
    'id', id, 'site', site, 'workflow', workflow, 'version', version, 'profile', profile, 'key', "key", 'status', status, 'step', step,
    'due', due, 'held', json(iif(held, 'true', 'false')), 'started', started, 'ended', ended, 'reason', reason, 'state', json(state)
)) AS BLOB)
FROM (
    SELECT * FROM runs WHERE partition = :partition AND site = :site AND workflow = :workflow AND held = 1 ORDER BY id LIMIT :limit
);

-- name: advance
UPDATE partitions SET sequence = :sequence, log_time = :log_time, resumed = :resumed
WHERE partition = :partition AND epoch = :epoch;

-- name: log_moved
INSERT INTO log (partition, sequence, log_time, kind, site, id, body, received, profile)
SELECT i.partition, m.value ->> 'sequence', m.value ->> 'log_time', i.kind, i.site, i.id, i.body, i.received, m.value ->> 'profile'
FROM jsonb_each(:moved) AS m
CROSS JOIN inbox AS i
WHERE i.position = m.value ->> 'position' AND i.partition = :partition;

-- name: delete_moved
DELETE FROM inbox WHERE position IN (SELECT value ->> 'position' FROM jsonb_each(:moved));

-- name: log_own
-- :rows is [[sequence, log_time, kind, site, id, body, received], …].
INSERT INTO log (partition, sequence, log_time, kind, site, id, body, received, profile)
SELECT :partition, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, ''
FROM jsonb_each(:rows);

-- name: put_profiles
-- :rows is [[site, profile], …]; fields that have their default are left out.
INSERT INTO profiles (partition, site, "key", attributes, segments, created)
SELECT
    :partition, value ->> 0, value ->> '$[1].key', coalesce(value -> '$[1].attributes', '{}'), coalesce(value -> '$[1].segments', '[]'),
    coalesce(value ->> '$[1].created', 0)
FROM jsonb_each(:rows)
WHERE true
ON CONFLICT (partition, site, "key") DO UPDATE
SET attributes = excluded.attributes, segments = excluded.segments, created = excluded.created;

-- name: put_subscribers
-- :rows is [[site, subscriber], …]; fields that have their default are left out.
INSERT INTO subscribers (partition, site, device_token_hash, profile, endpoint, p256dh, auth, active, created, last_active, facts)
SELECT
    :partition, value ->> 0, value ->> '$[1].device_token_hash', value ->> '$[1].profile', value ->> '$[1].endpoint', value ->> '$[1].p256dh',
    value ->> '$[1].auth', coalesce(value ->> '$[1].active', 1), coalesce(value ->> '$[1].created', 0),
    coalesce(value ->> '$[1].last_active', 0), coalesce(value -> '$[1].facts', '{}')
FROM jsonb_each(:rows)
WHERE true
ON CONFLICT (partition, site, device_token_hash) DO UPDATE
SET profile = excluded.profile, endpoint = excluded.endpoint, p256dh = excluded.p256dh, auth = excluded.auth, active = excluded.active,
    created = excluded.created, last_active = excluded.last_active, facts = excluded.facts;

-- name: put_runs
INSERT INTO runs (partition, id, site, workflow, version, profile, "key", status, step, due, held, started, ended, reason, state)
SELECT
    :partition, value ->> 'id', value ->> 'site', value ->> 'workflow', value ->> 'version', value ->> 'profile', value ->> 'key',
    value ->> 'status', value ->> 'step', value ->> 'due', value ->> 'held', value ->> 'started', value ->> 'ended', value ->> 'reason',
    value -> 'state'
FROM jsonb_each(:rows)
WHERE true
ON CONFLICT (partition, id) DO UPDATE
SET version = excluded.version, profile = excluded.profile, "key" = excluded."key", status = excluded.status, step = excluded.step,
    due = excluded.due, held = excluded.held, started = excluded.started, ended = excluded.ended, reason = excluded.reason,
    state = excluded.state;

-- name: put_memory
INSERT INTO entry_memory (partition, site, profile, workflow, "key", started, run)
SELECT
    :partition, value ->> 'site', value ->> 'profile', value ->> 'workflow', value ->> 'key', value ->> 'started', value ->> 'run'
FROM jsonb_each(:rows)
WHERE true
ON CONFLICT (partition, site, profile, workflow, "key") DO UPDATE SET started = excluded.started, run = excluded.run;

-- name: put_workflow_states
INSERT INTO workflow_states (partition, site, workflow, version, status)
SELECT :partition, value ->> 'site', value ->> 'workflow', value ->> 'version', value ->> 'status'
FROM jsonb_each(:rows)
WHERE true
ON CONFLICT (partition, site, workflow) DO UPDATE SET version = excluded.version, status = excluded.status;

-- name: insert_explanations
INSERT INTO explanations (partition, site, profile, event, at, body)
SELECT :partition, value ->> 'site', value ->> 'profile', value ->> 'event', value ->> 'at', value -> 'body'
FROM jsonb_each(:rows);

-- name: put_poisoned
INSERT INTO poisoned (partition, id, site, kind, body, at, error)
SELECT :partition, value ->> 'id', value ->> 'site', value ->> 'kind', value -> 'body', value ->> 'at', value ->> 'error'
FROM jsonb_each(:rows)
WHERE true
ON CONFLICT (partition, id) DO UPDATE SET body = excluded.body, at = excluded.at, error = excluded.error;
