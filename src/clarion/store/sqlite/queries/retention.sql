-- What is kept for a while only, a step at a time, and what is written before it goes.

-- name: forget_explanations
-- Numbers of rows grow with time, so the oldest are the first of the table; only nearly, so not all of those may go.
DELETE FROM explanations
WHERE at < :before AND sequence IN (SELECT sequence FROM explanations ORDER BY sequence LIMIT :limit);

-- name: forget_events
DELETE FROM log
WHERE partition = 0 AND log_time < :before AND sequence IN (SELECT sequence FROM log WHERE partition = 0 ORDER BY sequence LIMIT :limit);

-- name: forget_deliveries
-- One that has not ended has no time of it.
DELETE FROM deliveries
WHERE sequence IN (SELECT sequence FROM deliveries WHERE partition = 0 AND finished < :before ORDER BY finished LIMIT :limit);

-- name: forget_runs
DELETE FROM runs
WHERE rowid IN (
    SELECT rowid FROM runs
    WHERE partition = 0 AND ended IS NOT NULL AND max(ended, coalesce(goal_until, 0)) < :before
    ORDER BY max(ended, coalesce(goal_until, 0)) LIMIT :limit
);

-- name: log_next
SELECT sequence, log_time FROM log WHERE partition = :partition AND sequence > :after ORDER BY sequence LIMIT 1;

-- name: log_last
SELECT coalesce(max(sequence), 0) FROM log WHERE partition = :partition;

-- name: log_page
-- Times grow with sequences: where those read are later than :before, so are all behind them. The first, and as many as have :bytes together.
-- Spelled out rather than built by json_object, which would parse every body again: a body is known to be JSON.
SELECT CAST('[' || coalesce(group_concat(
    '{"sequence":' || sequence || ',"log_time":' || log_time || ',"kind":' || json_quote(kind) || ',"site":' || site || ',"id":'
    || json_quote(id) || ',"body":' || body || ',"received":' || received || ',"profile":' || json_quote(profile) || ',"partition":'
    || partition || '}'
), '') || ']' AS BLOB)
FROM (
    SELECT *, sum(octet_length(body)) OVER (ORDER BY sequence) AS size
    FROM (SELECT * FROM log WHERE partition = :partition AND sequence > :after ORDER BY sequence LIMIT :limit)
    WHERE log_time < :before
)
WHERE size = octet_length(body) OR size <= :bytes;

-- Snapshots: the place they are of, then each section as JSON, a row at a time.

-- name: place
SELECT sequence, log_time, resumed FROM partitions WHERE partition = :partition;

-- name: sites
SELECT CAST(json_object('site', site, 'timezone', timezone, 'frequency_cap', json(frequency_cap)) AS BLOB)
FROM site_states WHERE partition = :partition;

-- name: workflows
SELECT CAST(json_object(
    'site', site, 'workflow', workflow, 'version', version, 'status', status, 'stale_before', stale_before, 'directives', json(directives),
    'heard', json(heard)
) AS BLOB)
FROM workflow_states WHERE partition = :partition;

-- name: segments
SELECT CAST(json_object('site', site, 'segment', segment, 'condition', json(condition), 'defined', defined) AS BLOB)
FROM segment_states WHERE partition = :partition;

-- name: sweeps
SELECT CAST(json_object(
    'site', site, 'id', id, 'at', at, 'entry', entry, 'body', json(body), 'cursor', cursor, 'done', done
) AS BLOB)
FROM sweeps WHERE partition = :partition;

-- name: profiles
SELECT CAST(json_array(site, json_object(
    'key', "key", 'attributes', json(attributes), 'segments', json(segments), 'created', created, 'pushed', json(pushed), 'merged', merged,
    'recheck', recheck, 'offered', json(offered)
)) AS BLOB)
FROM profiles WHERE partition = :partition;

-- name: subscribers
SELECT CAST(json_array(site, json_object(
    'device_token_hash', device_token_hash, 'profile', profile, 'endpoint', endpoint, 'p256dh', p256dh, 'auth', auth,
    'active', json(iif(active, 'true', 'false')), 'created', created, 'last_active', last_active, 'facts', json(facts),
    'provider', provider, 'vapid', vapid, 'logouts', logouts
)) AS BLOB)
FROM subscribers WHERE partition = :partition;

-- name: memory
SELECT CAST(json_object('site', site, 'workflow', workflow, 'profile', profile, 'key', "key", 'started', started, 'run', run) AS BLOB)
FROM entry_memory WHERE partition = :partition;

-- name: runs
-- Those in flight, and those that have ended with a goal that is open.
SELECT CAST(json_object(
    'id', id, 'site', site, 'workflow', workflow, 'version', version, 'profile', profile, 'key', "key", 'status', status, 'step', step,
    'due', due, 'held', json(iif(held, 'true', 'false')), 'started', started, 'ended', ended, 'reason', reason, 'state', json(state),
    'goal_until', goal_until
) AS BLOB)
FROM (
    SELECT * FROM runs WHERE partition = :partition AND status = 'waiting'
    UNION ALL
    SELECT * FROM runs WHERE partition = :partition AND status <> 'waiting' AND goal_until IS NOT NULL AND goal_until >= :log_time
);

-- name: put_part
INSERT INTO snapshots (partition, sequence, log_time, part, body) VALUES (:partition, :sequence, :log_time, :part, :body)
ON CONFLICT (partition, sequence, log_time, part) DO UPDATE SET body = excluded.body;

-- name: put_header
-- Only where all parts are there: somebody may have taken this one for broken.
INSERT INTO snapshots (partition, sequence, log_time, part, body)
SELECT :partition, :sequence, :log_time, 0, :body
WHERE :parts = (
    SELECT count(*) FROM snapshots WHERE partition = :partition AND sequence = :sequence AND log_time = :log_time AND part > 0
);

-- name: list_snapshots
-- Each place that there are parts of, newest first, with its header; without one it is not whole. From place to place, past the parts.
WITH RECURSIVE places (sequence, log_time) AS (
    SELECT * FROM (
        SELECT sequence, log_time FROM snapshots WHERE partition = :partition ORDER BY sequence DESC, log_time DESC LIMIT 1
    )
    UNION ALL
    SELECT
        (SELECT sequence FROM snapshots AS s WHERE s.partition = :partition AND (s.sequence, s.log_time) < (p.sequence, p.log_time)
            ORDER BY s.sequence DESC, s.log_time DESC LIMIT 1),
        (SELECT log_time FROM snapshots AS s WHERE s.partition = :partition AND (s.sequence, s.log_time) < (p.sequence, p.log_time)
            ORDER BY s.sequence DESC, s.log_time DESC LIMIT 1)
    FROM places AS p WHERE p.sequence IS NOT NULL
)
SELECT p.sequence, p.log_time, s.body
FROM places AS p
LEFT JOIN snapshots AS s ON s.partition = :partition AND s.sequence = p.sequence AND s.log_time = p.log_time AND s.part = 0
WHERE p.sequence IS NOT NULL;

-- name: part
SELECT body FROM snapshots WHERE partition = :partition AND sequence = :sequence AND log_time = :log_time AND part = :part;

-- name: forget_parts
-- The header goes first: nobody finds a snapshot that is half gone.
DELETE FROM snapshots
WHERE rowid IN (
    SELECT rowid FROM snapshots WHERE partition = :partition AND sequence = :sequence AND log_time = :log_time ORDER BY part LIMIT :limit
);

-- name: upkeep
SELECT exported, alarm, since FROM upkeep;

-- name: note_upkeep
UPDATE upkeep SET exported = max(exported, :exported), alarm = :alarm, since = :since;
