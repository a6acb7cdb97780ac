-- The log from its oldest end, and snapshots of partitions. Every statement names one partition, but those of `upkeep`, a table of one row.

-- name: log_place
SELECT coalesce((SELECT sequence FROM log WHERE partition = $1 AND log_time < $2 ORDER BY sequence DESC LIMIT 1), 0);

-- name: log_page
-- The first, and as many as have $5 bytes together.
SELECT sequence, log_time, kind, site, id, body, received, profile, partition
FROM (
    SELECT page.*, sum(octet_length(page.body)) OVER (ORDER BY page.sequence) AS size
    FROM (SELECT * FROM log WHERE partition = $1 AND sequence > $2 AND log_time < $3 ORDER BY sequence LIMIT $4) AS page
) AS sized
WHERE size = octet_length(body) OR size <= $5
ORDER BY sequence;

-- name: at_one_moment
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- name: patiently
-- While a part is written through another connection, this one has nothing to do.
SET LOCAL idle_in_transaction_session_timeout = '60s';

-- name: place
SELECT sequence, log_time, resumed FROM partitions WHERE partition = $1;

-- name: sites
SELECT json_build_object('site', site, 'timezone', timezone, 'frequency_cap', frequency_cap::json)::text
FROM site_states WHERE partition = $1;

-- name: workflows
SELECT json_build_object(
    'site', site, 'workflow', workflow, 'version', version, 'status', status, 'stale_before', stale_before, 'directives', directives::json,
    'heard', heard::json
)::text
FROM workflow_states WHERE partition = $1;

-- name: segments
SELECT json_build_object('site', site, 'segment', segment, 'condition', condition::json, 'defined', defined)::text
FROM segment_states WHERE partition = $1;

-- name: sweeps
SELECT json_build_object(
    'site', site, 'id', id, 'at', at, 'entry', entry, 'body', body::json, 'cursor', cursor, 'done', done
)::text
FROM sweeps WHERE partition = $1;

-- name: profiles
SELECT json_build_array(site, json_build_object(
    'key', key, 'attributes', attributes::json, 'segments', segments::json, 'created', created, 'pushed', pushed::json, 'merged', merged,
    'recheck', recheck, 'offered', offered::json
))::text
FROM profiles WHERE partition = $1;

-- name: subscribers
SELECT json_build_array(site, json_build_object(
    'device_token_hash', device_token_hash, 'profile', profile, 'endpoint', endpoint, 'p256dh', p256dh, 'auth', auth, 'active', active,
    'created', created, 'last_active', last_active, 'facts', facts::json, 'provider', provider, 'vapid', vapid, 'logouts', logouts
))::text
FROM subscribers WHERE partition = $1;

-- name: memory
SELECT json_build_object('site', site, 'workflow', workflow, 'profile', profile, 'key', key, 'started', started, 'run', run)::text
FROM entry_memory WHERE partition = $1;

-- name: runs
-- Those in flight, and those that have ended with a goal that is open.
SELECT json_build_object(
    'id', id, 'site', site, 'workflow', workflow, 'version', version, 'profile', profile, 'key', key, 'status', status, 'step', step,
    'due', due, 'held', held, 'started', started, 'ended', ended, 'reason', reason, 'state', state::json, 'goal_until', goal_until
)::text
FROM (
    SELECT * FROM runs WHERE partition = $1 AND status = 'waiting'
    UNION ALL
    SELECT * FROM runs
    WHERE partition = $1 AND status <> 'waiting' AND goal_until >= (SELECT log_time FROM partitions WHERE partition = $1)
) AS open;

-- name: put_part
INSERT INTO snapshots (partition, sequence, log_time, part, body) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (partition, sequence, log_time, part) DO UPDATE SET body = excluded.body;

-- name: put_header
-- Only where all parts are there: somebody may have taken this one for broken.
INSERT INTO snapshots (partition, sequence, log_time, part, body)
SELECT $1, $2, $3, 0, $4
WHERE $5 = (SELECT count(*) FROM snapshots WHERE partition = $1 AND sequence = $2 AND log_time = $3 AND part > 0)
RETURNING part;

-- name: list_snapshots
-- Each place that there are parts of, newest first, with its header; without one it is not whole. From place to place, past the parts.
WITH RECURSIVE places (sequence, log_time) AS (
    (SELECT sequence, log_time FROM snapshots WHERE partition = $1 ORDER BY sequence DESC, log_time DESC LIMIT 1)
    UNION ALL
    SELECT earlier.sequence, earlier.log_time
    FROM places AS p
    CROSS JOIN LATERAL (
        SELECT s.sequence, s.log_time FROM snapshots AS s
        WHERE s.partition = $1 AND (s.sequence, s.log_time) < (p.sequence, p.log_time)
        ORDER BY s.sequence DESC, s.log_time DESC LIMIT 1
    ) AS earlier
)
SELECT p.sequence, p.log_time, s.body
FROM places AS p
LEFT JOIN snapshots AS s ON s.partition = $1 AND s.sequence = p.sequence AND s.log_time = p.log_time AND s.part = 0
ORDER BY p.sequence DESC, p.log_time DESC;

-- name: part
SELECT body FROM snapshots WHERE partition = $1 AND sequence = $2 AND log_time = $3 AND part = $4;

-- name: forget_parts
-- The header goes first: nobody finds a snapshot that is half gone.
DELETE FROM snapshots
WHERE partition = $1 AND sequence = $2 AND log_time = $3 AND part IN (
    SELECT part FROM snapshots WHERE partition = $1 AND sequence = $2 AND log_time = $3 ORDER BY part LIMIT $4
)
RETURNING part;

-- name: upkeep
SELECT exported, alarm, since FROM upkeep;

-- name: note_upkeep
UPDATE upkeep SET exported = greatest(exported, $1), alarm = $2, since = $3;
