-- Events: in the log, and on their way to it.

-- name: events_behind
-- Of each partition that has gone on since, where its log ends, and up to $3 of the events behind its place in $2, [place by partition, …],
-- without what they say; one row without an event where there is none.
SELECT p.partition, p.sequence AS last, l.sequence, l.log_time, l.size
FROM partitions AS p
LEFT JOIN LATERAL (
    SELECT sequence, log_time, octet_length(body) AS size FROM log
    WHERE partition = p.partition AND site = $1 AND kind = 'event' AND sequence > ($2::bigint[])[p.partition + 1]
    ORDER BY sequence LIMIT $3
) AS l ON true
WHERE p.sequence > ($2::bigint[])[p.partition + 1]
ORDER BY p.partition, l.sequence;

-- name: events_at
-- The events of the places (partition, sequence, log_time) in $2, $3 and $4.
SELECT coalesce(json_agg(json_build_object(
    'sequence', l.sequence, 'log_time', l.log_time, 'kind', l.kind, 'site', l.site, 'id', l.id, 'body', l.body::json,
    'received', l.received, 'profile', l.profile, 'partition', l.partition
) ORDER BY l.log_time, l.partition, l.sequence), '[]')
FROM unnest($2::int[], $3::bigint[], $4::bigint[]) AS place (partition, sequence, log_time)
JOIN log AS l ON l.partition = place.partition AND l.sequence = place.sequence AND l.log_time = place.log_time
WHERE l.site = $1 AND l.kind = 'event';

-- name: events_newest
-- The newest $2; the newest of them, and then as many as have $3 bytes together; and where the log of each partition ends. The partition
-- whose last event comes n-th, newest first, can have no more than $2 - n + 1 among them.
WITH heads AS MATERIALIZED (
    SELECT p.partition, p.sequence AS last, row_number() OVER (ORDER BY l.log_time DESC NULLS LAST, p.partition DESC) AS rank
    FROM partitions AS p
    LEFT JOIN LATERAL (
        SELECT log_time FROM log WHERE partition = p.partition AND site = $1 AND kind = 'event' ORDER BY sequence DESC LIMIT 1
    ) AS l ON true
),
newest AS (
    SELECT l.*, sum(octet_length(l.body)) OVER (ORDER BY l.log_time DESC, l.partition DESC, l.sequence DESC) - octet_length(l.body) AS before
    FROM heads
    JOIN partitions AS p ON p.partition = heads.partition
    CROSS JOIN LATERAL (
        SELECT * FROM log WHERE partition = p.partition AND site = $1 AND kind = 'event'
        ORDER BY sequence DESC LIMIT greatest($2 - heads.rank + 1, 0)
    ) AS l
    WHERE heads.rank <= $2
    ORDER BY l.log_time DESC, l.partition DESC, l.sequence DESC LIMIT $2
)
SELECT
    (SELECT coalesce(json_agg(json_build_object(
        'sequence', sequence, 'log_time', log_time, 'kind', kind, 'site', site, 'id', id, 'body', body::json,
        'received', received, 'profile', profile, 'partition', partition
    ) ORDER BY log_time, partition, sequence), '[]') FROM newest WHERE before = 0 OR before + octet_length(body) <= $3),
    (SELECT array_agg(last ORDER BY partition) FROM heads);

-- name: find_event
SELECT json_build_object(
    'sequence', sequence, 'log_time', log_time, 'kind', kind, 'site', site, 'id', id, 'body', body::json,
    'received', received, 'profile', profile, 'partition', partition
)
FROM log WHERE partition = ANY($1::int[]) AND id = $3 AND site = $2 AND kind = 'event'
ORDER BY log_time, partition LIMIT 1;

-- name: events_about
-- The newest of each of ($2, $3), [(partition, key), …], then the newest of those; the first, and then as many as have $5 bytes together.
SELECT coalesce(json_agg(json_build_object(
    'sequence', sequence, 'log_time', log_time, 'kind', kind, 'site', site, 'id', id, 'body', body::json,
    'received', received, 'profile', profile, 'partition', partition
) ORDER BY log_time DESC, partition DESC, sequence DESC), '[]')
FROM (
    SELECT l.*, sum(octet_length(l.body)) OVER (ORDER BY l.log_time DESC, l.partition DESC, l.sequence DESC) - octet_length(l.body) AS before
    FROM unnest($2::int[], $3::text[]) AS asked (partition, key)
    JOIN partitions AS p ON p.partition = asked.partition
    CROSS JOIN LATERAL (
        SELECT * FROM log WHERE partition = p.partition AND site = $1 AND profile = asked.key AND kind = 'event' AND profile <> ''
        ORDER BY sequence DESC LIMIT $4
    ) AS l
    ORDER BY l.log_time DESC, l.partition DESC, l.sequence DESC LIMIT $4
) AS newest
WHERE before = 0 OR before + octet_length(body) <= $5;

-- name: waiting_events
-- Those that came from outside, and those that a subscriber's home has passed on.
SELECT coalesce(json_agg(json_build_object(
    'position', position, 'kind', 'event', 'site', site, 'id', CASE WHEN passed THEN body::json ->> 'entry' ELSE id END,
    'body', CASE WHEN passed THEN body::json -> 'body' ELSE body::json END,
    'received', CASE WHEN passed THEN body::json -> 'received' ELSE to_json(received) END
) ORDER BY position), '[]')
FROM (
    SELECT i.*, i.kind = 'forward' AS passed
    FROM partitions AS p
    CROSS JOIN LATERAL (
        SELECT * FROM inbox
        WHERE partition = p.partition AND site = $1 AND (kind = 'event' OR (kind = 'forward' AND body::json ->> 'kind' = 'event'))
        ORDER BY position LIMIT $2
    ) AS i
    ORDER BY i.position LIMIT $2
) AS waiting;
