-- What the console and the command line look at. The first of each pair picks row numbers, in order; the second shows them.

-- name: events_after
SELECT CAST(json_group_array(json_object(
    'sequence', sequence, 'log_time', log_time, 'kind', kind, 'site', site, 'id', id, 'body', json(body), 'received', received,
    'profile', profile
)) AS BLOB)
FROM (SELECT * FROM log WHERE partition = 0 AND sequence > :after AND site = :site AND kind = 'event' ORDER BY sequence LIMIT :limit);

-- name: events_newest
SELECT CAST(json_group_array(json_object(
    'sequence', sequence, 'log_time', log_time, 'kind', kind, 'site', site, 'id', id, 'body', json(body), 'received', received,
    'profile', profile
)) AS BLOB)
FROM (
    SELECT * FROM (SELECT * FROM log WHERE partition = 0 AND site = :site AND kind = 'event' ORDER BY sequence DESC LIMIT :limit)
    ORDER BY sequence
);

-- name: events_about
-- The newest of each of :profiles, [key, …], then the newest of those; the first, and then as many as have :bytes together.
SELECT CAST(json_group_array(json_object(
    'sequence', sequence, 'log_time', log_time, 'kind', kind, 'site', site, 'id', id, 'body', json(body), 'received', received,
    'profile', profile
)) AS BLOB)
FROM (
    SELECT l.*, sum(octet_length(l.body)) OVER (ORDER BY l.sequence DESC) - octet_length(l.body) AS before
    FROM jsonb_each(:profiles) AS p
    CROSS JOIN json_each((
        SELECT json_group_array(sequence)
        FROM (
            SELECT sequence FROM log
            WHERE partition = 0 AND site = :site AND profile = p.value AND kind = 'event' AND profile <> ''
            ORDER BY sequence DESC LIMIT :limit
        )
    )) AS newest
    CROSS JOIN log AS l
    WHERE l.partition = 0 AND l.sequence = newest.value
    ORDER BY l.sequence DESC LIMIT :limit
)
WHERE before = 0 OR before + octet_length(body) <= :bytes;

-- name: profile
SELECT CAST(json_object(
    'key', "key", 'attributes', json(attributes), 'segments', json(segments), 'created', created, 'pushed', json(pushed), 'merged', merged,
    'recheck', recheck, 'offered', json(offered)
) AS BLOB)
FROM profiles WHERE partition = 0 AND site = :site AND "key" = :key;

-- name: subscribers_of_profile
SELECT CAST(json_group_array(json_object(
    'device_token_hash', device_token_hash, 'profile', profile, 'endpoint', endpoint, 'p256dh', p256dh, 'auth', auth,
    'active', json(iif(active, 'true', 'false')), 'created', created, 'last_active', last_active, 'facts', json(facts),
    'provider', provider, 'vapid', vapid, 'logouts', logouts
)) AS BLOB)
FROM (
    SELECT * FROM subscribers WHERE partition = 0 AND site = :site AND profile = :key ORDER BY created DESC, device_token_hash LIMIT :limit
);

-- name: subscriber
SELECT CAST(json_object(
    'device_token_hash', device_token_hash, 'profile', profile, 'endpoint', endpoint, 'p256dh', p256dh, 'auth', auth,
    'active', json(iif(active, 'true', 'false')), 'created', created, 'last_active', last_active, 'facts', json(facts),
    'provider', provider, 'vapid', vapid, 'logouts', logouts
) AS BLOB)
FROM subscribers WHERE partition = 0 AND site = :site AND device_token_hash = :device_token_hash;

-- name: subscribers_page
SELECT CAST(json_group_array(json_object(
    'device_token_hash', device_token_hash, 'profile', profile, 'endpoint', endpoint, 'p256dh', p256dh, 'auth', auth,
    'active', json(iif(active, 'true', 'false')), 'created', created, 'last_active', last_active, 'facts', json(facts),
    'provider', provider, 'vapid', vapid, 'logouts', logouts
)) AS BLOB)
FROM (
    SELECT * FROM subscribers
    WHERE partition = :partition AND site = :site AND device_token_hash > :after
    ORDER BY device_token_hash LIMIT :limit
);

-- name: subscribers_of
-- Of :profiles, [key, …] without repeats.
SELECT CAST(json_group_array(json_object(
    'device_token_hash', device_token_hash, 'profile', profile, 'endpoint', endpoint, 'p256dh', p256dh, 'auth', auth,
    'active', json(iif(active, 'true', 'false')), 'created', created, 'last_active', last_active, 'facts', json(facts),
    'provider', provider, 'vapid', vapid, 'logouts', logouts
)) AS BLOB)
FROM (
    SELECT s.*
    FROM jsonb_each(:profiles) AS p
    CROSS JOIN subscribers AS s
    WHERE s.partition = :partition AND s.site = :site AND s.profile = p.value
    ORDER BY s.device_token_hash
);

-- name: subscriber_profile
SELECT profile FROM subscribers WHERE partition = 0 AND site = :site AND device_token_hash = :device_token_hash;

-- name: run_by_id
SELECT json_group_array(rowid) FROM runs WHERE partition = 0 AND id = :run;

-- name: runs_of_profile
SELECT json_group_array(rowid)
FROM (SELECT rowid FROM runs WHERE site = :site AND profile = :key ORDER BY started DESC, id DESC LIMIT :limit);

-- name: runs_of_site
-- The newest of each workflow and of each of :statuses, then the newest of those: no index by site alone has to be kept for it.
WITH RECURSIVE started (workflow) AS (
    SELECT min(workflow) FROM runs WHERE site = :site
    UNION ALL
    SELECT (SELECT min(workflow) FROM runs WHERE site = :site AND workflow > started.workflow) FROM started WHERE workflow IS NOT NULL
)
SELECT json_group_array(run)
FROM (
    SELECT r.rowid AS run
    FROM started
    CROSS JOIN jsonb_each(:statuses) AS s
    CROSS JOIN json_each((
        SELECT json_group_array(rowid)
        FROM (
            SELECT rowid FROM runs WHERE site = :site AND workflow = started.workflow AND status = s.value
            ORDER BY started DESC, id DESC LIMIT :limit
        )
    )) AS newest
    CROSS JOIN runs AS r
    WHERE r.rowid = newest.value
    ORDER BY r.started DESC, r.id DESC LIMIT :limit
);

-- name: runs_of_workflow
-- The newest of each of :statuses, then the newest of those.
SELECT json_group_array(run)
FROM (
    SELECT r.rowid AS run
    FROM jsonb_each(:statuses) AS s
    CROSS JOIN json_each((
        SELECT json_group_array(rowid)
        FROM (
            SELECT rowid FROM runs WHERE site = :site AND workflow = :workflow AND status = s.value
            ORDER BY started DESC, id DESC LIMIT :limit
        )
    )) AS newest
    CROSS JOIN runs AS r
    WHERE r.rowid = newest.value
    ORDER BY r.started DESC, r.id DESC LIMIT :limit
);

-- name: show_runs
SELECT CAST(json_group_array(json_object(
    'id', r.id, 'site', r.site, 'workflow', r.workflow, 'version', r.version, 'profile', r.profile, 'key', r."key", 'status', r.status,
    'step', r.step, 'due', r.due, 'held', json(iif(r.held, 'true', 'false')), 'started', r.started, 'ended', r.ended, 'reason', r.reason,
    'state', json(r.state), 'goal_until', r.goal_until
)) AS BLOB)
FROM json_each(:rows) AS j
CROSS JOIN runs AS r
WHERE r.rowid = j.value;

-- name: delivery_by_id
SELECT json_group_array(sequence) FROM deliveries WHERE partition = 0 AND id = :delivery AND site = :site;

-- name: deliveries_of_site
SELECT json_group_array(sequence)
FROM (SELECT sequence FROM deliveries WHERE partition = 0 AND site = :site ORDER BY sequence DESC LIMIT :limit);

-- name: deliveries_of_run
SELECT json_group_array(sequence)
FROM (SELECT sequence FROM deliveries WHERE partition = 0 AND run = :run AND site = :site ORDER BY sequence DESC LIMIT :limit);

-- name: deliveries_of_profile
SELECT json_group_array(sequence)
FROM (SELECT sequence FROM deliveries WHERE partition = 0 AND site = :site AND profile = :key ORDER BY sequence DESC LIMIT :limit);

-- name: show_deliveries
SELECT CAST(json_group_array(json_object(
    'delivery', json_object(
        'id', d.id, 'site', d.site, 'effect', d.effect, 'run', d.run, 'workflow', d.workflow, 'step', d.step, 'profile', d.profile,
        'kind', d.kind, 'job', json(d.job), 'created', d.created, 'due', d.due, 'expires', d.expires, 'subscriber', d.subscriber,
        'hops', d.hops, 'attempts', json(d.attempts), 'version', d.version
    ),
    'status', iif(
        o.held OR EXISTS (
            SELECT 1 FROM holds AS h
            WHERE h.partition = 0 AND h.site = o.site AND h.workflow = o.workflow AND o.sequence > h.cursor AND o.sequence <= h.until
        ), 'held', d.status
    ), 'finished', d.finished
)) AS BLOB)
FROM json_each(:rows) AS j
CROSS JOIN deliveries AS d
LEFT JOIN outbox AS o ON o.sequence = d.sequence
WHERE d.sequence = j.value;

-- name: explanations_of_event
SELECT CAST(json_group_array(json_object('site', site, 'profile', profile, 'event', event, 'at', at, 'body', json(body))) AS BLOB)
FROM (SELECT * FROM explanations WHERE partition = 0 AND event = :event AND site = :site ORDER BY sequence LIMIT :limit);

-- name: explanations_of_profile
SELECT CAST(json_group_array(json_object('site', site, 'profile', profile, 'event', event, 'at', at, 'body', json(body))) AS BLOB)
FROM (
    SELECT * FROM explanations WHERE partition = 0 AND site = :site AND profile = :key ORDER BY at DESC, sequence DESC LIMIT :limit
);

-- name: explanations_about
-- The newest of each of :profiles, [key, …], that stand before (:at, :sequence), then the newest of those; the first, and then as many as
-- have :bytes together. In two parts, each of which begins where the index says.
SELECT CAST(json_group_array(json_object(
    'site', site, 'profile', profile, 'event', event, 'at', at, 'body', json(body), 'sequence', sequence
)) AS BLOB)
FROM (
    SELECT e.*, sum(octet_length(e.body)) OVER (ORDER BY e.at DESC, e.sequence DESC) - octet_length(e.body) AS before
    FROM jsonb_each(:profiles) AS p
    CROSS JOIN json_each((
        SELECT json_group_array(sequence)
        FROM (
            SELECT sequence, at FROM (
                SELECT sequence, at FROM explanations
                WHERE partition = 0 AND site = :site AND profile = p.value AND at = :at AND sequence < :sequence
                ORDER BY sequence DESC LIMIT :limit
            )
            UNION ALL
            SELECT sequence, at FROM (
                SELECT sequence, at FROM explanations
                WHERE partition = 0 AND site = :site AND profile = p.value AND at < :at
                ORDER BY at DESC, sequence DESC LIMIT :limit
            )
            ORDER BY at DESC, sequence DESC LIMIT :limit
        )
    )) AS newest
    CROSS JOIN explanations AS e
    WHERE e.sequence = newest.value
    ORDER BY e.at DESC, e.sequence DESC LIMIT :limit
)
WHERE before = 0 OR before + octet_length(body) <= :bytes;

-- name: counters
SELECT CAST(json_group_array(json_object(
    'version', version, 'step', step, 'name', name, 'branch', branch, 'start', start, 'count', count
)) AS BLOB)
FROM (
    SELECT * FROM counters
    WHERE partition = 0 AND site = :site AND workflow = :workflow AND period = :period AND start >= :since AND start < :until
    ORDER BY start, version, step, name, branch LIMIT :limit OFFSET :after
);

-- name: totals
-- In two parts, for a sum beyond the largest number is an error: it stays there.
SELECT CAST(json_group_array(json_object(
    'version', version, 'step', step, 'name', name, 'branch', branch, 'start', 0, 'count', count
)) AS BLOB)
FROM (
    SELECT version, step, name, branch, CAST(sum(count / 1000000) * 1000000 + sum(count % 1000000) AS INTEGER) AS count FROM counters
    WHERE partition = 0 AND site = :site AND workflow = :workflow AND period = 'day'
    GROUP BY version, step, name, branch
    ORDER BY version DESC, step, name, branch LIMIT :limit
);

-- name: poisoned
SELECT CAST(json_group_array(json_object(
    'id', id, 'site', site, 'kind', kind, 'body', json(body), 'at', at, 'error', error, 'partition', partition
)) AS BLOB)
FROM (SELECT * FROM poisoned ORDER BY at DESC, rowid DESC LIMIT :limit);

-- name: poisoned_of_site
SELECT CAST(json_group_array(json_object(
    'id', id, 'site', site, 'kind', kind, 'body', json(body), 'at', at, 'error', error, 'partition', partition
)) AS BLOB)
FROM (SELECT * FROM poisoned WHERE site = :site ORDER BY at DESC, rowid DESC LIMIT :limit);

-- name: poisoned_events_about
-- Of :profiles, [profile_id, …], or of :devices, [device_token_hash, …]: a profile that is named decides whose an event is.
SELECT CAST(json_group_array(json_object(
    'id', id, 'site', site, 'kind', kind, 'body', json(body), 'at', at, 'error', error, 'partition', partition
)) AS BLOB)
FROM (
    SELECT * FROM poisoned
    WHERE site = :site AND kind = 'event' AND iif(
        body ->> 'profile_id' IS NULL,
        body ->> 'device_token_hash' IN (SELECT value FROM jsonb_each(:devices)),
        body ->> 'profile_id' IN (SELECT value FROM jsonb_each(:profiles))
    )
    ORDER BY at DESC, rowid DESC LIMIT :limit
);

-- name: poisoned_by_id
SELECT CAST(json_group_array(json_object(
    'id', id, 'site', site, 'kind', kind, 'body', json(body), 'at', at, 'error', error, 'partition', partition
)) AS BLOB)
FROM poisoned WHERE partition = 0 AND id = :id AND site = :site;

-- name: waiting
SELECT
    (SELECT count(*) FROM inbox), (SELECT count(*) FROM outbox), (SELECT received FROM inbox ORDER BY position LIMIT 1);

-- name: lag
-- positions are given without gaps and taken in order: the entries that wait need not be counted
SELECT
    (SELECT coalesce((SELECT max(position) FROM inbox) - (SELECT min(position) FROM inbox) + 1, 0)),
    (SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT :limit)),
    (SELECT received FROM inbox ORDER BY position LIMIT 1);

-- name: waiting_events
SELECT CAST('[' || coalesce(group_concat(
    '{"position":' || position || ',"kind":' || json_quote(kind) || ',"site":' || site || ',"id":' || json_quote(id) || ',"body":' || body
    || ',"received":' || received || '}'
), '') || ']' AS BLOB)
FROM (SELECT * FROM inbox WHERE site = :site AND kind = 'event' ORDER BY position LIMIT :limit);
