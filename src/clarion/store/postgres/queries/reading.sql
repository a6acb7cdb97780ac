-- What the console and the command line look at. What belongs to a profile is read in its partition; what is asked for by its id alone is
-- looked up in each, [partition, …].

-- name: profile
-- With what belongs to it, newest first, up to $4 of each kind.
SELECT json_build_object(
    'profile', json_build_object(
        'key', key, 'attributes', attributes::json, 'segments', segments::json, 'created', created, 'pushed', pushed::json, 'merged', merged,
        'recheck', recheck, 'offered', offered::json
    ),
    'subscribers', (
        SELECT coalesce(json_agg(json_build_object(
            'device_token_hash', device_token_hash, 'profile', profile, 'endpoint', endpoint, 'p256dh', p256dh, 'auth', auth,
            'active', active, 'created', created, 'last_active', last_active, 'facts', facts::json, 'provider', provider, 'vapid', vapid,
            'logouts', logouts
        ) ORDER BY created DESC, device_token_hash), '[]')
        FROM (
            SELECT * FROM subscribers WHERE partition = $1 AND site = $2 AND profile = $3
            ORDER BY created DESC, device_token_hash LIMIT $4
        ) AS newest
    ),
    'runs', (
        SELECT coalesce(json_agg(json_build_object(
            'id', id, 'site', site, 'workflow', workflow, 'version', version, 'profile', profile, 'key', key, 'status', status, 'step', step,
            'due', due, 'held', held, 'started', started, 'ended', ended, 'reason', reason, 'state', state::json, 'goal_until', goal_until
        ) ORDER BY started DESC, id DESC), '[]')
        FROM (
            SELECT * FROM runs WHERE partition = $1 AND site = $2 AND profile = $3 ORDER BY started DESC, id DESC LIMIT $4
        ) AS newest
    ),
    'deliveries', (
        SELECT coalesce(json_agg(json_build_object(
            'delivery', json_build_object(
                'id', d.id, 'site', d.site, 'effect', d.effect, 'run', d.run, 'workflow', d.workflow, 'step', d.step, 'profile', d.profile,
                'kind', d.kind, 'job', d.job::json, 'created', d.created, 'due', d.due, 'expires', d.expires, 'subscriber', d.subscriber,
                'hops', d.hops, 'attempts', d.attempts::json, 'version', d.version, 'partition', d.partition
            ),
            'status', CASE WHEN o.held THEN 'held' ELSE d.status END, 'finished', d.finished
        ) ORDER BY d.sequence DESC), '[]')
        FROM (
            SELECT * FROM deliveries WHERE partition = $1 AND site = $2 AND profile = $3 ORDER BY sequence DESC LIMIT $4
        ) AS d
        LEFT JOIN outbox AS o ON o.partition = $1 AND o.partition = d.partition AND o.id = d.id
    ),
    'explanations', (
        SELECT coalesce(json_agg(json_build_object(
            'site', site, 'profile', profile, 'event', event, 'at', at, 'body', body::json
        ) ORDER BY at DESC, sequence DESC), '[]')
        FROM (
            SELECT * FROM explanations WHERE partition = $1 AND site = $2 AND profile = $3 ORDER BY at DESC, sequence DESC LIMIT $4
        ) AS newest
    )
)
FROM profiles WHERE partition = $1 AND site = $2 AND key = $3;

-- name: subscriber
SELECT json_build_object(
    'device_token_hash', device_token_hash, 'profile', profile, 'endpoint', endpoint, 'p256dh', p256dh, 'auth', auth, 'active', active,
    'created', created, 'last_active', last_active, 'facts', facts::json, 'provider', provider, 'vapid', vapid, 'logouts', logouts
)
FROM subscribers WHERE partition = $1 AND site = $2 AND device_token_hash = $3;

-- name: subscribers_page
SELECT coalesce(json_agg(json_build_object(
    'device_token_hash', device_token_hash, 'profile', profile, 'endpoint', endpoint, 'p256dh', p256dh, 'auth', auth, 'active', active,
    'created', created, 'last_active', last_active, 'facts', facts::json, 'provider', provider, 'vapid', vapid, 'logouts', logouts
) ORDER BY device_token_hash), '[]')
FROM (
    SELECT * FROM subscribers WHERE partition = $1 AND site = $2 AND device_token_hash > $3 ORDER BY site, device_token_hash LIMIT $4
) AS page;

-- name: subscribers_of
-- Of $3, [key, …] without repeats.
SELECT coalesce(json_agg(json_build_object(
    'device_token_hash', s.device_token_hash, 'profile', s.profile, 'endpoint', s.endpoint, 'p256dh', s.p256dh, 'auth', s.auth,
    'active', s.active, 'created', s.created, 'last_active', s.last_active, 'facts', s.facts::json, 'provider', s.provider, 'vapid', s.vapid,
    'logouts', s.logouts
) ORDER BY s.device_token_hash), '[]')
FROM unnest($3::text[]) AS p(key)
CROSS JOIN LATERAL (SELECT * FROM subscribers WHERE partition = $1 AND site = $2 AND profile = p.key OFFSET 0) AS s;

-- name: subscriber_profile
SELECT profile FROM subscribers WHERE partition = $1 AND site = $2 AND device_token_hash = $3;

-- name: run
SELECT json_build_object(
    'id', id, 'site', site, 'workflow', workflow, 'version', version, 'profile', profile, 'key', key, 'status', status, 'step', step,
    'due', due, 'held', held, 'started', started, 'ended', ended, 'reason', reason, 'state', state::json, 'goal_until', goal_until
)
FROM runs WHERE partition = ANY($1::int[]) AND id = $2 LIMIT 1;

-- name: runs
-- The newest of each partition, workflow ($2; each of the site's where it is null) and status ($3), then the newest of those. Of those whose
-- newest comes n-th no more than $4 - n + 1 can be among them, and none that is older than the last of $4 newest ones: no index by site
-- alone has to be kept for it.
WITH heads AS MATERIALIZED (
    SELECT p.partition, w.workflow, s.status, r.started, r.id
    FROM partitions AS p
    CROSS JOIN unnest(CASE WHEN $2::text IS NULL THEN ARRAY(SELECT workflow FROM workflows WHERE site = $1) ELSE ARRAY[$2] END) AS w (workflow)
    CROSS JOIN unnest($3::text[]) AS s (status)
    CROSS JOIN LATERAL (
        SELECT started, id FROM runs
        WHERE partition = p.partition AND site = $1 AND workflow = w.workflow AND status = s.status
        ORDER BY started DESC, id DESC LIMIT 1
    ) AS r
    ORDER BY r.started DESC, r.id DESC LIMIT $4
)
SELECT coalesce(json_agg(json_build_object(
    'id', id, 'site', site, 'workflow', workflow, 'version', version, 'profile', profile, 'key', key, 'status', status, 'step', step,
    'due', due, 'held', held, 'started', started, 'ended', ended, 'reason', reason, 'state', state::json, 'goal_until', goal_until
) ORDER BY started DESC, id DESC), '[]')
FROM (
    SELECT r.*
    FROM (SELECT *, row_number() OVER (ORDER BY started DESC, id DESC) AS rank FROM heads) AS ranked
    JOIN partitions AS p ON p.partition = ranked.partition
    CROSS JOIN LATERAL (
        SELECT * FROM runs
        WHERE partition = p.partition AND site = $1 AND workflow = ranked.workflow AND status = ranked.status
            AND started >= (SELECT CASE WHEN count(*) < $4 THEN 0 ELSE min(started) END FROM heads)
        ORDER BY started DESC, id DESC LIMIT $4 - ranked.rank + 1
    ) AS r
    ORDER BY r.started DESC, r.id DESC LIMIT $4
) AS newest;

-- name: explanations
SELECT coalesce(json_agg(json_build_object(
    'site', site, 'profile', profile, 'event', event, 'at', at, 'body', body::json
) ORDER BY at, partition, sequence), '[]')
FROM (
    SELECT * FROM explanations WHERE partition = ANY($1::int[]) AND event = $3 AND site = $2 ORDER BY at, partition, sequence LIMIT $4
) AS first;

-- name: explanations_about
-- The newest of each of ($2, $3), [(partition, key), …], that stand before ($4, $5), then the newest of those; the first, and then as many as
-- have $7 bytes together.
SELECT coalesce(json_agg(json_build_object(
    'site', site, 'profile', profile, 'event', event, 'at', at, 'body', body::json, 'sequence', sequence
) ORDER BY at DESC, sequence DESC), '[]')
FROM (
    SELECT e.*, sum(octet_length(e.body)) OVER (ORDER BY e.at DESC, e.sequence DESC) - octet_length(e.body) AS before
    FROM unnest($2::int[], $3::text[]) AS asked (partition, key)
    JOIN partitions AS p ON p.partition = asked.partition
    CROSS JOIN LATERAL (
        SELECT * FROM explanations
        WHERE partition = p.partition AND site = $1 AND profile = asked.key AND (at, sequence) < ($4::bigint, $5::bigint)
        ORDER BY at DESC, sequence DESC LIMIT $6
    ) AS e
    ORDER BY e.at DESC, e.sequence DESC LIMIT $6
) AS newest
WHERE before = 0 OR before + octet_length(body) <= $7;

-- name: delivery
SELECT json_build_object(
    'delivery', json_build_object(
        'id', d.id, 'site', d.site, 'effect', d.effect, 'run', d.run, 'workflow', d.workflow, 'step', d.step, 'profile', d.profile,
        'kind', d.kind, 'job', d.job::json, 'created', d.created, 'due', d.due, 'expires', d.expires, 'subscriber', d.subscriber,
        'hops', d.hops, 'attempts', d.attempts::json, 'version', d.version, 'partition', d.partition
    ),
    'status', CASE WHEN o.held THEN 'held' ELSE d.status END, 'finished', d.finished
)
FROM deliveries AS d
LEFT JOIN outbox AS o ON o.partition = d.partition AND o.id = d.id
WHERE d.partition = ANY($1::int[]) AND d.id = $3 AND d.site = $2 LIMIT 1;

-- name: deliveries_of_run
SELECT coalesce(json_agg(json_build_object(
    'delivery', json_build_object(
        'id', d.id, 'site', d.site, 'effect', d.effect, 'run', d.run, 'workflow', d.workflow, 'step', d.step, 'profile', d.profile,
        'kind', d.kind, 'job', d.job::json, 'created', d.created, 'due', d.due, 'expires', d.expires, 'subscriber', d.subscriber,
        'hops', d.hops, 'attempts', d.attempts::json, 'version', d.version, 'partition', d.partition
    ),
    'status', CASE WHEN o.held THEN 'held' ELSE d.status END, 'finished', d.finished
) ORDER BY d.sequence DESC), '[]')
FROM (
    SELECT * FROM deliveries WHERE partition = ANY($1::int[]) AND run = $3 AND site = $2 ORDER BY sequence DESC LIMIT $4
) AS d
LEFT JOIN outbox AS o ON o.partition = d.partition AND o.id = d.id;

-- name: deliveries_of_site
-- The newest of each partition, then the newest of those; none that is older than the last of $2 newest ones can be among them.
WITH heads AS MATERIALIZED (
    SELECT p.partition, d.sequence
    FROM partitions AS p
    CROSS JOIN LATERAL (
        SELECT sequence FROM deliveries WHERE partition = p.partition AND site = $1 ORDER BY sequence DESC LIMIT 1
    ) AS d
    ORDER BY d.sequence DESC LIMIT $2
)
SELECT coalesce(json_agg(json_build_object(
    'delivery', json_build_object(
        'id', d.id, 'site', d.site, 'effect', d.effect, 'run', d.run, 'workflow', d.workflow, 'step', d.step, 'profile', d.profile,
        'kind', d.kind, 'job', d.job::json, 'created', d.created, 'due', d.due, 'expires', d.expires, 'subscriber', d.subscriber,
        'hops', d.hops, 'attempts', d.attempts::json, 'version', d.version, 'partition', d.partition
    ),
    'status', CASE WHEN o.held THEN 'held' ELSE d.status END, 'finished', d.finished
) ORDER BY d.sequence DESC), '[]')
FROM (
    SELECT d.*
    FROM heads
    JOIN partitions AS p ON p.partition = heads.partition
    CROSS JOIN LATERAL (
        SELECT * FROM deliveries
        WHERE partition = p.partition AND site = $1 AND sequence >= (SELECT CASE WHEN count(*) < $2 THEN 0 ELSE min(sequence) END FROM heads)
        ORDER BY sequence DESC LIMIT $2
    ) AS d
    ORDER BY d.sequence DESC LIMIT $2
) AS d
LEFT JOIN outbox AS o ON o.partition = d.partition AND o.id = d.id;

-- name: counters
-- The earliest of each partition, then the earliest of those: of what is among these in a partition, nothing is left out there. A sum beyond
-- the largest number stays there.
SELECT coalesce(json_agg(json_build_object(
    'version', version, 'step', step, 'name', name, 'branch', branch, 'start', start,
    'count', least(greatest(count, -9223372036854775808), 9223372036854775807)
) ORDER BY start, version, step, name, branch), '[]')
FROM (
    SELECT c.start, c.version, c.step, c.name, c.branch, sum(c.count) AS count
    FROM partitions AS p
    CROSS JOIN LATERAL (
        SELECT * FROM counters
        WHERE partition = p.partition AND site = $1 AND workflow = $2 AND period = $3 AND start >= $4 AND start < $5
        ORDER BY start, version, step, name, branch LIMIT $6
    ) AS c
    GROUP BY c.start, c.version, c.step, c.name, c.branch
    ORDER BY c.start, c.version, c.step, c.name, c.branch LIMIT $6
) AS summed;

-- name: totals
SELECT coalesce(json_agg(json_build_object(
    'version', version, 'step', step, 'name', name, 'branch', branch, 'start', 0,
    'count', least(greatest(count, -9223372036854775808), 9223372036854775807)
) ORDER BY version, step, name, branch), '[]')
FROM (
    SELECT version, step, name, branch, sum(count) AS count FROM counters
    WHERE partition = ANY($1::int[]) AND site = $2 AND workflow = $3 AND period = 'day'
    GROUP BY version, step, name, branch
    ORDER BY version DESC, step, name, branch LIMIT $4
) AS summed;

-- name: poisoned
SELECT coalesce(json_agg(json_build_object(
    'id', id, 'site', site, 'kind', kind, 'body', body::json, 'at', at, 'error', error, 'partition', partition
) ORDER BY at DESC, sequence DESC), '[]')
FROM (SELECT * FROM poisoned ORDER BY at DESC, sequence DESC LIMIT $1) AS newest;

-- name: poisoned_of_site
SELECT coalesce(json_agg(json_build_object(
    'id', id, 'site', site, 'kind', kind, 'body', body::json, 'at', at, 'error', error, 'partition', partition
) ORDER BY at DESC, sequence DESC), '[]')
FROM (SELECT * FROM poisoned WHERE site = $1 ORDER BY at DESC, sequence DESC LIMIT $2) AS newest;

-- name: poisoned_events_about
-- Of $2, [profile_id, …], or of $3, [device_token_hash, …]: a profile that is named decides whose an event is. Those too that a subscriber's
-- home has passed on.
SELECT coalesce(json_agg(json_build_object(
    'id', id, 'site', site, 'kind', 'event', 'body', event, 'at', at, 'error', error, 'partition', partition
) ORDER BY at DESC, sequence DESC), '[]')
FROM (
    SELECT CASE p.kind WHEN 'forward' THEN p.body::json ->> 'entry' ELSE p.id END AS id, p.site, e.event, p.at, p.error, p.partition, p.sequence
    FROM poisoned AS p
    CROSS JOIN LATERAL (SELECT CASE p.kind WHEN 'forward' THEN p.body::json -> 'body' ELSE p.body::json END AS event) AS e
    WHERE p.site = $1 AND (p.kind = 'event' OR (p.kind = 'forward' AND p.body::json ->> 'kind' = 'event'))
        AND CASE WHEN e.event ->> 'profile_id' IS NULL
            THEN e.event ->> 'device_token_hash' = ANY($3::text[])
            ELSE e.event ->> 'profile_id' = ANY($2::text[])
        END
    ORDER BY p.at DESC, p.sequence DESC LIMIT $4
) AS newest;

-- name: poisoned_input
SELECT json_build_object(
    'id', id, 'site', site, 'kind', kind, 'body', body::json, 'at', at, 'error', error, 'partition', partition
)
FROM poisoned WHERE partition = ANY($1::int[]) AND id = $3 AND site = $2
ORDER BY at DESC, sequence DESC LIMIT 1;
